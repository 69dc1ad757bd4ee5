"""Add to Sequencer: every sprite becomes an image strip on its own channel, or the clean plate alone does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from toondecompose.formats.errors import UserError
from toondecompose.formats.result import read_result

from .. import results, running, sequencer, versions
from ..session.run import Run
from .run_base import RunOperator, queue_placing


class TOONDECOMPOSE_OT_add_to_sequencer(RunOperator, bpy.types.Operator):
    bl_idname = "toondecompose.add_to_sequencer"
    bl_label = "Add to Sequencer"
    bl_description = ("Add every sprite as an image strip on a channel of its own above the source, in step with it, "
                      "and mute the source. The backend places the frames first")
    bl_options = {"REGISTER", "UNDO"}

    layers: bpy.props.EnumProperty(
        name="Layers", default="ALL", description="Which layers become strips",
        items=(("ALL", "All Sprites", "Backgrounds and sprites"),
               ("PLATE", "Clean Plate", "Only the backgrounds: the shot without its characters")))

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        if properties.layers == "PLATE":
            return "Add the shot without its characters as strips above the source"
        return cls.bl_description

    @classmethod
    def poll(cls, context: Any) -> bool:
        entry = results.active(versions.sequencer_scene(context))
        if entry is None or not results.is_there(entry):
            cls.poll_message_set("Decompose a strip first")
            return False
        return True

    def queue(self, context: Any) -> Run | None:
        scene = versions.sequencer_scene(context)
        entry = results.active(scene)
        folder = results.folder_of(entry)
        if sequencer.is_placed(folder):
            add(scene, entry, folder, self.layers)
            return None
        self.report({"INFO"}, rpt_("Placing the sprites; the strips appear when that is done"))
        return queue_placing(context, f"{entry.name} to Sequencer", folder, results.origin_of(scene, entry.strip),
                             partial(_add_when_placed, folder=folder, layers=self.layers))


def _add_when_placed(run: Run, folder: Path, layers: str) -> None:
    """The frames are placed: add the strips, as an undo step."""
    scene = results.scene_of(run.origin)
    if scene is None:
        return
    entry = next((e for e in scene.toondecompose.results if results.folder_of(e) == folder), None)
    if entry is not None:
        add(scene, entry, folder, layers)
        running.undo_step("Add to Sequencer")


def add(scene: Any, entry: Any, folder: Path, layers: str) -> list[Any]:
    """Add the strips of placed frames. UserError when frames are missing or there is no room."""
    found = sequencer.layers_of(folder, read_result(folder, with_files=False))
    if layers == "PLATE":
        found = [layer for layer in found if layer.kind == "background"]
        if not found:
            raise UserError(f"“{entry.name}” has no background, so there is no clean plate.")
    source = sequencer.source_strip(scene, entry)
    title = entry.strip or entry.name
    made = sequencer.add_layers(scene, found, entry.folder, title, sequencer.start_frame(entry, source), source)
    if layers == "ALL" and source is not None:
        source.mute = True  # all of it is above now; else it would show behind whatever is hidden
    return made

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_add_to_sequencer,))
