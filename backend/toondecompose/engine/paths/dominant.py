"""The dominant motion of a weighted set of matches, with an error that knows what an edge cannot tell."""

from __future__ import annotations

import numpy as np

from .groups import apply, frame_units, step, velocities

INLIER = 0.8  # px at search size: beyond this a match says nothing about a motion
SHARP = 0.15  # px: what dense flow reaches on clean drawn edges. Two layers that slide 1 px apart must not be averaged
PAIRS = 60  # random similarities tried per frame
SINGLES = 60  # random translations tried per frame
SCORED = 500  # matches on which hypotheses are scored
HIGHER_DOF = 1.03  # a richer motion must explain this much more


def visible_error(m: np.ndarray, p: np.ndarray, q: np.ndarray, whiten: np.ndarray) -> np.ndarray:
    """Length [n] of the part of m(p) - q that the picture shows, px."""
    return np.sqrt(_visible_square(apply(m, p) - q, whiten))


def _visible_square(e: np.ndarray, whiten: np.ndarray) -> np.ndarray:
    """Squared length [..., n] of the visible part of errors e [..., n, 2]."""
    x, y = e[..., 0], e[..., 1]
    a = whiten[:, 0, 0] * x + whiten[:, 0, 1] * y
    b = whiten[:, 1, 0] * x + whiten[:, 1, 1] * y
    return a * a + b * b


def _agreement(square: np.ndarray) -> np.ndarray:
    """1 at no error, 0 from INLIER on, falling like the bits that coding the error costs (square: squared errors)."""
    return np.maximum(0, 1 - np.log1p(square / SHARP**2) / np.log1p((INLIER / SHARP) ** 2))


def score(error: np.ndarray, weight: np.ndarray) -> float:
    """Weighted number of matches that agree."""
    return float((weight * _agreement(error**2)).sum())


def _hypotheses(p: np.ndarray, q: np.ndarray, weight: np.ndarray, max_dof: int, rng: np.random.Generator) -> np.ndarray:
    """Random translations from one match and similarities from two near ones -> [k, 2, 3]."""
    cumulative = np.cumsum(weight)
    pick = np.searchsorted(cumulative, rng.random(SINGLES) * cumulative[-1]).clip(0, len(p) - 1)
    out = np.zeros((SINGLES, 2, 3))
    out[:, 0, 0] = out[:, 1, 1] = 1
    out[:, :, 2] = q[pick] - p[pick]
    if max_dof < 4:
        return out
    first = np.searchsorted(cumulative, rng.random(PAIRS) * cumulative[-1]).clip(0, len(p) - 1)
    # two matches of one object are more likely among near points; near is tried at several ranges
    candidates = np.searchsorted(cumulative, rng.random((PAIRS, 6)) * cumulative[-1]).clip(0, len(p) - 1)
    distance = np.linalg.norm(p[candidates] - p[first][:, None], axis=2)
    reach = np.array([25.0, 60.0, 120.0])[np.arange(PAIRS) % 3]
    second = candidates[np.arange(PAIRS), np.abs(distance - reach[:, None]).argmin(1)]
    a, b = p[second] - p[first], q[second] - q[first]
    norm = (a * a).sum(1)
    ok = norm > 64  # 8 px apart: nearer pairs turn flow noise into wild rotations
    a, b, first, norm = a[ok], b[ok], first[ok], norm[ok]
    c = (a * b).sum(1) / norm
    s = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / norm
    sane = (np.hypot(c, s) > 0.6) & (np.hypot(c, s) < 1.7)
    c, s, first = c[sane], s[sane], first[sane]
    linear = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], 1)
    shift = q[first] - np.einsum("nij,nj->ni", linear, p[first])
    return np.concatenate([out, np.concatenate([linear, shift[:, :, None]], 2)])


def refine(m: np.ndarray, p: np.ndarray, q: np.ndarray, whiten: np.ndarray, weight: np.ndarray, dof: int,
           units: np.ndarray, rounds: int = 4) -> np.ndarray:
    """Iteratively reweighted least squares of m inside the group with `dof` parameters."""
    back = np.linalg.inv(units)
    for k in range(rounds):
        error = visible_error(m, p, q, whiten)
        w = weight * (error < INLIER * (1.5 if k == 0 else 1.0)) / (1 + (error / SHARP) ** 2)
        keep = w > 0
        if keep.sum() < 2 * dof:
            return m
        at = apply(m, p[keep])
        turn = whiten[keep]
        jac = (turn @ velocities(apply(units, at), dof)).reshape(-1, dof) / units[0, 0]
        res = (turn @ (q[keep] - at)[:, :, None]).reshape(-1)
        jw = jac * np.repeat(w[keep], 2)[:, None]
        normal = jw.T @ jac
        normal[np.diag_indices(dof)] += 1e-6 * np.trace(normal) / dof + 1e-12
        delta = np.linalg.solve(normal, jw.T @ res)
        if np.abs(delta).max() > 0.5:
            return m
        m = back @ step(delta) @ units @ m
        m = m / m[2, 2]
    return m


def dominant_motion(p: np.ndarray, q: np.ndarray, whiten: np.ndarray, weight: np.ndarray, max_dof: int,
                    guesses: list[np.ndarray], size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The motion that most weighted matches p -> q [n, 2] agree on, of at most `max_dof` parameters.

    guesses: motions tried besides the random ones (identity, the last frame's). Returns [3, 3].
    """
    if len(p) < 4 or weight.sum() <= 0:
        return guesses[0]
    units = frame_units(size)
    subset = np.sort(rng.permutation(len(p))[:SCORED]) if len(p) > SCORED else np.arange(len(p))
    ps, qs, ws, ls = p[subset], q[subset], weight[subset], whiten[subset]
    tries = np.concatenate([np.array([g[:2] for g in guesses]), _hypotheses(p, q, weight, max_dof, rng)])
    # guesses may be homographies: those are scored exactly, the rest are affine and scored together
    moved = ps @ tries[:, :, :2].transpose(0, 2, 1) + tries[:, None, :, 2]
    for i, g in enumerate(guesses):
        moved[i] = apply(g, ps)
    scores = _agreement(_visible_square(moved - qs, ls)) @ ws
    best = int(scores.argmax())
    if max_dof == 2:
        start = [guesses[best] if best < len(guesses) else np.vstack([tries[best], [0, 0, 1]])]
    else:  # the best translation and the best similarity both get their chance
        start = [guesses[best] if best < len(guesses) else np.vstack([tries[best], [0, 0, 1]])]
        first = len(guesses)
        k = first + int(scores[first : first + SINGLES].argmax())
        if k != best:
            start.append(np.vstack([tries[k], [0, 0, 1]]))
    winner, winner_score = start[0], -1.0
    for m in start:
        value = -1.0
        for dof in (d for d in (2, 4, 6, 8) if d <= max_dof):
            fitted = refine(m, p, q, whiten, weight, dof, units)
            new = score(visible_error(fitted, p, q, whiten), weight)
            if value < 0 or new > value * HIGHER_DOF:
                m, value = fitted, new
        if value > winner_score:
            winner, winner_score = m, value
    return winner
