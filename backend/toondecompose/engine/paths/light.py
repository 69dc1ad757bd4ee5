"""Fades, flashes and flicker: how each frame's brightness and contrast differ from the others', so that one drawing has
one grey level through the whole shot."""

from __future__ import annotations

import cv2
import numpy as np

from .flow import flow_between

LOOK_WIDTH = 160  # px: enough pixels to tell a brightness, few enough to cost nothing
SOFT = 2.0  # px of that: interpolation between pixels costs such a picture no contrast
LOCAL = 6.0  # px of that: details are compared with their surroundings, which no fade changes
FOUND = 1.0  # px: flow there and back returns this close
CLIPPED = (4, 251)  # grey levels: beyond them a frame has lost what it showed
SMALLEST_STEP = 0.35  # grey levels from one frame to the next: less is rounding and grain
SMALLEST_CHANGE = 7.0  # grey levels over the shot: less is left alone, mosaics bear it
DECILES = np.arange(0.1, 1, 0.1)
USUAL = 0.75  # quantile of the contrast: half of a shot may fade in and out
DARKEST = 0.12  # of the contrast: darker frames are brightened no further, or their rounding would look like drawing
STEEPEST = 3.0  # times: one step of a flash changes contrast at most so much


def lighting(gray: np.ndarray) -> np.ndarray | None:
    """Tables uint8 [T, 256] that give every frame the light that most of the shot has; None if the light does
    not change. gray: uint8 [T, h, w]."""
    count = len(gray)
    scale = min(1.0, LOOK_WIDTH / gray.shape[2])
    small = [cv2.resize(g, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for g in gray]
    if count < 2 or min(small[0].shape) < 24:
        return None
    soft = [cv2.GaussianBlur(g.astype(np.float32), (0, 0), SOFT) for g in small]
    detail = [_detail(cv2.GaussianBlur(g.astype(np.float32), (0, 0), 1.0)) for g in small]
    levels = np.stack([np.quantile(g, DECILES) for g in soft])
    gain, offset = np.ones(count), np.zeros(count)
    for t in range(count - 1):
        if np.abs(levels[t] - levels[t + 1]).max() < SMALLEST_STEP:  # whatever moved, no light has changed
            gain[t + 1], offset[t + 1] = gain[t], offset[t]
            continue
        there, home = flow_between(detail[t], detail[t + 1]), flow_between(detail[t + 1], detail[t])
        (g, o), (back, less) = _step(soft[t], soft[t + 1], there, home), _step(soft[t + 1], soft[t], home, there)
        # both ways: what interpolation softens in the one it softens in the other
        g, o = np.sqrt(g / back), (o - less / back) / 2
        if max(abs(g * level + o - level) for level in np.quantile(soft[t], (0.1, 0.9))) < SMALLEST_STEP:
            g, o = 1.0, 0.0
        gain[t + 1], offset[t + 1] = g * gain[t], g * offset[t] + o
    # a flash has more contrast than the shot itself, a fade has less
    best = int(np.abs(gain - np.quantile(gain, USUAL)).argmin())
    offset = offset - gain / gain[best] * offset[best]
    gain = np.maximum(gain / gain[best], DARKEST)
    tables = (np.arange(256.0) - offset[:, None]) / gain[:, None]
    usual = np.quantile(small[best], (0.1, 0.9))
    change = np.abs(gain[:, None] * usual + offset[:, None] - usual)
    if change.max() < SMALLEST_CHANGE:
        return None
    return np.clip(np.rint(tables), 0, 255).astype(np.uint8)


def _detail(soft: np.ndarray) -> np.ndarray:
    """What remains of a picture when the local brightness and contrast are taken out, uint8."""
    mean = cv2.GaussianBlur(soft, (0, 0), LOCAL)
    spread = np.sqrt(cv2.GaussianBlur((soft - mean) ** 2, (0, 0), LOCAL)) + 1.0
    return np.clip(128 + 45 * (soft - mean) / spread, 0, 255).astype(np.uint8)


def _step(a: np.ndarray, b: np.ndarray, there: np.ndarray, home: np.ndarray) -> tuple[float, float]:
    """Gain and offset that turn picture a's grey levels into b's; (1, 0) if they stay."""
    h, w = a.shape
    grid = np.stack(np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)), -1)
    to = grid + there
    back = cv2.remap(home, to, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    after = cv2.remap(b, to, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    (x, y), (right, down) = cv2.split(to), cv2.split(there + back)
    good = (np.sqrt(right * right + down * down) < FOUND) & (x >= 0) & (y >= 0) & (x < w - 1) & (y < h - 1)
    good &= (a > CLIPPED[0]) & (a < CLIPPED[1]) & (after > CLIPPED[0]) & (after < CLIPPED[1])
    x, y = a[good].astype(np.float64), after[good].astype(np.float64)
    if len(x) < 0.1 * a.size or np.ptp(x) < 8:
        return 1.0, 0.0
    g, o = 1.0, float(np.median(y - x))
    for k in range(8):
        off = np.abs(y - g * x - o)
        spread = max(0.5, 1.48 * float(np.median(off)))
        keep = np.maximum(0, 1 - (off / ((6 if k < 3 else 4) * spread)) ** 2) ** 2
        mx, my = (keep * x).sum() / keep.sum(), (keep * y).sum() / keep.sum()
        # grain is in both: a regression of one on the other would lose contrast with every frame
        g = float(np.sqrt((keep * (y - my) ** 2).sum() / max((keep * (x - mx) ** 2).sum(), 1e-6)))
        g = float(np.clip(g, 1 / STEEPEST, STEEPEST))
        o = my - g * mx
    return g, o
