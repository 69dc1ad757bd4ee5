"""Background plates and planes of the drawn clips: painted, flat and lineless, pale; and a title card's lettering.

Sizes in px; every plate is uint8 RGBA, straight alpha. `unit` is px per unit, 270 units to the height of a picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.demo.paint import brushed, dabs, foliage, gradient, mixed
from toondecompose.demo.shapes import Colour, Sheet, ellipse, limb, spline

UNITS_HIGH = 270.0
SHADOW: Colour = (64, 58, 110)


def over(front: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Straight uint8 RGBA over opaque uint8 RGBA."""
    a = front[..., 3:].astype(np.float32) / 255
    out = back.copy()
    out[..., :3] = np.round(front[..., :3] * a + back[..., :3] * (1 - a))
    return out


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Corners of an upright rectangle."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)


def painted_hills(size: tuple[int, int], unit: float, rng: np.random.Generator) -> np.ndarray:
    """A gouache landscape: sky, three ridges, meadow with bushes and stones, brush noise everywhere."""
    base = gradient(size, [(0, (112, 160, 206)), (0.4, (232, 220, 196)), (0.5, (150, 170, 110)), (1, (92, 116, 62))])
    sheet = Sheet(size, unit)
    width, height = size[0] / unit, size[1] / unit
    for level, colour in ((0.34, (128, 146, 172)), (0.42, (104, 136, 118)), (0.5, (116, 148, 84))):
        xs = np.arange(-40, width + 80, 46.0)
        line = spline(np.stack([xs, height * level + rng.uniform(-16, 16, len(xs))], 1))
        form = sheet.region(np.concatenate([line, [(width + 90, height), (-50, height)]]))
        sheet.paint(form, colour)
        dabs(sheet, form, [mixed(colour, (255, 244, 200), 0.2), mixed(colour, SHADOW, 0.25)], int(width * height / 260),
             (5, 16), 0.32, (-25, 25), rng)
    for _ in range(int(width / 26)):
        at = rng.uniform(0, width), height * rng.uniform(0.56, 0.98)
        if rng.uniform() < 0.55:
            foliage(sheet, at, (rng.uniform(8, 20), rng.uniform(7, 14)), ((46, 84, 58), (88, 132, 66), (160, 182, 86)),
                    rng, 2.4)
        else:
            grey = int(rng.integers(120, 200))
            sheet.solid([spline(np.array(at) + [(-7, 3), (-5, -4), (2, -6), (8, -1), (6, 4)], closed=True)],
                        (grey, grey - 6, grey - 14), (70, 66, 60), 0.3, mixed((grey, grey, grey), SHADOW, 0.5), 2)
    return brushed(over(sheet.picture(), base), unit, rng, 7.0, (9.0, 1.7))


def flat_town(size: tuple[int, int], unit: float, rng: np.random.Generator) -> np.ndarray:
    """A lineless flat-colour town: houses with windows, hard-edged trees, a striped pavement. No texture at all."""
    sheet = Sheet(size, unit)
    width = size[0] / unit
    sheet.fill(box(-9, -9, width + 9, 300), (250, 222, 178))
    sheet.fill(ellipse((width * 0.4, 70), (34, 34)), (255, 242, 214))
    x = -20.0
    while x < width + 20:
        wide, high = rng.uniform(46, 92), rng.uniform(80, 170)
        colour = ((232, 120, 92), (86, 150, 158), (240, 178, 88), (122, 98, 146), (204, 208, 176))[int(rng.integers(5))]
        sheet.fill(box(x, 200 - high, x + wide, 204), colour)
        if rng.uniform() < 0.6:
            sheet.fill(np.array([(x - 4, 200 - high), (x + wide + 4, 200 - high), (x + wide / 2, 174 - high)]),
                       mixed(colour, SHADOW, 0.45))
        for wx in np.arange(x + 9, x + wide - 12, 19):
            for wy in np.arange(212 - high, 178, 27):
                sheet.fill(box(wx, wy, wx + 9, wy + 15), mixed(colour, (255, 250, 220), rng.uniform(0.5, 0.9)))
        x += wide + rng.uniform(0, 16)
    sheet.fill(box(-9, 200, width + 9, 300), (176, 170, 160))
    for k in np.arange(0, width + 40, 34):
        sheet.fill(np.array([(k, 206), (k + 16, 206), (k + 4, 270), (k - 14, 270)]), (190, 184, 172))
    for at in np.arange(30, width, 118):
        sheet.fill(box(at - 2.5, 150, at + 2.5, 204), (112, 76, 66))
        sheet.fill(ellipse((at, 138), (20, 24)), (70, 128, 104))
        sheet.fill(ellipse((at + 5, 131), (11, 13)), (104, 158, 116))
    return sheet.picture()


def pale_shore(size: tuple[int, int], unit: float, rng: np.random.Generator) -> np.ndarray:
    """A very pale beach in soft gradients: little contrast, few marks."""
    base = gradient(size, [(0, (226, 236, 244)), (0.45, (246, 244, 238)), (0.451, (214, 230, 232)),
                           (0.6, (226, 238, 234)), (0.62, (250, 244, 228)), (1, (240, 228, 206))])
    sheet = Sheet(size, unit)
    width = size[0] / unit
    for _ in range(5):
        x, y = rng.uniform(0, width), rng.uniform(18, 80)
        sheet.paint(sheet.region(*[ellipse((x + k * 13, y - (k % 2) * 5), (16, 8)) for k in range(4)]), (250, 251, 252))
    for y in (126, 134, 146, 156):
        for _ in range(int(width / 60)):
            x = rng.uniform(0, width)
            sheet.ink([(x, y), (x + 14, y - 1.6), (x + 30, y + 0.4)], 1.2, (248, 252, 252))
    for _ in range(int(width / 12)):
        at = rng.uniform(0, width), rng.uniform(176, 266)
        sheet.fill(ellipse(at, (rng.uniform(1, 3.4), rng.uniform(0.7, 1.8))), mixed((236, 222, 200), SHADOW,
                                                                                   rng.uniform(0, 0.2)))
    for x in np.arange(width * 0.15, width, width * 0.36):  # beach cabins
        sheet.solid([box(x, 118, x + 36, 172)], (240, 226, 226), (196, 180, 186), 0.5, (226, 210, 216), 5)
        sheet.solid([np.array([(x - 5, 118), (x + 41, 118), (x + 18, 96)])], (206, 220, 226), (170, 180, 192), 0.5)
        for k in range(4):
            sheet.fill(box(x + 3 + k * 9, 120, x + 6 + k * 9, 172), (228, 214, 220))
    return brushed(over(sheet.picture(), base), unit, rng, 1.6, (30.0, 6.0))


def night_sky(size: tuple[int, int], unit: float, rng: np.random.Generator) -> np.ndarray:
    """Far plane: an evening gradient with a moon, stars and bars of cloud."""
    base = gradient(size, [(0, (34, 42, 92)), (0.5, (98, 88, 146)), (0.8, (232, 152, 132)), (1, (250, 206, 150))])
    sheet = Sheet(size, unit)
    width = size[0] / unit
    for _ in range(int(width / 6)):
        r = rng.uniform(0.5, 1.3)
        sheet.fill(ellipse((rng.uniform(0, width), rng.uniform(0, 120)), (r, r), count=8), (236, 234, 220))
    sheet.fill(ellipse((width * 0.62, 62), (20, 20)), (252, 246, 214))
    for _ in range(int(width / 50)):
        x, y = rng.uniform(0, width), rng.uniform(70, 190)
        tone = mixed((150, 110, 160), (255, 190, 160), rng.uniform(0, 1))
        sheet.paint(sheet.region(*[ellipse((x + rng.uniform(-30, 30), y + rng.uniform(-3, 3)),
                                           (rng.uniform(12, 34), rng.uniform(2, 5))) for _ in range(5)]), tone)
    return brushed(over(sheet.picture(), base), unit, rng, 4.0, (22.0, 2.5))


def fir_row(size: tuple[int, int], unit: float, rng: np.random.Generator, foot: float, tall: float,
            tones: tuple[Colour, Colour], spacing: float) -> np.ndarray:
    """A plane of fir trees with sky between them. foot: units from the top; tall: height of the trees."""
    sheet = Sheet(size, unit)
    width = size[0] / unit
    for x in np.arange(-20, width + 30, spacing):
        x = x + rng.uniform(-0.3, 0.3) * spacing
        high, half = tall * rng.uniform(0.65, 1.1), tall * rng.uniform(0.2, 0.28)
        sheet.fill(box(x - 2.5, foot - high * 0.2, x + 2.5, foot + 6), mixed(tones[0], (60, 30, 30), 0.5))
        for k in range(4):
            y0, wide = foot - high * (0.1 + 0.22 * k), half * (1 - 0.2 * k)
            tier = sheet.region(np.array([(x - wide, y0), (x + wide, y0), (x, y0 - high * 0.36)]))
            sheet.paint(tier, tones[0])
            sheet.fill(np.array([(x + wide * 0.2, y0 - 1), (x + wide * 0.8, y0 - 1), (x + 1, y0 - high * 0.3)]),
                       tones[1], tier)
    ground = np.concatenate([spline(np.stack([np.arange(-40, width + 80, 30.0),
                                              foot + rng.uniform(-4, 4, len(np.arange(-40, width + 80, 30.0)))], 1)),
                             [(width + 90, 300), (-60, 300)]])
    form = sheet.region(ground)
    sheet.paint(form, tones[0])
    dabs(sheet, form, [tones[1], mixed(tones[0], SHADOW, 0.3)], int(width * 3), (3, 11), 0.3, (-20, 20), rng)
    return brushed(sheet.picture(), unit, rng, 4.0, (8.0, 1.6))


def fence(size: tuple[int, int], unit: float) -> np.ndarray:
    """A near plane: a wooden fence with wide gaps, outlined."""
    sheet = Sheet(size, unit)
    width = size[0] / unit
    wood, ink = (176, 132, 96), (58, 38, 40)
    for y in (226, 250):
        sheet.solid([limb(np.array([-20.0, y]), np.array([width + 20, y]), 3.4, 3.4)], wood, ink, 0.7, (132, 92, 80), 2)
    for x in np.arange(10, width + 20, 54.0):
        sheet.solid([np.array([(x - 7, 290), (x - 7, 204), (x, 194), (x + 7, 204), (x + 7, 290)])], wood, ink, 0.8,
                    (132, 92, 80), 2.4)
        sheet.ink([(x - 2, 210), (x - 3, 236), (x - 1, 268)], 0.7, (120, 84, 70))
    return sheet.picture()


def lettering(size: tuple[int, int], text: str, height: float) -> np.ndarray:
    """A subtitle in the middle of an otherwise clear picture: white with a dark edge. height: of capitals, px."""
    fine = 4
    face, scale = cv2.FONT_HERSHEY_DUPLEX, height * fine / 22
    (wide, _), _ = cv2.getTextSize(text, face, scale, 1)
    at = (round((size[0] * fine - wide) / 2), round(size[1] * fine / 2 + height * fine / 2))
    edge, white = np.zeros((2, size[1] * fine, size[0] * fine), np.uint8)
    cv2.putText(edge, text, at, face, scale, 255, round(height * fine * 0.42), cv2.LINE_8)
    cv2.putText(white, text, at, face, scale, 255, round(height * fine * 0.14), cv2.LINE_8)
    cover = cv2.resize(edge.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    light = cv2.resize(white.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    out = np.zeros((size[1], size[0], 4), np.uint8)
    ratio = (light / np.maximum(cover, 1e-6))[..., None]
    out[..., :3] = np.round(np.array([24, 22, 30]) * (1 - ratio) + np.array([250, 248, 240]) * ratio)
    out[..., 3] = np.round(cover)
    out[..., :3] *= out[..., 3:] > 0
    return out
