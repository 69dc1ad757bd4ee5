"""The random walker with soft seeds: spreads sparse evidence through a picture, stopping at its edges.

min over p of  sum c (p - e)^2 + smooth * sum over neighbours exp(-|dI|^2 / 2 sigma^2) (p_i - p_j)^2

Source: Grady, "Random walks for image segmentation" (2006), with a quadratic data term instead of hard seeds. Solved by
a fixed number of Jacobi sweeps with Chebyshev acceleration from a coarse level to the fine one: no dot products, so the
answer does not depend on the number of threads.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F

# sweeps per level, coarsest last. The coarsest level must carry a value across the whole picture (20-40 px there);
# finer levels only repair what their own edges change.
SWEEPS = (10, 14, 24, 48)
SWEEPS_ON = 16  # sweeps over what was solved before at half the size: it goes a few px beyond the outlines
# an estimate of the Jacobi iteration's spectral radius: evidence is sparse, so convergence is slow
RADIUS = 0.985
# two pixels on the two sides of the sharpest edge still know of each other a little: it closes one-pixel gaps
FLOOR = 1e-3
BLOCK = 2**16  # px worked on at once on the CPU: what its cache holds


def edge_weights(pictures: torch.Tensor, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    """How freely a label passes between neighbours.

    pictures: float32 [n, c, h, w], 0..255. sigma: grey levels (root mean square over channels).
    Returns (right [n, h, w-1], down [n, h-1, w]) in FLOOR..1.
    """
    k = 0.5 / (sigma * sigma * pictures.shape[1])
    right = torch.exp(-k * (pictures[..., 1:] - pictures[..., :-1]).square().sum(1)).clamp_min(FLOOR)
    down = torch.exp(-k * (pictures[..., 1:, :] - pictures[..., :-1, :]).square().sum(1)).clamp_min(FLOOR)
    return right, down


def halved(x: torch.Tensor) -> torch.Tensor:
    """Means of 2 x 2 px of float32 [..., h, w]; an odd last row or column is a mean of what there is."""
    h, w = x.shape[-2:]
    if x.device.type != "cpu":
        return F.avg_pool2d(x.reshape(-1, 1, h, w), 2, ceil_mode=True).reshape(*x.shape[:-2], -(-h // 2), -(-w // 2))
    out = np.empty((x[..., 0, 0].numel(), -(-h // 2), -(-w // 2)), np.float32)  # the same, many times faster
    for i, plane in enumerate(x.reshape(-1, h, w).numpy()):
        if h % 2 or w % 2:
            plane = cv2.copyMakeBorder(plane, 0, h % 2, 0, w % 2, cv2.BORDER_REPLICATE)
        cv2.resize(plane, out.shape[:0:-1], dst=out[i], interpolation=cv2.INTER_AREA)
    return torch.from_numpy(out).reshape(*x.shape[:-2], *out.shape[1:])


def _omega(i: int, last: float) -> float:
    """Chebyshev's weight of step i after that of the step before."""
    return 1.0 if i == 0 else 1.0 / (1.0 - (0.5 if i == 1 else 0.25) * RADIUS * RADIUS * last)


def _relax(p: torch.Tensor, e: torch.Tensor, c: torch.Tensor, right: torch.Tensor, down: torch.Tensor,
           sweeps: int) -> torch.Tensor:
    """`sweeps` accelerated Jacobi steps of p [m, n, h, w] towards evidence e [m, n, h, w] of confidence c [n, h, w].

    Each step is the weighted mean of evidence and neighbours. right [n, h, w-1], down [n, h-1, w]: the conductances
    between neighbours. All values are kept with a border, which no link weighs, and lie in one row, so that a neighbour
    is as many places farther for all of them: whole clips are added at once."""
    m, n, h, w = p.shape
    wide = w + 2
    size = n * (h + 2) * wide
    total = c + 1e-6
    total[..., :-1] += right
    total[..., 1:] += right
    total[..., :-1, :] += down
    total[..., 1:, :] += down
    # what each pixel takes of its right, left, lower and upper neighbour's value in a step
    links = torch.zeros(4, n, h + 2, wide, device=p.device)
    inner = links[..., 1:-1, 1:-1]
    torch.div(right, total[..., :-1], out=inner[0, ..., :-1])
    torch.div(right, total[..., 1:], out=inner[1, ..., 1:])
    torch.div(down, total[..., :-1, :], out=inner[2, ..., :-1, :])
    torch.div(down, total[..., 1:, :], out=inner[3, ..., 1:, :])
    inner = total.new_zeros(m, n, h + 2, wide)
    torch.mul(c, e, out=inner[..., 1:-1, 1:-1])
    inner[..., 1:-1, 1:-1].add_(1e-6 * 0.5).div_(total)
    links, out = links.view(4, size).unbind(), torch.empty_like(p)
    # questions by themselves where more of them would not fit into a processor's cache
    step = max(1, BLOCK // size) if p.device.type == "cpu" else m
    for k in range(0, m, step):
        some = min(step, m - k)
        values = torch.zeros(2, some, size + 2 * wide, device=p.device)
        values[0, :, wide : wide + size].view(some, n, h + 2, wide)[..., 1:-1, 1:-1] = p[k : k + some]
        own = inner[k : k + some].view(some, size)
        if some == 1:
            values, own = values[:, 0], own[0]
        current, previous = ([x[..., at : at + size] for at in (wide, wide + 1, wide - 1, 2 * wide, 0)]
                             for x in values)
        new, omega = torch.empty_like(own), 1.0
        for i in range(sweeps):
            torch.addcmul(own, links[0], current[1], out=new)
            for link, neighbour in zip(links[1:], current[2:], strict=True):
                new.addcmul_(link, neighbour)
            omega = _omega(i, omega)
            previous[0].lerp_(new, omega)
            current, previous = previous, current
        out[k : k + some] = current[0].view(some, n, h + 2, wide)[..., 1:-1, 1:-1]
    return out


def _relax_at(at: torch.Tensor, p: torch.Tensor, e: torch.Tensor, c: torch.Tensor, picture: torch.Tensor,
              smooth: float, sigma: float, sweeps: int) -> torch.Tensor:
    """`_relax` of the pixels numbered `at` [k] only, p and e [m, h, w], c [h, w]; others stay as e has them."""
    (h, w), count = c.shape, len(at)
    x = at % w
    inside = torch.stack([x < w - 1, x > 0, at < w * (h - 1), at >= w])
    near = torch.where(inside, torch.stack([at + 1, at - 1, at + w, at - w]), at).flatten()
    apart = torch.zeros(inside.shape, device=c.device)
    for plane in picture.flatten(1):
        apart += (plane.index_select(0, near).view(4, -1) - plane.index_select(0, at)).square_()
    links = torch.exp(apart * (-0.5 / (sigma * sigma * len(picture)))).clamp_min_(FLOOR).mul_(smooth).mul_(inside)
    own = c.flatten().index_select(0, at)
    total = links.sum(0).add_(own).add_(1e-6)
    links = (links / total).unbind()
    # the pixels asked about lie side by side, and then those beside them
    place = torch.full((h * w,), -1, dtype=torch.int32, device=c.device)
    place.index_copy_(0, at, torch.arange(count, dtype=torch.int32, device=c.device))
    beyond = near.index_select(0, torch.nonzero(place.index_select(0, near) < 0)[:, 0])
    place.index_copy_(0, beyond, torch.arange(count, count + len(beyond), dtype=torch.int32, device=c.device))
    near = place.index_select(0, near)
    values, around = torch.empty(count + len(beyond), device=c.device), torch.empty(4 * count, device=c.device)
    neighbours, current = around.view(4, -1).unbind(), values[:count]
    new, spare = torch.empty_like(current), torch.empty_like(current)
    out = e.flatten(1).clone()
    for plane, start in zip(out, p.flatten(1), strict=True):
        torch.index_select(plane, 0, beyond, out=values[count:])
        torch.index_select(start, 0, at, out=current)
        pull = (own * plane.index_select(0, at)).add_(1e-6 * 0.5).div_(total)
        last, omega = torch.zeros_like(pull), 1.0
        for i in range(sweeps):
            torch.index_select(values, 0, near, out=around)
            torch.addcmul(pull, links[0], neighbours[0], out=new)
            for link, value in zip(links[1:], neighbours[1:], strict=True):
                new.addcmul_(link, value)
            omega = _omega(i, omega)
            last.lerp_(new, omega)
            spare.copy_(current)
            current.copy_(last)
            last, spare = spare, last
        plane.index_copy_(0, at, current)
    return out.view(p.shape)


def spread(pictures: torch.Tensor, evidence: torch.Tensor, confidence: torch.Tensor, smooth: float = 4.0,
           sigma: float = 7.0) -> torch.Tensor:
    """Spread evidence over n pictures at once.

    pictures: float32 [n, c, h, w], 0..255. evidence: float32 [m, n, h, w] in 0..1, for m questions about the same
    pictures. confidence: float32 [n, h, w] >= 0. smooth: weight of two like neighbours against evidence of confidence
    1. sigma: grey levels of an edge. Returns float32 [m, n, h, w] in 0..1; 0.5 where nothing reaches.
    """
    if not len(evidence):
        return evidence
    if len(pictures) > 1 and confidence.numel() > BLOCK and confidence.device.type == "cpu":
        step = max(1, BLOCK // confidence[0].numel())
        parts = [slice(i, i + step) for i in range(0, len(pictures), step)]
        return torch.cat([spread(pictures[i], evidence[:, i], confidence[i], smooth, sigma) for i in parts], 1)
    levels = [(pictures, evidence, confidence)]
    for _ in SWEEPS[1:]:
        img, e, c = levels[-1]
        if min(img.shape[-2:]) < 16:
            break
        area = halved(c)
        mean = halved(c * e) / area.clamp_min(1e-6)
        # 4 px of evidence become one, and one coarse link stands for two side by side of half the conductance each
        levels.append((halved(img), mean, 4.0 * area))
    p = None
    for depth in range(len(levels) - 1, -1, -1):
        img, e, c = levels[depth]
        if p is None:
            p = torch.where(c > 1e-3, e, torch.full_like(e, 0.5))
        else:
            p = F.interpolate(p, scale_factor=2, mode="bilinear")[..., : e.shape[-2], : e.shape[-1]]
        right, down = edge_weights(img, sigma)
        p = _relax(p, e, c, right * smooth, down * smooth, SWEEPS[depth])
    return p.clamp(0.0, 1.0)


def spread_on(start: torch.Tensor, at: torch.Tensor, picture: torch.Tensor, evidence: torch.Tensor,
              confidence: torch.Tensor, smooth: float = 4.0, sigma: float = 7.0) -> torch.Tensor:
    """`spread` over the pixels numbered `at` int64 [k] of one picture that was solved before, at another size.

    start: float32 [m, h, w], what was found then: nothing has to come from far away any more. All other pixels are as
    their evidence says. picture: float32 [c, h, w]. evidence: float32 [m, h, w]. confidence: float32 [h, w].
    Returns float32 [m, h, w] in 0..1.
    """
    if not len(evidence) or not len(at):
        return evidence
    return _relax_at(at, start, evidence, confidence, picture, smooth, sigma, SWEEPS_ON).clamp_(0.0, 1.0)
