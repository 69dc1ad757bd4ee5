"""What each finished layer shows in each frame: its alpha where nothing in front hides it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .types import SolvedLayer


def layer_alpha(layer: SolvedLayer, t: int, size: tuple[int, int], out_size: tuple[int, int]) -> np.ndarray:
    """Alpha of a layer placed in frame t, before anything hides it -> float32 [hs, ws] in 0..1.

    size: the frame's (w, h) px at full resolution; out_size: (ws, hs) of the answer.
    """
    if layer.exposure[t] < 0:
        return np.zeros(out_size[::-1], np.float32)
    scale = np.diag([out_size[0] / size[0], out_size[1] / size[1], 1.0])
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    to_cv = np.linalg.inv(half) @ scale @ layer.H[t] @ half  # edge coordinates -> OpenCV's pixel centres
    alpha = layer.drawings[layer.exposure[t]][..., 3]
    placed = cv2.warpPerspective(alpha, to_cv, out_size, flags=cv2.INTER_LINEAR)
    return placed.astype(np.float32) / 255 * np.float32(layer.opacity[t])


def visible_masks(layers: Sequence[SolvedLayer], size: tuple[int, int], out_shape: tuple[int, int],
                  count: int) -> list[np.ndarray]:
    """Visible alpha of every layer, back to front -> one uint8 [T, hs, ws] per layer; they sum to 255 per pixel."""
    hs, ws = out_shape
    masks = [np.zeros((count, hs, ws), np.uint8) for _ in layers]
    for t in range(count):
        through = np.ones((hs, ws), np.float32)
        for k in range(len(layers) - 1, 0, -1):
            visible = through * layer_alpha(layers[k], t, size, (ws, hs))
            masks[k][t] = np.round(visible * 255)
            through -= visible
        masks[0][t] = np.round(through * 255)
    return masks
