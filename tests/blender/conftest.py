"""Blender for the tests: a fresh empty file and the add-on, enabled from its source, for each of them.

The end-to-end tests install the real zip instead. What needs no bpy (session, homographies) also runs without it.
"""

from __future__ import annotations

import stat
import struct
import sys
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

ADDON = "toondecompose_blender"

try:
    import bpy
except ImportError:
    bpy = None


@pytest.fixture(scope="session")
def backend_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backend's Python: this one, with the source of the backend on its path as if it were installed."""
    path = tmp_path_factory.mktemp("backend") / "python"
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT / "backend"}" exec "{sys.executable}" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(scope="session")
def dummy_python(tmp_path_factory: pytest.TempPathFactory, backend_python: Path) -> Path:
    """The same, with the dummy engine, which takes half a second."""
    path = tmp_path_factory.mktemp("dummy") / "python"
    seconds = "${TOONDECOMPOSE_TEST_SECONDS:-0.5}"
    path.write_text(f'#!/bin/sh\nexec "{backend_python}" "$@" --engine dummy --seconds {seconds}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(autouse=True)
def fresh_file(request: pytest.FixtureRequest):
    """A new empty file with factory settings, and the add-on enabled; both gone afterwards."""
    if bpy is None or "without_blender" in request.keywords:
        yield
        return
    bpy.ops.wm.read_factory_settings(use_empty=True)
    import addon_utils

    def fail(error: BaseException) -> None:
        raise error

    addon_utils.enable(ADDON, default_set=True, handle_error=fail)
    yield
    addon_utils.disable(ADDON, default_set=True)


@pytest.fixture
def context():
    return bpy.context


@pytest.fixture
def scene():
    return bpy.context.scene


@pytest.fixture
def preferences():
    return bpy.context.preferences.addons[ADDON].preferences


def write_png(path: Path, width: int, height: int, grey: int | bytes = 128) -> Path:
    """A grey RGB picture, with the standard library alone. grey: one value, or one per row."""
    values = bytes([grey]) * height if isinstance(grey, int) else grey
    rows = b"".join(b"\0" + bytes([value]) * (3 * width) for value in values)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


def grey_of(path: Path | str) -> int:
    """The value of a picture's middle pixel."""
    import imageio.v3 as imageio

    picture = imageio.imread(path)
    return int(picture[picture.shape[0] // 2, picture.shape[1] // 2, 0])


def numbered(folder: Path, count: int = 20, size: tuple[int, int] = (64, 32), stem: str = "shot_") -> list[Path]:
    """Pictures 0..count-1 whose value tells their number: 10 + 10 i."""
    return [write_png(folder / f"{stem}{i:04d}.png", *size, 10 + 10 * i) for i in range(count)]


def add_strip(scene, files: list[Path], frame_start: int = 11, name: str = "shot", channel: int = 1):
    """An image strip of files of one folder."""
    from toondecompose_blender import versions

    editor = scene.sequence_editor or scene.sequence_editor_create()
    strip = versions.top_strips(editor).new_image(
        name=name, filepath=str(files[0]), channel=channel, frame_start=frame_start)
    for path in files[1:]:
        strip.elements.append(path.name)
    for other in versions.all_strips(editor):
        other.select = False
    strip.select = True
    editor.active_strip = strip
    return strip


def snapshot() -> dict[str, list[str]]:
    """The names of everything in the file: equal before and after what must change nothing."""
    from toondecompose_blender import versions

    found = {prop.identifier: sorted(block.name for block in getattr(bpy.data, prop.identifier))
             for prop in bpy.data.bl_rna.properties if prop.type == "COLLECTION"}
    found["strips"] = sorted(
        f"{scene.name}/{strip.name} {versions.strip_handles(strip)} {strip.mute} {strip.transform.offset_x:g}"
        for scene in bpy.data.scenes if scene.sequence_editor for strip in versions.all_strips(scene.sequence_editor)
        if strip.type in ("IMAGE", "MOVIE"))
    found["results"] = [f"{scene.name}/{entry.folder}" for scene in bpy.data.scenes for entry in
                        scene.toondecompose.results]
    return found


