"""Where a drawing may be, on its canvas: distances from its masks, its parts, and how wide its edges are."""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.matte.resample import Box

SOFT_REACH = 24  # px beyond the masks' band that a shadow or glow may extend
WIDEST_EDGE = 8  # px
APART = 8  # px; parts of a drawing are looked for on a grid this coarse


def distance(mask: np.ndarray) -> np.ndarray:
    """Distance, px, of every True px to the nearest False one."""
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)


def edge_width(differs: np.ndarray, depth: np.ndarray, where: np.ndarray) -> float:
    """How many px inside the outline a drawing reaches its full contrast: 1-2 for hard anti-aliased edges, more for
    soft or blurred ones. differs: |C - B|; depth: px from the outline, 0 outside; where: px to look at. All [h, w]."""
    full = cv2.dilate(differs, np.ones((2 * WIDEST_EDGE + 1,) * 2, np.uint8))
    ratio = differs / np.maximum(full, 1e-3)
    for d in range(1, WIDEST_EDGE):
        ring = where & (depth > d - 0.75) & (depth <= d + 0.25)
        if ring.sum() < 40 or np.median(ratio[ring]) >= 0.8:
            return d + 0.5 - 1
    return float(WIDEST_EDGE)


def reach(inner: np.ndarray, outer: np.ndarray, band: float, soft: np.ndarray) -> np.ndarray:
    """Where the drawing may be: its mask and a band around it, and soft parts (shadow, glow, hair) that hang on to it.

    inner, outer: distances into and from the mask, px. soft: bool [h, w], px that visibly are not just background."""
    near = (inner > 0) | (outer <= band)
    wide = cv2.morphologyEx((near | soft).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    _, label = cv2.connectedComponents((wide | near).astype(np.uint8), connectivity=4)
    ours = np.zeros(label.max() + 1, bool)
    ours[label[inner > 0]] = True
    ours[0] = False
    return near | (ours[label] & (outer <= band + SOFT_REACH))


def joined(area: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """The components of `area` that reach `outside`. Thin bridges do not count: a gap in a line is no open door."""
    core = cv2.erode(area.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, label = cv2.connectedComponents(core, connectivity=4)
    reaches = np.zeros(label.max() + 1, bool)
    reaches[label[outside]] = True
    reaches[0] = False
    return cv2.dilate(reaches[label].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def parts_of(far: np.ndarray) -> list[Box]:
    """Boxes around the parts of a drawing that cannot touch one another. far: px from the masks, 0 within them."""
    h, w = far.shape
    small = cv2.resize(far, (-(-w // APART), -(-h // APART)), interpolation=cv2.INTER_NEAREST)
    near = SOFT_REACH + 2 * APART
    count, _, stats, _ = cv2.connectedComponentsWithStats((small <= near).astype(np.uint8), connectivity=8)
    boxes = [[x - 1, y - 1, x + bw + 1, y + bh + 1] for x, y, bw, bh, _ in stats[1:count].tolist()]
    merged: list[list[int]] = []
    while boxes:
        box = boxes.pop()
        for other in [*boxes, *merged]:
            if box[0] < other[2] and box[2] > other[0] and box[1] < other[3] and box[3] > other[1]:
                (boxes if other in boxes else merged).remove(other)
                boxes.append([min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]),
                              max(box[3], other[3])])
                break
        else:
            merged.append(box)
    scaled = [[v * APART for v in box] for box in sorted(merged)]
    return [(max(0, x0), max(0, y0), min(w, x1), min(h, y1)) for x0, y0, x1, y1 in scaled]
