"""Drawn clips about staging: a window in front of a zoom, a boat behind waves, two who talk over one pan."""

from __future__ import annotations

import numpy as np

from drawn.layers import Layer, Scene, placed, shift
from drawn.overlays import BOAT_FOOT, draw_boat, open_sea, wave_strip, window_frame
from drawn.people import Look, anchor, walk_cycle
from drawn.plates import UNITS_HIGH, painted_hills
from drawn.rooms import library
from drawn.scenes_cameras import about, turn_scale
from drawn.scenes_walks import panned, still
from drawn.things import HEAD_UNITS, draw_head


def window(seed: int = 107) -> Scene:
    """A zoom out over hills where a child walks, seen through a window that stays with the screen."""
    size, count = (480, 270), 28
    rng = np.random.default_rng(seed)
    plate = painted_hills((900, 560), 560 / UNITS_HIGH / 1.3, rng)
    middle = (239.5, 134.5)
    camera = [about(turn_scale(0, 1.6 * 0.985**t), middle) @ shift(middle[0] - 450, middle[1] - 300)
              for t in range(count)]
    unit, drawings = 0.8, 6
    look = Look(top=(240, 240, 250), legs=(200, 60, 60), hair="strands")
    H = [camera[t] @ placed(anchor(unit), (430 + 5.0 * (t // 2), 345.0)) for t in range(count)]
    child = Layer("child", walk_cycle(look, unit, drawings), [t // 2 % drawings for t in range(count)], np.array(H))
    return Scene("h22_window", "Zoom out by a half over painted hills where a child walks on twos, seen through a "
                 "window that stays with the screen.", ["zoom", "fixed overlay", "twos", "K=3"], size,
                 [Layer("plate", [plate], [0] * count, np.array(camera)), child,
                  still(window_frame(size), count, "window")], seed)


def boat_on_waves(seed: int = 105) -> Scene:
    """A boat that rolls behind a strip of waves that slides sideways and heaves."""
    size, count = (480, 270), 32
    rng = np.random.default_rng(seed)
    turn = 2 * np.pi * np.arange(count) / 16
    H = [placed(BOAT_FOOT, (210 + 1.6 * t, 190 + 6 * np.sin(a)), 1.0, 5 * np.sin(a + 1)) for t, a in enumerate(turn)]
    waves = [shift(-300 + 5.0 * t, 168 + 3 * np.sin(2 * np.pi * t / 12)) for t in range(count)]
    return Scene("h23_boat", "Static camera: a rigid boat rolls on the spot and drifts, its hull behind a strip of "
                 "waves that slides by and heaves, the same every 60 px.",
                 ["static camera", "rigid prop", "rotation", "foreground plane", "repeating pattern", "K=3"], size,
                 [still(open_sea(size, rng), count), Layer("boat", [draw_boat()], [0] * count, np.array(H)),
                  Layer("waves", [wave_strip()], [0] * count, np.array(waves))], seed)


def two_talk(seed: int = 102) -> Scene:
    """Two held heads on one peg: they talk and blink, and slide over the room together."""
    size, count = (480, 270), 30
    rng = np.random.default_rng(seed)
    heads = [draw_head(1.35, mouth, blink) for mouth, blink in ((0, 0), (1, 0), (2, 0), (0, 1), (0, 2))]
    others = [np.ascontiguousarray(head[:, ::-1, [2, 0, 1, 3]]) for head in heads]
    shown = ([0, 0, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 0, 3, 4, 3, 0, 0, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 0, 0],
             [0, 0, 0, 0, 0, 0, 3, 4, 3, 0, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 0, 3, 4, 3, 0, 0])
    foot = HEAD_UNITS[0] * 1.35 / 2, HEAD_UNITS[1] * 1.35
    layers = [panned(library((640, 300), 1.0, rng), count, (10, 10), (0.8, 0))]
    for name, drawings, order, x, y in (("left", heads, shown[0], 150.0, 276.0), ("right", others, shown[1], 370.0,
                                                                                 282.0)):
        layers.append(Layer(name, drawings, order, np.array([placed(foot, (x - 1.4 * t, y)) for t in range(count)])))
    return Scene("h24_two_talk", "Medium shot of two held heads that talk and blink over a slow truck; both slide .6 "
                 "px a frame faster than the room, together.",
                 ["held drawing", "mouth", "blink", "same motion", "pan", "busy line art", "K=3"], size, layers, seed)
