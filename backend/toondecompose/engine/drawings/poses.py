"""Places in frames that show too little of the sprite to measure one: continued along its path."""

from __future__ import annotations

import numpy as np

REACH = 3  # frames beyond the last seen one over which a constant velocity is believed


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
        if len(before) and len(after) and after[0] - before[-1] <= 2 * REACH + 1:
            a, b = before[-1], after[0]
            f = (t - a) / (b - a)
            out[t] = (1 - f) * H[a] + f * H[b]
            continue
        near = before[-1] if len(before) and (not len(after) or t - before[-1] <= after[0] - t) else after[0]
        side = on[on <= near][-5:] if near < t else on[on >= near][:5]
        out[t] = H[near]
        if len(side) > 1:  # velocity over a few frames, so that holds (on twos, on threes) average out
            span = float(side[-1] - side[0])
            velocity = (H[side[-1]] - H[side[0]]) / span
            out[t] = H[near] + velocity * np.clip(t - near, -REACH, REACH)
        out[t] /= out[t][2, 2]
    return out
