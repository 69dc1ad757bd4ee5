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


def hide_from_sprite_layers(scene: Any, clip: Any, mark: str) -> None:
    """Keep a new clip's collection out of the view layers that show one sprite of another clip (marked by a
    property)."""
    for layer in scene.view_layers:
        if mark in layer:
            for child in layer.layer_collection.children:
                if child.collection == clip:
                    child.exclude = True


def exclude(layer: Any, collection: Any) -> None:
    """Exclude a collection, wherever it is, from a view layer."""
    waiting = list(layer.layer_collection.children)
    while waiting:
        child = waiting.pop()
        if child.collection == collection:
            child.exclude = True
        waiting.extend(child.children)
