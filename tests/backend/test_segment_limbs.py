"""Swinging limbs go back to the rigid sprite they hang on."""

from __future__ import annotations

import numpy as np
import torch

from toondecompose.engine.segment.layers import Rigid
from toondecompose.engine.segment.limbs import all_of_one, limbs

COUNT = 10
GREEN, BROWN, ORANGE = (60, 140, 60), (90, 50, 30), (240, 150, 40)


def _shot(painted: bool = False, cat: int = 64, shoe: tuple[int, int, int] = BROWN, ear: bool = True
          ) -> tuple[np.ndarray, Rigid, torch.Tensor]:
    """A girl of brown with a swinging shoe, and an orange cat that sits near her, its left side at x = cat, and shows
    an ear on her other side."""
    frames = np.full((COUNT, 90, 160, 3), GREEN, np.uint8)
    p = torch.zeros(3, COUNT, 90, 160)
    for t in range(COUNT):
        frames[t, 20:60, 40:60] = BROWN
        p[1, t, 20:60, 40:60] = 1
        frames[t, 60:66, 40 + t : 48 + t] = shoe
        p[2, t, 60:66, 40 + t : 48 + t] = 1
        if ear:
            frames[t, 30:36, 34:40] = ORANGE
            p[2, t, 30:36, 34:40] = 1
        frames[t, 50:80, cat : cat + 40] = ORANGE
        p[2, t, 50:80, cat : cat + 40] = 1
    p[0] = 1 - p[1:].sum(0)
    still = np.tile(np.eye(3), (COUNT, 1, 1))
    always = np.ones(COUNT, bool)
    return frames, Rigid([still, still], [always, always], [True, painted]), p


def test_a_swinging_shoe_is_its_wearers_and_an_ear_its_own():
    frames, rigid, p = _shot()
    found = limbs(frames, rigid, p, [True, False])
    assert list(found) == [1]
    for t, on in enumerate(found[1]):
        assert on[60:66, 40 + t : 48 + t].all()
        assert not on[30:36, 34:40].any() and not on[50:80, 64:104].any()


def test_a_shoe_of_any_colour_is_its_wearers_while_the_other_sprite_stands_apart():
    """A pumpkin's violet shoes, whose colours neither sprite's body has, went to whoever crossed its way."""
    far, rigid, p = _shot(cat=110, shoe=ORANGE, ear=False)
    near, _, more = _shot(shoe=ORANGE, ear=False)
    assert limbs(near, rigid, more, [True, False]) == {}  # nothing tells whose it is
    found = limbs(far, rigid, p, [True, False])
    assert all(on[60:66, 40 + t : 48 + t].all() and not on[50:80, 110:150].any() for t, on in enumerate(found[1]))
    both = Rigid([np.tile(np.eye(3), (2 * COUNT, 1, 1))] * 2, [np.ones(2 * COUNT, bool)] * 2, [True, False])
    found = limbs(np.concatenate([far, near]), both, torch.cat([p, more], 1), [True, False])
    for t, on in enumerate(found[1]):  # where it was seen to swing, it swings before the cat, too
        assert on[60:66, 42 + t % COUNT : 46 + t % COUNT].all() and not on[50:80, 110:150].any()
        assert t < COUNT or not on[50:80, 66:104].any()


def test_a_set_piece_has_no_limbs():
    frames, rigid, p = _shot(painted=True)
    assert limbs(frames, rigid, p, [True, False]) == {}
    assert limbs(frames, _shot()[1], p, [True, True]) == {}


def test_pieces_seen_in_a_frame_or_two_are_left_where_they_are():
    frames, rigid, p = _shot()
    shoe = p[2, 1:, 60:66, :60]
    p[0, 1:, 60:66, :60] += shoe.clone()
    shoe.zero_()
    frames = np.concatenate([frames, frames[1:]])
    p = torch.cat([p, p[:, 1:]], 1)
    rigid = Rigid([np.tile(np.eye(3), (19, 1, 1))] * 2, [np.ones(19, bool)] * 2, [True, False])
    assert limbs(frames, rigid, p, [True, False]) == {}


def test_where_nobody_counts_what_always_hangs_on_a_sprite_is_it():
    """Flying hair and a swinging arm were two sprites more of a runner whose body slid."""
    _, rigid, p = _shot()
    assert all_of_one(rigid, p, [True, False]) is None  # the cat stands apart
    for t in range(COUNT):
        cat = p[2, t, 50:80, 64:104]
        p[0, t, 50:80, 64:104] += cat.clone()
        cat.zero_()
    p[0, :, 30:36, 34:40], p[2, :, 30:36, 34:40] = 1, 0
    assert all_of_one(rigid, p, [True, False]) == 1
    assert all_of_one(rigid, p, [True, True]) is None  # nothing hangs on a plane


def _shot_with_a_mark() -> tuple[np.ndarray, Rigid, torch.Tensor]:
    """The girl of brown strides on two long legs; a small mark of orange stands in the frame's corner."""
    frames, rigid, p = _shot()
    frames[:], p[2] = GREEN, 0
    for t in range(COUNT):
        frames[t, 20:60, 40:60] = BROWN
        for x in (42, 40 + t):
            frames[t, 60:85, x : x + 7] = BROWN
            p[2, t, 60:85, x : x + 7] = 1
        frames[t, 6:16, 140:154] = ORANGE
        p[2, t, 6:16, 140:154] = 1
    p[0] = 1 - p[1:].sum(0)
    return frames, rigid, p


def test_legs_larger_than_a_mark_in_the_corner_are_their_walkers():
    frames, rigid, p = _shot_with_a_mark()
    found = limbs(frames, rigid, p, [True, False])
    assert list(found) == [1]
    for on in found[1]:
        assert on[60:85, 42:47].all() and not on[6:16, 140:154].any()


def test_who_is_not_seen_apart_keeps_his_large_pieces():
    frames, rigid, p = _shot_with_a_mark()
    p[0, :, 6:16, 140:154] += p[2, :, 6:16, 140:154].clone()
    p[2, :, 6:16, 140:154] = 0
    assert limbs(frames, rigid, p, [True, False]) == {}
