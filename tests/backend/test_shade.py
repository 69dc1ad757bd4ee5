"""A shade that stays with the frame while paintings slide beneath it."""

import cv2
import numpy as np
import pytest

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.shade import factor, find_shade, lightest, shade_layer, without_shade
from toondecompose.engine.types import LayerPath

SIZE = 320, 180
STEP = 6.0  # px per frame


def painting(width: int, seed: int = 3) -> np.ndarray:
    """Strokes of all sizes, uint8 [180, width, 3]."""
    rng = np.random.default_rng(seed)
    out = np.full((SIZE[1], width, 3), 150, np.uint8)
    for _ in range(width // 2):
        x, y, w, h = rng.integers((0, 0, 4, 4), (width, SIZE[1], 40, 40)).tolist()
        cv2.rectangle(out, (x, y), (x + w, y + h), rng.integers(60, 240, 3).tolist(), -1)
    return out


def pan(count: int = 24) -> tuple[np.ndarray, LayerPath]:
    """A pan along a painting, and its path."""
    wide = painting(SIZE[0] + int(STEP * count))
    frames = np.stack([wide[:, round(STEP * t):round(STEP * t) + SIZE[0]] for t in range(count)])
    H = np.tile(np.eye(3), (count, 1, 1))
    H[:, 0, 2] = -STEP * np.arange(count)
    return frames, LayerPath(H, np.ones(count, bool), 0, "translation", 1.0)


def vignette() -> np.ndarray:
    """Corners 15 % darker than the middle, float64 [180, 320]."""
    y, x = np.mgrid[0:SIZE[1], 0:SIZE[0]]
    return 1 - 0.15 * (((x / SIZE[0] - 0.5) ** 2 + (y / SIZE[1] - 0.5) ** 2) / 0.5)


def shaded(frames: np.ndarray) -> np.ndarray:
    return np.rint(frames * vignette()[..., None]).astype(np.uint8)


@pytest.fixture(scope="module")
def under_vignette():
    """(source, its shade as it was found)."""
    frames, path = pan()
    source = source_from_array(shaded(frames))
    return source, find_shade(source, [path])


def test_a_vignette_over_a_pan_is_measured(under_vignette):
    _, shade = under_vignette
    found = factor(shade, SIZE)
    # what differs along rows is what a pan along rows can tell; the picture's own brightness stands for the rest
    along = lambda f: np.log(f) - np.log(f).mean(1, keepdims=True)  # noqa: E731
    assert np.abs(along(found) - along(vignette())).max() < 0.02
    assert found.max() <= 1


def test_frames_without_the_shade_show_one_painting(under_vignette):
    source, shade = under_vignette
    bare = without_shade(source, shade)
    shift = int(STEP) * 20

    def apart(read) -> float:  # the same paint at two places of the frame
        return np.abs(read(0)[:, shift:].astype(float) - read(20)[:, :-shift]).mean()

    assert apart(bare.read) < 0.25 * apart(source.read)


def test_the_shade_as_a_layer_gives_the_frames_back(under_vignette):
    source, shade = under_vignette
    alpha = shade_layer(shade, SIZE, source.count).drawings[0][..., 3:] / 255.0
    again = without_shade(source, shade).read(5) * (1 - alpha)
    assert np.abs(again - source.read(5)).max() <= 1.5


@pytest.mark.parametrize("change", ["nothing", "fade", "still"])
def test_no_shade_is_found_where_there_is_none(change):
    frames, path = pan()
    if change == "fade":
        frames = np.rint(frames * np.linspace(1, 0.5, len(frames))[:, None, None, None]).astype(np.uint8)
    if change == "still":  # nothing slides: what is dark in a corner may be painted there
        frames, path.H[:] = shaded(frames[:1].repeat(len(frames), 0)), np.eye(3)
    assert find_shade(source_from_array(frames), [path]) is None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_where_no_second_pair_of_frames_confirms_it_there_is_no_shade(count):
    frames, path = pan(count)
    assert find_shade(source_from_array(shaded(frames)), [path]) is None


def test_grain_is_no_shade():
    frames, path = pan()
    grain = np.random.default_rng(0).normal(0, 4, frames.shape)
    assert find_shade(source_from_array(np.clip(frames + grain, 0, 255).astype(np.uint8)), [path]) is None


def test_a_small_sprite_that_crosses_a_busy_still_painting_tells_no_shade():
    """On its way it agrees with more of the painting by accident than it shows itself."""
    strokes = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 1, (*SIZE[::-1], 3)), (0, 0), 3)
    still = np.clip(140 + 20 * strokes / strokes.std(), 0, 255).astype(np.uint8)
    count, toy = 24, painting(40, 2)[:24]
    frames = np.stack([still] * count)
    H = np.tile(np.eye(3), (count, 1, 1))
    for t in range(count):
        H[t, 0, 2] = x = int(STEP * t)
        frames[t, 80:104, x:x + 40] = toy
    assert find_shade(source_from_array(frames), [LayerPath(H, np.ones(count, bool), 0, "translation", 1.0)]) is None


def test_a_shade_takes_no_more_light_off_highlights_than_they_can_have_had():
    """What lies under a sprite all along is a guess, against which all else is measured: here it is lightest there."""
    frames, _ = pan()
    frames[:, :40] = 250  # a white sky
    light = np.full(SIZE[::-1], 0.94, np.float32)
    light[-40:, 100:200] = 1.0
    left = light / lightest(frames, light)
    assert (frames / left[..., None]).max() <= 256
    assert left[:40].min() == pytest.approx(250 / 255, abs=0.005)
    assert lightest(frames // 2, light) == 1.0  # nothing is so light that it tells
