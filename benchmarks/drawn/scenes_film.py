"""Drawn clips about film: motion blur under grain, and a street where four come and go."""

from __future__ import annotations

import numpy as np

from drawn.layers import Layer, Scene, placed
from drawn.people import Look, anchor, walk_cycle
from drawn.plates import SHADOW, UNITS_HIGH, painted_hills
from drawn.scenes_walks import panned, still
from drawn.things import CAR_UNITS, draw_car
from toondecompose.demo.paint import mixed
from toondecompose.demo.shapes import Colour, Sheet, ellipse, spline

BIRD_UNITS = (90.0, 76.0)


def draw_bird(unit: float, wing: float) -> np.ndarray:
    """A plump outlined bird flying to the right; wing: -1 down .. 1 up. uint8 RGBA of BIRD_UNITS."""
    sheet = Sheet((int(BIRD_UNITS[0] * unit), int(BIRD_UNITS[1] * unit)), unit)
    body, ink = (72, 116, 186), (30, 26, 44)
    dark: Colour = mixed(body, SHADOW, 0.5)
    for far in (True, False):
        tone = dark if far else mixed(body, (255, 255, 255), 0.12)
        root = np.array([46.0 + 4 * far, 36.0])
        tip = root + [-16 - 4 * far, -30 * wing]
        middle = (root + tip) / 2
        feathers = [root + [-8, 2], middle + [-7, 0], tip, tip + [8, 2], middle + [9, 2], root + [8, 2]]
        sheet.solid([spline(feathers, closed=True)], tone, ink, 0.6, dark, 1.6)
        if far:
            tail = spline([(30, 38), (8, 30), (4, 36), (12, 40), (6, 45), (30, 44)], closed=True)
            sheet.solid([tail], dark, ink, 0.6)
            sheet.solid([ellipse((46, 40), (21, 13))], body, ink, 0.7, dark, 3)
            sheet.fill(ellipse((52, 45), (13, 6)), (240, 232, 220))
            sheet.solid([ellipse((67, 32), (11, 10.5))], body, ink, 0.7, dark, 2)
            sheet.solid([spline([(76, 30), (88, 34), (76, 37)], closed=True)], (244, 176, 70), ink, 0.5)
            sheet.fill(ellipse((70, 30), (3, 3.4)), (255, 255, 255))
            sheet.fill(ellipse((71, 30), (1.6, 2)), ink)
    return sheet.picture()


def blur_grain(seed: int = 15) -> Scene:
    """A bird that swoops by twice, blurred by the shutter, under film grain."""
    size, count = (480, 270), 26
    unit = 1.5
    rng = np.random.default_rng(seed)
    drawings = [draw_bird(unit, wing) for wing in (1.0, 0.2, -0.8)]
    exposure = [(0, 1, 2, 1)[t // 2 % 4] for t in range(count)]

    def pose(t: float) -> np.ndarray:
        there = t < 13
        s = t if there else t - 13
        x = -70 + 46.0 * s if there else 560 - 50.0 * s
        y = 120 + 55 * np.sin(s * 0.42) + (0 if there else 20)
        return placed((45 * unit, 38 * unit), (x, y), 1.0, (14 if there else -14) * np.cos(s * 0.42), not there)

    bird = Layer("bird", drawings, exposure, np.array([pose(t) for t in range(count)]))
    shutter = np.linspace(-0.25, 0.25, 16)  # half the frame's time
    ends = (12.5, 13.5)  # the turn happens off-screen; no blur across it
    bird.blur = np.array([[pose(t + s) if not ends[0] - 0.5 <= t <= ends[1] else pose(t) for s in shutter]
                          for t in range(count)])
    valley = panned(painted_hills((620, 290), 290 / UNITS_HIGH, rng), count, (10, 10), (3.0, 0))
    return Scene("h15_blur_grain", "A bird swoops through a panning valley twice at 46 to 50 px a frame, blurred by a "
                 "half shutter; film grain.",
                 ["motion blur", "enter/leave", "grain", "large motion", "mirrored drawings", "pan"], size,
                 [valley, bird], seed, grain=3.0)


def street(seed: int = 16) -> Scene:
    """Three people and a car come and go before a still painting."""
    size, count = (560, 315), 30
    rng = np.random.default_rng(seed)
    layers = [still(painted_hills(size, size[1] / UNITS_HIGH, rng), count)]
    unit = 1.1
    car, foot = draw_car(unit), (CAR_UNITS[0] / 2 * unit, 66.0 * unit)
    H = [placed(foot, (-110 + 26.0 * t, 222)) for t in range(count)]
    layers.append(Layer("car", [car], [0] * count, np.array(H)))
    cast = (("grandma", Look(hair_colour=(220, 220, 226), top=(150, 110, 160), legs=(90, 80, 90), hair="bun",
                             dress=(150, 110, 160)), 1.15, 520.0, -10.0, 248.0, 3, 6),
            ("runner", Look(skin=(150, 104, 80), top=(240, 220, 90), legs=(40, 40, 60), hair="cap"), 1.3, -60.0, 24.0,
             272.0, 1, 5),
            ("girl", Look(hair_colour=(176, 96, 60), top=(90, 160, 150), hair="strands", pack=(230, 120, 110)), 1.35,
             610.0, -20.0, 300.0, 2, 8))
    for name, look, unit, x0, speed, ground, hold, drawings in cast:
        H = [placed(anchor(unit), (x0 + speed * (t // hold), ground), mirrored=speed < 0) for t in range(count)]
        layers.append(Layer(name, walk_cycle(look, unit, drawings), [(t // hold) % drawings for t in range(count)],
                            np.array(H)))
    return Scene("h16_street", "Static camera: a car, an old woman on threes, a runner on ones and a girl on twos "
                 "cross each other, coming and going.",
                 ["static camera", "K=5", "crossing", "enter/leave", "ones", "twos", "threes", "rigid prop"], size,
                 layers, seed)
