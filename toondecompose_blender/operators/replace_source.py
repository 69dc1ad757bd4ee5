"""Replace Source: the composited scene of imported sprites takes the strip's place, and the strip is muted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError

from .. import results, running, sequencer, versions
from ..scene import view_layers
from ..scene.naming import SPRITE, scene_roots

# knots of the curve between 0 and 1; with 32 of them Blender's spline is closer than its own table of 256 values
_CURVE_POINTS = 32


class TOONDECOMPOSE_OT_replace_source(bpy.types.Operator):
    bl_idname = "toondecompose.replace_source"
    bl_label = "Replace Source"
    bl_description = ("Put the scene of the imported sprites above the strip they came from, with its trims, and mute "
                      "that strip")
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        entry = results.active(versions.sequencer_scene(context))
        if entry is None:
            cls.poll_message_set("Decompose a strip first")
        elif imported_scene(versions.sequencer_scene(context), entry) is None:
            cls.poll_message_set("Import the sprites into a new scene first")
            return False
        return entry is not None

    def execute(self, context: Any) -> set[str]:
        scene = versions.sequencer_scene(context)
        entry = results.active(scene)
        try:
            replace_source(scene, entry, imported_scene(scene, entry))
        except UserError as error:
            running.board.notice = error.sentence
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return {"FINISHED"}


def imported_scene(sequencer_scene: Any, entry: Any) -> Any | None:
    """The newest scene that the result was imported into, not counting the Sequencer's own."""
    folder = results.folder_of(entry)
    found = [scene for scene in bpy.data.scenes if scene != sequencer_scene and _roots(scene, folder)]
    return max(found, key=lambda scene: scene.session_uid, default=None)


def _roots(scene: Any, folder: Path) -> list[Any]:
    return [root for root in scene_roots(scene) if results.same_folder(root.get("td_folder", ""), folder)]


def replace_source(scene: Any, entry: Any, composited: Any) -> Any:
    """Add the scene strip -> it. UserError when the source is gone or there is no room above it."""
    source = sequencer.source_strip(scene, entry)
    if source is None:
        raise UserError(f"The strip “{entry.strip}” is not in the Sequencer any more; add the scene "
                        f"“{composited.name}” with Add > Scene instead.")
    strips = versions.top_strips(scene.sequence_editor)
    left, right = versions.strip_handles(source)
    channel = sequencer.free_channels(strips, source.channel + 1, 1, left, right)
    strip = strips.new_scene(name=f"{entry.strip} Sprites", scene=composited, channel=channel,
                             frame_start=sequencer.start_frame(entry, source))
    versions.set_strip_handles(strip, left, right)
    sequencer.copy_placing(source, strip)
    strip.blend_type = "ALPHA_OVER"
    roots = _roots(composited, results.folder_of(entry))
    if any(root.get("td_colour") == "RAW" for root in roots):
        keep_display_values(scene, strip)
    _preview_everything(strip, roots)
    source.mute = True
    return strip


def _preview_everything(strip: Any, roots: list[Any]) -> None:
    """Let the Sequencer's preview show the sprites; the final render goes through the compositor anyhow.

    It draws a scene strip as solid shading would, where planes are grey, and one view layer, which would be a sprite's.
    """
    shading = strip.scene.display.shading
    shading.light, shading.color_type = "FLAT", "TEXTURE"
    layers = [layer for layer in strip.scene.view_layers if SPRITE not in layer]
    clips = [collection for root in roots for collection in root.users_collection]
    whole = [layer for layer in layers if not any(view_layers.is_excluded(layer, clip) for clip in clips)]
    versions.preview_view_layer(strip, (whole or layers)[0])


def keep_display_values(scene: Any, strip: Any) -> None:
    """Undo what the Sequencer does to a Raw scene: it takes the display values for scene-linear ones and encodes them.

    A curve from the encoded value back to the display value; measured error 0 of 255 on all values.
    """
    modifier = versions.new_strip_modifier(scene, strip, "Display Values", "CURVES")
    mapping = modifier.curve_mapping
    mapping.extend = "EXTRAPOLATED"
    points = mapping.curves[-1].points  # the combined curve, after red, green and blue
    for i in range(1, _CURVE_POINTS):
        points.new(i / _CURVE_POINTS, _linear(i / _CURVE_POINTS))
    mapping.update()


def _linear(value: float) -> float:
    """sRGB's transfer function: display value 0..1 -> scene-linear."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_replace_source,))
