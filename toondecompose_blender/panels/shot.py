"""The main panel: the strip and its settings before a run, the stages and a preview during it."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_

from toondecompose.formats.errors import UserError

from .. import results, running, strips, versions
from ..session.run import Run
from ..session.state import Phase
from ..text import duration, paragraph, plural
from . import pictures
from .presets import TOONDECOMPOSE_PT_presets

CATEGORY = "ToonDecompose"
# size of the preview picture in units of an interface row
_PREVIEW_SCALE = 12.0


class SequencerTab:
    """Where every panel of the add-on's tab sits."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = CATEGORY


class TOONDECOMPOSE_PT_shot(SequencerTab, bpy.types.Panel):
    bl_label = "Decompose"

    def draw_header_preset(self, context: Any) -> None:
        TOONDECOMPOSE_PT_presets.draw_panel_header(self.layout)

    def draw(self, context: Any) -> None:
        layout = self.layout
        board = running.board
        if board.queue.current is not None:
            draw_run(layout, context, board.queue.current)
            return
        draw_strip(layout, context)
        draw_settings(layout, context)
        if board.notice:
            box = layout.box()
            paragraph(box, board.notice, context, icon="ERROR")
            if board.queue.last_failure is not None:
                box.operator("toondecompose.copy_report", icon="COPYDOWN")
        row = layout.row()
        row.scale_y = 1.5
        row.operator("toondecompose.decompose", icon="RENDERLAYERS", text=_button_text(context))


def _button_text(context: Any) -> str:
    chosen = strips.chosen(context)
    if len(chosen) > 1:
        return iface_("Decompose {} Strips").format(len(chosen))
    last = running.board.queue.finished[-1] if running.board.queue.finished else None
    goes_on = last is not None and last.state.phase is not Phase.DONE and last.state.finished_stages
    return "Resume" if goes_on and [strip.name for strip in chosen] == [last.title] else "Decompose"


def draw_strip(layout: Any, context: Any) -> None:
    """What is selected, and what of it will be honoured."""
    reason = strips.why_not(context)
    box = layout.box()
    if reason:
        paragraph(box, reason, context, icon="INFO")
        return
    scene = versions.sequencer_scene(context)
    for strip in strips.chosen(context)[:4]:
        try:
            clip = strips.describe_strip(scene, strip)
        except UserError as error:
            paragraph(box, error.sentence, context, icon="ERROR")
            continue
        column = box.column(align=True)
        column.label(text=clip.name, icon="FILE_MOVIE" if clip.kind == "MOVIE" else "RENDER_RESULT")
        column.label(text=_numbers(clip), icon="BLANK1")
        seconds = results.expected_seconds(scene, clip.frame_count, clip.size) if clip.size else None
        if seconds:
            column.label(text=iface_("About {}, as the last run").format(duration(seconds)), icon="BLANK1")
        for words, notes in (
                ("Honoured", clip.honoured), ("Rendered first", clip.rendered), ("Left out", clip.ignored)):
            if notes:
                paragraph(column, f"{iface_(words)}: {', '.join(notes)}", context, icon="BLANK1")
    more = len(strips.chosen(context)) - 4
    if more > 0:
        box.label(text=plural(more, "and {} strip more", "and {} strips more"), icon="BLANK1")


def _numbers(clip: strips.StripClip) -> str:
    size = f"{clip.size[0]} × {clip.size[1]}, " if clip.size else ""
    return f"{plural(clip.frame_count, '{} frame', '{} frames')}, {size}{clip.fps:g} fps"


def draw_settings(layout: Any, context: Any) -> None:
    """What a person decides before a run."""
    settings = versions.sequencer_scene(context).toondecompose
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    row = column.row(align=True)
    row.prop(settings, "count_mode", expand=True)
    if settings.count_mode == "number":
        column.prop(settings, "count")
    column.prop(settings, "quality")
    column.prop(settings, "device")


def draw_run(layout: Any, context: Any, run: Run) -> None:
    """Stage, bar, time left, preview, Cancel."""
    state = run.state
    layout.label(text=run.title, icon="RENDER_ANIMATION")
    if state.phase is Phase.STARTING:
        layout.progress(factor=0.0, text="Starting the backend")
    elif state.phase is Phase.CANCELLING:
        layout.progress(factor=state.fraction, text="Stopping, keeping what is finished")
    else:
        layout.progress(factor=state.fraction, text=f"{state.fraction:.0%}")
    column = layout.column(align=True)
    if state.stage_label:
        column.label(icon="BLANK1", text=iface_("{} of {}: {}").format(
            state.stage_index + 1, state.stage_count, iface_(state.stage_label)))
    time = duration(run.elapsed)
    if state.eta_s is not None:
        time = iface_("{}, about {} left").format(time, duration(state.eta_s))
    column.label(text=time, icon="TIME")
    if state.device:
        column.label(text=iface_("On {}").format(state.device.upper()), icon="BLANK1")
    row = layout.row()
    row.scale_y = 1.3
    row.operator("toondecompose.cancel", text="Cancel", icon="CANCEL")
    silence = run.client.silence if run.client is not None else 0.0
    if silence:
        paragraph(layout, iface_("No news from the backend for {}; Cancel still works.").format(
            duration(silence)), context, "INFO")
    for warning in state.warnings[-2:]:
        paragraph(layout, warning, context, icon="INFO")
    preview = run.preview_file()
    icon = pictures.icon_of(preview, state.preview_serial) if preview else 0
    if icon:
        box = layout.box()
        box.template_icon(icon_value=icon, scale=_PREVIEW_SCALE)
        box.label(text=state.preview_label)

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_PT_shot,))
