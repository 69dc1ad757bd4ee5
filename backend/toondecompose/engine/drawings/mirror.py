"""Left-right mirrored drawings: a bird that flies back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .patches import Patch


def flip(width: int) -> np.ndarray:
    """3x3: left-right mirror of a picture of this width, edge coordinates."""
    return np.array([[-1.0, 0, width], [0, 1, 0], [0, 0, 1]])


def mirrored_patch(patch: Patch) -> Patch:
    """A cut-out's picture and silhouette mirrored left-right, to be looked at only."""
    smooth, body = (np.ascontiguousarray(p[:, ::-1]) for p in (patch.smooth, patch.body))
    return replace(patch, smooth=smooth, body=body)
