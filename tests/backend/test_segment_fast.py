"""The segmentation's fast paths beside the plain ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from toondecompose.engine.segment.canvas import sample_planes
from toondecompose.engine.segment.mosaic import VOTE_RANGE, build_mosaic, temporal_mode
from toondecompose.engine.warp import warp


def test_a_shift_samples_like_a_warp():
    picture = torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (5, 20, 30)).astype(np.float32))
    for x, y in ((0, 0), (3.3, -2.7), (-8.25, 4), (29.6, 0.5), (-40, 0), (0, 55)):
        to_picture = np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
        got, inside = sample_planes(picture, to_picture, (26, 18))
        expected = warp(picture, np.linalg.inv(to_picture), (26, 18), border="border")
        assert torch.allclose(got, expected, atol=0.01)
        column, row = np.arange(26) + 0.5 + x, np.arange(18) + 0.5 + y
        there = ((row >= 0) & (row <= 20))[:, None] & ((column >= 0) & (column <= 30))
        assert np.array_equal(inside.numpy() > 0, there)


def test_a_turned_sampling_takes_planes_four_at_a_time_alike():
    picture = torch.from_numpy(np.random.default_rng(1).uniform(0, 255, (6, 40, 60)).astype(np.float32))
    m = np.array([[0.98, -0.1, 4], [0.1, 1.02, -2], [1e-4, 0, 1]])
    got, _ = sample_planes(picture, m, (50, 36))
    for i in range(6):
        alone, _ = sample_planes(picture[i : i + 1], m, (50, 36))
        assert torch.allclose(got[i], alone[0], atol=255 / 32)  # positions are rounded to 1/32 px


@pytest.mark.parametrize("n", [3, 8, 40])
def test_the_mode_is_the_colour_with_most_votes_of_all_samples(n):
    rng = np.random.default_rng(n)
    count = 400
    own = rng.integers(0, 256, (3, 1, count))
    samples = np.clip(own + rng.normal(0, 1.5, (3, n, count)), 0, 255).round()
    other = rng.integers(0, 256, (3, n, count))  # what hides it differs from frame to frame
    hidden = rng.random((n, count)) < rng.uniform(0, 0.8, count)
    samples = torch.from_numpy(np.where(hidden, other, samples).astype(np.uint8))
    weight = torch.from_numpy(rng.uniform(0.2, 1, (n, count)).astype(np.float32))
    mode, votes, scatter = temporal_mode(samples, weight)
    level = samples.float()
    score = torch.stack([((VOTE_RANGE - (level - level[:, i : i + 1]).abs().sum(0)).clamp_min(0) * weight).sum(0)
                         for i in range(n)])
    found = ((VOTE_RANGE - (level - mode[:, None]).abs().sum(0)).clamp_min(0) * weight).sum(0)
    assert (found > 0.8 * score.amax(0)).float().mean() > (0.97 if n <= 8 else 0.9)  # only the heaviest are candidates
    assert (votes <= weight.sum(0) + 1e-4).all() and (scatter < VOTE_RANGE).all()


def test_a_pan_in_columns_makes_the_mosaic_of_the_whole():
    rng = np.random.default_rng(0)
    strip = np.repeat(np.repeat(rng.integers(0, 256, (9, 40, 3), np.uint8), 4, 0), 4, 1)
    frames = np.stack([strip[:, 4 * t : 4 * t + 64] for t in range(24)])
    H = np.tile(np.eye(3), (24, 1, 1))
    H[:, 0, 2] = -4.0 * np.arange(24)
    pan = build_mosaic(torch.from_numpy(frames).permute(0, 3, 1, 2), H, np.ones(24, bool))
    assert np.array_equal(pan.colour.round().numpy().astype(np.uint8), strip[:, :156].transpose(2, 0, 1))
    assert (pan.votes == pan.seen).all() and float(pan.scatter.max()) == 0
