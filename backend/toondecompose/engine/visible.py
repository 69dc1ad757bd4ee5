"""What each finished layer shows in each frame: its alpha where nothing in front hides it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from .types import SolvedLayer


def _to_opencv(H: np.ndarray) -> np.ndarray:
    """Edge coordinates -> OpenCV's pixel centres."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    return np.linalg.inv(half) @ H @ half


def layer_alpha(layer: SolvedLayer, t: int, size: tuple[int, int], out_size: tuple[int, int]) -> np.ndarray:
    """Alpha of a layer placed in frame t, before anything hides it -> float32 [hs, ws] in 0..1.

    size: the frame's (w, h) px at full resolution; out_size: (ws, hs) of the answer.
    """
    if layer.exposure[t] < 0:
        return np.zeros(out_size[::-1], np.float32)
    scale = np.diag([out_size[0] / size[0], out_size[1] / size[1], 1.0])
    alpha = layer.drawings[layer.exposure[t]][..., 3]
    placed = cv2.warpPerspective(alpha, _to_opencv(scale @ layer.H[t]), out_size, flags=cv2.INTER_LINEAR)
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


def picture_behind(layers: Sequence[SolvedLayer], k: int,
                   size: tuple[int, int]) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """What lies behind layer k -> a function of the frame: (uint8 RGB [h, w, 3], known uint8 [h, w], 255 = known).

    size: the frame's (w, h) px. Known is what some frame shows: painted-in parts of the farthest plate are not.
    """

    def render(t: int) -> tuple[np.ndarray, np.ndarray]:
        frame = np.zeros((size[1], size[0], 3), np.float32)
        known = np.zeros((size[1], size[0]), np.float32)
        for layer in layers[:k]:
            if layer.exposure[t] < 0:
                continue
            drawing = layer.drawings[layer.exposure[t]]
            place = _to_opencv(layer.H[t])
            alpha = cv2.warpPerspective(drawing[..., 3].astype(np.float32) / 255, place, size) * layer.opacity[t]
            colour = cv2.warpPerspective(drawing[..., :3], place, size, borderMode=cv2.BORDER_REPLICATE)
            frame += alpha[..., None] * (colour - frame)
            seen = alpha
            if layer.seen is not None:
                seen = cv2.warpPerspective((layer.seen > 0).astype(np.float32), place, size)
            known = known * (1 - alpha) + seen * alpha
        return np.round(frame).astype(np.uint8), np.round(known * 255).astype(np.uint8)

    return render
