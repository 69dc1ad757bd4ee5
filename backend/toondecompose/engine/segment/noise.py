"""Grain and compression noise, as the calmest parts of the pictures tell."""

from __future__ import annotations

import cv2
import numpy as np

from ...formats.conventions import centre_from_edge
from ..clip import FrameSource

Frames = np.ndarray | FrameSource  # [T, h, w, 3], or read one at a time


def grey_of(picture: np.ndarray) -> np.ndarray:
    """The mean of a picture's channels: uint8 [h, w, 3] -> float32 [h, w]. (numpy's mean takes five times as long.)"""
    total = picture[..., 0].astype(np.float32)
    total += picture[..., 1]
    total += picture[..., 2]
    total /= 3
    return total


def noise_in_flats(frames: Frames) -> float:
    """Grain and compression noise, grey levels rms, of frames uint8 [h, w, 3] at working size.

    Spatial (difference of Gaussians 1 and 2 in the flattest twentieth of 8 px blocks), because temporal differences
    mistake motion for noise. Small blocks: a busy painting still has some that show nothing but noise.
    """
    values = []
    for t in range(0, len(frames), max(1, len(frames) // 8)):
        grey = grey_of(frames[t])
        band = cv2.GaussianBlur(grey, (0, 0), 1.0) - cv2.GaussianBlur(grey, (0, 0), 2.0)
        h, w = (s // 8 * 8 for s in band.shape)
        if min(h, w) == 0:
            continue
        blocks = (band[:h, :w] ** 2).reshape(h // 8, 8, w // 8, 8).mean((1, 3)).ravel()
        blocks.sort()
        # white noise of 1 level leaves 0.16 in the flattest of these blocks
        values.append(np.sqrt(blocks[: max(1, len(blocks) // 20)].mean()) / 0.16)
    return float(np.median(values)) if values else 0.0


def noise_under(frames: Frames, H: np.ndarray, present: np.ndarray) -> float:
    """Grain and compression noise, grey levels rms, as far as one rigid motion tells: what is left of the difference
    between neighbouring frames where that motion explains most of the picture; inf where no pair tells.

    frames: T x uint8 [h, w, 3]. H: [T, 3, 3] canvas -> frame, edge coordinates. An upper bound, as `noise_in_flats` is:
    a picture without a flat block looks noisy to that one, a motion that explains little looks noisy to this one.
    """
    values = []
    height, width = frames[0].shape[:2]
    for t in range(0, len(frames) - 1, max(1, len(frames) // 16)):
        if not (present[t] and present[t + 1]):
            continue
        move = centre_from_edge(H[t] @ np.linalg.inv(H[t + 1]))
        here, there = frames[t], frames[t + 1]
        if np.array_equal(here, there):
            continue
        a, b = grey_of(here), grey_of(there)
        moved = cv2.warpPerspective(b, move, (width, height), flags=cv2.INTER_CUBIC)
        inside = cv2.warpPerspective(np.ones_like(b), move, (width, height)) > 0.99
        if inside.mean() < 0.25:
            continue
        # the calmest third: sprites, other planes and misplaced edges fill the rest. Of white noise it lies below 0.43
        # standard deviations of the difference; cubic resampling keeps most of the second frame's noise.
        third = float(np.quantile(np.abs(a - moved)[inside], 1 / 3))
        values.append(third / 0.43 / 1.3)
    return float(np.median(values)) if values else float("inf")
