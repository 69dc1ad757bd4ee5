"""Figures that the frame's edge cuts one way and that are seen whole, mirrored, on their way back."""

import numpy as np
from test_drawings import clip, drawing

from toondecompose.engine.drawings.correlate import coarse_pairs, likely_pairs
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
