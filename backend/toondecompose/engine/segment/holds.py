"""Which pairs of frames tell a motion from the others: while a drawing is held, all move as one, and whatever is there
repeats under either motion. A hold of four frames says once what it says, not four times."""

from __future__ import annotations

import numpy as np

LONGEST = 6  # frames that a drawing is held between two changes: a quarter of a second; who stands longer stands
LEAST_STEP = 1.0  # px at labelling size by which two motions part at a change: less is an even, slow slide
HELD = 0.5  # of the frames lie in holds: a figure is drawn so, while a path that stumbles here and there is not
DRIFT = 0.5  # of that by which they part within a hold: held drawings drift a little with what carries them


def telling(H: list[np.ndarray], present: list[np.ndarray], i: int, size: tuple[int, int]) -> np.ndarray | None:
    """Which pairs of frames tell path i from all others, bool [T, T]; None: all do.

    H: [T, 3, 3] canvas -> frame of every path, px of pictures of `size` (w, h). present: bool [T] of every path.
    A frame of which no pair would tell anything keeps all of its pairs.
    """
    w, h = size
    corners = np.array([[x * w, y * h, 1.0] for y in (0.1, 0.9) for x in (0.1, 0.9)]).T
    middle = np.linalg.inv(H[i][len(H[i]) // 2]) @ corners
    told = np.ones((len(H[i]),) * 2, bool)
    for j in (j for j in range(len(H)) if j != i):
        at = np.linalg.inv(H[j]) @ H[i] @ middle  # on j's canvas: still while both move alike
        at = (at[:, :2] / at[:, 2:]).reshape(len(at), -1)
        both = present[i] & present[j]
        found = holds(at, both)
        if sum(b - a for a, b in found) >= HELD * max(both.sum(), 1):
            for a, b in found:
                told[a:b, a:b] = False
    nothing = present[i] & ~(told & present[i][None]).any(1)
    told |= nothing[:, None] | nothing[None]
    return None if told.all() else told


def holds(at: np.ndarray, both: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of frames [a, b) in which two motions are one, between changes at which they part.

    at: px [T, n], where the one motion has points of the other in every frame. both: bool [T], where both are there."""
    out, a, count = [], 0, len(both)
    step = np.abs(np.diff(at, axis=0, prepend=at[:1])).max(1)  # by which they part from the frame before
    while a < count:
        for b in range(min(count, a + LONGEST), a + 1, -1):
            ends = [step[t] for t in (a, b) if 0 < t < count and both[t - 1] and both[t]]
            if both[a:b].all() and ends and min(ends) >= max(LEAST_STEP, np.ptp(at[a:b], axis=0).max() / DRIFT):
                out.append((a, b))
                break
        else:
            b = a + 1
        a = b
    return out
