"""Drawings that let what is behind them shine through everywhere alike."""

import cv2
import numpy as np
import pytest
from test_matte import SIZE, Shot, disc, moved, painted, placed

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.matte.solve import solve
from toondecompose.engine.matte.throughout import Told, shines_through


def told(share, asked=400, deep=1000):
    return Told(np.asarray(share, float), np.full(len(share), 100.0), asked, deep)


@pytest.mark.parametrize("opacity", [0.8, 1.0])
def test_a_cloud_before_a_plain_sky_is_as_translucent_as_before_the_hills(opacity):
    plate = np.full((80, 150, 3), (150, 190, 230), np.uint8)
    plate[52:] = painted(150, 28, seed=3, mean=100.0)
    shot = Shot(10, cv2.GaussianBlur(plate, (0, 0), 0.6), 0)
    path = [(5 * t, 0) for t in range(10)]
    shot.add(*disc(SIZE, (40, 40), 22, (250, 250, 245)), path, opacity=[opacity] * 10)
    source = source_from_array(list(shot.frames.round().clip(0, 255).astype(np.uint8)))
    cloud = solve(source, shot.layers, scale=1.0, rounds=1).layers[1]
    before_sky = moved(disc(SIZE, (40, 32), 12, (0, 0, 0))[1], path[4]) > 0.5
    assert np.abs(placed(cloud, 4)[0] - opacity)[before_sky].max() < 0.05


def test_parts_of_a_drawing_tell_together_which_share_shines_through_it():
    assert abs(shines_through([told([0.2] * 40, 200), told([0.22] * 90, 200)]) - 0.22) < 0.021


def test_what_is_opaque_or_translucent_in_part_or_tells_for_itself_is_left_alone():
    assert shines_through([]) == 0
    assert shines_through([told([0.01] * 200)]) == 0
    assert shines_through([told([0.2] * 100 + [0.6] * 100)]) == 0
    assert shines_through([told([0.0] * 40 + [0.3] * 160)]) == 0
    assert shines_through([told([0.3] * 30, 100)]) == 0
    assert shines_through([told([0.3] * 900, 1000)]) == 0
