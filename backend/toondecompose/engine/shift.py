"""Moving a picture by a fraction of a px with a separable cubic kernel, on the host: several times faster than a warp.

Edge coordinates. The picture's edge px repeat outside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 px, half open

CATMULL_ROM = -0.5  # reproduces quadratic shading exactly: for reading frames
RENDERED = -0.75  # the sharpness of OpenCV's and grid_sample's bicubic kernels: for showing and predicting frames
WHOLE_PX = 1e-3  # px; a shift closer than this to a whole number is taken as one


def cubic(d: np.ndarray, a: float) -> np.ndarray:
    """Keys' cubic kernel of sharpness a at distance d (any shape)."""
    d = np.abs(d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d < 1, near, np.where(d < 2, far, 0.0))


def _tap(d: float, a: float) -> float:
    """`cubic` of one number, in a fraction of numpy's time for four."""
    d = abs(d)
    if d < 1:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else 0.0


def _span(offset: float, start: int, count: int, length: int, a: float) -> tuple[int, int, int, int, np.ndarray]:
    """One axis of a move -> (first and last px that are read, px repeated before and after them, kernel)."""
    whole = round(offset)
    if abs(offset - whole) < WHOLE_PX:
        base, before, after, taps = whole, 0, 0, np.ones(1)
    else:
        base = math.floor(offset)
        before, after, taps = 1, 2, np.array([_tap(k - (offset - base), a) for k in range(-1, 3)])
    low, high = start + base - before, start + count + base + after
    first, last = min(max(low, 0), length - 1), min(max(high, 1), length)
    return first, last, max(0, min(first, high - 1) - low), max(0, high - max(last, low + 1)), taps.astype(np.float32)


def moved(planes: Iterable[np.ndarray], size: tuple[int, int], shift: tuple[float, float], box: Box,
          a: float) -> np.ndarray:
    """The planes read at the px of a box plus `shift` (x, y) px.

    planes: float32 or uint8 [h, w] each, of size (w, h). box: of the output. a: the kernel's sharpness.
    Returns float32 [planes, box height, box width]."""
    x0, y0, x1, y1 = box
    left, right, *pad_x, kx = _span(shift[0], x0, x1 - x0, size[0], a)
    top, bottom, *pad_y, ky = _span(shift[1], y0, y1 - y0, size[1], a)
    planes = list(planes)
    skip_x, skip_y = (len(kx) - 1) // 2, (len(ky) - 1) // 2
    filtered = len(kx) > 1 or len(ky) > 1
    # the filter repeats the picture's edge itself as far as its taps reach beyond it
    own = filtered and all(before <= skip and after <= len(taps) - 1 - skip for (before, after), skip, taps
                           in ((pad_x, skip_x, kx), (pad_y, skip_y, ky)))
    if own:
        skip_x, skip_y, pad_x, pad_y = skip_x - pad_x[0], skip_y - pad_y[0], (0, 0), (0, 0)
    # filtered with the px that the kernel reads around the box, of which the box is then a view: no copy
    out = np.empty((len(planes), bottom - top + sum(pad_y), right - left + sum(pad_x)), np.float32)
    for plane, result in zip(planes, out, strict=True):
        part = plane[top:bottom, left:right]
        if any(pad_x) or any(pad_y):
            part = cv2.copyMakeBorder(part, *pad_y, *pad_x, cv2.BORDER_REPLICATE)
        if filtered:
            cv2.sepFilter2D(part, cv2.CV_32F, kx, ky, dst=result, anchor=((len(kx) - 1) // 2, (len(ky) - 1) // 2),
                            borderType=cv2.BORDER_REPLICATE)
        else:
            result[:] = part
    return out[:, skip_y:skip_y + y1 - y0, skip_x:skip_x + x1 - x0]
