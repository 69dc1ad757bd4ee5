"""Drawings that come back turned or at another size, of a sprite that only slides while a drawing is held."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from test_drawings import clip, drawing, groups

from toondecompose.engine.drawings.again import misplaced
from toondecompose.engine.drawings.expose import expose
from toondecompose.engine.drawings.match import Book
from toondecompose.engine.drawings.patches import cut_patches
from toondecompose.engine.drawings.turn import best_turn, likeness, turning

POSES = [0, 1, 2, 0, 1, 2, 0, 1]


def walks(sizes: list[float], poses: list[int] = POSES, mouths: list[int] | None = None):
    """Source and masks of a figure that is held on twos and jumps to its next size with every drawing."""
    mouths = mouths or [0] * len(poses)
    figures = [cv2.resize(drawing(p, bool(m)), None, fx=s, fy=s, interpolation=cv2.INTER_AREA)
               for p, m, s in zip(poses, mouths, sizes, strict=True) for _ in range(2)]
    return clip(figures, [(10 + 14 * (t // 2), 6 + 3 * (t // 2)) for t in range(len(figures))])


@pytest.mark.parametrize("nearer", [True, False])
def test_who_comes_nearer_on_twos_or_goes_away_shows_the_same_drawings(nearer):
    sizes = [0.55 * 1.13**k for k in range(len(POSES))]
    sizes = sizes if nearer else sizes[::-1]
    sheet = expose(*walks(sizes), 1.0)
    assert groups(sheet.drawing) == [p for p in POSES for _ in range(2)]
    assert sheet.model == "similarity"
    for one, two in ((0, 6), (2, 8), (4, 10)):
        grown = np.sqrt(np.linalg.det((sheet.H[two] @ np.linalg.inv(sheet.H[one]))[:2, :2]))
        assert grown == pytest.approx(sizes[two // 2] / sizes[one // 2], rel=0.02)


def test_what_spins_on_twos_shows_one_drawing():
    wheel = np.zeros((104, 104, 4), np.uint8)
    cv2.circle(wheel, (52, 52), 48, (40, 30, 40, 255), -1, cv2.LINE_AA)
    for k, colour in enumerate(((220, 70, 60), (250, 240, 230), (60, 110, 190), (250, 200, 80))):
        cv2.ellipse(wheel, (52, 52), (44, 44), 0, 90 * k + 3, 90 * k + 87, (*colour, 255), -1, cv2.LINE_AA)
    spun = [cv2.warpAffine(wheel, cv2.getRotationMatrix2D((51.5, 51.5), -48.0 * k, 1.0), (104, 104),
                           flags=cv2.INTER_CUBIC) for k in range(8) for _ in range(2)]
    sheet = expose(*clip(spun, [(4 + 10 * (t // 2), 20 + 4 * (t // 2)) for t in range(16)]), 1.0)
    assert set(sheet.drawing.tolist()) == {0}
    turn = sheet.H[2] @ np.linalg.inv(sheet.H[0])
    assert np.degrees(np.arctan2(turn[1, 0], turn[0, 0])) == pytest.approx(48.0, abs=0.5)
    assert sheet.model == "similarity"


def test_who_comes_back_mirrored_and_farther_away_on_twos_shows_the_same_drawings():
    poses = [1, 2, 1, 2]
    figures = [cv2.resize(drawing(p), None, fx=s, fy=s, interpolation=cv2.INTER_AREA)[:, :: 1 if s == 1 else -1]
               for p, s in zip(poses, [1, 1, 0.8, 0.8], strict=True) for _ in range(2)]
    sheet = expose(*clip(figures, [(10 + 28 * (t // 2), 6 + 3 * (t // 2)) for t in range(8)]), 1.0)
    assert groups(sheet.drawing) == [p - 1 for p in poses for _ in range(2)]
    assert (np.linalg.det(sheet.H) < 0).tolist() == [False] * 4 + [True] * 4


@pytest.mark.parametrize("lies_badly", [True, False])
def test_a_pair_that_agrees_but_lies_badly_is_looked_at_in_richer_motions(lies_badly):
    patches, noise = cut_patches(*walks([0.8, 0.84], [0, 0])[:2], None, None)
    book = Book(patches[::2], noise)
    one, two = (np.argwhere(p.body).mean(0)[::-1] + 0.5 for p in book.patches)
    book.link[0, 1] = np.array([[1, 0, two[0] - one[0]], [0, 1, two[1] - one[1]], [0, 0, 1]])
    book.score[:], book.fit[:], book.deviation[:] = 4.0, 0.99, 0.2 if lies_badly else 0.05
    assert misplaced(book, (2, 4)) == lies_badly
    assert (book.score[0, 1] < 1) == lies_badly
    if lies_badly:
        assert np.sqrt(np.linalg.det(book.link[0, 1][:2, :2])) == pytest.approx(1.05, abs=0.01)


def test_a_mouth_that_opens_as_the_figure_comes_nearer_makes_another_drawing():
    poses, mouths = [2] * 6, [0, 1] * 3
    sheet = expose(*walks([0.9 * 1.12**k for k in range(6)], poses, mouths), 1.0)
    shown = groups(sheet.drawing)[::2]
    assert all(a != b for a, b in pairwise(shown))


def test_all_pairs_are_as_alike_at_once_as_one_by_one():
    patches, _ = cut_patches(*walks([0.8] * 8)[:2], None, None)
    spectra = [turning(p) for p in patches[::2]]
    expected = [[best_turn(one, two)[1] for two in spectra] for one in spectra]
    assert likeness(spectra, spectra) == pytest.approx(np.array(expected), abs=1e-5)
    assert likeness(spectra, spectra)[0, 3] > 0.99
