"""How many looks at a place are enough: frames of a long shot in a good order, and where they still add something.

A mean over thirty exposures has a fifth of the noise of one; the next two hundred would bring it to a fifteenth, which
no eye sees, at ten times the cost. So the frames are gone through in an order whose every beginning is spread over the
shot, and of each only the parts are looked at in which some place has not been seen often enough yet.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.marks import above, below
from toondecompose.engine.matte.resample import Box

ENOUGH = 28.0  # exposures' worth of weight
LEAST = 12.0  # ... for a plane in a clip without grain: as many as it takes to outvote what was not masked
MEAN_NOISE = 0.45  # levels rms; noise that a plane's mean may keep: less than the rounding to bytes and back shows
GRID = 128  # px; what is wanted is looked for in squares of this side, and neighbours in a row are looked at together
FAINT = 0.1  # weight of a glimpse beside a matte: wanted where a place has hardly been seen at all


def enough_for(noise: float) -> float:
    """Exposures' worth of weight that settle a plane's px. noise: of the frames, levels rms.

    Drawings are looked at ENOUGH times whatever the noise: each background behind them tells more of their alpha."""
    return min(ENOUGH, max(LEAST, (noise / MEAN_NOISE) ** 2))


def spread(frames: list[int], enough: float = ENOUGH) -> list[int]:
    """The frames in an order whose every beginning is spread over all of them (van der Corput's: bits reversed).

    Few frames, of which all are needed, stay in their order."""
    if len(frames) <= enough:
        return list(frames)
    bits = (len(frames) - 1).bit_length()
    order = sorted(range(len(frames)), key=lambda k: int(f"{k:0{bits}b}"[::-1], 2))
    return [frames[k] for k in order]


def wanting(seen: torch.Tensor, at: Box, weight: torch.Tensor | None = None, enough: float = ENOUGH) -> Box | None:
    """The smallest part of a box in which a place has not been seen often enough yet; None if there is none.

    seen: float32 [h, w] over the box `at` of a canvas, weight of what was seen so far. weight: [h, w], of the frame in
    question: places that it does not show do not want it."""
    return _around(_wants(seen, weight, enough), at[:2])


def wanting_parts(seen: torch.Tensor, at: Box, enough: float = ENOUGH, shows: np.ndarray | None = None) -> list[Box]:
    """As `wanting`, in several parts that do not overlap: a figure hides another place in every frame, so that the
    places that want to be seen lie scattered. shows: bool, a square of GRID px each: does the frame show any of it?"""
    wants = _wants(seen, None, enough)
    parts = []
    for top in range(0, wants.shape[0], GRID):
        strip = wants[top:top + GRID]
        squares = np.logical_or.reduceat(strip.any(0), np.arange(0, strip.shape[1], GRID))
        if shows is not None:
            squares &= shows[top // GRID]
        ends = np.flatnonzero(np.diff(np.pad(squares, 1).astype(np.int8))) * GRID
        for left, right in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=True):
            parts.append(_around(strip[:, left:right], (at[0] + left, at[1] + top)))
    return parts


def _wants(seen: torch.Tensor, weight: torch.Tensor | None, enough: float) -> np.ndarray:
    wants = below(seen, enough)
    if weight is not None:
        wants &= above(weight, FAINT) | (above(weight, 0) & below(seen, 1))
    return wants.cpu().numpy()


def _around(wants: np.ndarray, corner: tuple[int, int]) -> Box | None:
    """The box around the True px of bool [h, w], whose top-left px is `corner`."""
    x, y, w, h = cv2.boundingRect(wants.view(np.uint8))
    return (corner[0] + x, corner[1] + y, corner[0] + x + w, corner[1] + y + h) if w else None
