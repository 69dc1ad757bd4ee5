"""Where a drawing may be, on its canvas: distances from its masks, its parts, and how wide its edges are."""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.matte.resample import Box

SOFT_REACH = 24  # px beyond the masks' band that a shadow or glow may extend
WIDEST_EDGE = 8  # px
SOFT_EDGE = 15  # px, the widest soft edge that is looked for beside hard ones;
ALONG, AGREE = 13, 3  # px around each px whose outline is looked at for it, of which so many must be there;
SOFTER = 1.25  # times as wide as the drawing's usual edges,
MOST_SOFTER = 4.0  # ... and the most px by which they count as wider
LEAST_RIM = 40  # px of outline below which its edges are not judged
APART = 8  # px; parts of a drawing are looked for on a grid this coarse


def distance(mask: np.ndarray) -> np.ndarray:
    """Distance, px, of every True px to the nearest False one."""
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)


def edge_width(off: np.ndarray, rim: np.ndarray) -> tuple[float, np.ndarray]:
    """How many px inside the outline a drawing reaches its full contrast: 1-2 for hard anti-aliased edges, more for
    soft or blurred ones. The steepest slope near the outline tells, relative to the contrast there; the contrast's
    rise from the outline inwards would mistake a thin pale line around a strong fill for a soft edge.

    off: float32 [3, h, w], C - B, levels. rim: bool [h, w], the outermost px that differ.
    Returns the drawing's usual width, and float32 [h, w], by how many px the edges around a px are wider than that:
    smears and soft brushes have soft outlines on drawings whose others are hard."""
    softer = np.zeros(rim.shape, np.float32)
    if rim.sum() < LEAST_RIM:
        return 1.0, softer
    slope2, contrast2 = np.zeros(rim.shape, np.float32), np.zeros(rim.shape, np.float32)
    for plane in off:
        cv2.accumulateSquare(plane, contrast2)
        for dx, dy in ((1, 0), (0, 1)):
            cv2.accumulateSquare(cv2.Sobel(plane, cv2.CV_32F, dx, dy, ksize=1, scale=0.5), slope2)
    most_of = lambda x, px: cv2.dilate(x, np.ones((px, px), np.uint8))[rim]  # noqa: E731
    steepest = most_of(slope2, 5)
    share = float(np.sqrt(np.median(steepest / np.maximum(most_of(contrast2, 5), 1.0))))
    wide = np.zeros(rim.shape, np.float32)
    wide[rim] = np.sqrt(most_of(contrast2, SOFT_EDGE) / np.maximum(steepest, 1e-6)).clip(1, 2 * WIDEST_EDGE)
    usual = float(np.median(wide[rim]))
    outline = cv2.blur(rim.astype(np.float32), (ALONG, ALONG))
    there = outline > AGREE / ALONG**2
    mean = cv2.blur(wide, (ALONG, ALONG))[there] / outline[there]
    softer[there] = np.where(mean > SOFTER * usual, np.minimum(mean - usual, MOST_SOFTER), 0)
    return float(np.clip(1 / max(share, 1e-3), 1.0, WIDEST_EDGE)), softer


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


def parts_of(far: np.ndarray, around: int = SOFT_REACH + 2 * APART) -> list[Box]:
    """Boxes around the parts of a drawing that cannot touch one another. far: px from the masks, 0 within them.
    around: px that belong to a part beyond its masks."""
    h, w = far.shape
    small = cv2.resize(far, (-(-w // APART), -(-h // APART)), interpolation=cv2.INTER_NEAREST)
    count, _, stats, _ = cv2.connectedComponentsWithStats((small <= around).astype(np.uint8), connectivity=8)
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
