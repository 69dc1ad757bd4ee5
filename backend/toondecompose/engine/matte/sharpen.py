"""Back-projection: what the rendered layers miss of the frames goes back onto their canvases (Irani and Peleg 1991).

A canvas pooled from exposures at different sub-px phases is a little soft, and rendering softens it again. A step or
two of canvas += back(frame - render(canvas)) makes the shot come back sharp. Where every exposure falls on whole px
there is nothing to gain, and the canvas already holds the frames' own px.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.moments import APRON, View, part_of, shown_part
from toondecompose.engine.matte.plates import frame_tensor
from toondecompose.engine.matte.resample import Box, footprint, inside, resample, translation, whole_shift
from toondecompose.engine.matte.state import Drawing, LayerState, place, plate_view
from toondecompose.engine.matte.weights import WeightOf

TRUSTED = 40.0  # levels; a larger miss is not softness but something else in the picture
ENOUGH = 10  # exposures per canvas px that settle it; more only cost time
PRIOR = 0.3  # exposures' worth of weight that keeps the canvas where it is, so that single noisy px do not run away


def _trusted(residual: torch.Tensor) -> torch.Tensor:
    """[1, h, w]: 1 where no channel misses by more than TRUSTED, softly less beyond."""
    worst = residual.abs().amax(0, keepdim=True)
    return (2 - worst / TRUSTED).clamp(0, 1)


def sharpen_plate(source: FrameSource, state: LayerState, weight_of: WeightOf, steps: int,
                  device: str, tick: Callable[[float], None]) -> None:
    """Sharpen the background's panorama in place. weight_of: how surely a frame's px show it."""
    plate, size = state.plate, source.size
    frames = [t for t in range(source.count)]
    if all(whole_shift(state.H[t]) for t in frames):
        return
    cw, ch = state.size
    cover = source.count * size[0] * size[1] / (cw * ch)
    frames = frames[:: max(1, int(cover / ENOUGH))]
    whole = (0, 0, *size)
    for _ in range(steps):
        total = torch.full((1, ch, cw), PRIOR, device=device)
        change = torch.zeros((3, ch, cw), device=device)
        for n, t in enumerate(frames):
            tick(n / len(frames))
            box = footprint(np.linalg.inv(state.H[t]), whole, (0, 0, cw, ch))
            if box is None:
                continue
            residual = frame_tensor(source.read(t), device) - plate_view(state, t, whole)[0]
            weight = weight_of(t, whole).whole(size, device)[None] * _trusted(residual)
            back = resample(torch.cat([residual * weight, weight]), state.H[t], box)
            back *= inside(state.H[t], box, size, device)
            x0, y0, x1, y1 = box
            total[:, y0:y1, x0:x1] += back[3:].clamp(min=0)
            change[:, y0:y1, x0:x1] += back[:3]
        plate.colour.add_(change / total).clamp_(0, 255)


def sharpen_drawing(source: FrameSource, state: LayerState, drawing: Drawing, scene: Callable[[int, Box], View],
                    steps: int, device: str) -> None:
    """Sharpen one drawing's premultiplied colour in place; its alpha stays. scene as in moments.exposure."""
    w, h = source.size
    frames = drawing.frames[:: max(1, len(drawing.frames) // ENOUGH)]
    if all(whole_shift(state.H[t]) for t in drawing.frames):
        return
    alpha = drawing.premult[3:]
    shape = alpha.shape[1:]
    for _ in range(steps):
        total = torch.full((1, *shape), PRIOR, device=device)
        change = torch.zeros((3, *shape), device=device)
        for t in frames:
            part = shown_part(state.H[t], drawing.box, (w, h))
            seen = None if part is None else footprint(state.H[t], part, (0, 0, w, h))
            if seen is None:
                continue
            box = (max(0, seen[0] - APRON), max(0, seen[1] - APRON), min(w, seen[2] + APRON), min(h, seen[3] + APRON))
            view = scene(t, box)
            frame = frame_tensor(source.read(t)[box[1]:box[3], box[0]:box[2]], device)
            if view.front is not None:
                frame = (frame - view.front) / view.through.clamp(min=0.2)
            top = place(state, t, box, device)
            if top is None:
                continue
            residual = frame - (top[:3] + (1 - top[3]) * view.behind)
            weight = view.weight[None] * _trusted(residual) * (top[3:] > 0)
            local = translation(-box[0], -box[1]) @ state.H[t]
            back = resample(torch.cat([residual * weight, weight]), local, part)
            back *= inside(state.H[t], part, (w, h), device)
            rows, columns = part_of(drawing.box, part)
            total[:, rows, columns] += back[3:].clamp(min=0)
            change[:, rows, columns] += back[:3]
        colour = drawing.premult[:3] + change / total
        drawing.store(torch.cat([colour, alpha]))
