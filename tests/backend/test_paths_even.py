"""Paths that stray in some frames from the line that the others lie on."""

import numpy as np

from toondecompose.engine.paths.even import evened


def slide(places: np.ndarray, ref: int = 0) -> np.ndarray:
    H = np.tile(np.eye(3), (len(places), 1, 1))
    H[:, :2, 2] = places - places[ref]
    return H


def test_frames_that_stray_come_back_to_the_even_line_of_the_others():
    line = np.arange(24)[:, None] * np.array([-7.5, 1.6])
    off = line + np.random.default_rng(0).normal(0, 0.05, line.shape)
    off[[3, 15, 19, 20, 22, 23]] += np.random.default_rng(1).normal(0, 2.5, (6, 2))
    present = np.ones(24, bool)
    present[[0, 1]] = False
    found = evened(slide(off, 8), present, 8)
    assert found is not None and np.array_equal(found[8], np.eye(3))
    assert np.abs(found[:, :2, 2] - (line - line[8])).max() < 0.3


def test_a_path_that_is_even_or_is_none_is_left_alone():
    everywhere, t = np.ones(24, bool), np.arange(24)[:, None]
    assert evened(slide(t * np.array([3.0, 0.0])), everywhere, 0) is None
    assert evened(slide((t - t % 2) * np.array([12.0, 0.0])), everywhere, 0) is None  # a walker on twos
    assert evened(slide(0.4 * t**2 * np.array([1.0, 0.2])), everywhere, 0) is None
    assert evened(slide(t[:6] * np.array([3.0, 0.0])), everywhere[:6], 0) is None
