"""The strips that wait for their turn."""

from __future__ import annotations

from typing import Any

import bpy

from .. import running, strips
from ..text import plural
from .shot import SequencerTab


class TOONDECOMPOSE_PT_queue(SequencerTab, bpy.types.Panel):
    bl_label = "Queue"
    bl_parent_id = "TOONDECOMPOSE_PT_shot"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return running.board.queue.current is not None

    def draw(self, context: Any) -> None:
        layout = self.layout
        waiting = running.board.queue.waiting
        column = layout.column(align=True)
        for place, run in enumerate(waiting):
            row = column.row(align=True)
            row.label(text=f"{place + 1}. {run.title}")
            for direction, icon, possible in (("UP", "TRIA_UP", place > 0),
                                              ("DOWN", "TRIA_DOWN", place < len(waiting) - 1)):
                part = row.row(align=True)
                part.enabled = possible
                move = part.operator("toondecompose.queue_move", text="", icon=icon)
                move.ident, move.direction = run.ident, direction
            row.operator("toondecompose.queue_remove", text="", icon="X").ident = run.ident
        if not waiting:
            column.label(text="Nothing is waiting", icon="BLANK1")
        count = len(strips.chosen(context))
        layout.operator("toondecompose.decompose", icon="ADD",
                        text=plural(count, "Add {} Strip to Queue", "Add {} Strips to Queue"))

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_PT_queue,))
