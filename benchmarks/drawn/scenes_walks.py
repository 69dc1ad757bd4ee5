"""Drawn clips about acting: mirrored reuse, two alike, who stands and leaves or comes and stops, a redraw per frame."""

from __future__ import annotations

import numpy as np

from drawn.layers import Layer, Scene, placed, shift
from drawn.people import Look, anchor, draw_person, walk_cycle
from drawn.plates import UNITS_HIGH, flat_town, painted_hills, pale_shore
from drawn.rooms import library

RUST = Look(skin=(242, 200, 170), hair_colour=(92, 60, 54), top=(206, 112, 70), legs=(122, 84, 66))


def still(plate: np.ndarray, count: int, name: str = "plate", at: tuple[float, float] = (0, 0)) -> Layer:
    """A plate that does not move; `at` is the plate's px that lies at the frame's corner."""
    return Layer(name, [plate], [0] * count, np.tile(shift(-at[0], -at[1]), (count, 1, 1)))


def panned(plate: np.ndarray, count: int, start: tuple[float, float], step: tuple[float, float],
           name: str = "plate") -> Layer:
    """A plate under a steady pan; start, step: plate px at the frame's corner in frame 0, and what each frame adds."""
    H = [shift(-start[0] - step[0] * t, -start[1] - step[1] * t) for t in range(count)]
    return Layer(name, [plate], [0] * count, np.array(H))


def mirror_walk(seed: int = 1) -> Scene:
    """Walks to the right, turns on the spot and comes back: the same drawings mirrored."""
    size, count = (480, 270), 32
    unit, drawings = 1.2, 6
    rng = np.random.default_rng(seed)
    look = Look(skin=(255, 220, 180), hair_colour=(60, 70, 110), top=(250, 248, 240), legs=(190, 70, 92),
                shoe=(70, 54, 70), ink=None, hair="spikes", shaded=False)
    H, exposure, x = [], [], 90.0
    for t in range(count):
        back = t >= count // 2
        held = t - t % 2
        if t > 0 and t == held and t != count // 2:
            x += -12.0 if back else 12.0
        H.append(placed(anchor(unit), (x, 228.0), mirrored=back))
        exposure.append((held // 2) % drawings)
    walker = Layer("walker", walk_cycle(look, unit, drawings), exposure, np.array(H))
    return Scene("h01_mirror_walk", "Lineless flat art, static camera: a boy walks right on twos, turns, and walks "
                 "back with the same six drawings mirrored.",
                 ["static camera", "mirrored drawings", "twos", "lineless"], size,
                 [still(flat_town(size, size[1] / UNITS_HIGH, rng), count), walker], seed)


def alike_cross(seed: int = 2) -> Scene:
    """Two people of like colours pass each other; no drawing is used twice."""
    size, count = (480, 270), 24
    rng = np.random.default_rng(seed)
    plate = library((640, 270), 1.0, rng)
    other = Look(skin=(236, 192, 160), hair_colour=(104, 66, 50), top=(194, 104, 74), legs=(110, 80, 70), hair="bun",
                 dress=(170, 92, 70))
    layers = [panned(plate, count, (20, 0), (2.5, 0))]
    cast = (other, 1.45, 330.0, -13.0, 236.0), (RUST, 1.6, 110.0, 13.5, 254.0)
    for k, (look, unit, x0, speed, ground) in enumerate(cast):
        drawings, H = [], []
        for t in range(count):
            held = t - t % 2
            if t == held:
                drawings.append(draw_person(look, unit, 0.9 * held / 2 + 0.23 * k + rng.uniform(-0.15, 0.15), 1.0,
                                            rng.uniform(0, 70), int(rng.integers(3)), bool(rng.uniform() < 0.15)))
            H.append(placed(anchor(unit), (x0 + speed * held / 2, ground), mirrored=speed < 0))
        layers.append(Layer(("woman", "man")[k], drawings, [t // 2 for t in range(count)], np.array(H)))
    return Scene("h02_alike_cross", "Two outlined people in like browns cross before busy shelves under a slow pan; "
                 "each drawing, on twos, is new.", ["crossing", "like colours", "twos", "no reuse", "busy line art"],
                 size, layers, seed)


def stand_then_walk(seed: int = 3) -> Scene:
    """Stands still for half the shot, then walks out of it."""
    size, count, leaves = (426, 240), 26, 12
    unit, drawings = 1.25, 6
    rng = np.random.default_rng(seed)
    look = Look(skin=(252, 230, 214), hair_colour=(226, 206, 170), top=(226, 232, 240), legs=(206, 214, 222),
                shoe=(196, 176, 160), ink=(150, 140, 150), line=0.6, hair="cap", pack=(232, 206, 200))
    standing = draw_person(look, unit, np.pi / 2, 0.0)
    exposure, H = [], []
    for t in range(count):
        step = max(0, (t - leaves) // 2 + 1) if t >= leaves else 0
        exposure.append(0 if step == 0 else 1 + (step - 1) % drawings)
        H.append(placed(anchor(unit), (190.0 + 13.0 * step, 214.0)))
    girl = Layer("walker", [standing, *walk_cycle(look, unit, drawings)], exposure, np.array(H))
    return Scene("h03_stand_then_walk", "Very pale beach, static camera: a child stands still for 12 frames, then "
                 "walks off on twos.", ["static camera", "stands still", "pale", "twos"], size,
                 [still(pale_shore(size, size[1] / UNITS_HIGH, rng), count), girl], seed)


def thin_tilt(seed: int = 4) -> Scene:
    """A thin-limbed figure waving before line art, redrawn on every frame, under a camera tilt."""
    size, count = (400, 300), 18
    unit = 1.9
    rng = np.random.default_rng(seed)
    plate = library((470, 420), 300 / UNITS_HIGH, rng)
    look = Look(skin=(248, 210, 180), hair_colour=(40, 36, 52), top=(80, 150, 140), legs=(52, 48, 70), line=0.6,
                limb=1.3, head=13.0, hair="strands", shaded=False)
    drawings, H = [], []
    for t in range(count):
        drawings.append(draw_person(look, unit, 0.45 * t, 0.9, 60 + 50 * np.sin(0.7 * t), t % 3, t in (7, 8)))
        H.append(placed(anchor(unit), (150.0 + 4.5 * t, 268.0 + 1.0 * t)))
    layers = [panned(plate, count, (30, 100), (0.7, -4.5)), Layer("dancer", drawings, list(range(count)), np.array(H))]
    return Scene("h04_thin_ones", "Camera tilts up a wall of books; a thin-limbed girl with loose hair is redrawn on "
                 "every frame.", ["tilt", "ones", "thin limbs", "hair with gaps", "busy line art"], size, layers, seed)


def stops_and_waves(seed: int = 19) -> Scene:
    """A boy walks in, stops and waves for the second half of the shot, while a girl keeps walking."""
    size, count, stops = (480, 270), 32, 16
    unit, drawings = 1.35, 6
    rng = np.random.default_rng(seed)
    look = Look(top=(240, 236, 224), shoe=(200, 60, 50))
    waving = [draw_person(look, unit, np.pi / 2, 0.0, wave, mouth) for wave, mouth in ((60, 0), (100, 1), (130, 2))]
    exposure, H = [], []
    for t in range(count):
        step = t // 2
        walks = t < stops
        exposure.append(step % drawings if walks else drawings + (0, 1, 2, 1)[step % 4])
        H.append(placed(anchor(unit), (40.0 + 14.0 * step if walks else 146.0, 232.0)))
    boy = Layer("boy", [*walk_cycle(look, unit, drawings), *waving], exposure, np.array(H))
    unit, drawings = 1.15, 8
    look = Look(skin=(244, 200, 170), hair_colour=(150, 70, 40), top=(70, 130, 150), legs=(70, 60, 60), hair="strands",
                dress=(210, 150, 60))
    H = [placed(anchor(unit), (440.0 - 12.0 * (t // 2), 216.0), mirrored=True) for t in range(count)]
    girl = Layer("girl", walk_cycle(look, unit, drawings), [t // 2 % drawings for t in range(count)], np.array(H))
    return Scene("h19_stops_and_waves", "Static camera before painted hills: a boy walks in, stops after 16 frames and "
                 "waves on the spot; a girl walks towards him; both on twos.",
                 ["static camera", "comes to a stop", "waves", "twos", "K=3"], size,
                 [still(painted_hills(size, size[1] / UNITS_HIGH, rng), count), girl, boy], seed)


def stands_then_leaves(seed: int = 20) -> Scene:
    """Stands on the ground of a panned town for half the shot, moving exactly as the town does, then walks off."""
    size, count, leaves = (480, 270), 30, 16
    unit, drawings, pan = 1.4, 6, 2.5
    rng = np.random.default_rng(seed)
    look = Look(skin=(236, 190, 150), hair_colour=(230, 190, 90), top=(60, 120, 90), legs=(90, 70, 60))
    exposure, H = [], []
    for t in range(count):
        step = (t - leaves) // 2 + 1 if t >= leaves else 0
        exposure.append(0 if step == 0 else 1 + (step - 1) % drawings)
        H.append(placed(anchor(unit), (250.0 - pan * t + 14.0 * step, 236.0)))
    standing = draw_person(look, unit, np.pi / 2, 0.0)
    man = Layer("man", [standing, *walk_cycle(look, unit, drawings)], exposure, np.array(H))
    return Scene("h20_stands_then_leaves", "Pan over a flat town: a man stands in it for 16 frames, moving with the "
                 "houses, then walks off on twos.", ["pan", "stands still", "moves with the background", "twos"], size,
                 [panned(flat_town((640, 270), 1.0, rng), count, (10, 0), (pan, 0)), man], seed)
