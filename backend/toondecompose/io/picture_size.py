"""A picture file's size without decoding it, with what can be known about damage at that price."""

from __future__ import annotations

from pathlib import Path

from ..formats.errors import UserError, sentence_for_os_error
from ..formats.files import MAX_PIXELS, MAX_SIDE
from ..formats.png_header import read_png_size

_JPEG_END = b"\xff\xd9"
# cameras append small pictures and notes behind a JPEG's end, bytes
_JPEG_TAIL = 2**16


def picture_size(path: str | Path) -> tuple[int, int]:
    """(width, height) px from the file's header. UserError for a file that is missing, empty, cut off or no picture."""
    path = Path(path)
    try:
        with open(path, "rb") as stream:
            head = stream.read(8)
            length = stream.seek(0, 2)
            stream.seek(max(0, length - _JPEG_TAIL))
            tail = stream.read() if head.startswith(b"\xff\xd8") else b""
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "read", path)) from error
    if not head:
        raise UserError(f"“{path}” is empty (0 bytes); render that frame again.")
    size = read_png_size(path) if head.startswith(b"\x89PNG") else _size_with_pillow(path)
    if tail and _JPEG_END not in tail:
        raise UserError(f"“{path}” ends in the middle; it was cut off while it was written or copied.")
    if max(size) > MAX_SIDE or size[0] * size[1] > MAX_PIXELS or min(size) < 1:
        raise UserError(f"“{path}” is {size[0]} x {size[1]} px, more than can be decomposed; make it smaller.")
    return size


def _size_with_pillow(path: Path) -> tuple[int, int]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return image.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"“{path}” cannot be read as a picture; it may be damaged or of a kind that is not supported "
                        "(PNG, JPEG, TIFF, WebP and BMP are).") from error
