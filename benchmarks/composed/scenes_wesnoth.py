"""Composed clips before paintings of Battle for Wesnoth: with its small units enlarged, and with a penguin."""

from __future__ import annotations

from functools import partial

import numpy as np
from drawn.layers import Scene

from composed.art import (
    Art,
    in_team_colour,
    plate,
    read_picture,
    registered,
    standing,
    with_halo,
    with_shadow,
    without_shadow,
)
from composed.stage import SIZE, STILL, actor, centred, cycle, grain_and_jpeg, on_feet, painting, truck

WESNOTH = "wesnoth-1.16-data"
RED, BROWN = (200, 40, 40), (150, 90, 60)  # RGB, 0..255


def _unit(art: Art, pattern: str, count: int, colour: tuple[int, int, int] = RED) -> list[np.ndarray]:
    """Straight RGBA drawings 1..count of a unit in its team's colour, without the shadow that was painted with it."""
    drawings = [read_picture(path) for path in art.files(WESNOTH, pattern, range(1, count + 1))]
    return [in_team_colour(without_shadow(drawing), colour) for drawing in drawings]


def large_motion(art: Art) -> Scene:
    """A figure that moves by more than an eighth of the frame per frame."""
    count = 30
    plain = plate(art.file(WESNOTH, "story/landscape-plain.jpg"), 1300)
    horse = registered(_unit(art, "units/human-loyalists/horseman/horseman-se-run{}.png", 8), 3)

    def pose(t: float) -> np.ndarray:
        if t < 9.5:
            return centred(horse[0], -110 + 86 * t, 200, 0.85)
        if t < 19.5:
            return centred(horse[0], 760 - 84 * (t - 10), 240, 1.0, mirrored=True)
        return centred(horse[0], -150 + 90 * (t - 20), 180, 0.8)

    return Scene("b02_large_motion", "Horseman gallops through three times at 84-90 px/frame, drawings on ones.",
                 ["large motion"], SIZE,
                 [painting("plain", plain, count, truck((-100, -330), STILL, 0.72)),
                  actor("horseman", horse, cycle(8, 1, count), pose)], 0)


def ghosts_soft(art: Art) -> Scene:
    """Edges that are soft by nature, and a figure of the painting's colours that shows through another."""
    count = 26
    swamp = plate(art.file(WESNOTH, "story/swamp-02.jpg"), 1280)
    glider = _unit(art, "units/drakes/glider-fly-{}.png", 4)
    drake = [with_shadow(drawing) for drawing in standing(glider, 3, margin=14)]
    veiled = [in_team_colour(read_picture(path), RED)  # its veil is the ghost itself
              for path in art.files(WESNOTH, "units/undead/ghost-s-{}.png", range(1, 4))]
    ghost = [with_halo(drawing, opacity=0.6, glow=0.5) for drawing in standing(veiled, 3, margin=20)]
    return Scene("b07_ghosts_soft", "Translucent ghost with a halo over a drake coloured like the swamp; slow pan.",
                 ["soft edges", "translucent"], SIZE,
                 [painting("swamp", swamp, count, truck((-60, -200), (-2.4, 0), 0.68)),
                  actor("drake", drake, cycle(4, 3, count), lambda t: on_feet(drake[0], 380 - 2 * t, 330, 0.85),
                        hold=3),
                  actor("ghost", ghost, cycle(3, 4, count),
                        lambda t: centred(ghost[0], -90 + 33 * t, 165 + 18 * np.sin(t / 4), 0.9))], 0)


def held_talk_720p(art: Art) -> Scene:
    """A large held figure of which only the beak, and once the eyes, change."""
    mountains = plate(art.file(WESNOTH, "story/landscape-mountains-04.jpg"), 1700)
    penguin = registered(art.files("tuxmath-data", "tux/bigtux{}.png", range(7)), 3)
    talk = [drawing for drawing in (0, 3, 4, 5, 3, 0) for _ in range(3)] + [1, 2, 2, 0, 0, 0]
    return Scene("b08_held_talk_720p", "Held penguin talks (beak on threes, one blink), slow pan on twos, 1280x720.",
                 ["held", "720p"], (1280, 720),
                 [actor("mountains", [mountains], [0] * len(talk), truck((-90, -220), (-1.6, 0), 0.95), hold=2),
                  actor("bigtux", penguin, talk, lambda t: on_feet(penguin[0], 700, 735, 0.88))], 0)


def grain_jpeg(art: Art) -> Scene:
    """Dull before dull, on a copy with grain that was saved as a poor JPEG."""
    count, seed = 24, 10
    rocks = plate(art.file(WESNOTH, "story/landscape-mountains-03.jpg"), 1280)
    drake = registered(_unit(art, "units/drakes/burner-fly-{}.png", 5, BROWN), 3)
    return Scene("b10_grain_jpeg", "Brown drake before brown rocks, pan, grain and JPEG; twos.",
                 ["film look", "similar colours"], SIZE,
                 [painting("rocks", rocks, count, truck((-160, -260), (4.6, 0), 0.74)),
                  actor("drake", drake, cycle(5, 2, count),
                        lambda t: centred(drake[0], 430 - 6 * t, 190 + 8 * np.sin(t / 3), 1.0), hold=2)], seed,
                 film=("Grain of 5 levels, JPEG of quality 60.",
                       partial(grain_and_jpeg, seed=seed, grain=5.0, quality=60)))
