"""Who keeps to one place and is drawn anew there: poses held in turn, most of which a painting's mosaic would show.

Each pose repeats with the painting as well as the painting does, and what is behind may be bare for a few frames only.
But an edge moves with its occluder: a pose breaks off along its outline, where the painting goes on in the frames of
another pose. From there both spread through the pictures, up to their lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from . import evidence as ev
from .canvas import Box, Mosaic, canvas_box, excuse, render, sample_bytes, slope, whole_picture
from .film import Pictures
from .mosaic import temporal_mode
from .standing import AROUND, CLEAR, FITS, LEAST_AREA, LEAST_FRAMES, MOST_FRAMES, WEAK, break_off, what_differs
from .turns import looked_at, turns
from .walker import spread

PURE = 0.5  # of the frames of a view that show a place look alike there: it is not a mixture of what passes
# of the rim of what differs between two views has something beside it that does not: who passes by leaves only his flat
# colours in a view, without his outlines
TOLD = 0.5
WHOLE = 0.5  # so clearly, -1..1, one of two views breaks off along all of a piece: the piece is all his,
HINT = 0.1  # which counts as much as this beside what is seen at its rim
# and this much that a place is deep inside what changes and the frame's edge cuts, where nothing was seen: there is no
# rim to tell of it, and it is rather his
ENCLOSED = 2e-4
NEAR_STILL = 0.2  # of a rim's surroundings is still, and goes on to the frame's border: it is the painting that goes on
# of the frame's width from anything that changes: surely the painting. Passages between what changes that are
# narrower than twice that lead into a body, as into its jumper, not around it
AWAY = 0.02
SOMEONE, NOBODY = 0.6, 0.3  # probabilities from which, and up to which, somebody is taken to be there or not
MANY = 0.4  # of the frames that show a place show somebody there: the mosaic may show him, too
# of the frames look one way in some places, if anybody keeps to them: who only passes by holds each pose for less
LONG = 1 / 3
LEAST_BODY = 0.004  # of the frame's area, that is so often hidden: of less the mosaic takes no harm


@dataclass
class Poses:
    """A painting's canvas in the frames of each pose. views: float32 [n, 6, h, w], `render`'s channels and how many
    frames show a point. figure: [n, h, w] 0..1, where somebody is. place: bool [h, w], where anybody ever is. corner:
    of the box, on the canvas."""

    views: torch.Tensor
    figure: torch.Tensor
    place: torch.Tensor
    corner: tuple[float, float]


def _view(frames: Pictures, H: np.ndarray, some: np.ndarray, box: Box) -> torch.Tensor:
    """A painting's picture from some frames on a box of its canvas, [6, h, w] as in Poses.views."""
    some = some[:: -(-len(some) // MOST_FRAMES)]
    h, w = box[3] - box[1], box[2] - box[0]
    samples = torch.empty(3, len(some), h, w, dtype=torch.uint8, device=frames.device)
    inside = torch.empty(len(some), h, w, dtype=torch.uint8, device=frames.device)
    for i, t in enumerate(some):
        samples[:, i], inside[i] = sample_bytes(frames[t], H[t], box)
    weight = inside.flatten(1).to(torch.float32)
    mode, votes, scatter = temporal_mode(samples.flatten(2), weight, inside.flatten(1))
    mode, seen = mode.view(3, h, w), weight.sum(0).view(h, w)
    return torch.stack([*mode, votes.view(h, w), excuse(slope(mode), scatter.view(h, w)), seen])


def _breaks(a: torch.Tensor, b: torch.Tensor, noise: float, least: float) -> tuple[np.ndarray, torch.Tensor] | None:
    """Where two views differ, bool [h, w], and which of them breaks off there, the first (to 1) or the second (to -1):
    float32 [h, w], at the rims of what differs, and weakly within pieces that are plainly one's. least: px of a piece.
    """
    change, same = what_differs(a, b, noise, PURE)
    small = np.ones((3, 3), np.uint8)
    count, piece, stats, _ = cv2.connectedComponentsWithStats(change)
    mask = (stats[:, cv2.CC_STAT_AREA] >= least)[piece].astype(np.uint8) * change
    if not mask.any():
        return None
    inner, beyond, edge = (torch.from_numpy(one).to(a) for one in (
        cv2.erode(mask, small), 1 - cv2.dilate(mask, small), mask - cv2.erode(mask, small)))
    outer = beyond * same
    breaks = [break_off(side[:3], inner, outer) for side in (a, b)]
    clear = (breaks[0] - breaks[1]) / (breaks[0] + breaks[1] + WEAK)
    rim = (edge > 0) & (ev.blur(inner, AROUND) > 0.05) & (ev.blur(outer, AROUND) > 0.05)
    rims, told = (np.bincount(piece[of.cpu().numpy()], minlength=count) for of in (edge > 0, rim))
    held = told >= TOLD * rims
    held[0] = False
    rim &= torch.from_numpy(held[piece]).to(rim.device)
    clear = torch.where(rim, clear, torch.zeros_like(clear))
    mean = np.bincount(piece.ravel(), clear.cpu().numpy().ravel(), count) / np.maximum(told, 1)
    mean[np.abs(mean) < WHOLE] = 0
    mask &= held[piece]
    return mask > 0, torch.where(clear.abs() > CLEAR, clear, HINT * torch.from_numpy(mean[piece] * mask).to(clear))


def _outside(mask: np.ndarray, within: np.ndarray) -> np.ndarray:
    """The pieces of a mask bool [h, w] that touch the border of `within`; but not those that touch it only from above:
    there the frame may cut somebody."""
    mask, beyond = mask & within, ~np.pad(within, 1)
    beyond = beyond[:-2, 1:-1] | beyond[1:-1, :-2] | beyond[1:-1, 2:]
    _, piece = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    return mask & np.isin(piece, np.unique(piece[beyond & mask]))


def _cut_below(mask: np.ndarray, within: np.ndarray) -> np.ndarray:
    """The pieces of a mask bool [h, w] that the lower border of `within` cuts."""
    own, below = mask & within, ~np.pad(within, 1)[2:, 1:-1]
    _, piece = cv2.connectedComponents(own.astype(np.uint8), connectivity=4)
    return own & np.isin(piece, np.unique(piece[below & own]))


def _as_nearest(mask: np.ndarray, within: np.ndarray) -> np.ndarray:
    """A mask bool [h, w] that outside of `within` is what it is at the nearest place of that."""
    _, nearest = cv2.distanceTransformWithLabels((~within).astype(np.uint8), cv2.DIST_L2, 5,
                                                 labelType=cv2.DIST_LABEL_PIXEL)
    told = np.zeros(nearest.max() + 1, bool)
    told[nearest[within]] = mask[within]
    return told[nearest]


def _mostly_hidden(figure: np.ndarray, sets: list[np.ndarray], seen: np.ndarray) -> np.ndarray:
    """Where somebody is to be seen in many of the frames that show a place, so that the mosaic shows him: bool [h, w].

    figure: bool [n, h, w], where somebody is in each set of frames. seen: frames that show each place, [h, w]."""
    shown = np.zeros(seen.shape, np.int32)
    for t in np.unique(np.concatenate(sets)):
        shown += figure[[t in some for some in sets]].any(0)
    return shown >= np.maximum(MANY * seen, LEAST_FRAMES)


def _seen(shape: torch.Size, H: np.ndarray, use: np.ndarray, box: Box) -> np.ndarray:
    """How many of the frames `use` of a shape [T, 3, h, w] show each place of a canvas' box."""
    out = np.zeros((box[3] - box[1], box[2] - box[0]), np.int32)
    for t in use:
        out += sample_bytes(torch.zeros(3, *shape[2:], dtype=torch.uint8), H[t], box)[1].numpy()
    return out


def poses(frames: Pictures, H: np.ndarray, present: np.ndarray, noise: float) -> Poses | None:
    """The poses of all who are drawn anew in their places on a painting; None if nobody is.

    frames: uint8 [T, 3, h, w]. H [T, 3, 3], present [T]: the painting's path in these pixels."""
    sets = turns(frames, H, present, noise)
    if len(sets) < 2 or max(len(some) for some in sets) < LONG * len(looked_at(present)):
        return None
    h, w = frames.shape[-2:]
    box = canvas_box(H, present, (w, h))
    views = torch.stack([_view(frames, H, some, box) for some in sets])
    hints, changed, compared = [], np.zeros(views.shape[-2:], bool), np.zeros(views.shape[-2:], bool)
    for i in range(len(views)):
        for j in range(i):
            found = _breaks(views[i], views[j], noise, LEAST_AREA * h * w)
            if found is not None:
                changed |= found[0]
                compared |= (torch.minimum(views[i, 5], views[j, 5]) >= LEAST_FRAMES - 0.5).cpu().numpy()
                hints += [(i, found[1]), (j, -found[1])]
    if not changed.any():
        return None
    far = cv2.distanceTransform((~changed).astype(np.uint8), cv2.DIST_L2, 5) > AWAY * w
    far = _as_nearest(_outside(far, compared), compared)
    still = cv2.distanceTransform((~far).astype(np.uint8), cv2.DIST_L2, 5) <= AWAY * w
    still = torch.from_numpy(still & ~changed).to(views.device)
    goes_on = ev.blur(still.to(torch.float32), AROUND) > NEAR_STILL
    bare = torch.from_numpy(far).to(views) * (views[:, 3] >= 1)
    seeds = torch.zeros_like(bare)
    for i, clear in hints:
        seeds[i] = torch.maximum(seeds[i], clear)
        bare[i] = torch.maximum(bare[i], -clear * (goes_on | (clear > -CLEAR)))
    open_ = (~still).cpu().numpy()
    inside = (cv2.distanceTransform(open_.view(np.uint8), cv2.DIST_L2, 5) > AWAY * w) & _cut_below(open_, compared)
    seeds += ENCLOSED * torch.from_numpy(inside).to(seeds) * (seeds + bare == 0)
    total = seeds + bare
    figure = spread(views[:, :3].contiguous(), (seeds / total.clamp_min(1e-6))[None], total)[0] * ~still
    count, piece = cv2.connectedComponents((~still).to(torch.uint8).cpu().numpy())
    who = (figure > SOMEONE) & (views[:, 3] >= PURE * views[:, 5])
    hidden = _mostly_hidden(who.cpu().numpy(), sets, _seen(frames.shape, H, looked_at(present), box)) & changed
    bodies = np.bincount(piece[hidden], minlength=count) >= LEAST_BODY * h * w
    bodies[0] = False
    if not bodies.any():
        return None
    here = torch.from_numpy(bodies[piece]).to(views.device)
    figure = figure * here
    place = (figure > SOMEONE).any(0) & here & torch.from_numpy(changed).to(views.device)
    return Poses(views, figure, place, (float(box[0]), float(box[1])))


def settle_poses(first: Pictures, frames: Pictures, H: np.ndarray, present: np.ndarray, noise: float) -> None:
    """Give whoever is drawn anew in his place to the redrawn sprites, and what is bare there to the painting, in place.

    first: first_mass [2, T, h, w], the painting and the redrawn label. Others as in `poses`."""
    found = poses(frames, H, present, noise)
    if found is None:
        return
    size, views = frames.shape[:1:-1], found.views
    pure = views[:, 3] / views[:, 5].clamp_min(1) * (views[:, 3] >= LEAST_FRAMES - 0.5)
    for t in np.flatnonzero(present):
        picture = whole_picture(frames[t])
        best, who, place = torch.full_like(picture[0], PURE), torch.full_like(picture[0], -1), None
        least = torch.ones_like(picture[0])  # how surely somebody is there in every pose
        for view, share, figure in zip(views, pure, found.figure, strict=True):
            back, side = (render(Mosaic(planes, share, view[5], view[4], view[4], found.corner), H[t], size)
                          for planes in (view[:3], torch.stack([figure, found.place.to(figure), figure])))
            least = torch.where(back[3] > PURE, torch.minimum(least, side[0]), least)
            better = (ev.misfit(picture, back, noise) < FITS) & (back[3] > best)
            best, who, place = torch.where(better, back[3], best), torch.where(better, side[0], who), side[1] > 0.5
        who = torch.where((who < 0) & place & (least > SOMEONE), least, who)  # a look of his that no pose has
        like, behind = who > SOMEONE, (who >= 0) & (who < NOBODY) & place
        mine, redrawn = first[0, t], first[1, t]
        mine.copy_(torch.maximum(mine * ~like, behind.to(mine)))
        redrawn.copy_(torch.maximum(redrawn * ~behind, like.to(mine)))
