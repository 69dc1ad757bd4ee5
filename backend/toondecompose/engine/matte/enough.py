"""How many looks at a place are enough: frames of a long shot in a good order, and where they still add something.

A mean over thirty exposures has a fifth of the noise of one; the next two hundred would bring it to a fifteenth, which
no eye sees, at ten times the cost. So the frames are gone through in an order whose every beginning is spread over the
shot, and of each only the box is looked at in which some place has not been seen often enough yet.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.resample import Box

ENOUGH = 28.0  # exposures' worth of weight
FAINT = 0.1  # weight of a glimpse beside a matte: wanted where a place has hardly been seen at all


def spread(frames: list[int]) -> list[int]:
    """The frames in an order whose every beginning is spread over all of them (van der Corput's: bits reversed).

    Few frames, of which all are needed, stay in their order."""
    if len(frames) <= ENOUGH:
        return list(frames)
    bits = (len(frames) - 1).bit_length()
    order = sorted(range(len(frames)), key=lambda k: int(f"{k:0{bits}b}"[::-1], 2))
    return [frames[k] for k in order]


def wanting(seen: torch.Tensor, at: Box, weight: torch.Tensor | None = None, enough: float = ENOUGH) -> Box | None:
    """The smallest part of a box in which a place has not been seen often enough yet; None if there is none.

    seen: float32 [h, w] over the box `at` of a canvas, weight of what was seen so far. weight: [h, w], of the frame in
    question: places that it does not show do not want it."""
    wants = seen < enough
    if weight is not None:
        wants &= (weight > FAINT) | ((weight > 0) & (seen < 1))
    x, y, w, h = cv2.boundingRect(wants.cpu().numpy().view(np.uint8))
    return (at[0] + x, at[1] + y, at[0] + x + w, at[1] + y + h) if w else None
