"""Where a strip holds several shots: cuts, told from flashes, fast motion, fades and dissolves."""

from __future__ import annotations

import cv2
import numpy as np

from ..clip import FrameSource
from .field import bilinear
from .flow import flow_between

LOOK_WIDTH = 160  # px: cuts are seen at thumbnail size
WINDOW = 3  # frames before and after a cut that must all differ: a flash of one or two frames is not a cut
BINS = 6  # per colour channel
SLOPE = 6.0  # grey levels per px: texture that flow can find again
SAME_LEVEL = 20  # grey levels: a point that is found again looks like this at most differently
PALETTE = (0.25, 0.12)  # histogram distances (0..1): another palette; a slightly other palette
FOUND = (0.3, 0.12)  # shares of texture found again: few; as few as chance finds
REAPPEARS = 0.6  # correlation of a quarter of the picture, of its fine structure only
FLAT = 0.01  # of the pixels: below this there is no texture to find, and only the palette can tell
FLAT_PALETTE = 0.6


def find_cuts(source: FrameSource) -> list[int]:
    """First frames (0-based, ascending) of all shots but the first.

    A cut is where neither the palette nor, by optical flow, the drawing carries over: fast motion keeps the palette,
    light changes keep the drawing, fades and dissolves keep both from frame to frame, and a flash gives the
    picture back within WINDOW frames.
    """
    cuts: list[int] = []
    near: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def look(t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if t not in near:
            near[t] = _look(source.read(t))
        return near[t]

    for t in range(1, source.count):
        if _differ(look(t - 1), look(t)):
            before = range(max(cuts[-1] if cuts else 0, t - WINDOW), t)
            after = range(t, min(source.count, t + WINDOW))
            if all(_differ(look(a), look(b)) for a in before for b in after):
                cuts.append(t)
        for old in [k for k in near if k < t - WINDOW]:
            del near[old]
    return cuts


def _look(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A frame uint8 RGB [h, w, 3] -> (grey uint8 thumbnail, texture bool, palette: colour histogram that sums to 1)."""
    scale = min(1.0, LOOK_WIDTH / frame.shape[1])
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    g = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.7)
    slope = np.hypot(*(cv2.Sobel(g, cv2.CV_32F, i, 1 - i, ksize=3, scale=1 / 8) for i in (1, 0)))
    histogram = cv2.calcHist([small], [0, 1, 2], None, [BINS] * 3, [0, 256] * 3)
    for axis in range(3):  # soft bins: a small change of light must not move a flat fill to another bin entirely
        histogram = sum(np.roll(histogram, k, axis) * (0.5 if k == 0 else 0.25) for k in (-1, 0, 1))
    return grey, slope > SLOPE, histogram / histogram.sum()


def _differ(a: tuple[np.ndarray, np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray, np.ndarray]) -> bool:
    """Whether two frames share neither palette nor drawing."""
    palette = 0.5 * float(np.abs(a[2] - b[2]).sum())
    if palette < PALETTE[1]:
        return False
    found = _found_again(a, b)
    if found is None:
        return palette > FLAT_PALETTE
    return ((palette > PALETTE[0] and found < FOUND[0]) or found < FOUND[1]) and not _shifted(a[0], b[0])


def _shifted(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether a quarter of one grey thumbnail reappears in the other: a whip pan too fast for flow."""
    fine = [cv2.GaussianBlur(g.astype(np.float32), (0, 0), 1) - cv2.GaussianBlur(g.astype(np.float32), (0, 0), 4)
            for g in (a, b)]
    h, w = (s // 2 for s in a.shape)
    if min(h, w) < 8:
        return False
    quarters = [fine[0][y : y + h, x : x + w] for y in (0, a.shape[0] - h) for x in (0, a.shape[1] - w)]
    return any(q.std() > 2 and cv2.matchTemplate(fine[1], q, cv2.TM_CCOEFF_NORMED).max() > REAPPEARS for q in quarters)


def _found_again(a: tuple[np.ndarray, np.ndarray, np.ndarray],
                 b: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float | None:
    """Share of a's and b's texture that flow finds in the other frame; None if both frames are flat."""
    if max(a[1].mean(), b[1].mean()) < FLAT:
        return None
    there, home = flow_between(a[0], b[0]), flow_between(b[0], a[0])
    hits, total = 0.0, 0.0
    for (grey, texture, _), (other, _, _), go, back in ((a, b, there, home), (b, a, home, there)):
        y, x = np.nonzero(texture)
        if not len(y):
            continue
        to = np.stack([x, y], -1) + 0.5 + go[y, x]
        miss = np.linalg.norm(go[y, x] + bilinear(back, to), axis=1)
        level = np.abs(bilinear(other[..., None].astype(np.float32), to)[:, 0] - grey[y, x])
        inside = ((to > 0) & (to < [grey.shape[1], grey.shape[0]])).all(1)
        hits += float(((miss < 1) & (level < SAME_LEVEL) & inside).sum())
        total += len(y)
    return hits / max(total, 1.0)
