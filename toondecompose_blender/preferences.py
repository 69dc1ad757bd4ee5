"""The add-on's preferences: where the backend is, and whether it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_

from toondecompose.formats.errors import UserError

from . import running
from .session import backend
from .text import paragraph


class ToonDecomposePreferences(bpy.types.AddonPreferences):
    bl_idname = __package__

    backend_python: bpy.props.StringProperty(
        name="Backend Python", subtype="FILE_PATH", default="",
        description="Python of the environment in which the ToonDecompose backend is installed. "
                    "Left empty, an installed “toondecompose” command is looked for")
    cache_folder: bpy.props.StringProperty(
        name="Folder for Unsaved Files", subtype="DIR_PATH", default="",
        description="Where results of .blend files that were never saved go. Left empty, the add-on's own folder")
    numbers_in_dope_sheet: bpy.props.BoolProperty(
        name="Numbers in Dope Sheet", default=True,
        description="Write the selected sprites' drawing numbers along the lower edge of the Dope Sheet")

    def draw(self, context: Any) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "backend_python")
        try:
            python = backend.find_python(absolute(self.backend_python))
        except UserError as error:
            paragraph(layout, error.sentence, context, icon="ERROR")
        else:
            if not self.backend_python:
                layout.label(text=iface_("Found: {}").format(python), icon="CHECKMARK")
        layout.prop(self, "cache_folder")
        layout.prop(self, "numbers_in_dope_sheet")
        row = layout.row()
        row.operator("toondecompose.test_backend", icon="PLAY")
        draw_finding(layout, context)


def draw_finding(layout: Any, context: Any) -> None:
    """What Test Backend found out."""
    doctor = running.board.doctor
    if doctor is None:
        return
    box = layout.box().column(align=True)
    if doctor.finding is None:
        box.label(text=iface_("Waiting for the backend, {:.0f} s").format(doctor.elapsed), icon="SORTTIME")
        return
    if doctor.finding.problem:
        paragraph(box, doctor.finding.problem, context, icon="ERROR")
    else:
        box.label(text="The backend answers", icon="CHECKMARK")
    for line in doctor.finding.lines:
        box.label(text=line, icon="BLANK1")
    for sentence in doctor.finding.slow:
        paragraph(box, sentence, context, icon="INFO")


def absolute(path: str) -> str:
    """A path of the preferences, absolute; empty stays empty."""
    return bpy.path.abspath(path) if path else ""


def of(context: Any) -> ToonDecomposePreferences:
    """The add-on's preferences."""
    return context.preferences.addons[__package__].preferences


def backend_python(context: Any) -> Path:
    """The Python to run the backend with; UserError when there is none."""
    return backend.find_python(absolute(of(context).backend_python))

register, unregister = bpy.utils.register_classes_factory((ToonDecomposePreferences,))
