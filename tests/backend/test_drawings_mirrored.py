"""Figures that the frame's edge cuts one way and that are seen whole, mirrored, on their way back."""

import cv2
import numpy as np
import pytest
from test_drawings import clip, drawing, groups

from toondecompose.engine.drawings import sheet as sheets
from toondecompose.engine.drawings.correlate import coarse_pairs, likely_pairs
from toondecompose.engine.drawings.expose import expose
from toondecompose.engine.drawings.patches import Patch, cut_patches
from toondecompose.engine.drawings.sheet import cut_short


def square(area: int) -> Patch:
    """A cut-out of so many px."""
    inside = np.zeros((20, 20), np.uint8)
    inside.reshape(-1)[:area] = 1
    return Patch(0, np.zeros(2), np.zeros((20, 20, 3), np.uint8), inside, inside, np.ones_like(inside))


def test_a_drawing_that_is_only_seen_cut_is_laid_on_the_largest_picture_of_every_other():
    patches = [square(a) for a in (300, 320, 120, 110, 310, 290)]
    assert cut_short(patches, np.array([0, 0, 2, 2, 4, 4])) == [(1, 2), (2, 4)]
    assert cut_short(patches, np.array([0, 0, 0, 0, 4, 4])) == []  # its whole picture is known


def test_cut_outs_that_others_are_likelier_pairs_for_are_laid_on_each_other_when_asked():
    figures = [drawing(1)] * 9 + [np.ascontiguousarray(drawing(1)[:, ::-1])] * 9
    source, masks = clip(figures, [(12.3 * t - 30, 20) for t in (*range(9), *range(9, 0, -1))])
    patches, _ = cut_patches(source, masks, None, None)
    left_out = [(int(i), 9 + int(j)) for i, j in np.argwhere(~likely_pairs(patches, True)[:9, 9:])]
    assert left_out
    alone, _ = coarse_pairs(patches, True)
    asked, _ = coarse_pairs(patches, True, besides=left_out)
    for pair in left_out:
        assert np.isinf(alone[pair]) and asked[pair] < 20
        asked[pair] = np.inf
    assert np.array_equal(alone, asked)


@pytest.mark.parametrize("size", [0.8, 1.0])
def test_a_drawing_that_the_edge_cuts_is_found_as_the_drawings_shown_around_it_come_back(size):
    poses = [1, 2, 0, 0, 2, 1]  # the first one is cut, and whole on the way back
    sides = [1, 1, 1, -1, -1, -1]
    figures = [cv2.resize(drawing(p), None, fx=s, fy=s, interpolation=cv2.INTER_AREA)[:, ::side]
               for p, side in zip(poses, sides, strict=True) for s in [1.0 if side > 0 else size] * 2]
    places = [(x, 8 + 2 * k) for k, x in enumerate((-36, 60, 140, 150, 70, 20)) for _ in range(2)]
    sheet = expose(*clip(figures, places), 1.0)
    assert groups(sheet.drawing) == [0, 0, 1, 1, 2, 2, 2, 2, 1, 1, 0, 0]
    side = np.linalg.det(sheet.H) < 0
    assert (side != side[0]).tolist() == [False] * 6 + [True] * 6


def test_a_cut_drawing_is_compared_with_its_likest_ones_however_unlike_they_are_when_small(monkeypatch):
    # where the edge cuts a figure of fine hair, its small picture falls on other px
    monkeypatch.setattr(sheets, "coarse_limit", lambda distance, book: 0.5)
    poses = [1, 1, 1, 2, 2, 2, 1, 1, 1]
    places = [(-36 + 50 * (t // 3), 20) for t in range(9)]
    sheet = expose(*clip([drawing(p) for p in poses], places), 1.0)
    assert groups(sheet.drawing) == [p - 1 for p in poses]
