"""How an imported clip joins a scene: view layers, the compositor, settings that stay; and back again on failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from toondecompose.formats.result import Result

from .. import versions
from . import compositor, view_layers
from .naming import SPRITE, key_of

# what a camera sees of these is drawn into a picture
_SEEN = {"MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "VOLUME", "POINTCLOUD", "GPENCIL", "GREASEPENCIL"}


@contextmanager
def unchanged_on_failure(context: Any) -> Iterator[None]:
    """Remove every data-block, view layer and node that was made inside, should anything fail there."""
    kept = {name: set(getattr(bpy.data, name)) for name in _collections()}
    scene, layer = context.scene, context.view_layer
    used = {layer.name: layer.use for layer in scene.view_layers}
    active, transparent = scene.camera, scene.render.film_transparent
    tree = versions.compositor_tree(scene) if versions.has_compositor(scene) else None
    nodes, shown = set(tree.nodes) if tree else set(), compositor.shown_socket(tree)
    try:
        yield
    except BaseException:
        if context.window:
            context.window.scene, context.window.view_layer = scene, layer
        versions.set_compositor_tree(scene, tree)
        compositor.take_back(scene, tree, nodes, shown)
        scene.camera, scene.render.film_transparent = active, transparent
        for layer in [layer for layer in scene.view_layers if layer.name not in used]:
            scene.view_layers.remove(layer)
        for layer in scene.view_layers:
            layer.use = used[layer.name]
        bpy.data.batch_remove([block for name, before in kept.items() for block in getattr(bpy.data, name)
                               if block not in before])
        raise


def _collections() -> list[str]:
    return [p.identifier for p in bpy.data.bl_rna.properties if p.type == "COLLECTION"]


def fit_in(scene: Any, result: Result, shot: Any, warnings: list[str]) -> None:
    """Join a scene that has its own settings: they stay, and differences are told."""
    clip = result.clip
    if scene.camera is None:
        scene.camera = shot
    else:
        warnings.append(f"The scene keeps its camera “{scene.camera.name}”; the clip's own is “{shot.name}”.")
    size = (scene.render.resolution_x, scene.render.resolution_y)
    if size != tuple(clip.size):
        warnings.append(f"The scene renders {size[0]} x {size[1]} px, the clip has {clip.size[0]} x {clip.size[1]} px.")
    fps = scene.render.fps / scene.render.fps_base
    if abs(fps - clip.fps) > 1e-3:
        warnings.append(f"The scene plays {fps:g} frames per second, the clip was made for {clip.fps:g}.")
    if scene.render.use_sequencer and _strips(scene):
        warnings.append("The scene has strips, which are rendered instead of its sprites; turn off Sequencer under "
                        "Post Processing in the output properties to render the sprites.")


def _strips(scene: Any) -> bool:
    editor = scene.sequence_editor
    return editor is not None and len(versions.top_strips(editor)) > 0


def hide_from_sprite_layers(scene: Any, clip: Any) -> None:
    """Keep a new clip's collection out of the view layers that show one sprite of another clip."""
    for layer in scene.view_layers:
        if SPRITE in layer:
            view_layers.exclude(layer, clip)


def stack(scene: Any, clip: Any, planes: list[Any], warnings: list[str]) -> Any:
    """A view layer per sprite (planes, back to front), and nodes that put them over what the scene showed before.

    clip: the clip's collection. Returns the view layer to work in: it shows everything and is not rendered.
    """
    rendered = [layer for layer in scene.view_layers if layer.use and SPRITE not in layer]
    others = _others(scene, clip)
    composited = versions.has_compositor(scene)
    layers = {}
    for plane in planes:
        layer = view_layers.new_view_layer(scene, plane.name, clip, plane.users_collection[0])
        layer[SPRITE] = key_of(plane)
        layers[key_of(plane)] = layer.name
    source = compositor.render_layer(scene, layers)
    if not scene.render.film_transparent:
        scene.render.film_transparent = True
        warnings.append("The film of the scene is transparent now, which stacked sprites need.")
    loose = [obj.name for obj in scene.collection.objects if obj.type in _SEEN and not obj.hide_render]
    if loose:
        warnings.append(f"“{loose[0]}” is in no collection but the scene's own, so every sprite's view layer shows it; "
                        "move it into a collection.")
    if not composited and not others:
        for layer in rendered:
            layer.use = False  # it stays for working in the viewport; the sprites' own layers are rendered
        compositor.build(scene, clip.name, list(layers), source)
        return scene.view_layers[0]
    if not composited:
        compositor.show_layer(scene, rendered[0])
    compositor.append(scene, clip.name, list(layers), source)
    for layer in rendered:
        view_layers.exclude(layer, clip)  # else the sprites are in the picture twice
    return _working_layer(scene, clip)


def _others(scene: Any, clip: Any) -> list[Any]:
    """What the scene's picture shows besides a new clip."""
    own = set(clip.all_objects)
    return [obj for obj in scene.objects if obj not in own and obj.type in _SEEN and not obj.hide_render]


def _working_layer(scene: Any, clip: Any) -> Any:
    """A view layer that shows everything and is never rendered: an earlier import's, or a new one."""
    for layer in scene.view_layers:
        if not layer.use and not view_layers.is_excluded(layer, clip):
            return layer
    layer = scene.view_layers.new("Working")
    layer.use = False
    return layer
