"""The connected parts of masks, in labels as short as the masks allow."""

from __future__ import annotations

import cv2
import numpy as np


def connected(mask: np.ndarray, connectivity: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Connected parts of a mask uint8 [h, w] -> (labels [h, w], 0 outside; cv2's table of their boxes and areas)."""
    labels, stats = cv2.connectedComponentsWithStats(mask, connectivity=connectivity,
                                                     ltype=label_type(mask.shape, connectivity))[1:3]
    return labels, stats


def label_type(shape: tuple[int, int], connectivity: int = 8) -> int:
    """cv2's type for the labels of a mask's connected parts: 16 bits, which takes half as long, where no picture of its
    shape can have more of them."""
    h, w = shape
    few = (h + 1) // 2 * ((w + 1) // 2 if connectivity == 8 else w) < 2**16 - 2
    return cv2.CV_16U if few else cv2.CV_32S
