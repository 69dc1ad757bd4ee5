"""Frames in which a path lost its sprite, found again: the sprite goes on as it went, and its picture tells.

Flow loses a sprite that turns or flies fast, that comes in at the edge of the frame or that is drawn anew in part.
From there on the chain follows something else. But the mosaic of the sprite is known from the other frames, and so is
roughly where it must be next: from the last frame that shows it, each next one is guessed and laid on the mosaic.
"""

from __future__ import annotations

import numpy as np

from .align import Sampler, align_frame, canvas_units, sampler, saved_bits
from .candidate import Candidate, measured, mosaic_of
from .field import Field
from .groups import apply

HOLDS = 0.5  # of what a path's better frames save: this frame shows the sprite
SUPPORT = 6  # px at search size: resolution at which it is known what part of the canvas is the sprite's
OWN = 0.35  # of the texture there is explained by the path, where it holds
LEAST_RUN = 4  # frames in a row that hold: fewer make no picture and no motion
SHOWS = 0.6  # of the usual share of the sprite's texture must be explained in a frame that is found again
MORE = 0.1  # of the usual bits must be saved there besides what was saved before
STRAYED = 3.0  # px at search size that the sprite is elsewhere: a frame in which it only lies badly was not lost
NARROW = 0.5  # of the frame's width: what reaches farther across is a plane, which flow does not lose
BLURS, CAPS = (3.0, 1.2, 0.5), (12.0, 6.0, 3.0)  # px and grey levels, coarse to fine
MISSED = 2  # frames in a row that are not found: behind somebody; more, and it is gone


def regained(c: Candidate, field: Field, free: list[np.ndarray]) -> Candidate | None:
    """The path with the frames that it lost found again, or None if there are none.

    free: per frame [n] in 0..1, how much of each point no other path explains."""
    saved = np.array([float((b * f).sum()) for b, f in zip(c.bits, free, strict=True)])
    usual = float(np.quantile(saved, 0.8))
    holds = saved > HOLDS * usual
    run = _longest(holds)
    if holds.all() or len(run) < LEAST_RUN:
        return None
    mosaic = mosaic_of(field, c.H, 8, c.box)
    if mosaic is None:
        return None
    support = _Support(c, field, free, run)
    if support.across > NARROW * field.size[0]:
        return None
    targets = [sampler(mosaic, blur, field.count) for blur in (*BLURS, 0.0)]
    share = float(np.median([support.share(c.H[t], t, c.bits[t] * free[t]) for t in run]))
    H, found = c.H.copy(), 0
    for first, direction in ((run[-1], 1), (run[0], -1)):
        missed, t = 0, first + direction
        while 0 <= t < field.count and missed <= MISSED:
            best, most = None, saved[t] + MORE * usual
            for guess in _guesses(H, t, direction, support.centre):
                there = _laid(guess, c.dof, field, t, free[t], support, targets)
                bits = saved_bits(np.linalg.inv(there), field, t, targets[-1]) * free[t]
                if (bits.sum() > most and support.strayed(c.H[t], there) > STRAYED
                        and support.share(there, t, bits) > SHOWS * share):
                    best, most = there, float(bits.sum())
            if best is not None:
                H[t], found, missed = best, found + 1, 0
            elif saved[t] > HOLDS * usual and support.share(c.H[t], t, c.bits[t] * free[t]) > SHOWS * share:
                missed = 0  # the chain has found it again by itself
            else:
                missed += 1
                H[t] = _guesses(H, t, direction, support.centre)[0]
            t += direction
        back = slice(t - missed * direction, t, direction)
        H[back] = c.H[back]  # what was not found stays what it was
    return measured(H, c.ref, c.dof, field, box=c.box) if found else None


def _longest(holds: np.ndarray) -> np.ndarray:
    """Numbers of the frames of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(int)))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return np.arange(0)
    start, end = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    return np.arange(start, end)


def _guesses(H: np.ndarray, t: int, direction: int, centre: np.ndarray) -> list[np.ndarray]:
    """Where a canvas may lie in frame t after frames t - direction, t - 2 direction...: on as before, on as one frame
    earlier (drawings held on twos) or two (on threes), and still."""
    last = H[t - direction]
    out = []
    for back in (2, 3, 4):
        a, b = t - back * direction, t - (back - 1) * direction
        if 0 <= a < len(H):
            out.append(_onwards(H[a], H[b], last, centre))
    return [*out, last]


def _onwards(before: np.ndarray, after: np.ndarray, last: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """`last` moved on by what brought `before` to `after`: its centre straight on, and turned and grown as then."""
    step = after @ np.linalg.inv(before)
    place, start, end = (apply(m, centre[None])[0] for m in (last, before, after))
    to = place + end - start
    around = np.eye(3)
    around[:2, 2] = start - place  # turn about where the sprite is now
    out = np.linalg.inv(around) @ step @ around @ last
    at = apply(out, centre[None])[0]
    shift = np.eye(3)
    shift[:2, 2] = to - at
    out = shift @ out
    return out / out[2, 2]


def _laid(guess: np.ndarray, dof: int, field: Field, t: int, free: np.ndarray, support: _Support,
          targets: list[Sampler]) -> np.ndarray:
    """A guess pulled onto the mosaic, coarse to fine."""
    points, H = field.points[t], guess
    for target, blur, cap in zip(targets, BLURS, CAPS, strict=False):
        weight = free * points.share * support.at(H, points.at)
        H = align_frame(H, points.at, field.soft_values(t, blur), weight, target, dof, canvas_units(field.size), cap,
                        field.noise)
    return H


class _Support:
    """Which part of a path's canvas is its sprite's, from the frames in which it holds."""

    def __init__(self, c: Candidate, field: Field, free: list[np.ndarray], run: np.ndarray) -> None:
        self.field = field
        on = [apply(np.linalg.inv(c.H[t]), field.points[t].at) / SUPPORT for t in run]
        self.low = np.floor(np.min([p.min(0) for p in on], 0)).astype(int)
        self.shape = np.floor(np.max([p.max(0) for p in on], 0)).astype(int) - self.low + 1
        total, got = np.zeros((2, self.shape.prod()))
        for t, p in zip(run, on, strict=True):
            cell = self._cell(p)
            total += np.bincount(cell, field.points[t].bits * free[t], minlength=len(total))
            got += np.bincount(cell, c.bits[t] * free[t], minlength=len(got))
        self.own = (got > OWN * total) & (got > 0)
        x, y = np.flatnonzero(self.own) % self.shape[0], np.flatnonzero(self.own) // self.shape[0]
        weight = got[self.own]
        middle = np.array([(x * weight).sum(), (y * weight).sum()]) / max(weight.sum(), 1e-9)
        along = np.cumsum(np.bincount(x, weight))
        self.across = SUPPORT * np.ptp(np.searchsorted(along, (0.05 * along[-1], 0.95 * along[-1])))  # px, most of it
        self.centre = (middle + self.low + 0.5) * SUPPORT  # canvas px

    def _cell(self, on: np.ndarray) -> np.ndarray:
        c = np.floor(on).astype(int) - self.low
        return c[:, 1] * self.shape[0] + c[:, 0]

    def at(self, H: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Whether frame points [n, 2] are the sprite's if its canvas lies at H, 0 or 1."""
        on = apply(np.linalg.inv(H), points) / SUPPORT
        inside = ((on >= self.low) & (on < self.low + self.shape)).all(1)
        out = np.zeros(len(points))
        out[inside] = self.own[self._cell(on[inside])]
        return out

    def strayed(self, a: np.ndarray, b: np.ndarray) -> float:
        """px between the places that two transforms give to the sprite's middle."""
        return float(np.linalg.norm(apply(a, self.centre[None]) - apply(b, self.centre[None])))

    def share(self, H: np.ndarray, t: int, bits: np.ndarray) -> float:
        """Share of the texture on the sprite's part of the canvas that saved bits [n] of frame t explain."""
        points = self.field.points[t]
        mine = self.at(H, points.at)
        return float((bits * mine).sum() / max((points.bits * mine).sum(), 1e-9))
