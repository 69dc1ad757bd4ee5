"""Legs that swing, hair that flies: what a rigid sprite's own motion does not explain of it, found again.

No rigid layer explains such pieces, so they come out as pieces of the redrawn sprite, wherever that is. They hang on
the body of another one and are small beside the redrawn sprite. While that stands apart, farther off than it is wide,
they are none of its own, whatever they look like. When it is near, they are the body's where they are where such limbs
have been, or have the body's colours and not the redrawn one's. Legs may be larger than a redrawn sprite that is as
small as a station's mark in the corner; but that one touches no body.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from . import evidence as ev
from .canvas import Mosaic, canvas_box, on_canvas, render
from .cutouts import BINS
from .film import Pictures
from .holds import telling
from .layers import Rigid, labels_of, presence

LIMB = 0.25  # of the redrawn sprite's usual area: larger is itself
TOUCHES = 2  # px at labelling size between a limb and its body: the outline
HANGS = 4  # px of the body that a limb touches
APART = 1.0  # times the redrawn sprite's usual width: from so far nothing of it reaches to another sprite's body
ALONE = 0.8  # of the frames in which the redrawn sprite touches no rigid one's body: what does touch it is not itself
WHOLE = 0.5  # of its usual area there: so much of it says that a frame shows all of it
SWINGS = 2.0  # frames that show a limb at a place of the body's canvas make it one where limbs swing
THERE = 0.5  # of a piece lies in such places: it is a limb
HANGING = 0.8  # of what no rigid layer explains: the rest may be left-overs of outlines and of planes nobody found
OFTEN = 0.1  # of the frames: less often they are left-overs


def _bins(pictures: np.ndarray) -> np.ndarray:
    """uint8 [T, h, w, 3] -> number of each colour's bin, uint8 [T, h, w]."""
    out = np.empty(pictures.shape[:-1], np.uint8)
    for one, picture in zip(out, pictures, strict=True):
        q = (picture.astype(np.int32) * BINS) >> 8
        one[:] = (q[..., 0] * BINS + q[..., 1]) * BINS + q[..., 2]
    return out


def _colours(bins: np.ndarray, where: np.ndarray) -> np.ndarray:
    count = np.bincount(bins[where], minlength=BINS**3).astype(float)
    return count / max(count.sum(), 1.0) + 1e-4


def limbs(frames: np.ndarray, rigid: Rigid, p: Pictures, plane: list[bool]) -> dict[int, np.ndarray]:
    """Which pixels of the one redrawn label are limbs of rigid sprites: {rigid label: bool [T, h, w]}.

    frames: uint8 [T, h, w, 3] at labelling size. p: [L, T, h, w], the redrawn label last. plane: which rigid labels
    are planes; what may be one, as far as its border says, is none if it moves from hold to hold. Every pixel belongs
    to the nearest piece, so that outlines go with what they enclose.
    """
    base, size = len(rigid), p.shape[:1:-1]
    bodies = [i for i in range(1, base) if not plane[i] and (
        not rigid.painted[i] or telling(rigid.H, rigid.present, i, size) is not None)]
    if not bodies:
        return {}
    label = labels_of(p).cpu().numpy()
    pieces = [cv2.connectedComponentsWithStats((one == base).astype(np.uint8), connectivity=8) for one in label]
    largest = [stats[1:, cv2.CC_STAT_AREA].max() for count, _, stats, _ in pieces if count > 1]
    if not largest:
        return {}
    usual = float(np.quantile(largest, 0.75))
    wide = np.ones((2 * TOUCHES + 1, 2 * TOUCHES + 1), np.uint8)
    own = _itself(label, pieces, bodies, LIMB * usual, wide)
    large = np.stack([one[piece] & (piece > 0) for one, (_, piece, _, _) in zip(own, pieces, strict=True)])
    bins = _bins(frames)
    itself = _colours(bins, large)
    theirs = {i: _colours(bins, label == i) for i in bodies}
    found = {i: np.zeros(label.shape, bool) for i in bodies}
    near: list[tuple[int, int, int]] = []  # frame, piece and body where the redrawn sprite may be there, too
    for t, (_, piece, stats, _) in enumerate(pieces):
        away = _distance(large[t])
        for k in np.flatnonzero(~own[t]):
            mine = piece == k
            around = cv2.dilate(mine.astype(np.uint8), wide) > 0
            touched = {i: int((around & (label[t] == i)).sum()) for i in bodies}
            body = max(bodies, key=lambda i: touched[i])
            if not k or touched[body] < HANGS:
                continue
            if stats[k, cv2.CC_STAT_AREA] >= max(LIMB * usual, np.count_nonzero(label[t] == body)):
                continue  # no limb is larger than what it hangs on
            if np.isfinite(away[0, 0]) and away[mine].min() > APART * np.sqrt(usual):
                found[body][t] |= mine
            else:
                near.append((t, k, body))
    swung = {i: _places(on, rigid.H[i], rigid.present[i]) for i, on in found.items() if on.any()}
    for t, k, body in near:
        mine = pieces[t][1] == k
        colours = bins[t][mine]
        there = body in swung and rigid.present[body][t] and _swings(swung[body], rigid.H[body][t], mine)[mine].mean()
        if there > THERE or (theirs[body][colours] > itself[colours]).mean() > 0.5:
            found[body][t] |= mine
    _add_merged(found, swung, rigid, large, label, bins)
    found = {i: on for i, on in found.items() if on.any((1, 2)).mean() >= OFTEN}
    every = label == base
    for t in range(len(label)):
        others = every[t].copy()
        for on in found.values():
            others &= ~on[t]
        away = {i: _distance(on[t]) for i, on in found.items()}
        rest = _distance(others)
        for i, on in found.items():
            on[t] = (away[i] < rest) & (away[i] <= np.minimum.reduce(list(away.values())))
    return found


def _itself(label: np.ndarray, pieces: list[tuple], bodies: list[int], least: float, wide: np.ndarray
            ) -> list[np.ndarray]:
    """Which of each frame's pieces of the redrawn label are the redrawn sprite itself, bool [count]: those of the area
    `least`, px, or more; where it touches no body most of the time, only those that touch none.

    label: int [T, h, w]. pieces: connected components (count, int [h, w], stats, ...) of each frame."""
    large, alone = [stats[:, cv2.CC_STAT_AREA] >= least for _, _, stats, _ in pieces], []
    for one, (count, piece, _, _) in zip(label, pieces, strict=True):
        beside = cv2.dilate(np.isin(one, bodies).astype(np.uint8), wide) > 0
        alone.append(np.bincount(piece[beside], minlength=count) < HANGS)
        alone[-1][0] = False  # that is no piece
    areas = np.array([stats[on, cv2.CC_STAT_AREA].max(initial=0)
                      for on, (_, _, stats, _) in zip(alone, pieces, strict=True)])
    whole = areas >= max(WHOLE * float(np.median(areas)), least, 1.0)
    if whole.mean() < ALONE:
        return large
    return [one & on if seen else one for one, on, seen in zip(large, alone, whole, strict=True)]


def _add_merged(found: dict[int, np.ndarray], swung: dict[int, Mosaic], rigid: Rigid, large: np.ndarray,
                label: np.ndarray, bins: np.ndarray) -> None:
    """Add to the limbs found, in place, what of them runs into the redrawn sprite itself: where they swing, and of
    colours that they have rather than that sprite where it stands free of their body.

    found: bool [T, h, w] per body. large: bool [T, h, w], the redrawn sprite's own pieces. label, bins: [T, h, w]."""
    for i, swings in swung.items():
        touching = np.array([_distance(one)[who == i].min(initial=np.inf) <= TOUCHES
                             for one, who in zip(large, label, strict=True)])
        free = large & ~touching[:, None, None]
        if not free.any():
            continue
        hung, itself = _colours(bins, found[i]), _colours(bins, free)
        for t in np.flatnonzero(touching & rigid.present[i]):
            mine = large[t] & _swings(swings, rigid.H[i][t], large[t]) & (hung[bins[t]] > itself[bins[t]])
            mine = cv2.morphologyEx(mine.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
            mine = cv2.morphologyEx(mine, cv2.MORPH_CLOSE, np.ones((2 * TOUCHES + 1, 2 * TOUCHES + 1), np.uint8))
            found[i][t] |= large[t] & (mine > 0)


def _swings(places: Mosaic, H: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Where in a frame of the size of `like` limbs swing: bool [h, w]. places: as from `_places`."""
    return (render(places, H, like.shape[::-1], colour=False)[0] >= SWINGS).cpu().numpy()


def _places(where: np.ndarray, H: np.ndarray, present: np.ndarray) -> Mosaic:
    """How many frames show each place of a layer's canvas so, as its votes. where: bool [T, h, w]."""
    box = canvas_box(H, present, where.shape[:0:-1])
    total = torch.zeros(box[3] - box[1], box[2] - box[0])
    for t in np.flatnonzero(present & where.any((1, 2))):
        one = torch.from_numpy(where[t].astype(np.float32))
        total += on_canvas(ev.largest_near(one, 1), H[t], box)
    empty = torch.zeros_like(total)
    return Mosaic(empty.expand(3, -1, -1), total, empty, empty, empty, (float(box[0]), float(box[1])))


def all_of_one(rigid: Rigid, p: Pictures, plane: list[bool]) -> int | None:
    """The rigid sprite on which all but left-overs of the redrawn label hang, smaller than what they hang on, if any:
    nobody said that there are two, and nothing of a second one ever stands apart.

    p: [L, T, h, w], the redrawn label last. plane: which rigid labels are planes.
    """
    bodies = [i for i in range(1, len(rigid)) if not (plane[i] or rigid.painted[i])]
    if not bodies:
        return None
    label = labels_of(p).cpu().numpy()
    whole, held = 0, dict.fromkeys(bodies, 0)
    wide = np.ones((2 * TOUCHES + 1, 2 * TOUCHES + 1), np.uint8)
    for one in label:
        _, piece, stats, _ = cv2.connectedComponentsWithStats((one == len(rigid)).astype(np.uint8), connectivity=8)
        areas = stats[:, cv2.CC_STAT_AREA]
        whole += int(areas[1:].sum())
        for i in bodies:
            beside = cv2.dilate((one == i).astype(np.uint8), wide) > 0
            touched = np.bincount(piece[beside], minlength=len(areas)) >= HANGS
            held[i] += int(areas[1:][touched[1:] & (areas[1:] < (one == i).sum())].sum())
    best = max(bodies, key=lambda i: held[i])
    return best if held[best] > HANGING * whole else None


def _distance(where: np.ndarray) -> np.ndarray:
    """px from every pixel to the nearest of `where` bool [h, w]; inf if there is none."""
    if not where.any():
        return np.full(where.shape, np.inf, np.float32)
    return cv2.distanceTransform((~where).astype(np.uint8), cv2.DIST_L2, 3)


def changing(rigid: Rigid, p: Pictures, plane: list[bool]) -> list[int]:
    """Rigid sprites that are sometimes drawn otherwise: where they should be, what is behind them shows."""
    out, able = [], [i for i in range(1, len(rigid)) if not plane[i]]
    there = presence(rigid, p) if able else []
    size = p.shape[-1], p.shape[-2]
    for i in able:
        frames = 0
        for t in np.flatnonzero(rigid.present[i]):
            here = render(rigid.at(there, i, t), rigid.H[i][t], size, colour=False)
            solid = (here[0] > 0.6) & (here[1] >= 3)
            gone = float(((p[:i, t].sum(0) > 0.6) & solid).sum())
            mine = float(((p[i, t] > 0.5) & solid).sum())
            area = float(solid.sum())
            # hidden by others it would be gone too, but then nothing behind it would show
            frames += area > 50 and mine < 0.5 * area and gone > 0.05 * (area - mine)
        if frames >= 2:
            out.append(i)
    return out
