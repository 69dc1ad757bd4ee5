"""From frames and motion paths to layers: roles, depth order and visible masks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..clip import FrameSource, working_frames
from ..types import LayerPath, Segmentation, SegmentedLayer
from . import evidence as ev
from .labels import Rigid, solve
from .refine import refine

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


def segment(source: FrameSource, paths: list[LayerPath], count: int | None = None, *, seed: int = 0, device: str = "cpu",
            progress: Progress | None = None, cancelled: Callable[[], bool] | None = None) -> Segmentation:
    """Decide roles, order and visible masks. (see package docstring)"""
    small, small_scale = working_frames(source, LABEL_WIDTH)
    work, scale = working_frames(source, WORKING_WIDTH)
    noise = ev.noise_level(work)
    frames = _tensor(small, device)
    rigid = Rigid([scaled(q.H, small_scale) for q in paths], [q.present for q in paths])
    redrawn = count is None or count > len(paths)
    p, mass = solve(frames, rigid, noise * small_scale / scale, redrawn)
    order = list(range(p.shape[0]))
    masks = refine(_tensor(work, device), Rigid([scaled(q.H, scale) for q in paths], rigid.present), p, mass, order,
                   noise, redrawn, progress)
    layers = [SegmentedLayer("background" if n == 0 else f"sprite {n}", "background" if n == 0 else "sprite",
                             paths[i] if i < len(paths) else None, masks[i]) for n, i in enumerate(order)]
    return Segmentation(layers, scale, None, [f"noise {noise:.1f} levels"])
