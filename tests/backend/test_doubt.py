"""What only changes in place is kept, and reported as doubtful; what moves against the background is not."""

import numpy as np
import pytest

from toondecompose.engine.doubt import DOUBTFUL, doubt_what_stays
from toondecompose.engine.types import LayerPath, Segmentation, SegmentedLayer

COUNT, HEIGHT, WIDTH = 12, 60, 100


def shot(places, pan=0.0):
    """A background that pans by `pan` px a frame, and a sprite at (x, y, width, height) of each frame, or None."""
    masks = np.zeros((COUNT, HEIGHT, WIDTH), np.uint8)
    for t, place in enumerate(places):
        if place is not None:
            x, y, w, h = place
            masks[t, y:y + h, x:x + w] = 255
    H = np.tile(np.eye(3), (COUNT, 1, 1))
    H[:, 0, 2] = -pan * np.arange(COUNT)
    path = LayerPath(H=H, ref=0, present=np.ones(COUNT, bool), model="translation", gain=1.0)
    return Segmentation([SegmentedLayer("background", "background", path, 255 - masks),
                         SegmentedLayer("sprite 1", "sprite", None, masks, 0.9)], 1.0, np.zeros_like(masks), [])


def test_a_mouth_that_opens_and_closes_is_doubtful_and_unresolved():
    opened = [None, (40, 30, 10, 4), (40, 30, 10, 8), (40, 30, 10, 4), None, None] * 2
    found = doubt_what_stays(shot(opened))
    assert found.layers[1].confidence == DOUBTFUL
    assert "sprite 1" in found.notes[0]
    np.testing.assert_array_equal(found.unresolved, found.layers[1].masks)
    np.testing.assert_array_equal(found.layers[1].masks, shot(opened).layers[1].masks)


@pytest.mark.parametrize("places, pan", [
    ([(10 + 5 * (t // 2), 20, 12, 30) for t in range(COUNT)], 0.0),  # walks on twos
    ([(10 + 9 * max(0, t - 8), 20, 12, 30) for t in range(COUNT)], 0.0),  # stands, then leaves
    ([(40, 20, 12, 30)] * COUNT, 1.0),  # stays on the screen while the background slides
    ([None] * 5 + [(40, 20, 12, 30)] + [None] * 6, 0.0),  # one frame tells nothing
])
def test_what_moves_against_the_background_is_not(places, pan):
    found = doubt_what_stays(shot(places, pan))
    assert found.layers[1].confidence == 0.9 and not found.notes and not found.unresolved.any()
