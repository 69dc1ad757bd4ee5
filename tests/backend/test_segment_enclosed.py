"""A plain shirt is no wall, though the wall's place behind it looks white in every frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.segment.enclosed import enclosed
from toondecompose.engine.segment.labels import add_rims
from toondecompose.engine.segment.layers import Rigid, mosaics
from toondecompose.engine.segment.regions import flat_regions

H, W = 90, 160


def lines(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """float32 [h, w]: outlines of 2 px of boxes (x0, y0, x1, y1)."""
    out = np.zeros((H, W), np.float32)
    for x0, y0, x1, y1 in boxes:
        cv2.rectangle(out, (x0, y0), (x1, y1), 1.0, 2)
    return out


@pytest.mark.parametrize("box", [(40, 20, 90, 60), (40, 40, 90, 100)])  # the second is cut by the frame's lower edge
def test_what_redrawn_lines_surround_is_inside_them(box):
    drawn = lines(box)
    inside = enclosed(flat_regions(drawn == 0), np.stack([np.zeros_like(drawn), drawn]), 1)
    assert inside[45:55, 45:85].all() and not inside[:, :35].any()


def test_a_sky_around_somebody_is_not_inside_his_outline():
    drawn = lines((60, 30, 90, 60))
    inside = enclosed(flat_regions(drawn == 0), np.stack([np.zeros_like(drawn), drawn]), 1)
    assert not inside[:25].any() and not inside[:, :55].any()


def test_a_pane_in_a_wall_is_not_inside_redrawn_lines():
    wall, drawn = lines((20, 20, 60, 60)), lines((62, 20, 90, 60))
    inside = enclosed(flat_regions((wall + drawn) == 0), np.stack([wall, drawn]), 1)
    assert not inside[25:55, 25:55].any()


def test_a_region_inside_redrawn_lines_is_theirs_though_the_wall_is_within_its_rims_reach():
    drawn, wall = lines((40, 20, 90, 60)), np.zeros((H, W), np.float32)
    wall[19:22, 40:90] = drawn[19:22, 40:90]  # a soft stretch of the outline, which a mosaic of the wall explains
    drawn = drawn - wall
    regions = [flat_regions((wall + drawn) == 0)]
    mass = torch.from_numpy(np.stack([wall, drawn]))[:, None]
    inside = torch.from_numpy(enclosed(regions[0], np.stack([0 * wall, wall + drawn]), 1)[None].astype(np.uint8))
    shirt = np.s_[0, 30:50, 50:80]
    assert (add_rims(mass, regions)[0][shirt] > 0).all()
    decided = add_rims(mass, regions, inside=inside)
    assert (decided[1][shirt] > 0).all() and (decided[0][shirt] == 0).all()


def test_what_is_inside_redrawn_lines_is_no_part_of_a_walls_mosaic():
    count = 4
    frames = torch.full((count, 3, H, W), 235, dtype=torch.uint8)
    p = torch.ones(2, count, H, W)
    p[1] = 0
    inside = torch.zeros(count, H, W, dtype=torch.uint8)
    inside[:, 20:60, 40:90] = 1
    rigid = Rigid([np.tile(np.eye(3), (count, 1, 1))], [np.ones(count, bool)], [True])
    (known,) = mosaics(frames, rigid, p, p, inside=inside)[0].values()
    assert float(known.votes[25:55, 45:85].max()) == 0 and float(known.votes[:15].min()) > 0
