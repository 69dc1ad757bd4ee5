"""Px that hold two of a drawing's paints at once, and what must not be taken for them."""

import numpy as np
import pytest
import torch
from test_matte_edges import pooled

from toondecompose.engine.matte.alpha import cut_out
from toondecompose.engine.matte.mixes import mixed
from toondecompose.engine.matte.moments import GREY

SKIN, LINE, GRASS = (np.float32(c)[:, None, None] for c in ([229, 195, 170], [30, 14, 8], [22, 44, 18]))
NOISE = 1.5


def arm(size=120, radius=36, soft=3.0):
    """A pale disc whose rim is shaded into a dark line, with a dark sleeve, before dark grass -> (RGB seen, grass, true
    alpha)."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    deep = radius - np.hypot(y - size / 2, x - size / 2)
    alpha = np.clip(deep / 1.5 + 0.5, 0, 1)
    line = np.exp(-((np.maximum(deep - 1.5, 0) / soft) ** 2))
    line = np.where(np.abs(y - size / 2) < 10, 1, line)
    grass = np.broadcast_to(GRASS, (3, size, size))
    return alpha * (line * LINE + (1 - line) * SKIN) + (1 - alpha) * grass, grass, alpha


@pytest.mark.parametrize("off", [0, 2])
def test_blends_of_a_pale_fill_and_a_dark_line_are_no_holes_before_a_dark_background(off):
    seen, grass, alpha = arm()
    mask = np.roll(alpha > 0.5, off, (0, 1)).astype(np.float32)
    cut = cut_out(pooled(seen, grass, mask), NOISE, 1.5).alpha.numpy()
    assert np.count_nonzero(cut[alpha > 0.95] < 0.5) == 0
    assert cut[alpha == 0].max() < 0.3


def asked(seen, found, inside=0.0, behind=(22, 44, 18), noise=NOISE):
    """mixed() of one px with skin beside it, ink among the paints -> (colour, how far off that is, how far
    `found` alone is). Levels 0..255."""
    levels = lambda c: torch.tensor(c, dtype=torch.float32)[:, None] - GREY  # noqa: E731
    D, u = (levels(c) - levels(behind) for c in (seen, found))
    off = (D - (D * u).sum() / (u * u).sum() * u).norm()[None]
    skin, ink = (levels(c.ravel().tolist()) for c in (SKIN, LINE))
    colour, left = mixed(levels(seen), levels(behind), skin, levels(found), off, torch.stack([skin[:, 0], ink[:, 0]]),
                         torch.tensor([inside]), noise)
    return (colour + GREY)[:, 0].tolist(), float(left), float(off)


def test_a_px_that_no_one_paint_explains_is_a_mix_of_two():
    half = ((SKIN + LINE) / 2).ravel().tolist()
    colour, left, off = asked(half, SKIN.ravel().tolist())
    assert off > 8 and left < 1
    assert np.abs(np.subtract(colour, half)).max() < 1


def test_a_blend_of_one_paint_with_the_background_stays_one():
    third = (SKIN / 3 + GRASS * 2 / 3).ravel().tolist()
    colour, left, off = asked(third, SKIN.ravel().tolist())
    assert left == off and np.allclose(colour, SKIN.ravel(), atol=1e-3)


def test_noise_makes_no_mixes():
    half = ((SKIN + LINE) / 2).ravel().tolist()
    _, _, off = asked(half, SKIN.ravel().tolist())
    colour, _, _ = asked(half, SKIN.ravel().tolist(), noise=off / 2)
    assert np.allclose(colour, SKIN.ravel(), atol=1e-3)


def test_what_darkens_everything_beside_the_masks_is_a_shadow_and_no_mix():
    pavement, half = (190, 184, 172), ((SKIN + LINE) / 2).ravel().tolist()
    outside = asked(half, LINE.ravel().tolist(), 0.2, pavement)
    assert outside[1] == outside[2] > 8
    within = asked(half, LINE.ravel().tolist(), 0.9, pavement)
    assert within[1] < 1
