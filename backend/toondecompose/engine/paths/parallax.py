"""Parallax planes: layers that make the camera's pan at another speed, too small or too often hidden to be followed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .candidate import Candidate, measured
from .field import SHARP, Field
from .groups import apply

BIN = 0.01  # of the pan's speed
RANGE = (-1.0, 2.5)  # speeds looked for: against the pan, still, slower, faster
OWN_SPEED = 0.06  # nearer to the pan's own speed than this it is the pan
LEAST_PAN = 0.5  # px at search size per frame: slower steps tell no speeds apart
APART = 0.12  # speeds nearer than this are one layer's: flow of redrawn sprites scatters
PEAKS = 3  # speeds tried
LEAST_WAY = 8.0  # px at search size: a camera that goes less far shows no parallax


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Scalar products of vectors [n, 2] and [n, 2]."""
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1]


def speeds(field: Field, base: Candidate, free: list[np.ndarray]) -> list[float]:
    """Speeds relative to the path `base` that most free texture moves at, most votes first.

    Each match votes for the speed that brings it along the pan's own displacement, as far as its edge sees that
    displacement and as far as nothing is left across it.
    """
    edges = np.arange(RANGE[0], RANGE[1] + BIN, BIN)
    votes = np.zeros(len(edges) - 1)
    sharp = SHARP / field.flow_scale
    centre = np.array([[field.size[0] / 2, field.size[1] / 2]])
    for t, pts in enumerate(field.points):
        for n in (t + 1, t - 1):
            if not 0 <= n < field.count:
                continue
            d = apply(base.H[n] @ np.linalg.inv(base.H[t]), centre)[0] - centre[0]
            which, p, q, whiten = pts.matches(n - t)
            if np.hypot(*d) < LEAST_PAN or not len(which):
                continue
            seen = whiten @ d
            flow = (whiten @ (q - p)[:, :, None])[:, :, 0]
            power = _product(seen, seen)
            speed = _product(seen, flow) / np.maximum(power, 1e-9)
            off = flow - speed[:, None] * seen
            weight = (free[t] * pts.share * pts.sure)[which] * np.minimum(1, power / (4 * sharp) ** 2)
            weight /= 1 + _product(off, off) / sharp**2
            votes += np.histogram(speed, edges, weights=weight)[0]
    smooth = np.convolve(votes, [0.25, 0.5, 1, 0.5, 0.25], "same")
    middle = (edges[:-1] + edges[1:]) / 2
    smooth[np.abs(middle - 1) < OWN_SPEED] = 0
    out: list[float] = []
    for _ in range(PEAKS):
        k = int(smooth.argmax())
        if smooth[k] <= 0:
            break
        out.append(float(middle[k]))
        smooth[np.abs(middle - middle[k]) < APART] = 0
    return out


def planes(field: Field, base: Candidate, free: list[np.ndarray], dof: int,
           known: dict[float, Candidate | None] | None = None) -> list[Candidate]:
    """Candidates that make the displacement of `base` at the most voted other speeds, as paths of `dof` parameters;
    what flow believes of them is still to be asked. known: those of the same base and dof that were measured before,
    by speed; new ones are added."""
    known = {} if known is None else known
    centre = np.array([[field.size[0] / 2, field.size[1] / 2]])
    shift = np.concatenate([apply(m, centre) - centre for m in base.H])
    out: list[Candidate] = []
    if np.linalg.norm(shift - shift[0], axis=1).max() < LEAST_WAY:
        return out
    for speed in speeds(field, base, free):
        if speed not in known:
            H = np.tile(np.eye(3), (field.count, 1, 1))
            H[:, :2, 2] = speed * shift
            known[speed] = measured(H, base.ref, dof, field)
        c = known[speed]
        if c is not None:
            out.append(replace(c, belief=[], followed=False))
    return out
