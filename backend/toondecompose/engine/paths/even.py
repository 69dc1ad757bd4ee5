"""What slides evenly through most of a shot does so through all of it: where little of a layer is seen, in the dark or
at the frame's edge, its place in single frames is a guess, and the line through the others knows better."""

from __future__ import annotations

import itertools

import numpy as np

NEAR = (0.5, 1.0)  # px: so near to a line lie the frames that tell it: sharp pictures, dark ones
STRAYED = 1.5  # times that: from here on a frame has strayed from it
LEAST_SHARE = 0.51  # of the frames must tell the line (those of a walker on twos tell two),
LEAST_FRAMES = 8  # at least so many, which
LONG = 0.25  # of the shot lie between the two that propose it;
PROPOSE = 48  # do, at most, of a long shot


def evened(H: np.ndarray, present: np.ndarray, ref: int, near: float = NEAR[0]) -> np.ndarray | None:
    """Translations H [T, 3, 3] (px) moved on to the straight even line that most of them lie on; None if there is no
    such line, or none has strayed from it. present: bool [T]. ref: the frame that is the canvas. near: px."""
    at = np.flatnonzero(present)
    if len(at) < LEAST_FRAMES:
        return None
    place = H[at][:, :2, 2]
    best = np.zeros(len(at), bool)
    some = range(0, len(at), -(-len(at) // PROPOSE))
    for i, j in itertools.combinations(some, 2):
        if at[j] - at[i] >= LONG * len(H):
            speed = (place[j] - place[i]) / (at[j] - at[i])
            beside = np.abs(place - place[i] - speed * (at - at[i])[:, None]).max(1) < near
            if beside.sum() > best.sum():
                best = beside
    if best.sum() < max(LEAST_FRAMES, LEAST_SHARE * len(at)):
        return None
    speed, start = np.polyfit(at[best], place[best], 1)
    if np.abs(place - start - speed * at[:, None]).max() < STRAYED * near:
        return None
    out = H.copy()
    out[:, :2, 2] = speed * (np.arange(len(H)) - ref)[:, None]
    return out
