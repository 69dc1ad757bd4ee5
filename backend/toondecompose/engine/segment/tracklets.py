"""Telling several redrawn sprites apart: pieces, their colours and places, and templates where they touch.

Motion cannot do it (a redrawn sprite has none), so appearance does: a piece of the picture that no rigid layer explains
belongs to the sprite whose colours it has and near whose way it lies. A piece that is a mixture of several sprites'
colours is divided by fitting the sprites' clean cut-outs from other frames to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment, nnls

BINS = 6  # per channel: flat cel colours fall into few bins, lighting and noise do not leave them
LEAST_PIECE = 8e-4  # of the frame's area; smaller pieces follow the nearest sprite
ALONE = 0.85  # share of a piece's colours that one sprite must account for
GROWN = 1.3  # times the usual area of a sprite: more is two sprites
TEMPLATES = 10  # clean cut-outs tried per sprite in a merged frame
PART = 0.15  # of the largest sprite's usual area: smaller pieces are parts, not sprites of their own
UNLIKE = 0.45  # Bhattacharyya distance of two sprites' colours; two parts of one drawing share its palette
TOGETHER = 0.1  # of the frames that show any: so long they are seen together
MOST_SPRITES = 6
REACH = 0.09  # of the frame's width around the predicted place that is searched


@dataclass
class Piece:
    """One connected piece of one frame."""

    t: int
    box: tuple[int, int, int, int]
    mask: np.ndarray
    area: int
    centre: np.ndarray
    colours: np.ndarray
    known: int | None = None
    owner: int = -1


@dataclass
class Sprite:
    """One sprite as tracked: its colours, usual area, and clean cut-outs per frame."""

    colours: np.ndarray
    area: float
    clean: dict[int, Piece] = field(default_factory=dict)
    way: dict[int, np.ndarray] = field(default_factory=dict)
    limit: float = np.inf  # px; a larger piece is more than this sprite. Unknown until it shows all of itself

    def place(self, t: int) -> np.ndarray | None:
        """Where its centre should be at t, from the nearest known frames on both sides, or going on as it went."""
        at = sorted(self.way)
        before, after = [s for s in at if s <= t], [s for s in at if s > t]
        if before and after:
            a, b = before[-1], after[0]
            return self.way[a] + (self.way[b] - self.way[a]) * (t - a) / max(b - a, 1)
        side = before[::-1] if before else after
        if not side:
            return None
        first, second = side[0], side[min(4, len(side) - 1)]
        if first == second or abs(first - second) > 8:
            return self.way[first]
        speed = (self.way[first] - self.way[second]) / (first - second)
        return self.way[first] + speed * (t - first)


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
    basis = np.stack([s.colours for s in sprites], 1)
    share, _ = nnls(basis, piece.colours)
    total = share.sum()
    best = int(share.argmax())
    if total < 1e-6 or share[best] < ALONE * total:
        return -1
    return best if piece.area < sprites[best].limit else -1


def _identify(rows: list[list[Piece]], sprites: list[Sprite], diagonal: float) -> None:
    """Give every piece that is one sprite alone its owner; -1 stays on merged ones."""
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
        sprites[k].clean = {t: p for t, p in whole.items() if p.area > 0.55 * sprites[k].area}
        sprites[k].way = {t: p.centre for t, p in sprites[k].clean.items()}


def _fit(frames: np.ndarray, t: int, union: np.ndarray,
         sprite: Sprite) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The clean cut-out that fits frame t best near its predicted place.

    Returns (misfit float32 [h, w] in levels, inf outside it; cover bool [h, w]; its centre), or None.
    """
    place = sprite.place(t)
    if place is None:
        return None
    h, w = union.shape
    reach = int(REACH * w)
    picture = frames[t].astype(np.float32)
    best, value = None, np.inf
    for s in sorted(sprite.clean, key=lambda s: abs(s - t))[:TEMPLATES]:
        p = sprite.clean[s]
        x, y, pw, ph = p.box
        corner = np.round(np.array([x, y]) + place - p.centre).astype(int)
        pad = reach + max(pw, ph)
        big = cv2.copyMakeBorder(picture, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        x0, y0 = (np.clip(corner, [-pw, -ph], [w, h]) + pad - reach).clip(0)
        window = big[y0 : y0 + ph + 2 * reach, x0 : x0 + pw + 2 * reach]
        template = frames[s, y : y + ph, x : x + pw].astype(np.float32)
        mask = np.repeat(p.mask.astype(np.float32)[..., None], 3, 2)
        if window.shape[0] < ph or window.shape[1] < pw:
            continue
        error = cv2.matchTemplate(window, template, cv2.TM_SQDIFF, mask=mask)
        at = np.unravel_index(int(error.argmin()), error.shape)
        score = float(error[at]) / p.area
        if score < value:
            value = score
            best = (s, int(x0 - pad + at[1]), int(y0 - pad + at[0]))
    if best is None:
        return None
    s, px, py = best
    p = sprite.clean[s]
    x, y, pw, ph = p.box
    misfit = np.full((h, w), np.inf, np.float32)
    cover = np.zeros((h, w), bool)
    xs, ys = slice(max(px, 0), min(px + pw, w)), slice(max(py, 0), min(py + ph, h))
    if xs.stop <= xs.start or ys.stop <= ys.start:
        return None
    xt, yt = slice(xs.start - px, xs.stop - px), slice(ys.start - py, ys.stop - py)
    difference = np.abs(picture[ys, xs] - frames[s, y : y + ph, x : x + pw][yt, xt].astype(np.float32)).max(2)
    difference = cv2.blur(difference, (3, 3))
    inside = p.mask[yt, xt]
    cover[ys, xs] = inside
    misfit[ys, xs] = np.where(inside, difference, np.inf)
    return misfit, cover, p.centre + np.array([px - x, py - y])


def track(frames: np.ndarray, union: np.ndarray, known: np.ndarray, known_count: int, count: int
          ) -> tuple[np.ndarray, np.ndarray]:
    """Tell `count` redrawn sprites apart, besides `known_count` that are known in part.

    frames: uint8 [T, h, w, 3]. union: bool [T, h, w], pixels of any of them. known: int8 [T, h, w], index of a sprite
    known there by its rigid motion, else -1.
    Returns (mass float32 [known_count + count, T, h, w] sure evidence for each sprite,
    votes [n, n]: where the fits of two sprites overlap, how many pixels sprite a shows rather than b).
    """
    n = known_count + count
    length, h, w = union.shape
    mass = np.zeros((n, length, h, w), np.float32)
    votes = np.zeros((n, n))
    rows = _pieces(frames, union, known)
    seeds = _seeds(rows, count, (w, h))
    sprites = []
    for k in range(known_count):
        mine = [p for row in rows for p in row if p.known == k]
        if not mine:
            return mass, votes
        sprites.append(Sprite(mine[0].colours, float(mine[0].area), {mine[0].t: mine[0]},
                              {mine[0].t: mine[0].centre}))
    sprites += [Sprite(p.colours, float(p.area), {p.t: p}, {p.t: p.centre}) for p in seeds]
    if len(sprites) < n:
        return mass, votes
    for _ in range(3):
        _identify(rows, sprites, float(np.hypot(w, h)))
        _learn(rows, n, sprites, (w, h))
    merged = {}
    for t, row in enumerate(rows):
        for p in row:
            x, y, pw, ph = p.box
            if p.owner >= 0:
                mass[p.owner, t, y : y + ph, x : x + pw] += p.mask
            else:
                merged.setdefault(t, []).append(p)
    # from the frames beside clean ones inwards, so that every fit tells the next where to look
    at = np.array(sorted({t for s in sprites for t in s.way}))
    for t in sorted(merged, key=lambda t: (np.abs(at - t).min(), t)):
        fits = [_fit(frames, t, union[t], s) for s in sprites]
        for s, f in zip(sprites, fits, strict=True):
            if f is not None and t not in s.way and np.minimum(f[0][f[1]], 40).mean() < 25:
                s.way[t] = f[2]
        for p in merged[t]:
            x, y, pw, ph = p.box
            area = np.zeros((h, w), bool)
            area[y : y + ph, x : x + pw] = p.mask
            _divide(frames[t], area, fits, sprites, mass[:, t], votes)
    return mass, votes


def _divide(picture: np.ndarray, area: np.ndarray, fits: list, sprites: list[Sprite], mass: np.ndarray,
            votes: np.ndarray) -> None:
    """Divide a merged piece among the sprites whose cut-outs fit there, or else whose colours are there."""
    far = 40.0  # levels: a cut-out that misses by more explains nothing
    cost = np.stack([np.where(np.isfinite(f[0]), np.minimum(f[0], far), far) if f is not None
                     else np.full(area.shape, far) for f in fits])
    ranked = np.sort(cost, 0)
    best = cost.argmin(0)
    sure = np.clip((ranked[1] - ranked[0]) / 15.0, 0, 1) if len(fits) > 1 else np.ones(area.shape)
    q = (picture.astype(np.int32) * BINS) >> 8
    colour = (q[..., 0] * BINS + q[..., 1]) * BINS + q[..., 2]
    likely = np.stack([s.colours[colour] for s in sprites]) + 1e-4
    likely /= likely.sum(0)
    for k in range(len(fits)):
        mass[k] += area * ((best == k) * sure + 0.3 * (1 - sure) * np.clip((likely[k] - 0.7) / 0.3, 0, 1))
    for a in range(len(fits)):
        for b in range(a):
            if fits[a] is None or fits[b] is None:
                continue
            both = fits[a][1] & fits[b][1] & area & (np.abs(cost[a] - cost[b]) > 12)
            votes[a, b] += (both & (cost[a] < cost[b])).sum()
            votes[b, a] += (both & (cost[b] < cost[a])).sum()
