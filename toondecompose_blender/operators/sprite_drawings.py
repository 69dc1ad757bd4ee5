"""Operators for a sprite's drawings as files, and for whole sprites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy_extras.io_utils import ImportHelper

from .. import results
from ..scene.naming import clip_root
from ..sprite import depth, drawings, motion, sheet
from ..sprite.duplicate import duplicate
from ..sprite.timing import read_sheet, source_of, write_sheet
from ..text import plural
from .import_result import TOLERANCE
from .sprite_base import ClipOperator, SpriteOperator, chosen_sprites


class TOONDECOMPOSE_OT_drawing_add(SpriteOperator, bpy.types.Operator, ImportHelper):
    bl_idname = "toondecompose.drawing_add"
    bl_label = "Add Drawing"
    bl_description = "Add a PNG picture of the sprite's canvas as a new drawing, and expose it on the current frame"

    filename_ext = ".png"
    filter_glob: bpy.props.StringProperty(default="*.png", options={"HIDDEN"})
    expose: bpy.props.BoolProperty(name="Expose", default=True, description="Show it from the current frame on")

    def act(self, context: Any, sprite: Any) -> str:
        number = drawings.add_drawing(sprite, Path(bpy.path.abspath(self.filepath)))
        if self.expose:
            source = source_of(sprite)
            frame = source.playhead(context.scene.frame_current_final)
            write_sheet(source, sheet.expose(read_sheet(source), frame, number))
        return rpt_("Added drawing {}").format(number)


class TOONDECOMPOSE_OT_drawing_replace(SpriteOperator, bpy.types.Operator, ImportHelper):
    bl_idname = "toondecompose.drawing_replace"
    bl_label = "Replace Drawing"
    bl_description = "Show a PNG picture wherever the drawing of the current frame is shown. The old file stays"

    filename_ext = ".png"
    filter_glob: bpy.props.StringProperty(default="*.png", options={"HIDDEN"})
    number: bpy.props.IntProperty(name="Drawing", default=0, min=0, description="0 for the one of the current frame")

    def act(self, context: Any, sprite: Any) -> str:
        source = source_of(sprite)
        old = self.number or read_sheet(source).at(source.action_frame(context.scene.frame_current_final))
        new = drawings.add_drawing(sprite, Path(bpy.path.abspath(self.filepath)))
        write_sheet(source, sheet.replace(read_sheet(source), old, new))
        return rpt_("Drawing {} is shown instead of {}").format(new, old)


class TOONDECOMPOSE_OT_relink(ClipOperator, bpy.types.Operator):
    bl_idname = "toondecompose.relink"
    bl_label = "Relink Drawings"
    bl_description = "Find the drawings of a result that was moved: choose its folder"

    directory: bpy.props.StringProperty(subtype="DIR_PATH")

    def invoke(self, context: Any, event: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: Any, root: Any) -> str:
        old = drawings.result_folder(root)
        count = drawings.relink(root, self.directory)
        results.move(old, drawings.result_folder(root))
        return plural(count, "Found the drawings of {} sprite", "Found the drawings of {} sprites")


class TOONDECOMPOSE_OT_sprite_duplicate(SpriteOperator, bpy.types.Operator):
    bl_idname = "toondecompose.sprite_duplicate"
    bl_label = "Duplicate Sprite"
    bl_description = "Copy the sprite in front of itself, with drawings shared and timing of its own"

    def act(self, context: Any, sprite: Any) -> str:
        copy = duplicate(context.scene, sprite)
        root = clip_root(copy)
        if root is not None:
            depth.set_spacing(root, depth.spacing(root))
        for obj in context.selected_objects:
            obj.select_set(False)
        if copy.name in context.view_layer.objects:
            copy.select_set(True)
            context.view_layer.objects.active = copy
        return ""


class TOONDECOMPOSE_OT_motion_simplify(SpriteOperator, bpy.types.Operator):
    bl_idname = "toondecompose.motion_simplify"
    bl_label = "Simplify Motion"
    bl_description = "Keep the fewest keys that hold the selected sprites' motion within a tolerance"

    tolerance_px: bpy.props.FloatProperty(**TOLERANCE)

    def act(self, context: Any, sprite: Any) -> str:
        counts = [motion.simplify_motion(one, self.tolerance_px) for one in chosen_sprites(context)]
        return rpt_("{} keys became {}").format(sum(c[0] for c in counts), sum(c[1] for c in counts))


CLASSES = (TOONDECOMPOSE_OT_drawing_add, TOONDECOMPOSE_OT_drawing_replace, TOONDECOMPOSE_OT_relink,
           TOONDECOMPOSE_OT_sprite_duplicate, TOONDECOMPOSE_OT_motion_simplify)


def _get_spacing(root: Any) -> float:
    return depth.spacing(root)


def _set_spacing(root: Any, value: float) -> None:
    depth.set_spacing(root, value)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Object.toondecompose_spacing = bpy.props.FloatProperty(
        name="Depth Spacing", min=0.0, soft_max=1.0, max=100.0, step=1, precision=3, subtype="FACTOR",
        get=_get_spacing, set=_set_spacing,
        description="Distance between neighbouring planes as a share of the camera's distance; the view stays the same")


def unregister() -> None:
    del bpy.types.Object.toondecompose_spacing
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
