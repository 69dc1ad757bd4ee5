"""Import Result: the sprites of a finished result become planes, keys, view layers and compositor nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy_extras.io_utils import ImportHelper

from toondecompose.formats.errors import UserError
from toondecompose.formats.result import RESULT_FILE, result_folder

from .. import results, running, versions
from ..scene.importer import ImportOptions, import_result
from ..scene.viewport import look_through_camera

COLOUR = dict(
    name="Colour", default="RAW", description="How colours are handled",
    items=(("RAW", "Raw", "The pictures' own values: reproduces the shot to rounding"),
           ("STANDARD", "Standard", "Scene-linear colour, for use with lights and 3D; soft edges differ a little")))
TOLERANCE = dict(
    name="Tolerance", default=0.05, min=0.001, soft_max=2.0, max=100.0, precision=3, subtype="PIXEL",
    description="How far a corner of a sprite may stray, in pixels")


class TOONDECOMPOSE_OT_import_result(bpy.types.Operator, ImportHelper):
    bl_idname = "toondecompose.import_result"
    bl_label = "Import Sprites"
    bl_description = "Bring a result into the file: a plane with keyframes for every sprite. No backend is needed"
    bl_options = {"REGISTER", "UNDO", "PRESET"}

    filename_ext = ".json"
    # never the last one by itself: a new run's button, a dropped file and the file browser each bring their own
    filepath: bpy.props.StringProperty(name="Result", subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"},
                                       description="The result's folder, or the result.json in it")
    filter_glob: bpy.props.StringProperty(default=RESULT_FILE, options={"HIDDEN"})
    scene: bpy.props.EnumProperty(
        name="Scene", default="NEW", description="Where the sprites go",
        items=(("NEW", "New Scene", "A scene of its own, with the clip's size, rate and camera"),
               ("CURRENT", "Current Scene", "Into the scene in view, with a camera of their own")))
    colour: bpy.props.EnumProperty(**COLOUR)
    simplify: bpy.props.BoolProperty(
        name="Simplify Motion", default=False,
        description="Few keys instead of one on every frame: a linear slide is two")
    tolerance_px: bpy.props.FloatProperty(**TOLERANCE)
    depth_spacing: bpy.props.FloatProperty(
        name="Depth Spacing", default=0.05, min=0.0, soft_max=1.0, max=100.0, subtype="FACTOR",
        description="Distance between neighbouring planes as a share of the camera's distance; the view stays the same")
    compositor: bpy.props.BoolProperty(
        name="View Layers and Compositor", default=True,
        description="One view layer per sprite, and compositor nodes that stack them")

    def invoke(self, context: Any, event: Any) -> set[str]:
        if self.filepath:  # dropped on a window: ask for the options only
            return context.window_manager.invoke_props_dialog(self, title="Import Sprites", confirm_text="Import")
        entry = results.active(versions.sequencer_scene(context))
        if entry is not None and results.is_there(entry):
            self.filepath = str(results.folder_of(entry) / RESULT_FILE)
        return ImportHelper.invoke(self, context, event)

    def draw(self, context: Any) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "scene", expand=True)
        layout.prop(self, "colour", expand=True)
        row = layout.row(heading="Simplify Motion", align=True)
        row.prop(self, "simplify", text="")
        tolerance = row.row()
        tolerance.enabled = self.simplify
        tolerance.prop(self, "tolerance_px", text="")
        layout.prop(self, "depth_spacing")
        layout.prop(self, "compositor")

    def execute(self, context: Any) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        try:
            done = import_result(context, result_folder(path), ImportOptions(
                scene=self.scene, colour=self.colour, depth_spacing=self.depth_spacing, compositor=self.compositor,
                simplify_px=self.tolerance_px if self.simplify else 0.0))
        except UserError as error:
            running.board.notice = error.sentence
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        running.board.notice = ""
        if done.scene.camera == done.camera:
            look_through_camera(context)
        for warning in done.warnings:
            self.report({"WARNING"}, warning)
        count = len(done.sprites)
        self.report({"INFO"}, rpt_("Imported {} sprite into “{}”" if count == 1 else "Imported {} sprites into “{}”")
                    .format(count, done.scene.name))
        return {"FINISHED"}

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_import_result,))
