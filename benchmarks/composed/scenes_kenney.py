"""Composed clips with figures by Kenney, which have flat paint and no lines, before paintings of other hands."""

from __future__ import annotations

import numpy as np
from drawn.layers import Scene, shift

from composed.art import Art, plate, registered
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
    swivel,
    truck,
    turned,
)


def pan_twos(art: Art) -> Scene:
    """A pan on ones after a walk on twos."""
    count = 24
    castle = plate(art.file("wesnoth-1.16-data", "story/landscape-castle.jpg"), 1300)
    girl = registered(art.files("arcade", "animated_characters/female_adventurer/femaleAdventurer_walk{}.png",
                                range(8)), 2)
    return Scene("b01_pan_twos", "Castle hill pan on ones after a girl walking on twos.", ["pan", "twos"], SIZE,
                 [painting("castle", castle, count, truck((-20, -330), (-7.4, 0.4), 0.8)),
                  actor("girl", girl, cycle(8, 2, count), lambda t: on_feet(girl[0], 210 + 6 * t, 338, 0.9), hold=2)],
                 0)


def zoom_tilt(art: Art) -> Scene:
    """A zoom that tilts and skews the painting; the robot before it only grows. One drawing comes twice a cycle."""
    count = 24
    peaks = plate(art.file("plasma-workspace-wallpapers", "SafeLanding/contents/images/1622x2880.jpg"), 1500)
    robot = registered(art.files("arcade", "animated_characters/robot/robot_{}.png", ("idle", "fall", "jump")), 2)
    waves = [(0, 1, 0, 2)[turn] for turn in cycle(4, 3, count)]

    def camera(t: float) -> np.ndarray:
        part = eased(t / (count - 1))
        skew = np.array([[1, -0.04 * part, 0], [0, 1, 0], [0, 0, 1]])
        return shift(*MIDDLE) @ turned(3.5 * part) @ skew @ scaled(0.6 + 0.18 * part) @ shift(-740, -470)

    def pose(t: float) -> np.ndarray:
        zoom = shift(*MIDDLE) @ scaled(1 + 0.15 * eased(t / (count - 1))) @ shift(-MIDDLE[0], -MIDDLE[1])
        return zoom @ on_feet(robot[0], 300 - 30 * t / (count - 1), 330, 0.95)

    return Scene("b04_zoom_tilt", "Zoom and tilt over painted peaks; a robot waves its arms on threes.",
                 ["zoom", "tilt"], SIZE,
                 [painting("peaks", peaks, count, camera), actor("robot", robot, waves, pose)], 0)


def perspective(art: Art) -> Scene:
    """A camera that turns on its stand, so that background and figure change perspective together."""
    count = 24
    valley = plate(art.file("wesnoth-1.16-data", "story/landscape-bridge_sun.jpg"), 1300)
    zombie = registered(art.files("arcade", "animated_characters/zombie/zombie_walk{}.png", range(8)), 2)

    def turn(t: float) -> np.ndarray:
        return swivel(6 - 12 * t / (count - 1))

    return Scene("b05_perspective", "Camera turns over a valley; a zombie walks on threes under it.",
                 ["perspective", "threes"], SIZE,
                 [painting("bridge", valley, count,
                           lambda t: turn(t) @ shift(320 - 0.72 * 650, 180 - 0.72 * 480) @ scaled(0.72)),
                  actor("zombie", zombie, cycle(8, 3, count),
                        lambda t: turn(t) @ on_feet(zombie[0], 420 - 7 * held(3, t), 345, 0.95))], 0)


def motion_blur(art: Art) -> Scene:
    """A flight that the shutter blurs, of one drawing. The turn happens outside the frame."""
    count = 32
    coast = plate(art.file("wesnoth-1.16-data", "story/landscape-coast.jpg"), 1280)
    bee = registered([art.file("arcade", "enemies/bee.png")], 1.6)

    def pose(t: float) -> np.ndarray:
        if t < 15.5:
            return centred(bee[0], 760 - 44 * t, 110 + 0.9 * (t - 8) ** 2, 0.95, -0.8 * (t - 8))
        return centred(bee[0], -120 + 40 * (t - 16), 210 - 0.6 * (t - 24) ** 2 + 4 * (t - 16), 0.75, 2 * (t - 24),
                       mirrored=True)

    return Scene("b11_motion_blur", "Bee swoops through twice, 40-44 px/frame, 180-degree shutter; static.",
                 ["motion blur"], SIZE,
                 [painting("coast", coast, count, truck((-60, -200), STILL, 0.7)),
                  actor("bee", bee, [0] * count, pose, shutter=0.5)], 0)
