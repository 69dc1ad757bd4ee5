"""Open Folder: the active result's pictures in the system's file browser."""

from __future__ import annotations

from typing import Any

import bpy

from .. import results, versions


class TOONDECOMPOSE_OT_open_folder(bpy.types.Operator):
    bl_idname = "toondecompose.open_folder"
    bl_label = "Open Folder"
    bl_description = "Show the result's drawings and previews in the system's file browser"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        entry = results.active(versions.sequencer_scene(context))
        if entry is None:
            cls.poll_message_set("Decompose a strip first")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        entry = results.active(versions.sequencer_scene(context))
        folder = results.folder_of(entry)
        if not folder.is_dir():
            self.report({"ERROR"}, f"The folder of “{entry.name}” is gone: there is no “{folder}”; decompose the strip "
                                   "again.")
            return {"CANCELLED"}
        bpy.ops.wm.path_open(filepath=str(folder))
        return {"FINISHED"}

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_open_folder,))
