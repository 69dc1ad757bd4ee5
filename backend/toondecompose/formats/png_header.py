"""A PNG's size from its first bytes, so that a result can be checked without decoding a single picture."""

from __future__ import annotations

import struct
from pathlib import Path

from .errors import UserError, sentence_for_os_error

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# signature, then the IHDR chunk: length, name, width, height
_HEADER = struct.Struct(">8sI4sII")
_DEPTH_AT = _HEADER.size  # the byte after the size: bits per channel
_END_CHUNK = b"IEND\xaeB`\x82"
# some programs append notes after the last chunk
_TAIL = 4096


def read_png_size(path: Path) -> tuple[int, int]:
    """(width, height) px of a PNG file. UserError when it is no PNG or was cut off."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(_HEADER.size)
            length = stream.seek(0, 2)
            stream.seek(max(0, length - _TAIL))
            tail = stream.read(_TAIL)
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "read", path)) from error
    if len(head) < _HEADER.size:
        raise UserError(f"“{path}” is not a PNG picture; it may be damaged.")
    signature, _, chunk, width, height = _HEADER.unpack(head)
    if signature != _SIGNATURE or chunk != b"IHDR":
        raise UserError(f"“{path}” is not a PNG picture; it may be damaged.")
    if _END_CHUNK not in tail:
        raise UserError(f"“{path}” ends in the middle; it was cut off while it was written or copied.")
    return width, height


def read_png_depth(path: Path) -> int:
    """Bits per channel of a PNG file, 1 to 16. UserError when it cannot be read or is no PNG."""
    read_png_size(path)
    with open(path, "rb") as stream:
        stream.seek(_DEPTH_AT)
        return stream.read(1)[0]
