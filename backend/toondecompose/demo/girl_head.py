"""The heroine's head: face in three-quarter view, fringe, and long hair that the wind pulls out into strands."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from toondecompose.demo import palette as pal
from toondecompose.demo.shapes import Sheet, ellipse, ribbon, spline, turned

HEAD_TILT = 5.0  # degrees; she looks where she runs
HAIR_WAVE = 2 * np.pi / 8  # phase step per drawing of the eight: a wave runs down the hair once per cycle


def _strand(sheet: Sheet, root: np.ndarray, length: float, drop: float, width: float, wave: float, sway: float,
            colour: pal.Colour, line: float = pal.LINE) -> None:
    """One lock that flies back from its root; `drop` units lower at its tip, with a travelling wave of `sway` units."""
    s = np.linspace(0, 1, 6)
    x = root[0] - length * s
    y = root[1] + drop * s**1.3 + sway * s * np.sin(wave - 3.6 * s)
    lock = np.stack([x, y], 1)
    sheet.solid([ribbon(lock, [width * 0.75, width, width * 0.95, width * 0.6, 0.05])], colour, pal.HAIR_INK, line,
                pal.HAIR_SHADE if colour != pal.HAIR_SHADE else None, width * 0.28)
    sheet.ink(lock[1:] + [0, -width * 0.08], 0.45, pal.HAIR_INK, taper=(0.1, 0.1))


def draw_back_hair(sheet: Sheet, head: np.ndarray, phase: int) -> None:
    """The long hair behind her: five broad locks and three loose strands."""
    wave = HAIR_WAVE * phase
    base = head + [-8.0, 0.0]
    for dy, length, drop, width, lag, sway in ((9.0, 30, 17.0, 6.5, 1.4, 3.2), (-7.0, 40, 0.0, 7.0, 0.2, 4.0),
                                               (5.0, 42, 14.0, 8.5, 1.0, 4.2)):
        _strand(sheet, base + [0, dy], length, drop, width, wave - lag, sway, pal.HAIR_SHADE)
    for dy, length, drop, width, lag, sway in ((-3.0, 46, 4.0, 9.0, 0.4, 4.4), (2.0, 48, 10.0, 9.0, 0.7, 4.6)):
        _strand(sheet, base + [1, dy], length, drop, width, wave - lag, sway, pal.HAIR)
    for dy, length, drop, lag, sway in ((-8.5, 43, -6.0, 0.0, 4.5), (0.0, 54, 6.0, 0.9, 5.0),
                                        (8.0, 45, 20.0, 1.7, 4.0)):
        s = np.linspace(0, 1, 7)
        hair = np.stack([base[0] - length * s, base[1] + dy + drop * s + sway * s * np.sin(wave - lag - 4.0 * s)], 1)
        sheet.ink(hair, 0.75, pal.HAIR_INK, taper=(1.0, 0.2))
    ribbon_at = head + [-9.5, -8.5]
    flap = np.sin(2 * wave)
    for angle, size in ((205 + 10 * flap, 9.0), (150 - 8 * flap, 8.0)):
        d = np.array([np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
        n = d[::-1] * [-1, 1]
        loop = spline([ribbon_at, ribbon_at + d * size * 0.6 + n * 3.4, ribbon_at + d * size,
                       ribbon_at + d * size * 0.6 - n * 2.6],
                      closed=True)
        sheet.solid([loop], pal.SCARF, pal.INK, pal.LINE, pal.SCARF_SHADE, 1.2)
    sheet.solid([ellipse(tuple(ribbon_at), (2.2, 2.4))], pal.SCARF, pal.INK, pal.LINE, pal.SCARF_SHADE, 0.8)


def _eye(sheet: Sheet, centre: np.ndarray, width: float, height: float, head: np.ndarray) -> None:
    """One big eye: white, two-tone iris, pupil, two lights, thick upper lash."""
    def at(x: float, y: float) -> np.ndarray:
        return turned(centre + [x * width, y * height], HEAD_TILT, tuple(head))

    white = sheet.region(spline([at(-1, 0.15), at(-0.75, -0.72), at(0.0, -1.0), at(0.75, -0.75), at(0.98, 0.05),
                                 at(0.6, 0.85), at(-0.05, 1.0), at(-0.7, 0.8)], closed=True))
    sheet.paint(white, (255, 252, 250))
    sheet.fill(ellipse(tuple(at(0, -0.92)), (width * 1.2, height * 0.42), HEAD_TILT), (214, 206, 226), white)
    look = at(0.14, 0.02)
    sheet.fill(ellipse(tuple(look), (width * 0.74, height * 0.94), HEAD_TILT), pal.IRIS_DARK, white)
    sheet.fill(ellipse(tuple(look + [0, height * 0.34]), (width * 0.60, height * 0.58), HEAD_TILT), pal.IRIS, white)
    sheet.fill(ellipse(tuple(look + [0, height * 0.66]), (width * 0.40, height * 0.24), HEAD_TILT), pal.IRIS_LIGHT,
               white)
    sheet.fill(ellipse(tuple(look + [0, -height * 0.06]), (width * 0.30, height * 0.42), HEAD_TILT), (36, 20, 44),
               white)
    sheet.fill(ellipse(tuple(look + [width * 0.30, -height * 0.42]), (width * 0.26, height * 0.27)), (255, 255, 255),
               white)
    sheet.fill(ellipse(tuple(look + [-width * 0.36, height * 0.46]), (width * 0.13, height * 0.13)), (255, 255, 255),
               white)
    sheet.ink([at(-1.22, -0.12), at(-0.82, -0.80), at(0.0, -1.10), at(0.80, -0.84), at(1.08, -0.12)], 1.15,
              pal.HAIR_INK,
              taper=(0.25, 0.35))
    sheet.ink([at(-1.34, -0.46), at(-1.0, -0.50), at(-0.8, -0.76)], 0.7, pal.HAIR_INK, taper=(0.1, 1))
    sheet.ink([at(-0.45, 1.02), at(0.05, 1.10), at(0.5, 1.0)], 0.42, pal.INK)


def _face(sheet: Sheet, head: np.ndarray) -> None:
    def at(x: float, y: float) -> np.ndarray:
        return turned(head + [x, y], HEAD_TILT, tuple(head))

    contour = spline([at(-10.5, -3), at(-9.2, 5.0), at(-4.5, 11.0), at(2.6, 15.4), at(5.4, 15.6), at(9.2, 11.6),
                      at(11.6, 6.8), at(12.1, 3.4), at(11.6, 0.0), at(12.0, -5), at(9, -12), at(-3, -14)], closed=True)
    face = sheet.solid([contour], pal.SKIN, pal.INK, pal.LINE)
    neck_side = spline([at(-11, -4), at(-7.6, 0), at(-6.4, 6), at(-2.6, 11.2), at(4, 16.5), at(-8, 18), at(-16, 6)],
                       closed=True)
    sheet.fill(neck_side, pal.SKIN_SHADE, face)
    sheet.solid([ellipse(tuple(at(-7.8, 5.0)), (2.3, 3.2), HEAD_TILT - 12)], pal.SKIN, pal.INK, pal.LINE,
                pal.SKIN_SHADE, 0.9)
    for x, y, r in ((2.0, 9.0, 2.6), (10.2, 8.4, 1.7)):
        sheet.fill(ellipse(tuple(at(x, y)), (r, r * 0.55), HEAD_TILT), pal.BLUSH, face)
    _eye(sheet, head + [2.6, 3.0], 3.1, 4.1, head)
    _eye(sheet, head + [9.7, 3.2], 1.95, 3.9, head)
    sheet.ink([at(-0.8, -3.4), at(2.4, -4.4), at(5.0, -3.2)], 0.75, pal.HAIR_INK)
    sheet.ink([at(8.4, -3.0), at(9.8, -3.9), at(11.4, -3.2)], 0.65, pal.HAIR_INK)
    sheet.ink([at(8.3, 7.7), at(8.9, 8.6)], 0.5, pal.SKIN_LINE)
    # toast: she bites one corner
    bread = spline([at(6.2, 11.0), at(9.5, 8.9), at(16.2, 8.6), at(18.2, 10.4), at(16.9, 12.6), at(16.6, 17.6),
                    at(14.8, 18.8), at(9.6, 17.4), at(8.0, 15.2), at(6.6, 13.8)], closed=True)
    crust = sheet.solid([bread], pal.CRUST, pal.INK, pal.LINE)
    middle = bread.mean(0)
    sheet.fill(middle + (bread - middle) * 0.78, pal.TOAST, crust)
    sheet.fill(spline([at(12, 10.6), at(15.4, 10.6), at(15.0, 13.0), at(12.6, 13.4)], closed=True), (255, 246, 196),
               crust)
    sheet.ink([at(5.6, 10.4), at(6.2, 12.2), at(7.6, 13.8)], 0.85, pal.INK)


def draw_head(sheet: Sheet, head: np.ndarray, phase: int) -> None:
    """Skull of hair, face, fringe, side lock and ahoge."""
    wave = HAIR_WAVE * phase
    bob = 0.7 * np.sin(2 * wave)

    def at(x: float, y: float) -> np.ndarray:
        return turned(head + [x, y], HEAD_TILT, tuple(head))

    skull = spline([at(12.6, -4), at(11.5, -11.5), at(5, -17.2), at(-3, -18.2), at(-11, -14.5), at(-15.0, -6),
                    at(-14.4, 3), at(-11.6, 9.5), at(-8, 6), at(2, 0)], closed=True)
    sheet.solid([skull], pal.HAIR, pal.HAIR_INK, pal.LINE, pal.HAIR_SHADE, 3.2)
    _face(sheet, head)
    # fringe: locks from the parting, tips swing with the run
    fringe = [at(12.9, -1.0), at(11.2, -4.4), at(10.2, 0.8 + bob), at(8.2, -5.0), at(5.6, 1.6 + bob), at(4.2, -5.4),
              at(0.4, 0.6 + bob), at(-0.6, -5.8), at(-4.6, 2.2 + bob), at(-5.0, -3.0), at(-8.2, 9.4 + bob),
              at(-9.4, 4.0), at(-11.4, 6.8 + bob), at(-13.2, -1)]
    crown = spline([at(-14.8, -5), at(-11.2, -14.3), at(-3, -18.2), at(5, -17.2), at(11.5, -11.5), at(13.0, -5.5)])
    locks = []
    for a, b in pairwise(fringe):
        middle = (a + b) / 2 + ((b - a)[::-1] * [-1, 1]) * 0.10
        locks.append(spline([a, middle, b], steps=5)[:-1])
    front = np.concatenate([crown, *locks, fringe[-1:]])
    shape = sheet.solid([front], pal.HAIR, pal.HAIR_INK, pal.LINE, pal.HAIR_SHADE, 1.6)
    shine = [at(-11.5, -7.2), at(-9.0, -9.6), at(-7.2, -8.0), at(-4.0, -11.6), at(-2.4, -9.6), at(1.6, -12.2),
             at(3.0, -10.2),
             at(7.0, -11.4), at(8.0, -9.0), at(10.8, -8.6), at(10.0, -6.6), at(7.6, -7.4), at(6.2, -8.6), at(3.0, -8.2),
             at(1.0, -9.8), at(-2.6, -7.6), at(-4.6, -8.8), at(-7.6, -5.6), at(-9.0, -6.8), at(-11.2, -4.6)]
    sheet.fill(np.array(shine), pal.HAIR_LIGHT, shape)
    for root, mid, tip in (((1.5, -17.5), (1.2, -11), (-0.2, -6.2)), ((2.6, -17.5), (6.0, -12.0), (8.0, -5.4)),
                           ((0.5, -17.6), (-4.4, -12.0), (-5.2, -4.0)), ((-1.5, -18.0), (-9.0, -12.5), (-10.6, -2.0))):
        sheet.ink([at(*root), at(*mid), at(*tip)], 0.5, pal.HAIR_INK, shape, taper=(0.15, 0.9))
    tuft = [at(0.5, -17.2), at(-1.0, -21.0), at(-4.5, -23.6 - bob), at(-8.4, -23.2 - 1.6 * bob)]
    sheet.solid([ribbon(tuft, [2.4, 1.9, 1.2, 0.05])], pal.HAIR, pal.HAIR_INK, pal.LINE)
