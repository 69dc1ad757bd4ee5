"""What stands or slides before the cast: a window that stays with the screen, waves; and a boat that rides on them.

Sizes in px; every picture is uint8 RGBA, straight alpha.
"""

from __future__ import annotations

import numpy as np

from drawn.plates import box, over
from drawn.things import INK
from toondecompose.demo.paint import brushed, gradient
from toondecompose.demo.shapes import Sheet, ellipse, limb, spline

BOAT_PX = (170, 170)
BOAT_FOOT = (84.5, 139.5)  # where the hull's middle meets the water, integers being pixel centres


def window_frame(size: tuple[int, int]) -> np.ndarray:
    """A wooden window with four panes and flower pots on its sill, as large as the frame (480 x 270)."""
    sheet = Sheet(size, 1.0)
    for beam in ((-9, -9, 22, 290), (458, -9, 500, 290), (-9, -9, 500, 16), (-9, 244, 500, 290), (234, -9, 246, 290),
                 (-9, 126, 500, 134)):
        sheet.fill(box(*beam), (120, 84, 66))
    for x0, y0, x1, y1 in ((22, 16, 234, 126), (246, 16, 458, 126), (22, 134, 234, 244), (246, 134, 458, 244)):
        sheet.ink([(x0, y0), ((x0 + x1) / 2, y0), (x1, y0)], 1.4, (70, 44, 40), taper=(1, 1))
        sheet.ink([(x1, y0), (x1, (y0 + y1) / 2), (x1, y1)], 1.4, (80, 54, 46), taper=(1, 1))
    for y in (250, 258, 265):
        sheet.ink([(0, y), (240, y + 1), (480, y)], 0.8, (90, 60, 50), taper=(1, 1))
    for x, y, colour in ((60, 238, (214, 80, 70)), (96, 232, (240, 190, 80)), (400, 236, (200, 90, 140))):
        sheet.solid([box(x - 12, y, x + 12, y + 22)], (190, 110, 80), INK, 0.8)
        for k in range(7):
            sheet.solid([ellipse((x - 14 + 5 * k, y - 10 - (k * 7 % 5) * 3), (6, 5))],
                        colour if k % 2 else (80, 130, 80), INK, 0.5)
    return sheet.picture()


def open_sea(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Sky, three clouds, far hills and a plain sea."""
    base = gradient(size, [(0, (150, 200, 236)), (0.45, (236, 240, 230)), (0.5, (70, 140, 170)), (1, (40, 100, 140))])
    sheet = Sheet(size, 1.0)
    for x in (70, 250, 400):
        sheet.paint(sheet.region(*[ellipse((x + k * 16, 60 - (k % 2) * 8 + x * 0.08), (22, 12)) for k in range(4)]),
                    (250, 250, 250))
    sheet.fill(np.array([(300, 136), (360, 104), (400, 118), (440, 96), (490, 136)], float), (120, 150, 150))
    return brushed(over(sheet.picture(), base), 1.0, rng, 4.0, (26, 2))


def draw_boat() -> np.ndarray:
    """A wooden sailing boat, outlined: one rigid drawing of BOAT_PX."""
    sheet = Sheet(BOAT_PX, 1.0, (85, 140))
    sheet.solid([limb(np.array([0.0, -20]), np.array([0.0, -122]), 2.2, 1.6)], (150, 110, 80), INK, 0.7)
    for points, tone in (([(4, -118), (40, -100), (58, -62), (50, -34), (4, -40)], (250, 244, 226)),
                         ([(-4, -112), (-34, -92), (-46, -60), (-36, -38), (-4, -42)], (244, 236, 216))):
        sheet.solid([spline(points, closed=True)], tone, INK, 0.8, (214, 200, 200), 4)
    sheet.ink([(-30, -80), (0, -76), (44, -84)], 0.8, (190, 170, 160))
    sheet.solid([np.array([(0, -138), (0, -124), (22, -131)], float)], (220, 70, 60), INK, 0.6)
    hull = [(-62, -24), (-30, -16), (30, -16), (70, -30), (56, 14), (-48, 14)]
    sheet.solid([spline(hull, closed=True)], (150, 90, 62), INK, 0.9, (110, 64, 60), 5)
    sheet.ink([(-56, -8), (0, 0), (60, -10)], 1.0, (90, 50, 50))
    for x in (-30, -8, 14, 36):
        sheet.fill(ellipse((x, -4), (3.4, 3.4)), (240, 220, 150))
    return sheet.picture()


def wave_strip() -> np.ndarray:
    """Three rows of flat waves with white crests, 1000 x 130 px, that repeat every 60 px."""
    sheet = Sheet((1000, 130), 1.0)
    xs = np.arange(-60, 1080, 30.0)
    for level, colour in ((26, (90, 170, 196)), (52, (56, 132, 170)), (84, (36, 100, 146))):
        line = np.stack([xs, level + np.where(np.arange(len(xs)) % 2 == 0, -13, 9)], 1)
        sheet.fill(np.concatenate([spline(line), [(1100, 200), (-80, 200)]]), colour)
        for x, y in line[::2]:
            sheet.ink([(x - 12, y + 6), (x, y + 1.5), (x + 12, y + 6)], 2.0, (236, 246, 248))
    return sheet.picture()
