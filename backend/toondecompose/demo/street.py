"""The near plate of the demo's multiplane: a shopping street, its pavement and its road.

Units: 540 to the height of the picture. Buildings stand on GROUND; the heroine runs on the pavement in front of them.
"""

from __future__ import annotations

import numpy as np

from toondecompose.demo.paint import brushed, dabs, foliage, mixed
from toondecompose.demo.shapes import Colour, Sheet, ellipse, limb, spline

GROUND = 404.0  # where walls meet the pavement
KERB = 476.0  # where the pavement meets the road
LINE = 0.7
SHADOW: Colour = (70, 64, 120)
WALLS = [(246, 226, 190), (226, 178, 150), (200, 214, 206), (238, 206, 160), (206, 190, 214), (240, 236, 226),
         (190, 206, 226)]
ROOFS = [(178, 86, 78), (86, 104, 146), (112, 92, 110), (92, 130, 120)]
AWNINGS = [((226, 84, 76), (252, 244, 230)), ((66, 142, 122), (250, 246, 226)), ((74, 110, 178), (246, 246, 240)),
           ((240, 168, 66), (254, 248, 226))]
LEAVES = ((46, 96, 82), (82, 144, 84), (148, 198, 92))


def _box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _ink_of(colour: Colour) -> Colour:
    return mixed(colour, (52, 30, 62), 0.72)


def _window(sheet: Sheet, x: float, y: float, w: float, h: float, frame: Colour, rng: np.random.Generator,
            panes: int = 2) -> None:
    sheet.solid([_box(x - 2.5, y - 2.5, x + w + 2.5, y + h + 2.5)], frame, _ink_of(frame), LINE)
    glass = sheet.region(_box(x, y, x + w, y + h))
    sheet.paint(glass, (104, 146, 178))
    sheet.fill(_box(x, y, x + w, y + h * 0.45), (138, 184, 206), glass)
    for s in (0.1, 0.62):
        sheet.fill(np.array([(x + w * s, y + h), (x + w * (s + 0.16), y + h), (x + w * (s + 0.50), y),
                             (x + w * (s + 0.34), y)]),
                   (196, 226, 234), glass)
    sheet.fill(_box(x, y, x + w, y + h * 0.10), (70, 96, 140), glass)
    if rng.uniform() < 0.6:  # curtains
        cloth = ((250, 236, 220), (244, 200, 190), (206, 226, 206))[int(rng.integers(3))]
        for edge, way in ((x, 1), (x + w, -1)):
            sheet.fill(spline([(edge, y), (edge + way * w * 0.34, y), (edge + way * w * 0.22, y + h * 0.6),
                               (edge + way * w * 0.26, y + h),
                               (edge, y + h)], closed=True, steps=4), cloth, glass)
            sheet.ink([(edge + way * w * 0.18, y), (edge + way * w * 0.12, y + h)], 0.7, mixed(cloth, SHADOW, 0.35),
                      glass)
    for k in range(1, panes):
        sheet.fill(_box(x + w * k / panes - 1, y, x + w * k / panes + 1, y + h), frame, glass)


def _icon(sheet: Sheet, x: float, y: float, size: float, kind: int) -> None:
    """A shop sign's picture: bread, flower, fish, cup. No lettering, so no language."""
    dark = (86, 46, 48)
    if kind == 0:
        sheet.solid([ellipse((x - size * 0.3, y), (size * 0.4, size * 0.36)),
                     ellipse((x + size * 0.3, y), (size * 0.4, size * 0.36)),
                     ellipse((x, y - size * 0.1), (size * 0.45, size * 0.4))], (226, 158, 86), dark, LINE)
        for k in (-0.3, 0.0, 0.3):
            sheet.ink([(x + size * k - 1.5, y + size * 0.1), (x + size * k + 2, y - size * 0.3)], 1.2, dark)
    elif kind == 1:
        for a in np.linspace(0, 2 * np.pi, 5, endpoint=False):
            sheet.fill(ellipse((x + np.cos(a) * size * 0.34, y + np.sin(a) * size * 0.34), (size * 0.26, size * 0.26)),
                       (240, 120, 150))
        sheet.fill(ellipse((x, y), (size * 0.2, size * 0.2)), (252, 214, 90))
    elif kind == 2:
        sheet.fill(ellipse((x, y), (size * 0.6, size * 0.32)), (250, 250, 246))
        sheet.fill(np.array([(x - size * 0.5, y), (x - size * 0.9, y - size * 0.35),
                             (x - size * 0.9, y + size * 0.35)]), (250, 250, 246))
        sheet.fill(ellipse((x + size * 0.36, y - size * 0.06), (1.6, 1.6)), dark)
    else:
        sheet.fill(spline([(x - size * 0.4, y - size * 0.35), (x + size * 0.4, y - size * 0.35),
                           (x + size * 0.3, y + size * 0.4),
                           (x - size * 0.3, y + size * 0.4)], closed=True), (252, 248, 240))
        sheet.ink([(x + size * 0.4, y - size * 0.2), (x + size * 0.75, y), (x + size * 0.32, y + size * 0.25)], 2.2,
                  (252, 248, 240), taper=(1, 1))
        for k in (-0.12, 0.12):
            sheet.ink([(x + size * k, y - size * 0.5), (x + size * (k + 0.1), y - size * 0.7),
                       (x + size * k, y - size * 0.95)], 1.4,
                      (252, 248, 240))


def _awning(sheet: Sheet, x: float, y: float, w: float, colours: tuple[Colour, Colour]) -> None:
    drop, out = 24.0, 8.0
    cloth = sheet.solid([np.concatenate([_box(x, y, x + w, y + drop)[:2] + [[2, 0], [-2, 0]],
                                         [(x + w + out, y + drop), (x - out, y + drop)]])],
                        colours[1], _ink_of(colours[0]), LINE)
    stripes = max(4, int(w / 13) // 2 * 2)
    for k in range(stripes):
        a, b = k / stripes, (k + 1) / stripes
        tone = colours[k % 2]
        stripe = np.array([(x + w * a, y), (x + w * b, y), (x - out + (w + 2 * out) * b, y + drop),
                           (x - out + (w + 2 * out) * a, y + drop)])
        sheet.fill(stripe, tone, cloth)
        foot = (stripe[2] + stripe[3]) / 2
        half = (w + 2 * out) / stripes / 2
        sheet.solid([np.concatenate([ellipse(tuple(foot), (half, 7.5))[:21]])], mixed(tone, SHADOW, 0.16),
                    _ink_of(colours[0]), LINE * 0.7)
    sheet.fill(_box(x, y, x + w, y + 4), mixed(colours[0], (255, 255, 255), 0.35), cloth)


def _shop(sheet: Sheet, x: float, w: float, height: float, index: int, rng: np.random.Generator) -> None:
    """One house with a shop on its ground floor."""
    wall, roof = WALLS[index % len(WALLS)], ROOFS[int(rng.integers(len(ROOFS)))]
    top = GROUND - height
    front = sheet.solid([_box(x, top, x + w, GROUND)], wall, _ink_of(wall), LINE)
    dabs(sheet, front, [mixed(wall, (255, 255, 255), 0.22), mixed(wall, SHADOW, 0.10),
                        mixed(wall, (236, 150, 110), 0.16)],
         int(w * height / 420), (4, 15), 0.28, (-12, 12), rng)
    sheet.fill(_box(x, top, x + 7, GROUND), mixed(wall, SHADOW, 0.30), front)
    sheet.fill(_box(x, top, x + w, top + 12), mixed(wall, SHADOW, 0.34), front)
    eave = np.array([(x - 9, top + 2), (x + w + 9, top + 2), (x + w - 4, top - 26), (x + 4, top - 26)])
    tiles = sheet.solid([eave], roof, _ink_of(roof), LINE)
    for k in np.arange(x - 10, x + w + 10, 9.0):
        sheet.ink([(k, top + 2), (k * 0.92 + (x + w / 2) * 0.08, top - 27)], 0.9, mixed(roof, SHADOW, 0.55), tiles,
                  (1, 1))
    for y in (top - 8, top - 17):
        sheet.ink([(x - 9, y), (x + w + 9, y)], 1.1, mixed(roof, (255, 236, 200), 0.4), tiles, (1, 1))
    frame = ((252, 248, 240), (120, 82, 70), (92, 110, 120))[int(rng.integers(3))]
    floors = max(0, int((height - 128) // 66))
    count = 2 if w < 170 else 3
    for floor in range(floors):
        y = top + 24 + floor * 66
        for k in range(count):
            wx = x + w * (k + 0.5) / count - 17
            _window(sheet, wx, y, 34, 36, frame, rng)
            sheet.solid([_box(wx - 5, y + 40, wx + 39, y + 44)], mixed(wall, (255, 255, 255), 0.4), _ink_of(wall), LINE)
            if rng.uniform() < 0.4:
                for j in range(7):
                    at = (wx + j * 5.5 + rng.uniform(-1, 1), y + 37 + rng.uniform(-3, 2))
                    sheet.fill(ellipse(at, (4, 3.4), count=10), LEAVES[int(rng.integers(3))])
                    if rng.uniform() < 0.7:
                        bloom = ((240, 96, 110), (252, 206, 90), (236, 150, 206))[int(rng.integers(3))]
                        sheet.fill(ellipse((at[0] + 1, at[1] - 2.5), (2.2, 2.0), count=10), bloom)
    cloth = AWNINGS[int(rng.integers(len(AWNINGS)))]
    board = sheet.solid([_box(x + 12, GROUND - 122, x + w - 12, GROUND - 98)], cloth[0], _ink_of(cloth[0]), LINE)
    sheet.fill(_box(x + 12, GROUND - 122, x + w - 12, GROUND - 118), mixed(cloth[0], (255, 255, 255), 0.3), board)
    for k in (-1, 0, 1):
        _icon(sheet, x + w / 2 + k * 30, GROUND - 109, 10.5, index % 4)
    _window(sheet, x + 18, GROUND - 76, w * 0.52, 50, frame, rng, panes=3)
    shelf = GROUND - 34
    for k in range(int(w * 0.52 / 11)):
        goods = [(232, 120, 84), (250, 206, 110), (150, 190, 110), (236, 160, 176)][int(rng.integers(4))]
        sheet.solid([ellipse((x + 24 + k * 11, shelf + rng.uniform(-2, 1)), (5.2, 4.6))], goods, _ink_of(goods),
                    LINE * 0.7)
    door = x + w * 0.52 + 34
    sheet.solid([_box(door, GROUND - 80, door + 34, GROUND)], (128, 78, 62), (58, 34, 44), LINE)
    _window(sheet, door + 6, GROUND - 73, 22, 44, (150, 96, 74), rng, panes=1)
    sheet.fill(ellipse((door + 30, GROUND - 24), (1.8, 1.8)), (250, 214, 120))
    _awning(sheet, x + 8, GROUND - 98, w - 16, cloth)
    for k in range(int(w // 44)):
        if rng.uniform() < 0.55:
            _pot(sheet, x + 18 + k * 40, rng)


def _pot(sheet: Sheet, x: float, rng: np.random.Generator) -> None:
    foliage(sheet, (x + 7, GROUND - 14), (11, 12), LEAVES, rng, leaf=2.6)
    pot = (206, 118, 84)
    sheet.solid([np.array([(x, GROUND - 9), (x + 14, GROUND - 9), (x + 11.5, GROUND + 4), (x + 2.5, GROUND + 4)])], pot,
                _ink_of(pot), LINE,
                mixed(pot, SHADOW, 0.4), 3)


def _garden(sheet: Sheet, x: float, w: float, rng: np.random.Generator) -> None:
    """A gap between houses: a low wall, bushes, a tree; hills and sky show above."""
    for k in np.arange(x, x + w, 26):
        foliage(sheet, (k + 10, GROUND - 54), (24, 22), LEAVES, rng)
    trunk = x + w * rng.uniform(0.3, 0.7)
    sheet.solid([limb(np.array([trunk, GROUND]), np.array([trunk + 6, GROUND - 120]), 7, 4),
                 limb(np.array([trunk + 4, GROUND - 84]), np.array([trunk - 20, GROUND - 130]), 3.5, 2)],
                (126, 90, 78), (66, 42, 56), LINE, (92, 64, 72), 3.4)
    for dx, dy, r in ((-22, -142, 30), (26, -150, 34), (2, -178, 34)):
        foliage(sheet, (trunk + dx, GROUND + dy), (r * 1.1, r * 0.9), LEAVES, rng)
    wall = (226, 216, 204)
    form = sheet.solid([_box(x - 4, GROUND - 44, x + w + 4, GROUND)], wall, _ink_of(wall), LINE)
    sheet.fill(_box(x - 4, GROUND - 36, x + w + 4, GROUND - 32), mixed(wall, SHADOW, 0.35), form)
    for k in np.arange(x + 10, x + w, 30):
        sheet.ink([(k, GROUND - 32), (k, GROUND)], 0.8, mixed(wall, SHADOW, 0.4), form, (1, 1))
    sheet.fill(_box(x - 4, GROUND - 16, x + w + 4, GROUND - 15), mixed(wall, SHADOW, 0.4), form)


def _lamp(sheet: Sheet, x: float) -> None:
    iron, ink = (72, 92, 100), (34, 40, 58)
    sheet.solid([_box(x - 2, GROUND - 168, x + 2, GROUND + 14), _box(x - 5, GROUND + 2, x + 5, GROUND + 16),
                 limb(np.array([x, GROUND - 166]), np.array([x + 18, GROUND - 172]), 1.6, 1.6)], iron, ink, LINE,
                (46, 60, 78), 1.4)
    sheet.solid([spline([(x + 12, GROUND - 170), (x + 24, GROUND - 170), (x + 22, GROUND - 150),
                         (x + 14, GROUND - 150)], closed=True)],
                (255, 240, 190), ink, LINE)
    sheet.solid([np.array([(x + 8, GROUND - 168), (x + 18, GROUND - 182), (x + 28, GROUND - 168)])], iron, ink, LINE)


def _pavement(sheet: Sheet, width: float, rng: np.random.Generator) -> None:
    slab = sheet.region(_box(-5, GROUND, width + 5, KERB))
    sheet.paint(slab, (226, 212, 196))
    dabs(sheet, slab, [(234, 222, 206), (216, 200, 188), (230, 206, 186)], int(width / 2.2), (8, 24), 0.16, (-3, 3),
         rng)
    sheet.fill(_box(-5, GROUND, width + 5, GROUND + 9), (178, 164, 178), slab)
    for y in (GROUND + 24, GROUND + 46):
        sheet.ink([(-5, y), (width / 2, y), (width + 5, y)], 1.0, (188, 170, 166), slab, (1, 1))
    for row, (y0, y1) in enumerate(((GROUND + 9, GROUND + 24), (GROUND + 24, GROUND + 46), (GROUND + 46, KERB))):
        for x in np.arange(-40 + 22 * (row % 2), width + 40, 44.0):
            sheet.ink([(x - (y1 - y0) * 0.3, y1), (x, y0)], 0.9, (188, 170, 166), slab, (1, 1))
    sheet.fill(_box(-5, KERB, width + 5, KERB + 5), (248, 240, 226))
    sheet.fill(_box(-5, KERB + 5, width + 5, KERB + 12), (168, 156, 166))
    road = sheet.region(_box(-5, KERB + 12, width + 5, 545))
    sheet.paint(road, (134, 134, 156))
    dabs(sheet, road, [(138, 138, 159), (130, 131, 153), (141, 139, 158)], int(width / 1.6), (10, 30), 0.14, (-3, 3),
         rng)
    for x in np.arange(-60, width + 60, 150.0):
        sheet.fill(np.array([(x, 520), (x + 84, 520), (x + 78, 530), (x - 6, 530)]), (238, 236, 230), road)


def draw_street(size: tuple[int, int], unit: float, rng: np.random.Generator) -> np.ndarray:
    """The street plate: uint8 RGBA, straight alpha, clear above the roofs and in the gardens' gaps."""
    sheet = Sheet(size, unit)
    width = size[0] / unit
    x, index, lamps = -60.0, int(rng.integers(4)), []
    while x < width:
        if index % 2 == 1:
            gap = rng.uniform(110, 190)
            _garden(sheet, x, gap, rng)
            lamps.append(x - 6)
            x += gap
        house = rng.uniform(150, 205)
        _shop(sheet, x + 4, house, rng.uniform(172, 262), index, rng)
        x += house + 10
        index += 1
    _pavement(sheet, width, rng)
    for at in lamps:
        _lamp(sheet, at)
    for at in np.arange(170, width, 470.0):
        body = (214, 66, 62)  # a letter box
        sheet.solid([_box(at, GROUND - 34, at + 22, GROUND + 12), ellipse((at + 11, GROUND - 34), (11, 7))], body,
                    (84, 24, 40), LINE,
                    mixed(body, SHADOW, 0.45), 5)
        sheet.fill(_box(at + 4, GROUND - 24, at + 18, GROUND - 21), (60, 24, 40))
    return brushed(sheet.picture(), unit, rng, 3.4, (8.0, 1.6))

