"""From frames and motion paths to layers: roles, depth order and visible masks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..clip import FrameSource, working_frames
from ..types import LayerPath, Segmentation, SegmentedLayer
from . import evidence as ev
from .canvas import build_mosaic, render
from .refine import refine_over
from .regions import rim_owner
from .walker import spread

LABEL_WIDTH = 320  # px across at which labels are decided
WORKING_WIDTH = 640  # px across of the masks handed on

Progress = Callable[[float], None]


def scaled(H: np.ndarray, scale: float) -> np.ndarray:
    """Transforms of full-resolution pixels -> transforms of pixels scaled by `scale` (edge coordinates)."""
    s = np.diag([scale, scale, 1.0])
    out = s @ H @ np.linalg.inv(s)
    return out / out[..., 2:, 2:]


def _tensor(frames: np.ndarray, device: str) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2))).to(device)


def _rim_fill(texture, mass, flat_below: int = 24):
    """Evidence for flat pixels of every frame: (owner int64 [T, h, w], trust float32 [T, h, w])."""
    owner, trust = [], []
    for t in range(texture.shape[0]):
        o, s = rim_owner(texture[t].cpu().numpy() < flat_below, mass[t].cpu().numpy())
        owner.append(o)
        trust.append(s)
    device = texture.device
    return (torch.from_numpy(np.stack(owner)).to(device).long(), torch.from_numpy(np.stack(trust)).to(device))


def first_evidence(frames, path_H, present, noise, texture):
    """Round 0, before any mosaic: does a textured pixel repeat under the background's motion?

    Returns (e, c): 1 = not the background; float32 [T, h, w] each.
    """
    share, number = ev.agreement(frames, path_H, present, noise)
    tex = texture.to(torch.float32) / 255
    # repeating in a third of the frames that show the point is the background's; in an eighth is chance or a slow sprite
    back = ((share - 0.2) / 0.15).clamp(0, 1) * (number >= 2)
    front = ((0.16 - share) / 0.08).clamp(0, 1) * (number >= 3)
    return front / (front + back + 1e-6), (front + back) * tex


def two_layers(frames, H, present, noise, rounds: int = 3):
    """One residual sprite over one background path: probability of the sprite, float32 [T, h, w]."""
    size = frames.shape[-1], frames.shape[-2]
    texture = ev.texture_of(frames, noise)
    pictures = frames.to(torch.float32)
    e, c = first_evidence(frames, H, present, noise, texture)
    p = None
    for turn in range(rounds + 1):
        if turn:
            weight = (1 - 1.5 * p).clamp(0, 1)
            mosaic = build_mosaic(frames, H, present, weight)
            e, c = torch.zeros_like(p), torch.zeros_like(p)
            for t in range(len(frames)):
                back = render(mosaic, H[t], size)
                z = ev.misfit(pictures[t], back, noise)
                known = (back[3] / 2).clamp(0, 1)  # two frames' votes make a mosaic point known
                tex = 0.15 + 0.85 * texture[t].to(torch.float32) / 255
                bg = ((2.2 - z) / 1.5).clamp(0, 1) * tex
                fg = ((z - 2.5) / 2).clamp(0, 1)
                c[t] = (bg + fg) * known
                e[t] = fg / (fg + bg + 1e-6)
        if turn < 2:
            mass = torch.stack([c * (1 - e), c * e], 1)
            owner, trust = _rim_fill(texture, mass)
            flat = (owner >= 0).to(torch.float32) * trust * 0.5
            e = (c * e + flat * (owner == 1)) / (c + flat + 1e-6)
            c = c + flat
        p = spread(pictures, e, c)
    return p


def segment(source: FrameSource, paths: list[LayerPath], count: int | None = None, *, seed: int = 0, device: str = "cpu",
            progress: Progress | None = None, cancelled: Callable[[], bool] | None = None) -> Segmentation:
    """Decide roles, order and visible masks. (see package docstring)"""
    small, small_scale = working_frames(source, LABEL_WIDTH)
    work, scale = working_frames(source, WORKING_WIDTH)
    noise = ev.noise_level(work)
    frames = _tensor(small, device)
    path = paths[0]
    p = two_layers(frames, scaled(path.H, small_scale), path.present, noise * small_scale / scale)
    H = scaled(path.H, scale)
    fine = _tensor(work, device)
    weight = torch.nn.functional.interpolate(p[:, None], work.shape[1:3], mode="bilinear")[:, 0]
    weight = ((1 - 1.5 * weight).clamp(0, 1) * 255).to(torch.uint8)
    mosaic = build_mosaic(fine, H, path.present, weight)
    coarse = p.cpu().numpy()
    masks = np.stack([refine_over(work[t], coarse[t], mosaic, H[t], noise, device) for t in range(source.count)])
    layers = [SegmentedLayer("background", "background", path, 255 - masks),
              SegmentedLayer("sprite 1", "sprite", None, masks)]
    return Segmentation(layers, scale, None, [f"noise {noise:.1f} levels"])
