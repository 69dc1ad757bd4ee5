"""A sprite's drawings as files: which there are, adding one, finding them again."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError, sentence_for_os_error
from toondecompose.formats.png_header import read_png_size
from toondecompose.formats.result import RESULT_FILE

from ..scene.channels import DRAWING_NAME
from ..scene.importer import relative_path
from ..scene.materials import TEXTURE
from ..scene.naming import clip_root, is_sprite

_DIGITS = re.compile(r"(\d+)(\.[^.]+)$")


def image_of(sprite: Any) -> Any:
    """The image sequence of a sprite's drawings."""
    for slot in sprite.material_slots:
        tree = slot.material.node_tree if slot.material else None
        node = tree.nodes.get(TEXTURE) if tree else None
        if node is not None and node.image is not None:
            return node.image
    raise UserError(f"“{sprite.name}” has lost its material's “{TEXTURE}” texture; import the result again.")


def drawing_file(sprite: Any, number: int) -> Path:
    """The file of a drawing (numbers count from 1)."""
    path = bpy.path.abspath(image_of(sprite).filepath)
    parts = _DIGITS.search(path)
    if parts is None:
        raise UserError(f"“{path}” has no number, so “{sprite.name}” has no sequence of drawings; relink it.")
    return Path(f"{path[:parts.start()]}{sprite['td_first'] + number - 1:0{len(parts[1])}d}{parts[2]}")


def drawing_files(sprite: Any) -> list[Path]:
    """All drawings' files, whether they exist or not."""
    return [drawing_file(sprite, number) for number in range(1, sprite["td_drawings"] + 1)]


def missing(sprite: Any) -> list[int]:
    """Numbers of the drawings whose files are not there."""
    return [number for number, path in enumerate(drawing_files(sprite), 1) if not path.is_file()]


def add_drawing(sprite: Any, picture: str | Path) -> int:
    """Copy a PNG of the canvas's size beside the sprite's drawings, as the next number. Returns the number.

    No file of the result is ever replaced. Sprites that share the drawings (duplicates) get it as well.
    """
    picture = Path(picture)
    canvas, size = tuple(sprite["td_canvas"]), read_png_size(picture)
    if size != canvas:
        raise UserError(f"“{picture.name}” is {size[0]} x {size[1]} px, but the drawings of “{sprite.name}” are "
                        f"{canvas[0]} x {canvas[1]} px; give it the same canvas.")
    number = sprite["td_drawings"] + 1
    while drawing_file(sprite, number).exists():
        number += 1  # files that a person put there stay; they become drawings too
    target = drawing_file(sprite, number)
    try:
        with open(picture, "rb") as source, open(target, "xb") as copy:
            shutil.copyfileobj(source, copy)
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "written", target)) from error
    image = image_of(sprite)
    for other in [o for o in bpy.data.objects if is_sprite(o) and _shows(o, image)]:
        other["td_drawings"] = number
        other.id_properties_ui(DRAWING_NAME).update(soft_max=number)
    image.reload()
    return number


def _shows(sprite: Any, image: Any) -> bool:
    return any(slot.material and slot.material.node_tree.nodes.get(TEXTURE)
               and slot.material.node_tree.nodes[TEXTURE].image == image for slot in sprite.material_slots)


def relink(root: Any, folder: str | Path) -> int:
    """Point a clip's sprites at their drawings in a folder: the moved result, or any folder above it that has it once.

    Returns how many sprites found their drawings. UserError when none did; then nothing was changed.
    """
    folder = Path(bpy.path.abspath(str(folder)))
    sprites = [child for child in root.children if is_sprite(child)]
    found: dict[Any, Path] = {}
    for sprite in sprites:
        first = drawing_file(sprite, 1)
        parts = first.parts
        # the longest end of the old path that exists below the chosen folder: sprites/01_girl/drawings/0001.png, ...
        ends = [folder.joinpath(*parts[-n:]) for n in range(min(4, len(parts)), 0, -1)]
        match = next((end for end in ends if end.is_file()), None)
        if match is not None and read_png_size(match) == tuple(sprite["td_canvas"]):
            found[sprite] = match
    if not found:
        raise UserError(f"None of the drawings of “{root['td_clip']}” are in “{folder}”; choose the folder that has "
                        f"{RESULT_FILE}.")
    for sprite, first in found.items():
        image = image_of(sprite)
        image.filepath = relative_path(first)
        image.reload()
    if (folder / RESULT_FILE).is_file():
        root["td_folder"] = relative_path(folder)
    return len(found)


def result_folder(root: Any) -> Path:
    """Where a clip's result lies."""
    return Path(os.path.abspath(bpy.path.abspath(root["td_folder"])))


def clip_is_there(obj: Any) -> bool:
    """Whether the result that an object's clip came from is still on disk."""
    root = clip_root(obj)
    return root is not None and (result_folder(root) / RESULT_FILE).is_file()
