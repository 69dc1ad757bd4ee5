"""Pans of several picture widths: no frame sees more than a part of the layer, and small errors add up."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from test_paths import painting, shift, shown

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.paths import find_paths
from toondecompose.engine.paths.bundle import adjust
from toondecompose.engine.paths.drift import is_long, undrifted
from toondecompose.engine.paths.field import build_field
from toondecompose.engine.paths.groups import frame_units
from toondecompose.engine.segment.canvas import canvas_box
from toondecompose.engine.segment.choose import sampled

SIZE = (112, 64)
COUNT = 56
STEP = 8.3  # px per frame: four widths


@cache
def long_pan():
    way = np.stack([shift(-5 - STEP * t, -10) for t in range(COUNT)])
    picture = painting(4, 10 + int(STEP * COUNT) + SIZE[0], 90)
    return source_from_array([shown(picture, m, SIZE) for m in way]), way


def drifting(way: np.ndarray, ref: int, per_frame: float) -> np.ndarray:
    """The way as a chain of flow gives it, from frame `ref` on: off by `per_frame` px in x and in y at every step."""
    H = way @ np.linalg.inv(way[ref])
    H[:, :2, 2] += per_frame * (np.arange(len(way)) - ref)[:, None]
    return H


def off(H: np.ndarray, way: np.ndarray, ref: int) -> float:
    """How far a path strays from the way, px."""
    return float(np.abs(H - way @ np.linalg.inv(way[ref]))[:, :2, 2].max())


@pytest.mark.parametrize("dof", [2, 4])
def test_a_chain_that_drifts_is_held_together_over_long_gaps(dof):
    source, way = long_pan()
    field, ref = build_field(source, 0), COUNT // 2
    chain = drifting(way, ref, 0.05)
    found = undrifted(chain, ref, dof, field, [np.ones(len(p.at)) for p in field.points])
    assert off(chain, way, ref) > 1.3 and off(found, way, ref) < 0.25


def test_a_short_pan_is_left_as_it_was_followed():
    source, way = long_pan()
    field = build_field(source.part(0, 12), 0)
    chain = drifting(way[:12], 6, 0.05)
    assert not is_long(chain, 6, field.size)
    assert undrifted(chain, 6, 2, field, [np.ones(len(p.at)) for p in field.points]) is chain


def test_a_pan_of_four_widths_is_a_path_that_does_not_drift():
    source, way = long_pan()
    best = find_paths(source, 1, motion_model="translation")[0]
    assert best.present.all() and off(best.H, way, best.ref) < 0.15


def test_frames_of_unlike_precision_do_not_push_a_long_pan_apart():
    """Each canvas point is shown by a few frames of forty; half of the frames miss the picture by a grey level more."""
    rng = np.random.default_rng(1)
    count, width = 40, 100.0
    at = np.stack([rng.uniform(0, width + 20 * count, 6000), rng.uniform(0, 60, 6000)], 1)
    H = np.stack([shift(-20.0 * t, 0) for t in range(count)])
    level = rng.uniform(50, 200, len(at)).astype(np.float32)
    weight = np.stack([(at[:, 0] >= 20 * t) & (at[:, 0] < 20 * t + width) for t in range(count)]).astype(np.float32)
    values = level + rng.normal(0, 1, weight.shape) * np.where(np.arange(count) % 2, 0.8, 3.0)[:, None]
    slope = rng.normal(0, 30, (len(at), 2))
    moved, _ = adjust(H, 0, 2, at, slope, level, (values * weight).astype(np.float32), weight,
                      frame_units((100, 60)), 6.0)
    assert np.abs(moved - H)[:, :2, 2].max() < 0.05


def test_the_canvas_of_a_pan_is_as_wide_as_the_pan():
    way = np.stack([shift(-50.0 * t, 0) for t in range(30)])
    assert canvas_box(way, np.ones(30, bool), (100, 60)) == (0, 0, 1550, 60)
    tilted = way @ np.array([[1, 0, 0], [0, 1, 0], [0.009, 0, 1.0]])  # a corner of each frame lies far away
    x0, _, x1, _ = canvas_box(tilted[:1], np.ones(1, bool), (100, 60))
    assert x1 - x0 <= 8 * 100


def test_of_a_long_pan_stretches_are_coded_in_which_frames_show_the_same_places():
    on = [np.ones(480, bool)]
    assert sampled(on, 16).tolist() == np.linspace(0, 479, 16).round().astype(int).tolist()
    assert sampled(on, 16, 40.0).tolist() == sampled(on, 16).tolist()
    some = sampled(on, 16, 9.5)
    assert len(some) == 16 and some[0] == 0 and some[-1] == 479
    assert (np.diff(some) == 9).sum() == 14
    assert len(sampled([np.ones(20, bool)], 16, 0.3)) == 16  # so fast that even neighbours share little
