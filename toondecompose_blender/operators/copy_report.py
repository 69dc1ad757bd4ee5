"""Copy Report: what somebody who helps needs to know about a failed run, without names of people or their folders."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

import toondecompose

from .. import running, versions
from ..session import logs
from ..session.run import Run

_LINES = 60


class TOONDECOMPOSE_OT_copy_report(bpy.types.Operator):
    bl_idname = "toondecompose.copy_report"
    bl_label = "Copy Report"
    bl_description = ("Copy the versions and the end of the log of the last failed run to the clipboard. "
                      "Your home folder's name is left out")
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        if running.board.queue.last_failure is None:
            cls.poll_message_set("Nothing has failed")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        context.window_manager.clipboard = report_of(running.board.queue.last_failure)
        self.report({"INFO"}, rpt_("The report is on the clipboard"))
        return {"FINISHED"}


def report_of(run: Run) -> str:
    """A failed run as text, its home folder as ~."""
    state = run.state
    lines = [
        f"ToonDecompose {toondecompose.__version__}, Blender {versions.blender_version_label()}, {platform.platform()}",
        f"Backend: {state.version or 'never answered'}, {state.device} {state.device_name}, {state.memory_mb} MB",
        f"Stage: {state.stage_label or 'none'} ({state.stage_index + 1} of {state.stage_count}), {run.elapsed:.0f} s",
        state.message, state.detail, *state.warnings, "", "Log:"]
    if run.client is not None:
        lines += logs.last_lines(run.client.log_path, count=_LINES)
    text = "\n".join(lines)
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_copy_report,))
