"""Drawn clips about the screen: opacity that changes, a subtitle, a cut, smoke and shadow, a talking head."""

from __future__ import annotations

import numpy as np

from drawn.layers import Layer, Scene, placed, shift
from drawn.people import CANVAS_UNITS, Look, anchor, walk_cycle
from drawn.plates import UNITS_HIGH, flat_town, lettering, painted_hills, pale_shore
from drawn.rooms import library
from drawn.scenes_cameras import about, turn_scale
from drawn.scenes_walks import RUST, panned, still
from drawn.things import SMOKE_PX, draw_head, draw_smoke, with_shadow


def walker(look: Look, unit: float, drawings: int, feet: list[tuple[float, float]], hold: int, name: str) -> Layer:
    """A walk cycle whose drawing changes every `hold` frames; feet: where it stands in each frame, px."""
    H = [placed(anchor(unit), at) for at in feet]
    exposure = [(t // hold) % drawings for t in range(len(feet))]
    return Layer(name, walk_cycle(look, unit, drawings), exposure, np.array(H))


def fade_in_out(seed: int = 9) -> Scene:
    """A walker who fades in, and out again at the end."""
    size, count = (480, 270), 28
    rng = np.random.default_rng(seed)
    look = Look(top=(230, 240, 250), legs=(150, 180, 220), hair_colour=(120, 150, 200), skin=(226, 236, 246),
                shoe=(110, 130, 180), ink=(70, 90, 150), hair="cap", dress=(200, 220, 244))
    ghost = walker(look, 1.7, 6, [(190.0 + 5.0 * (t // 2), 246.0) for t in range(count)], 2, "spirit")
    t = np.arange(count)
    ghost.opacity = np.clip(np.minimum((t - 1) / 8, (26 - t) / 7), 0, 1)
    return Scene("h09_fade", "A spirit fades in over 8 frames, walks on twos and fades out over 7, before a panning "
                 "painting.", ["fade in", "fade out", "opacity", "pan", "twos"], size,
                 [panned(painted_hills((640, 290), 290 / UNITS_HIGH, rng), count, (10, 10), (4.5, 0)), ghost], seed)


def subtitle(seed: int = 10) -> Scene:
    """A subtitle fixed to the screen over a pan with a walker."""
    size, count = (480, 270), 24
    rng = np.random.default_rng(seed)
    girl = walker(Look(hair="bun", top=(240, 170, 70), legs=(90, 60, 70), dress=(120, 60, 90)), 1.5, 8,
                  [(210.0 + 4.0 * (t // 2), 232.0) for t in range(count)], 2, "walker")
    words = lettering((300, 30), "We are late again!", 15.0)
    text = Layer("subtitle", [words], [0 if t >= 4 else None for t in range(count)],
                 np.tile(shift(90, 232), (count, 1, 1)))
    return Scene("h10_subtitle", "A subtitle comes up on frame 4 and stays fixed to the screen over a pan with a "
                 "walker on twos.", ["subtitle", "fixed overlay", "pan", "twos"], size,
                 [panned(painted_hills((680, 290), 290 / UNITS_HIGH, rng), count, (10, 10), (6.0, 0)), girl, text],
                 seed)


def cut_inside(seed: int = 11) -> Scene:
    """Two shots in one strip. The second shot's plate is a layer of the truth that is shown from the cut on."""
    size, first, count = (480, 270), 12, 24
    rng = np.random.default_rng(seed)
    town = flat_town((600, 270), 1.0, rng)
    room = library((600, 300), 1.0, rng)
    boy = walker(Look(top=(70, 120, 200), hair="spikes"), 1.6, 6,
                 [(150.0 + 9.0 * (t // 2), 246.0) for t in range(first)], 2, "boy")
    girl = walker(Look(top=(214, 84, 120), hair="bun", dress=(90, 70, 130)), 1.75, 6,
                  [(330.0 - 2.0 * (t // 2), 258.0) for t in range(count - first)], 2, "girl")
    layers = [panned(town, count, (10, 0), (6.0, 0), "town"), boy,
              panned(room, count, (100, 20), (-4.0, 0), "room"), girl]
    layers[0].H[first:] = layers[0].H[first - 1]
    layers[2].H[:first] = layers[2].H[first]
    layers[2].exposure = [None if t < first else 0 for t in range(count)]
    rest = count - first
    boy.exposure = [*boy.exposure, *[None] * rest]
    boy.H = np.concatenate([boy.H, np.tile(boy.H[-1], (rest, 1, 1))])
    girl.exposure = [*[None] * first, *girl.exposure]
    girl.H = np.concatenate([np.tile(girl.H[0], (first, 1, 1)), girl.H])
    return Scene("h11_cut", "Two shots of 12 frames with a hard cut: a boy in town, a girl in a library, each under "
                 "a pan; 2 layers a shot.", ["cut", "two shots", "pan", "twos"], size, layers, seed, sprites=2)


def talk_static(seed: int = 12) -> Scene:
    """Nothing moves but mouth and eyes: motion cannot find the head's outline, and the engine has to say so."""
    size, count = (426, 240), 20
    rng = np.random.default_rng(seed)
    unit = 1.35
    states = [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2)]
    order = [0, 0, 0, 1, 1, 2, 2, 1, 1, 0, 3, 4, 4, 3, 0, 2, 2, 1, 1, 0]
    head = Layer("head", [draw_head(unit, mouth, blink) for mouth, blink in states], order,
                 np.tile(shift(112, 18), (count, 1, 1)))
    return Scene("h12_talk_static", "Static camera, held head in close-up that only talks and blinks: its outline "
                 "cannot be known from motion.", ["static camera", "held drawing", "mouth", "blink", "unresolvable"],
                 size, [still(pale_shore(size, size[1] / UNITS_HIGH, rng), count), head], seed)


def smoke_shadow(seed: int = 13) -> Scene:
    """A walker with a soft shadow, and translucent smoke that drifts over him."""
    size, count = (480, 270), 24
    rng = np.random.default_rng(seed)
    unit = 1.6
    man = walker(RUST, unit, 6, [(150.0 + 8.0 * (t // 2), 244.0) for t in range(count)], 2, "man")
    middle = (CANVAS_UNITS[0] * unit * 0.56, 112 * unit)
    man.drawings = [with_shadow(drawing, middle, (34 * unit, 7 * unit)) for drawing in man.drawings]
    H = [placed((SMOKE_PX[0] / 2, SMOKE_PX[1] / 2), (360.0 - 7.5 * t, 150.0 - 1.5 * t), 0.9 + 0.015 * t)
         for t in range(count)]
    smoke = Layer("smoke", draw_smoke(seed, 4), [(t // 3) % 4 for t in range(count)], np.array(H))
    return Scene("h13_smoke_shadow", "A man with a soft shadow on twos; a translucent cloud of smoke drifts over him, "
                 "its drawings on threes.", ["smoke", "semi-transparent", "soft shadow", "twos", "threes"], size,
                 [panned(flat_town((560, 270), 1.0, rng), count, (10, 0), (2.0, 0)), man, smoke], seed)


def closeup(seed: int = 14) -> Scene:
    """A big head whose hair swings, before a painting that zooms."""
    size, count = (640, 360), 20
    rng = np.random.default_rng(seed)
    unit = 2.0
    plate = painted_hills((720, 420), 420 / UNITS_HIGH, rng)
    camera = np.array([about(turn_scale(0, 1.0 * 1.012**t), (320, 180)) @ shift(-40, -30) for t in range(count)])
    drawings = [draw_head(unit, m, b, s) for m, b, s in ((0, 0, -1.0), (1, 0, -0.4), (2, 0, 0.3), (1, 0, 1.0),
                                                         (0, 1, 0.6), (0, 2, 0.0))]
    H = np.array([placed((150, 336), (300 + 2.0 * (t - t % 2), 388 - 0.5 * (t - t % 2)), 1.0, 0.25 * (t - t % 2))
                  for t in range(count)])
    head = Layer("head", drawings, [(0, 1, 2, 3, 2, 1, 0, 4, 5, 4)[t // 2] for t in range(count)], H)
    return Scene("h14_closeup", "Big head in close-up on twos: hair strands with gaps, eyes, mouth; slow zoom into a "
                 "painting.", ["close-up", "zoom", "hair with gaps", "twos", "painterly"], size,
                 [Layer("plate", [plate], [0] * count, camera), head], seed)
