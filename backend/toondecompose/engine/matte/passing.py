"""Gaps between a drawing's lines in which the background passes by, whole regions at once; and lost pieces.

What moves in a gap is often too faint, or passes through a part of it only, to clear the gap px by px. But the lines
around it stand still along with the drawing, and what they enclose is one thing: they part the silhouette into regions,
and a region is a gap if its colours change in place but keep along the background's motion. The other way round, a hole
that one drawing alone has in its mask, in which nothing passes, is where this drawing differs from the others.
"""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.resample import map_points
from toondecompose.engine.matte.stack import (
    CHANGES,
    SAME,
    SQUARE,
    Stack,
    agrees,
    carried_by,
    lay_over,
    lines_around,
    moves_with,
    placed,
    same_around,
    sampled,
)
from toondecompose.engine.matte.types import LayerToSolve

MOST_SLIP, LEAST_SLIP = 0.15, 0.02  # px; registration error, turned into levels by the gradient
LINE = 8.0  # levels per px (L2 over RGB) beyond the noise; the sides of lines are steeper, paints' shades are not
LEAST_GAP = 16  # px; smaller ones come by matting
MOST = 0.15  # of a silhouette: no mask that is of any use has more in one gap
PASSED = 0.1  # of a region's px must change for it to be asked about
ENCLOSED = 0.8  # of the px around a region must belong to the drawing
HALF2 = 0.25  # share of a gap's variance that is left where a px holds half of the drawing
FURTHEST = 24  # px by which a gap is followed into its narrow ends
HELD = 0.9  # share of a silhouette that two drawings of one held body have in common
STEP = 4  # px between those of a silhouette that are compared for it
FEW, UNSURE = 16, 0.15  # every so many of them tell that share to within so much
WHOLE = 0.9  # of a hole that other masks must cover


def between_lines(source: FrameSource, layer: LayerToSolve, plane: np.ndarray) -> np.ndarray:
    """A sprite's masks, uint8 [T, h, w], without its gaps and with its lost pieces. `source` has their size, and H and
    plane, float64 [T, 3, 3], lead to its px."""
    masks = layer.masks.copy()
    size = masks.shape[2:0:-1]
    shown = [t for t in range(source.count) if layer.drawing[t] >= 0 and layer.masks[t].max() >= 128]
    for d in sorted({int(layer.drawing[t]) for t in shown}):
        own = [t for t in shown if layer.drawing[t] == d]
        others = [t for t in shown if layer.drawing[t] != d]
        stack = lay_over(source, layer, own)
        if stack is None:
            continue
        carried = carried_by(stack, plane)
        for gap in _gaps(stack, carried):
            lines = lines_around(gap)
            same = [t for t in others if same_around(source.read(t), stack.onto(layer.H, t), stack, lines)]
            for t in own + same:
                masks[t][placed(gap, stack.onto(layer.H, t), size)] = 0
        for piece in _lost(source, layer, others, stack, carried):
            for t in own:
                masks[t][placed(piece, stack.onto(layer.H, t), size)] = 255
    return masks


def _gaps(stack: Stack, carried: np.ndarray) -> list[np.ndarray]:
    """The gaps of a drawing: bool [h, w] each."""
    steps = [cv2.Sobel(stack.mean, cv2.CV_32F, dx, dy, ksize=1, scale=0.5) for dx, dy in ((1, 0), (0, 1))]
    slope2 = sum(cv2.transform(np.square(s), np.ones((1, 3), np.float32)) for s in steps)  # over the channels
    allowed = stack.usual + _slip2(stack, slope2) * slope2 / 3
    changes = (cv2.blur(stack.varies, (3, 3)) > CHANGES * allowed) & stack.body
    if np.count_nonzero(changes) < LEAST_GAP:
        return []
    line = (slope2 > (LINE + 2 * np.sqrt(stack.least)) ** 2) & (stack.varies < CHANGES * allowed)
    count, label, stats, _ = cv2.connectedComponentsWithStats((stack.body & ~line).astype(np.uint8), connectivity=4)
    size = stats[:, cv2.CC_STAT_AREA]
    changed = np.bincount(label.reshape(-1)[np.flatnonzero(changes)], minlength=count)
    may = (size >= LEAST_GAP) & (size <= MOST * np.count_nonzero(stack.body)) & (changed >= PASSED * size)
    may[0] = False
    out = []
    for k in np.flatnonzero(may):
        region = label == k
        near = cv2.dilate(region.astype(np.uint8), SQUARE)
        ring = cv2.dilate(near, SQUARE) > near
        if ring.any() and stack.body[ring].mean() >= ENCLOSED and moves_with(stack, carried, region):
            out.append(_followed(region, stack, stack.body & (stack.varies > CHANGES * allowed)))
    return out


def _slip2(stack: Stack, slope2: np.ndarray) -> float:
    """Squared registration error, px^2, that most of a drawing's steep px show."""
    steep = np.flatnonzero(stack.body & (slope2 > LINE**2))
    if not len(steep):
        return MOST_SLIP**2
    varies, slope2 = (x.reshape(-1)[steep] for x in (stack.varies, slope2))
    return float(np.clip(np.median(3 * varies / slope2), LEAST_SLIP**2, MOST_SLIP**2))


def _followed(region: np.ndarray, stack: Stack, changes: np.ndarray) -> np.ndarray:
    """A gap with its narrow ends, where lines and their blends are all there is: px that change in place at least a
    quarter as much as the gap beside them hold less than half of the drawing."""
    out = region.astype(np.uint8)
    for _ in range(FURTHEST):
        beside = cv2.dilate(np.where(out > 0, stack.varies, 0).astype(np.float32), np.ones((5, 5), np.uint8))
        more = (cv2.dilate(out, SQUARE) > out) & changes & (stack.varies > HALF2 * beside)
        if not more.any():
            break
        out[more] = 1
    return out > 0


def _lost(source: FrameSource, layer: LayerToSolve, others: list[int], stack: Stack, carried: np.ndarray
          ) -> list[np.ndarray]:
    """Holes in a drawing's mask, bool [h, w] each, that most masks of other drawings of the same held body cover, and
    in which nothing passes. others: the frames that show another drawing."""
    count, label, stats, _ = cv2.connectedComponentsWithStats((~stack.body).astype(np.uint8), connectivity=4)
    rim = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
    holes = [k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= LEAST_GAP and not (rim == k).any()]
    out = []
    if not holes:
        return out
    held: list[int] | None = None
    for k in holes:
        hole = label == k
        points = np.argwhere(hole)[:, ::-1] + 0.5
        cover = [t for t in others
                 if float((sampled(layer.masks[t], map_points(stack.onto(layer.H, t), points)) >= 128).mean()) > WHOLE]
        if len(cover) <= len(stack.frames):  # so that whole drawings need not be compared for it
            continue
        held = _held(source, layer, others, stack) if held is None else held
        votes = len(set(cover) & set(held))
        if votes > max(len(stack.frames), 0.5 * len(held)) and not moves_with(stack, carried, hole):
            out.append(cv2.dilate(hole.astype(np.uint8), SQUARE) > 0)
    return out


def _held(source: FrameSource, layer: LayerToSolve, others: list[int], stack: Stack) -> list[int]:
    """Those of the frames `others` that show another drawing of the same held body."""
    lattice = np.zeros_like(stack.body)
    lattice[::STEP, ::STEP] = stack.body[::STEP, ::STEP]
    ys, xs = np.nonzero(lattice)
    some = slice(None, None, FEW)
    held = []
    for t in others:
        picture, M = source.read(t), stack.onto(layer.H, t)
        misses = (agrees(picture, M, stack, places) for places in ((ys[some], xs[some]), (ys, xs)))
        if all(miss.size and np.mean(miss < SAME) > least for miss, least in zip(misses, (HELD - UNSURE, HELD),
                                                                                strict=True)):
            held.append(t)
    return held
