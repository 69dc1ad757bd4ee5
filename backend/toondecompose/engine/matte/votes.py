"""Which colour most of a pixel's samples show: the temporal mode, not the median."""

from __future__ import annotations

import torch

AGREE = 40  # levels, sum over RGB: two samples this close vote for each other
CANDIDATES = 12  # samples per px that stand for election; all samples vote


def mode_vote(colours: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The mode of weighted colour samples, with integer votes (same result on every device and thread count).

    colours: int16 [n, 3, p], 0..255. weights: int32 [n, p], 0..64. Returns float32 [3, p].
    """
    n = colours.shape[0]
    best_vote = torch.full_like(weights[0], -1)
    best = colours[0].clone()
    stride = max(1, n // CANDIDATES)
    # the px' own best seen samples stand, spread over the clip; ties go to the earlier frame
    order = torch.arange(n, device=weights.device)
    rank = torch.argsort(weights * 1024 - (order[:, None] % stride) * 64 - order[:, None] // stride, dim=0,
                         descending=True, stable=True)[:max(CANDIDATES, 1)]
    for r in range(rank.shape[0]):
        pick = rank[r]
        candidate = torch.gather(colours, 0, pick[None, None].expand(1, 3, -1))[0]
        vote = torch.zeros_like(best_vote)
        for j in range(n):
            distance = (colours[j].int() - candidate.int()).abs().sum(0)
            vote += weights[j] * (AGREE - distance).clamp(min=0)
        vote = torch.where(torch.gather(weights, 0, pick[None])[0] > 0, vote, torch.full_like(vote, -1))
        better = vote > best_vote
        best_vote = torch.where(better, vote, best_vote)
        best = torch.where(better, candidate, best)
    centre = best.float()
    for _ in range(2):  # mean shift with a triangular kernel
        total = torch.zeros_like(centre[0])
        moved = torch.zeros_like(centre)
        for j in range(n):
            c = colours[j].float()
            kernel = weights[j] * (AGREE - (c - centre).abs().sum(0)).clamp(min=0)
            total += kernel
            moved += c * kernel
        centre = torch.where(total > 0, moved / total.clamp(min=1e-6), centre)
    return centre
