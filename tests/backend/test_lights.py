"""A light that changes over the whole picture: fades and flashes are taken off, and laid on again in front."""

import numpy as np
import pytest
from small_clips import figure, painted
from test_pipeline import run
from test_situations import overlap, put

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.light_layer import light_layer, light_picture
from toondecompose.engine.lights import find_lights, held_paths, without_lights
from toondecompose.engine.quality import frame_psnr
from toondecompose.engine.types import LayerPath
from toondecompose.formats.errors import Cancelled

SIZE, STEP, COUNT = (288, 176), 5, 18


def shot() -> np.ndarray:
    """A figure on twos before a pan, in an even light: uint8 [T, h, w, 3]."""
    plate, frames = painted(SIZE[0] + STEP * COUNT, SIZE[1], 6), []
    for t in range(COUNT):
        frames.append(plate[:, STEP * t:STEP * t + SIZE[0]].copy())
        put(frames[-1], figure(t // 2 % 2), 90 + 3 * (t // 2), 60)
    return np.array(frames)


def pan() -> list[LayerPath]:
    H = np.tile(np.eye(3), (COUNT, 1, 1))
    H[:, 0, 2] = -STEP * np.arange(COUNT)
    return [LayerPath(H, np.ones(COUNT, bool), 0, "translation", 1.0)]


def laid_on(layer, even, t: int) -> np.ndarray:
    """Frame t with the light's layer over it, uint8 [h, w, 3]."""
    again = even.read(t).astype(float)
    if layer.exposure[t] >= 0:
        drawing = layer.drawings[layer.exposure[t]].astype(float)
        again += layer.opacity[t] * drawing[..., 3:] / 255 * (drawing[..., :3] - again)
    return np.rint(again).astype(np.uint8)


def under(frames: np.ndarray, gain: np.ndarray, offset: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(frames * gain[:, None, None, None] + offset[:, None, None, None], 0, 255)).astype(np.uint8)


def fade_in() -> tuple[np.ndarray, np.ndarray]:
    """From black, in six frames."""
    return np.minimum(1, np.arange(COUNT) / 6), np.zeros(COUNT)


def fade_to_white() -> tuple[np.ndarray, np.ndarray]:
    gain = np.minimum(1, (COUNT + 2 - np.arange(COUNT)) / 8)
    return gain, 255 * (1 - gain)


def lightning() -> tuple[np.ndarray, np.ndarray]:
    """Two frames that are lighter, and burnt out where the picture is light."""
    gain, offset = np.ones(COUNT), np.zeros(COUNT)
    gain[8:10], offset[8:10] = 1.35, 20
    return gain, offset


@pytest.mark.parametrize("light", [fade_in, fade_to_white, lightning])
def test_a_light_over_the_whole_picture_is_measured_and_taken_off(light):
    frames, (gain, offset) = shot(), light()
    source, paths = source_from_array(under(frames, gain, offset)), pan()
    lights = find_lights(source, paths)
    own = lights.stands == np.arange(COUNT)
    assert own.sum() >= COUNT - 1  # a black frame holds the next one
    assert np.abs(lights.gain[own] - gain[own, None]).max() < 0.02
    assert np.abs(lights.offset[own] - offset[own, None]).max() < 3
    even = without_lights(source, lights, paths)
    off = [np.abs(even.read(t) - frames[t].astype(float)).mean() for t in np.flatnonzero(own)]
    assert max(off) < 2.5


@pytest.mark.parametrize("light", [fade_in, fade_to_white])
def test_the_light_as_a_layer_in_front_gives_the_frames_back(light):
    frames, (gain, offset) = shot(), light()
    source, paths = source_from_array(under(frames, gain, offset)), pan()
    lights = find_lights(source, paths)
    even = without_lights(source, lights, paths)
    layer = light_layer(lights, source, even)
    assert len(layer.drawings) == 1  # black, or white, throughout
    assert min(frame_psnr(laid_on(layer, even, t), source.read(t)) for t in range(COUNT)) > 36


@pytest.mark.parametrize(("gain", "offset"), [(1.35, 20), (1.6, -66)])  # lightning; more contrast, as light as before
def test_more_contrast_is_laid_on_again_by_pictures_of_the_light(gain, offset):
    gains, offsets = np.ones(COUNT), np.zeros(COUNT)
    gains[8:10], offsets[8:10] = gain, offset
    source, paths = source_from_array(under(shot(), gains, offsets)), pan()
    lights = find_lights(source, paths)
    even = without_lights(source, lights, paths)
    layer = light_layer(lights, source, even)
    assert [t for t in range(COUNT) if layer.exposure[t] >= 0] == [8, 9] and len(layer.drawings) == 2
    assert min(frame_psnr(laid_on(layer, even, t), source.read(t)) for t in (8, 9)) > 38
    assert np.abs(even.read(8) - shot()[8].astype(float)).mean() < 2.5


def test_a_picture_of_light_is_as_transparent_as_it_can_be():
    below = np.array([[[100, 100, 100], [100, 100, 100], [200, 100, 50], [0, 0, 0]]], np.uint8)
    frame = np.array([[[101, 99, 100], [255, 255, 255], [131, 66, 33], [255, 0, 0]]], np.uint8)
    picture = light_picture(below, frame).astype(float)
    alpha = picture[..., 3:] / 255
    assert np.abs(below * (1 - alpha) + picture[..., :3] * alpha - frame).max() <= 3.5
    assert alpha[0, 0, 0] == 0 and alpha[0, 2, 0] < 0.35 and alpha[0, [1, 3], 0].min() > 0.95


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 30)])
def test_an_empty_frame_amid_a_shot_is_a_colour_in_front(colour):
    frames = shot()
    frames[9] = colour
    source, paths = source_from_array(frames), pan()
    lights = find_lights(source, paths)
    assert lights.stands[9] in (8, 10) and np.array_equal(np.delete(lights.stands, 9), np.delete(np.arange(COUNT), 9))
    even = without_lights(source, lights, paths)
    layer = light_layer(lights, source, even)
    assert np.flatnonzero(layer.exposure >= 0).tolist() == [9] and np.array_equal(laid_on(layer, even, 9), frames[9])


def test_a_plain_sky_that_something_comes_into_is_no_light():
    frames = np.full((COUNT, SIZE[1], SIZE[0], 3), (120, 170, 230), np.uint8)
    for t in range(6, COUNT):
        put(frames[t], figure(0), 20 * (t - 6), 40)
    assert find_lights(source_from_array(frames), pan()) is None


def test_looking_for_lights_can_be_stopped():
    source, paths = source_from_array(under(shot(), *fade_in())), pan()
    told = []
    find_lights(source, paths, told.append)
    assert told == sorted(told) and len(told) >= 2 * COUNT and told[-1] <= 1

    def stop(fraction: float) -> None:
        if fraction > 0.5:
            raise Cancelled()

    with pytest.raises(Cancelled):
        find_lights(source, paths, stop)


def test_a_frame_that_is_too_dark_holds_the_nearest_one_with_its_paths():
    frames, (gain, offset) = shot(), fade_in()
    source, paths = source_from_array(under(frames, gain, offset)), pan()
    lights = find_lights(source, paths)
    assert lights.stands[0] == 1 and lights.hidden[0] > 0.95
    assert np.array_equal(without_lights(source, lights, paths).read(0), without_lights(source, lights, paths).read(1))
    assert np.array_equal(held_paths(paths, lights)[0].H[0], paths[0].H[1])


def test_an_even_light_is_left_alone():
    assert find_lights(source_from_array(shot()), pan()) is None


@pytest.mark.parametrize("left", [0, 0.05])  # of the channel: nothing, or less than could be stretched
def test_a_frame_that_a_coloured_lamp_leaves_without_a_channel_holds_one_that_has_it(left):
    frames = shot()
    lit = under(frames, *fade_in())
    lit[12] = np.rint(0.5 * frames[12])
    lit[12, ..., 2] = np.rint(40 + left * frames[12, ..., 2])
    source, paths = source_from_array(lit), pan()
    lights = find_lights(source, paths)
    assert lights.stands[12] in (11, 13) and np.isfinite(lights.gain).all()
    assert np.abs(without_lights(source, lights, paths).read(12) - frames[lights.stands[12]].astype(float)).mean() < 2.5


def test_a_channel_that_is_flat_but_for_grain_is_not_taken_for_one_that_a_lamp_has_eaten():
    frames = shot()
    frames[..., 2] = 90
    grainy = np.clip(frames + np.random.default_rng(0).normal(0, 1, frames.shape), 0, 255)
    lights = find_lights(source_from_array(under(grainy, *fade_in())), pan())
    assert lights.stands.tolist() == [1, *range(1, COUNT)]


def test_what_is_dark_on_the_way_of_the_camera_is_no_light():
    frames = shot()
    dark = np.clip(1.3 - np.arange(SIZE[0] + STEP * COUNT) / (SIZE[0] + STEP * COUNT), 0, 1)
    for t in range(COUNT):
        frames[t] = frames[t] * dark[None, STEP * t:STEP * t + SIZE[0], None]
    assert find_lights(source_from_array(frames), pan()) is None


def test_a_flash_and_a_fade_do_not_make_a_sprite_of_the_whole_picture(tmp_path):
    frames = shot()
    gain, offset = fade_in()
    gain[12:14], offset[12:14] = 1.3, 20
    result = run(tmp_path, under(frames, gain, offset), sprites=2)
    assert [s.name for s in result.sprites] == ["background", "sprite 1", "light"]
    assert result.metrics["recomposition_psnr_min"] > 34
    for t in (3, 8, 12, 16):
        true = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
        cel = figure(t // 2 % 2)
        put(true, np.dstack([np.full((*cel.shape[:2], 3), 255, np.uint8), cel[..., 3]]), 90 + 3 * (t // 2), 60)
        assert overlap(tmp_path, result, 1, t, true[..., 0].astype(float)) > 0.9


@pytest.mark.parametrize("colour", [0, 255])
def test_an_empty_frame_costs_the_frames_beside_nothing(tmp_path, colour):
    frames = shot()[:10]
    frames[4] = colour
    result = run(tmp_path, frames, sprites=2)
    assert [s.name for s in result.sprites] == ["background", "sprite 1", "light"]
    assert result.metrics["recomposition_psnr_min"] > 40
    assert [len(s.drawings) for s in result.sprites] == [1, 2, 1]
