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
    spread = cv2.dilate(a, around) - cv2.erode(a, around)
    return torch.from_numpy(spread > CALM).to(alpha.device) | (info < WEAK)


def _relaxed(start: torch.Tensor, alpha: torch.Tensor, info: torch.Tensor, guide: torch.Tensor, moves: torch.Tensor,
             sweeps: int) -> torch.Tensor:
    """Red-black sweeps: every px that moves becomes the weighted mean of its own estimate and its four neighbours.

    The picture lies in four planes, those of its even and odd rows and columns: a px's neighbours are then a plane
    moved by at most one px, and all sums run over whole planes."""
    h, w = start.shape
    right, down = _bond(guide, 2), _bond(guide, 1)  # to the px to the right of, and below each px
    pull = [right, torch.nn.functional.pad(right[:, :-1], (1, 0)), down,
            torch.nn.functional.pad(down[:-1], (0, 0, 1, 0))]
    total = info + pull[0]
    for weight in pull[1:]:
        total = total + weight
    free = moves.to(start.dtype) / total
    target = torch.where(moves, info * alpha / total, start)
    even = (h % 2, w % 2)

    def planes(x: torch.Tensor) -> list[torch.Tensor]:
        if any(even):
            x = torch.nn.functional.pad(x, (0, even[1], 0, even[0]))
        return [x[i::2, j::2].contiguous() for i in (0, 1) for j in (0, 1)]

    rows, columns = (h + 1) // 2, (w + 1) // 2
    # one px around each plane, for the neighbours that are not there (their weight is 0)
    state = [torch.nn.functional.pad(x, (1, 1, 1, 1)) for x in planes(start)]
    aims, pulls = planes(target), [planes(weight * free) for weight in pull]

    def relax(k: int) -> None:
        """Plane k = 2 * (odd row) + (odd column). Beside an odd column lies the next plane px's even one."""
        i, j = divmod(k, 2)
        across, along = state[2 * i + 1 - j], state[2 * (1 - i) + j]
        neighbours = (across[1:1 + rows, 1 + j:1 + j + columns], across[1:1 + rows, j:j + columns],
                      along[1 + i:1 + i + rows, 1:1 + columns], along[i:i + rows, 1:1 + columns])
        new = aims[k].clone()
        for there, weights in zip(neighbours, pulls, strict=True):
            new.addcmul_(there, weights[k])
        state[k][1:1 + rows, 1:1 + columns] = new

    for _ in range(sweeps):
        for k in (0, 3, 1, 2):  # red: row + column even
            relax(k)
    out = torch.empty_like(start)
    for k, x in enumerate(state):
        i, j = divmod(k, 2)
        there = out[i::2, j::2]
        there.copy_(x[1:1 + there.shape[0], 1:1 + there.shape[1]])
    return out


def _bond(guide: torch.Tensor, dim: int) -> torch.Tensor:
    """How much each px and the next one along a dimension of `guide` [3, h, w] share: [h, w], 0 at the last one."""
    n = guide.shape[dim] - 1
    distance = torch.zeros_like(guide[0])
    inner = distance.narrow(dim - 1, 0, n)
    for plane in guide:
        step = plane.narrow(dim - 1, 1, n) - plane.narrow(dim - 1, 0, n)
        inner.addcmul_(step, step)
    weight = distance.mul_(-0.5 / WALK_SIGMA**2).exp_().mul_(WALK_LAMBDA).add_(1e-4)
    weight.narrow(dim - 1, n, 1).zero_()
    return weight
