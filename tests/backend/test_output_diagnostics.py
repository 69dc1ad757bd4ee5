"""The diagnostics folder: the older system's outputs by name, and colours that mean the same in every picture."""

import numpy as np
from small_clips import painted

from toondecompose.engine.clip import source_from_array
from toondecompose.formats.result import Clip, Result, Sprite
from toondecompose.io.png import read_picture, write_png
from toondecompose.output.diagnostics import normal_ball, optical_flow, position_pattern, write_diagnostics


def test_flow_follows_a_pan_and_is_clipped_at_the_ends():
    plate = painted(160, 64, 5)
    source = source_from_array(np.stack([plate[:, 3 * t:3 * t + 120] for t in range(4)]))
    inner = optical_flow(source, 1, 1)[8:-8, 8:-8]
    assert np.abs(np.median(inner, (0, 1)) - (-3, 0)).max() < 0.2
    assert np.abs(np.median(optical_flow(source, 3, 3), (0, 1))).max() == 0
    assert np.abs(np.median(optical_flow(source, 2, -3)[8:-8, 20:-8], (0, 1)) - (6, 0)).max() < 0.3


def test_the_same_flow_has_the_same_colour_whatever_else_moves():
    alone = normal_ball(np.full((2, 2, 2), 8.0))
    beside = normal_ball(np.concatenate([np.full((2, 2, 2), 8.0), np.full((2, 2, 2), 500.0)], 1))
    np.testing.assert_array_equal(alone, beside[:, :2])
    np.testing.assert_array_equal(normal_ball(np.zeros((1, 1, 2)))[0, 0], [128, 128, 255])


def test_the_position_pattern_moves_with_the_canvas():
    shifted = np.array([[1, 0, 7], [0, 1, 0], [0, 0, 1.0]])
    still, moved = (position_pattern(H, (60, 20)) for H in (np.eye(3), shifted))
    np.testing.assert_array_equal(still[:, :50], moved[:, 7:57])


def test_every_named_file_is_written(tmp_path):
    frames = np.stack([painted(48, 32, 1)] * 2)
    write_png(tmp_path / "b.png", np.dstack([frames[0], np.full((32, 48), 255, np.uint8)]))
    eye = np.tile(np.eye(3), (2, 1, 1))
    sprite = Sprite("background", 0, "background", (48, 32), ["b.png"], [0, 0], eye, np.ones(2))
    result = Result(Clip("c", (48, 32), 24, 1, 2), [sprite])
    write_diagnostics(tmp_path / "d", tmp_path, result, source_from_array(frames))
    for name in ("flow/0000.+1.npy", "flow/0001.-3.png", "label/0001.png", "homography/0.npy", "position.0.mp4",
                 "0000.img.png", "0001.homo.png", "0001.obj.0.png", "vis.mp4"):
        assert (tmp_path / "d" / name).stat().st_size > 0, name
    np.testing.assert_array_equal(read_picture(tmp_path / "d" / "0000.obj.0.png")[..., :3], frames[0])
