"""Small operations on pictures that several stages of the drawings share. Edge coordinates."""

from __future__ import annotations

import cv2
import numpy as np

SLIDES = 1e-9  # a motion this near to a shift is one (1e-9 of 4000 px is nothing)
HALF = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])


def strongest(picture: np.ndarray) -> np.ndarray:
    """Largest of the three channels, [h, w] (numpy's own max over a short last axis is ten times slower)."""
    if picture.ndim == 3 and picture.size and picture.dtype in (np.uint8, np.float32):  # OpenCV knows no empty picture
        red, green, blue = cv2.split(picture)
        return cv2.max(cv2.max(red, green), blue)
    return np.maximum(np.maximum(picture[..., 0], picture[..., 1]), picture[..., 2])


def local_range(smooth: np.ndarray, reach: int = 1) -> np.ndarray:
    """Largest minus smallest colour within `reach` px (square), per channel."""
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return cv2.subtract(cv2.dilate(smooth, kernel), cv2.erode(smooth, kernel))


def shift(x: float, y: float) -> np.ndarray:
    """3x3 translation, px."""
    return np.array([[1.0, 0, x], [0, 1.0, y], [0, 0, 1.0]])


def slides(H: np.ndarray) -> bool:
    """Whether a motion [3, 3] is a shift."""
    return bool(np.abs(H / H[2, 2] - shift(H[0, 2] / H[2, 2], H[1, 2] / H[2, 2])).max() < SLIDES)


def reached(box: tuple[int, int, int, int], H: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1), px of a picture of `size` (w, h): what `place` makes of a box (x0, y0, x1, y1) lies in it. All
    of it unless H (the box' px -> output px) is a shift; empty where nothing is seen."""
    if not slides(H):
        return 0, 0, *size
    left, top = (int(np.floor(-H[k, 2] / H[2, 2])) for k in (0, 1))
    return (max(0, box[0] - left - 1), max(0, box[1] - top - 1), min(size[0], box[2] - left),
            min(size[1], box[3] - top))


def slide(picture: np.ndarray, x: float, y: float, size: tuple[int, int], repeat: bool = False,
          window: tuple[int, int, int, int] | None = None) -> np.ndarray | None:
    """picture moved by (x, y) px, as `place` does it but more than twice as fast; None if nothing of it is seen."""
    rows, columns = picture.shape[:2]
    left, top = int(np.floor(-x)), int(np.floor(-y))
    fx, fy = -x - left, -y - top
    first, last = ((0, 0), size) if window is None else (window[:2], window[2:])
    left, top, w, h = left + first[0], top + first[1], last[0] - first[0], last[1] - first[1]
    x0, x1, y0, y1 = max(left, 0), min(left + w + 1, columns), max(top, 0), min(top + h + 1, rows)
    if x1 <= x0 or y1 <= y0:
        return None
    seen, missing = picture[y0:y1, x0:x1], (y0 - top, top + h + 1 - y1, x0 - left, left + w + 1 - x1)
    if any(missing):
        seen = cv2.copyMakeBorder(seen, *missing, cv2.BORDER_REPLICATE if repeat else cv2.BORDER_CONSTANT)
    out = cv2.sepFilter2D(seen, -1, np.array([1 - fx, fx], np.float32), np.array([1 - fy, fy], np.float32),
                          anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(out[:h, :w])


def place(picture: np.ndarray, H: np.ndarray, size: tuple[int, int], repeat: bool = False,
          window: tuple[int, int, int, int] | None = None) -> np.ndarray:
    """picture warped by H (picture px -> output px), bilinear; outside it is 0, or the edge repeats.

    window: (x0, y0, x1, y1), the part of the output that is wanted."""
    if slides(H):
        moved = slide(picture, H[0, 2] / H[2, 2], H[1, 2] / H[2, 2], size, repeat, window)
        if moved is not None:
            return moved
    centre = np.linalg.inv(HALF) @ H @ HALF
    out = cv2.warpPerspective(picture, centre, size, flags=cv2.INTER_LINEAR,
                              borderMode=cv2.BORDER_REPLICATE if repeat else cv2.BORDER_CONSTANT)
    return out if window is None else out[window[1] : window[3], window[0] : window[2]]


def place_mask(mask: np.ndarray, H: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """0/1 mask warped by H -> 0/1; a pixel is 1 only if all that it is made of is."""
    return (place(mask * np.uint8(255), H, size) >= 254).astype(np.uint8)


def values_at(picture: np.ndarray, ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """Values [n, ...] of a picture [h, w, ...] at pixels (ys, xs), half as long as picture[ys, xs] takes."""
    return picture.reshape(-1, *picture.shape[2:]).take(ys * picture.shape[1] + xs, 0)


def pixels_of(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns) of the pixels set in a 2-D mask (numpy's nonzero in two dimensions is several times slower)."""
    return np.divmod(np.flatnonzero(mask), mask.shape[1])


def as_bytes(picture: np.ndarray) -> np.ndarray:
    """RGB 0..255 of any type as uint8."""
    return picture if picture.dtype == np.uint8 else np.clip(np.rint(picture), 0, 255).astype(np.uint8)
