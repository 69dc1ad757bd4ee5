"""Remnants far off the sprite's path, as where a drawing is held and then leaps: looked for all over the frame.

How a pose that is held for two or three frames goes on cannot be told to half of its step, and what the frame's edge
cuts is then not found where it is looked for. There the picture itself tells where it lies, and at which size.
"""

from __future__ import annotations

import numpy as np

from .align import align
from .canvas import FINE_CAPS
from .common import Kept
from .compare import compare_drawings
from .correlate import coarse_pairs, coarse_scale
from .patches import Patch
from .pixels import shift
from .remnants import ITS_PLACE, place_remnant, uncovered
from .returns import carried

WITHIN = 0.75  # coarse px by which the place found may be off, and
LIKEST = 3  # drawings that are looked at closely
NEARLY = 4.0  # score up to which a remnant may differ only by how a camera's size was continued so far


def place_anywhere(patch: Patch, drawings: list[Kept], starts: list[tuple[int, np.ndarray, float]],
                   costs: dict[int, float], noise: float, threshold: float, device: str = "cpu"
                   ) -> tuple[int, np.ndarray, float] | None:
    """As `place_remnant`, with every drawing where it looks most like the remnant, wherever that is; None if none does
    anywhere. starts tell only how the drawings are turned, and about at which size."""
    found = []
    for d, start in {d: start for d, start, _ in reversed(starts)}.items():
        picture, motion = carried(drawings[d].picture, start[:2, :2] / start[2, 2])
        distance, by = coarse_pairs([picture, patch], False, device)
        if np.isfinite(distance[0, 1]):
            to = shift(*patch.origin) @ shift(*by[0, 1]) @ motion @ shift(*-drawings[d].picture.origin)
            found.append((float(distance[0, 1]), d, to, WITHIN / coarse_scale([picture, patch])))
    likest = [one[1:] for one in sorted(found, key=lambda one: one[:2])[:LIKEST]]
    if not likest:
        return None
    d, m, score = place_remnant(patch, drawings, likest, costs, noise, threshold)
    if d < 0 or score >= NEARLY:
        return d, m, score
    picture, points = drawings[d].picture, drawings[d].points
    H, residual, agree = align(points, patch.smooth, patch.valid,
                               shift(*-patch.origin) @ m @ shift(*picture.origin), 4, FINE_CAPS)
    if np.isfinite(residual) and agree > ITS_PLACE:
        blob = compare_drawings(picture, patch, H, 0.5 * noise).blob
        sized = (blob + uncovered(drawings[d], patch, H)[0]) / threshold
        if sized < score:
            m, score = shift(*patch.origin) @ H @ shift(*-picture.origin), sized
    return d, m / m[2, 2], score
