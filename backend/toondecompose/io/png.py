"""Reading and writing pictures: any name (Unicode on every system), 8 and 16 bit, grey to RGBA."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..formats.errors import UserError, sentence_for_os_error

# 16-bit values -> 8-bit ones: 65535 / 255
_STEP_16 = 257
# zlib level: 1 writes drawings three times faster than the best one, for files a fifth larger
FAST = 1
# Trying every filter on every row doubles the time for files a twentieth smaller. Older OpenCVs have no choice.
_ONE_FILTER = [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP] if hasattr(cv2, "IMWRITE_PNG_FILTER_UP") else []


def png_bytes(picture: np.ndarray, compression: int = FAST) -> bytes:
    """uint8 or uint16 grey [h, w], RGB [h, w, 3] or straight RGBA [h, w, 4] -> a PNG file's bytes."""
    if picture.ndim == 3:
        code = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[picture.shape[2]]
        picture = cv2.cvtColor(np.ascontiguousarray(picture), code)
    how = [cv2.IMWRITE_PNG_COMPRESSION, compression]
    if compression == FAST:
        how += _ONE_FILTER
    done, data = cv2.imencode(".png", picture, how)
    if not done:
        raise ValueError(f"a picture of {picture.shape} {picture.dtype} cannot be a PNG")
    return data.tobytes()


def write_png(path: str | Path, picture: np.ndarray, compression: int = FAST) -> None:
    """Write a PNG (see png_bytes), making its folder where needed. UserError when the disk refuses."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png_bytes(picture, compression))  # not cv2.imwrite: it cannot open Unicode names everywhere
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "written", path)) from error


def read_picture(path: str | Path) -> np.ndarray:
    """A picture file as it is stored: uint8 or uint16, grey [h, w], RGB [h, w, 3] or straight RGBA [h, w, 4]."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "read", path)) from error
    picture = _decode(data, path) if data else None
    if picture is None:
        raise UserError(f"“{path}” cannot be read as a picture; it may be damaged or of a kind that is not supported.")
    return picture


def _decode(data: bytes, path: Path) -> np.ndarray | None:
    if path.suffix.lower() in (".tif", ".tiff", ".tga"):
        converted = _decode_with_pillow(path)  # OpenCV takes CMYK for RGBA in TIFFs, and reads no TGA
        if converted is not None:
            return converted
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None  # e.g. more pixels than OpenCV accepts
    if picture is None or picture.dtype not in (np.uint8, np.uint16):
        return None
    if picture.ndim == 3:
        code = {1: None, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}[picture.shape[2]]
        picture = picture[..., 0] if code is None else cv2.cvtColor(picture, code)
    return picture


def _decode_with_pillow(path: Path) -> np.ndarray | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.mode not in ("L", "LA", "P", "1", "RGB", "RGBA", "CMYK", "YCbCr"):
                return None  # 16 bit: OpenCV keeps what Pillow would lose
            return np.array(image.convert("RGB" if image.mode in ("CMYK", "YCbCr") else "RGBA"))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None


def to_uint8(picture: np.ndarray) -> np.ndarray:
    """uint8 or uint16 -> uint8, rounded."""
    if picture.dtype == np.uint16:
        # no 16-bit value lies halfway between two steps, so that OpenCV's rounding is as good as any
        return cv2.convertScaleAbs(picture, alpha=1 / _STEP_16).reshape(picture.shape)
    return picture


def to_uint16(picture: np.ndarray) -> np.ndarray:
    """uint8 -> uint16 with the same values; the inverse of to_uint8."""
    return picture.astype(np.uint16) * _STEP_16


def to_rgba(picture: np.ndarray) -> np.ndarray:
    """uint8 grey, RGB or RGBA -> straight RGBA [h, w, 4]; opaque where there was no alpha."""
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, 2)
    if picture.shape[2] == 3:
        picture = np.concatenate([picture, np.full_like(picture[..., :1], 255)], 2)
    return picture


def read_rgba(path: str | Path) -> np.ndarray:
    """A picture file as uint8 RGBA [h, w, 4], straight alpha, whatever it was stored as."""
    return to_rgba(to_uint8(read_picture(path)))


def read_rgb(path: str | Path) -> np.ndarray:
    """A picture file as uint8 RGB [h, w, 3]; where it is transparent, over black, as a video editor shows it."""
    picture = to_uint8(read_picture(path))
    if picture.ndim == 3 and picture.shape[2] == 3:
        return picture
    if picture.ndim == 3 and picture.shape[2] == 4:
        alpha = picture[..., 3:].astype(np.uint16)
        return ((picture[..., :3] * alpha + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(to_rgba(picture)[..., :3])
