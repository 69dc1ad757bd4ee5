"""Drawn clips about light and paint: night with grass in front, a watercolour behind a close-up, translucent clouds."""

from __future__ import annotations

import numpy as np

from drawn.layers import Layer, Scene, placed
from drawn.people import Look
from drawn.plates import UNITS_HIGH, painted_hills
from drawn.scenes_screen import walker
from drawn.scenes_walks import panned, still
from drawn.things import HEAD_UNITS, draw_head
from drawn.washes import cloud_bank, moonlit, tall_grass, watercolour


def night(seed: int = 17) -> Scene:
    """A dark walker on dark hills, and dark grass that slides by before his feet and sinks to the frame's edge."""
    size, count = (480, 270), 28
    rng = np.random.default_rng(seed)
    hills = moonlit(painted_hills((640, 360), 360 / UNITS_HIGH, rng), 0.25)
    grass = moonlit(tall_grass((1000, 330), 1.0, rng, 70.0), 0.33)
    look = Look(skin=(86, 78, 92), hair_colour=(24, 22, 38), top=(58, 40, 66), legs=(30, 32, 56), shoe=(22, 20, 30),
                ink=(12, 10, 20))
    man = walker(look, 1.5, 6, [(150.0 + 6.0 * (t - t % 2), 236.0) for t in range(count)], 2, "walker")
    return Scene("h17_night", "Night: a dark outlined man walks on twos over dark hills, behind a plane of grass that "
                 "slides faster; the camera pans and tilts up.",
                 ["night", "little contrast", "multiplane", "foreground plane", "pan", "tilt", "twos", "K=3"], size,
                 [panned(hills, count, (10, 60), (3.2, -1.6)), man,
                  panned(grass, count, (0, 60), (7.5, -1.6), "grass")], seed)


def watercolour_closeup(seed: int = 18) -> Scene:
    """A head as high as the picture that hardly moves, while the watercolour behind it tilts."""
    size, count = (480, 270), 30
    rng = np.random.default_rng(seed)
    unit = 1.9
    plate = watercolour((620, 420), 1.0, rng)
    drawings = [draw_head(unit, m, b, s) for m, b, s in ((0, 0, -0.6), (1, 0, -0.3), (2, 0, 0.0), (0, 1, 0.3))]
    foot = HEAD_UNITS[0] * unit / 2, HEAD_UNITS[1] * unit
    H = [placed(foot, (245 + 1.5 * (t // 6 % 2), 300 + 2.0 * (t // 6 % 2))) for t in range(count)]
    head = Layer("head", drawings, [(0, 1, 2, 1, 0, 0, 3, 0, 1, 2)[t // 3] for t in range(count)], np.array(H))
    return Scene("h18_watercolour_closeup", "A talking head as high as the picture, on threes, all but still; behind "
                 "it a watercolour without firm edges tilts and pans.",
                 ["close-up", "large sprite", "tilt", "pan", "threes", "mouth", "watercolour"], size,
                 [panned(plate, count, (10, 140), (1.6, -4.0)), head], seed)


def clouds(seed: int = 21) -> Scene:
    """Translucent clouds that drift over a still painting, and a boy who walks before them."""
    size, count = (480, 270), 30
    rng = np.random.default_rng(seed)
    hills = painted_hills(size, size[1] / UNITS_HIGH, rng)
    bank = cloud_bank((760, 120), 1.0, rng, 250.0, 0.85)
    look = Look(skin=(236, 190, 150), hair_colour=(40, 40, 60), top=(230, 220, 120), legs=(70, 70, 90), hair="spikes",
                pack=(190, 60, 60))
    boy = walker(look, 1.3, 6, [(60.0 + 13.0 * (t // 2), 236.0) for t in range(count)], 2, "boy")
    return Scene("h21_clouds", "Static camera: a bank of translucent clouds with soft rims drifts over painted hills "
                 "by 1.5 px a frame; a boy walks on twos.",
                 ["static camera", "semi-transparent", "soft edges", "clouds", "twos", "K=3"], size,
                 [still(hills, count), panned(bank, count, (200, -8), (-1.5, 0), "clouds"), boy], seed)
