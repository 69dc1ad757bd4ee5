"""The first look at a shot's sprites: quick, never wrong to show, never in the way."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from test_segment import iou, painting, put, walker_drawing

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.glimpse import WIDTH, glimpse

COUNT = 16


def walk(step: float, grow: float = 0.0, size: tuple[int, int] = (256, 160)):
    """A walker before a painting under a camera that pans `step` px a frame and grows: -> (source, mask at COUNT/2)."""
    plate = cv2.resize(painting(220, 120, 3).astype(np.uint8), (660, 360), interpolation=cv2.INTER_CUBIC)
    frames, masks = [], []
    for t in range(COUNT):
        s = 1 + grow * t
        m = np.array([[s, 0, -40 - step * t], [0, s, -60 * s]])
        frame = cv2.warpAffine(plate, m, size)
        cel = cv2.resize(walker_drawing(t // 2, (240, 40, 40)), (48, 72), interpolation=cv2.INTER_NEAREST)
        masks.append(put(frame, cel, 30 + 9 * t, 50))
        frames.append(frame)
    return source_from_array(frames), masks[COUNT // 2]


@pytest.mark.parametrize(("step", "grow"), [(0.0, 0.0), (3.5, 0.0), (-2.0, 0.01)])
def test_a_walker_is_seen_under_any_camera(step, grow):
    source, truth = walk(step, grow)
    mask = glimpse(source)
    assert mask is not None and mask.dtype == np.uint8
    assert iou(mask, truth) > 0.75
    assert np.array_equal(mask, glimpse(source))


def test_a_large_frame_is_looked_at_small():
    source, truth = walk(3.0, size=(480, 270))
    mask = glimpse(source)
    assert mask.shape == (round(270 * WIDTH / 480), WIDTH)
    truth = cv2.resize(truth.astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_AREA) > 0
    assert iou(mask, truth) > 0.6


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
def test_nothing_is_shown_where_nothing_moves(count):
    still = painting(160, 96, 0).astype(np.uint8)
    assert glimpse(source_from_array([still] * count)) is None
    assert glimpse(source_from_array([np.zeros((96, 160, 3), np.uint8)] * count)) is None
    assert glimpse(source_from_array([np.full((8, 9, 3), 40, np.uint8)] * count)) is None


def test_frames_that_share_nothing_do_not_stop_it():
    rng = np.random.default_rng(0)
    mask = glimpse(source_from_array(list(rng.integers(0, 256, (9, 72, 112, 3), np.uint8))))
    assert mask is None or mask.shape == (72, 112)
