"""Composed clips of what shots of a series show: walks, talk, overlays, camera moves, figures that the frame cuts."""

from __future__ import annotations

import numpy as np
from drawn.layers import Scene, shift

from composed.art import Art, plane, plate, registered
from composed.stage import (
    MIDDLE,
    SIZE,
    STILL,
    actor,
    centred,
    cycle,
    eased,
    held,
    on_feet,
    painting,
    scaled,
    truck,
)

STEPS = 0, 1, 2, 3, 4, 5, 2  # of the woman's walk: the package's seventh drawing is its third, moved by less than a px
VILLAGE = "StorySceneImages/Intro_Kiripan_Village.png"


def _walk(art: Art, who: str, count: int, scale: float) -> list[np.ndarray]:
    """Drawings 1..count of a cave dweller who walks to the right."""
    return registered(art.cells([f"npc-{who}-walk-right-middle-{i:02d}" for i in range(1, count + 1)]), scale)


def _girl(art: Art, name: str, moods: tuple[str, ...], scale: float) -> list[np.ndarray]:
    return registered(art.files("renpy-demo", f"{name} {{}}.png", moods), scale)


def bobbing_walk(art: Art) -> Scene:
    """A walk on twos that rises and falls with every step."""
    count = 24
    village = plate(art.file("ardentryst", VILLAGE), 1150)
    woman = _walk(art, "woman", 6, 2.6)
    return Scene("c01_bobbing_walk", "A woman walks on twos, bobbing 7 px, under a pan over a village.",
                 ["walk", "bob", "pan", "twos"], SIZE,
                 [painting("village", village, count, truck((-30, -190), (-8.2, 0), 0.9)),
                  actor("woman", woman, [STEPS[i] for i in cycle(7, 2, count)],
                        lambda t: on_feet(woman[0], 230 + 4 * t, 335 - 7 * abs(np.sin(0.45 * t)), 0.85), hold=2)], 0)


def sliding_talk(art: Art) -> Scene:
    """One who is slid through the frame while mouth and eyes change; the frame's lower edge cuts the figure."""
    count = 24
    beach = plate(art.file("ardentryst", "StorySceneImages/Intro_Kiripan_Beach.png"), 900)
    girl = _girl(art, "eileen", ("happy", "vhappy", "concerned"), 0.75)
    moods = [mood for mood in (0, 1, 0, 1, 2, 2, 1, 0) for _ in range(3)]
    return Scene("c02_sliding_talk", "A girl slides sideways and talks, cut by the lower edge; static.",
                 ["mouth", "edge", "static"], SIZE,
                 [painting("beach", beach, count, truck((-90, -100), STILL, 0.85)),
                  actor("girl", girl, moods, lambda t: centred(girl[0], 160 + 11 * t, 290, 0.95))], 0)


def two_walk_in(art: Art) -> Scene:
    """Two who walk in at one pace, side by side, until one of them stops."""
    count, stop = 26, 14
    hills = plate(art.file("hedgewars-data", "Hoggywood/Sky.png"), 1024)
    grandpa, man = _walk(art, "grandpa", 7, 2.6), _walk(art, "man", 7, 2.6)
    halted = cycle(7, 2, stop) + [6] * (count - stop)
    return Scene("c03_two_walk_in", "Two men walk in side by side on twos; one stops; static.",
                 ["two alike", "static", "twos"], SIZE,
                 [painting("hills", hills, count, truck((-120, -60), STILL, 0.85)),
                  actor("grandpa", grandpa, cycle(7, 2, count), lambda t: on_feet(grandpa[0], 100 + 14 * t, 325, 0.85),
                        hold=2),
                  actor("man", man, halted, lambda t: on_feet(man[0], -20 + 14 * min(t, stop), 335, 0.85), hold=2)], 0)


def turns_back(art: Art) -> Scene:
    """One who comes in, turns round (mirrored) and leaves again."""
    count = 26
    houses = plate(art.file("hedgewars-data", "Compost/Sky.png"), 1024)
    mammoth = registered(art.cells([f"ui-npc-mammut-middle-{i:02d}" for i in range(1, 6)]), 0.45)

    def pose(t: float) -> np.ndarray:
        if t < 12:
            return on_feet(mammoth[0], -70 + 30 * t, 345, 0.9)
        return on_feet(mammoth[0], 278 - 29 * (t - 12), 345, 0.9, mirrored=True)

    return Scene("c04_turns_back", "A mammoth walks in on twos, turns round and leaves; static.",
                 ["mirror", "enter/leave", "twos", "static"], SIZE,
                 [painting("houses", houses, count, truck((-150, -100), STILL, 0.9)),
                  actor("mammoth", mammoth, cycle(5, 2, count), pose, hold=2)], 0)


def behind_fence(art: Art) -> Scene:
    """Planes that slide at rates of their own, one of them in front of the figure."""
    count = 24
    sky = plate(art.file("hedgewars-data", "Nature/Sky.png"), 1150)
    fence = plane(art.file("hedgewars-data", "Compost/horizont.png"), 1500)
    woman = _walk(art, "woman", 6, 2.4)
    return Scene("c05_behind_fence", "A woman walks on twos behind a fence that slides past in front; pan.",
                 ["overlay", "parallax", "twos"], SIZE,
                 [painting("wood", sky, count, truck((-40, -120), (-3, 0), 0.85)),
                  actor("woman", woman, [STEPS[i] for i in cycle(7, 2, count)],
                        lambda t: on_feet(woman[0], 130 + 15 * t, 335, 0.95), hold=2),
                  painting("fence", fence, count, truck((-20, 20), (-7, 0), 0.6))], 0)


def truck_in(art: Art) -> Scene:
    """The camera goes nearer while the figure acts: both poses, and what they hide, grow."""
    count = 24
    stage = plate(art.file("frozen-bubble-data", "menu/back_start.png"), 900)
    girl = _girl(art, "lucy", ("happy", "mad"), 0.6)
    poses = [0] * 8 + [1] * 7 + [0] * 9

    def camera(t: float) -> np.ndarray:
        return shift(*MIDDLE) @ scaled(1 + 0.35 * eased(t / (count - 1))) @ shift(-MIDDLE[0], -MIDDLE[1])

    return Scene("c06_truck_in", "The camera trucks in on a girl with long hair who changes her pose twice.",
                 ["zoom", "edge", "hair"], SIZE,
                 [painting("posters", stage, count, lambda t: camera(t) @ shift(-70, -150) @ scaled(0.9)),
                  actor("girl", girl, poses, lambda t: camera(t) @ on_feet(girl[0], 330, 400, 0.8))], 0)


def shaken_camera(art: Art) -> Scene:
    """A camera that is shaken; on top of it a slow pan and a walk."""
    count = 22
    village = plate(art.file("ardentryst", "StorySceneImages/Kiripan_dark.png"), 1000)
    mammoth = registered(art.cells([f"npc-mammut-walk-DIR-middle-{i:02d}" for i in range(1, 6)]), 1.6)
    jolts = np.random.default_rng(7).normal(0, 4.5, (count, 2))

    def shaken(t: float) -> np.ndarray:
        return shift(*jolts[int(t)])

    return Scene("c07_shaken_camera", "Night: the steps of a mammoth (threes) shake the camera by some 5 px; pan.",
                 ["shake", "dark", "threes"], SIZE,
                 [painting("village", village, count, lambda t: shaken(t) @ truck((-40, -140), (-4, 0), 0.85)(t)),
                  actor("mammoth", mammoth, cycle(5, 3, count),
                        lambda t: shaken(t) @ on_feet(mammoth[0], 200 + 8 * held(3, t), 320, 0.9))], 0)


def fine_hair(art: Art) -> Scene:
    """Fine tips of hair and a cape before a busy painting, on a figure that leans."""
    count = 24
    forest = plate(art.file("ardentryst", "Background_Forest_Backing.png"), 1000)
    nyx = registered([art.file("ardentryst", "Portrait_Nyx.png")], 0.75)
    return Scene("c08_fine_hair", "A woman in a cape leans to and fro on twos before a forest; slow pan.",
                 ["hair", "turning", "similar colours"], SIZE,
                 [painting("forest", forest, count, truck((-60, -120), (-2.5, 0), 0.8)),
                  actor("nyx", nyx, [0] * count,
                        lambda t: centred(nyx[0], 300 + 3 * t, 180, 0.95, 5 * np.sin(t / 4)), hold=2)], 0)


def spiny_fish(art: Art) -> Scene:
    """Drawings of which only a small part differs, with H.264's noise."""
    count = 22
    snow = plate(art.file("ardentryst", "Altar_Snodom.png"), 950)
    fish = registered(art.cells([f"npc-fish-swimming-DIR-front-{i:02d}" for i in (1, 4, 7, 10, 13, 16, 22)]), 1.6)
    bites = [(0, 1, 2, 3, 4, 5, 4, 6)[i] for i in cycle(8, 2, count)]
    return Scene("c09_spiny_fish_h264", "A spiny fish glides by, fins and eye on twos; pan; H.264.",
                 ["h264", "fine tips", "small differences"], SIZE,
                 [painting("snow", snow, count, truck((-30, -160), (-3.3, 0.5), 0.85)),
                  actor("fish", fish, bites,
                        lambda t: centred(fish[0], 150 + 12 * t, 190 + 20 * np.sin(t / 5), 0.95))], 0, crf=22)


def cut_by_edge(art: Art) -> Scene:
    """A figure of which the frame's edges show but a part throughout."""
    count = 24
    wood = plate(art.file("ardentryst", "Altar_Entarya.png"), 900)
    penguin = registered(art.files("frozen-bubble-data", "pinguins/win_p1_{:04d}.png", range(1, 61, 10)), 4)
    return Scene("c10_cut_by_edge", "A penguin flaps on fours, cut by the left and lower edge throughout; slow pan.",
                 ["edge", "fours", "pan"], SIZE,
                 [painting("altar", wood, count, truck((-40, -180), (-2.2, 0), 0.85)),
                  actor("penguin", penguin, cycle(6, 4, count),
                        lambda t: on_feet(penguin[0], 120 + 1.5 * t, 390, 1.1))], 0)


def pale_ogre(art: Art) -> Scene:
    """White before white."""
    count = 24
    floes = plate(art.file("ardentryst", "Background_Snow_Backing.png"), 950)
    ogre = registered(art.files("ardentryst", "MonsterFrames/snowogre/walk{}.png", range(1, 7)), 3)
    return Scene("c11_pale_ogre", "A white ogre walks on twos before snowy mountains; pan.",
                 ["low contrast", "pan", "twos"], SIZE,
                 [painting("floes", floes, count, truck((-20, -110), (-5.1, 0), 0.9)),
                  actor("ogre", ogre, cycle(6, 2, count), lambda t: on_feet(ogre[0], 180 + 8 * t, 340, 0.95), hold=2)],
                 0)


def passer_by(art: Art) -> Scene:
    """One talks, another passes in front of her; both are cut by the frame's lower edge; H.264."""
    count = 24
    village = plate(art.file("ardentryst", VILLAGE), 1150)
    talker = _girl(art, "eileen", ("happy", "vhappy", "concerned"), 0.6)
    passer = _girl(art, "lucy", ("happy",), 0.6)
    moods = [mood for mood in (0, 1, 0, 1, 2, 1, 0, 0) for _ in range(3)]
    return Scene("c12_passer_by", "A girl talks, another goes past in front of her; slow pan; H.264.",
                 ["mouth", "crossing", "h264", "edge"], SIZE,
                 [painting("village", village, count, truck((-130, -180), (-2.6, 0), 0.85)),
                  actor("talker", talker, moods, lambda t: centred(talker[0], 400, 290, 0.95)),
                  actor("passer", passer, [0] * count,
                        lambda t: centred(passer[0], -60 + 33 * held(2, t), 300 + 4 * np.sin(0.8 * held(2, t)), 1.0))],
                 0, crf=21)
