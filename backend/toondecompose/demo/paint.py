"""Painted surfaces of the demo's plates: brushwork, gradients, foliage. Gouache, beside the characters' ink and cel."""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.demo.shapes import Colour, Region, Sheet, ellipse


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """Colour a with `share` of colour b."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))


def gradient(size: tuple[int, int], stops: list[tuple[float, Colour]]) -> np.ndarray:
    """Vertical gradient uint8 RGBA [h, w, 4], opaque; stops: (share of the height, colour)."""
    y = (np.arange(size[1]) + 0.5) / size[1]
    column = np.stack([np.interp(y, [s for s, _ in stops], [c[k] for _, c in stops]) for k in range(3)], 1)
    out = np.full((size[1], size[0], 4), 255, np.uint8)
    out[..., :3] = np.round(column)[:, None]
    return out


def brushed(picture: np.ndarray, unit: float, rng: np.random.Generator, strength: float = 6.0,
            stroke: tuple[float, float] = (14.0, 1.6)) -> np.ndarray:
    """Brush texture over a painted plate: long strokes, a slow drift of tone, and the paper's grain.

    picture: uint8 RGBA. strength: standard deviation in 8-bit levels. stroke: length and breadth in units.
    """
    height, width = picture.shape[:2]

    def field(sx: float, sy: float) -> np.ndarray:
        step = max(1, int(min(sx, sy) * unit / 3))  # slow drifts are drawn coarsely and enlarged
        coarse = (-(-height // step), -(-width // step))
        noise = rng.standard_normal(coarse).astype(np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), max(sx * unit / step, 0.3), sigmaY=max(sy * unit / step, 0.3),
                                 borderType=cv2.BORDER_REFLECT)
        noise = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        return noise / max(float(noise.std()), 1e-6)

    tone = (0.62 * field(*stroke) + 0.45 * field(stroke[0] / 3, stroke[1] / 2) + 0.42 * field(60, 30)
            + 0.36 * field(0.5, 0.5))
    warmth = field(40, 18)
    shift = tone[..., None] * strength + warmth[..., None] * strength * 0.4 * np.array([1.0, 0.1, -0.9], np.float32)
    out = picture.copy()
    out[..., :3] = np.clip(np.round(picture[..., :3] + shift), 0, 255)
    out[..., :3] *= picture[..., 3:] > 0
    return out


def dabs(sheet: Sheet, region: Region, colours: list[Colour], count: int, length: tuple[float, float],
         slimness: float, turn: tuple[float, float], rng: np.random.Generator) -> None:
    """Visible strokes of a flat brush inside a region. length: min and max, units; turn: min and max, degrees."""
    height, width = region.mask.shape
    for _ in range(count):
        at = np.array([region.x + rng.uniform(0, width), region.y + rng.uniform(0, height)])
        centre = ((at + 0.5) / (sheet.fine(1.0) / sheet.unit) - sheet.origin) / sheet.axes
        long = rng.uniform(*length)
        stroke = ellipse(tuple(centre), (long, long * slimness), rng.uniform(*turn), count=12)
        sheet.fill(stroke, colours[int(rng.integers(len(colours)))], region)


def foliage(sheet: Sheet, centre: tuple[float, float], radii: tuple[float, float], tones: tuple[Colour, Colour, Colour],
            rng: np.random.Generator, leaf: float = 4.0) -> None:
    """A crown of leaves: a ragged mass, a lit cap towards the sun, and single leaves. tones: dark, middle, light."""
    dark, middle, light = tones
    x, y = centre
    puffs = []
    for angle in np.linspace(0, 2 * np.pi, 11, endpoint=False) + rng.uniform(0, 0.5):
        r = rng.uniform(0.32, 0.46)
        puffs.append(ellipse((x + np.cos(angle) * radii[0] * 0.66, y + np.sin(angle) * radii[1] * 0.66),
                             (radii[0] * r, radii[1] * r)))
    puffs.append(ellipse(centre, (radii[0] * 0.75, radii[1] * 0.75)))
    mass = sheet.region(*puffs, margin=2)
    sheet.paint(mass, dark)
    for tone, share, count in ((middle, 0.88, 46), (light, 0.66, 26)):
        for _ in range(count):
            angle, far = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1)) * share
            at = (x + np.cos(angle) * radii[0] * far + radii[0] * (0.95 - share) * 0.6,
                  y + np.sin(angle) * radii[1] * far - radii[1] * (0.95 - share) * 0.9)
            size = leaf * rng.uniform(0.7, 1.5)
            sheet.fill(ellipse(at, (size, size * 0.6), rng.uniform(-40, 30), 12),
                       mixed(tone, dark, rng.uniform(0, 0.18)), mass)
    for _ in range(24):
        angle = rng.uniform(0, 2 * np.pi)
        at = (x + np.cos(angle) * radii[0] * 0.98, y + np.sin(angle) * radii[1] * 0.98)
        sheet.fill(ellipse(at, (leaf * 0.6, leaf * 0.4), rng.uniform(0, 180), 10),
                   mixed(middle, dark, rng.uniform(0.2, 0.8)))
