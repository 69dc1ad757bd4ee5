"""Import Placed Frames: the sprites of a result as image sequences, straight in the compositor, with no 3D."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import bpy
from bpy_extras.io_utils import ImportHelper

from toondecompose.formats.result import RESULT_FILE, read_result, result_folder

from .. import results, running, sequencer, versions
from ..scene.placed import import_placed
from ..session.run import Run
from .import_result import COLOUR
from .run_base import RunOperator, queue_placing


class TOONDECOMPOSE_OT_import_placed(RunOperator, bpy.types.Operator, ImportHelper):
    bl_idname = "toondecompose.import_placed"
    bl_label = "Import Placed Frames"
    bl_description = ("Make a scene whose compositor stacks the sprites' frames as they stand in the picture, with no "
                      "planes and no camera. The backend places the frames first")
    bl_options = {"REGISTER", "UNDO", "PRESET"}

    filename_ext = ".json"
    filepath: bpy.props.StringProperty(name="Result", subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"},
                                       description="The result's folder, or the result.json in it")
    filter_glob: bpy.props.StringProperty(default=RESULT_FILE, options={"HIDDEN"})
    colour: bpy.props.EnumProperty(**COLOUR)

    def queue(self, context: Any) -> Run | None:
        folder = result_folder(Path(bpy.path.abspath(self.filepath)))
        name = read_result(folder).clip.name
        if sequencer.is_placed(folder):
            import_placed(context, folder, self.colour)
            return None
        origin = results.origin_of(versions.sequencer_scene(context), "")
        return queue_placing(context, f"{name} to Compositor", folder, origin,
                             partial(_import_when_placed, folder=folder, colour=self.colour))


def _import_when_placed(run: Run, folder: Path, colour: str) -> None:
    with running.in_a_window():
        import_placed(bpy.context, folder, colour)
    running.undo_step("Import Placed Frames")

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_import_placed,))
