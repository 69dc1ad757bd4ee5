"""Drawn clips about drawings that come back turned or at another size: a ball that spins, a child who comes nearer."""

from __future__ import annotations

import numpy as np

from drawn.layers import Layer, Scene, placed
from drawn.people import Look, anchor, walk_cycle
from drawn.plates import UNITS_HIGH, flat_town, painted_hills
from drawn.scenes_walks import panned
from toondecompose.demo.paint import mixed
from toondecompose.demo.shapes import Colour, Sheet, ellipse, spline

INK: Colour = (40, 30, 44)
BALL_PX, BALL_RADIUS = 120, 38.0
PANELS: tuple[Colour, ...] = ((222, 70, 62), (250, 244, 232), (64, 118, 186), (248, 206, 84), (250, 244, 232))


def draw_ball(wide: float = 1.0, tall: float = 1.0) -> np.ndarray:
    """A beach ball in panels with a star, uint8 RGBA of BALL_PX square. wide, tall: how it is squashed or stretched."""
    sheet, middle = Sheet((BALL_PX, BALL_PX), 1.0), BALL_PX / 2
    squash = np.array([wide, tall])

    def around(radius: float, degrees: np.ndarray) -> np.ndarray:
        a = np.radians(degrees)
        return middle + radius * squash * np.stack([np.cos(a), np.sin(a)], 1)

    ball = sheet.solid([around(BALL_RADIUS, np.arange(0, 360, 6))], PANELS[-1], INK, 1.6)
    for k, colour in enumerate(PANELS[:-1]):
        edge = np.linspace(72 * k, 72 * (k + 1), 13)
        sheet.fill(np.concatenate([[[middle, middle]], around(BALL_RADIUS - 1.4, edge)]), colour, ball)
    for k in range(len(PANELS)):
        sheet.ink(np.array([[middle, middle], *around(BALL_RADIUS - 1, np.array([72.0 * k]))]), 1.2, INK)
    sheet.solid([ellipse((middle, middle), (9 * wide, 9 * tall))], (236, 236, 240), INK, 1.2)
    star = [around(9.0 if k % 2 else 4.0, np.array([36.0 * k + 20]))[0] + 20 * squash * [0.45, 0.6] for k in range(10)]
    sheet.fill(np.array(star), (66, 60, 110), ball)
    gloss = spline(around(BALL_RADIUS * 0.78, np.array([200.0, 222, 244, 262])), steps=6)
    sheet.ink(gloss, 3.0, mixed((255, 255, 255), PANELS[1], 0.2), ball)
    return sheet.picture()


def spinning_ball(seed: int = 125) -> Scene:
    """A ball bounces past a girl on twos and spins by 24 degrees a frame; it is squashed where it lands."""
    size, count, period = (480, 270), 36, 12
    rng = np.random.default_rng(seed)
    middle = (BALL_PX / 2 - 0.5,) * 2
    exposure, H = [], []
    for t in range(0, 2 * (count // 2), 2):
        part = t % period
        high = 110 * (1 - (2 * part / period - 1) ** 2)
        drawing = {0: 1, 2: 2, period - 2: 2}.get(part, 0)
        exposure += [drawing] * 2
        H += [placed(middle, (60 + 10.0 * t, 212 - high), 1.0, 24.0 * t if drawing == 0 else 0.0)] * 2
    ball = Layer("ball", [draw_ball(), draw_ball(1.22, 0.76), draw_ball(0.88, 1.16)], exposure, np.array(H))
    unit, drawings = 1.25, 6
    look = Look(top=(210, 90, 120), legs=(70, 70, 120), hair_colour=(150, 90, 40), hair="strands")
    H = [placed(anchor(unit), (210 + 7.0 * (t // 2), 240.0)) for t in range(count)]
    girl = Layer("girl", walk_cycle(look, unit, drawings), [t // 2 % drawings for t in range(count)], np.array(H))
    plate = painted_hills((640, 270), size[1] / UNITS_HIGH, rng)
    return Scene("h25_spinning_ball", "Pan: a beach ball bounces past a girl on twos, spins by 24 degrees a frame and "
                 "is squashed where it lands: three drawings.",
                 ["pan", "rigid prop", "fast rotation", "twos", "crossing", "K=3"], size,
                 [panned(plate, count, (10, 0), (3.0, 0)), girl, ball], seed)


def towards_camera(seed: int = 126) -> Scene:
    """A child walks nearer: the same six drawings, on twos, at a growing scale."""
    size, count = (480, 270), 32
    unit, drawings = 2.2, 6
    rng = np.random.default_rng(seed)
    look = Look(top=(232, 190, 70), legs=(74, 98, 150), hair_colour=(110, 60, 44), hair="spikes")
    H = [placed(anchor(unit), (110 + 8.0 * (t // 2), 178 + 5.4 * (t // 2)), 0.36 * 1.034 ** (2 * (t // 2)))
         for t in range(count)]
    child = Layer("child", walk_cycle(look, unit, drawings), [t // 2 % drawings for t in range(count)], np.array(H))
    return Scene("h26_towards_camera", "Slow pan over a flat town: a child comes nearer on twos, the same six drawings "
                 "more than twice as large in the end.", ["pan", "twos", "scale", "flat colours"], size,
                 [panned(flat_town((600, 270), size[1] / UNITS_HIGH, rng), count, (10, 0), (1.2, 0)), child], seed)
