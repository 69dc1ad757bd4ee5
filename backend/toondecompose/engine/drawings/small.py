"""The size at which a sprite is compared: a figure as large as the frame shows its mouth at less than that too; an arm
of a tiny one is thinner than the rim in which a mask is not trusted."""

from __future__ import annotations

import cv2
import numpy as np

from .patches import BODY

# px: square root of the area at which a sprite is compared at most, and how much smaller than the working size
COMPARED, SMALLEST = 200.0, 0.5
WORTH = 0.85  # less shrinking than this is not worth the blur
TINY, LARGER = 50.0, 2  # px: a smaller sprite is compared so many times larger


def compared_size(masks: np.ndarray) -> tuple[int, int]:
    """(width, height) of the frames at which a sprite's drawings are compared: the working size, less for a large
    sprite and more for a tiny one. masks: uint8 [T, hs, ws]."""
    hs, ws = masks.shape[1:]
    areas = [a for a in (np.count_nonzero(m >= BODY) for m in masks) if a]
    usual = float(np.sqrt(np.percentile(areas, 75))) if areas else COMPARED
    if areas and np.sqrt(np.median(areas)) < TINY:
        return LARGER * ws, LARGER * hs
    factor = max(SMALLEST, COMPARED / usual)
    return (ws, hs) if factor > WORTH else (round(factor * ws), round(factor * hs))


def resized(masks: np.ndarray | None, size: tuple[int, int]) -> np.ndarray | None:
    """Masks uint8 [T, h, w] at a smaller (width, height); they are not enlarged."""
    if masks is None or masks.shape[2] <= size[0]:
        return masks
    return np.stack([cv2.resize(m, size, interpolation=cv2.INTER_AREA) for m in masks])
