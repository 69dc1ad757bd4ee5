"""The layers' edges at working size: how wide they are mixed with what is behind, and each pixel's coverage."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from . import evidence as ev
from .canvas import render, whole_picture
from .layers import LayerMosaics, Rigid
from .walker import halved

EDGE = 2  # px at working size in which a drawn edge is mixed with what is behind it; motion blur makes it wider
WIDEST = 12  # px at working size, the widest mixed edge that is looked for
BLURRED = 10  # px; a narrower ramp may as well be hair or an outline of another contrast than the body
PLATEAU = 0.85  # of the contrast deep inside: from here on a pixel is not mixed any more
BESIDE = 32  # px around an edge's px: more than the widest blur reaches, and whole steps of a processor's
NEAR_EDGE = 24  # px around a layer beyond which nothing counts for its edge: more than the widest blur reaches


def eroded(mask: torch.Tensor, r: int) -> torch.Tensor:
    """Erosion of float32 or uint8 [..., h, w], 0 or 1, by a square; the frame's border does not erode."""
    return 1 - ev.largest_near(1 - mask, r)


def upsampled(p: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """[L, h, w] -> [L, size[1], size[0]], bilinear."""
    return F.interpolate(p[None], (size[1], size[0]), mode="bilinear")[0]


def upsampled_at(p: torch.Tensor, size: tuple[int, int], at: torch.Tensor) -> torch.Tensor:
    """`upsampled` at the pixels numbered `at` [n] only: [L, n]."""
    h, w = p.shape[-2:]
    y = ((torch.div(at, size[0], rounding_mode="floor") + 0.5) * (h / size[1]) - 0.5).clamp(0, h - 1)
    x = ((at % size[0] + 0.5) * (w / size[0]) - 0.5).clamp(0, w - 1)
    top, left = y.long().clamp(max=max(0, h - 2)), x.long().clamp(max=max(0, w - 2))
    down, right = y - top, x - left
    first, wide, high = top * w + left, int(w > 1), w * int(h > 1)
    out = torch.empty(len(p), len(at), device=p.device)
    for i, plane in enumerate(p.flatten(1)):
        corner = [plane.index_select(0, first + step) for step in (0, wide, high, high + wide)]
        out[i] = torch.lerp(torch.lerp(corner[0], corner[1], right), torch.lerp(corner[2], corner[3], right), down)
    return out


def edge_width(frames: torch.Tensor, rigid: Rigid, pictures: list[LayerMosaics], p: torch.Tensor) -> int:
    """How many px inside the redrawn sprites' outlines still show what is behind: measured, not assumed.

    The contrast with the background's mosaic grows from the outline inwards and stays when the sprite is opaque.
    """
    h, w = frames.shape[-2:]
    total, number = np.zeros(WIDEST + 7), np.zeros(WIDEST + 7)
    for t in range(0, len(frames), max(1, len(frames) // 8)):
        if not rigid.present[0][t]:
            continue
        inside = upsampled(p[len(rigid) :, t].float().sum(0)[None], (w, h))[0] > 0.5
        if not inside.any() or inside.all():  # who fills the frame, as a flash may, has no outline in it
            continue
        back = render(pictures[0][0], rigid.H[0][t], (w, h))
        contrast = (whole_picture(frames[t]) - back[:3]).abs().amax(0)
        deep = cv2.distanceTransform(inside.to(torch.uint8).cpu().numpy(), cv2.DIST_L2, 3)
        use = inside.cpu().numpy() & (back[3] > 0.1).cpu().numpy()
        at = np.minimum(np.round(deep[use]).astype(int), WIDEST + 6)
        total += np.bincount(at, contrast.cpu().numpy()[use], minlength=WIDEST + 7)
        number += np.bincount(at, minlength=WIDEST + 7)
    mean = total / np.maximum(number, 1)
    level = total[WIDEST - 2 :].sum() / max(number[WIDEST - 2 :].sum(), 1)
    reached = np.flatnonzero((mean >= PLATEAU * level) & (np.arange(len(mean)) >= EDGE) & (number > 0))
    if len(reached) == 0 or reached[0] < BLURRED or number[WIDEST - 2 :].sum() < 200:
        return EDGE
    rising = np.diff(mean[1 : BLURRED + 1])
    return int(min(reached[0], WIDEST)) if (rising > 0).all() else EDGE  # a line inside the outline would fall again


def edge_coverage(frame: torch.Tensor, behind: torch.Tensor, inside: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """Known-background coverage of a layer's edge pixels: the projection of I - B on F - B, F diffused from inside.

    frame: float32 [3, h, w]; inside: uint8 [h, w], 1 where surely the layer. at: int64 [n], the numbers of the edge's
    pixels; behind: float32 [3, n], what is seen behind them. Returns float32 [n] in 0..1; where F and B look alike,
    0.5.
    """
    y, x = torch.div(at, frame.shape[2], rounding_mode="floor"), at % frame.shape[2]
    rows, columns = (_beside(one, size) for one, size in zip((y, x), inside.shape, strict=True))
    frame, inside, y, x = frame[:, rows, columns], inside[rows, columns], y - rows.start, x - columns.start
    at = y * frame.shape[2] + x
    both = torch.empty(4, *inside.shape, device=frame.device)
    both[3] = inside
    torch.mul(frame, both[3], out=both[:3])
    # of parts too thin for an inside, the nearest inside; far enough away that half the resolution does
    wide = ev.blur(halved(both), 2.5)
    both = ev.blur(both, 1.5).flatten(1).index_select(1, at) + 1e-4 * wide[:, y // 2, x // 2]
    d = both[:3] / (both[3] + 1e-8) - behind
    off = frame[:, y, x] - behind
    # 12 levels of contrast weigh as much as not knowing
    return (((off * d).sum(0) + 0.5 * 144.0) / (d.square().sum(0) + 144.0)).clamp(0, 1)


def _beside(at: torch.Tensor, size: int) -> slice:
    """The part of a side of so many px that holds all of `at` int64 [n], and what blurs of an edge look at around."""
    if not len(at):
        return slice(0, size)
    first, last = (int(one) // BESIDE * BESIDE for one in torch.aminmax(at))
    return slice(max(0, first - BESIDE), min(size, last + 2 * BESIDE))


def around(mask: torch.Tensor, margin: int) -> tuple[slice, slice]:
    """Rows and columns of a mask [h, w] that hold all that is not 0, and `margin` px around."""
    rows, columns = (torch.nonzero(mask.amax(axis))[:, 0] for axis in (1, 0))
    return (slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
            slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin))


def behind_of(order: list[int], backs: list[torch.Tensor | None], fine: list[torch.Tensor], at: torch.Tensor
              ) -> tuple[torch.Tensor, torch.Tensor]:
    """What is seen behind a layer at the pixels numbered `at` [n]: the likeliest of the rigid layers further back.

    backs: rendered mosaics [5, h, w]. fine: float32 [h, w] of every rigid layer, its blurred probability.
    Returns (colour float32 [3, n], whether it is known there, bool [n]).
    """
    rigid = [j for j in order if j < len(backs) and backs[j] is not None]
    colour = torch.zeros(3, len(at), device=at.device)
    known, best = torch.zeros(len(at), dtype=torch.bool, device=at.device), None
    for j in rigid:
        back = backs[j][:4].flatten(1).index_select(1, at)
        here = fine[j].flatten()[at] if len(rigid) > 1 else torch.ones_like(back[3])
        take = torch.ones_like(known) if best is None else (here > best) & (back[3] > 0.1)
        colour = torch.where(take, back[:3], colour)
        known = torch.where(take, back[3] > 0.1, known)
        best = here if best is None else torch.maximum(best, here)
    return colour, known
