"""Paths that stray in some frames from the line that the others lie on."""

from types import SimpleNamespace

import numpy as np
import pytest

from toondecompose.engine.paths import find
from toondecompose.engine.paths.candidate import Candidate
from toondecompose.engine.paths.even import NEAR, evened


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


def test_a_path_that_trembles_in_the_dark_tells_its_line_to_a_pixel():
    line = np.arange(28)[:, None] * np.array([-7.5, 1.6])
    off = line + np.random.default_rng(0).uniform(-0.8, 0.8, line.shape)
    off[17:] += np.random.default_rng(1).normal(0, 4, (11, 2))
    everywhere = np.ones(28, bool)
    assert evened(slide(off), everywhere, 0, NEAR[0]) is None
    found = evened(slide(off), everywhere, 0, NEAR[1])
    assert np.abs(np.diff(found[:, :2, 2], axis=0) - [-7.5, 1.6]).max() < 0.1


@pytest.mark.parametrize("saves", [True, False])
def test_a_path_is_straightened_where_that_saves_more_and_measured_again(monkeypatch, saves):
    line = slide(np.arange(24)[:, None] * np.array([-7.5, 1.6]))
    strayed = line.copy()
    strayed[[5, 20, 21], 0, 2] += 6
    asked = []

    def measured(H, ref, dof, field, box=None):
        return Candidate(H, ref, dof, [np.full(1, 2.0 if saves else 0.5) for _ in H])

    def refined(c, *rest):
        asked.append(c)
        again = line.copy()
        again[3, 0, 2] += 3
        return again, 2

    monkeypatch.setattr(find, "measured", measured)
    monkeypatch.setattr(find, "refined", refined)
    first = Candidate(strayed, 0, 2, [np.full(1, 1.0) for _ in strayed])
    H, c = find._even(strayed, first, [], None, SimpleNamespace(scale=0.5), 0)
    assert np.abs(H - (line if saves else strayed)).max() < 1e-6
    assert (c is first) != saves and len(asked) == (find.ONCE_MORE if saves else 0)
