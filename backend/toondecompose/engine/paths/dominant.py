"""The dominant motion of a weighted set of matches, with an error that knows what an edge cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .field import SHARP
from .groups import apply, frame_units, slopes, step

INLIER = 0.8  # px of the flow picture: beyond this a match says nothing about a motion
TRIES = 100  # random motions tried per frame and group
REACHES = (10.0, 30.0, 80.0, 160.0)  # px: how far apart the matches of one try lie
FITTED = 1500  # matches to which the best of them is fitted
SCORED = 500  # matches on which hypotheses are scored
ROUGH = 1e-4  # of the matches' weight: as exactly are motions scored before the best few are compared
AS_GOOD = 1e-9  # scores that differ by so small a share of them may be one and the same
HIGHER_DOF = 1.03  # a richer motion must explain this much more


def visible_error(m: np.ndarray, p: np.ndarray, q: np.ndarray, whiten: np.ndarray) -> np.ndarray:
    """Length [n] of the part of m(p) - q that the picture shows, px."""
    return np.sqrt(_visible_square(apply(m, p), q, _rows(whiten)))


def _rows(whiten: np.ndarray) -> np.ndarray:
    """Whitening matrices [n, 2, 2] taken apart, [4, n]: NumPy is several times faster on numbers side by side. (Of
    what is done to each match alone the result is the same; sums stay in their order, for paths hang on it.)"""
    return np.ascontiguousarray(whiten.reshape(-1, 4).T)


def _visible_square(at: np.ndarray, q: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Squared length [..., n] of the visible part of errors at - q [..., n, 2]. rows: `_rows` of the whitening."""
    x, y = at[..., 0] - q[:, 0], at[..., 1] - q[:, 1]
    a, part = rows[0] * x, rows[1] * y
    a += part
    b = np.multiply(rows[2], x, out=x)
    b += np.multiply(rows[3], y, out=y)
    a *= a
    b *= b
    a += b
    return a


@dataclass(frozen=True)
class Precision:
    """What the flow can resolve, in the px of its points: sharp on clean edges; beyond reach it says nothing.

    The agreement is peaked at sharp: two layers that slide 1 px apart must not be averaged."""

    sharp: float
    reach: float

    @staticmethod
    def of(flow_scale: float) -> Precision:
        """For flow taken from pictures with flow_scale px per px of the points."""
        return Precision(SHARP / flow_scale, INLIER / flow_scale)

    def agreement(self, square: np.ndarray) -> np.ndarray:
        """1 at no error, 0 from reach on, falling like the bits that coding the error costs (squared errors)."""
        return np.maximum(0, 1 - np.log1p(square / self.sharp**2) / np.log1p((self.reach / self.sharp) ** 2))

    def score(self, error: np.ndarray, weight: np.ndarray) -> float:
        """Weighted number of matches that agree."""
        return float((weight * self.agreement(error**2)).sum())


def _groups(p: np.ndarray, cumulative: np.ndarray, count: int, members: int, rng: np.random.Generator) -> np.ndarray:
    """`count` random sets of `members` matches, near each other at several ranges -> indices [count, members].

    Near matches are more likely of one layer; far ones pin a motion down better.
    """
    first = np.searchsorted(cumulative, rng.random(count) * cumulative[-1])
    others = np.searchsorted(cumulative, rng.random((count, 4 * members)) * cumulative[-1])
    first, others = first.clip(0, len(p) - 1), others.clip(0, len(p) - 1)
    reach = np.array(REACHES)[np.arange(count) % len(REACHES)]
    x, y = (c[others] - c[first][:, None] for c in p.T)
    miss = np.abs(np.sqrt(x * x + y * y) - reach[:, None])
    near = np.argsort(miss, 1, kind="stable")[:, : members - 1]
    return np.concatenate([first[:, None], np.take_along_axis(others, near, 1)], 1)


def _hypotheses(p: np.ndarray, q: np.ndarray, whiten: np.ndarray, weight: np.ndarray, max_dof: int,
                rng: np.random.Generator) -> np.ndarray:
    """Random translations and similarities, each from a few near matches -> [k, 2, 3].

    Solved from what the matches show (whitened rows): one match on an edge knows its motion across the edge only.
    """
    cumulative = np.cumsum(weight)
    out = []
    for dof, members in ((2, 3), (4, 4))[: 1 if max_dof == 2 else 2]:
        index = _groups(p, cumulative, TRIES, members, rng)
        at, rows = p[index], whiten[index]
        centre = at.mean(1, keepdims=True)
        x, y = ((at - centre) / 50.0).transpose(2, 0, 1)  # about 1 over a group, for the conditioning
        jac = np.zeros((*at.shape, dof))
        jac[..., 0, 0] = jac[..., 1, 1] = 1
        if dof == 4:
            jac[..., 0, 2], jac[..., 1, 2], jac[..., 0, 3], jac[..., 1, 3] = x, y, -y, x
        jac = (rows @ jac).reshape(len(index), -1, dof)
        res = (rows @ (q[index] - at)[..., None]).reshape(len(index), -1)
        normal = jac.transpose(0, 2, 1) @ jac + 1e-4 * np.eye(dof)
        d = np.linalg.solve(normal, (jac * res[..., None]).sum(1)[..., None])[..., 0]
        a, b = (1 + d[:, 2] / 50, d[:, 3] / 50) if dof == 4 else (np.ones(len(d)), np.zeros(len(d)))
        linear = np.stack([np.stack([a, -b], -1), np.stack([b, a], -1)], 1)
        shift = centre[:, 0] + d[:, :2] - (linear @ centre.transpose(0, 2, 1))[..., 0]
        sane = (np.hypot(a, b) > 0.6) & (np.hypot(a, b) < 1.7)
        out.append(np.concatenate([linear, shift[:, :, None]], 2)[sane])
    return np.concatenate(out)


def refine(m: np.ndarray, p: np.ndarray, q: np.ndarray, whiten: np.ndarray, weight: np.ndarray, dof: int,
           units: np.ndarray, precision: Precision, rounds: int = 3) -> np.ndarray:
    """Iteratively reweighted least squares of m inside the group with `dof` parameters."""
    return _refined(m, visible_error(m, p, q, whiten), p, q, _rows(whiten), weight, dof,
                    (units, np.linalg.inv(units)), precision, rounds)


def _refined(m: np.ndarray, error: np.ndarray, p: np.ndarray, q: np.ndarray, rows: np.ndarray, weight: np.ndarray,
             dof: int, there_and_back: tuple[np.ndarray, np.ndarray], precision: Precision, rounds: int = 3
             ) -> np.ndarray:
    """`refine`, with the errors [n] of m known, `_rows` of the whitening, and units with their inverse."""
    units, back = there_and_back
    for k in range(rounds):
        if k:
            error = np.sqrt(_visible_square(apply(m, p), q, rows))
        w = weight * (error < precision.reach * (1.5 if k == 0 else 1.0)) / (1 + (error / precision.sharp) ** 2)
        keep = np.flatnonzero(w > 0)
        if len(keep) < 2 * dof:
            return m
        at = apply(m, p.take(keep, 0))
        off = q[:, 0].take(keep) - at[:, 0], q[:, 1].take(keep) - at[:, 1]
        place, turn, w = apply(units, at), rows.take(keep, 1), w.take(keep)
        normal, right = np.zeros((dof, dof)), np.zeros(dof)
        for across, along in (turn[:2], turn[2:]):  # written out: many small matrix products cost ten times as much
            jac = slopes(across, along, place[:, 0], place[:, 1], dof)
            jac /= units[0, 0]
            jw = jac * w[:, None]
            normal += jw.T @ jac
            right += jw.T @ (across * off[0] + along * off[1])
        normal[np.diag_indices(dof)] += 1e-6 * np.trace(normal) / dof + 1e-12
        delta = np.linalg.solve(normal, right)
        if np.abs(delta).max() > 0.5:
            return m
        m = back @ step(delta) @ units @ m
        m = m / m[2, 2]
    return m


def _scores(tries: np.ndarray, p: np.ndarray, q: np.ndarray, rows: np.ndarray, weight: np.ndarray,
            precision: Precision) -> np.ndarray:
    """Weighted number of matches that agree with each of some affine motions [k, 2, 3]: float64 [k]."""
    moved = p @ tries[:, :, :2].transpose(0, 2, 1) + tries[:, None, :, 2]
    return precision.agreement(_visible_square(moved, q, rows)) @ weight


def _rough_scores(tries: np.ndarray, p: np.ndarray, q: np.ndarray, rows: np.ndarray, weight: np.ndarray,
                  precision: Precision) -> np.ndarray:
    """`_scores` to ROUGH of the whole weight, several times faster: one product in single precision, of how each motion
    moves the matches from where they are, so that all numbers are small."""
    x, y = (p - p.mean(0)).T
    u, v = (q - p).T
    still = tries - np.eye(2, 3)
    still[:, :, 2] += still[:, :, :2] @ p.mean(0)
    ways = np.concatenate([still.reshape(-1, 6), np.ones((len(tries), 1))], 1).astype(np.float32)
    square = np.float32(0)
    for a, b in (rows[:2], rows[2:]):
        part = ways @ np.stack([a * x, a * y, a, b * x, b * y, b, -(a * u + b * v)]).astype(np.float32)
        square = square + np.square(part, out=part)
    square /= np.float32(precision.sharp**2)
    agree = np.log1p(square, out=square)
    agree *= np.float32(-1 / np.log1p((precision.reach / precision.sharp) ** 2))
    agree += np.float32(1)
    return np.maximum(agree, 0, out=agree) @ weight.astype(np.float32)


def _likeliest(tries: np.ndarray, p: np.ndarray, q: np.ndarray, rows: np.ndarray, weight: np.ndarray,
               precision: Precision, least: float) -> int | None:
    """Which of some affine motions [k, 2, 3] most weighted matches agree with, or None if no more than `least` do: the
    first of the largest of `_scores`, most of which need not be known exactly for that."""
    rough = _rough_scores(tries, p, q, rows, weight, precision)
    slack = ROUGH * float(weight.sum())
    if rough.max() < least - slack:
        return None
    some = np.flatnonzero(rough >= rough.max() - 2 * slack)
    scores = _scores(tries[some], p, q, rows, weight, precision)
    best = int(scores.argmax())
    others = np.append(np.delete(scores, best), least)
    if (np.abs(others - scores[best]) < AS_GOOD * scores[best]).any():  # then the last bit of a sum decides
        some = np.arange(len(tries))
        scores = _scores(tries, p, q, rows, weight, precision)
        best = int(scores.argmax())
    return int(some[best]) if scores[best] > least else None


def dominant_motion(p: np.ndarray, q: np.ndarray, whiten: np.ndarray, weight: np.ndarray, max_dof: int,
                    guesses: list[np.ndarray], size: tuple[int, int], precision: Precision,
                    rng: np.random.Generator, enough: float = np.inf) -> tuple[np.ndarray, float]:
    """The motion that most weighted matches p -> q [n, 2] agree on, of at most `max_dof` parameters.

    guesses: motions tried besides the random ones (identity, the last frame's). enough: share of the weight; if so
    much agrees with a refined guess, no random ones are tried. Returns ([3, 3], share of the weight that agrees).
    """
    if len(p) < 4 or weight.sum() <= 0:
        return guesses[0], 0.0
    units = frame_units(size)
    subset = np.sort(rng.permutation(len(p))[:SCORED]) if len(p) > SCORED else np.arange(len(p))
    ps, qs, ws, ls = p.take(subset, 0), q.take(subset, 0), weight[subset], whiten.take(subset, 0)
    rows = _rows(ls)
    scores = [float(precision.agreement(_visible_square(apply(g, ps), qs, rows)) @ ws) for g in guesses]
    m = guesses[int(np.argmax(scores))]
    if len(p) > FITTED:
        some = np.sort(rng.permutation(len(p))[:FITTED])
        p, q, whiten, weight = p.take(some, 0), q.take(some, 0), whiten.take(some, 0), weight[some]
    whole = max(float(weight.sum()), 1e-9)
    fitted, value = _enriched(m, p, q, whiten, weight, max_dof, units, precision)
    if value >= enough * whole:
        return fitted, value / whole
    tries = _hypotheses(ps, qs, ls, ws, max_dof, rng)
    if len(tries):
        likeliest = _likeliest(tries, ps, qs, rows, ws, precision, max(scores))
        if likeliest is not None:
            m = np.vstack([tries[likeliest], [0, 0, 1]])
            other, more = _enriched(m, p, q, whiten, weight, max_dof, units, precision)
            if more > value:
                fitted, value = other, more
    return fitted, value / whole


def _enriched(m: np.ndarray, p: np.ndarray, q: np.ndarray, whiten: np.ndarray, weight: np.ndarray, max_dof: int,
              units: np.ndarray, precision: Precision) -> tuple[np.ndarray, float]:
    """m refined in groups of growing size while that pays: (motion, weighted number of matches that agree)."""
    value, most = -1.0, float(weight.sum())
    rows, error, there_and_back = _rows(whiten), visible_error(m, p, q, whiten), (units, np.linalg.inv(units))
    for dof in (d for d in (2, 4, 6, 8) if d <= max_dof):
        if value * HIGHER_DOF > most:  # nothing explains so much more
            break
        fitted = _refined(m, error, p, q, rows, weight, dof, there_and_back, precision)
        left = error if fitted is m else np.sqrt(_visible_square(apply(fitted, p), q, rows))
        new = precision.score(left, weight)
        if value < 0 or new > value * HIGHER_DOF:
            m, value, error = fitted, new, left
    return m, value
