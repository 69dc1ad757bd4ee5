"""Drawn clips about the camera: zoom with rotation, multiplane, a car in perspective, compression."""

from __future__ import annotations

import numpy as np

from drawn.layers import Layer, Scene, placed, shift
from drawn.people import Look, anchor, walk_cycle
from drawn.plates import UNITS_HIGH, fence, fir_row, flat_town, night_sky, painted_hills
from drawn.scenes_walks import panned
from drawn.things import CAR_UNITS, draw_car


def about(H: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
    """A 3x3 applied about a point instead of the corner."""
    return shift(*centre) @ H @ shift(-centre[0], -centre[1])


def turn_scale(degrees: float, scale: float) -> np.ndarray:
    """Rotation (clockwise in the picture) and scale about the origin."""
    c, s = np.cos(np.radians(degrees)) * scale, np.sin(np.radians(degrees)) * scale
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def zoom_rotate(seed: int = 5) -> Scene:
    """Zoom out with rotation over a painting on which two tiny people walk on threes."""
    size, count = (479, 271), 24
    unit, drawings = 0.5, 4
    rng = np.random.default_rng(seed)
    plate = painted_hills((760, 520), 520 / UNITS_HIGH / 1.4, rng)
    camera = [about(turn_scale(-9 + 0.75 * t, 1.55 * 0.978**t), (239, 135)) @ shift(239 - 380, 135 - 300)
              for t in range(count)]
    layers = [Layer("plate", [plate], [0] * count, np.array(camera))]
    looks = (Look(top=(224, 60, 60), legs=(40, 50, 90), line=0.9),
             Look(top=(250, 214, 80), legs=(110, 60, 110), hair_colour=(230, 190, 120), line=0.9, dress=(250, 214, 80)))
    for k, (look, x, y, speed) in enumerate(zip(looks, (330.0, 440.0), (318.0, 340.0), (4.5, -4.0), strict=True)):
        H = [camera[t] @ placed(anchor(unit), (x + speed * (t // 3), y), 1.0, mirrored=speed < 0) for t in range(count)]
        layers.append(Layer(("red", "yellow")[k], walk_cycle(look, unit, drawings),
                            [(t // 3 + k) % drawings for t in range(count)], np.array(H)))
    return Scene("h05_zoom_rotate", "Camera zooms out and turns over painted hills, 479x271; two people of 40 to 80 "
                 "px walk on threes on the ground.",
                 ["zoom", "rotation", "threes", "small figures", "odd size", "painterly"], size, layers, seed)


def multiplane(seed: int = 6) -> Scene:
    """Three planes at three speeds with a character between them, on threes."""
    size, count = (560, 315), 24
    unit_px = size[1] / UNITS_HIGH
    rng = np.random.default_rng(seed)
    layers = []
    firs = fir_row((900, size[1]), unit_px, rng, 206, 96, ((44, 66, 84), (74, 104, 112)), 44.0)
    for name, plate, speed in (("sky", night_sky((640, size[1]), unit_px, rng), 0.8), ("firs", firs, 4.0),
                               ("fence", fence((1200, size[1]), unit_px), 9.5)):
        layers.append(panned(plate, count, (12, 0), (speed, 0), name))
    unit, drawings = 1.75, 8
    look = Look(skin=(232, 190, 180), hair_colour=(56, 40, 70), top=(186, 66, 96), legs=(60, 60, 100), hair="strands",
                dress=(120, 60, 110))
    H = [placed(anchor(unit), (190.0 + 2.4 * (t - t % 3), 292.0)) for t in range(count)]
    girl = Layer("girl", walk_cycle(look, unit, drawings), [(t // 3) % drawings for t in range(count)], np.array(H))
    layers.insert(2, girl)
    return Scene("h06_multiplane", "Evening multiplane pan: sky, firs, a girl with loose hair on threes, and a fence "
                 "in front of her.", ["multiplane", "threes", "hair with gaps", "foreground plane", "K=4"], size,
                 layers, seed)


def car_child(seed: int = 7) -> Scene:
    """A rigid car that comes nearer and turns in perspective, behind a child who walks on twos."""
    size, count = (560, 315), 24
    rng = np.random.default_rng(seed)
    plate = painted_hills((740, 330), 330 / UNITS_HIGH, rng)
    unit = 1.5
    car, foot = draw_car(unit), (CAR_UNITS[0] / 2 * unit, 66.0 * unit)
    H = []
    for t in range(count):
        s = 0.55 * 1.035**t
        tilt = np.array([[1, 0, 0], [0.0016 * t, 1, 0], [0.000045 * t, 0, 1.0]])
        H.append(shift(470 - 13.5 * t, 226 + 2.2 * t) @ turn_scale(0.15 * t, s) @ tilt @ np.diag([-1.0, 1, 1])
                 @ shift(-foot[0], -foot[1]))
    layers = [panned(plate, count, (8, 8), (5.5, 0)), Layer("car", [car], [0] * count, np.array(H))]
    unit, drawings = 1.35, 6
    look = Look(top=(84, 130, 196), legs=(236, 206, 130), hair_colour=(150, 80, 50), hair="cap", pack=(196, 90, 60))
    H = [placed(anchor(unit), (120.0 + 7.0 * (t // 2), 300.0)) for t in range(count)]
    layers.append(Layer("child", walk_cycle(look, unit, drawings), [(t // 2) % drawings for t in range(count)],
                        np.array(H)))
    return Scene("h07_car_child", "Pan over painted hills: a rigid car grows and turns in perspective (homography), "
                 "a child on twos passes before it.",
                 ["pan", "rigid prop", "homography", "scale", "twos", "crossing"], size, layers, seed)


def h264_walk(seed: int = 8) -> Scene:
    """A plain walk over a pan, after H.264."""
    size, count = (640, 360), 20
    rng = np.random.default_rng(seed)
    plate = flat_town((820, 360), 360 / UNITS_HIGH, rng)
    unit, drawings = 2.2, 6
    look = Look(top=(64, 120, 110), legs=(232, 210, 180), hair_colour=(200, 110, 60), hair="spikes",
                pack=(220, 180, 70))
    H = [placed(anchor(unit), (300.0 + 3.0 * (t // 2), 330.0)) for t in range(count)]
    walker = Layer("walker", walk_cycle(look, unit, drawings), [(t // 2) % drawings for t in range(count)], np.array(H))
    return Scene("h08_h264_walk", "Flat town, pan after an outlined boy on twos; the frames have been through H.264 at "
                 "crf 27.", ["pan", "twos", "compression", "flat colours"], size,
                 [panned(plate, count, (10, 0), (7.0, 0)), walker], seed, crf=27)
