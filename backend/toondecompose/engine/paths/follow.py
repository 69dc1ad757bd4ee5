"""Following one coherent layer from a start frame to both ends of the clip by optical flow."""

from __future__ import annotations

import cv2
import numpy as np

from .dominant import INLIER, dominant_motion, visible_error
from .field import Field
from .groups import apply

SUPPORT_CELL = 4  # px: resolution of the memory of where the layer is
MEMORY = 4.0  # log-odds at which the memory saturates: it forgets within a few frames


def belonging(error: np.ndarray) -> np.ndarray:
    """bool [n]: which match errors (px) are those of the motion itself; adapts to how well flow follows this clip."""
    near = error[error < INLIER]
    spread = float(np.median(near)) if len(near) else 0.0
    return error < np.clip(3.5 * spread, 0.3, INLIER)


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


def follow(field: Field, ref: int, max_dof: int, free: list[np.ndarray],
           rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """Chain the dominant motion of the points that are still free from frame `ref` to both ends.

    free: per frame [n] in 0..1, how much of each point no other path explains. Returns (H float64 [T, 3, 3],
    frame `ref` -> each frame, search px; per frame [n] in 0..1, how surely each point belongs to the layer).
    """
    count = field.count
    out = np.tile(np.eye(3), (count, 1, 1))
    vote = [np.zeros(len(p.at)) for p in field.points]
    start = Support(field.size)
    for direction in (1, -1):  # what the first step forwards learns about the start frame also serves backwards
        memory = Support(field.size)
        memory.odds = start.odds.copy()
        last, t, first = np.eye(3), ref, True
        while 0 <= t + direction < count:
            pts = field.points[t]
            to, ok = (pts.ahead, pts.ahead_ok) if direction > 0 else (pts.behind, pts.behind_ok)
            p, q, whiten = pts.at[ok], to[ok], pts.whiten[ok]
            u = free[t][ok] * pts.share[ok]
            weight = u * (0.05 + memory.at(p))
            m = dominant_motion(p, q, whiten, weight, max_dof, [last, np.eye(3)], field.size, rng)
            inlier = belonging(visible_error(m, p, q, whiten))
            vote[t][ok] += votes(inlier, u)
            memory.learn(p, inlier, u)
            if first:
                start.odds = memory.odds.copy()
                first = False
            memory.move(m)
            out[t + direction] = m @ out[t]
            out[t + direction] /= out[t + direction][2, 2]
            last, t = m, t + direction
    return out, _belief(field, out, vote)


def _belief(field: Field, H: np.ndarray, vote: list[np.ndarray]) -> list[np.ndarray]:
    """Votes per frame and point [n] -> probabilities [n].

    A rigid layer is the same on its canvas in all frames, so the votes of all frames are pooled there, and a point's
    own frame can still say that something hides the layer.
    """
    cells = [np.round(apply(np.linalg.inv(m), p.at) / SUPPORT_CELL).astype(np.int64)
             for m, p in zip(H, field.points, strict=True)]
    low = np.min([c.min(0) for c in cells if len(c)] or [[0, 0]], 0)
    high = np.max([c.max(0) for c in cells if len(c)] or [[0, 0]], 0)
    wide = int(high[0] - low[0]) + 1
    if wide * (high[1] - low[1] + 1) > 4_000_000:  # the path has run away; settling will reject it
        return [np.ones(len(p.at)) for p in field.points]
    index = [(c[:, 1] - low[1]) * wide + c[:, 0] - low[0] for c in cells]
    n = int(wide * (high[1] - low[1] + 1))
    total, hits = np.zeros(n), np.zeros(n)
    for i, v in zip(index, vote, strict=True):
        total += np.bincount(i, v, minlength=n)
        hits += np.bincount(i, minlength=n)
    pooled = total / np.maximum(hits, 1) * np.minimum(hits, 6)  # neighbouring frames' matches are not independent
    return [1 / (1 + np.exp(-np.clip(pooled[i], -MEMORY, MEMORY) - v)) for i, v in zip(index, vote, strict=True)]
