"""Preview pictures in panels. Blender keeps them in collections that must be given back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import bpy.utils.previews

# pictures kept at once; a long session would otherwise collect one per preview of every run
_KEPT = 200

# Blender's preview collection while the add-on is registered
_store = SimpleNamespace(collection=None)


def icon_of(path: Path, serial: int = 0) -> int:
    """The icon number of a picture file, 0 when there is none. serial: changes when the file's content has changed."""
    collection = _store.collection
    if collection is None:
        return 0
    key = f"{serial}:{path}"
    if key not in collection:
        if not path.is_file():
            return 0
        if len(collection) >= _KEPT:
            collection.clear()
        collection.load(key, str(path), "IMAGE", force_reload=True)
    return collection[key].icon_id


def register() -> None:
    _store.collection = bpy.utils.previews.new()


def unregister() -> None:
    bpy.utils.previews.remove(_store.collection)
    _store.collection = None
