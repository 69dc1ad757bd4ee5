"""Drawings are clean: nothing lies far from them that is hardly there, and what is drawn stays."""

from __future__ import annotations

import numpy as np
import pytest

from toondecompose.engine.matte.residue import residue

SIZE = 400, 300  # of the frame: two hundredths of its diagonal are 10 px


def drawing(opacity: int = 255) -> np.ndarray:
    """uint8 [h, w]: alpha of a figure with a soft rim."""
    alpha = np.zeros((300, 400), np.uint8)
    alpha[100:250, 150:250] = opacity // 2
    alpha[101:249, 151:249] = opacity
    return alpha


@pytest.mark.parametrize("opacity", [255, 90])  # a figure, and a ghost
def test_a_thin_veil_far_from_the_drawing_is_cleared(opacity: int) -> None:
    alpha = drawing(opacity)
    alpha[20:40, 300:360] = opacity // 5
    alpha[30:32, 310:316] = opacity * 4 // 5  # a gap between two planes is not equally bad everywhere
    gone = residue(alpha, SIZE)
    assert gone[20:40, 300:360].all() and not gone[90:].any()


def test_a_thick_far_piece_that_is_half_clear_in_its_middle_is_cleared() -> None:
    alpha = drawing()
    alpha[20:40, 300:320] = 90
    alpha[20:40, 312:320] = 175  # a roof that slides into the picture: clearer and clearer, never its own colour
    gone = residue(alpha, SIZE)
    assert gone[20:40, 300:320].all() and not gone[90:].any()


def test_a_speck_that_nobody_sees_is_cleared_beside_the_drawing_too() -> None:
    alpha = drawing()
    alpha[120:124, 260:266] = 12
    gone = residue(alpha, SIZE)
    assert gone.sum() == 4 * 6 and gone[120:124, 260:266].all()


@pytest.mark.parametrize("piece", [
    (slice(20, 24), slice(300, 304), 255),  # a spark, far off
    (slice(20, 60), slice(300, 302), 130),  # a thin far line, soft all along
    (slice(20, 40), slice(300, 320), 180),  # a puff that lets a little through
    (slice(120, 123), slice(255, 275), 60),  # a wisp of hair beside it
    (slice(10, 60), slice(10, 200), 40),  # smoke as large as a part of the figure
])
def test_what_is_drawn_apart_stays(piece: tuple[slice, slice, int]) -> None:
    alpha = drawing()
    alpha[piece[:2]] = piece[2]
    assert not residue(alpha, SIZE).any()


def test_a_plane_keeps_its_far_veils() -> None:
    alpha = drawing()
    alpha[20:40, 300:360] = 50
    assert not residue(alpha, SIZE, apart=False).any()


def test_one_piece_or_none_has_no_residue() -> None:
    assert not residue(drawing(), SIZE).any()
    assert not residue(np.zeros((30, 40), np.uint8), SIZE).any()
