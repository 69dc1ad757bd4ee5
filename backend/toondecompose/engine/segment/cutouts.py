"""Sprites' clean cut-outs, fitted into frames where sprites touch: which pixels are whose.

A translucent sprite shows what is behind it, and that changes as it moves. So the part of the plate that shines through
is measured where its cut-outs repeat, and is taken off both the cut-out and the frame before they are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

BINS = 6  # per channel: flat cel colours fall into few bins, lighting and noise do not leave them
TEMPLATES = 10  # clean cut-outs tried per sprite in a merged frame
REACH = 0.09  # of the frame's width around the predicted place that is searched
IN_FRAME = 0.2  # of a cut-out that must lie inside the frame where it is placed
FAR = 40.0  # levels: a cut-out that misses by more explains nothing
GOOD_FIT = 25.0  # levels on average: the sprite was found, and
GREAT_FIT = 15.0  # so well that what its cut-out does not cover is not its own
MARGIN = 3  # px at labelling size around a cut-out: its drawing may have changed a little
TRIMMED = 3  # rounds
PAIRS = 24  # of cut-outs compared to see how much of the plate shines through a sprite
GROWN = 1.3  # times the usual area of a sprite: more is two sprites
SEE_THROUGH = (0.15, 0.8)  # share of the plate below which a sprite is opaque, and the most that is believed


# misfit float32 [h, w] in levels, inf outside a cut-out; its cover bool [h, w]; its centre
Fit = tuple[np.ndarray, np.ndarray, np.ndarray]


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
    through: float = 0.0  # share of the plate that shines through it

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


def place_cut(picture: np.ndarray, template: np.ndarray, mask: np.ndarray, corner: np.ndarray, reach: int,
              usable: np.ndarray | None = None, worth: float = 0.0, pull: float = 0.0) -> tuple[float, int, int] | None:
    """Where near `corner` a cut-out fits a picture best, by the mean square over the part of it inside the frame.

    picture: float32 [h, w, 3]; template: float32 [th, tw, 3]; mask: bool [th, tw]. usable: float32 [h, w], 0 where the
    picture shows what lies in front, else 1. worth: squared levels; if given, what is compared is by how much more than
    this all px together miss, and pull: what it costs to lie at the end of the reach. -> (mean square, or that sum, x,
    y) or None.
    """
    h, w = picture.shape[:2]
    th, tw = mask.shape
    x0, y0 = (int(v) for v in np.clip(corner, [-tw, -th], [w, h]) - reach)
    box = x0, y0, x0 + tw + 2 * reach, y0 + th + 2 * reach
    xs, ys = slice(max(box[0], 0), min(box[2], w)), slice(max(box[1], 0), min(box[3], h))
    if xs.stop <= xs.start or ys.stop <= ys.start:
        return None
    window = np.zeros((box[3] - box[1], box[2] - box[0], 3), np.float32)
    inside = np.zeros(window.shape[:2], np.float32)
    at = slice(ys.start - box[1], ys.stop - box[1]), slice(xs.start - box[0], xs.stop - box[0])
    window[at], inside[at] = picture[ys, xs], 1
    if usable is not None:
        inside[at] = usable[ys, xs]
        window *= inside[..., None]
    m = mask.astype(np.float32)
    own = m[..., None] * template
    square = (own * template).sum(2)
    if inside.all():  # as much of the cut-out everywhere
        covered, mine = m.sum(), square.sum()
    else:
        covered = cv2.matchTemplate(inside, m, cv2.TM_CCORR)
        mine = cv2.matchTemplate(inside, square, cv2.TM_CCORR)
    error = (cv2.matchTemplate((window * window).sum(2), m, cv2.TM_CCORR)
             - 2 * cv2.matchTemplate(window, own, cv2.TM_CCORR) + mine)
    if worth:
        away = (np.arange(2 * reach + 1) / reach - 1) ** 2
        error = error - worth * covered + pull * (away[:, None] + away)
    else:
        error = np.maximum(error, 0) / np.maximum(covered, 1)
    error = np.where(covered >= IN_FRAME * mask.sum(), error, np.inf)
    best = int(error.argmin())
    y, x = divmod(best, error.shape[1])
    return (float(error[y, x]), x0 + x, y0 + y) if np.isfinite(error[y, x]) else None


def found_at(p: Piece, px: int, py: int, size: tuple[int, int]) -> tuple | None:
    """Slices of the frame and of the piece's box where a piece placed at px, py lies inside the frame (w, h)."""
    w, h = size
    _, _, pw, ph = p.box
    xs, ys = slice(max(px, 0), min(px + pw, w)), slice(max(py, 0), min(py + ph, h))
    if xs.stop <= xs.start or ys.stop <= ys.start:
        return None
    return (ys, xs), (slice(ys.start - py, ys.stop - py), slice(xs.start - px, xs.stop - px))


def cut_of(pictures: np.ndarray, p: Piece) -> np.ndarray:
    x, y, w, h = p.box
    return pictures[p.t, y : y + h, x : x + w].astype(np.float32)


def without_plate(picture: np.ndarray, behind: np.ndarray | None, through: float) -> np.ndarray:
    """A picture without the part of the plate that shines through."""
    return picture if behind is None or through == 0 else picture - through * behind.astype(np.float32)


def see_through(frames: np.ndarray, behind: np.ndarray, sprite: Sprite) -> float:
    """Share of the plate that shines through a sprite, from how its clean cut-outs change as it moves over the plate.

    Between two frames that show the same drawing the sprite's colour cancels: I2 - I1 = share (B2 - B1). 0 = opaque.
    frames, behind: uint8 [T, h, w, 3]. (Smith and Blinn's triangulation, with one alpha for the whole sprite.)
    """
    h, w = frames.shape[1:3]
    shares, weights = [], []
    times = sorted(sprite.clean)
    pairs = [(s, t) for s in times for t in times if 0 < t - s <= 3]
    for s, t in pairs[:: max(1, len(pairs) // PAIRS)]:
        p, q = sprite.clean[s], sprite.clean[t]
        corner = np.round(np.array(p.box[:2]) + q.centre - p.centre).astype(int)
        found = place_cut(frames[t].astype(np.float32), cut_of(frames, p), p.mask, corner, 4)
        cut = None if found is None else found_at(p, found[1], found[2], (w, h))
        if cut is None:
            continue
        inside = cv2.erode(p.mask.astype(np.uint8), np.ones((5, 5), np.uint8))[cut[1]] > 0
        if not inside.any():  # thin, or nearly out of the frame
            continue
        change = (frames[t][cut[0]].astype(np.float32) - cut_of(frames, p)[cut[1]])[inside]
        plate = (behind[t][cut[0]].astype(np.float32) - cut_of(behind, p)[cut[1]])[inside]
        share = 0.0
        for _ in range(TRIMMED):  # the better half of the pixels: misplaced lines and changes of drawing say nothing
            far = np.abs(change - share * plate).sum(1)
            good = far <= np.median(far)
            along = float((plate[good] ** 2).sum())
            share = float((change[good] * plate[good]).sum()) / max(along, 1e-6)
        shares.append(share)
        weights.append(along / (1 + float(((change - share * plate) ** 2).mean())))
    if sum(weights, 0.0) < 1.0:
        return 0.0
    share = float(np.average(shares, weights=weights))
    return min(share, SEE_THROUGH[1]) if share >= SEE_THROUGH[0] else 0.0


def fit(frames: np.ndarray, behind: np.ndarray | None, t: int,
        sprite: Sprite) -> Fit | None:
    """The clean cut-out that fits frame t best near its predicted place.

    Returns (misfit float32 [h, w] in levels, inf outside it; cover bool [h, w]; its centre), or None.
    """
    place = sprite.place(t)
    if place is None:
        return None
    h, w = frames.shape[1:3]
    reach = int(REACH * w)
    through = sprite.through

    def plate(s: int) -> np.ndarray | None:
        return None if behind is None else behind[s]

    picture = without_plate(frames[t].astype(np.float32), plate(t), through)
    best, value = None, np.inf
    for s in sorted(sprite.clean, key=lambda s: abs(s - t))[:TEMPLATES]:
        p = sprite.clean[s]
        template = without_plate(cut_of(frames, p), None if behind is None else cut_of(behind, p), through)
        corner = np.round(np.array(p.box[:2]) + place - p.centre).astype(int)
        found = place_cut(picture, template, p.mask, corner, reach)
        if found is not None and found[0] < value:
            value, best = found[0], (p, template, found[1], found[2])
    cut = None if best is None else found_at(best[0], best[2], best[3], (w, h))
    if cut is None:
        return None
    p, template, px, py = best
    misfit = np.full((h, w), np.inf, np.float32)
    cover = np.zeros((h, w), bool)
    difference = cv2.blur(np.abs(picture[cut[0]] - template[cut[1]]).max(2), (3, 3))
    inside = p.mask[cut[1]]
    cover[cut[0]] = inside
    misfit[cut[0]] = np.where(inside, difference, np.inf)
    return misfit, cover, p.centre + np.array([px - p.box[0], py - p.box[1]])


def typical(found: Fit) -> float:
    """How far a fit is off on average, levels up to FAR."""
    return float(np.minimum(found[0][found[1]], FAR).mean()) if found[1].any() else FAR


def divide(picture: np.ndarray, area: np.ndarray, fits: list, sprites: list[Sprite], mass: np.ndarray,
            votes: np.ndarray) -> None:
    """Divide a merged piece among the sprites whose cut-outs fit there, or else whose colours are there."""
    cost = np.stack([np.where(np.isfinite(f[0]), np.minimum(f[0], FAR), FAR) if f is not None
                     else np.full(area.shape, FAR) for f in fits])
    for k, f in enumerate(fits):
        if f is not None and typical(f) < GREAT_FIT:  # all of it is found: what lies beside it is another's
            around = cv2.dilate(f[1].astype(np.uint8), np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8))
            cost[k][around == 0] = 2 * FAR
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
