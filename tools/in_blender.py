"""What the demo and the end-to-end tests do inside Blender, with the extension installed from its zip as a user would.

Runs in the bpy wheel's Python (`python -I`), with neither torch nor OpenCV. BLENDER_USER_RESOURCES must point to a
throw-away folder before this is imported, because importing it imports bpy.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType

assert os.environ.get("BLENDER_USER_RESOURCES"), "set BLENDER_USER_RESOURCES to a throw-away folder first"

import bpy  # noqa: E402

MODULE = "bl_ext.user_default.toondecompose"


def install(zip_file: Path) -> ModuleType:
    """Install and enable the zip -> the add-on's module. RuntimeError when Blender does not enable it."""
    bpy.ops.extensions.package_install_files(filepath=str(zip_file), repo="user_default", enable_on_install=True)
    if MODULE not in bpy.context.preferences.addons:
        raise RuntimeError("Blender did not enable the extension; its messages above say why.")
    return importlib.import_module(MODULE)


def part(name: str) -> ModuleType:
    """A module of the installed add-on."""
    return importlib.import_module(f"{MODULE}.{name}")


def preferences() -> bpy.types.AddonPreferences:
    """The installed add-on's preferences."""
    return bpy.context.preferences.addons[MODULE].preferences


def empty_file() -> None:
    """A new file without objects; installed extensions stay."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def add_strip(files: list[Path], frame_start: int = 1, name: str = "shot") -> bpy.types.ID:
    """An image-sequence strip in the current scene, selected and active -> the strip."""
    versions = part("versions")
    scene = bpy.context.scene
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strip = versions.top_strips(editor).new_image(name=name, filepath=str(files[0]), channel=1, frame_start=frame_start)
    for path in files[1:]:
        strip.elements.append(path.name)
    for other in versions.all_strips(editor):
        other.select = other == strip
    editor.active_strip = strip
    return strip


def render(scene: bpy.types.Scene, frame: int, path: Path) -> None:
    """Render one frame of a scene to an 8-bit RGB PNG, through its view layers and compositor."""
    if bpy.context.window:
        bpy.context.window.scene = scene
    part("versions").set_png_output(scene)
    scene.frame_set(frame)
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True, scene=scene.name)


def sprite_planes(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The imported planes of a scene, back to front."""
    found = [o for o in scene.objects if "td_sprite" in o]
    return sorted(found, key=lambda o: o["td_order"])
