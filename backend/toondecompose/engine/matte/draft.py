"""A quick first solving at working size: good enough to weigh masks and exposure sheets by, not to keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.holes import open_holes
from toondecompose.engine.matte.solve import solve
from toondecompose.engine.matte.types import LayerToSolve, MatteResult
from toondecompose.engine.tiles import TILE


def solve_draft(source: FrameSource, layers: list[LayerToSolve], *, seed: int = 0, device: str = "cpu",
                progress: Callable[[float], None] | None = None,
                cancelled: Callable[[], bool] | None = None, tile: int = TILE,
                noise: float | None = None, ordered: bool = False) -> MatteResult:
    """One round of `solve` on frames of the masks' size. The layers' H lead to full-resolution frames as always; only
    their canvases are coarser."""
    hs, ws = layers[0].masks.shape[1:]
    shrink = np.diag([ws / source.size[0], hs / source.size[1], 1.0])
    small = [replace(layer, H=shrink @ layer.H) for layer in layers]
    frames = source.resized((ws, hs))
    result = solve(frames, open_holes(frames, small), scale=1.0, rounds=1, quality="preview", seed=seed, device=device,
                   progress=progress, cancelled=cancelled, tile=tile, noise=noise, ordered=ordered)
    grow = np.linalg.inv(shrink)
    for layer in result.layers:
        layer.H = grow @ layer.H
    return result
