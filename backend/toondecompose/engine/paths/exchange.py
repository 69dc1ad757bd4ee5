"""Two paths that hopped onto each other's layers: the frames from the hop on change places.

Where a held figure covers as much of the frame as the painting behind it, a path followed from a frame of the hold may
go on with the figure to the one end of the shot and with the painting to the other, and what is left for the next path
hops the other way round. Each looks even again with the other one's rest (the swap move of multi-target tracking;
Oh, Russell and Sastry 2009, MCMC data association). And where two paths follow one layer, each through a part of the
shot and astray in the rest, the two parts are one path (the merge move of the same).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np

from .candidate import Candidate, anchored, measured, settled
from .field import Field
from .follow import believe
from .groups import apply

JUMP = 1.5  # px at search size by which a path's step differs from the one before where it may have hopped;
GOES_ON = 0.25  # of that: so much nearer is the other path's step
FADES = 1.3  # times as much of the picture does a path explain on its side of where it went astray;
LEAST_SIDE = 0.15  # of the shot lies on either side of that
CUTS = (0.0, -0.08, 0.08, -0.16, 0.16)  # of the shot: so far from there the step from one to the other is tried
BETTER = 1.05  # times what either saves must the two halves save as one slide: it is one layer's, seen twice
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


def astray(a: Candidate, b: Candidate, field: Field) -> int | None:
    """The frame up to which one path explains clearly more of the picture than behind it, and from which the other one
    does; None if there is none."""
    count = field.count
    whole = np.array([max(float(p.bits.sum()), 1.0) for p in field.points])
    share = [np.array([float(bits.sum()) for bits in c.bits]) / whole for c in (a, b)]
    best, at = 0.0, None
    for cut in range(max(2, round(LEAST_SIDE * count)), count - max(2, round(LEAST_SIDE * count))):
        (head, fades), (rises, tail) = ((one[:cut].mean(), one[cut:].mean()) for one in share)
        if head >= FADES * fades and tail >= FADES * rises and head - fades + tail - rises > best:
            best, at = head - fades + tail - rises, cut
    return at


def slide(head: Candidate, tail: Candidate, at: int, field: Field) -> np.ndarray:
    """[T, 3, 3]: the middle of the frame moving as one path has it up to frame `at`, and then as the other one; on the
    first one's frame."""
    one, two = steps(head.H, field.size), steps(tail.H, field.size)
    place = np.concatenate([np.zeros((1, 2)), np.cumsum(np.concatenate([one[:at], two[at:]]), axis=0)])
    H = np.tile(np.eye(3), (len(place), 1, 1))
    H[:, :2, 2] = place - place[head.ref]
    return H


def rejoined(chosen: list[Candidate], field: Field, together: Callable[[list[Candidate], Field], float]
             ) -> list[Candidate]:
    """The paths; where two of them follow one sliding layer, each through a part of the shot and astray in the rest (a
    facade looks the same a window farther), the stronger one is the layer's slide throughout."""
    chosen = list(chosen)
    everything = [np.ones(len(p.at)) for p in field.points]
    for pair in [*combinations(range(len(chosen)), 2), *(p[::-1] for p in combinations(range(len(chosen)), 2))]:
        head, tail = (chosen[k] for k in pair)
        at = astray(head, tail, field)
        near = () if at is None else (at + round(share * field.count) for share in CUTS)
        slides = [measured(slide(head, tail, k, field), head.ref, 2, field) for k in near if 1 < k < field.count - 2]
        one = max((one for one in slides if one is not None), key=lambda one: one.gain, default=None)
        if one is None or one.gain < BETTER * max(head.gain, tail.gain):
            continue
        one.belief = believe(field, one.H, everything)
        one = settled(one, 2, field, one.belief) or one
        one.belief = believe(field, one.H, everything)
        tried = list(chosen)
        tried[max(pair, key=lambda k: chosen[k].gain)] = one
        if together(tried, field) > PAYS * together(chosen, field):
            chosen = tried
    return chosen
