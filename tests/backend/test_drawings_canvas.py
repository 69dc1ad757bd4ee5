"""Placing an exposure on its drawing's mean: what a rich motion must not do."""

import numpy as np
import pytest

from toondecompose.engine.drawings.align import Points
from toondecompose.engine.drawings.canvas import keeps_size

SLID = np.array([[1.0, 0, 30], [0, 1, 40], [0, 0, 1]])


def points(size: float = 40.0) -> Points:
    xy = np.array([[0.0, 0.0], [size, 0.0], [size, size], [0.0, size]])
    return Points(xy, np.zeros((4, 3), np.float32), np.zeros((4, 3, 2), np.float32), np.ones(4, np.float32))


@pytest.mark.parametrize("change, kept", [
    (np.eye(3), True),
    (np.diag([1.1, 1.1, 1.0]), True),
    (np.array([[1, 0, 0], [0, 1, 0], [0.002, 0, 1]]), True),
    (np.diag([0.5, 0.5, 1.0]), False),  # squeezed together
    (np.diag([-1.0, 1.0, 1.0]), False),  # seen from behind
    (np.array([[1, 0, 0], [0, 1, 0], [0.05, 0, 1]]), False),  # one end three times as far off as the other
    (np.array([[1, 0, 0], [0, 1, 0], [-0.05, 0, 1]]), False),  # through the horizon
    (np.full((3, 3), np.nan), False),
])
def test_a_placement_that_squeezes_mirrors_or_tilts_a_drawing_out_of_sight_is_not_taken(change, kept):
    assert keeps_size(points(), SLID, SLID @ change) is kept


def test_a_mirrored_exposure_stays_mirrored():
    mirrored = SLID @ np.diag([-1.0, 1.0, 1.0])
    assert keeps_size(points(), mirrored, mirrored @ np.diag([1.05, 1.0, 1.0]))
