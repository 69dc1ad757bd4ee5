"""Remove from List: a result leaves the scene's list; its files stay."""

from __future__ import annotations

from typing import Any

import bpy

from .. import results, versions


class TOONDECOMPOSE_OT_forget_result(bpy.types.Operator):
    bl_idname = "toondecompose.forget_result"
    bl_label = "Remove from List"
    bl_description = "Take the result off the list. Its files and what was imported from it stay"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        if results.active(versions.sequencer_scene(context)) is None:
            cls.poll_message_set("There is no result in the list")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        settings = versions.sequencer_scene(context).toondecompose
        settings.results.remove(settings.active_result)
        settings.active_result = max(0, min(settings.active_result, len(settings.results) - 1))
        return {"FINISHED"}

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_forget_result,))
