"""Frames of one flat colour amid a shot: the white of a blow, a blink of black. They show nothing of it, and no motion
can be followed through them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .clip import FrameSource, working_source

LOOK_WIDTHS = 320, 160  # px across: the first is made for lights.py too
SEEN = 24.0  # grey levels that the light of a shot changes by at least; what drifts by less are shades and paint
FLAT = 8.0  # grey levels that a frame of one colour differs by within itself: grain, compression
SKY = 0.25  # of a picture: so much in the colour of an empty frame may be what that frame shows


def grey_looks(source: FrameSource, progress: Callable[[float], None] | None = None) -> np.ndarray:
    """All frames, grey and small: uint8 [T, h, w]."""
    small = source
    for width in LOOK_WIDTHS:
        small, _ = working_source(small, width)
    looks = []
    for t in range(source.count):
        if progress is not None:
            progress(t / source.count)
        looks.append(small.read(t).mean(-1).round().astype(np.uint8))
    return np.stack(looks)


def nearest(frames: np.ndarray, t: int) -> int:
    """The one of the frames, int [n], that is nearest to t."""
    return int(frames[np.abs(frames - t).argmin()])


def empty_frames(grey: np.ndarray) -> np.ndarray:
    """Which frames are empty, bool [T]. Where much of the nearest picture has the colour of an empty one it may be a
    sky that something comes into: it is none. grey: uint8 [T, h, w]."""
    spread = np.array([np.ptp(np.quantile(g, (0.01, 0.99))) for g in grey])
    empty, full = spread < FLAT, np.flatnonzero(spread >= SEEN)
    if len(full) < 2:
        return np.zeros(len(grey), bool)
    for t in np.flatnonzero(empty):
        beside = grey[nearest(full, t)].astype(int)
        empty[t] = (np.abs(beside - int(np.median(grey[t]))) < FLAT).mean() < SKY
    return empty


def without_empty(source: FrameSource, progress: Callable[[float], None] | None = None) -> FrameSource:
    """The frames with the empty ones held by their neighbours; the source itself where there are none."""
    empty = empty_frames(grey_looks(source, progress))
    seen = np.flatnonzero(~empty)
    return source.made_of(lambda t: source.read(nearest(seen, t))) if empty.any() else source
