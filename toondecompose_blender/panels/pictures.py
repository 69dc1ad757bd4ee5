"""Preview pictures in panels. Blender keeps them in collections that must be given back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import bpy.utils.previews
import numpy as np

# share of a drawing's ink on each side that may be specks, and the margin kept around the rest, as a share of its size
_SPECKS, _MARGIN = 0.02, 0.06
# pictures kept at once; a long session would otherwise collect one per preview of every run
_KEPT = 200

# Blender's preview collection while the add-on is registered
_store = SimpleNamespace(collection=None)


def icon_of(path: Path, serial: int = 0, cropped: bool = False) -> int:
    """The icon number of a picture file, 0 when there is none. serial: changes when the file's content has changed.
    cropped: to what is drawn; a drawing may fill a small part of its canvas."""
    collection = _store.collection
    if collection is None:
        return 0
    key = f"{serial}:{cropped}:{path}"
    if key not in collection:
        if not path.is_file():
            return 0
        if len(collection) >= _KEPT:
            collection.clear()
        preview = collection.load(key, str(path), "IMAGE", force_reload=True)
        if cropped:
            _crop(preview)
    return collection[key].icon_id


def _crop(preview: bpy.types.ImagePreview) -> None:
    width, height = preview.image_size
    if width < 1 or height < 1:
        return  # without a window there are no pictures
    pixels = np.empty(width * height * 4, np.float32)
    preview.image_pixels_float.foreach_get(pixels)
    part = drawn_part(pixels.reshape(height, width, 4))
    preview.image_size = part.shape[1], part.shape[0]
    preview.image_pixels_float.foreach_set(np.ascontiguousarray(part).ravel())


def drawn_part(picture: np.ndarray) -> np.ndarray:
    """The part of a picture, float32 [h, w, 4], that holds nearly all of what is drawn, with a margin."""
    alpha = picture[..., 3].astype(np.float64)
    if alpha.sum() <= 0:
        return picture
    bounds = []
    for axis in (1, 0):
        share = np.cumsum(alpha.sum(axis)) / alpha.sum()
        low, high = np.searchsorted(share, (_SPECKS, 1 - _SPECKS))
        margin = max(1, round(_MARGIN * (high - low + 1)))
        bounds.append(slice(max(0, low - margin), min(len(share), high + 1 + margin)))
    return picture[bounds[0], bounds[1]]


def register() -> None:
    _store.collection = bpy.utils.previews.new()


def unregister() -> None:
    bpy.utils.previews.remove(_store.collection)
    _store.collection = None
