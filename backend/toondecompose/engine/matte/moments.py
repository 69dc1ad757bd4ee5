"""Pooling a drawing's exposures: what triangulation matting needs to know, summed over frames one at a time.

Every exposure k of a drawing shows C_k = P + beta B_k, with P = alpha F its premultiplied colour, B_k the known
background behind it and beta = 1 - alpha. The weighted sums below determine the least-squares P and beta of all canvas
px at once (Smith and Blinn's triangulation, pooled over any number of backgrounds).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.enough import wanting, wanting_parts
from toondecompose.engine.matte.marks import count_of
from toondecompose.engine.matte.plates import frame_bytes
from toondecompose.engine.matte.resample import (
    Box,
    footprint,
    inside,
    levels,
    resample,
    resample_both,
    share,
    translation,
)
from toondecompose.engine.tiles import strips

GREY = 128.0  # levels; subtracted before squaring, so that float32 sums keep their digits
APRON = 4  # px of frame around a sampled box, for the kernel


@dataclass
class Moments:
    """Weighted sums over exposures, on a canvas box. All float32 [h, w], colours [3, h, w], levels relative to GREY.

    n: sum of weights w. c, b: sum w C, sum w B. cb, bb, cc: sum w <C,B>, w |B|^2, w |C|^2. mask: sum w m.
    sure: sum w * (how well the background behind is known, 0..1). count: number of exposures that reach the canvas.
    """

    n: torch.Tensor
    c: torch.Tensor
    b: torch.Tensor
    cb: torch.Tensor
    bb: torch.Tensor
    cc: torch.Tensor
    mask: torch.Tensor
    sure: torch.Tensor
    count: int


def empty_moments(box: Box, device: str) -> Moments:
    shape = (box[3] - box[1], box[2] - box[0])
    zero = lambda *lead: torch.zeros((*lead, *shape), device=device)  # noqa: E731
    return Moments(zero(), zero(3), zero(3), zero(), zero(), zero(), zero(), zero(), 0)


@dataclass
class View:
    """The other layers around one layer, over a box of a frame. behind: float32 [3, h, w] levels, what is behind it.
    sure: [h, w] 0..1, how well that is known. weight: [h, w] 0..1, how surely nothing in front hides the layer.
    front: [3, h, w] premultiplied and through: [h, w] 0..1, a translucent layer in front, or None."""

    behind: torch.Tensor
    sure: torch.Tensor
    weight: torch.Tensor
    front: torch.Tensor | None = None
    through: torch.Tensor | None = None


@dataclass
class Exposure:
    """One exposure resampled to the part of the canvas box that its frame reaches: colour, behind float32 [3, h, w]
    levels; weight, mask, sure [h, w] 0..1. at: (rows, columns) of that part in the box. On a pan a plane's canvas is
    many frames wide, and each frame shows a strip of it. clear: nothing is in front, and all weights are 1."""

    at: tuple[slice, slice]
    colour: torch.Tensor
    behind: torch.Tensor
    weight: torch.Tensor
    mask: torch.Tensor
    sure: torch.Tensor
    clear: bool = False


def shown_part(H: np.ndarray, box: Box, size: tuple[int, int]) -> Box | None:
    """The part of a canvas box that a frame of `size` (w, h) px shows; None if it shows nothing of it. H: canvas ->
    frame."""
    return footprint(np.linalg.inv(H), (0, 0, *size), box)


def asked_parts(H: np.ndarray, box: Box, size: tuple[int, int], seen: torch.Tensor, enough: float,
                several: bool, shows: Callable[[Box], np.ndarray | None] | None = None) -> list[Box]:
    """Which parts of a canvas box are asked for of a frame of `size` (w, h) px, H: canvas -> frame.

    seen: float32 [h, w] over the box, weight of what earlier exposures showed; asked for is what they did not show
    often `enough`, in one part or in `several`. shows: of which squares of a part of the canvas the frame may show
    anything, for several parts (enough.wanting_parts)."""
    shown = shown_part(H, box, size)
    if shown is None:
        return []
    here = seen[part_of(box, shown)]
    if several:
        return wanting_parts(here, shown, enough, None if shows is None else shows(shown))
    part = wanting(here, shown, enough=enough)
    return [] if part is None else [part]


def part_of(box: Box, part: Box) -> tuple[slice, slice]:
    """Rows and columns of a box's arrays that a part of it covers."""
    return slice(part[1] - box[1], part[3] - box[1]), slice(part[0] - box[0], part[2] - box[0])


def exposure(source: FrameSource, t: int, H: np.ndarray, box: Box, mask: np.ndarray,
             scene: Callable[[int, Box], View], device: str, part: Box | None = None) -> Exposure | None:
    """Frame t seen from a drawing's canvas box. H: canvas -> frame.

    scene(t, frame_box) gives the other layers over that box of the frame. part: the part of the box that is asked for,
    which the frame shows; None for all of it. Returns None where the box is outside the frame.
    """
    w, h = source.size
    whole, box = box, part or shown_part(H, box, (w, h))
    there = None if box is None else footprint(H, box, (0, 0, w, h))
    if there is None:
        return None
    x0, y0 = max(0, there[0] - APRON), max(0, there[1] - APRON)
    x1, y1 = min(w, there[2] + APRON), min(h, there[3] + APRON)
    frame = frame_bytes(source.read(t)[y0:y1, x0:x1], device)
    view = scene(t, (x0, y0, x1, y1))
    if view.front is not None:
        frame = (frame - view.front) / view.through.clamp(min=0.2)
    local = translation(-x0, -y0) @ H
    colour, behind = resample_both(frame, view.behind, local, box)
    hs, ws = mask.shape
    shown = levels(share(torch.from_numpy(mask).to(device), np.diag([ws / w, hs / h, 1.0]) @ H, box))
    if view.through is not None:  # the masks say how much is seen; behind a veil that is not how much is there
        shown = (shown / resample(view.through[None], local, box, smooth=False)[0].clamp(min=0.25)).clamp(0, 1)
    weight, sure = (_carried(x, local, box) for x in (view.weight, view.sure))
    within = inside(H, box, (w, h), device)
    clear = float(view.weight.amin()) == 1
    if count_of(within) < within.numel():
        weight, clear = weight * within, False
    return Exposure(part_of(whole, box), colour, behind, weight, shown, sure, clear)


def _carried(x: torch.Tensor, M: np.ndarray, box: Box) -> torch.Tensor:
    """Values 0..1 [h, w] seen in a box of the output; mostly they are 1 everywhere, or 0."""
    least, most = (float(end) for end in torch.aminmax(x))
    if least == most and least in (0, 1):
        return torch.full((box[3] - box[1], box[2] - box[0]), least, device=x.device)
    return levels(share((x * 255).round_().to(torch.uint8), M, box))


def add(m: Moments, e: Exposure, gain: float = 1.0) -> None:
    """Pool one exposure into the sums. gain: opacity of this exposure: the equation is scaled to full opacity.

    Strip by strip, so that the products stay in the processor's cache."""
    rows, columns = e.at
    for part in strips(e.weight.shape):
        there = (slice(rows.start + part.start, rows.start + part.stop), columns)
        c, b, w = e.colour[:, part] - GREY, e.behind[:, part] - GREY, e.weight[part]
        if gain < 0.999:
            c = b + (c - b) / gain
            w = w * gain * gain
        wc, wb = (c, b) if e.clear and gain >= 0.999 else (c * w, b * w)  # a weight of 1 changes nothing
        m.n[there].add_(w)
        m.c[(slice(None), *there)].add_(wc)
        m.b[(slice(None), *there)].add_(wb)
        for k in range(3):
            m.cb[there].addcmul_(wc[k], b[k])
            m.bb[there].addcmul_(wb[k], b[k])
            m.cc[there].addcmul_(wc[k], c[k])
        m.mask[there].addcmul_(e.mask[part], w)
        m.sure[there].addcmul_(e.sure[part], w)
    m.count += 1
