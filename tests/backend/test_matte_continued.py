"""A flat background is followed into the pockets of an outline where no mask ever let it be seen."""

import numpy as np
import torch

from toondecompose.engine.matte.alpha import cut_out
from toondecompose.engine.matte.continued import continued_background
from toondecompose.engine.matte.evidence import gather
from toondecompose.engine.matte.moments import GREY, Moments

SKY, FIR, SNOW = (70.0, 150.0, 190.0), (20.0, 80.0, 40.0), (230.0, 232.0, 240.0)
COUNT = 4


def trees(pocket=SKY, ground=FIR):
    """A row of trees before a sky, with a pocket that the masks have closed, pooled from COUNT equal exposures ->
    (its moments, the masks, the pocket)."""
    y, x = np.mgrid[:90, :140]
    trees = y > 45
    hole = (np.abs(x - 70) < 16) & (y > 40) & (y < 70)
    shown = np.where(hole, np.array(pocket)[:, None, None], np.array(SKY)[:, None, None] * ~trees
                     + np.array(FIR)[:, None, None] * trees)
    shown[:, (y > 78)] = np.array(ground)[:, None]
    c = torch.from_numpy(shown.astype(np.float32)) - GREY
    b = torch.from_numpy(np.broadcast_to(np.array(SKY, np.float32)[:, None, None], shown.shape).copy()) - GREY
    n = torch.full(y.shape, float(COUNT))
    mask = trees.astype(np.float32)
    sure = torch.from_numpy((~trees).astype(np.float32))  # behind the masks nothing is known
    m = Moments(n, COUNT * c, COUNT * b, COUNT * (c * b).sum(0), COUNT * (b * b).sum(0), COUNT * (c * c).sum(0),
                COUNT * torch.from_numpy(mask), COUNT * sure, COUNT)
    return m, mask, hole & trees


def found_in(m, mask):
    outer = np.where(mask > 0.5, 0, 99).astype(np.float32)
    return continued_background(gather(m, outer, 1.5, 1.5, True), mask)


def test_a_sky_goes_on_to_the_end_of_a_pocket():
    m, mask, pocket = trees()
    found = found_in(m, mask)
    assert found[pocket].mean() > 0.8
    assert not found[~pocket].any()
    cut = cut_out(m, 1.5, 1.5)
    assert float(cut.alpha[torch.from_numpy(pocket)].mean()) < 0.1
    assert float(cut.alpha[60, 20]) == 1


def test_a_patch_of_another_colour_is_the_drawing():
    m, mask, _ = trees(pocket=SNOW)
    assert not found_in(m, mask).any()


def test_a_colour_that_the_drawing_has_elsewhere_proves_nothing():
    m, mask, _ = trees(ground=SKY)
    assert not found_in(m, mask).any()
