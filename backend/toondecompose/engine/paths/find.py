"""Finding every coherent rigid motion of a shot: camera, parallax planes, rigid sprites."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..clip import FrameSource
from ..types import LayerPath
from .candidate import Candidate, anchored
from .field import Field, build_field
from .groups import NAMES
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
    return [_full_size(c, field) for c in found]


def _full_size(c: Candidate, field: Field) -> LayerPath:
    d = np.diag([field.scale, field.scale, 1.0])
    H = np.linalg.inv(d) @ c.H @ d
    return LayerPath(H=anchored(H, c.ref), present=c.present, ref=c.ref, model=NAMES[c.dof], gain=c.gain / whole(field))
