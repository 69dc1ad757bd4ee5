"""A path that holds only for a part of a sprite's way, and the background's choice where the small size is unsure."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from test_segment import painting, put, slide, walker_drawing

from toondecompose.engine.segment.choose import Account, choose
from toondecompose.engine.segment.layers import Rigid
from toondecompose.engine.segment.lost import lost_sprite

torch.set_num_threads(1)
W, H, COUNT = 224, 144, 20
BACK = 12  # frame in which the walker comes out again from behind the post


def big(picture: np.ndarray) -> np.ndarray:
    return picture.repeat(2, 0).repeat(2, 1)


def shot(lost: bool):
    """One drawing walks before a pan, and behind a post of a nearer plane half of the way -> (frames, its path, whose
    each px is [3, T, h, w]). lost: behind the post its path begins to follow that, and from then on the walker counts
    as the post's."""
    far, near = (big(painting(W // 2 + 150, H // 2, seed)) for seed in (1, 2))
    post = (np.arange(near.shape[1]) % 170 < 60)[None] | (np.arange(H) > 120)[:, None]
    frames, shares, path = [], np.zeros((3, COUNT, H, W), np.float32), slide(8, COUNT)
    for t in range(COUNT):
        frame = far[:, 3 * t : 3 * t + W].astype(np.uint8).copy()
        on = put(frame, big(walker_drawing(0)), 10 + 8 * t, 40)
        before = post[:, 8 * t : 8 * t + W]
        frame[before] = near[:, 8 * t : 8 * t + W].astype(np.uint8)[before]
        on &= ~before
        owner = 2 if lost and t >= BACK else 1
        shares[2, t] = before
        shares[owner, t] += on
        shares[0, t] = 1 - shares[1:, t].sum(0)
        frames.append(frame)
    if lost:
        path.H[BACK:, 0, 2] = path.H[BACK - 1, 0, 2] - 8.0 * np.arange(1, COUNT - BACK + 1)
    return torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2).copy()), path, torch.from_numpy(shares)


def test_a_path_that_loses_its_sprite_behind_something_is_told_from_one_that_keeps_it():
    for lost in (False, True):
        frames, path, shares = shot(lost)
        paths = [slide(-3, COUNT), path, slide(-8, COUNT)]
        rigid = Rigid([q.H for q in paths], [q.present for q in paths], [True, False, True])
        assert lost_sprite(frames, rigid, shares, shares, 0.0) == (1 if lost else None)


def test_accounts_go_without_a_path_that_lost_its_sprite(monkeypatch):
    held, without, other = Account((0, 1), 0), Account((0,), 1), Account((1, 0), 0)
    ledger = Said({held: 100, without: 130, other: 140})
    assert choose(ledger, lambda: ledger, [(0, 1)], [held, without, other])[0] == held
    monkeypatch.setattr("toondecompose.engine.segment.choose.lost_path", lambda _, one: 1 if 1 in one.paths else None)
    assert choose(ledger, lambda: ledger, [(0, 1)], [held, without, other])[0] == without


class Said:
    """A ledger whose bits are given."""

    def __init__(self, bits: dict[Account, float]):
        self.said, self.known, self.painted = bits, {}, [True, True]

    def bits(self, account: Account) -> float:
        self.known[account] = self.said[account]
        return self.known[account]


def test_the_same_layers_before_another_background_are_compared_again_where_outlines_are_finer():
    near, far, other = Account((1, 0), 0), Account((0, 1), 0), Account((0,), 1)
    small, fine = Said({near: 100, far: 108, other: 108}), Said({near: 430, far: 420})
    assert choose(small, lambda: fine, [(0, 1)], [near, far, other])[0] == far
    small = Said({near: 100, far: 112, other: 108})
    assert choose(small, lambda: fine, [(0, 1)], [near, far, other])[0] == near


def test_a_sprite_does_not_explain_what_was_given_to_it_in_single_frames():
    """Two walkers pass, and no plane: from where they meet, the path of one shows nothing, and the other's label has
    its drawings, whose mosaic shows every one of them where it was."""
    far, count = big(painting(W // 2 + 150, H // 2, 1)), COUNT
    body = big(walker_drawing(0))
    frames, shares = [], np.zeros((3, count, H, W), np.float32)
    path, other = slide(8, count), slide(-6, count)
    for t in range(count):
        frame = far[:, 3 * t : 3 * t + W].astype(np.uint8).copy()
        on = put(frame, big(walker_drawing(0 if t < BACK else t)), 10 + 8 * t, 20)
        front = np.zeros_like(on)
        cv2.rectangle(frame, (150 - 6 * t, 90), (210 - 6 * t, 130), (200, 40, 30), -1)
        front[90:131, max(0, 150 - 6 * t) : max(0, 211 - 6 * t)] = True
        on &= ~front
        shares[2, t], shares[2 if t >= BACK else 1, t] = front, on
        shares[2, t] = np.maximum(shares[2, t], front)
        shares[0, t] = 1 - shares[1:, t].max(0)
        frames.append(frame)
    path.H[BACK:, 0, 2] = path.H[BACK - 1, 0, 2] - 8.0 * np.arange(1, count - BACK + 1)
    assert body.shape[0] < H
    paths = [slide(-3, count), path, other]
    rigid = Rigid([q.H for q in paths], [q.present for q in paths], [True, False, False])
    shares = torch.from_numpy(shares)
    pictures = torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2).copy())
    assert lost_sprite(pictures, rigid, shares, shares, 0.0) == 1
