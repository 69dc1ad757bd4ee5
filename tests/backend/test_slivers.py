"""Sprites are shown from the first frame on which anything of them enters the picture to the last."""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.slivers import continue_runs
from toondecompose.engine.types import SolvedLayer, as_drawings

W, H, SIZE = 160, 90, 40


def drawing(phase: int) -> np.ndarray:
    """A disc with a stripe, straight RGBA [SIZE, SIZE, 4]."""
    out = np.zeros((SIZE, SIZE, 4), np.uint8)
    cv2.circle(out, (SIZE // 2, SIZE // 2), 17, (200, 90, 60, 255), -1, cv2.LINE_AA)
    cv2.line(out, (8, 12 + 8 * phase), (30, 12 + 8 * phase), (30, 30, 30, 255), 3)
    out[..., :3][out[..., 3] == 0] = (200, 90, 60)
    return out


def shot(positions, exposure, known):
    """Frames of a sprite at x positions over a painted plate, and its layers with the frames of `known` exposed."""
    rng = np.random.default_rng(4)
    plate = cv2.resize(rng.integers(60, 200, (9, 16, 3), np.uint8), (W, H), interpolation=cv2.INTER_CUBIC)
    drawings, frames = [drawing(0), drawing(1)], []
    transforms = np.tile(np.eye(3), (len(positions), 1, 1))
    for t, x in enumerate(positions):
        transforms[t, :2, 2] = x, 25
        frame = plate.astype(np.float32).copy()
        picture = drawings[exposure[t]].astype(np.float32)
        for column in range(SIZE):
            if 0 <= x + column < W:
                alpha = picture[:, column, 3:] / 255
                here = frame[25 : 25 + SIZE, x + column]
                here += alpha * (picture[:, column, :3] - here)
        frames.append(frame.round().astype(np.uint8))
    shown = np.where(known, exposure, -1)
    transforms[~np.array(known)] = np.eye(3)
    whole = np.dstack([plate, np.full((H, W), 255, np.uint8)])
    still = np.tile(np.eye(3), (len(positions), 1, 1))
    count = len(positions)
    layers = [SolvedLayer("background", "background", as_drawings([whole]), np.zeros(count, int), still, np.ones(count),
                          "translation", 1.0),
              SolvedLayer("sprite", "sprite", as_drawings(drawings), shown, transforms, np.ones(count), "translation",
                          1.0)]
    return source_from_array(frames), layers


def test_the_sliver_of_a_sprite_that_enters_is_shown_where_its_way_puts_it():
    source, layers = shot([-35, -21, -7, 7, 21], [1, 0, 0, 1, 1], [False, True, True, True, True])
    assert continue_runs(source, layers) == 1
    assert layers[1].exposure[0] >= 0
    assert np.abs(layers[1].H[0, :2, 2] - (-35, 25)).max() <= 3


def test_the_sliver_of_a_sprite_that_leaves_is_shown():
    source, layers = shot([90, 105, 120, 135, 150], [0, 0, 1, 1, 0], [True, True, True, True, False])
    assert continue_runs(source, layers) == 1
    assert layers[1].exposure[4] >= 0


def test_a_sliver_that_looks_nearly_alike_in_two_drawings_is_of_the_one_whose_turn_it_is():
    exposure = [0, 0, 1, 1, 0, 0, 1, 1, 0, 0]
    source, layers = shot([14 * t - 35 for t in range(10)], exposure, [t > 0 for t in range(10)])
    seen = layers[1].drawings[0].copy()
    seen[..., 0] += 14  # solved a little too red, so that the other drawing explains the sliver better
    layers[1].drawings = as_drawings([seen, layers[1].drawings[1]])
    assert continue_runs(source, layers) == 1
    assert layers[1].exposure.tolist() == exposure


def test_nothing_is_added_where_the_sprite_is_gone():
    source, layers = shot([60, 80, 100, 200, 200], [0, 0, 1, 1, 0], [True, True, True, False, False])
    assert continue_runs(source, layers) == 0
    assert layers[1].exposure.tolist() == [0, 0, 1, -1, -1]
