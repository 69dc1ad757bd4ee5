"""Flat regions, mixed edges and slopes found the short way, beside the plain one."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from toondecompose.engine.segment.canvas import canvas_box, frame_boxes, slope
from toondecompose.engine.segment.edges import edge_coverage
from toondecompose.engine.segment.regions import flat_regions
from toondecompose.engine.tiles import STRIP


def test_flat_regions_are_those_of_a_plain_count():
    flat = np.random.default_rng(5).random((30, 41)) < 0.55
    regions = flat_regions(flat)
    expected = np.zeros((len(regions.area), *flat.shape))
    for y, x in np.argwhere(~flat):
        for dy, dx in itertools.product((-2, -1, 0, 1, 2), repeat=2):
            beside = 0 <= y + dy < 30 and 0 <= x + dx < 41 and {abs(dy), abs(dx)} in ({0, 1}, {1}, {0, 2}, {2})
            if beside and flat[y + dy, x + dx]:
                expected[regions.label[y + dy, x + dx], y, x] += 1
    assert np.array_equal(regions.rim.toarray(), expected.reshape(len(expected), -1))
    assert np.array_equal(regions.ring, expected.sum((1, 2)))
    assert np.array_equal(regions.area, np.bincount(regions.label.ravel()))


def test_an_edge_is_mixed_as_in_the_whole_picture():
    rng = np.random.default_rng(6)
    frame = torch.from_numpy(rng.uniform(0, 255, (3, 150, 210)).astype(np.float32))
    inside = torch.from_numpy((rng.random((150, 210)) < 0.7).astype(np.uint8))
    few = torch.tensor([70 * 210 + 100, 71 * 210 + 104, 90 * 210 + 131])
    many = torch.cat([torch.tensor([0]), few, torch.tensor([150 * 210 - 1])])
    behind = torch.from_numpy(rng.uniform(0, 255, (3, 5)).astype(np.float32))
    alone = edge_coverage(frame, behind[:, 1:4], inside, few)
    assert torch.equal(alone, edge_coverage(frame, behind, inside, many)[1:4])


def test_boxes_of_frames_are_those_of_each_by_itself():
    H = np.tile(np.eye(3), (5, 1, 1))
    H[:, 0, 2], H[:, 1, 1], H[:, 2, 0] = 3.7 * np.arange(5), 1 + 0.1 * np.arange(5), 1e-4 * np.arange(5)
    assert frame_boxes(H, (64, 48)) == [canvas_box(one[None], np.array([True]), (64, 48)) for one in H]


def test_slopes_of_strips_are_those_of_the_whole_picture():
    picture = np.random.default_rng(7).uniform(0, 255, (2, 3, 3 * STRIP // 700, 700)).astype(np.float32)
    dx, dy = np.gradient(picture, axis=3), np.gradient(picture, axis=2)
    expected = np.sqrt((dx**2 + dy**2).max(1))
    assert np.allclose(slope(torch.from_numpy(picture)).numpy(), expected, rtol=1e-5)
