"""Hints: what the artist drew over the picture for the backend, and Refine."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..operators.hint_layers import is_active
from ..operators.refine import layers_in_view
from ..text import paragraph
from .shot import SequencerTab

_SWATCH = 0.25  # share of a row that the eye and the colour take


class TOONDECOMPOSE_PT_hints(SequencerTab, bpy.types.Panel):
    bl_label = "Hints"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        layout = self.layout
        layers = [layer for layer, _ in layers_in_view(context)]
        paragraph(layout, iface_("Choose a sprite's layer and draw over the sprite in the preview." if layers else
                                 "Strokes over the preview tell the backend what belongs to a sprite."),
                  context, icon="INFO")
        layout.operator("toondecompose.hint_layers", icon="ADD")
        column = layout.column(align=True)
        for layer in layers:
            row = column.split(factor=_SWATCH, align=True)
            switches = row.row(align=True)
            switches.prop(layer, "annotation_hide", text="", icon="HIDE_ON" if layer.annotation_hide else "HIDE_OFF")
            switches.prop(layer, "color", text="")
            row.operator("toondecompose.hint_choose", text=layer.info, depress=is_active(context, layer),
                         translate=False).layer = layer.info
        row = layout.row()
        row.scale_y = 1.3
        row.operator("toondecompose.refine", icon="GREASEPENCIL").mask = ""
        for mask in bpy.data.masks:
            layout.operator("toondecompose.refine", text=iface_("Refine with “{}”").format(mask.name), icon="MOD_MASK",
                            translate=False).mask = mask.name

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_PT_hints,))
