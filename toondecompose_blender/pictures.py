"""The size of a picture from its first bytes, without bpy: a thousand frames are checked in a moment."""

from __future__ import annotations

import struct
from pathlib import Path

from toondecompose.formats.errors import UserError, sentence_for_os_error

# what the backend reads itself; other formats (EXR, DPX, ...) are rendered to PNG by Blender first
READ_DIRECTLY = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})

# enough for a JPEG's notes and colour profile before its size; a longer one is asked of Blender
_HEAD_BYTES = 256 * 1024
_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def picture_size(path: Path) -> tuple[int, int] | None:
    """(width, height) px of a PNG, JPEG, BMP or WebP. None for what it does not know; UserError if unreadable."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "read", path)) from error
    if not head:
        raise UserError(f"“{path.name}” is empty; render or copy that frame again.")
    for reader in (_png, _jpeg, _bmp, _webp):
        size = reader(head)
        if size is not None:
            return size
    return None


def _png(head: bytes) -> tuple[int, int] | None:
    if head[:8] != b"\x89PNG\r\n\x1a\n" or head[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def _jpeg(head: bytes) -> tuple[int, int] | None:
    if head[:3] != b"\xff\xd8\xff":
        return None
    at = 2
    while at + 9 <= len(head):
        if head[at] != 0xFF:
            return None
        marker = head[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _JPEG_SIZE_MARKERS:
            height, width = struct.unpack(">HH", head[at + 5:at + 9])
            return width, height
        else:
            at += 2 + struct.unpack(">H", head[at + 2:at + 4])[0]
    return None


def _bmp(head: bytes) -> tuple[int, int] | None:
    if head[:2] != b"BM" or len(head) < 26:
        return None
    width, height = struct.unpack("<ii", head[18:26])
    return width, abs(height)


def _webp(head: bytes) -> tuple[int, int] | None:
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or len(head) < 30:
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None
