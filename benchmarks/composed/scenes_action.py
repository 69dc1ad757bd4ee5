"""Composed clips about what happens before the camera: fast motion, crossings, soft edges, turning, film."""

from __future__ import annotations

from functools import partial

import numpy as np
from drawn.layers import Scene

from composed.art import Art, plate, registered, standing, with_halo, with_shadow
from composed.stage import SIZE, STILL, actor, centred, cycle, grain_and_jpeg, on_feet, painting, truck


def fast_skate(art: Art) -> Scene:
    """A figure that moves by more than a tenth of the frame per frame."""
    count = 28
    room = plate(art.file("scratch", "Backgrounds/Indoors/room2.jpg"), 1000)
    cat = registered(art.files("raincat-data", "cat/cat-skateboard/cat-skateboard{}.png", range(1, 5)), 2)

    def pose(t: float) -> np.ndarray:
        if t < 13.5:
            return on_feet(cat[0], -160 + 78 * t, 300, 0.95)
        return on_feet(cat[0], 820 - 64 * (t - 14), 210, 0.8, mirrored=True)

    return Scene("a05_fast_skate", "Cat skates through at 78 px/frame, and back mirrored at 64.",
                 ["large motion", "enter/leave", "mirror"], SIZE,
                 [painting("room2", room, count, truck((-30, -90), STILL, 0.72)),
                  actor("cat_skate", cat, cycle(4, 2, count), pose)], 0)


def sharks_cross(art: Art) -> Scene:
    """Two of the same drawings cross, with phases of their own."""
    count = 30
    water = plate(art.file("scratch", "Backgrounds/Nature/underwater.gif"), 960)
    shark = standing(art.files("scratch", "Costumes/Animals/shark1-{}.png", "abc"), 2)
    octopus = standing(art.files("scratch", "Costumes/Animals/octopus1-{}.png", "ab"), 2)
    bite = [2, 2, 1, 1, 0, 0]
    first, second = ([bite[(t // 2 + phase) % 6] for t in range(count)] for phase in (2, 0))
    return Scene("a06_sharks_cross", "Two sharks alike (one mirrored) cross before an octopus; static camera.",
                 ["crossing", "alike", "static"], SIZE,
                 [painting("underwater", water, count, truck((-40, -160), STILL, 0.75)),
                  actor("octopus", octopus, cycle(2, 5, count),
                        lambda t: centred(octopus[0], 300 + 3 * t, 200 - 2 * t, 0.8), hold=5),
                  actor("shark_b", shark, second, lambda t: centred(shark[0], 120 + 14 * t, 170, 0.75), hold=2),
                  actor("shark_a", shark, first, lambda t: centred(shark[0], 560 - 15 * t, 235 + 10 * np.sin(t / 4),
                                                                   0.75, mirrored=True))], 0)


def ghost_shadow(art: Art) -> Scene:
    """Edges that are soft by nature: a ghost that glows, a shadow on the ground."""
    count = 26
    forest = plate(art.file("supertux-data", "background/ghostforest/ghostforest.jpg"), 1000)
    ghost = [with_halo(drawing, opacity=0.62, glow=0.5)
             for drawing in standing([art.file("scratch", "Costumes/Fantasy/ghost1.png")], 2, margin=20)]
    walk = art.files("supertux-data", "creatures/nolok/walk-{}.png", range(4))
    monster = [with_shadow(drawing) for drawing in standing(walk, 3, margin=12)]
    return Scene("a07_ghost_shadow", "Translucent ghost with a halo drifts over a green monster with a soft shadow; "
                 "slow pan.", ["soft edges", "translucent"], SIZE,
                 [painting("ghostforest", forest, count, truck((-20, -80), (-3, 0), 0.8)),
                  actor("nolok", monster, cycle(4, 3, count), lambda t: on_feet(monster[0], 250 + 3 * t, 335, 0.68),
                        hold=3),
                  actor("ghost", ghost, [0] * count, lambda t: centred(ghost[0], 60 + 19 * t, 150 + 22 * np.sin(t / 5),
                                                                       0.8, 4 * np.sin(t / 6)))], 0)


def bat_blur(art: Art) -> Scene:
    """A bird's flight that the shutter blurs. The turn happens outside the frame."""
    count = 28
    night = plate(art.file("warmux-data", "battlenight/battlenight-bg.jpg"), 900)
    bat = registered(art.files("scratch", "Costumes/Animals/bat1-{}.png", "ab"), 1.3)

    def pose(t: float) -> np.ndarray:
        if t < 14.5:
            return centred(bat[0], -140 + 38 * t, 120 + 0.45 * (t - 9) ** 2, 0.7, t - 8)
        return centred(bat[0], 780 - 33 * (t - 15), 230 - 0.5 * (t - 21) ** 2, 0.6, mirrored=True)

    return Scene("a09_bat_blur", "Bat swoops twice with 180-degree shutter blur over a night sky; static.",
                 ["motion blur", "enter/leave", "static"], SIZE,
                 [painting("battlenight", night, count, truck((-20, -20), STILL, 0.78)),
                  actor("bat", bat, cycle(2, 2, count), pose, shutter=0.5)], 0)


def worn_copy(art: Art) -> Scene:
    """Pale before pale, on a copy with grain that was saved as JPEG."""
    count, seed = 24, 10
    snow = plate(art.file("supertux-data", "background/antarctic/semi_arctic.jpg"), 1200)
    snowman = registered(art.files("supertux-data", "creatures/snowman/smwalk{}.png", range(1, 9)), 3)
    return Scene("a10_grain_jpeg", "Pale snowman before snow mountains, pan on ones, walk on twos; grain and JPEG.",
                 ["film look", "similar colours", "twos"], SIZE,
                 [painting("snowmountains", snow, count, truck((-180, -150), (5.2, 0), 0.75)),
                  actor("snowman", snowman, cycle(8, 2, count), lambda t: on_feet(snowman[0], 420 - 5 * t, 325, 0.8),
                        hold=2)], seed,
                 film=("Grain of 4 levels, JPEG of quality 85.", partial(grain_and_jpeg, seed=seed)))


def dance_h264(art: Art) -> Scene:
    """A dancer on fours before whom nobody stops, compressed as a video on the web is."""
    count = 28
    party = plate(art.file("scratch", "Backgrounds/Indoors/party-room.jpg"), 960)
    dancer = standing(art.files("scratch", "Costumes/People/breakdancer-{}.gif", range(1, 5)), 2)
    girl = standing(art.files("scratch", "Costumes/People/girl3-{}.gif", ("standing", "running")), 2)
    steps = [drawing for drawing in (0, 1, 2, 3, 2, 1, 0) for _ in range(4)]
    return Scene("a11_dance_h264", "Break dancer on fours, a girl runs past behind on twos; static; h264.",
                 ["crossing", "static", "h264"], SIZE,
                 [painting("party", party, count, truck((-30, -140), STILL, 0.75)),
                  actor("girl3", girl, [int(4 <= t < 24) for t in range(count)],
                        lambda t: on_feet(girl[0], 90 + 17 * np.clip(t, 4, 24), 300, 0.75), hold=2),
                  actor("breakdancer", dancer, steps, lambda t: on_feet(dancer[0], 330, 330, 0.7))], 0, crf=20)


def spin_room(art: Art) -> Scene:
    """A figure that turns over and grows on ones while its drawings change on fives."""
    count = 30
    bedroom = plate(art.file("scratch", "Backgrounds/Indoors/bedroom2.gif"), 1000)
    starfish = standing(art.files("scratch", "Costumes/Animals/starfish1-{}.png", "ab"), 2)
    return Scene("a12_spin_room", "A starfish tumbles towards the camera through a room, drawings on fives; camera "
                 "drifts.", ["rotation", "scale"], SIZE,
                 [painting("bedroom2", bedroom, count, truck((-30, -120), (-2, 1), 0.8)),
                  actor("starfish", starfish, cycle(2, 5, count),
                        lambda t: centred(starfish[0], 130 + 13 * t, 110 + 4 * t + 30 * np.sin(t / 5), 0.35 + 0.02 * t,
                                          13 * t))], 0)


def edge_static(art: Art) -> Scene:
    """A figure larger than the frame."""
    count = 20
    school = plate(art.file("scratch", "Backgrounds/Outdoors/school2.jpg"), 1000)
    elephant = standing(art.files("scratch", "Costumes/Animals/elephant1-{}.png", "ab"), 3)
    return Scene("a16_edge_static", "A large elephant, cut by the edges, sways; static camera.",
                 ["edge", "static", "large"], SIZE,
                 [painting("school2", school, count, truck((-40, -80), STILL, 0.75)),
                  actor("elephant", elephant, cycle(2, 4, count),
                        lambda t: on_feet(elephant[0], 430 + 26 * np.sin(t / 4), 420, 0.8), hold=2)], 0)
