"""Test Backend: starts it once and shows what it says about itself."""

from __future__ import annotations

import time
from typing import Any

import bpy

from toondecompose.formats.errors import UserError

from .. import folders, preferences, running
from ..session.doctor import Doctor

_PACKAGE = __package__.rpartition(".")[0]
_WAIT = 0.05


class TOONDECOMPOSE_OT_test_backend(bpy.types.Operator):
    bl_idname = "toondecompose.test_backend"
    bl_label = "Test Backend"
    bl_description = "Start the backend once and show its device, memory and version"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        doctor = running.board.doctor
        if doctor is not None and not doctor.finished:
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
        doctor = Doctor(python, folder)
        running.board.doctor = doctor
        doctor.start()
        if not bpy.app.background:
            running.go()
            return {"FINISHED"}
        while not doctor.finished:
            doctor.step()
            time.sleep(_WAIT)
        if doctor.finding.problem:
            self.report({"ERROR"}, doctor.finding.problem)
            return {"CANCELLED"}
        self.report({"INFO"}, "; ".join(doctor.finding.lines))
        return {"FINISHED"}

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_test_backend,))
