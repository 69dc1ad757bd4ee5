"""The drift of a long pan: flow from frame to frame is off by hundredths of a pixel, always to the same side.

Over a hundred frames that adds up to pixels. Frames far apart that still show the same part of the layer tell: each
frame is compared directly with the farthest one on its way back to the reference frame that shares half of the picture
with it, so that a pan of several widths is a handful of steps and not a hundred. A still picture made from the drifted
frames cannot tell: it is stretched, and every frame fits it.
"""

from __future__ import annotations

import cv2
import numpy as np

from .align import Sampler, align_frame, canvas_units
from .field import Field
from .groups import apply, grid_points

LONG = 0.25  # of the frame: a path is long when some frame shares less than this with the reference frame
SHARED = 0.5  # of the frame that two frames must share to be compared
FARTHEST = 64  # frames apart that are compared: a still drawing may be replaced meanwhile
BLURS, CAPS = (1.5, 0.6), (8.0, 4.0)  # px and grey levels, coarse to fine: the drift may be more than a line is wide
LEAST_POINTS = 40  # that both frames show: fewer pin no motion down
DRIFT = (0.5, 0.08)  # px, and px per frame between the two: a correction by more has followed something else


def shared(a: np.ndarray, b: np.ndarray, size: tuple[int, int]) -> float:
    """Share of a frame with transform b (canvas -> frame) that a frame with transform a shows too."""
    there = apply(a @ np.linalg.inv(b), grid_points(size))
    return float(((there >= 0) & (there <= size)).all(1).mean())


def is_long(H: np.ndarray, ref: int, size: tuple[int, int]) -> bool:
    """Whether a path goes so far that one frame cannot hold it together."""
    grid = np.concatenate([grid_points(size), np.ones((81, 1))], 1)
    there = (H[ref] @ np.linalg.inv(H)) @ grid.T  # [T, 3, 81]
    there = there[:, :2] / np.where(np.abs(there[:, 2:]) < 1e-9, 1e-9, there[:, 2:])
    inside = ((there >= 0) & (there <= np.array(size)[:, None])).all(1)
    return bool(inside.mean(1).min() < LONG)


def undrifted(H: np.ndarray, ref: int, dof: int, field: Field, weights: list[np.ndarray]) -> np.ndarray:
    """A chained path H [T, 3, 3] (frame `ref` -> frames) held together over as long gaps as its frames allow.

    weights: per frame [n] in 0..1, which points belong to the layer. Unchanged unless the path `is_long`."""
    if not is_long(H, ref, field.size):
        return H
    out = H.copy()
    soft = [[cv2.GaussianBlur(g.astype(np.float32), (0, 0), b) for b in BLURS] for g in field.gray]
    for direction in (1, -1):
        far = ref  # the farthest frame back to which the comparison reaches
        t = ref + direction
        while 0 <= t < field.count:
            while abs(t - far) > 1 and (abs(t - far) > FARTHEST or shared(H[far], H[t], field.size) < SHARED):
                far += direction
            out[t] = _linked(H, out, t, far, t - direction, dof, field, soft, weights[t])
            t += direction
    return out


def _linked(H: np.ndarray, out: np.ndarray, t: int, far: int, before: int, dof: int, field: Field,
            soft: list[list[np.ndarray]], weight: np.ndarray) -> np.ndarray:
    """Frame t's transform from a direct comparison with frame `far`; from frame `before` where that fails."""
    step = H[t] @ np.linalg.inv(H[before]) @ out[before]
    guess = H[t] @ np.linalg.inv(H[far])
    points = field.points[t]
    at = points.at.astype(np.int64)
    there = apply(np.linalg.inv(guess), points.at)
    seen = ((there > 2) & (there < np.array(field.size) - 2)).all(1) & (weight > 0.05)
    if seen.sum() < LEAST_POINTS:
        return step / step[2, 2]
    M = guess
    for k, cap in enumerate(CAPS):
        target = Sampler(soft[far][k], np.ones_like(soft[far][k]), (0, 0))
        M = align_frame(M, points.at[seen], soft[t][k][at[seen, 1], at[seen, 0]],
                        (weight * points.share)[seen], target, dof, canvas_units(field.size), cap, field.noise)
    moved = np.linalg.norm(apply(M, there[seen]) - points.at[seen], axis=1)
    m = M @ out[far] if np.median(moved) < DRIFT[0] + DRIFT[1] * abs(t - far) else step
    return m / m[2, 2]
