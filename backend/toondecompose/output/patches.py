"""What a layer shows of a frame: planes of the part that it touches, there already or worked out row by row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..engine.shift import RENDERED, Box, moved

# rows of a frame whose planes stay in the processor's cache from one step to the next
CACHED_ROWS = 32


@dataclass
class Patch:
    """A part of a frame: premultiplied float32 [4, h, w], 0..255, its top-left px at (x, y); [3, h, w] where it is
    opaque throughout."""

    x: int
    y: int
    planes: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) px."""
        return self.planes.shape[2], self.planes.shape[1]

    def keep(self) -> None:
        """All of it is there already."""

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """Some of its rows: float32 [3 or 4, h, w]."""
        return self.planes[:, top:bottom]

    @property
    def pixels(self) -> np.ndarray:
        """The same as px: float32 [h, w, 4]."""
        return _pixels(self.planes)

    @cached_property
    def black(self) -> bool:
        """Whether it has no colour of its own, as a shade: it only takes from what is behind it."""
        return _black(self.planes)


@dataclass
class Slide:
    """A patch of a canvas that moves by fractions of a px. Its rows are worked out when they are asked for: what is
    shown but once goes over other layers while it is in the processor's cache, and is kept nowhere.

    canvas: as of `render`. back: (x, y) px, frame -> canvas. box: the part of the frame that it touches."""

    canvas: np.ndarray
    back: tuple[float, float]
    box: Box

    @property
    def x(self) -> int:
        return self.box[0]

    @property
    def y(self) -> int:
        return self.box[1]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) px."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """Some of its rows, as a patch has them; kept ones if it was asked for all."""
        if "planes" in self.__dict__:
            return self.planes[:, top:bottom]
        x0, y0, x1, y1 = self.box
        top, bottom = y0 + top, min(y1, y0 + bottom)
        if bottom <= top:
            return self.canvas[:, :0, :x1 - x0]
        out = moved(self.canvas, self.canvas.shape[:0:-1], self.back, (x0, top, x1, bottom), RENDERED)
        bounded(out)
        return out

    def keep(self) -> None:
        """Work all of it out now, once for all who ask."""
        _ = self.planes

    @cached_property
    def planes(self) -> np.ndarray:
        """All of it, kept from here on."""
        width, height = self.size
        out = np.empty((len(self.canvas), height, width), np.float32)
        for top in range(0, height, CACHED_ROWS):
            out[:, top:top + CACHED_ROWS] = self.rows(top, top + CACHED_ROWS)
        return out

    @property
    def pixels(self) -> np.ndarray:
        """As of a patch."""
        return _pixels(self.planes)

    @cached_property
    def black(self) -> bool:
        """As of a patch."""
        return _black(self.canvas)


def _pixels(planes: np.ndarray) -> np.ndarray:
    alpha = planes[3] if len(planes) == 4 else np.full(planes.shape[1:], 255, np.float32)
    return cv2.merge([*planes[:3], alpha])


def _black(planes: np.ndarray) -> bool:
    few = (slice(3), slice(None, None, 16), slice(None, None, 16))
    return not planes[few].any() and not planes[:3].any()


def bounded(pixels: np.ndarray) -> None:
    """Take back, in place, by what bicubic sampling overshoots at edges. [3 or 4, h, w], premultiplied, 0..255."""
    most = 255.0
    for plane in pixels[::-1]:  # alpha first
        cv2.max(plane, 0.0, plane)
        cv2.min(plane, most, plane)
        if len(pixels) == 4:
            most = pixels[3]
