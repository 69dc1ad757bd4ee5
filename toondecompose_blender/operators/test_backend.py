"""Test Backend: starts it once and shows what it says about itself."""

from __future__ import annotations

import time
from typing import Any

import bpy

from toondecompose.formats.errors import UserError

from .. import folders, preferences, running
from ..session import backend
from ..session.run import Run
from ..session.state import Phase

_PACKAGE = __package__.rpartition(".")[0]
_WAIT = 0.05


class TOONDECOMPOSE_OT_test_backend(bpy.types.Operator):
    bl_idname = "toondecompose.test_backend"
    bl_label = "Test Backend"
    bl_description = "Start the backend once and show its device, memory and version"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        probe = running.board.probe
        if probe is not None and not probe.finished:
            cls.poll_message_set("The backend is being tested")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        try:
            python = preferences.backend_python(context)
            folder = folders.own_folder(_PACKAGE)
        except UserError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        probe = Run(ident=0, title="Test Backend", command=backend.hello_command(python), folder=folder, output=folder)
        running.board.probe = probe
        probe.start()
        if not bpy.app.background:
            running.go()
            return {"FINISHED"}
        while not probe.finished:
            probe.step()
            time.sleep(_WAIT)
        if probe.state.phase is not Phase.DONE:
            self.report({"ERROR"}, probe.state.message)
            return {"CANCELLED"}
        self.report({"INFO"}, "; ".join(preferences.probe_lines(probe)))
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(TOONDECOMPOSE_OT_test_backend)


def unregister() -> None:
    bpy.utils.unregister_class(TOONDECOMPOSE_OT_test_backend)
