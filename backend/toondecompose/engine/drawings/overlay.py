"""Two cut-outs laid on each other: what can be compared of them, and the planes behind both."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .align import project, sample
from .patches import Patch
from .pixels import as_bytes, local_range, place, shift, values_at

WINDOW_ROOM = 6  # px around what can be compared: as far as looking for lines and thickness reaches


@dataclass
class Overlay:
    """Two patches brought into one coordinate system (the coarser one's px), cut to where they can be compared.

    one, two: uint8 RGB [h, w, 3]. region: bool [h, w], what can be compared; deep: bool [h, w], the part of it that no
    error of a mask's edge reaches; sure: bool [h, w], what both masks are sure of. corner: (x, y) of the window in the
    first's px. H: window px -> second's px. swapped: the first is the patch that was laid on the other one.
    deviation: as in Difference, once `excess` has looked.
    """

    one: np.ndarray
    two: np.ndarray
    region: np.ndarray
    deep: np.ndarray
    sure: np.ndarray
    first: Patch
    second: Patch
    corner: tuple[int, int]
    H: np.ndarray
    swapped: bool
    deviation: float = np.nan

    def ranges(self, reach: int = 1) -> np.ndarray:
        """Larger of the two pictures' colour ranges around each pixel, uint8 [h, w, 3] (kept)."""
        if reach not in self._ranges:
            self._ranges[reach] = cv2.max(local_range(self.one, reach), local_range(self.two, reach))
        return self._ranges[reach]

    def __post_init__(self):
        self._ranges: dict[int, np.ndarray] = {}

    @property
    def window(self) -> tuple[slice, slice]:
        """Where the window lies in the first patch's arrays."""
        (x, y), (h, w) = self.corner, self.region.shape
        return slice(y, y + h), slice(x, x + w)


def window(a: Patch, b: Patch, inverse: np.ndarray) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1), a's px: all that can be compared lies in it, with room for what looks around a pixel.

    inverse: b's px -> a's px.
    """
    h, w = a.inside.shape
    low, high = np.array(a.box[:2], np.float64), np.array(a.box[2:], np.float64)
    x0, y0, x1, y1 = b.box
    corners = project(inverse, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64))
    low, high = np.minimum(low, corners.min(0)), np.maximum(high, corners.max(0))
    low = np.maximum(np.floor(low) - WINDOW_ROOM, 0).astype(int)
    high = np.minimum(np.ceil(high) + WINDOW_ROOM, [w, h]).astype(int)
    if (high <= low).any():
        return 0, 0, 1, 1
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def overlay(a: Patch, b: Patch, H: np.ndarray) -> Overlay:
    """Lay patch b over patch a. H: 3x3, a's px -> b's px.

    A pixel counts where one picture surely shows the sprite and the other one can be seen there, whatever its mask
    says: a hole in a mask costs evidence, not truth.
    """
    swapped = abs(np.linalg.det(H[:2, :2])) < 0.8
    if swapped:  # compare at the coarser of the two scales
        a, b, H = b, a, np.linalg.inv(H)
    x0, y0, x1, y1 = window(a, b, np.linalg.inv(H))
    part, size = (slice(y0, y1), slice(x0, x1)), (x1 - x0, y1 - y0)
    H = H @ shift(x0, y0)
    inverse = np.linalg.inv(H)
    scale = float(np.sqrt(abs(np.linalg.det(H[:2, :2]))))
    picture = as_bytes(b.smooth)
    if scale > 1.25:  # b is larger: blur away what a cannot show
        picture = cv2.GaussianBlur(picture, (0, 0), 0.5 * np.sqrt(scale**2 - 1))
    two = place(picture, inverse, size, repeat=True)
    inside, valid, deep = (mask >= 254 for mask in cv2.split(place(b.masks, inverse, size)))
    mine, seen, core = (mask > 0 for mask in cv2.split(a.masks[part]))
    region = (mine & valid) | (inside & seen)
    return Overlay(as_bytes(np.ascontiguousarray(a.smooth[part])), two, region, region & (core | deep),
                   mine & inside, a, b, (x0, y0), H, swapped)


def plates_at(both: Overlay, ys: np.ndarray, xs: np.ndarray):
    """For every plane: its colours behind the two pictures at window pixels (ys, xs) -> (first float32 [n, 3], second,
    known in both uint8 0..2 [n]). A drawing's mean picture has no plates: then none are given."""
    a, b = both.first, both.second
    if len(a.plates) != len(b.plates):
        return
    at = project(both.H, np.stack([xs + 0.5, ys + 0.5], 1))
    xs, ys = xs + both.corner[0], ys + both.corner[1]
    h, w = b.inside.shape
    inside = (at[:, 0] > 0) & (at[:, 1] > 0) & (at[:, 0] < w) & (at[:, 1] < h)
    for (one, known), (two, known2) in zip(a.plates, b.plates, strict=True):
        there = sample(known2.astype(np.float32), at)[:, 0] * inside + 1e-3
        yield (values_at(one, ys, xs).astype(np.float32), sample(two, at).astype(np.float32),
               np.minimum(values_at(known, ys, xs), there.astype(np.uint8)))
