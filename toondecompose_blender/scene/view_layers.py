"""One view layer per sprite, so that each is rendered alone and the compositor decides their order."""

from __future__ import annotations

from typing import Any


def new_view_layer(scene: Any, name: str, clip: Any, own: Any) -> Any:
    """A view layer that shows one collection of the clip's collection, and what the clip's collection itself holds."""
    layer = scene.view_layers.new(name)
    for child in layer.layer_collection.children:
        if child.collection != clip:
            child.exclude = True
            continue
        for sprite in child.children:
            sprite.exclude = sprite.collection != own
    # nothing but the picture: passes that nobody reads cost memory and time
    layer.use_pass_z = False
    return layer


def new_view_layer_of(scene: Any, own: Any, clip: Any) -> Any:
    """A view layer that shows one collection, wherever it is, and what a clip's collection itself holds: its camera."""
    layer = scene.view_layers.new(own.name)
    _show_only(layer.layer_collection, own, clip)
    layer.use_pass_z = False
    return layer


def _show_only(parent: Any, own: Any, clip: Any) -> None:
    for child in parent.children:
        if child.collection == clip or own in list(child.collection.children_recursive):
            _show_only(child, own, clip)
        elif child.collection != own:
            child.exclude = True


def exclude(layer: Any, collection: Any) -> None:
    """Exclude a collection, wherever it is, from a view layer."""
    for child in _found(layer, collection):
        child.exclude = True


def is_excluded(layer: Any, collection: Any) -> bool:
    """Whether a view layer does not show a collection anywhere."""
    return all(child.exclude for child in _found(layer, collection))


def _found(layer: Any, collection: Any) -> list[Any]:
    """Where a collection stands in a view layer."""
    waiting, found = list(layer.layer_collection.children), []
    while waiting:
        child = waiting.pop()
        if child.collection == collection:
            found.append(child)
        waiting.extend(child.children)
    return found
