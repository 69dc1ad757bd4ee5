"""The map of what the engine could not explain, as an overlay of the camera's view."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from toondecompose.formats.errors import UserError

from ..scene.naming import clip_camera
from .compare import read_picture
from .drawings import result_folder

_COLOUR = (1.0, 0.0, 0.4)  # seldom in a painted picture
_OPACITY = 0.75
_LEAST = 0.02  # share of the range below which a pixel counts as explained


def toggle(root: Any) -> Any:
    """Lay the clip's map over its camera's view (-> the camera), or take it away again (-> None). UserError when there
    is nothing to show."""
    camera = clip_camera(root)
    if camera is None:
        raise UserError(f"“{root['td_clip']}” has lost its camera; undo its removal.")
    backgrounds = camera.data.background_images
    shown = next((b for b in backgrounds if b.image and "td_unresolved" in b.image), None)
    if shown is not None:
        image = shown.image
        shown.image = None  # else it keeps its user
        backgrounds.remove(shown)
        if not image.users:
            bpy.data.images.remove(image)
        return None
    image = overlay_image(root)
    overlay = backgrounds.new()
    overlay.image, overlay.alpha = image, _OPACITY
    overlay.display_depth, overlay.frame_method = "FRONT", "STRETCH"
    camera.data.show_background_images = True
    return camera


def overlay_image(root: Any) -> Any:
    """The map as a coloured picture that is clear wherever everything was explained, packed into the .blend."""
    name = root["td_clip"]
    path = result_folder(root) / root.get("td_unresolved", "")
    if root.get("td_unresolved") and not path.is_file():
        raise UserError(f"“{path}” is not there any more; relink the result.")
    doubt = read_picture(path).max(-1) if root.get("td_unresolved") else np.zeros((1, 1), np.float32)
    if doubt.max() < _LEAST:
        raise UserError(f"Nothing of “{name}” is unresolved: everything was explained.")
    h, w = doubt.shape
    pixels = np.empty((h, w, 4), np.float32)
    pixels[..., :3], pixels[..., 3] = _COLOUR, doubt[::-1]
    image = bpy.data.images.new(f"{name} unresolved", w, h, alpha=True)
    image["td_unresolved"] = True
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    return image
