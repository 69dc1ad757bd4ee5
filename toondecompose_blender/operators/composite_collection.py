"""Composite Collection: 3D things that were added to an imported scene get a view layer and nodes like a sprite's.

Without that, whatever is in no sprite's collection is in every sprite's view layer, and so in the picture many times.
"""

from __future__ import annotations

from typing import Any

import bpy

from .. import versions
from ..scene import compositor, view_layers
from ..scene.naming import SPRITE, clip_root, key_of
from .sprite_base import SpriteOperator


class TOONDECOMPOSE_OT_composite_collection(SpriteOperator, bpy.types.Operator):
    bl_idname = "toondecompose.composite_collection"
    bl_label = "Composite Collection"
    bl_description = ("Give the active collection, with what you added to the scene, a view layer and compositor "
                      "nodes of its own, in front of the active sprite")

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not super().poll(context):
            return False
        reason = why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return reason is None

    def act(self, context: Any, sprite: Any) -> str:
        scene, own = context.scene, context.collection
        for layer in scene.view_layers:
            if SPRITE in layer:
                view_layers.exclude(layer, own)
        layer = view_layers.new_view_layer_of(scene, own, _clip(sprite))
        layer[SPRITE] = ""  # of one thing only, but of no sprite
        compositor.insert_above(versions.compositor_tree(scene), key_of(sprite), own.name,
                                compositor.render_layer(scene, {own.name: layer.name}))
        return ""


def why_not(context: Any) -> str | None:
    """Why the active collection cannot be composited, or None."""
    scene, sprite, own = context.scene, context.object, context.collection
    tree = versions.compositor_tree(scene)
    if compositor.find(tree, compositor.OVER, key_of(sprite)) is None:
        return "This scene's sprites were imported without compositor nodes"
    if own is None or own == scene.collection:
        return "Put what you added into a collection of its own, and make that the active one"
    clip = _clip(sprite)
    if clip is None or own == clip or own in list(clip.children_recursive) or clip in list(own.children_recursive):
        return "Make a collection active that has nothing to do with the imported clip"
    if compositor.find(tree, compositor.OVER, own.name) is not None:
        return "The active collection has nodes of its own already"
    return None


def _clip(sprite: Any) -> Any:
    root = clip_root(sprite)
    return root.users_collection[0] if root is not None and root.users_collection else None


register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_composite_collection,))
