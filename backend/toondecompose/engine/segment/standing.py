"""Who comes and stops, or stands for a while and leaves: what keeps still with a painting is not all painting.

While a sprite stands it repeats under the painting's motion as well as the painting does, and where it stands for
longer than not the painting's mosaic would show it. But a place that looks one way up to some moment and another way
from then on was covered in one of the two. An edge moves with its occluder: along the outline of what changed, the
picture with the sprite breaks off, and the one without it goes on. (The test that tells a thing left behind from one
taken away; Cucchiara et al. 2003, Detecting moving objects, ghosts and shadows in video streams.)
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from . import evidence as ev
from .canvas import Box, excuse, overlap, sample_bytes, sample_planes, slope, whole_picture
from .film import Pictures
from .mosaic import temporal_mode
from .parallax import speeds
from .roles import CLEARER

MOMENTS = (0.15, 0.5, 0.85)  # shares of the time that a place is seen at which before and after are compared
MOST_FRAMES = 16  # of each side that are looked at: two pictures are to be told apart, not to be exact
OFTEN_ALIKE = 0.4  # of the frames that show a point before or after: it is known how it looks
LEAST_FRAMES = 3  # of one side that must look alike: fewer is someone who passes
DIFFERS = 3.0  # standard deviations of misfit by which the two pictures differ;
FITS = 2.2  # and up to which one explains a frame
LEAST_AREA = 0.0015  # of the frame: of a smaller piece the outline says little
MOST_AREA = 0.5  # of the frame: more is a light that was turned on
AROUND = 1.5  # px at labelling size on either side of an outline, beyond its soft edge
WEAK = 12.0  # grey levels: breaks along an outline that are weaker than this say little
MARGIN = 4  # px around a piece: what a misfit is blurred with
CLEAR = 0.25  # of the outline's break, -1..1, between the two pictures
# of the rim of what differs has something beside it that surely does not: who moves his limbs leaves only flat colours
# in either picture, without what was around them, and where both show some of his jumper, that seems to go on
TOLD = 0.3
OFTEN = 0.2  # of the frames: who stands more briefly repeats too seldom to be taken for the painting
ASKED = 3  # frames, at least, that are asked whether a piece is another layer's before it is followed through the shot
AT_ONCE = 0.6  # of a piece's pixels look one way in the same frames: it stands, and is not passing by


def _moments(use: np.ndarray, speed: float, width: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Frames before and after each moment to compare, of those that still show what the moment's frame shows."""
    seen = len(use) if speed * len(use) < width else max(2 * LEAST_FRAMES, int(width / speed))
    cuts = {round(start + share * seen) for start in range(0, len(use) - seen + 1, max(1, seen // 2))
            for share in MOMENTS}
    out = []
    for cut in sorted(cuts):
        sides = use[max(0, cut - seen):cut], use[cut:cut + seen]
        if min(map(len, sides)) >= LEAST_FRAMES:
            out.append(tuple(one[:: -(-len(one) // MOST_FRAMES)] for one in sides))
    return out


def _side(frames: Pictures, H: np.ndarray, some: np.ndarray, at: int) -> torch.Tensor:
    """The layer's picture from some frames, as frame `at` would show it: `render`'s channels and how many frames show a
    point, [6, h, w]."""
    h, w = frames.shape[-2:]
    samples = torch.empty(3, len(some), h, w, dtype=torch.uint8, device=frames.device)
    inside = torch.empty(len(some), h, w, dtype=torch.uint8, device=frames.device)
    for i, t in enumerate(some):
        samples[:, i], inside[i] = sample_bytes(frames[t], H[t] @ np.linalg.inv(H[at]), (0, 0, w, h))
    weight = inside.flatten(1).to(torch.float32)
    mode, votes, scatter = temporal_mode(samples.flatten(2), weight, inside.flatten(1))
    mode, seen = mode.view(3, h, w), weight.sum(0)
    excused = excuse(slope(mode), scatter.view(h, w))
    return torch.stack([*mode, votes.view(h, w), excused, seen.view(h, w)])


def break_off(picture: torch.Tensor, inner: torch.Tensor, outer: torch.Tensor) -> torch.Tensor:
    """How much a picture float32 [3, h, w] differs between `inner` and `outer` (float32 [h, w], 0 or 1) near each
    pixel: [h, w], grey levels, largest channel."""
    mean = [ev.blur(picture * side, AROUND) / ev.blur(side, AROUND).clamp_min(1e-3) for side in (inner, outer)]
    return (mean[0] - mean[1]).abs().amax(0)


def what_differs(a: torch.Tensor, b: torch.Tensor, noise: float, pure: float) -> tuple[np.ndarray, torch.Tensor]:
    """Where two pictures of a layer differ, uint8 [h, w], 0 or 1, and where they surely do not, bool [h, w].

    a, b: [6, h, w], `render`'s channels and how many frames show a point. pure: of those frames, how many must look
    alike for a point to be known."""
    known = torch.minimum(a[3], b[3]) >= LEAST_FRAMES - 0.5
    for side in (a, b):
        known &= side[3] >= pure * side[5]
    apart = torch.minimum(ev.misfit(a[:3], b, noise), ev.misfit(b[:3], a, noise))
    change = ((apart > DIFFERS) & known).to(torch.uint8).cpu().numpy()
    change = cv2.morphologyEx(change, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    change = cv2.morphologyEx(change, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))  # not a thread along an edge
    return change, (apart < FITS) & known


def _covered(before: torch.Tensor, after: torch.Tensor, noise: float) -> list[tuple[torch.Tensor, bool]]:
    """Pieces that look otherwise before and after: (mask bool [h, w], whether the later picture is the covered one).

    before, after: the layer's picture from either side (`_side`).
    """
    change, same = what_differs(before, after, noise, OFTEN_ALIKE)
    small = np.ones((3, 3), np.uint8)
    count, piece, stats, _ = cv2.connectedComponentsWithStats(change)
    out = []
    for k in range(1, count):
        if not LEAST_AREA * change.size <= stats[k, cv2.CC_STAT_AREA] <= MOST_AREA * change.size:
            continue
        mask = (piece == k).astype(np.uint8)
        inner = torch.from_numpy(cv2.erode(mask, small)).to(before)
        beyond = torch.from_numpy(1 - cv2.dilate(mask, small)).to(before)
        rim = torch.from_numpy(cv2.dilate(mask, small) - cv2.erode(mask, small)).to(before) > 0
        outer = beyond * same
        whole = int(rim.sum())
        rim &= (ev.blur(inner, AROUND) > 0.05) & (ev.blur(outer, AROUND) > 0.05)
        if int(rim.sum()) < max(1, TOLD * whole):
            continue
        b, a = (break_off(side[:3], inner, outer)[rim] for side in (before, after))
        clear = float(((a - b) / (a + b + WEAK)).mean())
        if abs(clear) >= CLEAR:
            out.append((torch.from_numpy(mask > 0).to(before.device), clear > 0))
    return out


def _seen_from(box: Box, H: np.ndarray, size: tuple[int, int]) -> Box | None:
    """The whole-pixel box of a frame of `size` (w, h) that holds H(box) and a little around it, or None."""
    corners = np.array([[x, y, 1.0] for x in box[::2] for y in box[1::2]]) @ H.T
    if corners[:, 2].min() < 1e-6:
        return (0, 0, *size)
    at = corners[:, :2] / corners[:, 2:]
    low, high = np.floor(at.min(0)).astype(int) - MARGIN, np.ceil(at.max(0)).astype(int) + MARGIN
    return overlap((0, 0, *size), (int(low[0]), int(low[1]), int(high[0]), int(high[1])))


@dataclass
class Stand:
    """Someone who stands on a painting: what looks like him and what like the painting there, per frame that shows it.

    like: {frame: (box, bool [2, hb, wb])}, him and the painting. share: [2, T], of the piece in view that looks so.
    """

    like: dict[int, tuple[Box, torch.Tensor]]
    share: np.ndarray


def _followed(frames: Pictures, H: np.ndarray, use: np.ndarray, at: int, mask: torch.Tensor, stands: torch.Tensor,
              behind: torch.Tensor, noise: float) -> Stand:
    """Where in every frame a piece looks as he who stands there does, or as what is behind him.

    mask: bool [h, w], the piece in frame `at`; stands, behind: both pictures as that frame shows them (`_side`).
    """
    size = frames.shape[-1], frames.shape[-2]
    rows, columns = (torch.nonzero(mask.any(axis))[:, 0] for axis in (1, 0))
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    whole = _seen_from(box, np.eye(3), size)
    part = slice(whole[1], whole[3]), slice(whole[0], whole[2])
    planes = torch.cat([stands[:, *part], behind[:, *part], mask[None, *part].to(torch.float32)])
    corner = np.array([[1, 0, -whole[0]], [0, 1, -whole[1]], [0, 0, 1.0]])
    out = Stand({}, np.zeros((2, len(frames))))
    for t in (int(t) for t in use):
        there = _seen_from(box, H[t] @ np.linalg.inv(H[at]), size)
        if there is None:
            continue
        x0, y0, x1, y1 = there
        moved, inside = sample_planes(planes, corner @ H[at] @ np.linalg.inv(H[t]), (x1 - x0, y1 - y0),
                                      (float(x0), float(y0)))
        here = (moved[12] > 0.5) & (inside > 0)
        if float(here.sum()) < 0.5 * float(mask.sum()):
            continue
        picture = whole_picture(frames[t, :, y0:y1, x0:x1])
        z = [ev.misfit(picture, back, noise) for back in (moved[:6], moved[6:12])]
        like = torch.stack([here & (z[side] < FITS) & (z[side] < z[1 - side]) for side in (0, 1)])
        out.like[t], out.share[:, t] = (there, like), (like.sum((1, 2)) / here.sum()).cpu().numpy()
    return out


def _own(stand: Stand, share: Pictures, others: list[Pictures]) -> bool:
    """Whether who stands repeats under his plane's motion more than under any other layer's: a trunk that slides by
    slowly before a sky, flat enough to agree with itself while it passes, is its own plane's."""
    if not others:
        return True
    mine, theirs, count = 0.0, 0.0, 0
    for t, ((x0, y0, x1, y1), (like, _)) in stand.like.items():
        if stand.share[0, t] >= AT_ONCE:
            mine += float(share[t, y0:y1, x0:x1][like].float().sum())
            theirs += float(torch.stack([one[t, y0:y1, x0:x1][like] for one in others]).amax(0).float().sum())
            count += int(like.sum())
    return mine - theirs >= CLEARER * count > 0


def _uncovered(stand: Stand, share: Pictures, others: list[Pictures], texture: Pictures) -> bool:
    """Whether what seems to be the painting behind him is another layer, which hides the painting until it slides away:
    lines there repeat more under that one's motion. (Flat colour repeats under any, and says nothing.)"""
    mine, theirs, count = 0.0, 0.0, 0.0
    for t, ((x0, y0, x1, y1), (_, behind)) in stand.like.items():
        if others and stand.share[1, t] >= AT_ONCE:
            lines = texture[t, y0:y1, x0:x1][behind].float() / 255
            mine += float((share[t, y0:y1, x0:x1][behind].float() * lines).sum())
            theirs += float((torch.stack([one[t, y0:y1, x0:x1][behind] for one in others]).amax(0).float()
                             * lines).sum())
            count += float(lines.sum())
    return theirs - mine >= CLEARER * count > 0


def who_stands(frames: Pictures, H: np.ndarray, present: np.ndarray, share: Pictures,
               others: list[Pictures], texture: Pictures, noise: float) -> list[Stand]:
    """Sprites that stand on a painting for so long that they may be taken for it.

    frames: uint8 [T, 3, h, w]. H [T, 3, 3], present [T]: the painting's path in these pixels. share: [T, h, w], how
    often each pixel repeats under its motion; others: the same of every other layer. texture: uint8 [T, h, w].
    """
    use, (h, w) = np.flatnonzero(present), frames.shape[-2:]
    out = []
    for sides in _moments(use, speeds([H], [present], (w, h))[0], w):
        at = int(sides[1][0])
        pair = [_side(frames, H, some, at) for some in sides]
        for mask, later in _covered(*pair, noise):
            some = sides[later][:: max(1, len(sides[later]) // ASKED)]
            piece = at, mask, pair[later], pair[not later], noise
            if not _own(_followed(frames, H, some, *piece), share, others):
                continue
            found = _followed(frames, H, use, *piece)
            stands, empty = (found.share >= AT_ONCE).sum(1)
            if (empty >= LEAST_FRAMES and stands > max(LEAST_FRAMES, OFTEN * (stands + empty))
                    and not _uncovered(found, share, others, texture)):
                out.append(found)
    return out


def settle(first: Pictures, frames: Pictures, H: list[np.ndarray], present: list[np.ndarray],
           planes: list[int], shares: list[Pictures], texture: Pictures, noise: float) -> None:
    """Give who stands before a painting to the redrawn sprites, and what it covers to the painting, in place.

    first: first_mass [L, T, h, w], the redrawn label last. H, present: every rigid label's path. planes: the labels
    that are paintings. shares: of every rigid label, [T, h, w], how often each pixel repeats under its motion.
    """
    for k in planes:
        others = [share for i, share in enumerate(shares) if i != k]
        for stand in who_stands(frames, H[k], present[k], shares[k], others, texture, noise):
            for t, ((x0, y0, x1, y1), (like, behind)) in stand.like.items():
                mine, redrawn = (first[i, t, y0:y1, x0:x1] for i in (k, -1))
                here, gone = stand.share[:, t] >= AT_ONCE
                mine.copy_(torch.maximum(mine * ~like, behind.to(mine) * float(gone)))
                redrawn.copy_(torch.maximum(redrawn * ~behind, like.to(mine) * float(here)))
