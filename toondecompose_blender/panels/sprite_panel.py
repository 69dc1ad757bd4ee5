"""The Sprite tab of the 3D view's side bar: drawings, exposure sheet, timing, depth and compositing of the active
sprite."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_

from toondecompose.formats.errors import UserError

from .. import preferences, versions
from ..operators import composite_collection
from ..operators.sprite_base import chosen_root
from ..results import LOW_CONFIDENCE
from ..scene import compositor
from ..scene.channels import DRAWING, OPACITY
from ..scene.naming import clip_root, clip_sprites, is_sprite, key_of
from ..sprite import drawings
from ..sprite.timing import read_sheet, source_of
from ..text import paragraph
from . import pictures

# thumbnails that are drawn at once, those around the drawing of the current frame
_SHOWN = 48
_THUMBNAIL = 3.0  # in interface rows


class SpriteTab:
    """Where every panel of the tab sits."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Sprite"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return is_sprite(context.object)


class TOONDECOMPOSE_PT_sprite(SpriteTab, bpy.types.Panel):
    bl_label = "Sprite"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return chosen_root(context) is not None

    def draw(self, context: Any) -> None:
        layout = self.layout
        root, sprite = chosen_root(context), context.object
        if not is_sprite(sprite):
            layout.label(text=root["td_clip"], icon="OUTLINER_COLLECTION")
            paragraph(layout, "Select the plane of a sprite to work on its drawings.", context, icon="INFO")
        else:
            row = layout.row(align=True)
            row.label(text=f"{root['td_clip']}: {sprite.name}", icon="IMAGE_PLANE", translate=False)
            row.operator("toondecompose.rename_sprite", text="", icon="GREASEPENCIL")
            if sprite.get("td_confidence", 1.0) < LOW_CONFIDENCE:
                paragraph(layout, iface_("Confidence {:.0%}: look at its drawings and timing.").format(
                    sprite["td_confidence"]), context, icon="ERROR")
            column = layout.column(align=True)
            column.use_property_split = True
            for path in (DRAWING, OPACITY):
                column.prop(sprite, path)
            row = layout.row(align=True)
            row.operator("toondecompose.sprite_duplicate", text="Duplicate", icon="DUPLICATE")
            row.operator("toondecompose.motion_simplify", text="Simplify", icon="IPO_LINEAR")
        layout.prop(root, "toondecompose_spacing")


class TOONDECOMPOSE_PT_sprite_drawings(SpriteTab, bpy.types.Panel):
    bl_label = "Drawings"

    def draw(self, context: Any) -> None:
        layout, sprite = self.layout, context.object
        try:
            files = drawings.drawing_files(sprite)
            source = source_of(sprite)
            now = read_sheet(source).at(source.action_frame(context.scene.frame_current_final))
        except UserError as error:
            paragraph(layout, error.sentence, context, icon="ERROR")
            return
        if not files[max(now, 1) - 1 if now <= len(files) else 0].is_file():
            paragraph(layout, "The drawings are not where they were.", context, icon="ERROR")
            layout.operator("toondecompose.relink", icon="FILE_FOLDER")
        grid = layout.grid_flow(row_major=True, columns=0, even_columns=True, even_rows=True, align=True)
        start = min(max(0, now - 1 - _SHOWN // 2), max(0, len(files) - _SHOWN))
        if len(files) > _SHOWN:
            layout.label(text=iface_("{} to {} of {}, around the current frame's").format(
                start + 1, start + _SHOWN, len(files)), translate=False)
        for number in range(start + 1, min(len(files), start + _SHOWN) + 1):
            column = grid.column(align=True)
            icon = pictures.icon_of(files[number - 1], cropped=True)
            if icon:
                column.template_icon(icon_value=icon, scale=_THUMBNAIL)
            button = column.operator("toondecompose.sheet_expose", text=str(number), depress=number == now)
            button.number, button.length = number, 0
        row = layout.row(align=True)
        empty = row.operator("toondecompose.sheet_expose", text="Nothing", icon="HIDE_ON", depress=now == 0)
        empty.number, empty.length = 0, 0
        row.operator("toondecompose.drawing_add", text="Add", icon="ADD")
        row.operator("toondecompose.drawing_replace", text="Replace", icon="FILE_REFRESH")


class TOONDECOMPOSE_PT_sprite_sheet(SpriteTab, bpy.types.Panel):
    bl_label = "Exposure Sheet"

    def draw(self, context: Any) -> None:
        layout = self.layout
        row = layout.row(align=True)
        for step, name in ((1, "Ones"), (2, "Twos"), (3, "Threes")):
            row.operator("toondecompose.sheet_step", text=name).step = step
        row = layout.row(align=True)
        row.operator("toondecompose.sheet_hold", text="Hold", icon="PAUSE")
        row.operator("toondecompose.sheet_loop", text="Loop", icon="FILE_REFRESH")
        row = layout.row(align=True)
        row.operator("toondecompose.sheet_reverse", text="Reverse", icon="ARROW_LEFTRIGHT")
        row.operator("toondecompose.sheet_swap", text="Swap", icon="UV_SYNC_SELECT")
        layout.prop(preferences.of(context), "numbers_in_dope_sheet")


class TOONDECOMPOSE_PT_sprite_timing(SpriteTab, bpy.types.Panel):
    bl_label = "Timing"

    def draw(self, context: Any) -> None:
        layout, sprite = self.layout, context.object
        row = layout.row(align=True)
        for percent in (25, 50, 100, 200):
            row.operator("toondecompose.retime_speed", text=f"{percent}%").percent = percent
        row = layout.row(align=True)
        row.operator("toondecompose.retime_fit", text="Fit", icon="ARROW_LEFTRIGHT")
        row.operator("toondecompose.retime_curve", text="Time Curve", icon="FCURVE")
        try:
            source = source_of(sprite)
        except UserError:
            return  # the panel above says so
        if source.strip is None:
            layout.label(text="Its own timing", icon="TIME")
            return
        frame = source.action_frame(context.scene.frame_current_final)
        layout.label(text=iface_("Plays its frame {:.1f} now").format(frame), icon="TIME", translate=False)
        if source.strip.use_animated_time:
            layout.operator("toondecompose.retime_key", icon="KEY_HLT").frame = round(frame)
        layout.operator("toondecompose.retime_restore", icon="LOOP_BACK")


class TOONDECOMPOSE_PT_sprite_compositing(SpriteTab, bpy.types.Panel):
    bl_label = "Compositing"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        layout, tree = self.layout, versions.compositor_tree(context.scene)
        if composite_collection.why_not(context) is None:
            layout.operator("toondecompose.composite_collection", icon="OUTLINER_COLLECTION",
                            text=iface_("Composite “{}”").format(context.collection.name), translate=False)
        for sprite in reversed(clip_sprites(clip_root(context.object))):
            over = compositor.find(tree, compositor.OVER, key_of(sprite))
            if over is None:
                continue
            row = layout.row(align=True)
            row.prop(over, "mute", text=sprite.name, invert_checkbox=True)
            if sprite == context.object:
                row = layout.row(align=True)
                for kind in (compositor.COLOUR, compositor.BLUR, compositor.GLOW, compositor.SHADOW):
                    slot = compositor.find(tree, kind, key_of(sprite))
                    if slot is not None:
                        row.prop(slot, "mute", text=kind, invert_checkbox=True, toggle=True)


class TOONDECOMPOSE_PT_sprite_check(SpriteTab, bpy.types.Panel):
    bl_label = "Check"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return chosen_root(context) is not None

    def draw(self, context: Any) -> None:
        layout, root = self.layout, chosen_root(context)
        row = layout.row(align=True)
        row.operator("toondecompose.compare", text="Compare Frame", icon="IMAGE_DATA").every = False
        row.operator("toondecompose.compare", text="All Frames").every = True
        if "td_psnr" in root:
            paragraph(layout, iface_("Lowest PSNR {:.1f} dB, on frame {}").format(
                root["td_psnr"], root["td_psnr_frame"]), context, icon="BLANK1")
        if root.get("td_unresolved"):
            layout.operator("toondecompose.show_unresolved", icon="OVERLAY")
        for sprite in clip_sprites(root):
            if sprite.get("td_confidence", 1.0) < LOW_CONFIDENCE:
                layout.label(text=iface_("{}: confidence {:.0%}").format(sprite.name, sprite["td_confidence"]),
                             icon="ERROR", translate=False)


_CLASSES = (TOONDECOMPOSE_PT_sprite, TOONDECOMPOSE_PT_sprite_drawings, TOONDECOMPOSE_PT_sprite_sheet,
            TOONDECOMPOSE_PT_sprite_timing, TOONDECOMPOSE_PT_sprite_compositing, TOONDECOMPOSE_PT_sprite_check)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
