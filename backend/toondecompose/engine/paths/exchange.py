"""Two paths that hopped onto each other's layers: the frames from the hop on change places.

Where a held figure covers as much of the frame as the painting behind it, a path followed from a frame of the hold may
go on with the figure to the one end of the shot and with the painting to the other, and what is left for the next path
hops the other way round. Each looks even again with the other one's rest (the swap move of multi-target tracking;
Oh, Russell and Sastry 2009, MCMC data association).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np

from .candidate import Candidate, anchored, measured
from .field import Field
from .follow import believe
from .groups import apply

JUMP = 1.5  # px at search size by which a path's step differs from the one before where it may have hopped;
GOES_ON = 0.25  # of that: so much nearer is the other path's step
PAYS = 1.004  # times what the paths saved before: less is rounding, and the drift of chains


def steps(H: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[T - 1, 2]: how far each frame-to-frame motion moves the middle of the frame, px."""
    middle = np.array([[size[0] / 2, size[1] / 2]])
    return np.stack([apply(b @ np.linalg.inv(a), middle)[0] - middle[0] for a, b in pairwise(H)])


def hops(a: np.ndarray, b: np.ndarray) -> list[int]:
    """Frames behind which the steps [T - 1, 2] of one of two paths go on as the other one's did, and it not."""
    found = []
    for one, two in ((a, b), (b, a)):
        jump = np.linalg.norm(one[1:] - one[:-1], axis=1)
        off = np.linalg.norm(two[1:] - one[:-1], axis=1)
        found += np.flatnonzero((jump > JUMP) & (off < GOES_ON * jump)).tolist()
    return sorted(1 + k for k in set(found))


def spliced(head: Candidate, tail: Candidate, at: int) -> np.ndarray:
    """[T, 3, 3]: the one path up to frame `at`, then moving on as the other one does; on the first one's canvas."""
    H = head.H.copy()
    H[at + 1 :] = tail.H[at + 1 :] @ np.linalg.inv(tail.H[at]) @ head.H[at]
    return anchored(H, head.ref)


def exchange(chosen: list[Candidate], field: Field, together: Callable[[list[Candidate], Field], float]
             ) -> list[Candidate]:
    """The paths, with rests exchanged wherever all of them together save more so.

    together: what a set of paths saves (search.together)."""
    chosen = list(chosen)
    everything = [np.ones(len(p.at)) for p in field.points]
    for i, j in combinations(range(len(chosen)), 2):
        if not (chosen[i].followed and chosen[j].followed):
            continue
        for at in hops(steps(chosen[i].H, field.size), steps(chosen[j].H, field.size)):
            pair = chosen[i], chosen[j]
            dof = max(c.dof for c in pair)
            new = [measured(spliced(one, two, at), one.ref, dof, field)
                   for one, two in (pair, pair[::-1])]
            if None in new:
                continue
            tried = list(chosen)
            tried[i], tried[j] = new
            if together(tried, field) > PAYS * together(chosen, field):
                for c in new:
                    c.belief = believe(field, c.H, everything)
                chosen = tried
    return chosen
