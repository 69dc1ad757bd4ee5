"""The queue's order: move a waiting strip up or down, or take it out."""

from __future__ import annotations

from typing import Any

import bpy

from .. import running


class _InQueue:
    # the queue belongs to the session, not to the file: nothing to undo
    bl_options = {"REGISTER", "INTERNAL"}

    ident: bpy.props.IntProperty(name="Number", description="The waiting strip's number in this session")

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not running.board.queue.waiting:
            cls.poll_message_set("Nothing is waiting")
            return False
        return True


class TOONDECOMPOSE_OT_queue_move(_InQueue, bpy.types.Operator):
    bl_idname = "toondecompose.queue_move"
    bl_label = "Move in Queue"
    bl_description = "Change when this strip's turn comes"

    direction: bpy.props.EnumProperty(
        name="Direction", items=(("UP", "Up", "Earlier"), ("DOWN", "Down", "Later")), description="Earlier or later")

    def execute(self, context: Any) -> set[str]:
        moved = running.board.queue.move(self.ident, -1 if self.direction == "UP" else 1)
        running.redraw()
        return {"FINISHED"} if moved else {"CANCELLED"}


class TOONDECOMPOSE_OT_queue_remove(_InQueue, bpy.types.Operator):
    bl_idname = "toondecompose.queue_remove"
    bl_label = "Remove from Queue"
    bl_description = "Do not decompose this strip"

    def execute(self, context: Any) -> set[str]:
        removed = running.board.queue.remove(self.ident)
        running.redraw()
        return {"FINISHED"} if removed else {"CANCELLED"}


_CLASSES = (TOONDECOMPOSE_OT_queue_move, TOONDECOMPOSE_OT_queue_remove)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
