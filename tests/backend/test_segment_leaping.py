"""Paths that leap from one thing to the next: each is held for some frames, and none is found again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_segment import painting, put, slide

from toondecompose.engine.segment.bits import held_once
from toondecompose.engine.segment.choose import PATH_PAYS, Account, Ledger

torch.set_num_threads(1)
W, H, COUNT, EACH = 224, 144, 12, 3


def on_threes(drawings: list[int]) -> tuple[torch.Tensor, list]:
    """A cart that shows a drawing for three frames, then the next -> (frames, the paths of painting and cart)."""
    back, frames = painting(W, H, 1), []
    for t in range(COUNT):
        frame = back.astype(np.uint8).copy()
        body = np.full((64, 90, 4), 255, np.uint8)
        body[..., :3] = painting(90, 64, 7 + drawings[t // EACH])
        put(frame, body, 10 + 6 * t, 50)
        frames.append(frame)
    return torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2).copy()), [slide(0, COUNT), slide(6, COUNT)]


def accounts_bits(drawings: list[int], steady: float) -> tuple[float, float]:
    """Bits of the cart on its path, and of the cart redrawn, without what either takes more by its share."""
    frames, paths = on_threes(drawings)
    ledger = Ledger(frames, [path.H for path in paths], [path.present for path in paths], [2, 2], [True, False],
                    {(0, 1): 0.0}, 0.0, steady={0: 1.0, 1: steady})
    return (ledger.bits(Account((0, 1), 0)) / (1 + PATH_PAYS * ledger.loose(1)),
            ledger.bits(Account((0,), 1)) / (1 + PATH_PAYS))


def test_frames_that_hold_a_drawing_which_is_not_seen_again_are_told():
    assert held_once(np.array([0, 0, 0, 1, 1, 2, -1, 2])).tolist() == [0, 1, 1, 0, 1, 0, 0, 0]
    assert not held_once(np.zeros(8, int)).any()  # one drawing
    assert not held_once(np.array([0, 0, -1, 0])).any()
    assert not held_once(np.array([0, 0, 1, 1, 0, 0, 1, 1])).any()  # a cycle


def test_what_a_loose_path_shows_once_only_is_charged_as_drawn_anew():
    once = [0, 1, 2, 3]
    (firm, redrawn), (loose, the_same) = accounts_bits(once, 0.9), accounts_bits(once, 0.05)
    assert firm < 0.8 * redrawn  # each drawing is coded once for its three frames
    assert loose > 0.95 * redrawn  # nothing of it was found again
    assert the_same == redrawn


def test_a_loose_path_on_which_drawings_come_back_is_charged_for_each_once():
    cycle = [0, 1, 0, 1]
    assert accounts_bits(cycle, 0.05)[0] == pytest.approx(accounts_bits(cycle, 0.9)[0])
