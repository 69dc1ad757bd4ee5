"""Finding every coherent rigid motion of a shot: camera, parallax planes, rigid sprites."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..clip import FrameSource, working_scale
from ..types import LayerPath
from .field import build_field
from .groups import NAMES
from .refine import GrayFrames, final_width, ownership, refined
from .search import search, whole


def find_paths(source: FrameSource, count: int | None, *, motion_model: str = "auto", seed: int = 0,
               device: str = "cpu", progress: Callable[[float], None] | None = None,
               cancelled: Callable[[], bool] | None = None) -> list[LayerPath]:
    """All coherent rigid motions of the shot, best first."""
    def tick(part: float) -> None:
        if progress:
            progress(part)

    field = build_field(source, seed, tick=lambda f: tick(0.2 * f))
    found = search(field, count, motion_model, np.random.default_rng(seed), lambda f: tick(0.2 + 0.6 * f))
    if not found:  # nothing to see: one picture, or no texture at all
        still = np.tile(np.eye(3), (field.count, 1, 1))
        return [LayerPath(still, np.ones(field.count, bool), 0, "translation", 0.0)]
    owned = ownership(found, field)
    frames = GrayFrames(source, final_width(source.size), field.blur / field.scale * working_scale(source.size, final_width(source.size)))
    paths = []
    for k, c in enumerate(found):
        H = refined(c, owned[k], frames, field, seed)
        paths.append(LayerPath(H, c.present, c.ref, NAMES[c.dof], c.gain / whole(field)))
        tick(0.8 + 0.2 * (k + 1) / len(found))
    return paths
