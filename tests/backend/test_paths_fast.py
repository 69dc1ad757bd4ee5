"""The motion search's fast paths beside the plain ones."""

from __future__ import annotations

import numpy as np
import pytest

from toondecompose.engine.paths.mosaic import MODE_REACH, build_mosaic, temporal_mode


def test_the_mode_is_that_of_the_plain_method():
    rng = np.random.default_rng(0)
    for s in (3, 8, 12):  # sums of twelve votes need more than a byte
        paints = rng.integers(0, 256, 4000)
        stack = np.clip(paints + rng.normal(0, 4, (s, 4000)), 0, 255).astype(np.uint8)
        stack = np.where(rng.random(stack.shape) < 0.3, rng.integers(0, 256, stack.shape), stack).astype(np.uint8)
        kept = rng.integers(0, s + 1, 4000)
        value, agree = temporal_mode(stack, kept, 12.0)
        for i in range(0, 4000, 37):
            v = stack[: kept[i], i].astype(float)
            if not len(v):
                assert agree[i] == 0
                continue
            near = np.maximum(0, MODE_REACH - np.abs(v[:, None] - v))
            m = v[(near.sum(1) - MODE_REACH).argmax()]
            for reach in (MODE_REACH, (MODE_REACH + 12.0) / 2, 12.0, 12.0):
                w = np.maximum(0, 1 - np.abs(v - m) / reach)
                m = (w * v).sum() / w.sum()
            assert value[i] == pytest.approx(m, abs=1e-3)
            assert agree[i] == pytest.approx((np.abs(v - m) < 12).mean(), abs=1e-6)


def test_every_frame_that_shows_a_pixel_is_counted_and_the_first_ones_are_kept():
    frames = np.stack([np.full((20, 30), 20 * t, np.uint8) for t in range(10)])
    H = np.tile(np.eye(3), (10, 1, 1))
    H[:, 0, 2] = -np.arange(10)
    found = build_mosaic(frames, H, np.ones(10, bool), 4)
    assert np.array_equal(found.seen[0], [min(x + 1, 10, 39 - x) for x in range(39)])
    assert found.value[0, 0] == 0 and found.value[0, 38] == 180  # shown by one frame each
    held = build_mosaic(frames[[3] * 9 + [5]], H, np.ones(10, bool), 4)
    assert (held.value[:, :30] == 60).all()
