"""Cuts are found; fast pans, flashes and fades are not taken for cuts."""

import numpy as np
from small_clips import painted

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.paths.cuts import find_cuts


def still(seed, frames=6):
    return np.stack([painted(96, 54, seed)] * frames)


def test_two_shots_are_cut_where_they_meet():
    assert find_cuts(source_from_array(np.concatenate([still(1), still(2, 9), still(5)]))) == [6, 15]


def test_a_fast_pan_is_one_shot():
    plate = painted(96 * 5, 54, 3)
    assert find_cuts(source_from_array(np.stack([plate[:, 40 * t:40 * t + 96] for t in range(9)]))) == []


def test_a_white_flash_of_one_or_two_frames_is_no_cut():
    for length in (1, 2):
        frames = still(4, 12)
        frames[5:5 + length] = 255
        assert find_cuts(source_from_array(frames)) == []


def test_a_fade_to_black_is_no_cut():
    frames = still(6, 10).astype(np.float32) * np.linspace(1, 0, 10)[:, None, None, None]
    assert find_cuts(source_from_array(frames.astype(np.uint8))) == []


def test_one_frame_and_flat_frames_have_no_cuts():
    assert find_cuts(source_from_array(still(1, 1))) == []
    assert find_cuts(source_from_array(np.full((4, 20, 30, 3), 90, np.uint8))) == []
