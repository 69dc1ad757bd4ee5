"""Settling undecided px by their neighbours: a random walk on the picture, on a pyramid."""

from __future__ import annotations

import cv2
import numpy as np
import torch

WALK_LAMBDA = 0.7
WALK_SIGMA = 6.0  # levels (L2 over RGB) at which neighbouring px stop sharing alpha
FIXED = 1e3  # information from which a px does not move at all
WEAK = 5.0  # information below which neighbours outweigh a px's own estimate
CALM = 0.01  # alpha; px whose whole neighbourhood agrees to this have nothing to settle
REACH = 4  # px; that neighbourhood


def walk(alpha: torch.Tensor, info: torch.Tensor, guide: torch.Tensor, sweeps: int,
         everywhere: bool = False) -> torch.Tensor:
    """Soft-seed random walk: min sum info (a - alpha)^2 + lambda sum w_pq (a_p - a_q)^2, w from colour differences.

    alpha, info: [h, w]. guide: [3, h, w] levels. A fixed number of red-black sweeps on every level of a pyramid; no
    data-dependent stop, so every device and thread count does the same sums. Only px that can move are visited; with
    `everywhere` all of them are."""
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
    held = torch.where(moves, start, alpha).contiguous().view(-1)
    ys, xs = torch.nonzero(moves, as_tuple=True)
    red = (ys + xs) % 2 == 0
    sides = [_Side(alpha.view(-1), info.reshape(-1), guide.reshape(3, -1), ys[s], xs[s], h, w) for s in (red, ~red)]
    for sweep in range(2 * sweeps):
        sides[sweep % 2].relax(held)
    return held.view(h, w)


def _moving(alpha: torch.Tensor, info: torch.Tensor) -> torch.Tensor:
    """Px that are weakly known, or near others that differ."""
    a = alpha.cpu().numpy()
    around = np.ones((2 * REACH + 1,) * 2, np.uint8)
    spread = cv2.dilate(a, around) - cv2.erode(a, around)
    return torch.from_numpy(spread > CALM).to(alpha.device) | (info < WEAK)


class _Side:
    """The px of one colour of the checkerboard: their neighbours' places and weights."""

    def __init__(self, alpha: torch.Tensor, info: torch.Tensor, guide: torch.Tensor, ys: torch.Tensor,
                 xs: torch.Tensor, h: int, w: int):
        self.at = ys * w + xs
        own = [plane.index_select(0, self.at) for plane in guide]
        total = info.index_select(0, self.at)
        target = total * alpha.index_select(0, self.at)
        self.pull = []
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            y, x = ys + dy, xs + dx
            there = y.clamp(0, h - 1) * w + x.clamp(0, w - 1)
            distance = torch.zeros_like(total)
            for plane, mine in zip(guide, own, strict=True):
                step = plane.index_select(0, there).sub_(mine)
                distance.addcmul_(step, step)
            weight = torch.exp(distance * (-0.5 / WALK_SIGMA**2)).mul_(WALK_LAMBDA).add_(1e-4)
            weight *= there != self.at  # beyond the picture's edge there is no neighbour
            self.pull.append((there, weight))
            total = total + weight
        self.target = target / total
        for _, weight in self.pull:
            weight /= total

    def relax(self, a: torch.Tensor) -> None:
        """Every px becomes the weighted mean of its own estimate and its neighbours, in place."""
        new = self.target.clone()
        for there, weight in self.pull:
            new.addcmul_(a.index_select(0, there), weight)
        a.index_copy_(0, self.at, new)
