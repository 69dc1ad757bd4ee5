"""Planes that slide with the camera at a speed of their own, but show too little to be followed: hills behind houses.

Over gaps of several frames they repeat at their own share of the camera's way and nowhere else. A redrawn sprite may
repeat over one gap, hardly over two of different length at the same share.
"""

from __future__ import annotations

import cv2
import numpy as np

from .candidate import Candidate, explained, measured, settled
from .field import Field, bilinear
from .groups import apply

GAPS = (5, 11)  # frames; primes, so that cycles of drawings do not repeat at both
RATES = np.arange(-0.3, 1.7, 0.02)  # of the camera's way
LEAST_SLIDE = 8.0  # px at search size over the shorter gap: a shorter way tells no rates apart
EVERY = 3  # frames: enough of them vote
BLUR = 0.6  # px: what half a rate's step may be off
AROUND = np.array([[x, y] for y in (-2.0, 0.0, 2.0) for x in (-2.0, 0.0, 2.0)])  # px: the patch that must repeat
SAME = 10.0  # grey levels: it repeats
OTHER = 12.0  # grey levels worse: it does not repeat as what is known, as standing still, or
RIVAL = 6.0  # grey levels worse: at any other rate
NEAR = 0.08  # rates nearer than this are one
EDGE = 0.5  # of the sharpest edge's visibility along the way: an edge that slides along itself repeats at any rate
FREE = 0.5  # of a point: the rest is explained
FEWEST = 20  # points of a frame that are worth looking at
LEAST_VOTES = 12  # points, and
CLEAR = 5.0  # times as many as at any other rate: coincidences spread over all rates


def _way(H: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Where the picture's centre goes, [T, 2] px."""
    centre = np.array([[size[0] / 2, size[1] / 2]])
    return np.concatenate([apply(m, centre) - centre for m in H])


def rate_votes(field: Field, base: Candidate, others: list[Candidate], free: list[np.ndarray]) -> np.ndarray:
    """How many unexplained points repeat at each of RATES of the way of `base`.

    others: the paths found besides; free: per frame [n] in 0..1, how much of each point no path explains."""
    way = _way(base.H, field.size)
    power = float(((way - way.mean(0)) ** 2).sum())
    votes = np.zeros(len(RATES))
    if power < 1e-6:
        return votes
    ways = [_way(c.H, field.size) for c in others]
    known = [0.0, 1.0, *(float(((w - w.mean(0)) * (way - way.mean(0))).sum()) / power for w in ways)]
    rates = np.concatenate([RATES, known])
    soft: dict[int, np.ndarray] = {}

    def picture(t: int) -> np.ndarray:
        if t not in soft:
            soft[t] = cv2.GaussianBlur(field.gray[t].astype(np.float32), (0, 0), BLUR)[..., None]
        return soft[t]

    for t in range(0, field.count, EVERY):
        for old in [u for u in soft if u < t - max(GAPS)]:
            del soft[old]
        for side in (-1, 1):
            at = [t + side * g for g in GAPS]
            steps = [way[u] - way[t] if 0 <= u < field.count else np.zeros(2) for u in at]
            length = float(np.hypot(*steps[0]))
            if min(at) < 0 or max(at) >= field.count or length < LEAST_SLIDE:
                continue
            pts = field.points[t]
            along = np.abs(pts.whiten @ (steps[0] / length)).max(1)
            use = np.flatnonzero((free[t] > FREE) & (along > EDGE * pts.sure.max()))
            if len(use) < FEWEST:
                continue
            places = pts.at[use][:, None] + AROUND
            own = bilinear(picture(t), places.reshape(-1, 2)).reshape(len(use), -1)
            miss = np.zeros((len(rates), len(use)), np.float32)
            for u, step in zip(at, steps, strict=True):
                for k, rate in enumerate(rates):
                    there = bilinear(picture(u), (places + rate * step).reshape(-1, 2)).reshape(len(use), -1)
                    off = np.abs(there - own).max(1)
                    to = pts.at[use] + rate * step
                    off[((to < 3) | (to > np.array(field.size) - 3)).any(1)] = 255.0
                    np.maximum(miss[k], off, out=miss[k])
            found, alike = miss[: len(RATES)], miss[len(RATES) :].min(0)
            best, least = found.argmin(0), found.min(0)
            rival = np.where(np.abs(RATES[:, None] - RATES[best]) > NEAR, found, 255.0).min(0)
            good = (least < SAME + 2 * field.noise) & (alike > least + OTHER) & (rival > least + RIVAL)
            votes += np.bincount(best[good], minlength=len(RATES))
    return votes


def sliding_planes(field: Field, chosen: list[Candidate], free: list[np.ndarray]) -> list[Candidate]:
    """The plane beside the chosen paths that most clearly repeats at a rate of its own, as a path; [] if none does."""
    votes = rate_votes(field, chosen[0], chosen[1:], free)
    near = np.convolve(votes, [0.5, 1, 0.5], "same")
    peak = int(near.argmax())
    elsewhere = float(near[np.abs(RATES - RATES[peak]) > NEAR].max(initial=0.0))
    if near[peak] < max(LEAST_VOTES, CLEAR * elsewhere):
        return []
    part = slice(max(0, peak - 2), peak + 3)
    rate = float((RATES[part] * votes[part]).sum() / votes[part].sum())
    way = _way(chosen[0].H, field.size)
    H = np.tile(np.eye(3), (field.count, 1, 1))
    H[:, :2, 2] = rate * (way - way[chosen[0].ref])
    c = measured(H, chosen[0].ref, 2, field)
    if c is None:
        return []

    def worth(c: Candidate) -> float:
        return sum(float((b * f).sum()) for b, f in zip(c.bits, free, strict=True))

    # only what it explains beyond the others can pull it to where it belongs
    own = [f * e for f, e in zip(free, explained(field, c.bits), strict=True)]
    better = settled(c, 2, field, own)
    if better is not None and worth(better) > worth(c):
        c = better
    c.followed, c.voted = False, True
    return [c]
