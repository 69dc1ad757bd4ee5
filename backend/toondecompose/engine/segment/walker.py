"""The random walker with soft seeds: spreads sparse evidence through a picture, stopping at its edges.

min over p of  sum c (p - e)^2 + smooth * sum over neighbours exp(-|dI|^2 / 2 sigma^2) (p_i - p_j)^2

Source: Grady, "Random walks for image segmentation" (2006), with a quadratic data term instead of hard seeds. Solved by
a fixed number of Jacobi sweeps with Chebyshev acceleration from a coarse level to the fine one: no dot products, so the
answer does not depend on the number of threads.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

# sweeps per level, coarsest last. The coarsest level must carry a value across the whole picture (20-40 px there);
# finer levels only repair what their own edges change.
SWEEPS = (10, 14, 24, 48)
# an estimate of the Jacobi iteration's spectral radius: evidence is sparse, so convergence is slow
RADIUS = 0.985
# two pixels on the two sides of the sharpest edge still know of each other a little: it closes one-pixel gaps
FLOOR = 1e-3
BLOCK = 2**17  # px worked on at once on the CPU: what its cache holds


def edge_weights(pictures: torch.Tensor, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    """How freely a label passes between neighbours.

    pictures: float32 [n, c, h, w], 0..255. sigma: grey levels (root mean square over channels).
    Returns (right [n, h, w-1], down [n, h-1, w]) in FLOOR..1.
    """
    k = 0.5 / (sigma * sigma * pictures.shape[1])
    right = torch.exp(-k * (pictures[..., 1:] - pictures[..., :-1]).square().sum(1)).clamp_min(FLOOR)
    down = torch.exp(-k * (pictures[..., 1:, :] - pictures[..., :-1, :]).square().sum(1)).clamp_min(FLOOR)
    return right, down


def _sweep(p, num, right, down, inv):
    """One Jacobi step: the weighted mean of evidence and neighbours."""
    acc = num.clone()
    acc[..., :-1] += right * p[..., 1:]
    acc[..., 1:] += right * p[..., :-1]
    acc[..., :-1, :] += down * p[..., 1:, :]
    acc[..., 1:, :] += down * p[..., :-1, :]
    return acc * inv


def _relax(p, e, c, right, down, smooth: float, sweeps: int):
    right, down = right * smooth, down * smooth
    total = c + 1e-6
    total[..., :-1] += right
    total[..., 1:] += right
    total[..., :-1, :] += down
    total[..., 1:, :] += down
    inv = 1.0 / total
    num = c * e + 1e-6 * 0.5
    previous, omega = p, 1.0
    for i in range(sweeps):
        new = _sweep(p, num, right, down, inv)
        omega = 1.0 if i == 0 else 1.0 / (1.0 - 0.25 * RADIUS * RADIUS * omega) if i > 1 else 1.0 / (
            1.0 - 0.5 * RADIUS * RADIUS)
        p, previous = previous + omega * (new - previous), p
    return p


def spread(pictures: torch.Tensor, evidence: torch.Tensor, confidence: torch.Tensor, smooth: float = 4.0,
           sigma: float = 7.0) -> torch.Tensor:
    """Spread evidence over n pictures at once.

    pictures: float32 [n, c, h, w], 0..255. evidence: float32 [n, h, w] in 0..1. confidence: float32 [n, h, w] >= 0.
    smooth: weight of two like neighbours against evidence of confidence 1. sigma: grey levels of an edge.
    Returns float32 [n, h, w] in 0..1; 0.5 where nothing reaches.
    """
    if evidence.shape[0] > 1 and evidence[0].numel() * evidence.shape[0] > BLOCK and evidence.device.type == "cpu":
        step = max(1, BLOCK // evidence[0].numel())
        parts = [slice(i, i + step) for i in range(0, evidence.shape[0], step)]
        return torch.cat([spread(pictures[i], evidence[i], confidence[i], smooth, sigma) for i in parts])
    levels = [(pictures, evidence, confidence)]
    for _ in SWEEPS[1:]:
        img, e, c = levels[-1]
        if min(img.shape[-2:]) < 16:
            break
        area = F.avg_pool2d(c[:, None], 2, ceil_mode=True)[:, 0]
        mean = F.avg_pool2d((c * e)[:, None], 2, ceil_mode=True)[:, 0] / area.clamp_min(1e-6)
        # 4 px of evidence become one, and one coarse link stands for two side by side of half the conductance each
        levels.append((F.avg_pool2d(img, 2, ceil_mode=True), mean, 4.0 * area))
    p = None
    for depth in range(len(levels) - 1, -1, -1):
        img, e, c = levels[depth]
        right, down = edge_weights(img, sigma)
        if p is None:
            p = torch.where(c > 1e-3, e, torch.full_like(e, 0.5))
        else:
            p = F.interpolate(p[:, None], scale_factor=2, mode="bilinear")[:, 0, : e.shape[1], : e.shape[2]]
        p = _relax(p, e, c, right, down, smooth, SWEEPS[depth])
    return p.clamp(0.0, 1.0)
