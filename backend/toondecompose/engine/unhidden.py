"""What a sprite gives up goes to the plane that it stands before.

Rough masks take the wall that shows between hairs for hair, so the wall has no such place wherever hair passes. Once
mattes have opened the gap, nothing is left there but what is behind the wall: each frame leaves its piece of wall on
the sky, and the wall keeps a hole. But nobody has ever seen the sky there. Where a plane's canvas is empty, nothing
behind it was told apart there in any frame, and the plane itself is all around, the plane goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from ..formats.conventions import translation
from .types import SolvedLayer
from .visible import to_opencv

HALF = 128  # of a mask: it is the likelier layer
SEEN_BEHIND = 0.5  # frames: fewer than one that showed what is behind has shown nothing, or fewer than were opened
OWN_RIM = 0.75  # of what is known around a hole must be the plane's: rough masks err by a px or two, and
KNOWN_RIM = 0.5  # of all that is around it must be known: what goes on under a picture's edge goes on nobody knows how
LEAST = 4  # working px; smaller holes close when pictures are resampled
LOOKS = 16  # frames between two rests


def keep_walls_whole(layers: Sequence[SolvedLayer], before: Sequence[np.ndarray], masks: Sequence[np.ndarray],
                     walls: Sequence[int], size: tuple[int, int], rest: Callable[[], None] = lambda: None) -> int:
    """Give to planes, in place, what rough masks have hidden of them and mattes have opened -> how many px.

    layers: solved, back to front. before, masks: uint8 [T, hs, ws] of each, what was visible of them by the rough masks
    and by the mattes. walls: the numbers of those that are planes, or one painting. size: the frame's (w, h) px.
    rest: gives back the memory of masks that were looked at, where they lie on a shelf."""
    return sum(_keep_whole(layers[k], before, masks, k, size, rest) for k in sorted(walls, reverse=True) if k > 0)


def _keep_whole(layer: SolvedLayer, before: Sequence[np.ndarray], masks: Sequence[np.ndarray], k: int,
                size: tuple[int, int], rest: Callable[[], None]) -> int:
    count, hs, ws = masks[k].shape
    opened: dict[int, np.ndarray] = {}  # numbers of px, by frame: they are few, and a long shot has many frames
    for t in np.flatnonzero(layer.exposure >= 0):
        px = np.flatnonzero(_opened(before, masks, k, t))
        if len(px):
            opened[int(t)] = px
        if t % LOOKS == 0:
            rest()
    if not opened:
        return 0
    part, corner = layer.drawings.part(0)
    scale = np.diag([ws / size[0], hs / size[1], 1.0])
    places = [to_opencv(scale @ H @ translation(*corner)) for H in layer.H]
    canvas = part.shape[1::-1]
    alpha = part[..., 3]

    def laid(picture: np.ndarray, t: int) -> np.ndarray:
        return cv2.warpPerspective(picture, places[t], canvas, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)

    told, shown = np.zeros(alpha.shape, np.float32), np.zeros(alpha.shape, np.float32)
    for t in range(count):
        if layer.exposure[t] >= 0:
            told += laid(np.max([before[j][t] for j in range(k)], axis=0), t)
            if t in opened:
                shown += laid(_picture(opened[t], (hs, ws)), t)
        if t % LOOKS == 0:
            rest()
    behind = told >= np.maximum(SEEN_BEHIND * 255, shown)
    hole = whole_walls(alpha >= HALF, behind, shown >= HALF)
    total = 0
    for t, px in opened.items() if hole.any() else ():
        placed = cv2.warpPerspective(hole.astype(np.uint8) * 255, places[t], (ws, hs), flags=cv2.INTER_LINEAR)
        mine = (cv2.dilate(placed, np.ones((3, 3), np.uint8)) >= HALF) & (_picture(px, (hs, ws)) > 0)
        # rounded masks may sum to more than 255, and what fades behind is counted as if it did not
        whole = np.sum([one[t][mine] for one in masks[:k + 1]], axis=0, dtype=np.uint16)
        masks[k][t][mine] = np.minimum(whole, 255)
        for j in range(k):
            masks[j][t][mine] = 0
        total += int(mine.sum())
        if t % LOOKS == 0:
            rest()
    return total


def _opened(before: Sequence[np.ndarray], masks: Sequence[np.ndarray], k: int, t: int) -> np.ndarray:
    """Where something in front of layer k hid it by the rough masks of frame t, and what is behind k shows by the
    mattes: bool [h, w]."""
    if k + 1 == len(before):
        return np.zeros(masks[k].shape[1:], bool)
    hid = np.max([one[t] for one in before[k + 1:]], axis=0)
    shows = np.sum([one[t] for one in masks[:k]], axis=0, dtype=np.uint16)
    return (hid >= HALF) & (shows >= HALF)


def _picture(px: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """uint8 of a shape (h, w), 255 at the pixels of these numbers and 0 elsewhere."""
    out = np.zeros(shape, np.uint8)
    out.reshape(-1)[px] = 255
    return out


def whole_walls(own: np.ndarray, behind: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Which holes of a plane are none, bool [h, w] on its canvas.

    own: bool [h, w], where the plane is. behind: where something behind it was seen. empty: where it lacks px that some
    frame shows and nothing else explains."""
    count, piece, stats, _ = cv2.connectedComponentsWithStats((empty & ~own & ~behind).astype(np.uint8), connectivity=8)
    out = np.zeros(own.shape, bool)
    for i in range(1, count):
        x, y, w, h, area = stats[i]
        if area < LEAST:
            continue
        y0, x0 = max(0, y - 1), max(0, x - 1)
        near = np.s_[y0:y + h + 1, x0:x + w + 1]
        mine = piece[near] == i
        rim = (cv2.dilate(mine.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~mine
        plane, other = np.count_nonzero(rim & own[near]), np.count_nonzero(rim & behind[near] & ~own[near])
        if plane and plane >= OWN_RIM * (plane + other) and plane >= KNOWN_RIM * np.count_nonzero(rim):
            out[near] |= mine
    return out
