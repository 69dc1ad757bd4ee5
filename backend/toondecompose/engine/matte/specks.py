"""Area opening and closing of an alpha channel: specks and pinholes too small to be drawn are noise (Vincent 1992)."""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.matte.resample import Box

BOX_PX = 500  # px whose components are told in the time that it takes to look into one box
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
    """As `_small`, from the components that lie in one of some boxes (x, y, width, height).

    The boxes are laid out side by side, with clear px between them, and looked through at once."""
    if not boxes:
        return np.zeros(0, np.intp)
    (h, w), (x, y, bw, bh) = mask.shape, np.array(boxes).T
    x0, y0, x1, y1 = np.maximum(x, 0), np.maximum(y, 0), np.minimum(x + bw, w), np.minimum(y + bh, h)
    begins = np.cumsum(x1 - x0 + 1) - (x1 - x0 + 1)
    shelf = np.zeros((int((y1 - y0).max()), int((x1 - x0 + 1).sum())), np.uint8)
    for at, left, top, right, bottom in zip(*(v.tolist() for v in (begins, x0, y0, x1, y1)), strict=True):
        shelf[:bottom - top, at:at + right - left] = mask[top:bottom, left:right]
    count, label = cv2.connectedComponents(shelf, connectivity=connectivity)
    row, column = np.divmod(np.flatnonzero(shelf), shelf.shape[1])
    of, box = label[row, column], np.searchsorted(begins, column, side="right") - 1
    py, px = row + y0[box], column - begins[box] + x0[box]
    # what reaches the edge of its box goes on beyond it, if the picture does
    goes_on = (((px == x[box]) & (px > 0)) | ((py == y[box]) & (py > 0)) | ((px == (x + bw)[box] - 1) & (px < w - 1))
               | ((py == (y + bh)[box] - 1) & (py < h - 1)))
    area, beyond, kept = (np.bincount(of[where], minlength=count) for where in
                          (slice(None), goes_on, keep[py, px]))
    small = (area < least) & (beyond == 0) & (kept < 0.5 * area)
    return np.unique((py * w + px)[small[of]])


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
