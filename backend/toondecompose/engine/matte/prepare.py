"""Every drawing's place: how large and how sharp a sprite's canvas is, and which part of it each drawing takes."""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.matte.plates import gauge
from toondecompose.engine.matte.resample import Box, footprint, local_scale
from toondecompose.engine.matte.state import MARGIN, Drawing, LayerState
from toondecompose.engine.matte.types import LayerToSolve

SEEN_MASK = 96  # mask value from which a layer counts as shown; half its strongest value while it fades in
ROOMY = 2.0  # canvas per drawing's box up to which the whole canvas is solved
FAINT_MASK = 24  # less is shown nowhere
PINHOLE = 60  # working px; real gaps this small come back by matting
NEIGHBOUR = 2  # working px around a drawing within which something in front may hide a part of it


def prepare_sprite(layer: LayerToSolve, size: tuple[int, int], sharp: float | None,
                   in_front: np.ndarray | None = None) -> LayerState:
    """Choose a sprite's (or translucent plane's) canvas: as sharp as its sharpest exposure, covering all its masks.

    in_front: uint8 [T, hs, ws], what other layers cover; None where the sprite is the foremost. Only drawings that
    something hides get room beyond their masks."""
    T, hs, ws = layer.masks.shape
    w, h = size
    boxes: dict[int, list[Box]] = {}
    frames: dict[int, list[int]] = {}
    scales: dict[int, float] = {}
    hidden: set[int] = set()
    for t in range(T):
        d = int(layer.drawing[t])
        if d < 0:
            continue
        faint = max(FAINT_MASK, min(SEEN_MASK, int(layer.masks[t].max()) // 2))
        x, y, bw, bh = cv2.boundingRect((layer.masks[t] >= faint).astype(np.uint8))
        if bw == 0:
            continue
        seen = (int(x * w / ws), int(y * h / hs), int(np.ceil((x + bw) * w / ws)), int(np.ceil((y + bh) * h / hs)))
        back = np.linalg.inv(layer.H[t])
        box = footprint(back, seen)
        if box is None:
            continue
        if in_front is not None:
            around = in_front[t, max(0, y - NEIGHBOUR):y + bh + NEIGHBOUR, max(0, x - NEIGHBOUR):x + bw + NEIGHBOUR]
            if (around >= 128).any():
                hidden.add(d)
        frames.setdefault(d, []).append(t)
        boxes.setdefault(d, []).append(box)
        scales[t] = 1 / max(local_scale(back, (seen[0] + seen[2]) / 2, (seen[1] + seen[3]) / 2), 1e-6)
    if not frames:
        return LayerState(layer, layer.H, (1, 1), 1.0)
    finest = max(scales.values())
    own = sharp or layer.sharpness or 1.0
    k = float(np.clip(finest, 0.25, 2.0)) if abs(finest - 1) > 0.02 else 1.0
    k *= own
    every = np.array([b for group in boxes.values() for b in group], float)
    lo, hi = every[:, :2].min(0) - MARGIN / k, every[:, 2:].max(0) + MARGIN / k
    ref = max(scales, key=lambda t: (scales[t] > 0.98 * finest, int((layer.masks[t] >= 128).sum())))
    G, canvas = gauge(layer.H, [ref], (*lo, *hi), k)
    state = LayerState(layer, layer.H @ G, canvas, k)
    to_canvas = np.linalg.inv(G)
    for d in sorted(frames):
        group = np.array(boxes[d], float)
        union = (*group[:, :2].min(0), *group[:, 2:].max(0))
        b = footprint(to_canvas, union)
        grown = (b[0] - MARGIN, b[1] - MARGIN, b[2] + MARGIN, b[3] + MARGIN)
        cut = (max(0, grown[0]), max(0, grown[1]), min(canvas[0], grown[2]), min(canvas[1], grown[3]))
        # a drawing that is partly hidden may be larger than what its masks show
        if d in hidden and canvas[0] * canvas[1] <= ROOMY * (cut[2] - cut[0]) * (cut[3] - cut[1]):
            cut = (0, 0, *canvas)
        state.drawings[d] = Drawing(cut, frames[d])
    state.opacity = np.ones(T)
    return state


def fill_pinholes(masks: np.ndarray) -> np.ndarray:
    """Masks whose small holes count as uncertain: the drawing peeping through them must not enter the panorama.

    masks: uint8 [T, hs, ws]. Returns a new array."""
    out = masks.copy()
    for mask in out:
        x, y, w, h = cv2.boundingRect((mask >= 128).view(np.uint8))
        # what comes in from farther away is no small hole; beside a long side a px tells as much
        around = 1 if min(w, h) >= PINHOLE else PINHOLE
        mask = mask[max(0, y - around):y + h + around, max(0, x - around):x + w + around]
        _, label, stats, _ = cv2.connectedComponentsWithStats((mask < 128).view(np.uint8), connectivity=4)
        small = stats[:, cv2.CC_STAT_AREA] < PINHOLE
        small[0] = False
        for k in np.flatnonzero(small).tolist():
            left, top, wide, high, _ = stats[k].tolist()
            at = (slice(top, top + high), slice(left, left + wide))
            hole = label[at] == k
            mask[at][hole] = np.maximum(mask[at][hole], 140)
    return out
