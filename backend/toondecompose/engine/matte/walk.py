"""Settling undecided px by their neighbours: a random walk on the picture, on a pyramid."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.marks import above, places_of
from toondecompose.engine.tiles import STRIP, strips

WALK_LAMBDA = 0.7
WALK_SIGMA = 6.0  # levels (L2 over RGB) at which neighbouring px stop sharing alpha
FIXED = 1e3  # information from which a px does not move at all
WEAK = 5.0  # information below which neighbours outweigh a px's own estimate
CALM = 0.01  # alpha; px whose whole neighbourhood agrees to this have nothing to settle,
CLEAR, FULL = 0.03, 0.97  # nor have those whose neighbourhood is as good as transparent, or opaque
REACH = 4  # px; that neighbourhood
UNTOLD = 0.01  # information below which nothing is known of a px: it only carries on what others tell,
WAY = 12  # px, no farther than that


def walk(alpha: torch.Tensor, info: torch.Tensor, guide: torch.Tensor, sweeps: int,
         everywhere: bool = False) -> torch.Tensor:
    """Soft-seed random walk: min sum info (a - alpha)^2 + lambda sum w_pq (a_p - a_q)^2, w from colour differences.

    alpha, info: [h, w]. guide: [3, h, w] levels. A fixed number of red-black sweeps on every level of a pyramid; no
    data-dependent stop, so every device and thread count does the same sums. Only px that can move do so; with
    `everywhere` all of them may."""
    h, w = alpha.shape
    small = None
    if min(h, w) >= 32:
        small_info = halved(info)
        small = halved(info * alpha).div_(small_info.clamp(min=1e-6))
        small = walk(small, small_info, halved(guide), sweeps, everywhere)
    moves = torch.ones_like(alpha, dtype=torch.bool) if everywhere else _moving(alpha, info)
    moves &= ~above(info, FIXED)
    return _relaxed(small, alpha, info, guide, places_of(moves), sweeps)


def halved(x: torch.Tensor) -> torch.Tensor:
    """Means of 2x2 px, of fewer at an odd edge: float32 [..., h, w] -> [..., (h + 1) // 2, (w + 1) // 2].

    As avg_pool2d, of which the sums are in the same order, in a quarter of its time on a CPU."""
    if x.device.type != "cpu":
        lead = x.shape[:-2]
        pooled = torch.nn.functional.avg_pool2d(x.reshape(1, -1, *x.shape[-2:]), 2, ceil_mode=True,
                                                count_include_pad=False)[0]
        return pooled.view(*lead, *pooled.shape[-2:])
    a = x.numpy()
    h, w = a.shape[-2:]
    out = np.empty((*a.shape[:-2], (h + 1) // 2, (w + 1) // 2), np.float32)
    step = max(1, STRIP // (4 * max(1, w)))
    for top, rows, high in (*((k, min(step, h // 2 - k), 2) for k in range(0, h // 2, step)), (h // 2, h % 2, 1)):
        for left, columns, wide in ((0, w // 2, 2), (w // 2, w % 2, 1)):
            parts = [a[..., 2 * top + dy::2, 2 * left + dx::2][..., :rows, :columns]
                     for dy in range(high) for dx in range(wide)]
            total = out[..., top:top + rows, left:left + columns]
            total[:] = parts[0]
            for more in parts[1:]:
                total += more
            total *= np.float32(1 / len(parts))
    return torch.from_numpy(out)


def _moving(alpha: torch.Tensor, info: torch.Tensor) -> torch.Tensor:
    """Px that are weakly known, or near others that differ from them by so much that they would move."""
    a, known = alpha.cpu().numpy(), info.cpu().numpy()
    around = np.ones((2 * REACH + 1,) * 2, np.uint8)
    most, least = cv2.dilate(a, around), cv2.erode(a, around)
    open_ = np.empty(a.shape, bool)
    for part in strips(a.shape):
        high, low, here = most[part], least[part], known[part]
        moves = (high > CLEAR) & (low < FULL)
        high -= low
        # no px moves farther towards its neighbours than its bonds outweigh what is known of it
        moves &= (high > CALM) & (high * np.float32(4 * WALK_LAMBDA) > here * np.float32(CALM))
        np.logical_or(moves, here < WEAK, out=open_[part])
    told = known > UNTOLD
    if not told.all():
        open_ &= cv2.dilate(told.view(np.uint8), np.ones((2 * WAY + 1,) * 2, np.uint8)) > 0
    return torch.from_numpy(open_).to(alpha.device)


def _relaxed(start: torch.Tensor | None, alpha: torch.Tensor, info: torch.Tensor, guide: torch.Tensor,
             at: torch.Tensor, sweeps: int) -> torch.Tensor:
    """Red-black sweeps: every px that moves becomes the weighted mean of its own estimate and its four neighbours.

    start: what the px that move begin with, at half size; None for alpha. at: their flat places. Only these are looked
    up and written: mostly they are a band along the outlines."""
    h, w = alpha.shape
    out = alpha.reshape(-1).clone()
    if not len(at):
        return out.view(h, w)
    row = torch.div(at, w, rounding_mode="floor")
    column = at - row * w
    if start is not None:
        out.index_copy_(0, at, start.reshape(-1).index_select(0, (row >> 1) * start.shape[1] + (column >> 1)))
    black = ((row + column) & 1).bool()
    parts = []
    for px in (places_of(~black), places_of(black)):
        here = at.index_select(0, px)
        beside, shares, own = _bonds(here, row.index_select(0, px), column.index_select(0, px), alpha, info, guide)
        parts.append((here, beside.view(-1), shares, own))
    if out.device.type == "cpu":
        _sweep_on_host(out.numpy(), [[x.numpy() for x in part] for part in parts], sweeps)
        return out.view(h, w)
    for _ in range(sweeps):
        for here, beside, weights, own in parts:
            pulls = out.index_select(0, beside).view(4, -1).mul_(weights)
            out.index_copy_(0, here, pulls.sum(0).add_(own))
    return out.view(h, w)


def _sweep_on_host(out: np.ndarray, parts: list[list[np.ndarray]], sweeps: int) -> None:
    """The sweeps of `_relaxed`, in place: the same sums, in half of torch's time where few px move."""
    for _ in range(sweeps):
        for here, beside, weights, own in parts:
            pulls = out.take(beside).reshape(4, -1)
            pulls *= weights
            mean = pulls[0]
            for more in (*pulls[1:], own):
                mean += more
            out[here] = mean


def _bonds(here: torch.Tensor, row: torch.Tensor, column: torch.Tensor, alpha: torch.Tensor, info: torch.Tensor,
           guide: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What px need to be relaxed -> (the flat places of their neighbours to the right, left, below and above [4, n];
    each neighbour's share in their mean [4, n], 0 where there is none, whatever its place is; their own part of it
    [n]). here, row, column: the px [n], and where they are."""
    h, w = alpha.shape
    missing = torch.stack([column == w - 1, column == 0, row == h - 1, row == 0])
    around = torch.stack([here + 1, here - 1, here + w, here - w]).clamp_(0, h * w - 1)
    beside = around.view(-1)
    distance = torch.zeros(around.shape, device=alpha.device)
    for plane in guide.reshape(3, -1):
        step = plane.index_select(0, beside).view(4, -1).sub_(plane.index_select(0, here))
        distance.addcmul_(step, step)
    # what is less than e^-40 changes nothing in the sum, but numbers next to 0 take a processor long
    distance.mul_(-0.5 / WALK_SIGMA**2).clamp_(min=-40)
    bonds = distance.exp_().mul_(WALK_LAMBDA).add_(1e-4).masked_fill_(missing, 0.0)
    own = info.reshape(-1).index_select(0, here)
    each = 1 / (own + bonds.sum(0))
    return around, bonds.mul_(each), own * alpha.reshape(-1).index_select(0, here) * each
