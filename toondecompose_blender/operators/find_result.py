"""Find Result: a result of the list was moved; say where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError
from toondecompose.formats.result import RESULT_FILE, read_result, result_folder

from .. import results, versions
from ..scene.naming import scene_roots
from ..sprite import drawings


class TOONDECOMPOSE_OT_find_result(bpy.types.Operator):
    bl_idname = "toondecompose.find_result"
    bl_label = "Find Result"
    bl_description = "Choose the folder that a moved result is in now; its strips and imported sprites follow"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(name="Folder", subtype="DIR_PATH", description="The folder with result.json")

    @classmethod
    def poll(cls, context: Any) -> bool:
        if results.active(versions.sequencer_scene(context)) is None:
            cls.poll_message_set("There is no result in the list")
            return False
        return True

    def invoke(self, context: Any, event: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        entry = results.active(versions.sequencer_scene(context))
        try:
            self.follow(entry, result_folder(Path(bpy.path.abspath(self.directory))))
        except UserError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return {"FINISHED"}

    @staticmethod
    def follow(entry: Any, folder: Path) -> None:
        """Move an entry, its strips and its imported sprites. UserError when another result is there."""
        result = read_result(folder, with_files=False)
        names = sorted(sprite.name for sprite in result.sprites)
        if names != sorted(sprite.name for sprite in entry.sprites) or result.clip.frame_count != entry.frame_count:
            raise UserError(f"The {RESULT_FILE} in “{folder}” is of another shot than “{entry.name}”; choose another "
                            "folder.")
        old = results.folder_of(entry)
        roots = [root for scene in bpy.data.scenes for root in scene_roots(scene)]
        for root in dict.fromkeys(roots):
            if drawings.result_folder(root) == old:
                drawings.relink(root, folder)
        results.move(old, folder)

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_find_result,))
