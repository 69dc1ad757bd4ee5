"""Every layer's frames placed in the picture, in the layout that the benchmark calls a prediction.

    OUT/sprites/K/0000.png ...   straight RGBA, frame-sized, un-occluded; 0 is the background
    OUT/transforms.json          {"H": [K][T] 3x3, canvas -> frame px, CENTRE coordinates;
                                  "drawing": [K][T] int or null}
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..formats.conventions import centre_from_edge
from ..formats.files import json_bytes, write_atomic
from ..formats.result import Result
from ..io.png import write_png
from .layers import LayerRenderer, leading_backgrounds
from .warping import straighten


def placed_groups(result: Result, flatten: bool = False) -> list[list[int]]:
    """Which layers become which placed sprite: group 0 is the background. A result without one gets an empty group 0.

    flatten: put all planes behind the sprites into the background.
    """
    planes = leading_backgrounds(result)
    together = planes if flatten else planes[:1]
    return [together, *([k] for k in range(len(together), len(result.sprites)))]


def write_placed(folder: str | Path, result: Result, out: str | Path, flatten: bool = False,
                 report: Callable[[float], None] = lambda fraction: None) -> int:
    """Write a result's placed layers, frame by frame -> the number of sprites, background included."""
    out = Path(out)
    groups = placed_groups(result, flatten)
    renderer = LayerRenderer(folder, result)
    count = result.clip.frame_count
    for t in range(count):
        for k, group in enumerate(groups):
            pixels = renderer.composite(t, group, (0, 0, 0) if k == 0 else None)
            if k == 0:  # opaque by the layout's definition
                pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], 2)
            write_png(out / "sprites" / str(k) / f"{t:04d}.png", straighten(pixels))
        report((t + 1) / count)
    write_atomic(out / "transforms.json", json_bytes(_transforms(result, groups)))
    return len(groups)


def _transforms(result: Result, groups: list[list[int]]) -> dict:
    count = result.clip.frame_count
    # the background moves as its farthest plane does
    leaders = [result.sprites[group[0]] if group else None for group in groups]
    return {
        "H": [np.tile(np.eye(3), (count, 1, 1)).tolist() if s is None else centre_from_edge(s.transform).tolist()
              for s in leaders],
        "drawing": [[0] * count if s is None else [None if d is None else int(d) for d in s.exposure]
                    for s in leaders],
    }
