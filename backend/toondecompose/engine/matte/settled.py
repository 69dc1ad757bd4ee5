"""Which drawings a further round could still improve: those around whose outlines the known background has changed."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.plates import Plate
from toondecompose.engine.matte.resample import footprint
from toondecompose.engine.matte.state import Drawing, LayerState
from toondecompose.formats.conventions import centre_from_edge

STRIDE = 4  # px of a drawing per looked-at px
CHANGED = 4.0  # levels; a background that moved less leaves alpha where it is
OPEN_BAND = 8  # px around a drawing's soft px in which the background decides
MANY = 0.25  # share of a looked-at px that must have changed: single px are noise
WORTH = 0.02  # share of a drawing's outline band that must have changed


def plate_changes(before: Plate, after: Plate) -> np.ndarray:
    """uint8 [h, w] at 1/STRIDE of the plate: 1 where the plate, or what is known of it, is no longer the same."""
    moved = torch.zeros_like(after.weight, dtype=torch.bool)
    for old, new in zip(before.colour, after.colour, strict=True):
        moved |= (old - new).abs() > CHANGED
    moved |= (before.weight > 0) != (after.weight > 0)
    small = torch.nn.functional.avg_pool2d(moved[None].float(), STRIDE, ceil_mode=True)[0]
    return (small >= MANY).to(torch.uint8).cpu().numpy()


def _meets_others(states: list[LayerState], index: int, drawing: Drawing) -> bool:
    """Does any other sprite or plane but the farthest reach into one of the drawing's exposures?"""
    for t in drawing.frames:
        mine = footprint(states[index].H[t], drawing.box)
        for k, other in enumerate(states):
            theirs = other.drawings.get(int(other.given.drawing[t])) if k not in (0, index) else None
            if theirs is None or mine is None:
                continue
            x0, y0, x1, y1 = footprint(other.H[t], theirs.box) or mine
            if x0 < mine[2] and x1 > mine[0] and y0 < mine[3] and y1 > mine[1]:
                return True
    return False


def is_settled(states: list[LayerState], index: int, drawing: Drawing, changes: np.ndarray) -> bool:
    """Would solving the drawing again give the same, as far as `changes` of the farthest plate tell?"""
    if drawing.picture is None or _meets_others(states, index, drawing):
        return False
    alpha = drawing.picture[3, ::STRIDE, ::STRIDE].cpu().numpy()
    reach = np.ones((2 * (OPEN_BAND // STRIDE) + 1,) * 2, np.uint8)
    band = (cv2.dilate(alpha, reach) > 5) & (cv2.erode(alpha, reach) < 250)
    if not band.any():
        return False
    step, state = np.diag([STRIDE, STRIDE, 1.0]), states[index]
    corner = np.array([[1.0, 0, drawing.box[0]], [0, 1, drawing.box[1]], [0, 0, 1]])
    for t in drawing.frames:
        to_plate = np.linalg.inv(step) @ np.linalg.inv(states[0].H[t]) @ state.H[t] @ corner @ step
        M = centre_from_edge(to_plate)
        touched = cv2.warpPerspective(changes, M, alpha.shape[::-1], flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
        if (touched[band] > 0).mean() > WORTH:
            return False
    return True
