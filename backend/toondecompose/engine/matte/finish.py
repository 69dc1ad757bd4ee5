"""From the loop's float pictures to what the result stores: 8-bit drawings on one canvas per layer."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.paint import diffused
from toondecompose.engine.matte.state import LayerState
from toondecompose.engine.types import Drawings, SolvedLayer, as_drawings

# Weight of its best sample from which a px counts as seen; less was recovered from under a matte's edge or a veil.
SEEN_FROM = 0.5


def _bytes(picture: torch.Tensor) -> np.ndarray:
    """float32 [c, h, w] 0..255 -> uint8 [h, w, c]."""
    return picture.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()


def solved_plate(state: LayerState) -> SolvedLayer:
    """The opaque background. seen: 255 seen, 128 recovered (only ever partly hidden), 0 painted in."""
    colour = _bytes(state.plate.colour)
    rgba = np.concatenate([colour, np.full_like(colour[..., :1], 255)], 2)
    best, known = state.plate.best.cpu().numpy(), state.plate.weight.cpu().numpy() > 0
    seen = np.where(known, np.where(best >= SEEN_FROM, 255, 128), 0).astype(np.uint8)
    given = state.given
    return SolvedLayer(given.name, given.kind, as_drawings([rgba]), np.zeros(len(state.H), int), state.H,
                       np.ones(len(state.H)), given.model, given.confidence, seen)


def solved_sprite(state: LayerState, shelve: Callable[[np.ndarray], np.ndarray] = lambda picture: picture
                  ) -> SolvedLayer:
    """A sprite or a plane with alpha: all its drawings on the layer's canvas, colour bled under zero alpha
    within each drawing's box (its rim is wider than any renderer's kernel). shelve: takes pictures out of memory. A
    plane of which parts were painted in has a map of what was seen."""
    given = state.given
    number, pictures, seen = {}, Drawings(state.size), None
    for d in sorted(state.drawings):
        drawing = state.drawings[d]
        alpha = drawing.picture[3].cpu().numpy()
        colour = drawing.picture[:3].cpu().numpy().copy()
        part, nothing = np.flatnonzero((alpha > 0) & (alpha < 255)), alpha == 0
        share = alpha.reshape(-1)[part] / np.float32(255)
        for plane in colour.reshape(3, -1):
            plane[part] = np.rint(np.minimum(plane[part].astype(np.float32) / share, 255))
        if nothing.any() and not nothing.all():
            beside = diffused(torch.from_numpy(colour).float(), ~nothing).numpy()
            where = nothing.view(np.uint8)
            for plane, bled in zip(colour, beside, strict=True):  # rounded and kept to bytes
                cv2.copyTo(cv2.convertScaleAbs(np.maximum(bled, 0, out=bled)), where, plane)
        number[d] = len(pictures)
        pictures.add(shelve(cv2.merge([*colour, alpha])), drawing.box[:2])
        if drawing.painted is not None:
            seen = np.full(state.size[::-1], 255, np.uint8)
            x0, y0, x1, y1 = drawing.box
            seen[y0:y1, x0:x1][drawing.painted.numpy()] = 0
        drawing.picture = drawing.known = None  # the canvases are large: never hold both
    exposure = np.array([number.get(int(d), -1) for d in given.drawing])
    opacity = state.opacity if state.opacity is not None else np.ones(len(state.H))
    return SolvedLayer(given.name, given.kind, pictures, exposure, state.H, opacity, given.model, given.confidence,
                       seen)
