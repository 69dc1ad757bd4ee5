"""Gaps that a drawing's lines enclose: regions inside its silhouette that look like what is behind them.

One px of the background's colour proves nothing: drawings have shades, and one of them may cross that colour. A whole
region between lines does, if it repeats what is behind it throughout and the drawing is painted in that colour hardly
anywhere else: a paint of exactly the background's colours all over its region would be a coincidence that has to be
paid for. Where no frame shows what is behind, the region's own motion tells: what shows in a gap keeps its colour along
the background's path and changes along the drawing's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.moments import GREY
from toondecompose.engine.matte.resample import Box, map_points
from toondecompose.engine.tiles import strips

REPEATS, DIFFERS = 1.5, 3.0  # difference from the background, relative to the noise, of a gap's px and of others
SMOOTH = 6.0  # levels per px, beyond the noise, within a region; lines are steeper
LEAST_GAP = 12  # px; smaller ones come by triangulation or not at all
ENCLOSED = 0.85  # share of the px around a gap that must not be background
APART = 24.0  # levels by which a line stands off the region it encloses
ALIKE = 8.0  # levels per channel within which two px are the same paint
BIN = 4  # levels per channel; of a table of paints
COMMON = 0.06  # ... from which a region in it is not even looked at
RARE = 0.03  # share of a drawing in a paint from which finding that paint is no surprise
PARTLY = 0.2  # share of a region whose background must be known for it to be judged by that
NEIGHBOURHOOD = 60  # px around a region in which the background's palette is looked up
UNSEEN_PAINT = 0.002  # share of a palette that a colour it does not show has nevertheless
# log odds: of a region between lines being a gap, before looking; and the most that one kind of evidence may add
PRIOR, MOST_COLOUR, MOST_MOTION = -3.0, 3.0, 5.0
STILL = 1.0  # more log odds are asked for where no motion tells anything
SPREADS, FADES = 60.0, 4.0  # levels by which paints differ from what is behind them, and by which a guess of it errs
ROUNDING2 = 0.03  # squared levels; the least two 8-bit samples of one thing differ by
KEEPS = 3.0  # times less must a region change along one motion than along the other
CHANGES = 2.0  # times as much as the drawing elsewhere must it change along the drawing's motion
LOOKS = 6  # exposures that are compared
MOST_POINTS = 2000  # px of a region that are looked at
SAME_REGION = 0.5  # overlap from which two drawings' regions are one
_SQUARE = np.ones((3, 3), np.uint8)


@dataclass
class Region:
    """A region between lines that may be a gap. corner: (x, y) px of `mask` on the drawing's box; mask: bool [h, w].
    colour: float32 [3] levels. odds: log odds of a gap by its colour alone; inf where it surely is one."""

    corner: tuple[int, int]
    mask: np.ndarray
    colour: np.ndarray
    odds: float


def enclosed_regions(c: np.ndarray, z: np.ndarray, known: np.ndarray, body: np.ndarray, behind: np.ndarray,
                     slope: np.ndarray, noise: float) -> tuple[np.ndarray, list[Region]]:
    """-> (px that surely are gaps, bool [h, w]; those regions, and others behind which the background is not known).

    c: float32 [3, h, w] levels relative to GREY, the drawing's mean colour. z: float32 [h, w], how far it differs from
    the background, relative to the noise. known: bool, px whose background is known. body: bool, px inside the
    silhouette. behind: [3, h, w] the background. slope: [h, w], levels per px, of c."""
    differs = known & (z > DIFFERS)
    flat = body & (slope < SMOOTH + 2 * noise) & ~(known & (z >= REPEATS))
    count, label, stats, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8), connectivity=4)
    found, open_question = np.zeros(z.shape, bool), []
    painted = body & (~known | differs)
    total = int(painted.sum())
    if not total or count < 2:
        return found, open_question
    paints = _palette(c, painted)
    for index in _rare(c, label, stats, paints, total):
        x, y, w, h, area = stats[index]
        left, top = max(0, x - 4), max(0, y - 4)
        at = (slice(top, y + h + 4), slice(left, x + w + 4))
        region = label[at] == index
        colour = np.median(c[:, at[0], at[1]][:, region], axis=1)
        alike = paints[tuple(_bins(colour))] / total
        seen = int((region & known[at]).sum())
        if seen < LEAST_GAP or seen < PARTLY * area:
            # the region's own px count among the drawing's
            odds = _palette_odds(colour, behind, known, (x, y, x + w, y + h), max(0.0, alike - area / total))
            odds += _place_odds(c[:, at[0], at[1]][:, region], behind[:, at[0], at[1]][:, region])
            if odds > 0:
                open_question.append(Region((left, top), region, colour, odds))
            continue
        grown = region.astype(np.uint8)
        for _ in range(2):  # blends on either side of the line belong to neither
            grown = cv2.dilate(grown, _SQUARE)
        ring = (cv2.dilate(grown, _SQUARE) > 0) & (grown == 0)
        line = np.abs(c[:, at[0], at[1]] - colour[:, None, None]).max(0) > APART
        if ring.any() and np.where(known[at], differs[at], line)[ring].mean() >= ENCLOSED and alike < RARE:
            found[at] |= region
            open_question.append(Region((left, top), region, colour, np.inf))
    return found, open_question


def _rare(c: np.ndarray, label: np.ndarray, stats: np.ndarray, paints: np.ndarray, total: int) -> list[int]:
    """Regions that are large enough and whose mean colour the rest of the drawing hardly has: all others are fills."""
    large = stats[:, cv2.CC_STAT_AREA] >= LEAST_GAP
    large[0] = False
    if not large.any():
        return []
    where = np.flatnonzero(large[label])
    of = label.reshape(-1)[where]
    area = stats[:, cv2.CC_STAT_AREA]
    mean = np.stack([np.bincount(of, plane.reshape(-1)[where], minlength=len(stats)) for plane in c]) / area
    alike = paints[tuple(_bins(mean))] - np.where(area < 0.5 * total, area, 0)
    return np.nonzero(large & (alike < COMMON * total))[0].tolist()


def _bins(colours: np.ndarray, kind: type = np.intp) -> np.ndarray:
    return np.clip((colours + GREY) / BIN, 0, 255 // BIN).astype(kind)


def _palette(c: np.ndarray, where: np.ndarray) -> np.ndarray:
    """How many of the True px are painted nearly in each colour: float32 [bins, bins, bins]."""
    n = 255 // BIN + 1
    at = np.flatnonzero(where)
    cells = np.zeros(len(at), np.int32)
    for part in strips((len(at), 1)):
        for plane in c.reshape(3, -1):
            cells[part] *= n
            cells[part] += _bins(plane.take(at[part]), np.int32)
    cube = np.bincount(cells, minlength=n**3).astype(np.float32).reshape(n, n, n)
    side = 2 * round(ALIKE / BIN) + 1
    for axis in range(3):
        flat = np.moveaxis(cube, axis, 0).reshape(n, -1)
        flat = cv2.boxFilter(flat, -1, (1, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
        cube = np.moveaxis(flat.reshape(n, n, n), 0, axis)
    return cube


def _palette_odds(colour: np.ndarray, behind: np.ndarray, known: np.ndarray, box: Box, alike: float) -> float:
    x0, y0, x1, y1 = box
    n = NEIGHBOURHOOD
    at = (slice(max(0, y0 - n), y1 + n), slice(max(0, x0 - n), x1 + n))
    near = behind[:, at[0], at[1]][:, ::2, ::2][:, known[at][::2, ::2]]
    share = float((np.abs(near - colour[:, None]).max(0) < ALIKE).mean()) if near.size else 0.0
    return min(MOST_COLOUR, float(np.log((share + UNSEEN_PAINT) / (alike + UNSEEN_PAINT))))


def _place_odds(colours: np.ndarray, behind: np.ndarray) -> float:
    """By how a region looks like the guess of what is behind it, which half of the time is good. Both [3, n]."""
    miss = float(np.abs(colours - behind).mean())
    paint = np.exp(-miss / SPREADS) / SPREADS
    return float(np.log(0.5 + 0.5 * np.exp(-miss / FADES) / FADES / paint))


def motion_odds(source: FrameSource, region: Region, box: Box, frames: list[int], H: np.ndarray,
                plane: np.ndarray, usual: float) -> float:
    """How much better the region keeps its colour along the plane's motion than along the drawing's: log odds.

    box: of the drawing on its canvas. H, plane: float64 [T, 3, 3], canvas and plate -> frame. usual: variance of the
    drawing's exposures where it certainly is solid, squared levels per channel."""
    if region.odds == np.inf:
        return MOST_MOTION
    inner = cv2.erode(region.mask.astype(np.uint8), _SQUARE, borderValue=0) > 0
    inner = inner if inner.sum() >= LEAST_GAP else region.mask
    ys, xs = np.nonzero(inner)
    thin = -(-len(xs) // MOST_POINTS)
    ys, xs = ys[::thin], xs[::thin]
    corner = np.array([box[0] + region.corner[0], box[1] + region.corner[1]])
    points = np.stack([xs, ys], 1) + 0.5 + corner
    step = max(1, -(-len(frames) // LOOKS))
    frames = frames[::step]
    colours = {t: _sampled(source, t, map_points(H[t], points)) for t in frames}
    inside = {t: _inside(source, map_points(H[t], points)) for t in frames}
    with_drawing = with_plane = pairs = 0.0
    for k, t in enumerate(frames):
        for other in frames[k + 1:]:
            # where on the drawing's canvas the plane has carried each px by the other frame
            carried = np.linalg.inv(H[other]) @ plane[other] @ np.linalg.inv(plane[t]) @ H[t]
            there = map_points(carried, points)
            moved = np.linalg.norm(there - points, axis=1).mean()
            at = np.floor(there - corner).astype(int)
            valid = (at >= 0).all(1) & (at[:, 0] < inner.shape[1]) & (at[:, 1] < inner.shape[0])
            valid[valid] = inner[at[valid, 1], at[valid, 0]]
            valid &= inside[t] & inside[other] & _inside(source, map_points(H[other], there))
            if moved < 0.5 or valid.sum() * thin < LEAST_GAP:
                continue
            carried_there = _sampled(source, other, map_points(H[other], there[valid]))
            with_plane += float(np.square(carried_there - colours[t][valid]).mean())
            with_drawing += float(np.square(colours[other] - colours[t])[valid].mean())
            pairs += 1
    if not pairs:
        return 0.0
    with_plane, with_drawing, allowed = with_plane / pairs, with_drawing / pairs, ROUNDING2 + 2 * usual
    if with_drawing > KEEPS * with_plane and with_drawing > CHANGES * allowed:
        return min(MOST_MOTION, float(np.log(with_drawing / allowed) + np.log(with_drawing / (with_plane + ROUNDING2))))
    return -MOST_MOTION if with_plane > KEEPS * with_drawing and with_plane > CHANGES * allowed else 0.0


def _inside(source: FrameSource, points: np.ndarray) -> np.ndarray:
    return ((points >= 0.5) & (points <= np.array(source.size) - 0.5)).all(1)


def _sampled(source: FrameSource, t: int, points: np.ndarray) -> np.ndarray:
    """Colours float32 [n, 3] of frame t at edge-coordinate points [n, 2]."""
    at = (points - 0.5).astype(np.float32)[:, None]
    colours = cv2.remap(source.read(t), at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return colours[:, 0].astype(np.float32)


def judge(regions: list[tuple[Region, Box, float]]) -> list[bool]:
    """Which regions are gaps. Each with its drawing's box and its motion's log odds; drawings that share a region on
    the canvas share the evidence."""
    verdicts = []
    places = np.array([(box[0] + q.corner[0], box[1] + q.corner[1], *q.mask.shape[::-1]) for q, box, _ in regions])
    colours = np.array([q.colour for q, *_ in regions])
    for k, (region, box, motion) in enumerate(regions):
        odds = region.odds
        # those that can be the same: alike, and their boxes meet
        meet = (np.abs(places[:, :2] - places[k, :2]) < np.where(places[:, :2] > places[k, :2], places[k, 2:],
                                                                 places[:, 2:])).all(1)
        for n in np.flatnonzero(meet & (np.abs(colours - colours[k]).max(1) <= ALIKE)):
            other, other_box, other_motion = regions[n]
            if other is not region and _same(region, box, other, other_box):
                motion, odds = motion + other_motion, max(odds, other.odds)
        motion = min(MOST_MOTION, motion)
        verdicts.append(PRIOR + odds + motion > (0 if motion > 0 else STILL))
    return verdicts


def _same(a: Region, a_box: Box, b: Region, b_box: Box) -> bool:
    if np.abs(a.colour - b.colour).max() > ALIKE:
        return False
    ax, ay = a_box[0] + a.corner[0], a_box[1] + a.corner[1]
    bx, by = b_box[0] + b.corner[0], b_box[1] + b.corner[1]
    x0, y0 = max(ax, bx), max(ay, by)
    x1 = min(ax + a.mask.shape[1], bx + b.mask.shape[1])
    y1 = min(ay + a.mask.shape[0], by + b.mask.shape[0])
    if x1 <= x0 or y1 <= y0:
        return False
    both = (a.mask[y0 - ay:y1 - ay, x0 - ax:x1 - ax] & b.mask[y0 - by:y1 - by, x0 - bx:x1 - bx]).sum()
    return bool(both > SAME_REGION * (a.mask.sum() + b.mask.sum() - both))
