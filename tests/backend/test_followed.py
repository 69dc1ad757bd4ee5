"""Sprites whose rigid motion has lost them for a while, as where a drawing jumps farther than it can be followed."""

import numpy as np
from test_drawings import clip, drawing, groups

from toondecompose.engine.drawings.expose import expose
from toondecompose.engine.drawings.followed import unstrayed
from toondecompose.engine.drawings.patches import Patch
from toondecompose.engine.drawings.pixels import shift
from toondecompose.engine.types import LayerPath

STEPS = [0, 0, -30, 0, -25, 0, -12, 0, 3, 0, 3, 0]  # px per frame: a leap on twos
FOLLOWED = [0, 0, -14, 0, -12, 0, -12, 0, 3, 0, 3, 0]  # what the rigid motion made of it


def path_of(steps: list[int]) -> LayerPath:
    H = np.tile(np.eye(3), (len(steps), 1, 1))
    H[:, 0, 2] = np.cumsum(steps) - sum(steps)  # the last frame is the canvas
    return LayerPath(H, np.ones(len(steps), bool), len(steps) - 1, "translation", 1.0)


def test_a_drawing_that_leaps_farther_than_its_path_stays_one_drawing_and_is_placed_where_it_is():
    places = [(90 + x, 20) for x in np.cumsum(STEPS)]
    source, masks = clip([drawing(0)] * len(places), places)
    hidden = np.zeros_like(masks)
    hidden[:4, 112:] = 255  # something in front cuts its feet: its middle says nothing
    masks[hidden > 0] = 0
    sheet = expose(source, masks, 1.0, path=path_of(FOLLOWED), hidden=hidden)
    assert groups(sheet.drawing) == [0] * len(places)
    for t in range(1, len(places)):
        step = sheet.H[t] @ np.linalg.inv(sheet.H[t - 1])
        assert np.abs(step[:2, 2] - [STEPS[t], 0]).max() < 0.3


def test_the_motion_counts_where_most_exposures_of_a_drawing_lie_as_it_says():
    blank = np.ones((40, 40), np.uint8)
    use = [Patch(t, np.zeros(2), np.zeros((40, 40, 3), np.uint8), blank, blank, blank) for t in range(5)]
    known = [shift(10.0 * t, 0) for t in range(5)]
    chained = [shift(x, 0) for x in (0.0, 10.0, 20.0, 37.0, 41.0)]
    kept = unstrayed(known, [[0, 1, 2, 3, 4]], chained, use, 4.0)
    assert [m is not None for m in kept] == [True, True, True, False, True]
    assert all(m is not None for m in unstrayed(known, [[k] for k in range(5)], chained, use, 4.0))
