"""A result.json that is dropped on a window is imported."""

from __future__ import annotations

from typing import Any

import bpy

_AREAS = {"VIEW_3D", "OUTLINER", "SEQUENCE_EDITOR"}


class TOONDECOMPOSE_FH_result(bpy.types.FileHandler):
    bl_idname = "TOONDECOMPOSE_FH_result"
    bl_label = "ToonDecompose Result"
    bl_import_operator = "toondecompose.import_result"
    bl_file_extensions = ".json"

    @classmethod
    def poll_drop(cls, context: Any) -> bool:
        return context.area is not None and context.area.type in _AREAS

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_FH_result,))
