"""What a sprite and the painting behind it both explain is told by where the sprite is in the other frames."""

from __future__ import annotations

import torch

from toondecompose.engine.segment.hiding import RIM, inside
from toondecompose.engine.segment.labels import frame_mass

FITS, FAILS = 0.5, 9.0  # standard deviations of misfit
SIZE, EDGE = 24, 6  # px of the picture, and of what is around the sprite in it


def _mass(sprite: float = FITS, share: float = 0.95, seen: float = 9.0, redrawn: int = 0,
          painted: bool = False) -> torch.Tensor:
    """Evidence [L, h, w] of a painting that explains all of a flat picture, and of a sprite before it, in the middle,
    whose mosaic is off by `sprite`, and which is there in `share` of `seen` other frames."""
    there = torch.zeros(2, SIZE, SIZE)
    there[0, EDGE:-EDGE, EDGE:-EDGE] = share
    there[1] = seen
    misfits = [torch.full((SIZE, SIZE), FITS), torch.full((SIZE, SIZE), sprite)]
    back, shown = torch.ones(5, SIZE, SIZE), torch.full((2 + redrawn, SIZE, SIZE), 1 / (2 + redrawn))
    theres = [None, there]
    return frame_mass(misfits, torch.full((SIZE, SIZE), 0.2), [back, back], theres, [False, False], shown, redrawn,
                      within=inside(theres, [True, painted]))


def test_black_fur_before_a_black_sky_is_the_animals_deep_within_where_it_nearly_always_is():
    """A penguin's face had holes before the night."""
    for redrawn in (0, 1):
        mass = _mass(redrawn=redrawn)
        deep = slice(EDGE + RIM, -EDGE - RIM)
        assert (mass[1, deep, deep] > 0.1).all() and (mass[0, deep, deep] < 0.01).all()
        rim = mass[1, EDGE : EDGE + RIM, deep]
        assert (rim < 0.01).all()  # whose mixture with the sky is like either


def test_what_only_the_painting_explains_is_still_its_own():
    mass = _mass(FAILS)  # a gap that one of the sprite's drawings has
    assert (mass[0] > 0.1).all() and (mass[1] < 0.01).all()


def test_where_the_sprite_often_is_not_nobody_knows():
    assert (_mass(share=0.75)[1] < 0.01).all()
    assert (_mass(seen=0.3)[1] < 0.2 * _mass()[1].max()).all()


def test_a_gap_in_a_plane_through_which_one_sky_always_shows_is_not_filled():
    assert (_mass(painted=True)[1] < 0.01).all()
