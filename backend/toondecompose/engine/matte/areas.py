"""Where a drawing may be, on its canvas: distances from its masks, its parts, and how wide its edges are."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from toondecompose.engine.matte.resample import Box
from toondecompose.engine.tiles import strips

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


def outermost(mask: np.ndarray) -> np.ndarray:
    """The True px of a mask that are beside False ones: those whose `distance` is 1."""
    inner = cv2.erode(mask.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    return mask & (inner == 0)


def label_type(opened: np.ndarray) -> int:
    """How OpenCV may number the components of a picture that was opened by squares of 3 x 3 px: 16 bits, in half of the
    time, if they are enough for one in every 4 x 4 px."""
    return cv2.CV_16U if opened.size < 16 * 60_000 else cv2.CV_32S


def contrasts(planes: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """-> (the sum over some planes, float32 [h, w] each, of their squares; that of their slopes' squares, per px)."""
    contrast2, slope2 = (np.zeros(planes[0].shape, np.float32) for _ in range(2))
    for rows in strips(slope2.shape):
        around = slice(max(0, rows.start - 1), rows.stop + 1)  # a row more on both sides, as far as there are any
        sums = np.zeros_like(slope2[around])
        for plane in planes:
            cv2.accumulateSquare(plane[rows], contrast2[rows])
            for dx, dy in ((1, 0), (0, 1)):
                cv2.accumulateSquare(cv2.Sobel(plane[around], cv2.CV_32F, dx, dy, ksize=1, scale=0.5), sums)
        slope2[rows] = sums[rows.start - around.start:][:rows.stop - rows.start]
    return contrast2, slope2


def edge_width(off: np.ndarray, rim: np.ndarray) -> tuple[float, np.ndarray]:
    """How many px inside the outline a drawing reaches its full contrast: 1-2 for hard anti-aliased edges, more for
    soft or blurred ones. The steepest slope near the outline tells, relative to the contrast there; the contrast's
    rise from the outline inwards would mistake a thin pale line around a strong fill for a soft edge.

    off: float32 [3, h, w], C - B, levels. rim: bool [h, w], the outermost px that differ.
    Returns the drawing's usual width, and float32 [h, w], by how many px the edges around a px are wider than that:
    smears and soft brushes have soft outlines on drawings whose others are hard."""
    softer = np.zeros(rim.shape, np.float32)
    at = np.flatnonzero(rim)
    if len(at) < LEAST_RIM:
        return 1.0, softer
    contrast2, slope2 = contrasts(off)
    most_of = lambda x, px: cv2.dilate(x, np.ones((px, px), np.uint8)).take(at)  # noqa: E731
    steepest = most_of(slope2, 5)
    share = float(np.sqrt(np.median(steepest / np.maximum(most_of(contrast2, 5), 1.0))))
    wide = np.zeros(rim.shape, np.float32)
    widths = np.sqrt(most_of(contrast2, SOFT_EDGE) / np.maximum(steepest, 1e-6)).clip(1, 2 * WIDEST_EDGE)
    wide.reshape(-1)[at] = widths
    usual = float(np.median(widths))
    outline = cv2.blur(rim.astype(np.float32), (ALONG, ALONG))
    there = np.flatnonzero(outline > AGREE / ALONG**2)
    mean = cv2.blur(wide, (ALONG, ALONG)).take(there) / outline.take(there)
    softer.reshape(-1)[there] = np.where(mean > SOFTER * usual, np.minimum(mean - usual, MOST_SOFTER), 0)
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
