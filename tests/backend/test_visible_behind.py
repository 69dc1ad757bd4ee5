"""What a translucent sprite lets through of another one that is redrawn was guessed: nothing is concluded from it."""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.drawings import sheet
from toondecompose.engine.drawings.match import Book, match
from toondecompose.engine.drawings.patches import GAP, Patch, near_guesses, without_background
from toondecompose.engine.drawings.pixels import shift
from toondecompose.engine.types import ExposureSheet, SolvedLayer, as_drawings
from toondecompose.engine.visible import sprites_behind

SIZE = 60, 40


def layer(kind: str, boxes: list[tuple[slice, slice]]) -> SolvedLayer:
    """A layer with a drawing for each box that it fills, moved 10 px to the right in the second frame."""
    drawings = []
    for box in boxes:
        rgba = np.zeros((40, 60, 4), np.uint8)
        rgba[box] = 255
        drawings.append(rgba)
    H = np.tile(np.eye(3), (3, 1, 1))
    H[1, 0, 2] = 10
    return SolvedLayer("one", kind, as_drawings(drawings), np.array([0, 0, -1]), H, np.ones(3), "translation", 1.0)


def test_any_drawing_of_a_sprite_behind_may_be_the_one_that_is_hidden() -> None:
    walker = layer("sprite", [(slice(10, 20), slice(5, 15)), (slice(20, 30), slice(5, 15))])
    behind = sprites_behind([layer("background", [(slice(0, 40), slice(0, 60))]), walker, walker], 2, SIZE)
    assert (behind(1, SIZE) > 0).sum() == 20 * 10 and (behind(1, SIZE)[10:30, 15:25] > 0).all()
    assert not behind(2, SIZE).any()  # it is not shown
    assert (behind(0, (30, 20))[5:15, 3:7] > 0).all()


def test_drawings_that_may_be_hidden_lie_to_each_other_as_the_sheet_has_them() -> None:
    """A draft puts each drawing where its first sheet did; a later one has measured how they follow each other."""
    walker = layer("sprite", [(slice(10, 20), slice(5, 15)), (slice(20, 30), slice(35, 45))])
    walker.exposure[1], walker.H[1, 0, 2] = 1, -30
    plane = layer("background", [(slice(0, 40), slice(0, 60))])
    H = np.tile(np.eye(3), (3, 1, 1))
    H[0, 0, 2] = 2
    sheet = ExposureSheet(np.array([0, 1, -1]), H, SIZE, "translation")
    behind = sprites_behind([plane, walker, walker], 2, SIZE, [None, sheet])
    assert (behind(0, SIZE) > 0).sum() == 20 * 10
    assert (behind(0, SIZE)[10:20, 5:15] > 0).all() and (behind(0, SIZE)[20:30, 7:17] > 0).all()
    assert (sprites_behind([plane, walker, walker], 2, SIZE)(0, SIZE)[20:30, 35:45] > 0).all()


def test_a_sprite_of_one_drawing_and_a_plane_are_known_behind() -> None:
    still = layer("sprite", [(slice(10, 20), slice(5, 15))])
    plane = layer("background", [(slice(10, 20), slice(5, 15)), (slice(20, 30), slice(5, 15))])
    assert not sprites_behind([plane, still, plane], 2, SIZE)(0, SIZE).any()


def test_nothing_is_compared_where_a_guess_shines_through() -> None:
    ones = np.ones((40, 60), np.uint8)
    plate = np.full((40, 60, 3), 90, np.uint8), 2 * ones
    patch = Patch(0, np.zeros(2), np.full((40, 60, 3), 150, np.uint8), ones, ones, ones, (plate,))
    guessed = np.zeros((50, 70), np.uint8)
    guessed[20, 30] = 255
    cut = without_background(patch, 0.4, near_guesses(patch, guessed))
    assert not cut.valid[20 - GAP:21 + GAP, 30 - GAP:31 + GAP].any() and cut.valid[:, :30 - GAP].all()
    assert (without_background(patch, 0.4).inside == 1).all()


def test_exposures_that_differ_only_by_a_guess_behind_them_show_one_drawing() -> None:
    rng = np.random.default_rng(3)
    ones, plate = np.ones((40, 60), np.uint8), (np.full((40, 60, 3), 90, np.uint8), np.full((40, 60), 2, np.uint8))
    drawn = cv2.resize(rng.integers(60, 200, (8, 12, 3)).astype(np.uint8), (60, 40))
    other = drawn.copy()
    other[5:25, 10:30] = 255 - other[5:25, 10:30]  # somebody shines through, elsewhere than was guessed
    shown = np.zeros((40, 60), np.uint8)
    shown[5:25, 10:30] = 1
    patches = [Patch(t, np.zeros(2), picture, ones, ones, ones, (plate,)) for t, picture in enumerate((drawn, other))]
    book = Book(patches, 0.0, unsure=lambda _: shown)
    book.take_off(0.3)
    match(book, 0, 1, np.eye(3), (0,))
    assert book.score[0, 1] < 1
    blind = Book(patches, 0.0)
    blind.take_off(0.3)
    match(blind, 0, 1, np.eye(3), (0,))
    assert blind.score[0, 1] > 1
    nearly_all = Book(patches, 0.0, unsure=lambda _: np.pad(ones[:36], ((0, 4), (0, 0))))
    nearly_all.take_off(0.3)
    match(nearly_all, 0, 1, np.eye(3), (0,))
    assert np.isnan(nearly_all.score[0, 1])  # the few px left conclude nothing, and neither does what differs elsewhere
    assert nearly_all.untold == {(0, 1)}


def test_a_pair_of_which_nothing_could_be_said_is_looked_at_again_where_others_place_it(monkeypatch) -> None:
    ones = np.ones((40, 60), np.uint8)
    patches = [Patch(t, np.zeros(2), np.full((40, 60, 3), 150, np.uint8), ones, ones, ones) for t in range(3)]
    book = Book(patches, 0.0)
    for i, j, x in ((0, 2, 3.0), (1, 2, 1.0)):
        book.link[i, j], book.link[j, i] = shift(x, 0), shift(-x, 0)
        book.score[i, j] = book.score[j, i] = 0
    asked = []
    monkeypatch.setattr(sheet, "match", lambda book, i, j, start, dofs: asked.append((i, j, start[0, 2])))
    sheet.second_chance(book, [], (2,))
    assert asked == []
    book.untold.add((0, 1))
    sheet.second_chance(book, [], (2,))
    assert asked == [(0, 1, 2.0)]
