"""A sprite's name, and the names of all that belongs to it."""

from __future__ import annotations

from typing import Any

from .. import versions
from ..scene import compositor
from ..scene.naming import clip_root, key_of, view_layer_of
from .drawings import image_of
from .timing import sources


def rename(scene: Any, sprite: Any, name: str) -> None:
    """Call a sprite something else; its collection, mesh, material, drawings, action, view layer and nodes follow.

    Nodes and view layers know their sprite by a key that stays, so a sprite that is renamed in the Outliner keeps them
    as well; there only their labels are old.
    """
    sprite.name = name
    name = sprite.name  # Blender numbers a name that is taken
    root = clip_root(sprite)
    for collection in sprite.users_collection:
        if root is None or root.name not in collection.objects:
            collection.name = name
    sprite.data.name = name
    for slot in sprite.material_slots:
        if slot.material:
            slot.material.name = name
    image = image_of(sprite)
    if image.users == 1:  # duplicates share their drawings
        image.name = f"{name} drawings"
    for source in sources(sprite):
        source.action.name = name if source.curve("location", 0) is not None else f"{name} drawings"
    layer, tree = view_layer_of(scene, sprite), versions.compositor_tree(scene)
    if layer is not None:
        layer.name = name
        node = compositor.find(tree, compositor.LAYER, key_of(sprite))
        if node is not None:
            node.layer = layer.name
    for kind in (compositor.FRAME, compositor.OVER):
        node = compositor.find(tree, kind, key_of(sprite))
        if node is not None:
            node.label = name
