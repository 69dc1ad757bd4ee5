"""Sprites that look alike: told apart by where they go and by drawings that come again, and not by their colours.

While they are apart, each is followed from frame to frame. Where pieces run into one another it is counted how many of
them each holds, and when they part again, who is who is asked of their motion and of their drawings: two who cross go
on as they went, and one who faces left shows again what he showed facing left. (What multiple-target tracking calls
merged measurements; Reid 1979, An algorithm for tracking multiple targets.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise, permutations

import cv2
import numpy as np

from .cutouts import (
    FAR,
    GOOD_FIT,
    GROWN,
    REACH,
    TEMPLATES,
    Fit,
    Piece,
    Sprite,
    cut_of,
    found_at,
    place_cut,
    without_plate,
)

ALIKE = 0.3  # Bhattacharyya distance of two sprites' colours, up to which these do not tell who is who
OURS = 0.85  # of a piece's colours that sprites who look alike account for
BIG = 0.3  # of the largest piece seen apart: smaller ones are parts
OVERLAPS = 0.15  # of the smaller of two pieces in neighbouring frames: one may go on as the other
STRAYS = 0.75  # times a sprite's width that it goes in a frame, at most
PACE = 8  # frames at a track's end that its speed is measured in
LONG_AGO = 24.0  # frames: after so long a speed says a third as much
LOOKS = 6  # drawings of a track that are compared
DRAWN = 2.0  # weight of the drawings against the way
CLEAR = 0.25  # by so much an answer is better than the next where it is known
NEWCOMER = (0.75, 0.75)  # what it costs that somebody new comes
MOST_AT_ONCE = 5  # who are told apart
EXPLAINS = 25.0  # levels: a px of a cut-out that misses by less speaks for it
PULL = 0.1  # of what a whole cut-out explains: what it costs to lie at the end of the reach


@dataclass
class Way:
    """One sprite followed while it is apart: its pieces, frame by frame without a gap."""

    pieces: list[Piece] = field(default_factory=list)

    @property
    def first(self) -> int:
        return self.pieces[0].t

    @property
    def last(self) -> int:
        return self.pieces[-1].t

    def ahead(self, t: float, after: bool) -> np.ndarray:
        """Where it would be at t, going on as at its end (`after`) or before its start."""
        some = self.pieces[-PACE:] if after else self.pieces[:PACE]
        at = np.array([p.t for p in some], float)
        centres = np.stack([p.centre for p in some])
        if len(some) < 3:
            return centres[-1 if after else 0]
        speed = np.polyfit(at - at.mean(), centres, 1)[0]
        return centres.mean(0) + speed * (t - at.mean())


def groups_alike(sprites: list[Sprite], distance: Callable[[np.ndarray, np.ndarray], float]) -> list[list[int]]:
    """Numbers of the sprites whose colours do not tell them apart, two or more in a group: some of their cut-outs are
    alike (all of them together may differ, for each got other left-overs)."""

    def alike(a: Sprite, b: Sprite) -> bool:
        return any(distance(p.colours, q.colours) < ALIKE for p in a.clean.values() for q in b.clean.values())

    out: list[list[int]] = []
    for k, s in enumerate(sprites):
        home = next((g for g in out if any(alike(sprites[i], s) for i in g)), None)
        if home is None:
            out.append([k])
        else:
            home.append(k)
    return [g for g in out if len(g) > 1]


def _ours(rows: list[list[Piece]], sprites: list[Sprite], group: list[int]) -> list[list[Piece]]:
    """Per frame the pieces of a group's colours."""
    from scipy.optimize import nnls  # only where sprites look alike: importing it takes a fifth of a second

    others = [s.colours for k, s in enumerate(sprites) if k not in group]
    basis = np.stack([*(sprites[k].colours for k in group), *others], 1)
    out = []
    for row in rows:
        mine = []
        for p in row:
            share = nnls(basis, p.colours)[0]
            if p.known is None and share[: len(group)].sum() >= OURS * share.sum() > 0:
                mine.append(p)
        out.append(mine)
    return out


def _overlap(p: Piece, q: Piece) -> int:
    """px that two pieces share, wherever in time."""
    x0, y0 = max(p.box[0], q.box[0]), max(p.box[1], q.box[1])
    x1, y1 = (min(p.box[i] + p.box[i + 2], q.box[i] + q.box[i + 2]) for i in (0, 1))
    if x1 <= x0 or y1 <= y0:
        return 0
    a, b = (r.mask[y0 - r.box[1] : y1 - r.box[1], x0 - r.box[0] : x1 - r.box[0]] for r in (p, q))
    return int((a & b).sum())


def _members(rows: list[list[Piece]], many: int, limit: float) -> list[list[int]]:
    """How many of `many` sprites each piece holds: by its area, and by what ran into it or comes out of it again."""
    count = [[1 if p.area <= limit else min(2, many) for p in row] for row in rows]
    for step in (1, -1):
        order = range(len(rows))[::step]
        for s, t in pairwise(order):
            flow = [0] * len(rows[t])
            for i, q in enumerate(rows[s]):
                to = [j for j, p in enumerate(rows[t]) if _overlap(p, q) > OVERLAPS * min(p.area, q.area)]
                for j in to:
                    flow[j] += count[s][i] if len(to) == 1 else 1
            for j, n in enumerate(flow):
                room = many - sum(count[t]) + count[t][j]
                count[t][j] = max(count[t][j], min(n, room))
    return count


def _ways(rows: list[list[Piece]], reach: float) -> list[Way]:
    """Pieces of one sprite each, followed from frame to frame. reach: px that one goes in a frame, at most."""
    from scipy.optimize import linear_sum_assignment  # see _ours

    done: list[Way] = []
    going: list[Way] = []
    for t, row in enumerate(rows):
        cost = np.array([[float(np.hypot(*(w.ahead(t, True) - p.centre))) for p in row] for w in going])
        taken = {}
        if cost.size:
            taken = {int(j): going[i] for i, j in zip(*linear_sum_assignment(cost), strict=True) if cost[i, j] < reach}
        done += [w for w in going if all(w is not v for v in taken.values())]
        going = []
        for j, p in enumerate(row):
            w = taken.get(j, Way())
            w.pieces.append(p)
            going.append(w)
    return sorted(done + going, key=lambda w: (w.first, w.pieces[0].box))


def _unlike(a: Way, b: Way, frames: np.ndarray) -> float:
    """How little the nearest two drawings of two ways are alike: 0 the same, 1 nothing alike."""
    best = 1.0
    for p in a.pieces[:: -(-len(a.pieces) // LOOKS)]:
        for q in b.pieces[:: -(-len(b.pieces) // LOOKS)]:
            own, other = cut_of(frames, p), cut_of(frames, q)
            grown = np.zeros((other.shape[0] + 2 * 4, other.shape[1] + 2 * 4, 3), np.float32)
            mask = np.zeros(grown.shape[:2], np.uint8)
            grown[4:-4, 4:-4], mask[4:-4, 4:-4] = other, q.mask
            at = np.round(np.array(p.box[:2]) - p.centre + q.centre - q.box[:2]).astype(int) + 4
            found = place_cut(np.where(mask[..., None] > 0, grown, -FAR).astype(np.float32), own, p.mask, at, 4)
            cut = None if found is None else found_at(p, found[1], found[2], mask.shape[::-1])
            if cut is None:
                continue
            both = p.mask[cut[1]] & (mask[cut[0]] > 0)
            off = np.minimum(np.abs(own[cut[1]] - grown[cut[0]]).max(2), FAR)[both].sum()
            all_px = p.area + q.area - both.sum()
            best = min(best, float(off + FAR * (all_px - both.sum())) / (FAR * all_px))
    return best


def _follows(a: Way, b: Way, frames: np.ndarray, width: float) -> np.ndarray:
    """What it costs to take b for the same sprite as a, which it comes after: by its way, by its drawings [2]."""
    middle = 0.5 * (a.last + b.first)
    off = float(np.hypot(*(a.ahead(middle, True) - b.ahead(middle, False)))) / width
    return np.array([min(off, 2.0) * np.exp((a.last - b.first) / LONG_AGO), DRAWN * _unlike(a, b, frames)])


def _best(cost: dict[tuple[int, int], np.ndarray], seen: set[int], free: list[int], many: int
          ) -> tuple[tuple[int, ...], float]:
    """Who each of `many` is, and by how much that is clearer than the next answer (none of it where way and drawings
    contradict each other). cost: of (who, number) [2]. seen: who was there before."""
    every = list(permutations(free, many))
    costs = np.stack([np.sum([cost[k, j] for j, k in enumerate(some)], 0) for some in every])
    same = [frozenset((k, j) for j, k in enumerate(some) if k in seen) for some in every]  # newcomers are all alike

    def first(values: np.ndarray) -> tuple[int, float]:
        best = int(values.argmin())
        return best, float(min((v for v, who in zip(values, same, strict=True) if who != same[best]), default=np.inf)
                           - values[best])

    best, clear = first(costs.sum(1))
    (by_way, a), (by_look, b) = first(costs[:, 0]), first(costs[:, 1])
    if same[by_way] != same[by_look] and min(a, b) > CLEAR:
        clear = 0.0
    return every[best], clear


def _named(ways: list[Way], many: int, frames: np.ndarray, width: float) -> tuple[list[list[Way]], float]:
    """The ways of each of `many` sprites, and by how much the least clear answer is better than the next (inf: nothing
    was asked)."""
    out: list[list[Way]] = [[] for _ in range(many)]
    clear = np.inf
    for start in sorted({w.first for w in ways}):
        free = [k for k in range(many) if not out[k] or out[k][-1].last < start][:MOST_AT_ONCE]
        batch = sorted((w for w in ways if w.first == start), key=lambda w: -len(w.pieces))[: len(free)]
        if not batch:
            continue
        cost = {(k, j): _follows(out[k][-1], w, frames, width) if out[k] else np.array(NEWCOMER)
                for k in free for j, w in enumerate(batch)}
        who, margin = _best(cost, {k for k in free if out[k]}, free, len(batch))
        clear = min(clear, margin)
        for k, w in zip(who, batch, strict=True):
            out[k].append(w)
    return out, clear


def tell_apart(rows: list[list[Piece]], sprites: list[Sprite], group: list[int], frames: np.ndarray) -> float | None:
    """Give a group's pieces their owners anew, -1 where they touch, and their sprites clean cut-outs and ways, in
    place. Returns how sure it is who is who, 0..1, or None if they are never seen apart.

    rows: per frame its pieces. frames: uint8 [T, h, w, 3].
    """
    ours, many = _ours(rows, sprites, group), len(group)
    counts = [sorted((p.area for p in row), reverse=True) for row in ours]
    smallest = [row[many - 1] for row in counts if len(row) >= many]
    if not smallest:
        return None
    apart = [row for row in counts if len(row) >= many and row[many - 1] >= BIG * max(smallest)]
    single = float(max(np.median(row[:many]) if many > 2 else row[0] for row in apart))
    big = [[p for p in row if p.area >= BIG * single] for row in ours]
    members = _members(big, many, GROWN * single)
    alone = [[p for p, n in zip(row, some, strict=True) if n == 1] for row, some in zip(big, members, strict=True)]
    width = float(np.sqrt(single))
    ways = [w for w in _ways(alone, STRAYS * width) if len(w.pieces) > 1]
    named, clear = _named(ways, many, frames, width)
    if not all(named):
        return None
    for row in ours:
        for p in row:
            p.owner = -1
    for k, mine in zip(group, named, strict=True):
        pieces = [p for w in mine for p in w.pieces]
        for p in pieces:
            p.owner = k
        s = sprites[k]
        s.area = float(np.quantile([p.area for p in pieces], 0.7))
        s.limit = GROWN * single
        s.clean = {p.t: p for p in pieces if p.area > 0.55 * s.area}
        s.way = {p.t: p.centre for p in pieces}
    return float(np.clip(clear / (2 * CLEAR), 0, 1))


def fit_alike(frames: np.ndarray, behind: np.ndarray | None, t: int, sprites: list[Sprite]
              ) -> list[Fit | None]:
    """Cut-outs of sprites who look alike, fitted to frame t one after the other: what the first explains is not there
    for the next. Where one is seen well, its way goes through it. -> as `fit`."""
    h, w = frames.shape[1:3]
    out: list[Fit | None] = [None] * len(sprites)
    usable, worth = np.ones((h, w), np.float32), 3 * EXPLAINS**2
    left = list(range(len(sprites)))
    while left:
        best = None
        for k in left:
            s, place = sprites[k], sprites[k].place(t)
            if place is None:
                continue
            picture = without_plate(frames[t].astype(np.float32), None if behind is None else behind[t], s.through)
            for u in sorted(s.clean, key=lambda u: (abs(u - t), u))[:TEMPLATES]:
                p = s.clean[u]
                template = without_plate(cut_of(frames, p), None if behind is None else cut_of(behind, p), s.through)
                corner = np.round(np.array(p.box[:2]) + place - p.centre).astype(int)
                found = place_cut(picture, template, p.mask, corner, int(REACH * w), usable, worth,
                                  PULL * worth * p.area)
                if found is not None and (best is None or found[0] < best[0]):
                    best = (found[0], k, p, picture, template, found[1], found[2])
        if best is None:
            break
        _, k, p, picture, template, px, py = best
        left.remove(k)
        cut = found_at(p, px, py, (w, h))
        misfit, cover = np.full((h, w), np.inf, np.float32), np.zeros((h, w), bool)
        inside = p.mask[cut[1]]
        difference = cv2.blur(np.abs(picture[cut[0]] - template[cut[1]]).max(2), (3, 3))
        misfit[cut[0]] = np.where(inside, difference, np.inf)
        cover[cut[0]] = inside
        out[k] = misfit, cover, p.centre + np.array([px - p.box[0], py - p.box[1]])
        seen = cover & (usable > 0)
        if np.minimum(misfit[seen], FAR).mean() < GOOD_FIT:
            sprites[k].way.setdefault(t, out[k][2])
        usable[cover & (misfit < EXPLAINS)] = 0
    return out
