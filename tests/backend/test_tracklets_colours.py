"""A sprite that touches others in every frame is told by colours that a like piece lacks."""

import numpy as np
import torch

from toondecompose.engine.segment.tracklets import track

H, W, COUNT = 90, 160, 12
BLUE, GREEN = (30, 90, 220), (60, 200, 90)


def test_who_always_touches_one_of_two_alike_is_a_sprite_of_its_own():
    frames = np.full((COUNT, H, W, 3), 200, np.uint8)
    truth = np.zeros((3, COUNT, H, W), bool)
    for t in range(COUNT):
        for k, (y, x, width, colour) in enumerate(((20, 10 + 2 * t, 30, BLUE), (20, 40 + 2 * t, 22, GREEN),
                                                   (60, 120 - 3 * t, 30, BLUE))):
            truth[k, t, y : y + 22, x : x + width] = True
            frames[t, y : y + 22, x : x + width] = colour
    mass = torch.zeros(3, COUNT, H, W)
    track(frames, truth.any(0), np.full((COUNT, H, W), -1, np.int8), 0, 3, None, mass)
    owner = mass.argmax(0).numpy()
    for k in range(3):
        mine = np.bincount(owner[truth[k]], minlength=3)
        assert mine.max() > 0.9 * mine.sum()
    assert len({int(np.bincount(owner[truth[k]], minlength=3).argmax()) for k in range(3)}) == 3
