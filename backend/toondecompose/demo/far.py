"""The two far plates of the demo's multiplane: the sky with its clouds, and the hills with a village.

Units: 540 to the height of the picture. Plates are as wide as the pan needs.
"""

from __future__ import annotations

import numpy as np

from toondecompose.demo.paint import brushed, dabs, foliage, gradient, mixed
from toondecompose.demo.shapes import Colour, Region, Sheet, ellipse, spline

PICTURE_UNITS = 540.0
SKY = [(0.0, (84, 158, 220)), (0.35, (140, 200, 236)), (0.62, (206, 232, 236)), (0.78, (250, 236, 208))]


def _cloud(sheet: Sheet, x: float, base: float, width: float, height: float, rng: np.random.Generator) -> None:
    """A fair-weather cumulus: flat base, heaped top; lit from the right, lilac below."""
    puffs = []
    for s in np.linspace(-0.44, 0.44, 8):
        top = height * (0.42 + 0.58 * np.cos(s * 2.9)) * rng.uniform(0.72, 1.08)
        radius = top * 0.52
        puffs.append(ellipse((x + s * width, base - top * 0.48), (max(radius * 1.25, width * 0.10), radius)))
    whole = sheet.region(*puffs, margin=4)
    flat = np.array([(x - width, base - 2), (x + width, base - 2), (x + width, base + height),
                     (x - width, base + height)])
    body = Region(whole.x, whole.y, whole.mask & ~sheet.within(sheet.region(flat), whole))
    sheet.paint(body, (206, 214, 236))
    for share, tone in ((0.16, (228, 230, 242)), (0.30, (252, 250, 246))):
        lit = [p + [height * 0.05 + width * 0.015, -height * share] for p in puffs]
        sheet.paint(sheet.region(*lit), tone, body)
    dabs(sheet, body, [(246, 244, 246), (255, 254, 248), (226, 228, 242)], 26, (height * 0.05, height * 0.16), 0.45,
         (-25, 10), rng)


def draw_sky(size: tuple[int, int], unit: float, rng: np.random.Generator) -> np.ndarray:
    """The sky plate: uint8 RGBA, opaque, `size` px."""
    picture = gradient(size, SKY)
    sheet = Sheet(size, unit)
    width = size[0] / unit
    for k in range(int(width // 150) + 1):  # streaks of high cloud
        x, y = k * 150 + rng.uniform(0, 120), rng.uniform(20, 110)
        sheet.ink([(x - 90, y + 6), (x - 20, y - 2), (x + 50, y), (x + 120, y - 8)], rng.uniform(3, 7), (196, 224, 242))
    x = 40.0
    while x < width:
        span = rng.uniform(150, 260)
        _cloud(sheet, x + span * 0.4, rng.uniform(165, 255), span, span * rng.uniform(0.34, 0.46), rng)
        x += span * rng.uniform(0.95, 1.35)
    x = 10.0
    while x < width:
        span = rng.uniform(80, 150)
        _cloud(sheet, x, rng.uniform(290, 330), span, span * 0.26, rng)
        x += span * rng.uniform(1.0, 1.7)
    clouds = sheet.picture()
    alpha = clouds[..., 3:].astype(np.float32) / 255
    picture[..., :3] = np.round(clouds[..., :3] * alpha + picture[..., :3] * (1 - alpha))
    return brushed(picture, unit, rng, 3.0, (22.0, 2.6))


def _ridge(width: float, level: float, swell: float, rng: np.random.Generator, step: float = 90.0) -> np.ndarray:
    """The top edge of a range of hills, units [n, 2], from left to right."""
    x = np.arange(-step, width + 2 * step, step)
    return spline(np.stack([x, level + swell * rng.uniform(-1, 1, len(x))], 1))


def _under(ridge: np.ndarray, bottom: float) -> np.ndarray:
    return np.concatenate([ridge, [(ridge[-1, 0], bottom), (ridge[0, 0], bottom)]])


def _house(sheet: Sheet, x: float, y: float, size: float, wall: Colour, roof: Colour) -> None:
    sheet.fill(np.array([(x, y), (x + size, y), (x + size, y - size * 0.6), (x, y - size * 0.6)]), wall)
    sheet.fill(np.array([(x, y), (x + size * 0.3, y), (x + size * 0.3, y - size * 0.6), (x, y - size * 0.6)]),
               mixed(wall, (120, 120, 170), 0.3))
    sheet.fill(np.array([(x - size * 0.12, y - size * 0.55), (x + size * 1.12, y - size * 0.55),
                         (x + size * 0.78, y - size),
                         (x + size * 0.2, y - size)]), roof)
    for k in (0.45, 0.72):
        sheet.fill(ellipse((x + size * k, y - size * 0.3), (size * 0.08, size * 0.1), count=8), (110, 130, 160))


def draw_hills(size: tuple[int, int], unit: float, rng: np.random.Generator) -> np.ndarray:
    """The hills plate: uint8 RGBA, straight alpha, clear above the ridge."""
    sheet = Sheet(size, unit)
    width = size[0] / unit
    far = sheet.region(_under(_ridge(width, 222, 34, rng, 120), PICTURE_UNITS))
    sheet.paint(far, (150, 184, 206))
    dabs(sheet, far, [(160, 192, 210), (140, 176, 202), (168, 200, 208)], int(width / 4), (14, 34), 0.22, (-22, 6), rng)
    middle = sheet.region(_under(_ridge(width, 276, 24, rng, 80), PICTURE_UNITS))
    sheet.paint(middle, (124, 176, 142))
    dabs(sheet, middle, [(134, 186, 146), (112, 164, 138), (150, 196, 142)], int(width / 3), (10, 26), 0.24, (-18, 10),
         rng)
    near_ridge = _ridge(width, 318, 14, rng, 70)
    near = sheet.region(_under(near_ridge, PICTURE_UNITS))
    sheet.paint(near, (112, 172, 96))
    dabs(sheet, near, [(126, 184, 98), (98, 158, 92), (148, 198, 104)], int(width / 2.5), (8, 22), 0.26, (-14, 10), rng)
    tones = ((60, 112, 92), (88, 144, 98), (132, 182, 104))
    for x in np.arange(10, width, 30.0):
        x = x + rng.uniform(-10, 10)
        y = float(np.interp(x, near_ridge[:, 0], near_ridge[:, 1]))
        if rng.uniform() < 0.42:
            wall = ((248, 240, 222), (240, 224, 206), (228, 234, 238))[int(rng.integers(3))]
            roof = ((206, 96, 76), (94, 116, 160), (176, 84, 92))[int(rng.integers(3))]
            _house(sheet, x, y + 8, rng.uniform(17, 24), wall, roof)
        else:
            tall = rng.uniform(8, 17)
            foliage(sheet, (x, y + 2 - tall * 0.4), (tall * 0.8, tall), tones, rng, leaf=2.2)
    return brushed(sheet.picture(), unit, rng, 4.0, (9.0, 2.4))
