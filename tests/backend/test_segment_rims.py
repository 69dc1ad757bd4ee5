"""A rigid sprite's rim, which no layer explains, is not a redrawn sprite's that is far away."""

from __future__ import annotations

import numpy as np
import torch

from toondecompose.engine.segment.layers import Rigid
from toondecompose.engine.segment.refine import refine

COUNT, H, W = 8, 120, 240


def _shot() -> tuple[torch.Tensor, Rigid, torch.Tensor]:
    """A ghost's sheet that slides, its rim let through more or less, and somebody drawn anew at the other end."""
    rng = np.random.default_rng(5)
    back, sheet = (blots(rng, shape) for shape in ((H, W), (40, 40)))
    frames = np.repeat(back[None], COUNT, 0)
    label = np.zeros((COUNT, H, W), int)
    ways = np.tile(np.eye(3), (COUNT, 1, 1))
    for t in range(COUNT):
        x = 30 + 5 * t
        ways[t, 0, 2] = x
        frames[t, 18:62, x - 2 : x + 42] = blots(rng, (44, 44))  # the rim: never the same
        frames[t, 20:60, x : x + 40] = sheet
        label[t, 18:62, x - 2 : x + 42] = 1
        frames[t, 80:110, 190 : 210 + t] = rng.integers(0, 256, 3)
        label[t, 80:110, 190 : 210 + t] = 2
    ways[:, 1, 2] = 20
    still, always = np.tile(np.eye(3), (COUNT, 1, 1)), np.ones(COUNT, bool)
    p = torch.from_numpy(np.stack([label == k for k in range(3)])).to(torch.float16)
    return (torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous(), Rigid([still, ways], [always, always],
            [True, False]), p)


def blots(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Blots of 4 x 4 px: uint8 [h, w, 3]."""
    small = rng.integers(0, 256, (-(-shape[0] // 4), -(-shape[1] // 4), 3), np.uint8)
    return small.repeat(4, 0).repeat(4, 1)[: shape[0], : shape[1]]


def test_a_rim_that_nobody_explains_is_not_a_redrawn_sprites_far_away():
    """A witch's glow was a pirate's who ran below her."""
    frames, rigid, p = _shot()
    masks = refine(frames, rigid, p, p.clone(), [0, 1, 2], 0.0, 1, {})[0]
    for t in range(COUNT):
        assert not (masks[2, t, :70] > 127).any()
        assert (masks[2, t, 85:105, 195:205] > 127).all()
