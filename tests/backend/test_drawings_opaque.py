"""Where frames next to each other prove that a drawing hides the background, no change is the background's."""

import cv2
import numpy as np

from toondecompose.engine.drawings.match import Book, match
from toondecompose.engine.drawings.opaque import prove_opaque, proven
from toondecompose.engine.drawings.patches import Patch

EYE, GAP = (slice(30, 34), slice(24, 36)), (slice(44, 48), slice(20, 28))
PINPRICK = np.s_[22:66:6, 42:66:6]  # between hairs


def held_twice(seed: int) -> list[Patch]:
    """A face in four frames before a pan, its eye another one in the last two; a gap shows what lies behind."""
    rng = np.random.default_rng(seed)
    grey = rng.integers(20, 235, (10, 60, 1), np.uint8).repeat(3, 2)
    painting = cv2.resize(grey, (720, 80), interpolation=cv2.INTER_LINEAR)
    body = np.zeros((80, 80), np.uint8)
    body[8:72, 8:72] = 1
    inside = cv2.erode(body, np.ones((5, 5), np.uint8))
    behind = [np.ascontiguousarray(painting[:, x : x + 80]) for x in (0, 37, 301, 338)]
    cuts = []
    for t, plate in enumerate(behind):
        seen = np.where(body[..., None] > 0, np.uint8(150), plate)
        eye = behind[0] if t < 2 else behind[2]  # as if half of the plate of frames 0 and 2 were seen through it
        seen[EYE] = 75 + eye[EYE] // 2
        seen[GAP] = plate[GAP]
        seen[PINPRICK] = 0.6 * seen[PINPRICK] + 0.4 * plate[PINPRICK]
        deep = cv2.erode(inside, np.ones((7, 7), np.uint8))
        deep[EYE] = deep[GAP] = 0  # near a rim
        cuts.append(Patch(t, np.zeros(2), seen, inside, body, np.ones_like(body),
                          ((plate, np.full((80, 80), 2, np.uint8)),), deep))
    return cuts


def test_an_eye_that_changes_like_what_lies_behind_is_another_drawing_where_held_frames_tell():
    book = Book(held_twice(1), 0.0)
    for i, j in ((0, 1), (2, 3), (0, 2)):
        match(book, i, j, np.eye(3), (0,))
    assert book.score[0, 1] == book.score[2, 3] == 0
    assert book.inner[0, 2] == 0  # the background explains the eye
    prove_opaque(book, [(0, 1), (2, 3)])
    book.score[0, 2] = book.score[2, 0] = np.nan
    match(book, 0, 2, np.eye(3), (0,))
    assert book.score[0, 1] == book.score[2, 3] == 0
    assert book.inner[0, 2] > 1


def test_a_gap_is_never_proven_opaque_and_nothing_is_where_nothing_passes_behind():
    a, b, *_ = held_twice(2)
    told = proven(a, b, np.eye(3))
    assert not told[GAP].any() and told[PINPRICK].mean() < 0.1
    assert not told[:8].any()
    assert told[12:20, 40:70].mean() > 0.7
    assert not proven(a, a, np.eye(3)).any()
