"""How noisy and how soft pictures are, and the blur under which they are compared."""

from __future__ import annotations

import cv2
import numpy as np

FLAT_SHARE = 0.1  # the flattest tenth of the blocks shows noise, not drawing
# response of the band-pass above to white noise of deviation 1: sqrt(sum of squared coefficients)
BAND_GAIN = 0.33
# Colour range over 9 px / over 3 px at the strongest edges: 1.2-1.7 for drawn lines; a ramp of 5 px has 2, of 9 px 3.
SOFT_EDGE, BLURRED_EDGE = 1.8, 2.6
ASKED_ABOUT_LINES = 20000  # pixels: enough for a quantile


def noise_level(pictures: list[np.ndarray]) -> float:
    """Grain and compression noise in grey levels: median over pictures of the RMS of a band-pass in the flattest
    blocks. Spatial, because differences in time mistake motion for noise. pictures: uint8 RGB [h, w, 3]."""
    levels = []
    for picture in pictures:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        band = cv2.GaussianBlur(grey, (0, 0), 0.7) - cv2.GaussianBlur(grey, (0, 0), 2.0)
        size = 8
        h, w = grey.shape[0] // size * size, grey.shape[1] // size * size
        if h == 0 or w == 0:
            continue
        energy = (band[:h, :w] ** 2).reshape(h // size, size, w // size, size).mean((1, 3)).ravel()
        energy = np.sort(energy)[: max(1, int(FLAT_SHARE * energy.size))]
        levels.append(np.sqrt(energy.mean()) / BAND_GAIN)
    return float(np.median(levels)) if levels else 0.0


def line_reach(smooth: np.ndarray, inside: np.ndarray) -> int:
    """How far (px) the blur of the strongest lines of a picture reaches: 1 sharp, 2 soft, 3 motion-blurred.

    smooth: float32 RGB [h, w, 3]; inside: 0/1 [h, w], the pixels that count.
    """
    if np.count_nonzero(inside) < 50:
        return 1
    grey = smooth[..., 1]

    def spread(size: int) -> np.ndarray:
        kernel = np.ones((size, size), np.uint8)
        return (cv2.dilate(grey, kernel) - cv2.erode(grey, kernel))[inside > 0]

    near, far = spread(3), spread(9)
    strong = near >= max(1e-3, float(np.percentile(near[:: 1 + len(near) // ASKED_ABOUT_LINES], 95)))
    if not strong.any():
        return 1
    ratio = float(np.median(far[strong] / near[strong]))
    return 1 + int(ratio > SOFT_EDGE) + int(ratio > BLURRED_EDGE)


def smoothing(noise: float) -> float:
    """Blur (sigma, px) before comparing: 0.8 px evens out the phase of 1-px lines; more when noise asks for it."""
    return float(np.clip(0.8 + 0.08 * noise, 0.8, 1.6))
