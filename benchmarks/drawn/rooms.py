"""A busy interior in line art, and a street of outlined houses for the shots without texture of their own."""

from __future__ import annotations

import numpy as np

from drawn.plates import SHADOW, box
from toondecompose.demo.paint import mixed
from toondecompose.demo.shapes import Sheet, ellipse, limb, spline

INK = (46, 40, 52)


def library(size: tuple[int, int], unit: float, rng: np.random.Generator) -> np.ndarray:
    """Shelves full of books from floor to ceiling, pictures, a lamp, boards: thin lines everywhere, flat pale colours.

    -> uint8 RGBA, opaque. 270 units are the height of a picture; the room is as high as `size` asks.
    """
    sheet = Sheet(size, unit)
    width, height = size[0] / unit, size[1] / unit
    sheet.fill(box(-9, -9, width + 9, height + 9), (236, 226, 206))
    floor = height - 70
    x = 6.0
    while x < width:
        wide = rng.uniform(84, 120)
        if rng.uniform() < 0.75:
            _shelf(sheet, x, wide, floor, rng)
        else:
            _pictures(sheet, x, wide, floor, rng)
        x += wide + 6
    sheet.solid([box(-9, floor, width + 9, height + 9)], (214, 190, 158), INK, 0.4)
    for y in np.arange(floor + 8, height + 9, 11):
        sheet.ink([(-9, y), (width / 2, y), (width + 9, y)], 0.5, (150, 122, 100), taper=(1, 1))
        for at in np.arange(rng.uniform(0, 60), width, 66):
            sheet.ink([(at, y), (at - 2, y + 5), (at - 4, y + 11)], 0.5, (150, 122, 100), taper=(1, 1))
    return sheet.picture()


def _shelf(sheet: Sheet, x: float, wide: float, floor: float, rng: np.random.Generator) -> None:
    sheet.solid([box(x, 8, x + wide, floor)], (206, 170, 132), INK, 0.5)
    for top in np.arange(14, floor - 30, 38.0):
        sheet.solid([box(x + 4, top, x + wide - 4, top + 33)], (120, 92, 84), INK, 0.4)
        at = x + 5.0
        while at < x + wide - 9:
            thick, high = rng.uniform(3, 8), rng.uniform(20, 31)
            if rng.uniform() < 0.1:
                at += thick
                continue
            colour = mixed(((196, 92, 80), (92, 128, 160), (226, 196, 120), (120, 150, 110), (230, 222, 206))
                           [int(rng.integers(5))], (255, 250, 240), rng.uniform(0, 0.4))
            sheet.solid([box(at, top + 33 - high, min(at + thick, x + wide - 5), top + 33)], colour, INK, 0.3)
            for k in (0.2, 0.75):
                y = top + 33 - high * k
                sheet.ink([(at + 0.4, y), (at + thick / 2, y), (at + thick - 0.4, y)], 0.5, mixed(colour, SHADOW, 0.6),
                          taper=(1, 1))
            at += thick + 0.4


def _pictures(sheet: Sheet, x: float, wide: float, floor: float, rng: np.random.Generator) -> None:
    for y in np.arange(10, floor, 9.0):
        sheet.ink([(x, y), (x + wide / 2, y + 0.5), (x + wide, y)], 0.4, (206, 190, 170), taper=(1, 1))
    for k in range(5):
        cx, cy = x + wide * (0.3 + 0.4 * (k % 2)), 34 + k * 40.0
        if cy > floor - 30:
            break
        w, h = rng.uniform(13, 19), rng.uniform(12, 16)
        sheet.solid([box(cx - w, cy - h, cx + w, cy + h)], (170, 126, 76), INK, 0.5)
        sheet.solid([box(cx - w + 3, cy - h + 3, cx + w - 3, cy + h - 3)], (222, 232, 226), INK, 0.3)
        sheet.ink([(cx - w + 4, cy + 6), (cx - 3, cy - 5), (cx + 3, cy + 2), (cx + w - 4, cy - 4)], 0.9, (90, 120, 96))
        sheet.fill(ellipse((cx + w * 0.4, cy - h * 0.4), (2.2, 2.2)), (230, 150, 80))
    post = limb(np.array([x + wide / 2, floor]), np.array([x + wide / 2, floor - 46]), 1.4, 1.4)
    sheet.solid([post], (120, 110, 110), INK, 0.4)
    sheet.solid([spline([(x + wide / 2 - 13, floor - 44), (x + wide / 2 + 13, floor - 44),
                         (x + wide / 2 + 7, floor - 62), (x + wide / 2 - 7, floor - 62)], closed=True)],
                (250, 230, 160), INK, 0.5)
