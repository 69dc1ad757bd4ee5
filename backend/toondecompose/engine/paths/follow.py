"""Following one coherent layer from a start frame to both ends of the clip by optical flow."""

from __future__ import annotations

import cv2
import numpy as np

from .dominant import Precision, dominant_motion, visible_error
from .field import Field
from .groups import apply

SUPPORT_CELL = 4  # px: resolution of the memory of where the layer is
SURE = 6  # votes after which more of them prove no more: neighbouring frames' matches are not independent
MEMORY = 4.0  # log-odds at which the memory saturates: it forgets within a few frames
LITTLE = 0.3  # of what was seen of a layer in the frames before: so much may as well be something else's
DENSE = 20_000_000  # cells of the canvas that are counted one by one
STEADY = 0.9  # of what agreed in the frames before: the layer moves on as it did, nothing else needs to be tried


def belonging(error: np.ndarray, precision: Precision) -> np.ndarray:
    """bool [n]: which match errors (px) are those of the motion itself; adapts to how well flow follows this clip."""
    near = error[error < precision.reach]
    spread = float(np.median(near)) if len(near) else 0.0
    return error < np.clip(3.5 * spread, 2 * precision.sharp, precision.reach)


def votes(inlier: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Log-odds [n] that one frame's matches add for or against a layer. Where everything moves alike (a held frame)
    agreeing proves nothing."""
    telling = min(1.0, 4 * float((weight * ~inlier).sum() / max(weight.sum(), 1e-9)))
    return np.where(inlier, telling, -1.5)


class Support:
    """Where the followed layer is, as log-odds on a coarse grid that moves with the layer."""

    def __init__(self, size: tuple[int, int]):
        self.shape = (-(-size[1] // SUPPORT_CELL), -(-size[0] // SUPPORT_CELL))
        self.odds = np.zeros(self.shape, np.float32)

    def _cells(self, at: np.ndarray) -> np.ndarray:
        c = (at / SUPPORT_CELL).astype(np.int64)
        return np.clip(c[:, 1], 0, self.shape[0] - 1) * self.shape[1] + np.clip(c[:, 0], 0, self.shape[1] - 1)

    def at(self, points: np.ndarray) -> np.ndarray:
        """Probability [n] that points [n, 2] belong to the layer."""
        return 1 / (1 + np.exp(-self.odds.ravel()[self._cells(points)]))

    def remember(self, cells: np.ndarray, odds: np.ndarray) -> None:
        """Start from log-odds [k] of cells [k, 2] (x, y); those outside the frame are dropped."""
        x, y = cells[:, 0], cells[:, 1]
        inside = (x >= 0) & (y >= 0) & (x < self.shape[1]) & (y < self.shape[0])
        self.odds[y[inside], x[inside]] = odds[inside]

    def learn(self, points: np.ndarray, inlier: np.ndarray, weight: np.ndarray) -> None:
        """Agreeing points raise the odds, disagreeing ones lower them, as far as the frame tells motions apart:
        where everything moves alike (a held frame) nothing is learnt."""
        if weight.sum() <= 0:
            return
        vote = votes(inlier, weight)
        cells, n = self._cells(points), self.odds.size
        total = np.bincount(cells, minlength=n)
        mean = np.bincount(cells, vote, minlength=n) / np.maximum(total, 1)
        self.odds += mean.reshape(self.shape).astype(np.float32)
        np.clip(self.odds, -MEMORY, MEMORY, self.odds)

    def move(self, m: np.ndarray) -> None:
        """Carry the memory along with the layer's motion m [3, 3] (edge coordinates)."""
        c = np.array([[SUPPORT_CELL, 0, 0.5 * SUPPORT_CELL], [0, SUPPORT_CELL, 0.5 * SUPPORT_CELL], [0, 0, 1.0]])
        self.odds = cv2.warpPerspective(self.odds, np.linalg.inv(c) @ m @ c, self.shape[::-1], flags=cv2.INTER_LINEAR,
                                        borderMode=cv2.BORDER_CONSTANT, borderValue=0)


def apart(field: Field, known: list[np.ndarray], free: list[np.ndarray]) -> list[np.ndarray]:
    """Per frame [n] in 0..1: `free` without the points that flow sees moving along with known motions [T, 3, 3]."""
    reach = Precision.of(field.flow_scale).reach
    out = []
    for t, (pts, own) in enumerate(zip(field.points, free, strict=True)):
        along = np.zeros(len(own), bool)
        for n in (t + 1, t - 1):
            which, p, q, whiten = pts.matches(n - t)
            for H in known if 0 <= n < field.count and len(which) else ():
                m = H[n] @ np.linalg.inv(H[t])
                along[which] |= visible_error(m, p, q, whiten) < reach
        out.append(np.where(along, 0.0, own))
    return out


def follow(field: Field, ref: int, max_dof: int, free: list[np.ndarray],
           rng: np.random.Generator, straight: bool = False) -> tuple[np.ndarray, list[np.ndarray]]:
    """Chain the dominant motion of the points that are still free from frame `ref` to both ends.

    free: per frame [n] in 0..1, how much of each point no other path explains. straight: where little of the layer is
    seen it is taken to move on as it did, instead of what else moves there. Returns (H float64 [T, 3, 3],
    frame `ref` -> each frame, search px; per frame [n] in 0..1, how surely each point belongs to the layer).
    """
    count = field.count
    precision = Precision.of(field.flow_scale)
    out = np.tile(np.eye(3), (count, 1, 1))
    vote = [np.zeros(len(p.at)) for p in field.points]
    memory = Support(field.size)
    for direction in (1, -1):
        last, t, usual, seen = np.eye(3), ref, np.inf, 0.0
        while 0 <= t + direction < count:
            pts = field.points[t]
            which, p, q, whiten = pts.matches(direction)
            u = free[t][which] * (pts.share * pts.sure)[which]
            weight = u * (0.05 + memory.at(p))
            m, share = dominant_motion(p, q, whiten, weight, max_dof, [last, np.eye(3)], field.size, precision, rng,
                                       STEADY * usual)
            usual = share if usual == np.inf else max(share, STEADY * usual)
            if straight and share * weight.sum() < LITTLE * seen:
                m, u = last, 0 * u
            seen = max(share * float(weight.sum()) if u.any() else 0.0, STEADY * seen)
            inlier = belonging(visible_error(m, p, q, whiten), precision)
            vote[t][which] += votes(inlier, u)
            memory.learn(p, inlier, u)
            memory.move(m)
            out[t + direction] = m @ out[t]
            out[t + direction] /= out[t + direction][2, 2]
            last, t = m, t + direction
        if direction > 0:
            # backwards starts from all that the way forwards learnt: the first frames may be a hold, where all agrees
            memory = Support(field.size)
            memory.remember(*_pool(field, out, vote))
    return out, _belief(field, out, vote)


def believe(field: Field, H: np.ndarray, free: list[np.ndarray]) -> list[np.ndarray]:
    """Per frame [n] in 0..1: how surely flow sees each point moving along with a known path H [T, 3, 3]."""
    precision = Precision.of(field.flow_scale)
    vote = [np.zeros(len(p.at)) for p in field.points]
    for t, pts in enumerate(field.points):
        for n in (t + 1, t - 1):
            which, p, q, whiten = pts.matches(n - t)
            if 0 <= n < field.count and len(which):
                m = H[n] @ np.linalg.inv(H[t])
                inlier = belonging(visible_error(m, p, q, whiten), precision)
                vote[t][which] += votes(inlier, free[t][which] * (pts.share * pts.sure)[which])
    return _belief(field, H, vote)


def _pool(field: Field, H: np.ndarray, vote: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All frames' votes on the canvas, which a rigid layer shares: (cells int [k, 2] as (x, y), row by row, log-odds
    [k])."""
    cells = np.concatenate([np.floor(apply(back, p.at) / SUPPORT_CELL)
                            for back, p in zip(np.linalg.inv(H), field.points, strict=True)])
    cells = cells.clip(-1e6, 1e6).astype(np.int64)
    votes_ = np.concatenate(vote)
    told = np.abs(votes_) > 0.1  # a frame in which everything moves alike says nothing
    if not told.any():
        return np.zeros((0, 2), np.int64), np.zeros(0)
    cells, votes_ = cells[told], votes_[told]
    low, high = cells.min(0), cells.max(0)
    wide = int(high[0] - low[0]) + 1
    key = (cells[:, 1] - low[1]) * wide + cells[:, 0] - low[0]
    if wide * int(high[1] - low[1] + 1) <= DENSE:  # counting is many times faster than sorting
        hits = np.bincount(key)
        unique = np.flatnonzero(hits)
        hits, total = hits[unique], np.bincount(key, votes_)[unique]
    else:
        unique, index, hits = np.unique(key, return_inverse=True, return_counts=True)
        total = np.bincount(index, votes_)
    odds = np.clip(total / hits * np.minimum(hits, SURE), -MEMORY, MEMORY)
    return np.stack([unique % wide, unique // wide], -1) + low, odds


def _belief(field: Field, H: np.ndarray, vote: list[np.ndarray]) -> list[np.ndarray]:
    """Votes per frame and point [n] -> probabilities [n].

    The votes of all frames are pooled on the canvas; a point's own frame can still say that something hides the layer.
    """
    where, odds = _pool(field, H, vote)
    if not len(where):
        return [np.full(len(p.at), 0.5) for p in field.points]
    key = where[:, 1] * 4_000_000 + where[:, 0]  # ascending
    out = []
    for m, p, v in zip(np.linalg.inv(H), field.points, vote, strict=True):
        c = np.floor(apply(m, p.at) / SUPPORT_CELL).clip(-1e6, 1e6).astype(np.int64)
        mine = c[:, 1] * 4_000_000 + c[:, 0]
        at = np.searchsorted(key, mine).clip(0, len(key) - 1)
        pooled = np.where(key[at] == mine, odds[at], 0.0)
        out.append(1 / (1 + np.exp(-pooled - v)))
    return out
