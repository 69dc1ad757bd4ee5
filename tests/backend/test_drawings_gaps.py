"""Gaps that masks have filled: what passes behind a gap is told from what is drawn."""

import numpy as np
from test_drawings import clip, drawing

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.drawings.gaps import passing
from toondecompose.engine.drawings.match import Book, match
from toondecompose.engine.drawings.patches import cut_patches

COUNT, PAN, ODD = 12, 2, 6
EYE = slice(36, 54), slice(78, 102)  # a flat white patch of the figure, frame px


def book_of(frames: np.ndarray, masks: np.ndarray) -> Book:
    """A held figure before a pan, and all pairs compared where it stands."""
    patches, noise = cut_patches(source_from_array(frames), masks, None, None)
    book = Book([p for p in patches if p is not None], noise)
    slide = np.tile(np.eye(3), (COUNT, 1, 1))
    slide[:, 0, 2] = -PAN * np.arange(COUNT)
    book.planes = [(slide, np.ones(COUNT, bool))]
    for i in range(COUNT):
        for j in range(i + 1, COUNT):
            match(book, i, j, np.eye(3), (0,))
    return book


def odd_points(book: Book, rows: slice, columns: slice) -> np.ndarray:
    """Points [n, 2] of a piece of the frame, px of the odd frame's cut-out."""
    ys, xs = (v.ravel() + 0.5 for v in np.mgrid[rows, columns])
    return np.stack([xs, ys], 1) - book.patches[ODD].origin


def test_a_lid_that_falls_over_the_white_of_an_eye_for_one_frame_is_no_background():
    source, masks = clip([drawing(2)] * COUNT, [(50, 20)] * COUNT, pan=PAN)
    frames = np.array([source.read(t) for t in range(COUNT)])
    frames[:, *EYE] = 250
    frames[ODD, 42:49, 86:95] = (120, 90, 60)
    book = book_of(frames, masks)
    assert not passing(book, book.patches[ODD], book.patches[0], odd_points(book, slice(42, 49), slice(86, 95)))


def test_a_post_that_passes_behind_a_gap_in_a_flat_sky_is_background():
    source, masks = clip([drawing(2)] * COUNT, [(50, 20)] * COUNT, pan=PAN)
    frames = np.array([source.read(t) for t in range(COUNT)])
    frames[:, *EYE] = 250  # a window in the figure
    for t in range(COUNT):
        left = 84 - PAN * (t - ODD)
        frames[t, EYE[0], max(left, EYE[1].start):max(left + 3, EYE[1].start)] = (120, 90, 60)
    book = book_of(frames, masks)
    assert passing(book, book.patches[ODD], book.patches[0], odd_points(book, EYE[0], slice(84, 87)))
