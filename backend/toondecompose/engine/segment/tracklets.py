"""Telling several redrawn sprites apart: pieces, their colours and places, and templates where they touch.

Motion cannot do it (a redrawn sprite has none), so appearance does: a piece of the picture that no rigid layer explains
belongs to the sprite whose colours it has and near whose way it lies. A piece that is a mixture of several sprites'
colours is divided by fitting the sprites' clean cut-outs from other frames to it.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from .cutouts import BINS, GOOD_FIT, GROWN, Piece, Sprite, divide, fit, see_through, typical
from .film import Pictures
from .twins import fit_alike, groups_alike, tell_apart

LEAST_PIECE = 8e-4  # of the frame's area; smaller pieces follow the nearest sprite
ALONE = 0.85  # share of a piece's colours that one sprite must account for
PART = 0.15  # of the largest sprite's usual area: smaller pieces are parts, not sprites of their own
UNLIKE = 0.45  # Bhattacharyya distance of two sprites' colours; two parts of one drawing share its palette
LEAST_OWN = 0.15  # of a piece has colours that another piece lacks,
SHARED = 0.7  # with which it shares so much of the rest: one of the two is a sprite more,
NEAR_IN_TIME = 3  # frames apart, at most
TOGETHER = 0.1  # of the frames that show any: so long they are seen together
MOST_SPRITES = 6


def _histogram(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    q = (picture[mask].astype(np.int32) * BINS) >> 8
    h = np.bincount((q[:, 0] * BINS + q[:, 1]) * BINS + q[:, 2], minlength=BINS**3).astype(np.float64)
    return h / max(h.sum(), 1)


def _pieces(frames: np.ndarray, union: np.ndarray, known: np.ndarray) -> list[list[Piece]]:
    """Pieces per frame. known: int8 [T, h, w], the sprite a pixel is already known to belong to, or -1."""
    out = []
    least = LEAST_PIECE * union[0].size
    for t in range(len(frames)):
        count, label, stats, centres = cv2.connectedComponentsWithStats(union[t].astype(np.uint8), connectivity=8)
        row = []
        for i in range(1, count):
            if stats[i, 4] < least:
                continue
            x, y, w, h = (int(v) for v in stats[i, :4])
            mask = label[y : y + h, x : x + w] == i
            piece = Piece(t, (x, y, w, h), mask, int(stats[i, 4]), centres[i],
                          _histogram(frames[t, y : y + h, x : x + w], mask))
            ids = known[t, y : y + h, x : x + w][mask]
            sure = np.bincount(ids[ids >= 0], minlength=1)
            if sure.max() > 0.6 * piece.area:
                piece.known = int(sure.argmax())
            row.append(piece)
        out.append(row)
    return out


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Bhattacharyya distance of two histograms, 0..1."""
    return float(np.sqrt(max(0.0, 1 - np.sqrt(a * b).sum())))


def _whole(p: Piece, size: tuple[int, int]) -> bool:
    """Whether a piece is not cut by the frame's border."""
    x, y, w, h = p.box
    return x > 1 and y > 1 and x + w < size[0] - 1 and y + h < size[1] - 1


def _colours_of_its_own(rows: list[list[Piece]], count: int) -> np.ndarray | None:
    """Colours, bool [BINS**3], of a sprite that always touches others: pieces have them that are else like a piece
    without. None where as many pieces as sprites are seen apart."""
    free = [[p for p in row if p.known is None] for row in rows]
    largest = max((p.area for row in free for p in row), default=0)
    if count < 2 or max((sum(p.area > 0.1 * largest for p in row) for row in free), default=count) >= count:
        return None
    best, value = None, LEAST_OWN
    for p in (p for row in free for p in row if p.area > 0.1 * largest):
        for q in (q for row in free for q in row if q.area > 0.1 * largest and abs(q.t - p.t) <= NEAR_IN_TIME):
            own = (p.colours > 5 * q.colours) & (p.colours > 0.005)
            shared = np.minimum(p.colours, q.colours).sum() / max(1 - p.colours[own].sum(), 1e-6)
            if shared > SHARED and p.colours[own].sum() > value:
                best, value = own, p.colours[own].sum()
    return best


def _cut_by_colour(frames: np.ndarray, union: np.ndarray, known: np.ndarray, own: np.ndarray) -> list[list[Piece]]:
    """Pieces of the union [T, h, w], cut along where colours bool [BINS**3] of one of the sprites begin."""
    out, small = [], np.ones((3, 3), np.uint8)
    for t in range(len(frames)):
        q = (frames[t].astype(np.int32) * BINS) >> 8
        mine = own[(q[..., 0] * BINS + q[..., 1]) * BINS + q[..., 2]] & union[t]
        mine = cv2.morphologyEx(mine.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        mine = (cv2.morphologyEx(mine, cv2.MORPH_OPEN, small) > 0) & union[t]
        row = []
        for part in (mine, union[t] & ~mine):
            row += _pieces(frames[t : t + 1], part[None], known[t : t + 1])[0]
        for p in row:
            p.t = t
        out.append(row)
    return out


def _seeds(rows: list[list[Piece]], count: int, size: tuple[int, int]) -> list[Piece]:
    """One piece for each of `count` unknown sprites: the frame in which the smallest of them is largest, not counting
    pieces cut by the border; if they are never there together, the pieces that look least alike."""
    best, value = [], 0.0
    for row in rows:
        free = sorted((p for p in row if p.known is None), key=lambda p: -p.area)[:count]
        if len(free) == count:
            score = free[-1].area * (1.0 if all(_whole(p, size) for p in free) else 0.3)
            apart = min([_distance(a.colours, b.colours) for i, a in enumerate(free) for b in free[:i]], default=1.0)
            score *= 0.1 + min(apart, 0.5)
            if score > value:
                best, value = free, score
    largest = max((p.area for row in rows for p in row if p.known is None), default=0)
    if best and best[-1].area > 0.1 * largest:
        return best
    free = [p for row in rows for p in row if p.known is None and p.area > 0.3 * largest]
    if not free:
        return []
    chosen = [max(free, key=lambda p: p.area)]
    while len(chosen) < count and len(chosen) < len(free):
        chosen.append(max(free, key=lambda p: min(_distance(p.colours, c.colours) for c in chosen)))
    return chosen


def count_sprites(frames: np.ndarray, union: np.ndarray) -> int:
    """How many redrawn sprites there are: as many as stand apart, look different and are there long enough.

    frames: uint8 [T, h, w, 3]. union: bool [T, h, w], pixels of any of them.
    """
    rows = _pieces(frames, union, np.full(union.shape, -1, np.int8))
    largest = [max((p.area for p in row), default=0) for row in rows]
    some = [area for area in largest if area]
    if not some:
        return 1
    least = PART * float(np.quantile(some, 0.75))
    numbers = []
    for row in rows:
        apart: list[Piece] = []
        for p in sorted((p for p in row if p.area >= least), key=lambda p: -p.area):
            if all(_distance(p.colours, q.colours) > UNLIKE for q in apart):
                apart.append(p)
        numbers.append(len(apart))
    seen = sum(n > 0 for n in numbers)
    return max([1, *(n for n in range(2, MOST_SPRITES + 1) if sum(m >= n for m in numbers) >= TOGETHER * seen)])


def _alone(piece: Piece, sprites: list[Sprite]) -> int:
    """Which sprite accounts for a piece by itself, or -1."""
    from scipy.optimize import nnls  # only where pieces are told apart: importing it takes a fifth of a second

    basis = np.stack([s.colours for s in sprites], 1)
    share, _ = nnls(basis, piece.colours)
    total = share.sum()
    best = int(share.argmax())
    if total < 1e-6 or share[best] < ALONE * total:
        return -1
    return best if piece.area < sprites[best].limit else -1


def _identify(rows: list[list[Piece]], sprites: list[Sprite], diagonal: float) -> None:
    """Give every piece that is one sprite alone its owner; -1 stays on merged ones."""
    from scipy.optimize import linear_sum_assignment  # see _alone

    for row in rows:
        single = []
        for p in row:
            p.owner = p.known if p.known is not None else -1
            if p.known is None and _alone(p, sprites) >= 0:
                single.append(p)
        if not single:
            continue
        cost = np.empty((len(single), len(sprites)))
        for i, p in enumerate(single):
            for k, s in enumerate(sprites):
                place = s.place(p.t)
                far = 0.0 if place is None else min(1.0, float(np.hypot(*(p.centre - place))) / (0.35 * diagonal))
                # what was seen long ago says little about where it is now
                far *= np.exp(-min(abs(p.t - u) for u in s.way) / 3.0) if s.way else 0.0
                size = abs(np.log(p.area / max(s.area, 1)))
                cost[i, k] = _distance(p.colours, s.colours) + 0.35 * far + 0.1 * min(size, 2)
        for i, k in zip(*linear_sum_assignment(cost), strict=True):
            if cost[i, k] < 1.0:
                single[i].owner = int(k)
        for i, p in enumerate(single):  # fragments: a hand or a tail that is drawn apart
            if p.owner < 0:
                p.owner = int(cost[i].argmin())


def _learn(rows: list[list[Piece]], count: int, sprites: list[Sprite], size: tuple[int, int]) -> None:
    """Colours, usual area and clean cut-outs from the pieces identified so far."""
    for k in range(count):
        mine = [p for row in rows for p in row if p.owner == k]
        if not mine:
            continue
        weight = np.array([p.area for p in mine], float)
        sprites[k].colours = (np.stack([p.colours for p in mine]) * weight[:, None]).sum(0) / weight.sum()
        largest: dict[int, Piece] = {}
        for p in mine:
            if p.t not in largest or p.area > largest[p.t].area:
                largest[p.t] = p
        whole = {t: p for t, p in largest.items() if _whole(p, size)}
        if not whole or max(p.area for p in whole.values()) < 0.6 * max(p.area for p in largest.values()):
            whole = largest  # it never shows all of itself
        sprites[k].area = float(np.quantile([p.area for p in whole.values()], 0.7))
        sprites[k].limit = np.inf if whole is largest else GROWN * sprites[k].area
        sprites[k].clean = {t: p for t, p in whole.items() if 0.55 * sprites[k].area < p.area < sprites[k].limit}
        sprites[k].way = {t: p.centre for t, p in sprites[k].clean.items()}


def track(frames: np.ndarray, union: np.ndarray, known: np.ndarray, known_count: int, count: int,
          behind: np.ndarray | None, mass: Pictures) -> tuple[np.ndarray, np.ndarray]:
    """Tell `count` redrawn sprites apart, besides `known_count` that are known in part.

    frames: uint8 [T, h, w, 3]. union: bool [T, h, w], pixels of any of them. known: int8 [T, h, w], index of a sprite
    known there by its rigid motion, else -1. behind: uint8 [T, h, w, 3], the plate behind them, if it is known.
    mass: float32 [n = known_count + count, T, h, w] of zeros, for the sure evidence for each sprite.
    Returns votes [n, n]: where the fits of two sprites overlap, how many pixels sprite a shows rather than b; and [n],
    0..1, how sure it is that a sprite is the same one in all its frames.
    """
    n = known_count + count
    h, w = union.shape[1:]
    votes, sure = np.zeros((n, n)), np.ones(n)
    rows = _pieces(frames, union, known)
    own = _colours_of_its_own(rows, count)
    if own is not None:
        rows = _cut_by_colour(frames, union, known, own)
    seeds = _seeds(rows, count, (w, h))
    sprites = []
    for k in range(known_count):
        mine = [p for row in rows for p in row if p.known == k]
        if not mine:
            return votes, sure
        sprites.append(Sprite(mine[0].colours, float(mine[0].area), {mine[0].t: mine[0]},
                              {mine[0].t: mine[0].centre}))
    sprites += [Sprite(p.colours, float(p.area), {p.t: p}, {p.t: p.centre}) for p in seeds]
    if len(sprites) < n:
        return votes, sure
    for _ in range(4):
        _identify(rows, sprites, float(np.hypot(w, h)))
        _learn(rows, n, sprites, (w, h))
    alike = []
    for group in ([known_count + k for k in one] for one in groups_alike(sprites[known_count:], _distance)):
        known_by = tell_apart(rows, sprites, group, frames)
        if known_by is not None:
            alike.append(group)
            sure[group] = known_by
    if behind is not None:
        for s in sprites:
            s.through = see_through(frames, behind, s)
    merged: dict[int, list[Piece]] = {}
    for t, row in enumerate(rows):
        for p in row:
            x, y, pw, ph = p.box
            if p.owner >= 0:
                mass[p.owner, t, y : y + ph, x : x + pw] += torch.from_numpy(p.mask)
            else:
                merged.setdefault(t, []).append(p)
    # from the frames beside clean ones inwards, so that every fit tells the next where to look
    at = np.array(sorted({t for s in sprites for t in s.way}))
    for t in sorted(merged, key=lambda t: (np.abs(at - t).min(), t)):
        fits = [None if any(k in g for g in alike) else fit(frames, behind, t, s) for k, s in enumerate(sprites)]
        for group in alike:
            for k, f in zip(group, fit_alike(frames, behind, t, [sprites[k] for k in group]), strict=True):
                fits[k] = f
        for s, f in zip(sprites, fits, strict=True):
            if f is not None and t not in s.way and typical(f) < GOOD_FIT:
                s.way[t] = f[2]
        for p in merged[t]:
            x, y, pw, ph = p.box
            area = np.zeros((h, w), bool)
            area[y : y + ph, x : x + pw] = p.mask
            divide(frames[t], area, fits, sprites, mass[:, t].numpy(), votes)
    return votes, sure
