"""Frames that show only a little of the sprite (entering, leaving, mostly hidden): which drawing, and where."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np

from .align import Points, align, project
from .canvas import FINE_CAPS
from .cluster import CERTAIN
from .common import Kept
from .compare import compare_drawings
from .patches import EDGE, HIDING, Patch
from .pixels import pixels_of, place, shift, strongest

WEAK = 0.35  # of the usual visible area: less, and cut by the frame's edge or by something in front, is a remnant
SEARCH = 9  # shifts tried per axis, at least, and
STEP = 4.0  # px between them at most: lines are not much wider
THINNED = 4  # times fewer points are asked about many shifts
CLOSE = 40.0  # grey levels: colours further apart are different colours
BARE = 20.0  # grey levels of difference that a pixel counts which the drawing has no picture of
TELLING = 0.1  # of the usual visible area: a remnant with less is seldom a drawing of its own
FLEETING, GROWN = 3, 3.0  # frames that a crumb is seen at most, and times by which no sprite's area grows in a frame
# Score from which a remnant is a drawing of its own: more than tells two whole pictures apart, for its place is only
# continued. Larger ones have longer rims; first masks also have scenery in them, and parts missing.
FOREIGN, ROUGHLY_FOREIGN = 2.0, 4.0
SPOILS = 16.0  # score from which even a speck is none of the known drawings: nearly all of its px are another paint's
SURE_SPECK = 400  # px, 20 across, of a speck must be surely the sprite's for that
SMALL = 1500.0  # working px that a remnant covers: up to so many the first of the two holds
MOST_TRIED = 12  # drawings that a remnant is compared with: a cycle's, and more
HOPEFUL = 0.5  # of the best drawing's agreement at a glance, below which a drawing is not looked at closely
ELSEWHEN = 1.0  # score that a drawing costs which neither the frame before nor the one after shows
OUT_OF_TURN = 0.5  # score that a neighbour's drawing costs where another one's turn has come in the cycle
CONTEXT = 3  # frames before or after that tell whose turn it is: drawings are held for one to three
LEAST_CONTEXT = 2  # of them, where the shot has no more
ITS_PLACE = 0.7  # of the points that are seen show the drawing's colours: there it lies, whatever else differs, and
LOOKS_LIKE_IT = 0.5  # times as much speaks what differs against that drawing, rather than against the masks
LEAST_TOLD = 0.15  # of a remnant must be compared, or nothing says that it shows a drawing
UNDECIDED = 1.0  # score that a drawing costs of which hardly anything was ever seen that the remnant shows
TWINS = 0.4  # of the larger of two remnants must be seen in both, to tell whether they show one drawing


def cut_frames(patches: list[Patch], size: tuple[int, int], hidden: bool) -> np.ndarray:
    """bool [n]: cut-outs that the frame's edge, or something in front, cuts or may cut.

    size: working (width, height). hidden: whether something in front is known of.
    """
    return np.array([touches(p, size) or (hidden and not p.valid.all()) for p in patches], bool)


def weak_frames(patches: list[Patch], cut: np.ndarray) -> np.ndarray:
    """bool [n]: those of the cut-outs that are `cut` (bool [n]) so much that too little is left to compare."""
    area = np.array([p.area for p in patches])
    usual = float(np.percentile(area, 90)) if len(area) else 0.0
    return cut & (area < WEAK * usual)


def crumb_frames(patches: list[Patch], cut: np.ndarray) -> np.ndarray:
    """bool [n]: crumbs of a sprite that is far larger in the frames around them, or not there, and that nothing cuts:
    where a mask lost the sprite, or what never was a part of it.

    patches: in the order of frames. cut: bool [n], those that the frame's edge or something in front cuts.
    """
    area = np.array([p.area for p in patches])
    frame = np.array([p.frame for p in patches])
    small = ~cut & (area < TELLING * (float(np.percentile(area, 90)) if len(area) else 0.0))
    out = np.zeros(len(patches), bool)
    for run in np.split(np.flatnonzero(small), np.flatnonzero(np.diff(frame[small]) > 1) + 1):
        if 0 < len(run) <= FLEETING:  # what grows smaller and smaller, far away, is no crumb
            out[run] = not any(0 <= k < len(area) and abs(frame[k] - frame[end]) == 1 and area[k] < GROWN * area[end]
                               for k, end in ((run[0] - 1, run[0]), (run[-1] + 1, run[-1])))
    return out


def foreign_from(patch: Patch, rough: bool) -> float:
    """Score from which a remnant is a drawing of its own. rough: whether masks are a first look's."""
    return ROUGHLY_FOREIGN if rough else min(ROUGHLY_FOREIGN, FOREIGN * max(1.0, float(np.sqrt(patch.area / SMALL))))


def spoils_from(patch: Patch) -> float:
    """Score from which a speck, too small to tell much, is a drawing of its own all the same: on another one's place it
    would spoil that one's mean and matte."""
    return SPOILS if int(patch.inside.sum()) >= SURE_SPECK else np.inf


def touches(patch: Patch, size: tuple[int, int]) -> bool:
    """Does the sprite touch the frame's edge?"""
    x, y = (int(v) for v in patch.origin)
    h, w = patch.body.shape
    return bool((x == 0 and patch.body[:, 0].any()) or (y == 0 and patch.body[0].any())
                or (x + w == size[0] and patch.body[:, -1].any()) or (y + h == size[1] and patch.body[-1].any()))


def near_in_time(drawing: np.ndarray, t: int) -> list[int]:
    """The drawings shown nearest to frame t, in their own order: a barely seen one is looked for among them."""
    shown = np.flatnonzero(drawing >= 0)
    nearest = dict.fromkeys(int(drawing[u]) for u in sorted(shown, key=lambda u: abs(u - t)))
    return sorted(list(nearest)[:MOST_TRIED])


def likely(drawing: np.ndarray, t: int) -> dict[int, float]:
    """What drawings cost in frame t before it is looked at, as a score; those not named cost ELSEWHEN.

    A drawing held from the frame before or to the one after costs nothing, unless the frames around have been seen
    elsewhere in the clip and went on with another drawing there: then it is that one's turn.
    """
    count = len(drawing)
    near = {int(drawing[u]) for u in (t - 1, t + 1) if 0 <= u < count and drawing[u] >= 0}
    votes: Counter[int] = Counter()
    for step in (1, -1):
        ahead = t + step * np.arange(1, CONTEXT + 1)
        if ahead.min() < 0 or ahead.max() >= count or (drawing[ahead] < 0).any():
            continue
        for u in range(count):
            there = ahead + (u - t)
            there = there[(there >= 0) & (there < count)]  # the shot may begin or end in the middle of what tells
            if u != t and drawing[u] >= 0 and len(there) >= LEAST_CONTEXT:
                votes[int(drawing[u])] += int(np.array_equal(drawing[there], drawing[ahead[: len(there)]]))
    total = sum(votes.values())
    turn = {d for d, n in votes.items() if 2 * n > total}
    return {d: OUT_OF_TURN if turn else 0.0 for d in near} | dict.fromkeys(turn, 0.0)


def nearby_shift(points: Points, patch: Patch, H: np.ndarray, reach: float) -> tuple[np.ndarray, float]:
    """H moved by the whole shift within +-reach px (on a grid) at which most points show the patch's colours
    -> (that, how many of those that are seen do, 0..1; -1 where too few are seen anywhere).

    H: points' px -> patch px.
    """
    if len(points.xy) == 0:  # a drawing of a few pixels that nothing is sure of
        return H, -1.0
    few = slice(None, None, max(1, len(points.xy) // 600))
    xy, colour = project(H, points.xy[few]), points.colour[few].astype(np.float32)
    h, w = patch.valid.shape
    pixels, valid = patch.smooth.reshape(-1, 3), patch.valid.reshape(-1) > 0
    best = (-1.0, 0.0, 0.0)
    count = max(SEARCH, 2 * int(np.ceil(reach / STEP)) + 1)
    for span, tries in ((reach, count), (2 * reach / (count - 1), SEARCH)):
        _, x0, y0 = best if span < reach else (0.0, 0.0, 0.0)
        thin = min(THINNED, max(1, tries**2 // SEARCH**2))
        steps = np.linspace(-span, span, tries)
        # from the middle outwards, so that among equals the nearest wins
        tried = np.array(sorted(((x, y) for x in steps for y in steps), key=lambda s: (s[0] ** 2 + s[1] ** 2, s)))
        x, y = xy[::thin, 0] + (x0 + tried[:, :1]), xy[::thin, 1] + (y0 + tried[:, 1:])
        seen = (x > 0.5) & (y > 0.5) & (x < w - 0.5) & (y < h - 0.5)
        cell = np.where(seen, y.astype(np.int64) * w + x.astype(np.int64), 0)
        seen &= valid[cell]
        error = strongest(np.abs(pixels[cell] - colour[::thin]))
        told = seen.sum(1)
        close = (np.maximum(1 - error / np.float32(CLOSE), 0) * seen).sum(1, dtype=np.float64) / np.maximum(told, 1)
        best = (-1.0, x0, y0)  # fewer points agree otherwise
        for k in np.flatnonzero(told * thin >= 20):
            if close[k] > best[0] + 1e-6:
                best = (float(close[k]), float(x0 + tried[k, 0]), float(y0 + tried[k, 1]))
    return shift(best[1], best[2]) @ H, best[0]


def shown_in(places: list[tuple[int, np.ndarray]], hidden: np.ndarray | None, size: tuple[int, int], xy: np.ndarray
             ) -> np.ndarray:
    """bool [n]: which points [n, 2] of a drawing's own canvas one of its exposures shows, in the frame and free of what
    is in front. places: (frame, own canvas -> frame). hidden: uint8 [T, hs, ws] or None. size: frame (width, height).
    """
    seen = np.zeros(len(xy), bool)
    for t, H in places:
        ask = np.flatnonzero(~seen)
        if not len(ask):
            break
        at = project(H, xy[ask])
        inside = (at > 0).all(1) & (at < size).all(1)
        if hidden is not None:
            hs, ws = hidden.shape[1:]
            x, y = (np.where(inside[:, None], at, 0) * [ws / size[0], hs / size[1]]).astype(np.int64).T
            inside &= cv2.dilate(hidden[t], np.ones((2 * EDGE + 3, 2 * EDGE + 3), np.uint8))[y, x] < HIDING
        seen[ask] = inside
    return seen


def uncovered(drawing: Kept, patch: Patch, H: np.ndarray) -> tuple[float, float]:
    """Largest connected part of the frame's sprite that a drawing has no picture of though its exposures show what is
    there, as a difference (levels x px^2), and the share 0..1 of the frame's sprite of which they tell anything: what
    the edge or something in front hides in all of them may be the drawing's."""
    h, w = patch.inside.shape
    body = cv2.dilate(drawing.picture.body, np.ones((7, 7), np.uint8))  # a rim is nobody's evidence
    bare = patch.inside & (place(body, H, (w, h)) == 0)
    told = 1.0
    if drawing.seen is not None and bare.any():
        ys, xs = pixels_of(bare)
        back = shift(*drawing.picture.origin) @ np.linalg.inv(H)
        seen = drawing.seen(project(back, np.stack([xs + 0.5, ys + 0.5], 1)))
        bare[ys, xs] = seen
        told = 1 - np.count_nonzero(~seen) / max(1.0, patch.area)
    count, _, stats, _ = cv2.connectedComponentsWithStats(bare.astype(np.uint8), connectivity=4)
    return BARE * float(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0.0, told


def place_remnant(patch: Patch, drawings: list[Kept], starts: list[tuple[int, np.ndarray, float]],
                  costs: dict[int, float], noise: float, threshold: float) -> tuple[int, np.ndarray, float]:
    """The drawing that explains a remnant best, its place (canvas' own px -> frame px), and how badly it does (1 =
    undecided).

    patch: the frame's cut-out at full resolution. starts: (drawing, own canvas -> frame, how far off it may lie, px):
    every drawing on the sprite's path, and those shown just before and after where they were, if held. costs: see
    `likely`.
    """
    best = (np.inf, -1, np.eye(3), np.inf)
    looked = []
    for d, start, reach in starts:
        H = shift(*-patch.origin) @ start @ shift(*drawings[d].picture.origin)
        # a few pixels cannot tell a turn or a change of size: only the shift is measured
        looked.append((d, H, *nearby_shift(drawings[d].points, patch, H, reach)))
    hopeful = HOPEFUL * max((close for *_, close in looked), default=0.0)
    for d, H, near_by, close in sorted(looked, key=lambda g: costs.get(g[0], ELSEWHEN)):
        if best[0] <= costs.get(d, ELSEWHEN):
            break  # no less likely drawing can be better
        if close < hopeful:
            continue
        picture, points = drawings[d].picture, drawings[d].points
        found, residual, agree = align(points, patch.smooth, patch.valid, near_by, 2, FINE_CAPS)
        good = np.isfinite(residual) and agree > 0.3
        told = good and close > 0 and agree > ITS_PLACE
        tried = [found] if told else [found, H] if good else [H]
        for m in tried:
            seen = compare_drawings(picture, patch, m, 0.5 * noise)
            bare, share = uncovered(drawings[d], patch, m)
            score = (seen.blob + bare) / threshold * (LOOKS_LIKE_IT if told else 1)
            score = score / share + UNDECIDED * (1 - share) if share >= LEAST_TOLD else max(score, ROUGHLY_FOREIGN)
            cost = score + costs.get(d, ELSEWHEN)
            if cost < best[0] - 1e-9:
                best = (cost, d, shift(*patch.origin) @ m @ shift(*-picture.origin), score)
    for d, *_ in starts:
        drawings[d].picture.__dict__.pop("masks", None)  # larger than the picture, and quickly made again
    _, d, m, score = best
    return d, m / m[2, 2], score


def shows_the_same(one: Kept, patch: Patch, start: np.ndarray, reach: float, noise: float, threshold: float) -> bool:
    """Whether a remnant shows the drawing of another one, by what both show of it.

    one: the other one's picture; start: its own px -> frame px, which may be off by so many px (`reach`).
    """
    H = shift(*-patch.origin) @ start @ shift(*one.picture.origin)
    H, close = nearby_shift(one.points, patch, H, reach)
    found, residual, agree = align(one.points, patch.smooth, patch.valid, H, 2, FINE_CAPS)
    seen = compare_drawings(one.picture, patch, found if np.isfinite(residual) and agree > 0.3 else H, 0.5 * noise)
    one.picture.__dict__.pop("masks", None)
    return close > 0 and seen.share >= TWINS and seen.blob < threshold


def place_together(patches: list[Patch], drawings: list[Kept], starts: list[list[tuple[int, np.ndarray, float]]],
                   costs: list[dict[int, float]], noise: float, threshold: float
                   ) -> list[tuple[int, np.ndarray, float]]:
    """As `place_remnant`, for remnants that show one drawing (see `shows_the_same`): it must explain all of them.

    Each of them shows something else of it, and often too little to tell it from others.
    """
    found = [{d: place_remnant(patch, drawings, [s for s in some if s[0] == d], cost, noise, threshold)
              for d in dict.fromkeys(s[0] for s in some)}
             for patch, some, cost in zip(patches, starts, costs, strict=True)]
    total = {d: sum(min(mine[d][2], CERTAIN) + cost.get(d, ELSEWHEN) for mine, cost in zip(found, costs, strict=True))
             for d in found[0] if all(d in mine for mine in found)}
    if not total:
        return []
    best = min(total, key=lambda d: total[d])
    score = float(np.mean([mine[best][2] for mine in found]))
    return [(best, mine[best][1], score) for mine in found]
