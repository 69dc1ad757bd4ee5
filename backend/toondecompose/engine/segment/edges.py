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
NEAR_EDGE = 24  # px around a layer beyond which nothing counts for its edge: more than the widest blur reaches


def eroded(mask: torch.Tensor, r: int) -> torch.Tensor:
    """Erosion of float32 or uint8 [..., h, w], 0 or 1, by a square; the frame's border does not erode."""
    return 1 - ev.largest_near(1 - mask, r)


def upsampled(p: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """[L, h, w] -> [L, size[1], size[0]], bilinear."""
    return F.interpolate(p[None], (size[1], size[0]), mode="bilinear")[0]


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
        if not inside.any():
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


def edge_coverage(frame: torch.Tensor, behind: torch.Tensor, inside: torch.Tensor,
                  outside: torch.Tensor) -> torch.Tensor:
    """Known-background coverage of a layer's edge pixels: the projection of I - B on F - B, F diffused from inside.

    frame, behind: float32 [3, h, w]; inside / outside: float32 [h, w], 1 where surely the layer / surely not.
    Returns float32 [h, w] in 0..1: 1 inside, 0 outside, between them the coverage; where F and B look alike, 0.5.
    """
    both = torch.cat([frame * inside, inside[None]])
    # of parts too thin for an inside, the nearest inside; far enough away that half the resolution does
    wide = upsampled(ev.blur(halved(both), 2.5), (frame.shape[2], frame.shape[1]))
    both = ev.blur(both, 1.5) + 1e-4 * wide
    d = both[:3] / (both[3] + 1e-8) - behind
    # 12 levels of contrast weigh as much as not knowing
    alpha = ((((frame - behind) * d).sum(0) + 0.5 * 144.0) / (d.square().sum(0) + 144.0)).clamp(0, 1)
    return torch.where(inside > 0.5, torch.ones_like(alpha), torch.where(outside > 0.5, torch.zeros_like(alpha), alpha))


def around(mask: torch.Tensor, margin: int) -> tuple[slice, slice]:
    """Rows and columns of float32 [h, w] that hold all that is not 0, and `margin` px around."""
    rows, columns = (torch.nonzero(mask.amax(axis))[:, 0] for axis in (1, 0))
    return (slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
            slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin))


def behind_of(order: list[int], backs: list, fine: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What is seen behind a layer: the likeliest of the rigid layers further back, and whether it is known there."""
    colour, known, best = None, None, None
    for j in order:
        if j >= len(backs) or backs[j] is None:
            continue
        here = ev.blur(fine[j], 3.0)
        if colour is None:
            colour, known, best = backs[j][:3], (backs[j][3] > 0.1).to(torch.float32), here
        else:
            take = (here > best) & (backs[j][3] > 0.1)
            colour = torch.where(take, backs[j][:3], colour)
            known = torch.where(take, torch.ones_like(known), known)
            best = torch.maximum(best, here)
    if colour is None:
        return torch.zeros(3, *fine.shape[1:], device=fine.device), torch.zeros(fine.shape[1:], device=fine.device)
    return colour, known
