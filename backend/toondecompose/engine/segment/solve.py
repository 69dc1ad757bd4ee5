"""From frames and motion paths to layers: roles, depth order and visible masks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..clip import FrameSource, working_frames
from ..types import LayerPath, Segmentation, SegmentedLayer
from . import evidence as ev
from .labels import Rigid, depth_order, first_mass, solve
from .refine import refine
from .roles import decide, trace

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
    coarse_noise = noise * small_scale / scale
    H = [scaled(q.H, small_scale) for q in paths]
    present = [q.present for q in paths]
    traces = trace(frames, H, present, coarse_noise)
    roles = decide(traces, H, present, [q.gain for q in paths], count, small_scale)
    layers = roles.rigid
    rigid = Rigid([H[i] for i in layers], [present[i] for i in layers])
    first = first_mass(traces, layers, roles.redrawn)
    p, mass = solve(frames, rigid, first, coarse_noise, roles.redrawn)
    order = depth_order(rigid, p)
    masks = refine(_tensor(work, device), Rigid([scaled(paths[i].H, scale) for i in layers], rigid.present), p, mass,
                   order, noise, roles.redrawn, progress)
    out = []
    for i in order:
        plane = i < roles.planes
        name = "background" if i == 0 else f"plane {i}" if plane else f"sprite {1 + len([x for x in out if x.kind == 'sprite'])}"
        out.append(SegmentedLayer(name, "background" if plane else "sprite", paths[layers[i]] if i < len(layers) else None,
                                  masks[i], roles.confidence))
    return Segmentation(out, scale, None, [f"noise {noise:.1f} levels", *roles.notes])
