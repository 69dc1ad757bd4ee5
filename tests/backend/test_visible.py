"""What a layer's pictures show when a later exposure sheet has read them better."""

import numpy as np

from toondecompose.engine.drawings.pixels import shift
from toondecompose.engine.types import ExposureSheet, SolvedLayer, as_drawings
from toondecompose.engine.visible import picture_behind, shown_as


def test_a_drawing_that_one_frame_shows_in_part_becomes_whole_by_the_frames_that_show_it_too():
    whole, part = np.zeros((2, 8, 8, 4), np.uint8)
    whole[2:6, 2:6] = (200, 100, 50, 255)
    part[2:4, 2:6] = (200, 100, 50, 255)
    H = np.stack([shift(3 * t, 0) for t in range(4)])
    paper = np.full((8, 24, 4), 255, np.uint8)
    plate = SolvedLayer("background", "background", as_drawings([paper]), np.zeros(4, int),
                        np.tile(np.eye(3), (4, 1, 1)), np.ones(4), "translation", 1.0)
    girl = SolvedLayer("girl", "sprite", as_drawings([whole, part]), np.array([0, 0, 1, -1]), H.copy(), np.ones(4),
                       "translation", 1.0)
    # on a canvas of its own, and with the last frame known to show the drawing as well
    sheet = ExposureSheet(np.zeros(4, int), H @ shift(-5, 1), (20, 20), "translation")
    new = shown_as(girl, sheet)
    assert new.exposure.tolist() == [0, 0, 0, 0]
    assert np.allclose(new.H, H)
    assert girl.exposure.tolist() == [0, 0, 1, -1]
    colour, known = picture_behind([plate, new], 2, (24, 8))(2)
    assert (colour[2:6, 8:12] == (200, 100, 50)).all() and (known == 255).all()


def test_drawings_that_the_later_sheet_keeps_apart_stay_as_they_were():
    rng = np.random.default_rng(1)
    H = np.stack([shift(*rng.normal(size=2)) for _ in range(4)])
    layer = SolvedLayer("cat", "sprite", as_drawings(np.zeros((2, 8, 8, 4), np.uint8)), np.array([0, 0, 1, 1]), H,
                        np.ones(4), "translation", 1.0)
    sheet = ExposureSheet(np.array([0, 1, 2, 2]), H @ shift(2, 2), (20, 20), "translation")
    same = shown_as(layer, sheet)
    assert same.exposure.tolist() == [0, 0, 1, 1] and np.array_equal(same.H, H)
