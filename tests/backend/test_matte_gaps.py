"""Gaps between lines are told from fills of the background's colour."""

import numpy as np

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.matte.gaps import Region, enclosed_regions, judge, motion_odds
from toondecompose.engine.matte.moments import GREY

SKY, SHIRT, INK = (190.0, 214.0, 226.0), (200.0, 60.0, 60.0), (40.0, 30.0, 50.0)


def figure(inside, fill=SHIRT):
    """A body of one paint with a lined patch of colour `inside`, on a sky -> (c, z, body, behind)."""
    y, x = np.mgrid[:80, :100]
    c = np.empty((3, 80, 100), np.float32)
    c[:] = np.array(SKY, np.float32)[:, None, None] - GREY
    behind = c.copy()
    body = (np.abs(x - 50) < 40) & (np.abs(y - 40) < 34)
    c[:, body] = np.array(fill, np.float32)[:, None] - GREY
    far = np.hypot(x - 50, y - 40)
    c[:, (far < 12) & (far >= 9)] = np.array(INK, np.float32)[:, None] - GREY
    c[:, far < 9] = np.array(inside, np.float32)[:, None] - GREY
    z = np.sqrt(np.square(c - behind).mean(0)) / 2
    return c, z, body, behind, far < 9


def regions_of(inside, known=True, fill=SHIRT):
    c, z, body, behind, gap = figure(inside, fill)
    slope = np.where(np.abs(np.hypot(*np.gradient(c.mean(0)))) > 1, 30.0, 0.0)
    seen = np.full(z.shape, known) | ~body
    return *enclosed_regions(c, z, seen, body, behind, slope, 1.5), gap


def test_an_enclosed_patch_of_the_sky_is_a_gap():
    found, _, gap = regions_of(SKY)
    assert found[gap].mean() > 0.7
    assert not found[~gap].any()


def test_a_patch_of_another_colour_is_not():
    assert not regions_of((230.0, 230.0, 120.0))[0].any()


def test_a_paint_that_the_drawing_has_elsewhere_proves_nothing():
    assert not regions_of(SKY, fill=SKY)[0].any()


def test_where_nothing_is_known_behind_the_region_is_left_open_to_question():
    found, questions, gap = regions_of(SKY, known=False)
    assert not found.any()
    (x, y), mask = questions[0].corner, questions[0].mask
    assert gap[y + mask.shape[0] // 2, x + mask.shape[1] // 2]


def test_motion_tells_a_gap_from_a_fill():
    rng = np.random.default_rng(1)
    plate = np.cumsum(rng.normal(0, 3, (60, 140, 3)), 1)
    plate = np.clip(128 + plate, 0, 255)
    frames = [np.rint(plate[:, 3 * t:3 * t + 100]).astype(np.uint8) for t in range(6)]
    still = np.stack([np.eye(3)] * 6)
    pan = still.copy()
    pan[:, 0, 2] = [-3.0 * t for t in range(6)]
    region = Region((30, 20), np.ones((20, 30), bool), np.zeros(3, np.float32), 0.0)
    source = source_from_array(frames)
    assert motion_odds(source, region, (0, 0, 100, 60), list(range(6)), still, pan, 0.1) > 1
    assert motion_odds(source, region, (0, 0, 100, 60), list(range(6)), pan, still, 0.1) < 0


def test_drawings_that_share_a_region_share_the_evidence():
    mask = np.ones((10, 10), bool)
    region = lambda odds: Region((4, 4), mask, np.zeros(3, np.float32), odds)  # noqa: E731
    box = (0, 0, 50, 50)
    assert judge([(region(1.0), box, 0.0)]) == [False]
    assert judge([(region(1.0), box, 0.0), (region(1.0), box, 4.0)]) == [True, True]
