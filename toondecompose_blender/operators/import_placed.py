"""Import Placed Frames: the sprites of a result as image sequences, straight in the compositor, with no 3D."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy_extras.io_utils import ImportHelper

from toondecompose.formats.errors import UserError
from toondecompose.formats.result import RESULT_FILE

from ..scene.placed import import_placed


class TOONDECOMPOSE_OT_import_placed(bpy.types.Operator, ImportHelper):
    bl_idname = "toondecompose.import_placed"
    bl_label = "Import Placed Frames"
    bl_description = "A scene whose compositor stacks the sprites' placed frames, with no planes and no camera"
    bl_options = {"REGISTER", "UNDO", "PRESET"}

    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default=RESULT_FILE, options={"HIDDEN"})
    colour: bpy.props.EnumProperty(
        name="Colour", default="RAW", description="How colours are handled",
        items=(("RAW", "Raw", "The pictures' own values: reproduces the shot to rounding"),
               ("STANDARD", "Standard", "Scene-linear colour; soft edges differ a little")))

    def execute(self, context: Any) -> set[str]:
        try:
            import_placed(context, Path(bpy.path.abspath(self.filepath)), self.colour)
        except UserError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(TOONDECOMPOSE_OT_import_placed)


def unregister() -> None:
    bpy.utils.unregister_class(TOONDECOMPOSE_OT_import_placed)
