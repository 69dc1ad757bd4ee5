"""Warping pictures by homographies, in torch, the same on CPU and CUDA.

All homographies are in edge coordinates (pixel (i, j) covers [i, i+1] x [j, j+1]); see formats/conventions.py.
Colour that has alpha must be premultiplied before it is warped.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F


def grid_for(inverse: np.ndarray, out_size: tuple[int, int], origin: tuple[float, float] = (0.0, 0.0),
             device: str | torch.device = "cpu") -> torch.Tensor:
    """Where each output pixel's centre lies in the source picture.

    inverse: [3, 3], output px -> source px. origin: edge coordinates of the output's top-left corner.
    Returns float32 [h, w, 2], source edge coordinates in px. Computed in float64, so that large canvases keep
    1/1000 px; points behind the horizon come back as -1e6 (outside every picture).
    """
    w, h = out_size
    m = torch.as_tensor(np.asarray(inverse, np.float64), device=device)
    x = torch.arange(w, dtype=torch.float64, device=device) + 0.5 + origin[0]
    y = torch.arange(h, dtype=torch.float64, device=device) + 0.5 + origin[1]
    out = torch.empty((h, w, 2), dtype=torch.float32, device=device)
    num = lambda i: torch.add(m[i, 0] * x[None, :], (m[i, 1] * y + m[i, 2])[:, None])  # noqa: E731
    z = num(2)
    corners = z[[0, 0, -1, -1], [0, -1, 0, -1]] if w and h else z.new_ones(1)
    if bool((corners > 1e-9).all()):  # depth is linear: what holds at the corners holds everywhere
        for i in (0, 1):
            out[..., i] = num(i).div_(z)
        return out
    ok = z > 1e-9
    z = torch.where(ok, z, torch.ones_like(z))
    for i in (0, 1):
        out[..., i] = torch.where(ok, num(i) / z, torch.full_like(z, -1e6))
    return out


def sample(image: torch.Tensor, points: torch.Tensor, mode: str = "bilinear", border: str = "zeros") -> torch.Tensor:
    """Sample a picture at edge-coordinate points.

    image: float32 [c, h, w]. points: float32 [..., 2] (x, y) px. mode: 'nearest' | 'bilinear' | 'bicubic'.
    border: 'zeros' (outside is 0, also for pixels that reach over the edge) or 'border' (the edge repeats).
    Returns float32 [c, ...].
    """
    _, h, w = image.shape
    shape = points.shape[:-1]
    size = torch.tensor([w, h], dtype=points.dtype, device=points.device)
    grid = (points / size).mul_(2).sub_(1).clamp_(-1e4, 1e4).reshape(1, 1, -1, 2)
    out = F.grid_sample(image[None], grid, mode=mode, padding_mode=border, align_corners=False)
    return out[0].reshape(image.shape[0], *shape)


def warp(image: torch.Tensor, H: np.ndarray, out_size: tuple[int, int], mode: str = "bilinear", border: str = "zeros",
         origin: tuple[float, float] = (0.0, 0.0)) -> torch.Tensor:
    """Warp a picture into an output picture.

    image: float32 [c, h, w] (premultiplied where it has alpha). H: [3, 3], image px -> output px, edge coordinates.
    out_size: (width, height). Returns float32 [c, out_h, out_w].
    """
    return sample(image, grid_for(np.linalg.inv(H), out_size, origin, image.device), mode, border)


def to_tensor(picture: np.ndarray, device: str | torch.device = "cpu") -> torch.Tensor:
    """uint8 [h, w, c] or [h, w] -> float32 [c, h, w] with the same 0..255 values."""
    t = torch.from_numpy(np.array(picture, copy=True))
    t = t[None] if t.ndim == 2 else t.permute(2, 0, 1)
    return t.to(device).to(torch.float32)
