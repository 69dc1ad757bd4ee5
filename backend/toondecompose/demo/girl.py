"""The demo's heroine: a schoolgirl, late, toast between her teeth, drawn as a run cycle of eight drawings.

Units: she is about 104 units high; (0, 0) is the ground below her hips, y points down, she runs to the right.
The cycle is the classical one: contact, down, pass, up, for one leg and then for the other.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from toondecompose.demo import palette as pal
from toondecompose.demo.girl_head import draw_back_hair, draw_head
from toondecompose.demo.shapes import Region, Sheet, bend, ellipse, limb, ribbon, spline, turned

DRAWINGS = 8
CANVAS_UNITS = (132.0, 124.0)  # canvas width, height
ORIGIN_UNITS = (76.0, 117.0)  # where (0, 0) lies on the canvas
STRIDE_UNITS = 13.0  # ground covered per drawing: the planted foot slides back by this much

# Ankles of one leg over the cycle (x forward, y above the ground), and the foot's pitch in degrees (toe down > 0)
ANKLES = np.array([(17.5, 5.0), (5.0, 3.6), (-8.0, 3.8), (-20.5, 8.0), (-28.0, 19.0), (-20.0, 28.5), (1.5, 22.0),
                   (17.5, 14.5)])
PITCH = np.array([-22.0, 0.0, 6.0, 48.0, 80.0, 92.0, 42.0, -8.0])
HIP_HEIGHT = np.array([37.5, 35.0, 38.0, 41.5] * 2)
LEAN = 11.0  # degrees the spine tips forward


def _leg(sheet: Sheet, hip: np.ndarray, phase: int, far: bool) -> np.ndarray:
    """Thigh, shin, sock and shoe of one leg; returns the knee."""
    x, above = ANKLES[phase]
    knee, ankle = bend(hip, np.array([x, -above]), 19.0, 18.5)
    skin = pal.SKIN_SHADE if far else pal.SKIN
    shin_mid = knee + (ankle - knee) * 0.42
    calf = (ankle - knee)[::-1] * [-1, 1] / 18.5 * 0.9
    leg = [limb(hip, knee, 5.6, 3.7), limb(knee, shin_mid + calf, 3.7, 3.4), limb(shin_mid + calf, ankle, 3.4, 2.3)]
    shape = sheet.solid(leg, skin, pal.INK, pal.LINE, None if far else pal.SKIN_SHADE, 1.5)
    sock_top = knee + (ankle - knee) * 0.30
    across = (ankle - knee)[::-1] * [-1, 1] / 18.5
    down = (ankle - knee) * 0.9
    sock = sheet.region(np.array([sock_top + across * 7, sock_top - across * 7, sock_top - across * 7 + down,
                                  sock_top + across * 7 + down]))
    sheet.paint(sock, pal.SOCK_SHADE if far else pal.SOCK, shape)
    if not far:
        shade = limb(sock_top - across * 0.6 - [2.6, -1.2], ankle - [2.2, 0.4], 2.2, 1.8)
        sheet.fill(shade, pal.SOCK_SHADE, Region(shape.x, shape.y, shape.mask & sheet.within(sock, shape)))
    for k in (0.0, 0.06):
        edge = sock_top + (ankle - knee) * k
        sheet.ink([edge + across * 5.0, edge + (ankle - knee) * 0.02, edge - across * 5.0], 0.45, pal.INK, shape,
                  (1, 1))
    shoe = spline([(-3.6, -1.6), (-1.2, -2.9), (2.2, -2.0), (5.8, -0.6), (7.4, 1.4), (6.8, 2.7), (1.5, 2.8),
                   (-3.5, 2.8),
                   (-4.3, 0.8)], closed=True)
    place = ankle + [0.2, 0.6]
    body = sheet.solid([turned(shoe + place, PITCH[phase], tuple(ankle))], pal.SHOE_SHADE if far else pal.SHOE, pal.INK,
                       pal.LINE,
                       pal.SHOE_SHADE, 1.3)
    strap = turned(np.array([(-0.6, -3.4), (1.0, -0.6), (0.4, 2.4)]) + place, PITCH[phase], tuple(ankle))
    sheet.ink(strap, 1.0, (64, 30, 32), body)
    sole = turned(np.array([(-4.6, 2.4), (0.0, 2.2), (7.4, 2.3)]) + place, PITCH[phase], tuple(ankle))
    sheet.ink(sole, 0.9, (48, 24, 30), body, taper=(1, 1))
    return knee


def _arm(sheet: Sheet, shoulder: np.ndarray, swing: float, far: bool) -> None:
    """A bent running arm; swing in degrees, positive forward."""
    upper = np.array([np.sin(np.radians(swing)), np.cos(np.radians(swing))]) * 12.0
    elbow = shoulder + upper
    fold = swing + 88 + 16 * np.sin(np.radians(swing))  # the elbow closes a little as the arm comes forward
    wrist = elbow + np.array([np.sin(np.radians(fold)), np.cos(np.radians(fold))]) * 10.5
    way = (wrist - elbow) / 10.5
    skin = pal.SKIN_SHADE if far else pal.SKIN
    sheet.solid([limb(shoulder, elbow, 2.7, 2.2), limb(elbow, wrist, 2.25, 1.7)], skin, pal.INK, pal.LINE,
                None if far else pal.SKIN_SHADE, 1.1)
    fist = wrist + way * 1.9
    sheet.solid([ellipse(tuple(fist), (2.9, 2.6), fold), ellipse(tuple(fist + way * 0.9), (2.3, 2.3))], skin, pal.INK,
                pal.LINE,
                None if far else pal.SKIN_SHADE, 0.9)
    across = way[::-1] * [-1, 1]
    for k in (-0.9, 0.2, 1.2):
        sheet.ink([fist + way * 2.9 + across * k, fist + way * 1.2 + across * (k + 0.2)], 0.4, pal.INK)
    cuff = shoulder + upper * 0.66
    sleeve = [limb(shoulder - upper * 0.03, cuff, 3.7, 4.1)]
    white = pal.BLOUSE_SHADE if far else pal.BLOUSE
    shape = sheet.solid(sleeve, white, pal.INK, pal.LINE, pal.BLOUSE_SHADE, 1.5)
    side = upper[::-1] * [-1, 1] / 12
    sheet.ink([cuff + side * 5 + upper * 0.1, cuff + upper * 0.13, cuff - side * 5 + upper * 0.1], 1.5, pal.NAVY, shape,
              (1, 1))


def _skirt(sheet: Sheet, hip: np.ndarray, knees: list[np.ndarray], phase: int) -> None:
    """A pleated skirt that both thighs push out and the wind lifts behind."""
    waist = hip + [1.6, -7.5]
    flap = np.sin(phase * np.pi / 2 + 0.6)
    front = max(k[0] for k in knees) * 0.80 + 5.5
    back = min(min(k[0] for k in knees) * 0.75 - 7.0, -12.0) - 1.4 * flap
    lift = -4.5 - 1.8 * flap
    front_drop = 12.5 - 0.20 * max(front - 10, 0)
    hem_y = hip[1] + np.array([front_drop, 14.2, 14.8, 13.6, 12.0, 11.5 + lift])
    hem_x = np.linspace(front, back, 6)
    hem = np.stack([hem_x, hem_y], 1)
    left, right = waist + [-6.2, 0.5], waist + [5.4, -0.4]
    side_front = (right + hem[0]) / 2 + [2.0, -1.4]
    side_back = (left + hem[-1]) / 2 + [-1.2, -1.6]
    teeth = []
    for a, b in pairwise(hem):
        teeth += [a, a * 0.35 + b * 0.65 + [0, 0.9], b + [0.35, -0.55]]
    outline = np.concatenate([spline([left, waist + [0, -0.6], right]), spline([right, side_front, hem[0]]),
                              np.array(teeth), spline([hem[-1], side_back, left])])
    shape = sheet.solid([outline], pal.NAVY, pal.INK, pal.LINE, pal.NAVY_SHADE, 2.0, pal.NAVY_LIGHT, 0.8)
    for k in range(1, 5):
        top = left + (right - left) * (1 - k / 5)
        foot = hem[k]
        mid = (top + foot) / 2 + [(foot - top)[0] * 0.10, 0.6]
        fold = np.concatenate([spline([top, mid, foot]), spline([foot + [-2.6, 0.6], mid + [-1.2, 0], top])])
        sheet.fill(fold, pal.NAVY_SHADE, shape)
        sheet.ink([top, mid, foot], 0.45, pal.INK, shape)
    band = np.concatenate([hem + [0, -1.9], (hem + [0, -2.7])[::-1]])
    sheet.fill(band, (226, 230, 244), shape)


def _torso(sheet: Sheet, hip: np.ndarray, neck: np.ndarray, phase: int) -> None:
    """Sailor blouse, collar and scarf."""
    up = neck - hip
    side = np.array([-up[1], up[0]]) / np.linalg.norm(up)
    along = [hip + up * k for k in (0.12, 0.36, 0.62, 0.86, 1.0)]
    front = [along[0] + side * 6.2, along[1] + side * 6.0, along[2] + side * 7.4, along[3] + side * 6.4,
             along[4] + side * 3.2]
    back = [along[0] - side * 6.6, along[1] - side * 5.6, along[2] - side * 6.2, along[3] - side * 6.2,
            along[4] - side * 3]
    shape = sheet.solid([spline([*front, *back[::-1]], closed=True)], pal.BLOUSE, pal.INK, pal.LINE, pal.BLOUSE_SHADE,
                        3.0)
    sheet.ink([along[1] + side * 5.6, along[1] + side * 2.4 + up * 0.05, along[1] - side * 0.4], 0.45, pal.INK, shape)
    sheet.ink([along[0] + side * 1.5, along[1] - side * 1.5, along[2] - side * 3.0], 0.45, pal.INK, shape)
    flap = np.sin(phase * np.pi / 2)
    collar = [neck + side * 3.6, along[3] + side * 6.0, along[2] + side * 4.6 + up * 0.06, along[3] + side * 0.5,
              along[3] - side * 5.8 + up * 0.03, along[2] - side * (8.6 + flap) + up * 0.05,
              along[3] - side * 7.4 + up * 0.10, neck - side * 3.2]
    sheet.solid([spline(collar, closed=True, steps=5)], pal.NAVY, pal.INK, pal.LINE, pal.NAVY_SHADE, 1.2)
    sheet.ink([along[3] + side * 5.2 - up * 0.03, along[2] + side * 4.4 + up * 0.10, along[3] + side * 0.7 + up * 0.04,
               along[3] - side * 4.6 + up * 0.06], 0.55, (236, 238, 250), taper=(1, 1))
    knot = along[2] + side * 4.8 + up * 0.04
    for tail, droop in ((-9.0, 3.8), (-6.5, 6.4)):
        tip = knot + [tail, droop + 1.6 * flap]
        sheet.solid([ribbon([knot, (knot + tip) / 2 + [0.4, 2.0 - flap], tip], [1.6, 3.2, 3.0])], pal.SCARF, pal.INK,
                    pal.LINE,
                    pal.SCARF_SHADE, 0.8)
    sheet.solid([ellipse(tuple(knot), (2.1, 2.0))], pal.SCARF, pal.INK, pal.LINE, pal.SCARF_SHADE, 0.8)


def canvas_size(unit: float) -> tuple[int, int]:
    """Canvas (w, h) px that her drawings share at `unit` px per unit."""
    return int(np.ceil(CANVAS_UNITS[0] * unit)), int(np.ceil(CANVAS_UNITS[1] * unit))


def draw_girl(phase: int, unit: float) -> np.ndarray:
    """Drawing `phase` (0..7) of the run cycle: uint8 RGBA, straight alpha, canvas_size(unit)."""
    sheet = Sheet(canvas_size(unit), unit, (ORIGIN_UNITS[0] * unit, ORIGIN_UNITS[1] * unit))
    other = (phase + DRAWINGS // 2) % DRAWINGS
    hip = np.array([0.0, -HIP_HEIGHT[phase]])
    spine = np.array([np.sin(np.radians(LEAN)), -np.cos(np.radians(LEAN))])
    neck = hip + spine * 26.0
    head = neck + spine * 15.5 + [2.6, 0.0]
    swing = 56.0 * np.cos(2 * np.pi * (phase + 0.3) / DRAWINGS)  # arms go against the legs
    shoulder = hip + spine * 22.5

    draw_back_hair(sheet, head, phase)
    _arm(sheet, shoulder + [3.0, 0.2], swing, far=True)
    far_knee = _leg(sheet, hip + [1.4, 0.0], other, far=True)
    near_knee = _leg(sheet, hip + [-0.6, 0.4], phase, far=False)
    _skirt(sheet, hip, [near_knee, far_knee], phase)
    sheet.solid([limb(neck - spine * 3, neck + spine * 4, 2.7, 2.5)], pal.SKIN_SHADE, pal.INK, pal.LINE)
    _torso(sheet, hip, neck, phase)
    _arm(sheet, shoulder + [-2.0, 0.6], -swing, far=False)
    draw_head(sheet, head, phase)
    return sheet.picture()

