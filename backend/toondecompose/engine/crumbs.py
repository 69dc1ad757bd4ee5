"""Crumbs of scenery in sprites' masks, found once there are plates.

What no plane explains is taken for a redrawn sprite's, near one. But where planes slide over each other, out of focus,
or one of them was never found, they explain their own scenery badly in every frame, whether or not a sprite is near.
So a piece that a plane, followed to frames in which no sprite is there, leaves unexplained there as well is no sprite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .clip import FrameSource
from .strands import BESIDE, BODY, FAINT, HELD, SLIP, SQUARE, bits, carried, noise_of, recomposed, square, strongest
from .types import SolvedLayer

LOOKS = (3, 6, 10, 15, 21, 28)  # frames before and after in which a plane's piece is looked for
ASKED, UNEXPLAINED = 2, 0.6  # of them that must show the place without a sprite, and the share that must not explain it
ALIKE = 24  # levels; what shines through a soft edge changes a little
LEAST = 12  # working px; smaller pieces are an outline's mistakes


@dataclass
class View:
    """What the planes leave of a frame, as bits: odd, where they do not explain it; wide, the same and a px around;
    open, where no sprite is. bare: int16 [2, n], columns and rows of what is odd and open."""

    odd: np.ndarray
    wide: np.ndarray
    open: np.ndarray
    bare: np.ndarray


def drop_crumbs(source: FrameSource, layers: Sequence[SolvedLayer], masks: list[np.ndarray], growing: list[int],
                check: Callable[[], None] = lambda: None) -> int:
    """Give to planes, in place, what they own of sprites' masks -> how many px.

    layers: solved, back to front. masks: uint8 [T, hs, ws] each, what is visible of them. growing: the numbers of
    those that are redrawn sprites. check: called for every frame; raises once the job is cancelled."""
    planes = [i for i in range(len(layers)) if i not in growing]
    if not growing or len(planes) < 2:
        return 0
    hs, ws = masks[0].shape[1:]
    rigid = [layer for i, layer in enumerate(layers) if i not in growing]
    to_work = np.diag([ws / source.size[0], hs / source.size[1], 1.0])
    ways = {i: to_work @ layers[i].H @ np.linalg.inv(to_work) for i in planes}
    small = source.resized((ws, hs))
    views = []
    for t in range(source.count):
        check()
        views.append(_view(small.read(t), recomposed(rigid, t, source.size, (ws, hs)),
                           np.max([masks[k][t] for k in growing], axis=0)))
    total = 0
    for t in range(source.count):
        check()
        for k in growing:
            mask = masks[k][t]
            held = mask >= HELD
            here = held & np.unpackbits(views[t].odd, count=hs * ws).reshape(hs, ws).view(bool)
            owner, share = np.zeros((hs, ws), int), np.zeros((hs, ws), np.float32)
            for i in reversed(planes):  # of equals the nearest one
                ys, xs, fails = failing(ways[i], t, here, views, small)
                more = fails > share[ys, xs]
                owner[ys[more], xs[more]], share[ys[more], xs[more]] = i, fails[more]
            if np.count_nonzero(share) < LEAST:
                continue
            crumb = _large((share > 0).astype(np.uint8), held)
            if not crumb.any():
                continue
            usual = int(np.bincount(owner[crumb > 0]).argmax())
            gone = with_scraps(crumb, held, here)
            owner[gone & (crumb == 0)] = usual
            total += int(gone.sum())
            for i in planes:
                mine = gone & (owner == i)
                masks[i][t][mine] = np.maximum(masks[i][t][mine], mask[mine])
            mask[gone] = 0
    return total


def unexplained(frame: np.ndarray, picture: np.ndarray, known: np.ndarray, mine: np.ndarray) -> np.ndarray:
    """Where planes do not explain a frame, bool [h, w]. frame, picture: uint8 [h, w, 3], the latter as the planes give
    it; known: uint8 [h, w], where they do. mine: uint8 [h, w], the sprites' mask."""
    off = strongest(cv2.absdiff(frame, picture))
    noise = noise_of(off, (mine < HELD // 2) & (known >= BODY))
    slip = SLIP * strongest(cv2.subtract(cv2.dilate(picture, SQUARE), cv2.erode(picture, SQUARE))).astype(np.float32)
    return (off > FAINT * noise + slip) | (known < BODY)


def failing(H: np.ndarray, t: int, here: np.ndarray, views: list[View], frames: FrameSource
            ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns of the px of frame t, among bool [h, w], that a plane's motion H [T, 3, 3] takes to unexplained
    places of about the same colour in other frames, too, and in how large a share of these."""
    h, w = here.shape
    back = np.linalg.inv(H)
    looks = [u for u in (t + side * step for step in LOOKS for side in (-1, 1)) if 0 <= u < len(views)]
    near = np.zeros(h * w, np.uint8)
    for u in looks:  # few places are unexplained where no sprite is: only what they come from is asked about
        near[carried(H[t] @ back[u], views[u].bare, (h, w))[0]] = 1
    ys, xs = np.nonzero(cv2.dilate(near.reshape(h, w), square(2)).view(bool) & here)
    asked, fails = np.zeros(len(ys), int), np.zeros(len(ys), int)
    colour, px = frames.read(t)[ys, xs].astype(np.int16), np.stack([xs, ys])
    for u in looks if len(ys) >= LEAST else ():
        at, seen = carried(H[u] @ back[t], px, (h, w))
        clear = bits(views[u].open, at)
        at, seen = at[clear], seen[clear]
        asked[seen] += 1
        away = np.abs(frames.read(u).reshape(-1, 3)[at] - colour[seen])
        same = np.maximum(np.maximum(away[:, 0], away[:, 1]), away[:, 2]) < ALIKE
        fails[seen] += same & bits(views[u].wide, at)
    told = (asked >= ASKED) & (fails >= UNEXPLAINED * asked)
    return ys[told], xs[told], fails[told] / asked[told]


def with_scraps(crumb: np.ndarray, held: np.ndarray, here: np.ndarray) -> np.ndarray:
    """A crumb and the smaller pieces of a mask that hang on to the rest by it alone: bool [h, w]. held: bool [h, w],
    the mask; here: bool [h, w], where planes do not explain it."""
    crumb = cv2.morphologyEx(crumb, cv2.MORPH_CLOSE, SQUARE)
    gone = held & ((crumb > 0) | (cv2.dilate(crumb, SQUARE) > 0) & ~here)
    rest = (held & ~gone).astype(np.uint8)
    body = cv2.morphologyEx(rest, cv2.MORPH_OPEN, SQUARE)  # seams between crumbs are thin, and so are hairs
    count, label, stats, _ = cv2.connectedComponentsWithStats(body, connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= np.count_nonzero(crumb)
    large[0] = False
    kept = cv2.dilate(large[label].astype(np.uint8), square(2)) > 0
    near = cv2.dilate(crumb, square(2)) > 0
    count, label, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    clings = np.bincount(label[near], minlength=count)
    scrap = 2 * clings > stats[:, cv2.CC_STAT_AREA]
    scrap |= (clings > 0) & (stats[:, cv2.CC_STAT_AREA] < np.count_nonzero(crumb))
    scrap[0] = False
    return gone | (held & near & ~kept) | scrap[label]


def _large(mask: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The pieces of uint8 [h, w] that are large enough and reach the outside of a mask, bool [h, w]."""
    count, label, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    outside = np.bincount(label[cv2.dilate((~held).view(np.uint8), SQUARE) > 0], minlength=count) > 0
    keep = (stats[:, cv2.CC_STAT_AREA] >= LEAST) & outside
    keep[0] = False
    return keep[label].astype(np.uint8)


def _view(frame: np.ndarray, picture: tuple[np.ndarray, np.ndarray], mine: np.ndarray) -> View:
    odd = unexplained(frame, *picture, mine)
    open_ = cv2.dilate(mine, square(BESIDE)) < HELD
    wide = cv2.dilate(odd.view(np.uint8), SQUARE).view(bool)
    bare = odd & open_
    return View(*(np.packbits(one) for one in (odd, wide, open_)), np.stack(np.nonzero(bare)[::-1]).astype(np.int16))
