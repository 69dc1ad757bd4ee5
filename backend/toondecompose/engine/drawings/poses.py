"""Places in frames that show too little of the sprite to measure one: continued along its path."""

from __future__ import annotations

import numpy as np

LARGEST = 80.0  # px of a step: what jumps farther is not looked for everywhere in between
REACH = 3  # frames beyond the last seen one over which a constant velocity is believed


def velocity(H: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Change of the transform per frame between the first and the last of the frames (holds on twos average out)."""
    if len(frames) < 2:
        return np.zeros((3, 3))
    return (H[frames[-1]] - H[frames[0]]) / float(frames[-1] - frames[0])


def same_pass(H: np.ndarray, before: np.ndarray, after: np.ndarray) -> bool:
    """Does the sprite move on across a gap, or has it left and come back elsewhere (turned round, on the other
    side)?"""
    a, b = before[-1], after[0]
    if np.linalg.det(H[a]) * np.linalg.det(H[b]) < 0:
        return False
    step = H[b][:2, 2] - H[a][:2, 2]
    sides = [side for side in (before[-5:], after[:5]) if len(side) > 1]  # one frame tells of no way
    for side in sides or [before[-1:]]:
        expected = velocity(H, side)[:2, 2] * (b - a)
        # off the path by more than the path itself is long (and by more than holds explain)
        if np.linalg.norm(step - expected) > 20.0 + 0.7 * np.linalg.norm(expected):
            return False
    return True


def continued(H: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Fill the transforms of frames that are not seen: constant velocity in between and up to REACH frames outside.

    H: float64 [T, 3, 3], common canvas -> frame (canvas origin = the sprite's anchor). seen: bool [T].
    Linear part and anchor are interpolated between the seen frames around a gap; outside, the anchor goes on with the
    velocity of the two nearest distinct poses, then stops. Returns a copy.
    """
    out = H.copy()
    on = np.flatnonzero(seen)
    if len(on) == 0:
        return out
    for t in np.flatnonzero(~seen):
        before, after = on[on < t], on[on > t]
        if len(before) and len(after) and after[0] - before[-1] <= 2 * REACH + 1 and same_pass(H, before, after):
            a, b = before[-1], after[0]
            f = (t - a) / (b - a)
            out[t] = (1 - f) * H[a] + f * H[b]
            continue
        near = before[-1] if len(before) and (not len(after) or t - before[-1] <= after[0] - t) else after[0]
        side = on[on <= near][-5:] if near < t else on[on >= near][:5]
        out[t] = H[near]
        out[t] = H[near] + velocity(H, side) * np.clip(t - near, -REACH, REACH)
        out[t] /= out[t][2, 2]
    return out


def reach(H: np.ndarray, t: int) -> float:
    """How far off its path (px) a barely visible exposure may lie: a little, plus half of the steps around it (a pose
    that is held and then jumps lies off the line between its neighbours)."""
    near = H[max(0, t - 4) : t + 5, :2, 2]
    steps = np.linalg.norm(np.diff(near, axis=0), axis=1)
    return 4.0 + 0.5 * min(LARGEST, float(steps.max(initial=0.0)))
