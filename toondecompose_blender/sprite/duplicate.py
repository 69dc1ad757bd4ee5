"""A second sprite from the same drawings, with timing, place and compositor nodes of its own."""

from __future__ import annotations

from typing import Any

import bpy

from .. import versions
from ..scene import compositor, materials, planes, view_layers
from ..scene.naming import SPRITE, clip_root, clip_sprites, give_key, key_of, view_layer_of


def duplicate(scene: Any, sprite: Any) -> Any:
    """Copy a sprite in front of itself. Its drawings' files are shared, everything else is its own. Returns the
    copy."""
    copy = sprite.copy()
    copy.data = sprite.data.copy()
    give_key(copy, bpy.data.objects)
    _own_actions(copy)
    if copy.data.shape_keys:
        planes.drive_shear(copy)
    for slot in copy.material_slots:
        if slot.material:
            slot.material = slot.material.copy()
            if slot.material.node_tree.nodes.get(materials.TEXTURE):
                materials.drive(slot.material, copy, copy["td_first"])
    root = clip_root(sprite)
    for other in clip_sprites(root) if root else []:
        if other["td_order"] > sprite["td_order"]:
            other["td_order"] += 1
    copy["td_order"] = sprite["td_order"] + 1
    own = bpy.data.collections.new(copy.name)
    clip = _parent_collection(scene, sprite)
    clip.children.link(own)
    own.objects.link(copy)
    _stack(scene, sprite, copy, own, clip)
    return copy


def _own_actions(copy: Any) -> None:
    data = copy.animation_data
    if data is None:
        return
    if data.action:
        slot = getattr(data, "action_slot", None)
        action = data.action.copy()
        versions.assign_action(copy, action, _same_slot(action, slot))
    for track in data.nla_tracks:
        for strip in track.strips:
            if strip.action:
                slot = getattr(strip, "action_slot", None)
                strip.action = strip.action.copy()
                versions.set_strip_slot(strip, _same_slot(strip.action, slot))


def _same_slot(action: Any, slot: Any) -> Any:
    if slot is None:
        return None
    return next((s for s in action.slots if s.handle == slot.handle), None)


def _parent_collection(scene: Any, sprite: Any) -> Any:
    own = sprite.users_collection[0]
    return next((c for c in scene.collection.children_recursive if own.name in c.children), scene.collection)


def _stack(scene: Any, sprite: Any, copy: Any, own: Any, clip: Any) -> None:
    """Give the copy a view layer and compositor nodes, where its model has them; hide it from the other sprites'
    layers."""
    model = view_layer_of(scene, sprite)
    for layer in scene.view_layers:
        if SPRITE in layer:
            view_layers.exclude(layer, own)
    if model is None:
        return
    layer = view_layers.new_view_layer(scene, copy.name, clip, own)
    layer[SPRITE] = key_of(copy)
    tree = versions.compositor_tree(scene)
    if tree is not None and compositor.find(tree, compositor.OVER, key_of(sprite)):
        source = compositor.render_layer(scene, {key_of(copy): layer.name})
        compositor.insert_above(tree, key_of(sprite), key_of(copy), source)
