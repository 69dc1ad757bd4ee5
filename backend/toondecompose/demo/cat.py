"""The demo's second sprite: a ginger cat that gallops the other way with a stolen fish.

Units: its body is about 45 units long; (0, 0) is the ground below the chest's middle, y points down.
Drawn running to +x on a mirrored sheet, so in the picture it runs to the left. Four drawings:
stretched flight, front paws land, gathered flight, hind legs push.
"""

from __future__ import annotations

import numpy as np

from toondecompose.demo.palette import INK, LINE, Colour
from toondecompose.demo.shapes import Region, Sheet, bend, ellipse, limb, ribbon, spline, turned

DRAWINGS = 4
CANVAS_UNITS = (126.0, 74.0)
ORIGIN_UNITS = (70.0, 66.0)

FUR, FUR_SHADE, STRIPE = (246, 164, 74), (206, 112, 58), (178, 84, 44)
CREAM, CREAM_SHADE, NOSE, INNER_EAR = (255, 240, 214), (226, 196, 178), (214, 92, 92), (244, 160, 150)
FISH, FISH_SHADE, FISH_BELLY = (110, 164, 206), (66, 108, 166), (226, 238, 244)

# per drawing, (x, height) each: chest, rump; arch of the back; front paws near and far, hind paws near and far
POSES = (
    ((15.0, 25.0), (-15.0, 25.0), -1.0, ((38.5, 15.0), (34.0, 8.0)), ((-37.0, 15.0), (-32.0, 8.0))),
    ((14.0, 19.0), (-13.0, 24.0), 2.0, ((17.0, 1.5), (24.0, 4.0)), ((-27.0, 14.0), (-20.0, 10.0))),
    ((11.0, 24.0), (-10.0, 23.0), 7.0, ((0.0, 7.0), (-7.0, 8.0)), ((9.0, 3.0), (3.0, 6.0))),
    ((14.0, 25.0), (-13.0, 18.0), 2.0, ((27.0, 19.0), (21.0, 13.0)), ((-17.0, 1.5), (-11.0, 2.0))),
)
TAIL = ((-14.0, 4.0), (-12.0, 12.0), (-8.0, 15.0), (-13.0, 8.0))  # tail tip against its middle, per drawing


def _leg(sheet: Sheet, root: np.ndarray, paw: tuple[float, float], forward: float, far: bool, hind: bool) -> None:
    joint, end = bend(root, np.array([paw[0], -paw[1]]), 12.0, 11.5, forward)
    fur: Colour = FUR_SHADE if far else FUR
    thick = 5.6 if hind else 4.4
    form = [limb(root, joint, thick, 3.0), limb(joint, end, 3.0, 2.1)]
    shape = sheet.solid(form, fur, INK, LINE, None if far else FUR_SHADE, 1.3)
    if not far:
        for k in (0.35, 0.65):
            at = joint + (end - joint) * k
            sheet.ink([at + [-3.4, -1.0], at + [0, 0.4], at + [1.2, 0.2]], 1.3, STRIPE, shape, (1, 0.2))
    sheet.solid([ellipse(tuple(end + [1.5, 0.2]), (3.5, 2.3))], CREAM_SHADE if far else CREAM, INK, LINE, CREAM_SHADE,
                0.8)
    for k in (1.9, 3.4):
        sheet.ink([end + [k, -0.6], end + [k + 0.2, 1.4]], 0.4, INK)


def _fish(sheet: Sheet, mouth: np.ndarray, swing: float) -> None:
    def at(points: list) -> np.ndarray:
        return turned(np.asarray(points, float) + mouth, swing, tuple(mouth))

    tail = sheet.solid([spline(at([(-8, 0.5), (-13, -4.0), (-14.5, -3.0), (-12.5, 1), (-14, 5), (-12.4, 5.4)]),
                               closed=True)],
                       FISH_SHADE, INK, LINE)
    sheet.ink(at([(-13.4, -2.6), (-10, 0.4)]), 0.4, INK, tail)
    body = sheet.solid([spline(at([(-9, 0.6), (-3, -3.6), (5, -3.2), (11, 0.8), (5, 4.4), (-3, 4.4)]), closed=True)],
                       FISH, INK,
                       LINE, FISH_SHADE, 1.3)
    sheet.fill(spline(at([(-9, 2.0), (-2, 2.0), (6, 2.4), (11, 1.4), (5, 6), (-4, 6)]), closed=True), FISH_BELLY, body)
    sheet.ink(at([(6.2, -2.8), (5.2, 0.6), (6.0, 3.8)]), 0.5, INK, body)
    sheet.fill(ellipse(tuple(at([(8.2, 0.0)])[0]), (1.3, 1.3)), (255, 255, 255), body)
    sheet.fill(ellipse(tuple(at([(8.4, 0.1)])[0]), (0.7, 0.7)), INK, body)


def _head(sheet: Sheet, head: np.ndarray, tilt: float, phase: int) -> None:
    def at(x: float, y: float) -> np.ndarray:
        return turned(head + [x, y], tilt, tuple(head))

    for root, tip, back in (((3.5, -7), (6.8, -15.6), (9.6, -5.5)), ((-8.4, -4.5), (-8.6, -15.4), (-0.6, -8.6))):
        ear = spline([at(*root), (at(*root) + at(*tip)) / 2 + [-0.6, -0.4], at(*tip),
                      (at(*tip) + at(*back)) / 2 + [0.9, 0],
                      at(*back), at(0, -2)], steps=6)
        form = sheet.solid([ear], FUR, INK, LINE, FUR_SHADE, 1.0)
        inner = np.array([at(*root), at(*tip), at(*back)])
        sheet.fill(inner.mean(0) + (inner - inner.mean(0)) * 0.6 + [0.2, 0.8], INNER_EAR, form)
    skull = spline([at(-10.4, 1.0), at(-8.6, -6.6), at(-1, -9.4), at(7, -8), at(10.6, -2.4), at(11.4, 2.2),
                    at(9.4, 6.2), at(3, 8.6),
                    at(-5, 8.2), at(-12.6, 6.4)], closed=True)
    form = sheet.solid([skull], FUR, INK, LINE, FUR_SHADE, 1.8)
    sheet.fill(spline([at(0.5, 4.6), at(4.5, 2.2), at(8, 1.4), at(12.2, 2.6), at(10, 8), at(3, 9.4)], closed=True),
               CREAM, form)
    for x in (-1.2, 1.6, 4.4):
        sheet.ink([at(x, -9.8), at(x * 0.9 + 0.3, -5.6)], 1.5, STRIPE, form, (1, 0.2))
    for y in (0.4, 3.2):
        sheet.ink([at(-12, y), at(-6.6, y + 0.6)], 1.3, STRIPE, form, (1, 0.2))
    for x, y, w, h in ((1.4, -1.4, 2.5, 3.1), (8.3, -1.4, 1.8, 3.0)):
        white = sheet.region(ellipse(tuple(at(x, y)), (w, h), tilt))
        sheet.paint(white, (255, 252, 230))
        sheet.fill(ellipse(tuple(at(x + 0.7, y + 0.3)), (w * 0.62, h * 0.82), tilt), (72, 140, 82), white)
        sheet.fill(ellipse(tuple(at(x + 0.8, y + 0.3)), (w * 0.30, h * 0.66), tilt), (34, 24, 34), white)
        sheet.fill(ellipse(tuple(at(x + 1.3, y - 1.0)), (0.6, 0.7)), (255, 255, 255), white)
        sheet.ink([at(x - w * 1.15, y - h * 0.2), at(x - w * 0.5, y - h * 0.95), at(x + w * 0.4, y - h * 1.02),
                   at(x + w * 1.1, y - h * 0.3)], 0.9, INK, taper=(0.4, 0.4))
    sheet.ink([at(-1.6, -6.2), at(1.2, -5.6), at(3.8, -4.2)], 0.8, INK)
    sheet.ink([at(6.8, -4.4), at(8.6, -5.8), at(10.2, -6.0)], 0.7, INK)
    _fish(sheet, at(7.4, 7.2), tilt + 6 * np.sin(phase * np.pi / 2))
    lip = spline([at(3.4, 5.4), at(5.4, 4.4), at(7.6, 4.6), at(10.6, 4.2), at(11.4, 5.6), at(9.2, 7.2), at(6.2, 7.4)],
                 closed=True)
    sheet.solid([lip], CREAM, INK, LINE * 0.8)
    sheet.fill(spline([at(7.2, 2.7), at(9.8, 2.5), at(8.7, 4.3)], closed=True), NOSE)
    for dy, droop in ((4.8, -0.6), (5.8, 1.4)):
        sheet.ink([at(4.6, dy), at(-0.5, dy + droop * 0.4), at(-5.2, dy + droop)], 0.35, (255, 250, 240))


def canvas_size(unit: float) -> tuple[int, int]:
    """Canvas (w, h) px that its drawings share at `unit` px per unit."""
    return int(np.ceil(CANVAS_UNITS[0] * unit)), int(np.ceil(CANVAS_UNITS[1] * unit))


def draw_cat(phase: int, unit: float) -> np.ndarray:
    """Drawing `phase` (0..3) of the gallop: uint8 RGBA, straight alpha, canvas_size(unit)."""
    width, height = canvas_size(unit)
    sheet = Sheet((width, height), unit, (width - ORIGIN_UNITS[0] * unit, ORIGIN_UNITS[1] * unit), mirrored=True)
    (cx, cy), (rx, ry), arch, front, hind = POSES[phase]
    chest, rump = np.array([cx, -cy]), np.array([rx, -ry])
    hip, shoulder = rump + [1.0, 3.0], chest + [1.0, 3.0]

    tail_root = rump + [-5.0, -3.0]
    dx, dy = TAIL[phase]
    tail = np.array([tail_root + [3, 1], tail_root + [-6, -2.5], tail_root + [-13, -dy * 0.5 - 1],
                     tail_root + [-14 + dx * 0.5, -dy - 4],
                     tail_root + [-12 + dx * 0.6, -dy - 10]])
    form = sheet.solid([ribbon(tail, [5.0, 5.2, 5.4, 5.0, 3.4]), ellipse(tuple(tail[-1]), (1.8, 1.8))], FUR, INK, LINE,
                       FUR_SHADE, 1.2)
    curve = spline(tail)
    for k in range(6, len(curve) - 2, 6):
        side = (curve[k + 1] - curve[k - 1])[::-1] * [-1, 1]
        side = side / np.linalg.norm(side) * 3.4
        sheet.ink([curve[k] + side, curve[k], curve[k] - side], 1.7, STRIPE, form, (1, 0.5))
    _leg(sheet, shoulder + [-0.5, 0], front[1], -1.0, far=True, hind=False)
    _leg(sheet, hip + [-0.5, 0], hind[1], 1.0, far=True, hind=True)

    top = (chest + rump) / 2 - [0, 6.5 + arch]
    belly = (chest + rump) / 2 + [0, 6.0 - arch * 0.7]
    body = spline([rump + [-7.4, 0.5], rump + [-4.2, -6.4], top, chest + [1.5, -7.6], chest + [8.4, -3.0],
                   chest + [6.6, 5.4],
                   chest + [-1, 8.0], belly, rump + [1, 7.4], rump + [-6.0, 5.2]], closed=True)
    form = sheet.solid([body], FUR, INK, LINE, FUR_SHADE, 2.6)
    sheet.fill(spline([chest + [8.5, -2], chest + [3.0, 2.4], belly + [2, -1.0], belly + [0, 5], chest + [2, 11],
                       chest + [11, 5]],
                      closed=True), CREAM, form)
    spine = spline([rump + [-3.6, -7.6], top + [0, -1.0], chest + [1, -9.0]])
    for k in range(2, len(spine), 3):
        sheet.ink([spine[k], spine[k] + [-0.8, 4.0], spine[k] + [0.4, 7.4]], 1.9, STRIPE, form, (1, 0.1))
    _leg(sheet, hip, hind[0], 1.0, far=False, hind=True)
    _leg(sheet, shoulder, front[0], -1.0, far=False, hind=False)
    # fur covers the roots of the near legs, so that they grow out of the body
    for root, size in ((hip, (5.0, 4.6)), (shoulder, (3.9, 3.6))):
        blend = sheet.region(ellipse(tuple(root - [0.2, 2.2]), size))
        sheet.paint(Region(blend.x, blend.y, blend.mask), FUR, form)
    _head(sheet, chest + [13.5, -7.5 - arch * 0.2], 4.0 + (0, 6, 2, -6)[phase], phase)
    return sheet.picture()
