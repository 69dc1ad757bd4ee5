"""Back-projection: what the rendered layers miss of the frames goes back onto their canvases (Irani and Peleg 1991).

A canvas pooled from exposures at different sub-px phases is a little soft, and rendering softens it again. A step or
two of canvas += back(frame - render(canvas)) makes the shot come back sharp. Where every exposure falls on whole px
there is nothing to gain, and the canvas already holds the frames' own px.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.marks import above, count_of
from toondecompose.engine.matte.moments import View, part_of, shown_part
from toondecompose.engine.matte.plates import frame_bytes, frame_tensor
from toondecompose.engine.matte.resample import Box, footprint, inside, resample, translation, whole_shift
from toondecompose.engine.matte.state import Drawing, LayerState, plate_view, rendered
from toondecompose.engine.matte.weights import WeightOf
from toondecompose.engine.tiles import strips

TRUSTED = 40.0  # levels; a larger miss is not softness but something else in the picture
ENOUGH = 10  # exposures per canvas px that settle it; more only cost time
CLEAR_RIM = 4  # px around a drawing, for the kernel
PRIOR = 0.3  # exposures' worth of weight that keeps the canvas where it is, so that single noisy px do not run away


def _trusted(residual: torch.Tensor) -> torch.Tensor:
    """[1, h, w]: 1 where no channel misses by more than TRUSTED, softly less beyond."""
    worst = residual.abs().amax(0, keepdim=True)
    return worst.mul_(-1 / TRUSTED).add_(2).clamp_(0, 1)


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
            within = inside(state.H[t], box, size, device)
            if count_of(within) < within.numel():
                back *= within
            x0, y0, x1, y1 = box
            total[:, y0:y1, x0:x1].add_(back[3:].clamp(min=0))
            change[:, y0:y1, x0:x1].add_(back[:3])
        plate.colour.add_(change / total).clamp_(0, 255)


def sharpen_drawing(source: FrameSource, state: LayerState, drawing: Drawing, scene: Callable[[int, Box], View],
                    steps: int, device: str) -> None:
    """Sharpen one drawing's premultiplied colour in place; its alpha stays. scene as in moments.exposure."""
    w, h = source.size
    frames = drawing.frames[:: max(1, len(drawing.frames) // ENOUGH)]
    if all(whole_shift(state.H[t]) for t in drawing.frames):
        return
    at = _content(drawing)
    if at is None:
        return
    rows, columns = at
    inner = (drawing.box[0] + columns.start, drawing.box[1] + rows.start,
             drawing.box[0] + columns.stop, drawing.box[1] + rows.stop)
    for _ in range(steps):
        picture = drawing.picture[:, rows, columns]
        total = torch.full(picture.shape[1:], PRIOR, device=device)
        change = torch.zeros((3, *picture.shape[1:]), device=device)
        for t in frames:
            part = shown_part(state.H[t], inner, (w, h))
            # where the frame does not cut it, the picture has a clear rim: nothing is missed beyond
            box = None if part is None else footprint(state.H[t], inner, (0, 0, w, h))
            if box is None:
                continue
            top = rendered(picture, state.H[t] @ translation(*inner[:2]), box, float(state.opacity[t]))
            frame = frame_bytes(source.read(t)[box[1]:box[3], box[0]:box[2]], device)
            residual, weight = _missed(frame, top, scene(t, box))
            local = translation(-box[0], -box[1]) @ state.H[t]
            within = inside(state.H[t], part, (w, h), device)
            here = part_of(inner, part)
            share = resample(weight[None], local, part)[0].clamp_(min=0)
            back = resample(residual, local, part)
            if count_of(within) < within.numel():
                share, back = share * within, back * within
            total[here].add_(share)
            change[(slice(None), *here)].add_(back)
        limit = picture[3].float()
        for plane, step in zip(picture[:3], change, strict=True):  # one at a time: planes of scenery are large
            colour = step.div_(total).add_(plane).round_().clamp_(min=0)
            plane.copy_(torch.minimum(colour, limit, out=colour))


def _missed(frame: torch.Tensor, top: torch.Tensor, view: View) -> tuple[torch.Tensor, torch.Tensor]:
    """What a frame shows beyond a drawing and what is around it, weighted, float32 [3, h, w] levels, and the weights
    [h, w]. frame: uint8 [3, h, w]. top: of `rendered`. Strip by strip, which stay in the processor's cache."""
    residual, weight = torch.empty_like(view.behind), torch.empty_like(top[3])
    for rows in strips(frame.shape):
        miss = frame[:, rows].float()
        if view.front is not None:
            miss = (miss - view.front[:, rows]) / view.through[rows].clamp(min=0.2)
        alpha = top[3, rows]
        miss.sub_(top[:3, rows]).sub_((1 - alpha) * view.behind[:, rows])
        weight[rows] = _trusted(miss)[0].mul_(view.weight[rows]).mul_(above(alpha, 0))
        torch.mul(miss, weight[rows], out=residual[:, rows])
    return residual, weight


def _content(drawing: Drawing) -> tuple[slice, slice] | None:
    """Rows and columns of a drawing's picture that show anything, with a clear rim as far as its box goes."""
    _, h, w = drawing.picture.shape
    x, y, bw, bh = cv2.boundingRect(drawing.picture[3].cpu().numpy())
    if bw == 0:
        return None
    return (slice(max(0, y - CLEAR_RIM), min(h, y + bh + CLEAR_RIM)),
            slice(max(0, x - CLEAR_RIM), min(w, x + bw + CLEAR_RIM)))
