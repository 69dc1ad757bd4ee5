"""Cancel: the running decomposition stops, what it has finished is kept."""

from __future__ import annotations

from typing import Any

import bpy

from .. import running
from ..session.state import Phase


class TOONDECOMPOSE_OT_cancel(bpy.types.Operator):
    bl_idname = "toondecompose.cancel"
    bl_label = "Cancel Decomposition"
    bl_description = "Stop within seconds. Finished stages are kept, and the next run goes on from there"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        current = running.board.queue.current
        if current is None:
            cls.poll_message_set("Nothing is being decomposed")
        elif current.state.phase is Phase.CANCELLING:
            cls.poll_message_set("It is stopping already")
        return current is not None and current.state.phase is not Phase.CANCELLING

    def execute(self, context: Any) -> set[str]:
        running.board.queue.cancel()
        running.redraw()
        return {"FINISHED"}

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_cancel,))
