"""Composed clips about cameras: pans, a zoom with a tilt, a swivel, planes of several depths."""

from __future__ import annotations

import numpy as np
from drawn.layers import Scene, shift

from composed.art import Art, plane, plate, registered, standing
from composed.stage import (
    MIDDLE,
    SIZE,
    actor,
    centred,
    cycle,
    eased,
    first_row,
    held,
    on_feet,
    painting,
    scaled,
    swivel,
    truck,
    turned,
)


def pan_threes(art: Art) -> Scene:
    """A pan on ones after a walk on threes."""
    count = 26
    cat = registered(art.files("raincat-data", "cat/cat-walk/cat-walk{}.png", range(1, 11)), 2)
    desert = plate(art.file("scratch", "Backgrounds/Nature/desert.gif"), 1240)
    return Scene("a01_pan_threes", "Desert pan on ones after a cat walking on threes.", ["pan", "threes", "walk"], SIZE,
                 [painting("desert", desert, count, truck((-10, -230), (-8.3, 0), 0.72)),
                  actor("cat_walk", cat, cycle(10, 3, count),
                        lambda t: on_feet(cat[0], 170 + 6.5 * t, 318 - 2 * (t % 6 > 2), 0.8), hold=3)], 0)


def zoom_tilt(art: Art) -> Scene:
    """A zoom that tilts and skews the room; the girl in it only grows."""
    count = 24
    room = plate(art.file("scratch", "Backgrounds/Indoors/room1.jpg"), 1150)
    girl = standing(art.files("scratch", "Costumes/People/girl2-{}.gif", ("standing", "shouting")), 2)

    def camera(t: float) -> np.ndarray:
        part = eased(t / (count - 1))
        skew = np.array([[1, 0.05 * part, 0], [0, 1, 0], [0, 0, 1]])
        return shift(*MIDDLE) @ turned(-4 * part) @ skew @ scaled(0.62 + 0.2 * part) @ shift(-575, -400)

    def pose(t: float) -> np.ndarray:
        zoom = shift(*MIDDLE) @ scaled(1 + 0.12 * eased(t / (count - 1))) @ shift(-MIDDLE[0], -MIDDLE[1])
        return zoom @ on_feet(girl[0], 330 + 40 * t / (count - 1), 345, 0.78)

    return Scene("a02_zoom_tilt", "Zoom and tilt in a library; a girl shouts, on fours.", ["zoom", "tilt", "affine"],
                 SIZE, [painting("room1", room, count, camera), actor("girl2", girl, cycle(2, 4, count), pose)], 0)


def perspective(art: Art) -> Scene:
    """A camera that turns on its stand, so that background and figure change perspective together."""
    count = 24
    street = plate(art.file("scratch", "Backgrounds/Outdoors/night-city-with-street.gif"), 1300)
    penguin = registered(art.files("supertux-data", "creatures/tux/big/walk-{}.png", range(8)), 3)

    def turn(t: float) -> np.ndarray:
        return swivel(-7 + 14 * t / (count - 1))

    return Scene("a03_perspective", "Camera turns on a street by night; penguin walks on twos under the same camera.",
                 ["perspective", "twos", "dark"], SIZE,
                 [painting("nightcity", street, count,
                           lambda t: turn(t) @ shift(320 - 0.68 * 650, 180 - 0.68 * 560) @ scaled(0.68)),
                  actor("tux", penguin, cycle(8, 2, count),
                        lambda t: turn(t) @ on_feet(penguin[0], 180 + 8.1 * held(2, t), 330, 0.8))], 0)


def parallax(art: Art) -> Scene:
    """Four depths under one shaking pan: the nearer, the faster and the more shaken."""
    count = 24
    sky = plate(art.file("warmux-data", "farm/sky_layer-0.jpg"), 1000)
    hills = plane(art.file("warmux-data", "farm/sky_layer-2.png"), 1500)
    grass = plane(art.file("warmux-data", "farm/sky_layer-3.png"), 2000)
    tree = registered(art.files("supertux-data", "creatures/mr_tree/walk-left-{}.png", range(1, 7)), 3)
    shake = np.random.default_rng(4).normal(0, 1.2, (count, 2))

    def shaken(t: float, nearness: float) -> np.ndarray:
        return shift(*(shake[int(t)] * nearness))

    sky_pan = truck((-20, -60), (-1.5, 0), 0.72)
    hill_pan = truck((-40, 130 - 0.8 * first_row(hills)), (-5, 0), 0.8)
    grass_pan = truck((-60, 255 - 0.9 * first_row(grass)), (-13, 0), 0.9)
    return Scene("a04_parallax", "Sky, hills, a walking tree on twos, grass in front; pan on ones with shake.",
                 ["parallax", "K=4", "twos"], SIZE,
                 [painting("sky", sky, count, lambda t: shaken(t, 0.3) @ sky_pan(t)),
                  painting("hills", hills, count, lambda t: shaken(t, 0.7) @ hill_pan(t)),
                  actor("mr_tree", tree, cycle(6, 2, count),
                        lambda t: shaken(t, 1.0) @ on_feet(tree[0], 470 - 9.9 * held(2, t), 320, 0.8)),
                  painting("front", grass, count, lambda t: shaken(t, 1.5) @ grass_pan(t))], 0)


def held_talk(art: Art) -> Scene:
    """A held figure of which only the mouth changes."""
    count = 24
    forest = plate(art.file("supertux-data", "background/BlueRock_Forest/blue-middle.jpg"), 1200)
    tree = registered(art.files("supertux-data", "creatures/ghosttree/ghosttree-swallow-{}.png", range(4)), 1)
    mouth = [drawing for drawing in (0, 1, 2, 0, 3, 0, 1, 2) for _ in range(3)]
    return Scene("a08_held_talk", "Held tree talks (mouth on threes), background slides slowly on twos.",
                 ["held", "mouth", "slow pan"], SIZE,
                 [actor("bluerock", [forest], [0] * count, truck((-40, -30), (-2.4, 0), 0.7), hold=2),
                  actor("ghosttree", tree, mouth, lambda t: on_feet(tree[0], 330, 372, 0.72))], 0)


def six_frames(art: Art) -> Scene:
    """As short as a shot gets."""
    count = 6
    woods = plate(art.file("scratch", "Backgrounds/Nature/woods-and-bench.jpg"), 1100)
    horse = standing(art.files("scratch", "Costumes/Animals/horse1-{}.png", "ab"), 2)
    return Scene("a13_six_frames", "Six frames: a horse on twos, pan on ones.", ["short", "pan", "twos"], SIZE,
                 [painting("woodsbench", woods, count, truck((-60, -150), (-9, 0), 0.75)),
                  actor("horse", horse, cycle(2, 2, count), lambda t: on_feet(horse[0], 300 + 8 * t, 320, 0.7),
                        hold=2)], 0)


def mirror_odd(art: Art) -> Scene:
    """A figure that turns back, mirrored, in frames of an odd size."""
    count = 25
    court = plate(art.file("scratch", "Backgrounds/Sports/basketball-court2.png"), 1150)
    lion = standing(art.files("scratch", "Costumes/Animals/lion1-{}.png", "ab"), 2)

    def pose(t: float) -> np.ndarray:
        if t < 12:
            return on_feet(lion[0], 610 - 24 * t, 325, 0.85)
        return on_feet(lion[0], 340 + 22 * (t - 12), 325, 0.85, mirrored=True)

    return Scene("a14_mirror_odd", "Lion walks in and turns back (mirrored), cut by the frame edge; pan follows; "
                 "637x359.", ["mirror", "edge", "odd size", "pan", "twos"], (637, 359),
                 [painting("court", court, count, truck((-90, -160), (4, 0), 0.75)),
                  actor("lion", lion, cycle(2, 2, count), pose, hold=2)], 0)


def pan_cross(art: Art) -> Scene:
    """Two who cross under a pan: one stands in the room, the other walks with the camera."""
    count = 28
    room = plate(art.file("scratch", "Backgrounds/Indoors/room3.jpg"), 1250)
    boy = standing(art.files("scratch", "Costumes/People/boy4-{}.gif", ("laughing", "shrugging")), 2)
    girl = standing(art.files("scratch", "Costumes/People/girl1-{}.gif", ("standing", "walking")), 2)
    return Scene("a15_pan_cross", "A girl walks past a boy on twos under a pan on ones.",
                 ["pan", "crossing", "twos", "threes"], SIZE,
                 [painting("room3", room, count, truck((-40, -250), (-6.3, 0), 0.72)),
                  actor("boy4", boy, cycle(2, 6, count), lambda t: on_feet(boy[0], 430 - 6.3 * t, 318, 0.72)),
                  actor("girl1", girl, cycle(2, 2, count), lambda t: on_feet(girl[0], 110 + 12 * t, 340, 0.75),
                        hold=2)], 0)


def poncho_owl(art: Art) -> Scene:
    """A figure that is translucent in one part, and a bird on ones, under a diagonal pan."""
    count = 24
    skyline = plate(art.file("supertux-data", "background/christmas/intro.jpg"), 1024)
    cat = registered(art.files("raincat-data", "cat/cat-poncho/cat-poncho{}.png", range(1, 11)), 2)
    owl = registered(art.files("supertux-data", "creatures/owl/left-{}.png", range(7)), 3)
    bird = actor("owl", owl, cycle(7, 2, count),
                 lambda t: centred(owl[0], 600 - 19 * t, 190 + 25 * np.sin(t / 3), 0.6))
    return Scene("a17_poncho_owl", "Cat in a translucent poncho on twos, owl flies across on ones; diagonal pan.",
                 ["pan", "translucent part", "crossing"], SIZE,
                 [painting("skyline", skyline, count, truck((-40, -200), (-3.1, 2.2), 0.8)),
                  actor("cat_poncho", cat, cycle(10, 2, count), lambda t: on_feet(cat[0], 200 + 7 * t, 300, 0.8),
                        hold=2), bird], 0)
