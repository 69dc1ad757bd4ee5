"""Settling undecided px by their neighbours: a random walk on the picture, on a pyramid."""

from __future__ import annotations

import cv2
import numpy as np
import torch

WALK_LAMBDA = 0.7
WALK_SIGMA = 6.0  # levels (L2 over RGB) at which neighbouring px stop sharing alpha
FIXED = 1e3  # information from which a px does not move at all
WEAK = 5.0  # information below which neighbours outweigh a px's own estimate
CALM = 0.01  # alpha; px whose whole neighbourhood agrees to this have nothing to settle,
CLEAR, FULL = 0.03, 0.97  # nor have those whose neighbourhood is as good as transparent, or opaque
REACH = 4  # px; that neighbourhood


def walk(alpha: torch.Tensor, info: torch.Tensor, guide: torch.Tensor, sweeps: int,
         everywhere: bool = False) -> torch.Tensor:
    """Soft-seed random walk: min sum info (a - alpha)^2 + lambda sum w_pq (a_p - a_q)^2, w from colour differences.

    alpha, info: [h, w]. guide: [3, h, w] levels. A fixed number of red-black sweeps on every level of a pyramid; no
    data-dependent stop, so every device and thread count does the same sums. Only px that can move do so; with
    `everywhere` all of them may."""
    h, w = alpha.shape
    if min(h, w) >= 32:
        pool = lambda x: torch.nn.functional.avg_pool2d(x[None], 2, ceil_mode=True, count_include_pad=False)[0]  # noqa: E731
        small_info = pool(info[None])[0]
        small = pool((info * alpha)[None])[0] / small_info.clamp(min=1e-6)
        small = walk(small, small_info, pool(guide), sweeps, everywhere)
        start = torch.nn.functional.interpolate(small[None, None], scale_factor=2, mode="nearest")[0, 0, :h, :w]
    else:
        start = alpha
    moves = torch.ones_like(alpha, dtype=torch.bool) if everywhere else _moving(alpha, info)
    moves &= info <= FIXED
    held = torch.where(moves, start, alpha)
    return _relaxed(held, alpha, info, guide, moves, sweeps)


def _moving(alpha: torch.Tensor, info: torch.Tensor) -> torch.Tensor:
    """Px that are weakly known, or near others that differ."""
    a = alpha.cpu().numpy()
    around = np.ones((2 * REACH + 1,) * 2, np.uint8)
    most, least = cv2.dilate(a, around), cv2.erode(a, around)
    open_ = (most > CLEAR) & (least < FULL)
    open_ &= np.subtract(most, least, out=most) > CALM
    return torch.from_numpy(open_).to(alpha.device) | (info < WEAK)


def _relaxed(start: torch.Tensor, alpha: torch.Tensor, info: torch.Tensor, guide: torch.Tensor, moves: torch.Tensor,
             sweeps: int) -> torch.Tensor:
    """Red-black sweeps: every px that moves becomes the weighted mean of its own estimate and its four neighbours.

    Only the px that move are looked up and written: mostly they are a band along the outlines."""
    h, w = start.shape
    out = start.reshape(-1).clone()
    at = torch.nonzero(moves.reshape(-1))[:, 0]
    row = torch.div(at, w, rounding_mode="floor")
    black = (at + row * (w + 1)) % 2 == 1  # row + column is odd
    halves = [_half(at[which], row[which], alpha, info, guide) for which in (~black, black)]
    for _ in range(sweeps):
        for here, around, weights, aim in halves:
            new = aim
            for values, share in zip(out.index_select(0, around).view(4, -1), weights, strict=True):
                new = torch.addcmul(new, values, share)
            out.index_copy_(0, here, new)
    return out.view(h, w)


def _half(here: torch.Tensor, row: torch.Tensor, alpha: torch.Tensor, info: torch.Tensor, guide: torch.Tensor
          ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor], torch.Tensor]:
    """What px need to be relaxed -> (their flat places [n]; those of their neighbours to the right, left, below and
    above [4 n]; each neighbour's share in their mean, four times [n], 0 where there is none; their own part of it [n]).

    here: flat places [n]. row: theirs [n]."""
    h, w = alpha.shape
    column = here - row * w
    there = (column < w - 1, column > 0, row < h - 1, row > 0)
    around = torch.cat([here + step * ok for step, ok in zip((1, -1, w, -w), there, strict=True)])
    distance = torch.zeros((4, len(here)), device=alpha.device)
    for plane in guide.reshape(3, -1):
        step = plane.index_select(0, around).view(4, -1) - plane.index_select(0, here)
        distance.addcmul_(step, step)
    bonds = distance.mul_(-0.5 / WALK_SIGMA**2).exp_().mul_(WALK_LAMBDA).add_(1e-4).mul_(torch.stack(there))
    own = info.reshape(-1).index_select(0, here)
    total = own + bonds[0]
    for bond in bonds[1:]:
        total = total + bond
    shares = bonds * (1 / total)
    return here, around, list(shares), own * alpha.reshape(-1).index_select(0, here) / total
