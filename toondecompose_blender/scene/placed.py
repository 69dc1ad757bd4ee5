"""The second way into the compositor, with no 3D: every sprite's placed frames as an image sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError
from toondecompose.formats.result import read_result, result_folder

from .. import sequencer
from . import camera, compositor, materials
from .importer import Imported, relative_path
from .joining import unchanged_on_failure


def import_placed(context: Any, folder: str | Path, colour: str = "RAW") -> Imported:
    """A new scene whose compositor stacks the placed frames of a result's sprites. The frames must have been placed
    before (Add to Sequencer, or the command `toondecompose place`). UserError says what is missing; then nothing was
    changed."""
    result = read_result(folder)
    folder = result_folder(folder)
    if not sequencer.is_placed(folder):
        raise UserError(f"The frames of “{result.clip.name}” were not placed yet; add its sprites to the "
                        "Sequencer once.")
    layers = sequencer.layers_of(folder, result)
    clip = result.clip
    with unchanged_on_failure(context):
        scene = bpy.data.scenes.new(clip.name)
        camera.match_clip(scene, clip.size, clip.fps, clip.frame_start, clip.frame_start + clip.frame_count - 1)
        camera.exact_render(scene, colour)
        by_name = _named(layers)
        compositor.build(scene, clip.name, list(by_name), _sequence(by_name, clip.frame_start, colour))
        if context.window:
            context.window.scene = scene
        return Imported(scene, None, None, None)


def _named(layers: list[sequencer.Layer]) -> dict[str, sequencer.Layer]:
    """The layers by names of their own: two planes may have the same."""
    named: dict[str, sequencer.Layer] = {}
    for layer in layers:
        named[layer.name if layer.name not in named else f"{layer.name} {layer.index}"] = layer
    return named


def _sequence(layers: dict[str, sequencer.Layer], frame_start: int, colour: str) -> Any:
    def source(tree: Any, sprite: str) -> tuple[Any, Any]:
        layer = layers[sprite]
        node = tree.nodes.new("CompositorNodeImage")
        node.name = compositor.node_name("Frames", sprite)
        image = materials.load_drawings(layer.files[0], f"{sprite} frames", colour)
        image.filepath = relative_path(layer.files[0])
        node.image = image
        # file number = scene frame - frame_start + 1 + offset, and placed frames count from 0
        node.frame_duration, node.frame_start = len(layer.files), frame_start
        node.frame_offset = int(layer.files[0].stem) - 1
        node.use_auto_refresh = True
        return node, node.outputs["Image"]
    return source


