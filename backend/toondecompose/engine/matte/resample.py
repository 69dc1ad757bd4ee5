"""Sharp, exact resampling of pictures by homographies, in torch.

Moves by whole px are copied untouched; translations and axis-aligned scalings use a separable Catmull-Rom kernel
(widened where the picture shrinks, so that nothing aliases); everything else samples bicubically, supersampled where
the picture shrinks. Edge coordinates throughout. Colour that has alpha must be premultiplied.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from toondecompose.engine.warp import grid_for, sample

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 px, half open

CATMULL_ROM = -0.5  # reproduces quadratic shading exactly: for reading frames
RENDERED = -0.75  # what the final renderer (OpenCV) and grid_sample use: for predicting frames
WHOLE_PX = 1e-3  # px; a shift closer than this to a whole number is taken as one
SHRINK = 1.25  # source px per output px above which the kernel is widened
MAX_SUPERSAMPLING = 6


def _axis_aligned(M: np.ndarray) -> bool:
    """Is x' a function of x alone and y' of y alone, to 1/1000 px over 10000 px?"""
    return bool(np.abs(M[2, :2]).max() < 1e-10 and abs(M[0, 1]) < 1e-7 and abs(M[1, 0]) < 1e-7)


def _cubic(d: np.ndarray, a: float) -> np.ndarray:
    """Keys' cubic kernel of sharpness a at distance d (any shape)."""
    d = np.abs(d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d < 1, near, np.where(d < 2, far, 0.0))


def _taps(gain: float, offset: float, start: int, count: int, length: int, a: float) -> tuple[np.ndarray, np.ndarray]:
    """Source indices [taps, count] and weights of output px start..start+count-1 along one axis, for the map
    source = gain * output + offset (edge coordinates) from a source of `length` px (its edge px repeat)."""
    centre = gain * (np.arange(start, start + count, dtype=np.float64) + 0.5) + offset - 0.5
    if gain == 1.0 and abs(offset - round(offset)) < WHOLE_PX:
        index = np.round(centre).astype(np.int64)[None]
        return np.clip(index, 0, length - 1), np.ones((1, count))
    width = max(1.0, abs(gain)) if abs(gain) > SHRINK else 1.0
    reach = math.ceil(2 * width)
    base = np.floor(centre).astype(np.int64)
    index = base[None] + np.arange(-reach + 1, reach + 1)[:, None]
    weight = _cubic((centre[None] - index) / width, a)
    return np.clip(index, 0, length - 1), weight / weight.sum(0)


def _gather(image: torch.Tensor, index: np.ndarray, weight: np.ndarray, dim: int) -> torch.Tensor:
    """Sum of weighted copies of `image` along `dim`; contiguous runs of equal weight are plain slices."""
    out = None
    shape = [1, 1, 1]
    shape[dim] = -1
    for ix, wt in zip(index, weight, strict=True):
        if not np.any(wt):
            continue
        if len(ix) > 1 and np.all(np.diff(ix) == 1):
            part = image.narrow(dim, int(ix[0]), len(ix))
        else:
            part = image.index_select(dim, torch.from_numpy(ix).to(image.device))
        if np.ptp(wt) < 1e-6:
            value = float(wt[0])
            out = part * value if out is None else out.add_(part, alpha=value)
        else:
            term = part * torch.from_numpy(wt.astype(np.float32)).to(image.device).reshape(shape)
            out = term if out is None else out.add_(term)
    return out


def inside(M: np.ndarray, box: Box, size: tuple[int, int], device: str | torch.device = "cpu") -> torch.Tensor:
    """Bool [h, w]: does the output px's centre fall inside a source of `size` (w, h)? M: output -> source."""
    x0, y0, x1, y1 = box
    w, h = size
    if _axis_aligned(M):
        M = M / M[2, 2]
        x = M[0, 0] * (np.arange(x0, x1) + 0.5) + M[0, 2]
        y = M[1, 1] * (np.arange(y0, y1) + 0.5) + M[1, 2]
        ok = ((y > 0) & (y < h))[:, None] & ((x > 0) & (x < w))[None]
        return torch.from_numpy(ok).to(device)
    p = grid_for(M, (x1 - x0, y1 - y0), (x0, y0), device)
    return (p[..., 0] > 0) & (p[..., 0] < w) & (p[..., 1] > 0) & (p[..., 1] < h)


def resample(image: torch.Tensor, M: np.ndarray, box: Box, smooth: bool = True, a: float = CATMULL_ROM) -> torch.Tensor:
    """The picture as seen in a box of the output; the picture's edge px repeat outside it.

    image: float32 [c, h, w]. M: [3, 3], OUTPUT -> image px, edge coordinates. box: part of the output wanted.
    smooth: False samples without overshoot (masks and weights must not ring). a: the cubic kernel's sharpness; maps
    that turn or tilt always have RENDERED's. Returns float32 [c, bh, bw].
    """
    x0, y0, x1, y1 = box
    _, h, w = image.shape
    M = np.asarray(M, np.float64)
    M = M / M[2, 2]
    if _axis_aligned(M):
        gx, gy = (1.0 if abs(g - 1) < 1e-6 else float(g) for g in (M[0, 0], M[1, 1]))
        ix, wx = _taps(gx, float(M[0, 2]), x0, x1 - x0, w, a)
        iy, wy = _taps(gy, float(M[1, 2]), y0, y1 - y0, h, a)
        rows = slice(int(iy.min()), int(iy.max()) + 1)
        out = _gather(_gather(image[:, rows], ix, wx, 2), iy - rows.start, wy, 1)
        return out if smooth else out.clamp(min=float(image.amin()), max=float(image.amax()))
    mode = "bicubic" if smooth else "bilinear"
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    step = local_scale(M, cx, cy)
    n = min(MAX_SUPERSAMPLING, math.ceil(step)) if step > SHRINK else 1
    if n == 1:
        return sample(image, grid_for(M, (x1 - x0, y1 - y0), (x0, y0), image.device), mode, "border")
    out = None
    for sy in range(n):
        for sx in range(n):
            at = (x0 + (sx + 0.5) / n - 0.5, y0 + (sy + 0.5) / n - 0.5)
            part = sample(image, grid_for(M, (x1 - x0, y1 - y0), at, image.device), mode, "border")
            out = part if out is None else out.add_(part)
    return out.div_(n * n)


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
    x0, y0, x1, y1 = box
    ring = np.linspace(0, 1, 5)
    points = np.array([[x0 + (x1 - x0) * a, y0 + (y1 - y0) * b] for a in ring for b in ring])
    q = map_points(H, points)
    q = q[np.isfinite(q).all(1)]
    if not len(q):
        return None
    lo, hi = np.floor(q.min(0) + 1e-6).astype(int), np.ceil(q.max(0) - 1e-6).astype(int)
    out = (int(lo[0]), int(lo[1]), int(hi[0]), int(hi[1]))
    if limit is not None:
        out = (max(out[0], limit[0]), max(out[1], limit[1]), min(out[2], limit[2]), min(out[3], limit[3]))
    return out if out[2] > out[0] and out[3] > out[1] else None


def whole_shift(M: np.ndarray) -> bool:
    """Does the map move everything by whole px?"""
    M = M / M[2, 2]
    shift = M[:2, 2]
    return bool(np.abs(M[:2, :2] - np.eye(2)).max() < 1e-6 and np.abs(M[2, :2]).max() < 1e-10
                and np.abs(shift - np.round(shift)).max() < WHOLE_PX)


def translation(x: float, y: float) -> np.ndarray:
    """3x3 translation, px."""
    return np.array([[1.0, 0, x], [0, 1.0, y], [0, 0, 1.0]])
