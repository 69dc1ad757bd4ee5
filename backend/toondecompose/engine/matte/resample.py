"""Sharp, exact resampling of pictures by homographies, in torch.

Moves by whole px are copied untouched; other translations use a separable cubic kernel; everything else samples
bicubically, supersampled where the picture shrinks. Edge coordinates throughout. Colour that has alpha must be
premultiplied.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch

from toondecompose.engine.shift import CATMULL_ROM, WHOLE_PX, Box, cubic, moved
from toondecompose.engine.warp import grid_for, sample
from toondecompose.formats.conventions import centre_from_edge

SHRINK = 1.25  # source px per output px above which several samples per px are taken
MAX_SUPERSAMPLING = 6


def unit_translation(M: np.ndarray) -> bool:
    """Does the map only move, to 1/1000 px over 1000 px?"""
    (a, b, _), (c, d, _), (g, h, _) = M.tolist()  # asked ten thousand times, and numpy is slow on small arrays
    return all(abs(x) < 1e-6 for x in (a - 1, b, c, d - 1)) and abs(g) < 1e-10 and abs(h) < 1e-10


def _surely_kept(M: np.ndarray) -> bool:
    """Does the map stretch along the axes alone, and shrink nothing by more than SHRINK? Not told by `local_scale`,
    which takes longer than moving a small mask does."""
    (a, b, _), (c, d, _), (g, h, i) = M.tolist()
    return b == c == g == h == 0 and i > 1e-9 and abs(a * d) < 0.999 * (SHRINK * i) ** 2


def _moved(image: torch.Tensor, offset: float, start: int, count: int, dim: int, a: float) -> torch.Tensor:
    """The picture read at px start..start+count-1 plus `offset` along one axis; its edge px repeat."""
    whole = round(offset)
    if abs(offset - whole) < WHOLE_PX:
        taps, weights = [whole], [1.0]
    else:
        base = math.floor(offset)
        taps = [base - 1, base, base + 1, base + 2]
        weights = [float(cubic(np.float64(offset - k), a)) for k in taps]
    length = image.shape[dim]
    low, high = start + taps[0], start + count + taps[-1]
    first, last = min(max(low, 0), length - 1), max(min(high, length), 1)
    part = image.narrow(dim, first, max(1, last - first))
    before, after = max(0, min(0, low) * -1 if low < 0 else 0), max(0, high - length)
    if low >= length or high <= 0:  # wholly outside: only the edge px is seen
        part = image.narrow(dim, first, 1)
        before, after = 0, high - low - 1
    if before or after:
        edge = lambda at, n: part.narrow(dim, at, 1).expand(*[n if d == dim else -1 for d in range(3)])  # noqa: E731
        part = torch.cat([x for x in (edge(0, before) if before else None, part,
                                      edge(part.shape[dim] - 1, after) if after else None) if x is not None], dim)
    out = part.narrow(dim, 0, count) * weights[0]
    for k in range(1, len(taps)):
        out.add_(part.narrow(dim, taps[k] - taps[0], count), alpha=weights[k])
    return out


def _moved_on_host(image: torch.Tensor, tx: float, ty: float, box: Box, a: float) -> torch.Tensor:
    """What `_moved` along both axes gives, by OpenCV's separable filter: several times faster on a CPU."""
    planes = image.numpy()
    return torch.from_numpy(moved(planes, (planes.shape[2], planes.shape[1]), (tx, ty), box, a))


def inside(M: np.ndarray, box: Box, size: tuple[int, int], device: str | torch.device = "cpu") -> torch.Tensor:
    """Bool [h, w]: does the output px's centre fall inside a source of `size` (w, h)? M: output -> source."""
    x0, y0, x1, y1 = box
    w, h = size
    M = M / M[2, 2]
    if np.abs(M[2, :2]).max() < 1e-10 and M[0, 1] == 0 and M[1, 0] == 0:
        x = M[0, 0] * (np.arange(x0, x1) + 0.5) + M[0, 2]
        y = M[1, 1] * (np.arange(y0, y1) + 0.5) + M[1, 2]
        ok = ((y > 0) & (y < h))[:, None] & ((x > 0) & (x < w))[None]
        return torch.from_numpy(ok).to(device)
    # x > 0 after the division by depth is x > 0 before it, and so on: half planes, where depth is positive
    x = torch.arange(x0, x1, dtype=torch.float64, device=device) + 0.5
    y = torch.arange(y0, y1, dtype=torch.float64, device=device) + 0.5
    within = torch.ones((y1 - y0, x1 - x0), dtype=torch.bool, device=device)
    for a, b, c in (M[2] - np.array([0, 0, 1e-9]), M[0], w * M[2] - M[0], M[1], h * M[2] - M[1]):
        within &= float(a) * x[None] > -(float(b) * y + float(c))[:, None]
    return within


def _grid(M: np.ndarray, size: tuple[int, int], origin: tuple[float, float],
          device: str | torch.device) -> torch.Tensor:
    """warp.grid_for, without its cost where columns and rows map on their own (plain scaling)."""
    if M[0, 1] or M[1, 0] or M[2, 0] or M[2, 1]:
        return grid_for(M, size, origin, device)
    x = M[0, 0] * (np.arange(size[0]) + 0.5 + origin[0]) + M[0, 2]
    y = M[1, 1] * (np.arange(size[1]) + 0.5 + origin[1]) + M[1, 2]
    axes = [torch.from_numpy(v.astype(np.float32)).to(device) for v in (x, y)]
    return torch.stack([axes[0][None].expand(size[1], -1), axes[1][:, None].expand(-1, size[0])], -1)


def resample(image: torch.Tensor, M: np.ndarray, box: Box, smooth: bool = True, a: float = CATMULL_ROM) -> torch.Tensor:
    """The picture as seen in a box of the output; the picture's edge px repeat outside it.

    image: float32 or uint8 [c, h, w]. M: [3, 3], OUTPUT -> image px, edge coordinates. box: part of the output wanted.
    smooth: False samples without overshoot (masks and weights must not ring). a: the cubic kernel's sharpness; maps
    that do more than move always have RENDERED's. Returns float32 [c, bh, bw].
    """
    x0, y0, x1, y1 = box
    h = image.shape[1]
    M = np.asarray(M, np.float64)
    M = M / M[2, 2]
    if unit_translation(M):
        tx, ty = float(M[0, 2]), float(M[1, 2])
        if image.device.type == "cpu":
            out = _moved_on_host(image, tx, ty, box, a)
            return out if smooth else out.clamp_(min=float(image.amin()), max=float(image.amax()))
        image = image.float()
        rows = slice(max(0, min(h - 1, y0 + math.floor(ty) - 1)), min(h, max(1, y1 + math.floor(ty) + 3)))
        out = _moved(_moved(image[:, rows], tx, x0, x1 - x0, 2, a), ty - rows.start, y0, y1 - y0, 1, a)
        return out if smooth else out.clamp_(min=float(image.amin()), max=float(image.amax()))
    image = image.float()
    plain = not (M[0, 1] or M[1, 0] or M[2, 0] or M[2, 1]) and min(M[0, 0], M[1, 1]) > 0
    if not smooth and plain and max(M[0, 0], M[1, 1]) <= SHRINK and image.device.type == "cpu":
        return _stretched(image, M, box)
    mode = "bicubic" if smooth else "bilinear"
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    step = local_scale(M, cx, cy)
    n = min(MAX_SUPERSAMPLING, math.ceil(step)) if step > SHRINK else 1
    if n == 1:
        return sample(image, _grid(M, (x1 - x0, y1 - y0), (x0, y0), image.device), mode, "border")
    out = None
    for sy in range(n):
        for sx in range(n):
            at = (x0 + (sx + 0.5) / n - 0.5, y0 + (sy + 0.5) / n - 0.5)
            part = sample(image, _grid(M, (x1 - x0, y1 - y0), at, image.device), mode, "border")
            out = part if out is None else out.add_(part)
    return out.div_(n * n)


def resample_both(a: torch.Tensor, b: torch.Tensor, M: np.ndarray, box: Box) -> tuple[torch.Tensor, torch.Tensor]:
    """`resample` of two pictures of one size: where the places of px have to be worked out, once for both."""
    if unit_translation(np.asarray(M, np.float64) / M[2, 2]):
        return resample(a, M, box), resample(b, M, box)
    both = resample(torch.cat([a.float(), b.float()]), M, box)
    return both[:len(a)], both[len(a):]


def share(mask: torch.Tensor, M: np.ndarray, box: Box) -> torch.Tensor:
    """A mask as seen in a box of the output, between its px bilinearly and rounded; its edge px repeat outside it.

    mask: uint8 [h, w]. M: [3, 3], OUTPUT -> mask px, edge coordinates. Returns uint8 [bh, bw]."""
    x0, y0, x1, y1 = box
    M = np.asarray(M, np.float64)
    if mask.device.type != "cpu" or not (
            _surely_kept(M) or local_scale(M, (x0 + x1) / 2, (y0 + y1) / 2) <= SHRINK):
        return resample(mask[None], M, box, smooth=False)[0].round_().to(torch.uint8)
    M = centre_from_edge(M @ translation(x0, y0))
    return torch.from_numpy(cv2.warpPerspective(mask.numpy(), M, (x1 - x0, y1 - y0), borderMode=cv2.BORDER_REPLICATE,
                                                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))


def levels(mask: torch.Tensor) -> torch.Tensor:
    """uint8 -> float32, 0..1 for 0..255."""
    return mask.float().mul_(1 / 255)


def _stretched(image: torch.Tensor, M: np.ndarray, box: Box) -> torch.Tensor:
    """What `sample` gives by bilinear interpolation where rows and columns map on their own: axis by axis."""
    x0, y0, x1, y1 = box
    planes = image.numpy()
    _, h, w = planes.shape
    if (x0, y0) == (0, 0) and np.allclose(M, np.diag([w / x1, h / y1, 1.0]), rtol=0, atol=1e-9):
        return torch.from_numpy(np.stack([cv2.resize(p, (x1, y1), interpolation=cv2.INTER_LINEAR) for p in planes]))

    def axis(scale: float, shift: float, first: int, last: int, length: int) -> tuple[np.ndarray, ...]:
        at = np.clip(scale * (np.arange(first, last) + 0.5) + shift - 0.5, 0, length - 1)
        low = np.floor(at).astype(np.intp)
        return low, np.minimum(low + 1, length - 1), (at - low).astype(np.float32)

    low, high, down = axis(M[1, 1], M[1, 2], y0, y1, h)
    top = int(low.min())
    rows = planes[:, top:int(high.max()) + 1]
    left, right, across = axis(M[0, 0], M[0, 2], x0, x1, w)
    start = np.take(rows, left, axis=2)
    wide = start + (np.take(rows, right, axis=2) - start) * across
    start = wide[:, low - top]
    return torch.from_numpy(start + (wide[:, high - top] - start) * down[:, None])


def local_scale(M: np.ndarray, x: float, y: float) -> float:
    """Linear scale of a homography at a point: source px per output px."""
    p = M @ np.array([x, y, 1.0])
    if p[2] <= 1e-9:
        return 1.0
    jacobian = (M[:2, :2] - np.outer(p[:2] / p[2], M[2, :2])) / p[2]
    return float(np.sqrt(abs(np.linalg.det(jacobian))))


def map_points(H: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points [n, 2] through a homography; points behind the horizon come back as nan."""
    q = np.concatenate([points, np.ones((len(points), 1))], 1) @ np.asarray(H, np.float64).T
    z = np.where(q[:, 2:] > 1e-9, q[:, 2:], np.nan)
    return q[:, :2] / z


def footprint(H: np.ndarray, box: Box, limit: Box | None = None) -> Box | None:
    """The smallest whole-px box around `box` seen through H, cut to `limit`; None if nothing is left."""
    (a, b, c), (d, e, f), (g, h, i) = np.asarray(H, np.float64).tolist()
    x0, y0, x1, y1 = box
    if g == 0 and h == 0 and i > 1e-9:  # straight lines stay parallel: the corners tell
        low_x, high_x = _ends(a, x0, x1, b, y0, y1)
        low_y, high_y = _ends(d, x0, x1, e, y0, y1)
        low, high = ((low_x + c) / i, (low_y + f) / i), ((high_x + c) / i, (high_y + f) / i)
    else:
        ring = np.linspace(0, 1, 5)
        points = np.array([[x0 + (x1 - x0) * s, y0 + (y1 - y0) * t] for s in ring for t in ring])
        q = map_points(H, points)
        q = q[np.isfinite(q).all(1)]
        if not len(q):
            return None
        low, high = q.min(0).tolist(), q.max(0).tolist()
    out = (*(math.floor(v + 1e-6) for v in low), *(math.ceil(v - 1e-6) for v in high))
    if limit is not None:
        out = (max(out[0], limit[0]), max(out[1], limit[1]), min(out[2], limit[2]), min(out[3], limit[3]))
    return out if out[2] > out[0] and out[3] > out[1] else None


def _ends(a: float, x0: float, x1: float, b: float, y0: float, y1: float) -> tuple[float, float]:
    """Least and largest a x + b y over a box."""
    return min(a * x0, a * x1) + min(b * y0, b * y1), max(a * x0, a * x1) + max(b * y0, b * y1)


def whole_shift(M: np.ndarray) -> bool:
    """Does the map move everything by whole px?"""
    M = M / M[2, 2]
    shift = M[:2, 2]
    return unit_translation(M) and bool(np.abs(shift - np.round(shift)).max() < WHOLE_PX)


def translation(x: float, y: float) -> np.ndarray:
    """3x3 translation, px."""
    return np.array([[1.0, 0, x], [0, 1.0, y], [0, 0, 1.0]])
