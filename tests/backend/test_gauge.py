"""Where a sprite's drawings lie on one canvas: its pose path is simple, whatever the camera does."""

import numpy as np
import pytest

from toondecompose.engine.drawings.gauge import Transition, choose_gauge
from toondecompose.engine.drawings.pixels import shift


@pytest.mark.parametrize("posed", [True, False])
def test_a_walk_on_twos_goes_on_under_a_camera_that_shakes(posed):
    """Posed: the figure steps 28 px with every drawing. Otherwise it slides on by 14 px a frame and nothing shakes."""
    rng = np.random.default_rng(1)
    frames = np.arange(20)
    true = (28.0 * (frames // 2) if posed else 14.0 * frames)[:, None] * [1, 0] + (rng.normal(0, 4, (20, 2)) * posed)
    drawing = frames // 2
    own = rng.normal(0, 15, (10, 2))  # where the anchor lies in every drawing's own canvas
    H = np.stack([shift(*(true[t] - own[drawing[t]])) for t in frames])
    turns = [Transition(t, t + 1, shift(*(true[t + 1] - true[t] + rng.normal(0, 2, 2))), 0.5) for t in range(1, 19, 2)]
    gauge = choose_gauge(drawing, H, own + rng.normal(0, 5, (10, 2)), turns, False)
    path = np.stack([(H[t] @ gauge[drawing[t]])[:2, 2] for t in frames])
    off = np.linalg.norm(np.diff(path - true, axis=0), axis=1)
    assert off.max() < 14 and np.median(off[1::2]) < 5  # half a step would be too much
