"""Several bodies on one motion: two who are held on one peg, and talk. They are sprites of their own, and their mouths
and eyes, which are drawn anew, belong to them."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from .canvas import canvas_box, gather

BODY = 128  # value of a mask from which it says that a body is there
RIM, RING = 3, 6  # px around what is drawn anew: a mixed edge, which may be anybody's; and where its body is looked for
INSIDE = 0.8  # of such rings is one rigid sprite's: what is drawn anew lies in it
# times its largest area that what is drawn anew covers of a canvas, all in all: eyes and a mouth; who walks by covers
# more
SAME_PLACE = 6.0
# scraps, which one leaves behind who nods or stirs, have no more than this share of the rigid sprite's area, and no
# less than this share of them lies within RING px of it
SCRAPS, CLING = 0.02, 0.67
# of the frame's width: what joins two bodies, a board of the floor behind both, is thinner than twice that
THIN = 0.012
LEAST_BODY = 0.25  # of the largest body's area: smaller pieces are parts of the body next to them
SEEN = 3.0  # frames that must show a place of a canvas


def lies_in(drawn: np.ndarray, body: np.ndarray) -> float:
    """How much of what surrounds the pieces of one sprite is another one: 0..1. drawn, body: masks uint8 [T, h, w]."""
    rim, wide = (np.ones((2 * r + 1, 2 * r + 1), np.uint8) for r in (RIM, RING))
    around = total = 0
    for piece, other in zip(drawn, body, strict=True):
        piece = (piece >= BODY).astype(np.uint8)
        if piece.any():
            ring = cv2.dilate(piece, wide) > cv2.dilate(piece, rim)
            total += np.count_nonzero(ring)
            around += np.count_nonzero(ring & (other >= BODY))
    return around / total if total else 1.0


def scraps_of(drawn: np.ndarray, body: np.ndarray) -> bool:
    """Whether one sprite, over all frames, is no more than scraps that cling to another one. drawn, body: masks uint8
    [T, h, w]."""
    wide = np.ones((2 * RING + 1,) * 2, np.uint8)
    near = total = whole = 0
    for piece, other in zip(drawn, body, strict=True):
        piece, other = piece >= BODY, other >= BODY
        total, whole = total + np.count_nonzero(piece), whole + np.count_nonzero(other)
        if piece.any():
            near += np.count_nonzero(cv2.dilate(other.view(np.uint8), wide)[piece])
    return total <= SCRAPS * whole and near >= CLING * total


def on_canvas(mask: np.ndarray, H: np.ndarray, present: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Share of the frames that show a place of a layer's canvas in which the mask covers it: float32 [hc, wc] 0..1.

    mask: uint8 [T, h, w]. H: [T, 3, 3] canvas -> frame. box: of the canvas (canvas.canvas_box)."""
    mine = seen = np.zeros((box[3] - box[1], box[2] - box[0]), np.float32)
    for t in np.flatnonzero(present):
        one = torch.from_numpy((mask[t] >= BODY).astype(np.float32))[None, None]
        got = gather(one, H[t : t + 1], [0], box)[0].numpy()
        mine, seen = mine + got[0] * got[-1], seen + got[-1]
    return np.where(seen >= min(SEEN, present.sum()), mine / np.maximum(seen, 1e-6), 0)


def bodies_of(shown: np.ndarray, width: int, most: int) -> np.ndarray:
    """The bodies of a sprite on its canvas: uint8 [hc, wc], 1, 2, ... the largest first; every place is the nearest's.

    shown: bool [hc, wc], where the sprite is. width: of a frame, px. most: bodies to tell apart.
    """
    reach = max(2, round(THIN * width))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    shown = shown.astype(np.uint8)
    # the canvas' border cuts bodies off; they go on beyond it
    cores = cv2.morphologyEx(cv2.copyMakeBorder(shown, *(reach,) * 4, cv2.BORDER_REPLICATE), cv2.MORPH_OPEN, disk)
    _, piece, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(cores[reach:-reach, reach:-reach]))
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = [k for k in np.argsort(-areas, kind="stable") if areas[k] >= LEAST_BODY * areas.max(initial=1)][:most]
    label = np.zeros(shown.shape, np.uint8)
    for number, k in enumerate(large, 1):
        label[piece == k + 1] = number
    if len(large) < 2:
        return np.full(shown.shape, len(large), np.uint8)
    small = np.ones((3, 3), np.uint8)
    while True:  # along the sprite itself: a strand of hair is the head's from which it hangs
        grown = np.where((label == 0) & (shown > 0), cv2.dilate(label, small), label)
        if np.array_equal(grown, label):
            break
        label = grown
    away = np.stack([cv2.distanceTransform((label != n).astype(np.uint8), cv2.DIST_L2, 5)
                     for n in range(1, len(large) + 1)])
    return np.where(label > 0, label, away.argmin(0).astype(np.uint8) + 1)


def in_frame(label: np.ndarray, H: np.ndarray, box: tuple[int, int, int, int], size: tuple[int, int]) -> np.ndarray:
    """Labels of a canvas' box, uint8, in a frame of size (w, h); H: canvas -> frame."""
    centre, corner = np.eye(3), np.eye(3)
    centre[:2, 2], corner[:2, 2] = -0.5, (box[0] + 0.5, box[1] + 0.5)
    return cv2.warpPerspective(label, centre @ H @ corner, size, flags=cv2.INTER_NEAREST,
                               borderMode=cv2.BORDER_REPLICATE)


def by_bodies(masks: np.ndarray, H: list[np.ndarray], present: list[np.ndarray], sprites: list[int], drawn: list[int]
              ) -> dict[int, int]:
    """Divide rigid sprites in which lies what was taken for further sprites, or of which those are scraps, into as many
    bodies. masks change in place.

    masks: uint8 [L, T, h, w]. H, present: of every rigid layer, canvas -> frame at the masks' size. sprites: rigid
    layers that are no planes. drawn: labels without a motion. Returns {label: rigid layer whose body it is now}.
    """
    out: dict[int, int] = {}
    size = masks.shape[:1:-1]
    for i in sprites:
        scraps = [k for k in drawn if k not in out and scraps_of(masks[k], masks[i])]
        mine = [k for k in drawn if k not in out and (k in scraps or lies_in(masks[k], masks[i]) >= INSIDE)]
        if not mine:
            continue
        box = canvas_box(H[i], present[i], size)
        changes = [on_canvas(masks[k], H[i], present[i], box) for k in mine]
        usual = [max([int((m >= BODY).sum()) for m in masks[k]], default=0) for k in mine]
        mine = [k for k, where, area in zip(mine, changes, usual, strict=True)
                if k in scraps or np.count_nonzero(where > 0) <= SAME_PLACE * max(area, 1)]
        union = masks[[i, *mine]].max(0)
        shown = on_canvas(union, H[i], present[i], box) > 0.5
        label = bodies_of(shown, size[0], len(mine) + 1)
        if not mine or label.max() != len(mine) + 1:
            continue
        for t in range(masks.shape[1]):
            whose, solid = (in_frame(one, H[i][t], box, size) for one in (label, shown.astype(np.uint8)))
            whole = np.minimum(masks[[i, *mine], t].sum(0, dtype=np.int32), 255).astype(np.uint8)
            rim = cv2.dilate((masks[mine, t].max(0) >= BODY).astype(np.uint8), np.ones((2 * RIM + 1,) * 2, np.uint8))
            rim &= solid
            whole[rim > 0] = 255
            masks[:, t] *= 1 - rim
            for number, k in enumerate([i, *mine], 1):
                masks[k, t] = np.where(whose == number, whole, 0)
        out |= {k: i for k in mine}
    return out
