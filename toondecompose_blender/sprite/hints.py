"""Annotation strokes as hints for the backend.

A stroke belongs to the sprite that its annotation layer is named after (one layer, and so one colour, per sprite),
and to the frame that it was drawn on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from toondecompose.formats.errors import UserError

from .. import versions

NEW = "new"  # a layer of this name marks something that nothing found yet
_SMALLEST_RADIUS_PX = 1.0

# (x, y, z) of a stroke's point, the stroke's display mode -> (x, y) in frame px (edge coordinates), or None if it
# has none
ToFrame = Callable[[tuple[float, float, float], str], tuple[float, float] | None]


def hints_from_layers(layers: Iterable[tuple[Any, str]], sprites: list[str], first: int, count: int,
                      to_frame: ToFrame) -> list[dict[str, Any]]:
    """Annotation layers -> scribble hints. sprites: names, back to front. first: frame number of clip frame 0.

    layers: each with the display mode that its strokes have where Blender does not tell.
    UserError for a layer without a sprite, and when there is no stroke on any frame of the clip.
    """
    hints: list[dict[str, Any]] = []
    for layer, usual in layers:
        if getattr(layer, "annotation_hide", False):
            continue
        sprite = _sprite_of(layer.info, sprites)
        radius = max(_SMALLEST_RADIUS_PX, layer.thickness / 2)
        for frame in layer.frames:
            t = frame.frame_number - first
            if not 0 <= t < count:
                continue
            for stroke in frame.strokes:
                mode = versions.stroke_mode(stroke, usual)
                places = [to_frame(tuple(point.co), mode) for point in stroke.points]
                points = [[round(x, 3), round(y, 3)] for x, y in (place for place in places if place is not None)]
                if points:
                    hints.append({"kind": "scribble", "sprite": sprite, "frame": t, "points": points, "radius": radius})
    if not hints:
        raise UserError(f"There is no annotation on the frames {first} to {first + count - 1}; draw a stroke over a "
                        "sprite, on an annotation layer with the sprite's name.")
    return hints


def _sprite_of(layer: str, sprites: list[str]) -> int:
    name = layer.strip().casefold()
    for index, sprite in enumerate(sprites):
        if sprite.casefold() == name:
            return index
    if name == NEW:
        return len(sprites)
    known = ", ".join(f"“{sprite}”" for sprite in sprites)
    raise UserError(f"The annotation layer “{layer}” has no sprite's name; rename it to {known}, or “{NEW}” for "
                    "one that was not found.")


def preview_to_frame(scene_size: tuple[int, int], clip_size: tuple[int, int]) -> ToFrame:
    """For strokes over the Sequencer's preview, whose middle is (0, 0), y up, in the scene's px. The clip fills the
    scene's frame as well as it fits, as strips do when they are added."""
    scale = min(scene_size[0] / clip_size[0], scene_size[1] / clip_size[1])

    def to_frame(co: tuple[float, float, float], mode: str) -> tuple[float, float] | None:
        if mode != "2DSPACE":
            return None
        return co[0] / scale + clip_size[0] / 2, clip_size[1] / 2 - co[1] / scale

    return to_frame


def camera_to_frame(scene: Any, camera: Any, clip_size: tuple[int, int]) -> ToFrame:
    """For strokes in the 3D view, seen by the clip's camera."""
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    def to_frame(co: tuple[float, float, float], mode: str) -> tuple[float, float] | None:
        if mode != "3DSPACE":
            return None
        view = world_to_camera_view(scene, camera, Vector(co))
        return view.x * clip_size[0], (1 - view.y) * clip_size[1]

    return to_frame
