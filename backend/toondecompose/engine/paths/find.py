"""Finding every coherent rigid motion of a shot: camera, parallax planes, rigid sprites."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..clip import FrameSource
from ..types import LayerPath
from .candidate import Candidate, anchored, explained, propose
from .field import Field, build_field
from .groups import MODELS, NAMES

PARAMETER_BITS = 60.0  # 6 bits per parameter and frame, and 10 neighbouring pixels make one independent observation
SEARCH_MODELS = (2, 4, 8)
MOST_PATHS = 8
SMALLEST_GAIN = 0.01  # of all bits: less is a coincidence


def cost(dof: int, count: int) -> float:
    """What describing a path's motion costs, in the currency of saved bits."""
    return PARAMETER_BITS * dof * (count - 1)


def find_paths(source: FrameSource, count: int | None, *, motion_model: str = "auto", seed: int = 0,
               device: str = "cpu", progress: Callable[[float], None] | None = None,
               cancelled: Callable[[], bool] | None = None) -> list[LayerPath]:
    """All coherent rigid motions of the shot, best first."""
    field = build_field(source, seed)
    rng = np.random.default_rng(seed)
    whole = float(sum(p.bits.sum() for p in field.points))
    free = [np.ones(len(p.at)) for p in field.points]
    models = SEARCH_MODELS if motion_model == "auto" else (MODELS[motion_model],)
    found: list[Candidate] = []
    for _ in range(min(MOST_PATHS, count + 1 if count else MOST_PATHS)):
        best, best_value = None, 0.0
        refs = [field.count // 2, field.count // 4, 3 * field.count // 4]
        left = sum(float((p.bits * f).sum()) for p, f in zip(field.points, free, strict=True))
        for ref in dict.fromkeys(refs):
            if best is not None and best_value > 0.25 * left:
                break
            for dof in models:
                c = propose(field, ref, dof, free, rng)
                if c is None:
                    continue
                new = sum(float((b * f).sum()) for b, f in zip(c.bits, free, strict=True))
                value = new - cost(dof, field.count)
                if value > best_value * (1.004 if best and dof > best.dof else 1.0):
                    best, best_value = c, value
        if best is None or best_value < SMALLEST_GAIN * whole:
            break
        found.append(best)
        taken = explained(field, best.bits)
        free = [np.clip(f * (1 - 1.3 * e), 0, 1) for f, e in zip(free, taken, strict=True)]
    if not found:  # nothing to see: one picture, or no texture at all
        still = np.tile(np.eye(3), (field.count, 1, 1))
        return [LayerPath(still, np.ones(field.count, bool), 0, "translation", 0.0)]
    return [_full_size(c, field) for c in found]


def _full_size(c: Candidate, field: Field) -> LayerPath:
    d = np.diag([field.scale, field.scale, 1.0])
    H = np.linalg.inv(d) @ c.H @ d
    return LayerPath(H=anchored(H, c.ref), present=c.present, ref=c.ref, model=NAMES[c.dof], gain=c.gain)
