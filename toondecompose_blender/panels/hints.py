"""Hints: what the artist drew over the picture for the backend, and Refine."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.refine import annotations_in_view
from ..text import paragraph
from .shot import SequencerTab


class TOONDECOMPOSE_PT_hints(SequencerTab, bpy.types.Panel):
    bl_label = "Hints"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        layout = self.layout
        layers = [layer for data in annotations_in_view(context) for layer in data.layers]
        if not layers:
            paragraph(layout, "Draw over the preview with the Annotate tool, on one layer per sprite, named after it.",
                      context, icon="INFO")
        for layer in layers:
            row = layout.row(align=True)
            row.prop(layer, "color", text="")
            row.prop(layer, "info", text="")
        layout.operator("toondecompose.refine", icon="GREASEPENCIL").mask = ""
        for mask in bpy.data.masks:
            layout.operator("toondecompose.refine", text=f"Refine with “{mask.name}”", icon="MOD_MASK").mask = mask.name


def register() -> None:
    bpy.utils.register_class(TOONDECOMPOSE_PT_hints)


def unregister() -> None:
    bpy.utils.unregister_class(TOONDECOMPOSE_PT_hints)
