"""Sprites that look alike keep who they are where they meet; who cannot be known is said to be unsure."""

import numpy as np
import torch

from toondecompose.engine.segment.cutouts import Piece, Sprite
from toondecompose.engine.segment.tracklets import track
from toondecompose.engine.segment.twins import fit_alike

H, W = 100, 200
BODY, BELLY, LINE = (40, 110, 220), (200, 220, 240), (20, 20, 40)


def _fish(pose: int) -> tuple[np.ndarray, np.ndarray]:
    """A fish that faces right: picture [h, w, 3] and where it is [h, w]. pose: of its tail, 0 or 1."""
    y, x = np.mgrid[:30, :56].astype(float)
    body = ((x - 34) / 21) ** 2 + ((y - 15) / 13) ** 2 < 1
    tail = (x < 16) & (abs(y - 15 - (6 if pose else -2)) < 12 - 0.7 * x)
    inner = ((x - 34) / 18) ** 2 + ((y - 15) / 10) ** 2 < 1
    picture = np.full((30, 56, 3), LINE, np.uint8)
    picture[inner | tail] = BODY
    picture[inner & (y > 18)] = BELLY
    picture[(abs(x - 46) < 2) & (abs(y - 10) < 2)] = (250, 250, 250)
    return picture, body | tail


def _scene(ways: list[list[tuple[int, int, bool]]]) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint8 [T, h, w, 3] and who is seen, int8 [T, h, w], -1 nobody. ways: per fish, back to front, (x, y,
    whether it faces left) in every frame."""
    count = len(ways[0])
    frames = np.empty((count, H, W, 3), np.uint8)
    frames[:] = (210, 230, 215)
    who = np.full((count, H, W), -1, np.int8)
    for k, way in enumerate(ways):
        for t, (x, y, left) in enumerate(way):
            picture, mask = _fish(t // 2 % 2)
            if left:
                picture, mask = picture[:, ::-1], mask[:, ::-1]
            x0, x1 = max(x, 0), min(x + 56, W)
            cut = slice(x0 - x, x1 - x)
            frames[t, y : y + 30, x0:x1][mask[:, cut]] = picture[:, cut][mask[:, cut]]
            who[t, y : y + 30, x0:x1][mask[:, cut]] = k
    return frames, who


def _tracked(ways) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frames, who = _scene(ways)
    mass = torch.zeros(2, *who.shape)
    _, sure = track(frames, who >= 0, np.full(who.shape, -1, np.int8), 0, 2, None, mass)
    owner = np.where(mass.amax(0).numpy() > 0.3, mass.argmax(0).numpy(), -1)
    return owner, who, sure


def test_two_alike_who_cross_and_touch_for_long_stay_who_they_are():
    owner, who, sure = _tracked([[(8 + 6 * t, 30, False) for t in range(24)],
                                 [(140 - 6 * t, 40, True) for t in range(24)]])
    mine = int(np.bincount(owner[0][who[0] == 0] + 1, minlength=3).argmax()) - 1
    for k, name in ((0, mine), (1, 1 - mine)):
        for t in range(24):
            told = owner[t][(who[t] == k) & (owner[t] >= 0)]
            assert len(told) == 0 or (told == name).mean() > 0.75, (k, t)
    assert sure.min() == 1


def test_two_alike_of_whom_one_overtakes_are_told_by_their_ways():
    owner, who, _ = _tracked([[(70 + 2 * t, 36, False) for t in range(26)],
                              [(2 + 7 * t, 44, False) for t in range(26)]])
    mine = int(np.bincount(owner[0][who[0] == 0] + 1, minlength=3).argmax()) - 1
    for t in (*range(5), *range(22, 26)):
        for k, name in ((0, mine), (1, 1 - mine)):
            assert (owner[t][who[t] == k] == name).mean() > 0.9


def test_who_may_have_turned_back_or_gone_on_is_unsure():
    turn = [min(t, 25 - t) for t in range(26)]
    _, _, sure = _tracked([[(22 + 6 * x, 36, t > 12) for t, x in enumerate(turn)],
                           [(140 - 2 * x, 38, t <= 12) for t, x in enumerate(turn)]])
    assert sure.max() < 1


def test_what_the_one_in_front_explains_is_not_there_for_the_one_behind():
    ways = [[(40, 30, False), (62, 30, False)], [(120, 36, False), (80, 36, False)]]
    frames, _ = _scene(ways)
    sprites = []
    for k, guess in enumerate(((66, 30), (74, 34))):
        (x, y, _), _ = ways[k]
        _, mask = _fish(0)
        p = Piece(0, (x, y, *mask.shape[::-1]), mask, int(mask.sum()), np.array([x + 28, y + 15]), np.ones(216) / 216)
        sprites.append(Sprite(p.colours, p.area, {0: p}, {0: p.centre, 1: np.array(guess) + [28, 15]}))
    for (_, (x, y, _)), found in zip(ways, fit_alike(frames, None, 1, sprites), strict=True):
        assert np.abs(found[2] - [x + 28, y + 15]).max() < 2
