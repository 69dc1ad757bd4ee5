"""Dark shots are looked at as if they were lit."""

from __future__ import annotations

import numpy as np
import pytest
from small_clips import walking_clip

from toondecompose.engine import shot
from toondecompose.engine.clip import source_from_array
from toondecompose.engine.dim import LIT, darkness, lit


def test_only_a_dark_shot_is_brightened_and_a_moon_does_not_make_it_light():
    day = walking_clip(4)["frames"]
    assert darkness(source_from_array(day)) == 1.0
    night = np.rint(day * 0.3).astype(np.uint8)
    night[:, 4:20, 4:40] = 255
    gain = darkness(source_from_array(night))
    bright = lit(source_from_array(night), gain).read(1)
    assert gain > 2 and abs(np.quantile(bright.max(-1), 0.95) - LIT) < 12
    assert bright[8, 8].min() == 255 and bright[100, 100].max() < 255


class Found(Exception):
    """Raised in place of the search for motions."""


def test_motions_are_looked_for_in_the_lit_frames_of_a_dark_shot(monkeypatch):
    night = np.rint(walking_clip(3)["frames"] * 0.2).astype(np.uint8)

    def look(source, *_, **__):
        assert source.read(1).max() > 2 * night[1].max()
        raise Found

    class Nothing:
        def stage(self, _name, _key, compute):
            return compute()

        def glimpse(self, source):
            assert (source.read(1) == night[1]).all()

    monkeypatch.setattr(shot, "find_paths", look)
    source, nothing = source_from_array(night), Nothing()
    with pytest.raises(Found):
        shot.decompose_shot(source, shot.ShotSettings(2), nothing, "", "", lambda _: lambda fraction: None, nothing)
