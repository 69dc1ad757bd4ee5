"""Hide and Solo: which sprites' strips are seen."""

from __future__ import annotations

from typing import Any

import bpy

from .. import results, sequencer, versions


def _strips(context: Any) -> dict[int, list[Any]]:
    scene = versions.sequencer_scene(context)
    entry = results.active(scene)
    return sequencer.sprite_strips(scene, entry.folder) if entry is not None else {}


class _OnStrips:
    bl_options = {"REGISTER", "UNDO"}

    index: bpy.props.IntProperty(name="Sprite", min=0, description="Its place in the result, 0 is the farthest")

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not _strips(context):
            cls.poll_message_set("Add the sprites to the Sequencer first")
            return False
        return True


class TOONDECOMPOSE_OT_hide_sprite(_OnStrips, bpy.types.Operator):
    bl_idname = "toondecompose.hide_sprite"
    bl_label = "Hide Sprite"
    bl_description = "Mute the sprite's strips, or show them again"

    def execute(self, context: Any) -> set[str]:
        sequencer.toggle_hidden(_strips(context), self.index)
        return {"FINISHED"}


class TOONDECOMPOSE_OT_solo_sprite(_OnStrips, bpy.types.Operator):
    bl_idname = "toondecompose.solo_sprite"
    bl_label = "Solo Sprite"
    bl_description = "Mute the strips of all other sprites, or show them all again"

    def execute(self, context: Any) -> set[str]:
        sequencer.toggle_solo(_strips(context), self.index)
        return {"FINISHED"}


_CLASSES = (TOONDECOMPOSE_OT_hide_sprite, TOONDECOMPOSE_OT_solo_sprite)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
