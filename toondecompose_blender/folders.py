"""Where a strip's result goes: names that every system accepts, and never over a finished result."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError
from toondecompose.formats.files import checked_relative
from toondecompose.formats.result import RESULT_FILE

# job file, log and rendered frames, inside the result's folder
JOB_FOLDER = "job"
JOB_FILE = "job.json"
RENDERED = "frames"
_FORBIDDEN = set('<>:"/\\|?*{}#%')
# longest name of a strip's folder; full paths stay below 260 characters more often
_LONGEST = 60


def safe_name(name: str) -> str:
    """A strip's name as a folder's name: one component, no tricks, composed Unicode: 'Größe 10%' -> 'Größe 10_'."""
    text = unicodedata.normalize("NFC", name)
    text = "".join("_" if c in _FORBIDDEN or not c.isprintable() else c for c in text)
    text = text.strip(" .")[:_LONGEST].rstrip(" .").lstrip("-~") or "clip"
    try:
        return checked_relative(text, "name")
    except UserError:  # a device's name, such as CON
        return f"_{text}"


def base_folder(scene: Any, cache: str, package: str) -> Path:
    """The folder of all results: the scene's setting, else beside the .blend, else the add-on's own folder."""
    chosen = scene.toondecompose.output
    if chosen and not (chosen.startswith("//") and not bpy.data.filepath):
        return Path(bpy.path.abspath(chosen))
    if bpy.data.filepath:
        return Path(bpy.path.abspath("//toondecompose"))
    if cache:
        return Path(bpy.path.abspath(cache))
    return own_folder(package)


def own_folder(package: str) -> Path:
    """A folder for what belongs to no file. Extensions have one; run from its source, the add-on has not."""
    try:
        return Path(bpy.utils.extension_path_user(package, path="cache", create=True))
    except ValueError:
        return Path(tempfile.gettempdir()) / "toondecompose"


def free_folder(base: Path, name: str, taken: Collection[Path]) -> Path:
    """base/name, or name_002 ... where that holds a finished result (scenes may use its pictures) or is being written.

    A folder that an unfinished run left is used again: finished stages are not repeated.
    """
    stem = safe_name(name)
    number = 1
    while True:
        folder = base / (stem if number == 1 else f"{stem}_{number:03d}")
        if folder not in taken and not (folder / RESULT_FILE).exists():
            return folder
        number += 1


def relative(path: Path) -> str:
    """A folder as the .blend stores it: relative to the file where possible."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return bpy.path.relpath(str(path))
    except ValueError:  # another drive on Windows
        return str(path)
