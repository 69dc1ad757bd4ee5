"""What came out: the results of this scene and their sprites, and what to do with them."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_

from toondecompose.formats.result import RESULT_FILE

from .. import results, sequencer, versions
from ..text import paragraph, plural
from . import pictures
from .shot import SequencerTab


class TOONDECOMPOSE_UL_sprites(bpy.types.UIList):
    def draw_item(self, context: Any, layout: Any, data: Any, item: Any, icon: int, active_data: Any,
                  active_property: str, index: int = 0, flt_flag: int = 0) -> None:
        row = layout.row(align=True)
        _draw_switches(row, context, data, len(data.sprites) - 1 - index)
        picture = pictures.icon_of(results.folder_of(data) / item.picture, cropped=True)
        if picture:
            row.label(text=item.name, icon_value=picture)
        else:
            row.label(text=item.name, icon="IMAGE_BACKGROUND" if item.kind == "background" else "OUTLINER_OB_ARMATURE")
        right = row.row(align=True)
        right.alignment = "RIGHT"
        right.label(text=plural(item.drawings, "{} drawing", "{} drawings"))
        low = item.confidence < results.LOW_CONFIDENCE
        right.label(text=f"{item.confidence:.0%}", icon="ERROR" if low else "CHECKMARK")


def _draw_switches(row: Any, context: Any, entry: Any, number: int) -> None:
    """Hide and solo for sprites that are in the Sequencer. number: the sprite's place in the result, 0 = farthest."""
    strips = sequencer.sprite_strips(versions.sequencer_scene(context), entry.folder)
    if number not in strips:
        return
    hidden = all(strip.mute for strip in strips[number])
    solo = sequencer.is_solo(strips, number)
    for name, icon in (("hide", "HIDE_ON" if hidden else "HIDE_OFF"), ("solo", "SOLO_ON" if solo else "SOLO_OFF")):
        row.operator(f"toondecompose.{name}_sprite", text="", icon=icon, emboss=False).index = number


class TOONDECOMPOSE_UL_results(bpy.types.UIList):
    def draw_item(self, context: Any, layout: Any, data: Any, item: Any, icon: int, active_data: Any,
                  active_property: str, index: int = 0, flt_flag: int = 0) -> None:
        layout.label(text=item.name, icon="CHECKMARK" if results.is_there(item) else "ERROR")
        layout.label(text=plural(len(item.sprites), "{} sprite", "{} sprites"))


class TOONDECOMPOSE_PT_result(SequencerTab, bpy.types.Panel):
    bl_label = "Sprites"

    @classmethod
    def poll(cls, context: Any) -> bool:
        scene = versions.sequencer_scene(context)
        return scene is not None and len(scene.toondecompose.results) > 0

    def draw(self, context: Any) -> None:
        layout = self.layout
        settings = versions.sequencer_scene(context).toondecompose
        if len(settings.results) > 1:
            layout.template_list("TOONDECOMPOSE_UL_results", "", settings, "results", settings, "active_result", rows=2)
        entry = results.active(versions.sequencer_scene(context))
        if entry is None:
            return
        draw_result(layout, context, entry)


def draw_result(layout: Any, context: Any, entry: Any) -> None:
    """One result: its sprites, and Import, Open Folder."""
    row = layout.row(align=True)
    row.label(text=_summary(entry), icon="OUTLINER_COLLECTION")
    row.operator("toondecompose.forget_result", text="", icon="X", emboss=False)
    if not results.is_there(entry):
        paragraph(layout, iface_("The result of “{}” is not in “{}” any more; say where it is, or decompose the strip "
                                 "again.").format(entry.name, entry.folder), context, icon="ERROR")
        layout.operator("toondecompose.find_result", icon="FILE_FOLDER")
        return
    layout.template_list("TOONDECOMPOSE_UL_sprites", "", entry, "sprites", entry, "active_sprite", rows=3)
    row = layout.row()
    row.scale_y = 1.3
    # straight in, with the options of the last time; the file browser opens from File > Import
    row.operator_context = "EXEC_DEFAULT"
    operator = row.operator("toondecompose.import_result", icon="IMPORT")
    operator.filepath = str(results.folder_of(entry) / RESULT_FILE)
    column = layout.column(align=True)
    column.operator("toondecompose.add_to_sequencer", icon="SEQ_SEQUENCER").layers = "ALL"
    column.operator("toondecompose.add_to_sequencer", text="Add Clean Plate", icon="IMAGE_BACKGROUND").layers = "PLATE"
    column.operator("toondecompose.replace_source", icon="SEQ_STRIP_META")
    row = layout.row()
    row.operator_context = "EXEC_DEFAULT"
    placed = row.operator("toondecompose.import_placed", text="Into Compositor", icon="NODE_COMPOSITING")
    placed.filepath = operator.filepath
    layout.operator("toondecompose.open_folder", icon="FILE_FOLDER")


def _summary(entry: Any) -> str:
    quality = f", {entry.psnr:.1f} dB" if entry.psnr else ""
    return f"{entry.name}: {plural(entry.frame_count, '{} frame', '{} frames')}{quality}"


_CLASSES = (TOONDECOMPOSE_UL_sprites, TOONDECOMPOSE_UL_results, TOONDECOMPOSE_PT_result)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
