"""Entries in Blender's own menus."""

from __future__ import annotations

from typing import Any

import bpy

from .. import strips


def strip_entry(self: Any, context: Any) -> None:
    """The Sequencer's context menu, over an image or movie strip."""
    if strips.chosen(context):
        self.layout.separator()
        self.layout.operator("toondecompose.decompose", icon="RENDERLAYERS")


def import_entry(self: Any, context: Any) -> None:
    """File > Import."""
    self.layout.operator("toondecompose.import_result", text="ToonDecompose Result (result.json)")
    self.layout.operator("toondecompose.import_placed", text="ToonDecompose Result, Placed Frames (result.json)")


_ENTRIES = (("SEQUENCER_MT_context_menu", strip_entry), ("TOPBAR_MT_file_import", import_entry))


def register() -> None:
    for menu, entry in _ENTRIES:
        getattr(bpy.types, menu).append(entry)


def unregister() -> None:
    for menu, entry in _ENTRIES:
        getattr(bpy.types, menu).remove(entry)
