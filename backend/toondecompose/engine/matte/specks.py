"""Area opening and closing of an alpha channel: specks and pinholes too small to be drawn are noise (Vincent 1992)."""

from __future__ import annotations

import cv2
import numpy as np

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of alpha, at which islands are looked for


def without_specks(alpha: np.ndarray, least: int, keep: np.ndarray) -> np.ndarray:
    """Alpha without islands and pinholes of fewer than `least` px.

    alpha: float32 [h, w] 0..1. keep: bool [h, w], px that are known so well that an island of them is real.
    Islands hang together by corners, pinholes only by sides, so that thin lines are never cut."""
    x, y, w, h = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if w == 0:
        return alpha.copy()
    # a clear rim keeps what surrounds the drawing in one piece
    whole, at = alpha.copy(), (slice(max(0, y - 2), y + h + 2), slice(max(0, x - 2), x + w + 2))
    out, keep = np.ascontiguousarray(whole[at]), keep[at]
    flat = out.reshape(-1)
    for level in reversed(LEVELS):
        specks = _small((out > level).astype(np.uint8), least, 8, keep)
        flat[specks] = np.minimum(flat[specks], level if level > LEVELS[0] else 0.0)
    for level in LEVELS:
        pinholes = _small((out < level).astype(np.uint8), least, 4, keep)
        flat[pinholes] = np.maximum(flat[pinholes], level if level < LEVELS[-1] else 1.0)
    whole[at] = out
    return whole


def _small(mask: np.ndarray, least: int, connectivity: int, keep: np.ndarray) -> np.ndarray:
    """The px (flat indices) of a mask's components that are small and not mostly kept."""
    count, label, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    small = stats[:, cv2.CC_STAT_AREA] < least
    small[0] = False
    if not small.any():
        return np.zeros(0, np.intp)
    at = np.flatnonzero(small.take(label))
    of = label.reshape(-1)[at]
    kept = np.bincount(of[keep.reshape(-1)[at]], minlength=count)
    return at[kept[of] < 0.5 * stats[of, cv2.CC_STAT_AREA]]
