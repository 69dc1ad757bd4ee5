"""Several bodies on one motion: which masks are divided, and whose mouth is whose."""

import cv2
import numpy as np
import pytest

from toondecompose.engine.segment.bodies import bodies_of, by_bodies, lies_in, scraps_of

W, H, COUNT = 320, 180, 16
LEFT, RIGHT = (90, 95), (230, 100)


def pan(step: float) -> np.ndarray:
    """Canvas -> frame of a sprite that slides by `step` px a frame, [T, 3, 3]."""
    return np.array([[[1, 0, 30 - step * t], [0, 1, 0], [0, 0, 1.0]] for t in range(COUNT)])


def at(where: tuple[int, int], t: int, step: float) -> tuple[int, int]:
    return round(where[0] - step * t), where[1]


def two_heads(joined: bool = True) -> np.ndarray:
    """Masks uint8 [3, T, H, W]: background, two heads of one motion that a board of the floor joins, and what is drawn
    anew: their mouths in turn."""
    masks = np.zeros((3, COUNT, H, W), np.uint8)
    for t in range(COUNT):
        for where in (LEFT, RIGHT):
            cv2.circle(masks[1, t], at(where, t, 2), 42, 255, -1)
        if joined:
            cv2.rectangle(masks[1, t], at((60, 130), t, 2), at((260, 132), t, 2), 255, -1)
        if t % 4 < 2:
            mouth = at(LEFT if t < COUNT // 2 else RIGHT, t, 2)
            cv2.ellipse(masks[2, t], (mouth[0], mouth[1] + 15), (9, 5), 0, 0, 360, 255, -1)
            masks[1, t][cv2.dilate(masks[2, t], np.ones((3, 3))) > 0] = 0  # the edge is left to the background
    masks[0] = 255 - masks[1:].max(0)
    return masks


@pytest.mark.parametrize("joined", [True, False])
def test_two_who_are_held_and_talk_on_one_motion_are_two_sprites_with_their_own_mouths(joined):
    masks = two_heads(joined)
    before = masks[1:].max(0)
    assert by_bodies(masks, [np.eye(3), pan(2)], [np.ones(COUNT, bool)] * 2, [1], [2]) == {2: 1}
    assert (masks[1:].max(0) >= before).all()
    assert ((masks > 0).sum(0) == 1).all()
    for t in range(COUNT):
        for where in (LEFT, RIGHT):
            x, y = at(where, t, 2)
            own = [int((m[t, y - 25 : y + 25, x - 25 : x + 25] > 0).sum()) for m in masks[1:]]
            assert sorted(own) == [0, 2500]  # the mouth is in it


def test_two_who_are_held_and_of_whom_one_nods_are_two_sprites():
    """What is drawn anew is a px or two along the outline of the one who nods."""
    masks = two_heads(False)
    masks[2] = 0
    for t in range(COUNT // 2, COUNT):
        cv2.ellipse(masks[2, t], at(RIGHT, t, 2), (44, 44), 0, 190, 300, 255, 2)
        masks[2, t][masks[1, t] > 0] = 0
    masks[0] = 255 - masks[1:].max(0)
    assert lies_in(masks[2], masks[1]) < 0.7 and scraps_of(masks[2], masks[1])
    assert by_bodies(masks, [np.eye(3), pan(2)], [np.ones(COUNT, bool)] * 2, [1], [2]) == {2: 1}
    for t in range(COUNT):
        for where in (LEFT, RIGHT):
            x, y = at(where, t, 2)
            own = [int((m[t, y - 25 : y + 25, x - 25 : x + 25] > 0).sum()) for m in masks[1:]]
            assert min(own) == 0 and max(own) > 2200  # nobody asks for the mouth


def test_a_small_sprite_of_its_own_is_no_scraps_of_two_houses():
    masks = two_heads()
    masks[2] = 0
    for t in range(COUNT):  # a fly
        cv2.circle(masks[2, t], (20 + 14 * t, 30), 5, 255, -1)
    assert not scraps_of(masks[2], masks[1])


def test_one_head_that_talks_stays_one_body():
    masks = two_heads(False)
    masks[1:, :, :, W // 2 :] = 0
    before = masks.copy()
    assert by_bodies(masks, [np.eye(3), pan(2)], [np.ones(COUNT, bool)] * 2, [1], [2]) == {}
    np.testing.assert_array_equal(masks, before)


def test_who_walks_by_in_front_of_two_houses_is_none_of_their_bodies():
    masks = two_heads()
    masks[2] = 0
    for t in range(COUNT):
        cv2.rectangle(masks[2, t], (60 + 12 * t, 80), (72 + 12 * t, 120), 255, -1)
        masks[1, t][masks[2, t] > 0] = 0
    before = masks.copy()
    assert by_bodies(masks, [np.eye(3), pan(2)], [np.ones(COUNT, bool)] * 2, [1], [2]) == {}
    np.testing.assert_array_equal(masks, before)


def test_what_is_drawn_anew_beside_a_sprite_does_not_lie_in_it():
    masks = two_heads()
    assert lies_in(masks[2], masks[1]) > 0.99
    beside = np.roll(masks[2], 60, 1)
    assert lies_in(beside, masks[1]) < 0.3
    assert lies_in(np.zeros_like(beside), masks[1]) == 1.0  # nothing is drawn anew: it is nowhere else either


def test_a_strand_belongs_to_the_head_from_which_it_hangs():
    shown = np.zeros((H, W), np.uint8)
    cv2.circle(shown, LEFT, 42, 1, -1)
    cv2.circle(shown, RIGHT, 42, 1, -1)
    cv2.line(shown, (120, 70), (182, 90), 1, 3)  # ends next to the other head
    label = bodies_of(shown > 0, W, 2)
    assert label[90, 180] == label[LEFT[1], LEFT[0]] != label[RIGHT[1], RIGHT[0]]
    assert set(np.unique(bodies_of(shown > 0, W, 1))) == {1}
