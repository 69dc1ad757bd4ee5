"""Characters before a ground of one flat colour: they are sprites, not the plate, whether they walk or stand."""

import numpy as np
import pytest
from small_clips import figure, painted, walking_clip
from test_pipeline import run
from test_situations import overlap, put

from toondecompose.engine.backdrop import flat_ground, painted_ground
from toondecompose.engine.clip import source_from_array

SIZE, COUNT, FIGURE = (288, 176), 10, 88
PAPER, GREEN = (250, 250, 248), (90, 150, 110)


def shot(step: int, colour=GREEN, grain: float = 0.0) -> np.ndarray:
    """A figure on twos, with two drawings, that goes `step` px with each: uint8 [T, h, w, 3]."""
    frames = np.empty((COUNT, SIZE[1], SIZE[0], 3), np.uint8)
    frames[:] = colour
    for t in range(COUNT):
        put(frames[t], figure(t // 2 % 2), 40 + step * (t // 2), 60)
    return np.clip(frames + np.random.default_rng(3).normal(0, grain, frames.shape), 0, 255).round().astype(np.uint8)


def true_alpha(step: int, t: int) -> np.ndarray:
    canvas = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    cel = figure(t // 2 % 2)
    put(canvas, np.dstack([np.full((FIGURE, FIGURE, 3), 255, np.uint8), cel[..., 3]]), 40 + step * (t // 2), 60)
    return canvas[..., 0].astype(float)


@pytest.mark.parametrize(("step", "colour", "grain"), [(14, GREEN, 0), (0, GREEN, 0), (14, PAPER, 0), (14, GREEN, 3)])
def test_a_figure_before_one_colour_is_a_sprite_with_all_its_drawings(tmp_path, step, colour, grain):
    result = run(tmp_path, shot(step, colour, grain), sprites="auto")
    assert [s.kind for s in result.sprites] == ["background", "sprite"]
    assert np.abs(np.array(result.sprites[0].transform) - np.eye(3)).max() < 1e-6
    assert result.sprites[1].exposure == [t // 2 % 2 for t in range(COUNT)]
    assert min(overlap(tmp_path, result, 1, t, true_alpha(step, t)) for t in (1, 6)) > 0.95


def test_a_blow_before_one_colour_costs_no_drawing(tmp_path):
    """The white frame holds the one before it, and so must the pattern: else the ground's path, held too, misses it."""
    frames = shot(14)
    frames[4] = 255
    result = run(tmp_path, frames, sprites="auto")
    assert [(s.name, len(s.drawings)) for s in result.sprites] == [("background", 1), ("sprite 1", 2), ("light", 1)]
    assert result.metrics["recomposition_psnr_min"] > 60


def test_a_ground_is_found_with_its_grain():
    assert (flat_ground(source_from_array(shot(14))).colour == GREEN).all()
    found = flat_ground(source_from_array(shot(14, grain=3)))
    assert np.abs(found.colour.astype(int) - GREEN).max() <= 1 and 8 < found.spread <= 12


def rain() -> np.ndarray:
    frames = np.full((COUNT, SIZE[1], SIZE[0], 3), 20, np.uint8)
    at = np.random.default_rng(4).integers(0, SIZE, (60, 2))
    for t in range(COUNT):
        for x, y in (at + (2 * t, 5 * t)) % SIZE:
            frames[t, y:y + 4, x:x + 2] = 200
    return frames


def sky_over_land() -> np.ndarray:
    frames = np.full((COUNT, SIZE[1], SIZE[0], 3), (150, 190, 240), np.uint8)
    land = painted(SIZE[0] + 5 * COUNT, 90, 6)
    for t in range(COUNT):
        frames[t, -90:] = land[:, 5 * t:5 * t + SIZE[0]]
    return frames


def between_bars() -> np.ndarray:
    frames = walking_clip(8)["frames"].copy()
    frames[:, :45] = frames[:, -45:] = 0
    return frames


def nothing() -> np.ndarray:
    return np.full((6, 96, 160, 3), 30, np.uint8)


@pytest.mark.parametrize("frames", [rain(), sky_over_land(), walking_clip(8)["frames"], between_bars(), nothing()])
def test_what_is_scattered_or_goes_on_beyond_the_frame_has_no_flat_ground(frames):
    assert flat_ground(source_from_array(frames)) is None


def test_the_pattern_slides_under_what_is_drawn_and_into_its_gaps_but_not_into_paint_on_paper():
    for colour, filled in ((GREEN, True), (PAPER, False)):
        frames = np.full((3, 90, 160, 3), colour, np.uint8)
        frames[:, 20:70, 50:100] = (30, 20, 30)
        frames[:, 30:60, 60:90] = colour
        source = source_from_array(frames)
        painted_ones = painted_ground(source, flat_ground(source))
        first, second = painted_ones.read(0), painted_ones.read(1)
        assert (first[20:30, 50:100] == (30, 20, 30)).all() and first[:20].std() > 10
        assert (first[10:17, 10:40] == second[7:14, 15:45]).all()  # 5 px to the right, 3 up
        assert (first[30:60, 60:90].std() > 10) == filled


def test_the_pattern_of_a_long_shot_stays_near():
    """It slides back: the ground's canvas would grow with the square of the shot's length."""
    source = source_from_array(np.repeat(shot(14), 12, 0))
    painted_ones = painted_ground(source, flat_ground(source))
    corner = [painted_ones.read(t)[:20, :20] for t in (0, 48, 96)]
    assert all(np.array_equal(corner[0], one) for one in corner[1:])
