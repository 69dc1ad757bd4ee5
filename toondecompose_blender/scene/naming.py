"""What marks the add-on's things in a .blend file: custom properties, so that a file opens and renders without the
add-on."""

from __future__ import annotations

from typing import Any

CLIP, SPRITE = "td_clip", "td_sprite"
_KEY = "td_key"


def is_sprite(obj: Any) -> bool:
    """Whether an object is a sprite's plane."""
    return obj is not None and obj.type == "MESH" and SPRITE in obj


def clip_root(obj: Any) -> Any:
    """The root object of the clip that an object belongs to, or None."""
    while obj is not None and CLIP not in obj:
        obj = obj.parent
    return obj


def clip_sprites(root: Any) -> list[Any]:
    """A clip's sprites, back to front."""
    return sorted((child for child in root.children if is_sprite(child)), key=lambda s: (s["td_order"], s.name))


def clip_camera(root: Any) -> Any:
    """A clip's own camera object, or None when it was removed."""
    return next((child for child in root.children if child.type == "CAMERA" and CLIP + "_camera" in child), None)


def scene_roots(scene: Any) -> list[Any]:
    """The roots of all clips in a scene."""
    return [obj for obj in scene.objects if CLIP in obj]


def view_layer_of(scene: Any, sprite: Any) -> Any:
    """The view layer that renders a sprite alone, or None."""
    return next((layer for layer in scene.view_layers if layer.get(SPRITE) == key_of(sprite)), None)


def key_of(sprite: Any) -> str:
    """What a sprite's nodes and view layer are found by, whatever the sprite is called now."""
    return sprite.get(_KEY, sprite.name)


def give_key(sprite: Any, objects: Any) -> None:
    """Make a new sprite's key: its first name, numbered if another of the file's objects had that first."""
    taken = {obj.get(_KEY) for obj in objects if obj != sprite}
    key, number = sprite.name, 1
    while key in taken:
        key, number = f"{sprite.name} {number}", number + 1
    sprite[_KEY] = key
