"""Multiplane depth: how far apart a clip's planes stand, which its camera cannot see until it moves."""

from __future__ import annotations

from typing import Any

from toondecompose.formats.errors import UserError

from ..scene import planes
from ..scene.naming import clip_camera, clip_sprites


def set_spacing(root: Any, spacing: float) -> None:
    """Space a clip's planes, back to front; the front one stays. spacing: share of the camera's distance per plane."""
    camera = clip_camera(root)
    if camera is None:
        raise UserError(f"“{root['td_clip']}” has lost its camera, from which depth is counted; undo its removal.")
    planes.space_planes(clip_sprites(root), camera.data, spacing)
    root["td_spacing"] = spacing
    root.update_tag()


def spacing(root: Any) -> float:
    """The clip's spacing."""
    return float(root.get("td_spacing", 0.0))
