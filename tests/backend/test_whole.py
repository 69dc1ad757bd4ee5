"""Shots that cannot be taken apart come back whole, or are refused in a sentence."""

import numpy as np
import pytest
from small_clips import figure, painted
from test_pipeline import Listener, run
from test_situations import put

from toondecompose.engine.quality import low_frames
from toondecompose.formats.errors import UserError

SIZE = (160, 96)


def two_frames() -> np.ndarray:
    plate, frames = painted(SIZE[0] + 5, SIZE[1], 6), []
    for t in range(2):
        frames.append(plate[:, 5 * t:5 * t + SIZE[0]].copy())
        put(frames[-1], figure(t, 60), 40 + 8 * t, 30)
    return np.array(frames)


def one_colour_a_frame() -> np.ndarray:
    return np.array([np.full((SIZE[1], SIZE[0], 3), (20 * t, 90, 240 - 20 * t), np.uint8) for t in (0, 1, 1, 2, 3, 4)])


def snow() -> np.ndarray:
    """A television between stations."""
    return np.random.default_rng(1).integers(0, 256, (6, SIZE[1], SIZE[0], 3)).astype(np.uint8)


@pytest.mark.parametrize(("shot", "sprites", "drawings"), [
    (two_frames, 2, 2), (two_frames, 7, 2), (one_colour_a_frame, "auto", 5), (one_colour_a_frame, 2, 5), (snow, 2, 6)])
def test_one_plate_that_does_not_give_the_shot_back_becomes_its_frames(tmp_path, shot, sprites, drawings):
    result = run(tmp_path, shot(), sprites=sprites)
    assert [len(s.drawings) for s in result.sprites] == [drawings] and result.sprites[0].confidence == 0
    assert result.metrics["recomposition_psnr_min"] > 60
    assert any("one layer" in note for note in result.report["shots"][0]["notes"])


@pytest.mark.parametrize("grain", [4, 9])
def test_a_plate_under_grain_stays_one_clean_drawing(tmp_path, grain):
    rng = np.random.default_rng(2)
    frames = painted(*SIZE, 6) + rng.normal(0, grain, (8, SIZE[1], SIZE[0], 3))
    result = run(tmp_path, np.clip(frames, 0, 255).round().astype(np.uint8), sprites="auto")
    assert [len(s.drawings) for s in result.sprites] == [1]


@pytest.mark.parametrize("size", [(1, 1), (64, 1), (3, 64)])
def test_frames_that_are_too_small_to_see_anything_in_are_refused_in_a_sentence(tmp_path, size):
    with pytest.raises(UserError, match=f"{size[0]} x {size[1]} px; a shot needs at least 8 x 8"):
        run(tmp_path, np.full((4, size[1], size[0], 3), 90, np.uint8))


@pytest.mark.parametrize(("levels", "sentence"), [
    ([40, 31], None), ([40, 21, 40], "Frame 11 is not given back by the layers (21 dB at worst)"),
    ([20, 29, 40, 25, 40, 7, 8, 9], "Frames 10 to 11, 13 and 15 to 17 are not given back by the layers (7 dB")])
def test_frames_that_the_layers_do_not_give_back_are_named(levels, sentence):
    found = low_frames(levels, 10)
    assert found is None if sentence is None else found.startswith(sentence)


def test_grain_alone_is_no_reason_to_warn_of_a_frame():
    levels = [29.0, 28.5, 20.0]  # grain of 9 levels leaves 29 dB
    assert low_frames(levels, 1, 9.0).startswith("Frame 3 is not") and low_frames(levels, 1).startswith("Frames 1 to 3")


def test_a_sentence_names_few_stretches_of_frames_and_counts_the_others():
    found = low_frames([20, 40] * 30, 1)
    assert found.startswith("Frames 1, 3, 5, 7, 9 and 25 more are not given back")


def test_a_plate_that_was_asked_for_under_a_figure_is_reported_low(tmp_path):
    listener = Listener()
    frames = np.repeat(painted(*SIZE, 6)[None], 8, 0)
    for t in range(8):
        put(frames[t], figure(t // 2 % 2, 60), 20 + 12 * t, 30)
    run(tmp_path, frames, listener, sprites=1)
    assert len(listener.warnings) == 1 and listener.warnings[0].startswith("Frames 1 to 8 are not given back")
