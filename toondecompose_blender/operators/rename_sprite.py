"""Rename Sprite: the plane and everything that is called after it."""

from __future__ import annotations

from typing import Any

import bpy

from toondecompose.formats.errors import UserError

from ..sprite.rename import rename
from .sprite_base import Dialog, SpriteOperator


class TOONDECOMPOSE_OT_rename_sprite(Dialog, SpriteOperator, bpy.types.Operator):
    bl_idname = "toondecompose.rename_sprite"
    bl_label = "Rename Sprite"
    bl_description = "Give the sprite a name, and with it its collection, action, material, view layer and nodes"

    name: bpy.props.StringProperty(name="Name", description="The sprite's new name")

    def suggest(self, context: Any, sprite: Any) -> None:
        self.name = sprite.name

    def act(self, context: Any, sprite: Any) -> str:
        name = self.name.strip()
        if not name:
            raise UserError(f"“{sprite.name}” needs a name; type one.")
        rename(context.scene, sprite, name)
        return ""


register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_rename_sprite,))
