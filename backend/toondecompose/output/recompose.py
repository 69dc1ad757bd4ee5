"""The frames put together again from a result: "over", back to front, in sRGB values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..formats.result import Result
from ..io.png import write_png
from .as_blender import blender_frame
from .layers import LayerRenderer


def recompose_frame(folder: str | Path, result: Result, t: int, renderer: LayerRenderer | None = None) -> np.ndarray:
    """Frame t (0-based) recomposed from a result's folder -> uint8 RGB [h, w, 3]; black where no layer is.

    renderer: pass one LayerRenderer for a whole clip, so that drawings are decoded once.
    """
    renderer = renderer or LayerRenderer(folder, result)
    return renderer.frame(t, list(range(len(result.sprites))), (0, 0, 0))


def write_recomposition(folder: str | Path, result: Result, out: str | Path,
                        report: Callable[[float], None] = lambda fraction: None, as_blender: bool = False) -> int:
    """Write every frame as OUT/0001.png ..., numbered from the clip's frame_start -> how many.

    as_blender: sampled as Blender renders an import (as_blender.py).
    """
    renderer = LayerRenderer(folder, result)
    count = result.clip.frame_count
    for t in range(count):
        frame = blender_frame(folder, result, t) if as_blender else recompose_frame(folder, result, t, renderer)
        write_png(Path(out) / f"{result.clip.frame_start + t:04d}.png", frame)
        report((t + 1) / count)
    return count
