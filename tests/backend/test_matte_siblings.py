"""Drawings of few exposures borrow the outline of drawings that are the same but for a part."""

from types import SimpleNamespace

import numpy as np
import torch

from toondecompose.engine.matte.alpha import cut_out
from toondecompose.engine.matte.moments import Exposure, Moments, add, empty_moments
from toondecompose.engine.matte.siblings import FEW, lend, siblings, silhouettes
from toondecompose.engine.matte.state import Drawing

SIDE, BODY = 120, slice(20, 100)  # a square figure on a square canvas


def seen(behind: int, mouth: bool = False, moved: int = 0, frames: int = 2, halo: int = 0) -> Moments:
    """A figure before a flat background: with its mouth open or shut, in another pose, or with a faint halo so many px
    wide around it."""
    colour = torch.full((3, SIDE, SIDE), float(behind))
    glow = slice(20 - halo, 100 + halo), slice(20 + moved - halo, 100 + moved + halo)
    colour[(slice(None), *glow)] = 0.9 * behind + 0.1 * 240
    colour[:, BODY, slice(20 + moved, 100 + moved)] = 200.0
    colour[:, 50:60, 20 + moved:100 + moved:4] = 40.0  # lines of its coat
    if mouth:
        colour[:, 55:65, 55:65] = 90.0
    mask = torch.zeros(SIDE, SIDE)
    mask[glow] = 1.0
    whole, out = torch.ones(SIDE, SIDE), empty_moments((0, 0, SIDE, SIDE), "cpu")
    for _ in range(frames):
        add(out, Exposure((slice(0, SIDE), slice(0, SIDE)), colour, torch.full_like(colour, float(behind)), whole, mask,
                          whole))
    return out


def test_the_outline_is_borrowed_and_what_differs_is_not():
    mine = seen(60, mouth=True)
    where = lend(mine, seen(140, frames=5), 0.0, 6.0)
    assert torch.equal(where, mine.n == 7)
    assert mine.count == 7
    assert float(mine.n[20, 60]) == float(mine.n[80, 20]) == 7  # the outline
    assert float(mine.n[60, 60]) == 2  # the mouth, and
    assert float(mine.n[75, 75]) == 2  # what lies deep inside: its own colour is told well enough
    assert float(mine.b[0, 20, 60]) == 2 * (60 - 128) + 5 * (140 - 128)


def test_a_borrowed_outline_does_not_make_a_whole_drawing_translucent():
    """Of a drawing shown once, only what is borrowed tells how much shines through: a halo, and not the figure."""
    mine = seen(60, frames=1, halo=9)
    where = lend(mine, seen(140, frames=5, halo=9), 0.0, 7.0)
    assert cut_out(mine, 0.0, 1.5).through > 0.5
    cut = cut_out(mine, 0.0, 1.5, borrowed=where)
    assert cut.through == 0
    assert float(cut.alpha[60, 60]) == 1 and float(cut.alpha[60, 15]) < 0.2


def test_nothing_is_borrowed_from_another_pose():
    mine = seen(60)
    assert lend(mine, seen(140, moved=15), 0.0, 6.0) is None
    assert float(mine.n.max()) == 2 and mine.count == 2


def state_of(frames: dict[int, list[int]], left: dict[int, int]) -> SimpleNamespace:
    """A layer whose drawings are squares of 40 px, at so many px from the left, seen by frames that cut them."""
    count = 1 + max(t for some in frames.values() for t in some)
    masks = np.zeros((count, 60, 80), np.uint8)
    for d, some in frames.items():
        for t in some:
            masks[t, 10:50, left[d]:left[d] + 40] = 255
    H = np.tile(np.eye(3), (count, 1, 1))
    H[count // 2:, 0, 2] = -20.0  # the pan: later frames show less of what lies left
    for t in range(count // 2, count):
        masks[t] = np.roll(masks[t], -20, 1)
        masks[t, :, -20:] = 0
    drawings = {d: Drawing((0, 0, 80, 60), some) for d, some in frames.items()}
    return SimpleNamespace(drawings=drawings, H=H, given=SimpleNamespace(masks=masks))


def test_a_drawing_of_few_exposures_borrows_from_the_most_exposed_one_of_its_silhouette():
    frames = {0: [6, 7, 8], 1: [0, 1], 2: list(range(2, 6)), 3: list(range(9, 9 + FEW))}
    state = state_of(frames, {0: 10, 1: 10, 2: 12, 3: 30})
    shapes = silhouettes(state, (80, 60))
    assert siblings(state, shapes, 0) == [[2, 3, 4, 5]]
    assert siblings(state, shapes, 2) == []  # nobody of its silhouette was shown more often
    assert siblings(state, shapes, 3) == []  # it has enough of its own
