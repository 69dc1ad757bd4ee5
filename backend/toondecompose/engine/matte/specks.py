"""Area opening and closing of an alpha channel: specks and pinholes too small to be drawn are noise (Vincent 1992)."""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.matte.resample import Box

BOX_PX = 3000  # px whose components are told in the time that it takes to look into one box
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of alpha, at which islands are looked for
HALF, ABOVE = LEVELS[2:4]


def without_specks(alpha: np.ndarray, least: int, keep: np.ndarray, roughly: bool = False) -> np.ndarray:
    """Alpha without islands and pinholes of fewer than `least` px.

    alpha: float32 [h, w] 0..1. keep: bool [h, w], px that are known so well that an island of them is real. roughly:
    only as far as it tells whether alpha is more than HALF.
    Islands hang together by corners, pinholes only by sides, so that thin lines are never cut."""
    x, y, w, h = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if w == 0:
        return alpha.copy()
    # a clear rim keeps what surrounds the drawing in one piece
    whole, at = alpha.copy(), (slice(max(0, y - 2), y + h + 2), slice(max(0, x - 2), x + w + 2))
    out, keep = np.ascontiguousarray(whole[at]), keep[at]
    flat = out.reshape(-1)
    for level in (HALF,) if roughly else reversed(LEVELS):
        specks = _small((out > level).astype(np.uint8), least, 8, keep)
        flat[specks] = np.minimum(flat[specks], level if level > LEVELS[0] else 0.0)
    for level in (ABOVE,) if roughly else LEVELS:
        pinholes = _small((out < level).astype(np.uint8), least, 4, keep)
        flat[pinholes] = np.maximum(flat[pinholes], level if level < LEVELS[-1] else 1.0)
    whole[at] = out
    return whole


def _small(mask: np.ndarray, least: int, connectivity: int, keep: np.ndarray) -> np.ndarray:
    """The px (flat indices) of a mask's components that are small and not mostly kept. mask: uint8 [h, w], 0 or 1."""
    boxes = _small_boxes(mask, least, connectivity)
    if len(boxes) * BOX_PX > mask.size:
        return _small_anywhere(mask, least, connectivity, keep)
    return _small_within(boxes, mask, least, connectivity, keep)


def _small_within(boxes: list[Box], mask: np.ndarray, least: int, connectivity: int, keep: np.ndarray) -> np.ndarray:
    """As `_small`, from the components that lie in one of some boxes (x, y, width, height)."""
    h, w = mask.shape
    found = [np.zeros(0, np.intp)]
    for x, y, bw, bh in boxes:
        left, top = max(0, x), max(0, y)
        at = (slice(top, y + bh), slice(left, x + bw))
        part = mask[at]
        count, label, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=connectivity)
        for k, (px, py, pw, ph, area) in enumerate(stats[1:count].tolist(), 1):
            goes_on = ((px == 0 and left > 0) or (py == 0 and top > 0) or (px + pw == part.shape[1] and x + bw < w)
                       or (py + ph == part.shape[0] and y + bh < h))
            if area < least and not goes_on:
                ys, xs = np.nonzero(label == k)
                if keep[at][ys, xs].sum() < 0.5 * area:
                    found.append((ys + top) * w + xs + left)
    return np.unique(np.concatenate(found))


def _small_anywhere(mask: np.ndarray, least: int, connectivity: int, keep: np.ndarray) -> np.ndarray:
    """As `_small`, from all components."""
    count, label, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    small = stats[:, cv2.CC_STAT_AREA] < least
    small[0] = False
    at = np.flatnonzero(small.take(label))
    of = label.reshape(-1)[at]
    kept = np.bincount(of[keep.reshape(-1)[at]], minlength=count)
    return at[kept[of] < 0.5 * stats[of, cv2.CC_STAT_AREA]]


def _small_boxes(mask: np.ndarray, least: int, connectivity: int) -> list[Box]:
    """Boxes (x, y, width, height), with a rim of a px, in which components of fewer than `least` px may lie.

    OpenCV follows the outlines of what hangs together by corners, and of the holes in it, which hang together by sides
    only: so those of components by sides are found as holes in all the rest, with a px around the picture."""
    holes = connectivity == 4
    if holes:
        mask = cv2.copyMakeBorder(mask ^ 1, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    outlines, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    shift, side = (2, -0.5) if holes else (1, 0.5)
    boxes = []
    of_holes = tree[0, :, 3] >= 0 if outlines else np.zeros(0, bool)
    for k in np.flatnonzero(of_holes == holes).tolist():
        line = outlines[k]
        # an outline has at most two px for each px within; one around a hole, which lies outside it, four more
        if len(line) > 2 * least + 4:
            continue
        # Pick's theorem: the px within, and those of islands or holes in there, which are fewer
        if cv2.contourArea(line) + side * len(line) + 1 < 2 * least:
            x, y, w, h = cv2.boundingRect(line)
            boxes.append((x - shift, y - shift, w + 2, h + 2))
    return boxes
