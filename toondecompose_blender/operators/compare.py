"""Compare with Source, and the overlay of what the engine could not resolve."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from toondecompose.formats.errors import UserError, sentence_for_os_error

from ..sprite import compare, drawings, unresolved
from .sprite_base import ClipOperator


class TOONDECOMPOSE_OT_compare(ClipOperator, bpy.types.Operator):
    bl_idname = "toondecompose.compare"
    bl_label = "Compare with Source"
    bl_description = "Render the current frame, or all, and show how far it is from the source: difference x 8 and PSNR"
    bl_options = {"REGISTER"}

    every: bpy.props.BoolProperty(name="All Frames", default=False,
                                  description="Every frame; the differences are saved in the result's folder")
    directory: bpy.props.StringProperty(name="Source", subtype="DIR_PATH",
                                        description="Folder of the source frames. Empty: the ones that were decomposed")

    def act(self, context: Any, root: Any) -> str:
        sources = compare.source_files(root, self.directory)
        first = int(root["td_frame_start"])
        frames = list(range(first, first + len(sources))) if self.every else [context.scene.frame_current]
        folder = drawings.result_folder(root) / compare.COMPARED
        found = []
        context.window_manager.progress_begin(0, len(frames))
        try:
            for comparison in compare.compare(context, root, frames, sources):
                image = compare.show_difference(root, comparison)
                if self.every:
                    compare.save_difference(image, folder / f"{comparison.frame:04d}.png")
                found.append((comparison.psnr_db, comparison.frame, comparison.worst))
                context.window_manager.progress_update(len(found))
        except OSError as error:
            raise UserError(sentence_for_os_error(error, "written", folder)) from error
        finally:
            context.window_manager.progress_end()
        _show(context, image)
        lowest, frame, worst = min(found)
        root["td_psnr"], root["td_psnr_frame"] = min(lowest, 999.0), frame
        if len(found) == 1:
            return rpt_("Frame {}: PSNR {:.1f} dB, largest difference {} of 255").format(frame, lowest, worst)
        mean = sum(p for p, _, _ in found) / len(found)
        return rpt_("PSNR {:.1f} dB on average, {:.1f} dB on frame {}; the differences are in “{}”").format(
            mean, lowest, frame, folder)


def _show(context: Any, image: Any) -> None:
    """Show a picture in an Image Editor, in a window of its own where none is open."""
    areas = [area for window in context.window_manager.windows for area in window.screen.areas]
    open_editors = [area for area in areas if area.type == "IMAGE_EDITOR" and area.ui_type == "IMAGE_EDITOR"]
    if not open_editors and not bpy.app.background:
        bpy.ops.wm.window_new()
        area = context.window_manager.windows[-1].screen.areas[0]
        area.ui_type = "IMAGE_EDITOR"
        open_editors = [area]
    for area in open_editors:
        area.spaces.active.image = image


class TOONDECOMPOSE_OT_show_unresolved(ClipOperator, bpy.types.Operator):
    bl_idname = "toondecompose.show_unresolved"
    bl_label = "Show Unresolved"
    bl_description = "Lay the map of what the engine could not explain over the camera's view, or take it away again"

    def act(self, context: Any, root: Any) -> str:
        camera = unresolved.toggle(root)
        if camera is None or camera == context.scene.camera:
            return ""
        return rpt_("It is seen through the clip's own camera, “{}”").format(camera.name)


CLASSES = (TOONDECOMPOSE_OT_compare, TOONDECOMPOSE_OT_show_unresolved)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
