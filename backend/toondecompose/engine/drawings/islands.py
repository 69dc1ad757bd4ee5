"""Small parts of masks that do not hang together with the rest: as often leftovers of something else."""

from __future__ import annotations

import cv2
import numpy as np

from ..components import connected

ISLAND = 0.15  # of the largest connected part: smaller parts of a mask are as often leftovers of the background
MANY = 64  # parts that are taken out of a mask one by one; more of them in one go
DOUBTFUL = 6  # working px next to what is unknown of a plate


def main_parts(body: np.ndarray, least: float = ISLAND) -> np.ndarray:
    """0/1 mask without its small islands. (Only the comparison does without them, not the sprite.)"""
    x, y, w, h = cv2.boundingRect(body)
    if not w:
        return body
    part = slice(y, y + h), slice(x, x + w)
    labels, stats = connected(body[part])
    area = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    area[0] = 0
    small = np.flatnonzero(area < least * area.max())[1:]
    if len(stats) <= 2 or not len(small):
        return body
    out = body.copy()
    if len(small) > MANY:
        out[part] = (area >= least * area.max())[labels]
        return out
    for x, y, w, h, label in np.column_stack([stats[small, :4], small]):
        box = slice(y, y + h), slice(x, x + w)
        out[part][box][labels[box] == label] = 0
    return out


def believable(known: np.ndarray) -> np.ndarray:
    """The known part of a plate without its islands and what is next to the unknown: there plates hold bits of sprites.

    known: uint8 [h, w], 0 = unknown. A hole that opens shows background from its rim inwards, so what is surely seen is
    connected to the rest; an island within a hole has been seen only through a mask's mistake.
    """
    sure = (cv2.erode(known, np.ones((2 * DOUBTFUL + 1, 2 * DOUBTFUL + 1), np.uint8)) > 0).astype(np.uint8)
    label, stats = connected(sure, 4)
    area = stats[:, cv2.CC_STAT_AREA].copy()
    area[0] = 0
    keep = area >= ISLAND * area.max(initial=1)
    return known * (sure.view(bool) if keep[1:].all() else keep[label])
