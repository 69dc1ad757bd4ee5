"""Drawings that the frame cuts off go on beyond its edge only where another drawing continues their lines."""

from __future__ import annotations

import numpy as np
import torch

from toondecompose.engine.matte.complete import complete_drawings
from toondecompose.engine.matte.state import Drawing, LayerState
from toondecompose.engine.matte.types import LayerToSolve

SIZE = 80, 60  # of the frame; the canvas goes on below it
CANVAS = 80, 100


def figure(shift: int) -> torch.Tensor:
    """Premultiplied uint8 [4, h, w]: a body with stripes that lie elsewhere in every pose."""
    out = np.zeros((4, CANVAS[1], CANVAS[0]), np.uint8)
    out[3, 10:95, 20:60] = 255
    out[:3, 10:95, 20:60] = 175
    for x in range(20 + shift, 60, 8):
        out[:3, 10:95, x:x + 4] = 220
    return torch.from_numpy(out)


def sprite(other_shift: int, hidden: bool = False) -> LayerState:
    """A pose that is cut off at the frame's lower edge, or if `hidden` only by something before it, and another one
    that is seen as a whole, 40 px higher up."""
    H = np.tile(np.eye(3), (2, 1, 1))
    H[1 if not hidden else slice(None), 1, 2] = -40
    masks = np.zeros((2, 60, 80), np.uint8)
    state = LayerState(LayerToSolve("figure", "sprite", H, np.array([0, 1]), masks), H, CANVAS, 1.0)
    cut, whole = figure(0), figure(other_shift)
    known = torch.ones((CANVAS[1], CANVAS[0]), dtype=torch.bool)
    known[60:] = False
    cut[:, 60:] = 0
    state.drawings = {0: Drawing((0, 0, *CANVAS), [0], cut, known),
                      1: Drawing((0, 0, *CANVAS), [1], whole, torch.ones_like(known))}
    return state


def test_a_figure_that_the_frame_cuts_off_goes_on_as_in_a_drawing_that_fits():
    state = sprite(0)
    assert complete_drawings(state, SIZE) > 0
    assert torch.equal(state.drawings[0].picture, figure(0))


def test_a_figure_that_the_frame_cuts_off_does_not_go_on_in_another_pose():
    state = sprite(3)
    assert complete_drawings(state, SIZE) == 0
    assert int(state.drawings[0].picture[3, 60:].max()) == 0


def test_what_something_hides_within_the_frame_is_filled_as_well_as_can_be():
    state = sprite(3, hidden=True)
    assert complete_drawings(state, SIZE) > 0
    assert int(state.drawings[0].picture[3, 70, 40]) == 255
