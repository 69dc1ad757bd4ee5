"""Quality figures that need no truth."""

from __future__ import annotations

import cv2
import numpy as np

PERFECT_DB = 99.0  # reported for an exact match, so that means stay finite


def frame_psnr(a: np.ndarray, b: np.ndarray, where: np.ndarray | None = None) -> float:
    """PSNR in dB of two uint8 pictures [h, w, 3], over the pixels of the bool map `where` [h, w] if given."""
    if where is not None:
        a, b = a[where], b[where]
    if a.size == 0:
        return PERFECT_DB
    error = cv2.norm(a, b, cv2.NORM_L2SQR) / a.size  # of bytes: an exact sum
    return PERFECT_DB if error == 0 else min(PERFECT_DB, 10 * np.log10(255**2 / error))
