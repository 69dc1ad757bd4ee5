"""Area opening and closing of an alpha channel: specks and pinholes too small to be drawn are noise (Vincent 1992)."""

from __future__ import annotations

import cv2
import numpy as np

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of alpha, at which islands are looked for


def without_specks(alpha: np.ndarray, least: int, keep: np.ndarray) -> np.ndarray:
    """Alpha without islands and pinholes of fewer than `least` px.

    alpha: float32 [h, w] 0..1. keep: bool [h, w], px that are known so well that an island of them is real.
    Islands hang together by corners, pinholes only by sides, so that thin lines are never cut."""
    out = alpha
    for level in reversed(LEVELS):
        specks = _small((out > level).astype(np.uint8), least, 8, keep)
        if specks is not None:
            out = np.where(specks, np.minimum(out, level), out)
    out = np.where((out <= LEVELS[0]) & (alpha > LEVELS[0]), 0.0, out)
    for level in LEVELS:
        pinholes = _small((out < level).astype(np.uint8), least, 4, keep)
        if pinholes is not None:
            out = np.where(pinholes, np.maximum(out, level), out)
    return np.where((out >= LEVELS[-1]) & (alpha < LEVELS[-1]), 1.0, out).astype(np.float32)


def _small(mask: np.ndarray, least: int, connectivity: int, keep: np.ndarray) -> np.ndarray | None:
    """The px of a mask's components that are small and not mostly kept: bool [h, w], or None if there are none."""
    count, label, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    small = stats[:, cv2.CC_STAT_AREA] < least
    small[0] = False
    if not small.any():
        return None
    where = small[label]
    kept = np.bincount(label[where & keep], minlength=count)
    small &= kept < 0.5 * stats[:, cv2.CC_STAT_AREA]
    return small[label] if small.any() else None
