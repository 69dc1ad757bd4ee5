"""Settings that are seldom touched, closed by default."""

from __future__ import annotations

from typing import Any

import bpy

from .. import running, versions
from .shot import SequencerTab


class TOONDECOMPOSE_PT_advanced(SequencerTab, bpy.types.Panel):
    bl_label = "Advanced"
    bl_parent_id = "TOONDECOMPOSE_PT_shot"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return running.board.queue.current is None

    def draw(self, context: Any) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = versions.sequencer_scene(context).toondecompose
        column = layout.column()
        column.prop(settings, "motion_model")
        column.prop(settings, "seed")
        column.prop(settings, "output")
        column.prop(settings, "import_when_done")
        column.prop(settings, "flow_weights")
        column.prop(settings, "diagnostics")

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_PT_advanced,))
