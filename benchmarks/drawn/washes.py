"""Plates and planes of the drawn clips that are about paint and light: a watercolour, night, grass, clouds.

Sizes in px; every picture is uint8 RGBA, straight alpha. `unit` is px per unit, 270 units to the height of a picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from drawn.plates import box
from toondecompose.demo.shapes import Colour, Sheet, ellipse

MOONLIGHT = (0.75, 0.9, 1.4)  # how much of red, green and blue night leaves, relative to each other
CLOUD_WHITE: Colour = (252, 250, 246)


def _blots(size: tuple[int, int], radius: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise [h, w, 1] of standard deviation 1; radius: of its blots, px."""
    noise = cv2.GaussianBlur(rng.normal(size=size[::-1]), (0, 0), radius)
    return noise[..., None] / max(float(noise.std()), 1e-6)


def watercolour(size: tuple[int, int], unit: float, rng: np.random.Generator) -> np.ndarray:
    """Wet ochre and lilac washes, opaque: soft blots, paper grain, and thin dark rims where the pigment has pooled.

    It has hardly a straight edge or a corner to hold on to, and its rims look like a pen's lines.
    """
    ochre = np.array([206, 196, 176]) + np.linspace(20, -50, size[1])[:, None, None] * np.array([0.2, 0.5, 1.0])
    wash = ochre + _blots(size, 30 * unit, rng) * np.array([18, 10, -14])
    wash = wash + _blots(size, 9 * unit, rng) * np.array([9, 7, 5]) + _blots(size, 1.2 * unit, rng) * 3
    rims = np.exp(-((_blots(size, 16 * unit, rng) / 0.12) ** 2))
    out = np.full((size[1], size[0], 4), 255, np.uint8)
    out[..., :3] = np.round(np.clip(wash - 22 * rims, 0, 255))
    return out


def moonlit(picture: np.ndarray, light: float) -> np.ndarray:
    """A picture painted by day, as it would be painted at night. light: share of the day's brightness that is left."""
    out = picture.copy()
    out[..., :3] = np.round(np.clip(picture[..., :3] * (light * np.array(MOONLIGHT)), 0, 255))
    return out


def tall_grass(size: tuple[int, int], unit: float, rng: np.random.Generator, tall: float) -> np.ndarray:
    """A near plane: single blades with gaps between them, rooted in a strip of turf. tall: of the blades, units."""
    sheet = Sheet(size, unit)
    width, foot = size[0] / unit, size[1] / unit
    sheet.fill(box(-9, foot - 0.12 * tall, width + 9, foot + 9), (44, 66, 52))
    for x in np.arange(-10, width + 10, 6.0):
        high, lean, half = tall * rng.uniform(0.5, 1.2), rng.uniform(-14, 14), rng.uniform(2, 4.5)
        tone = np.clip(np.array([60, 90, 70]) * rng.uniform(0.7, 1.25), 0, 255)
        sheet.fill(np.array([(x - half, foot + 2), (x + half, foot + 2), (x + lean, foot - high)]),
                   tuple(int(c) for c in tone))
    return sheet.picture()


def cloud_bank(size: tuple[int, int], unit: float, rng: np.random.Generator, spacing: float,
               most: float) -> np.ndarray:
    """A plane of white clouds with soft rims that the sky shows through; most: their opacity in the middle."""
    sheet = Sheet(size, unit)
    width, height = size[0] / unit, size[1] / unit
    for x in np.arange(0.4 * spacing, width, spacing):
        puffs = [ellipse((x + rng.normal(0, 38), height / 2 + rng.normal(0, 10)),
                         (rng.uniform(22, 44), rng.uniform(12, 20))) for _ in range(9)]
        sheet.paint(sheet.region(*puffs), CLOUD_WHITE)
    out = sheet.picture()
    out[..., 3] = np.round(cv2.GaussianBlur(out[..., 3].astype(np.float32), (0, 0), 2 * unit) * most)
    out[..., :3] = np.where(out[..., 3:] > 0, np.array(CLOUD_WHITE), 0)
    return out
