"""Masks at working size from masks at labelling size: evidence again at the finer size, then the edge's own coverage."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from . import evidence as ev
from .canvas import Mosaic, render
from .walker import spread

SMALLEST = 2e-4  # of the frame's area: a smaller separate piece is noise, not a drawing
EDGE = 2  # px at working size in which a drawn edge is mixed with what is behind it


def edge_coverage(frame: torch.Tensor, back: torch.Tensor, inside: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
    """Known-background coverage of a sprite's edge pixels: the projection of I - B on F - B, F diffused from inside.

    frame, back: float32 [3, h, w]; inside / outside: float32 [h, w] 1 where surely the sprite / surely not.
    Returns float32 [h, w] in 0..1: 1 inside, 0 outside, between them the coverage; where F and B look alike, 0.5.
    """
    weight = ev.blur(inside, 1.5) + 1e-4 * ev.blur(inside, 5.0) + 1e-8
    fore = (ev.blur(frame * inside, 1.5) + 1e-4 * ev.blur(frame * inside, 5.0)) / weight
    d = fore - back
    size = d.square().sum(0)
    # 12 levels of contrast weigh as much as not knowing
    alpha = (((frame - back) * d).sum(0) + 0.5 * 144.0) / (size + 144.0)
    alpha = alpha.clamp(0, 1)
    return torch.where(inside > 0.5, torch.ones_like(alpha), torch.where(outside > 0.5, torch.zeros_like(alpha), alpha))


def _eroded(mask: torch.Tensor, r: int) -> torch.Tensor:
    return -F.max_pool2d(-mask[None, None], 2 * r + 1, 1, r)[0, 0]


def clean(mask: np.ndarray, strong: np.ndarray) -> np.ndarray:
    """Drop separate pieces that are small or that no pixel surely supports. mask float32 [h, w], strong bool [h, w]."""
    count, label, stats, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8), connectivity=8)
    area = stats[:, cv2.CC_STAT_AREA]
    support = np.bincount(label.ravel(), strong.ravel(), minlength=count)
    keep = (area >= SMALLEST * mask.size) & (support >= 4)
    keep[0] = True
    drop = ~keep[label]
    if drop.any():
        near = cv2.dilate(drop.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & (label == 0) | drop
        mask = np.where(near, 0, mask)
    return mask


def refine_over(frame: np.ndarray, coarse: np.ndarray, mosaic: Mosaic, H: np.ndarray, noise: float,
                device: str) -> np.ndarray:
    """One frame's sprite mask at working size, over one background.

    frame: uint8 [h, w, 3]; coarse: float32 [hc, wc], the labelling-size probability. Returns uint8 [h, w].
    """
    h, w = frame.shape[:2]
    picture = torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1))).to(device).to(torch.float32)
    p = F.interpolate(torch.from_numpy(coarse).to(device)[None, None], (h, w), mode="bilinear")[0, 0]
    back = render(mosaic, H, (w, h))
    known = (back[3] / 2).clamp(0, 1)
    z = ev.misfit(picture, back, noise)
    bg, fg = ((2.2 - z) / 1.5).clamp(0, 1), ((z - 2.5) / 2).clamp(0, 1)
    # the coarse answer holds where no outline is near; at the outline the finer pictures decide
    sure_in, sure_out = _eroded((p > 0.7).to(torch.float32), EDGE), _eroded((p < 0.3).to(torch.float32), EDGE)
    c = torch.where(sure_in + sure_out > 0, torch.full_like(z, 1.0), (bg * 0.5 + fg) * known)
    e = torch.where(sure_in > 0, torch.ones_like(z), torch.where(sure_out > 0, torch.zeros_like(z), fg / (fg + bg + 1e-6)))
    fine = spread(picture[None], e[None], c[None], smooth=1.0)[0]
    mask = clean(fine.cpu().numpy(), (fg * known > 0.9).cpu().numpy())
    fine = torch.from_numpy(mask).to(device)
    hard = (fine > 0.5).to(torch.float32)
    outside = _eroded(1 - hard, 1)
    alpha = edge_coverage(picture, back[:3], _eroded(hard, EDGE), outside)
    alpha = alpha * known + hard * (1 - known)
    return (alpha * 255).round().to(torch.uint8).cpu().numpy()
