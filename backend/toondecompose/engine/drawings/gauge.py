"""Where different drawings of one sprite lie relative to each other: the free choice, made so that the move is simple."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, shift

MARGIN = 8  # full px around the drawings: room for soft edges


def common_canvas(drawing: np.ndarray, H: np.ndarray, canvases: list[Canvas], rigid: bool = False
                  ) -> tuple[np.ndarray, tuple[int, int]]:
    """One canvas for all drawings: centres of the drawings' silhouettes on one point.

    drawing: int [T]. H: float64 [T, 3, 3], each drawing's own canvas -> frame. canvases: per drawing.
    Returns (H with the common canvas, (width, height)).
    """
    low, high = [], []
    for c in canvases:
        ys, xs = np.nonzero(c.weight > 0.5)
        if len(ys) == 0:
            ys, xs = np.array([0]), np.array([0])
        low.append([xs.min(), ys.min()] + c.origin)
        high.append([xs.max() + 1, ys.max() + 1] + c.origin)
    low, high = np.array(low), np.array(high)
    centre = (low + high) / 2
    if rigid:  # the drawings share their canvas already
        centre[:] = (low.min(0) + high.max(0)) / 2
        low, high = low.min(0, keepdims=True), high.max(0, keepdims=True)
    half = np.ceil((high - low).max(0) / 2) + MARGIN
    out = H.copy()
    for t in np.flatnonzero(drawing >= 0):
        m = H[t] @ shift(*(np.round(centre[drawing[t]] - half)))
        out[t] = m / m[2, 2]
    return out, (int(2 * half[0]), int(2 * half[1]))
