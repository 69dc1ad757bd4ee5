"""A sprite that comes and stops, or stands and leaves, is no part of the painting behind it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from small_clips import figure, painted

from toondecompose.engine.segment.choose import BODY, Ledger, largest_body
from toondecompose.engine.segment.evidence import texture_of
from toondecompose.engine.segment.roles import trace
from toondecompose.engine.segment.standing import _covered, settle, who_stands

torch.set_num_threads(1)
W, H, COUNT, MOMENT = 224, 144, 24, 10
HERE = 100, 40  # where it stands, px of the painting


def clip(stands_first: bool, pan: int) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """-> (frames uint8 [T, 3, h, w], H [T, 3, 3] of the painting, true alpha [T, h, w]): a figure stands for 14 of 24
    frames on a painting that slides by pan px a frame, and walks before that or after it."""
    plate = painted(W + pan * COUNT, H, 5).astype(np.float32)
    cel = figure(0).astype(np.float32)
    alpha = cel[..., 3:] / 255
    frames, shown = [], []
    for t in range(COUNT):
        away = max(0, t - (COUNT - MOMENT) + 1) if stands_first else max(0, MOMENT - t)
        x, y = HERE[0] + (1 if stands_first else -1) * 8 * away, HERE[1]
        picture, mine = plate.copy(), np.zeros((*plate.shape[:2], 1), np.float32)
        left, right = max(0, x), min(plate.shape[1], x + 88)
        some, its = (slice(y, y + 88), slice(left, right)), (slice(None), slice(left - x, right - x))
        mine[some] = alpha[its]
        picture[some] = picture[some] * (1 - alpha[its]) + cel[..., :3][its] * alpha[its]
        frames.append(picture[:, pan * t : pan * t + W])
        shown.append(mine[:, pan * t : pan * t + W, 0])
    way = np.tile(np.eye(3), (COUNT, 1, 1))
    way[:, 0, 2] = -pan * np.arange(COUNT)
    stack = torch.from_numpy(np.round(np.stack(frames)).astype(np.uint8)).permute(0, 3, 1, 2).contiguous()
    return stack, way, np.stack(shown)


@pytest.mark.parametrize(("stands_first", "pan"), [(False, 0), (True, 0), (True, 2)])
def test_who_stands_for_most_of_the_shot_is_the_sprites_and_the_place_the_paintings(stands_first, pan):
    frames, way, alpha = clip(stands_first, pan)
    on = np.ones(COUNT, bool)
    share = trace(frames, [way], [on], 0.0).share[0]
    first = torch.zeros(2, *share.shape, dtype=torch.float16)
    first[0] = 1.0  # all of it repeats often enough
    settle(first, frames, [way], [on], [0], [share], texture_of(frames, 0.0), 0.0)
    still = 5 if stands_first else COUNT - 5
    assert first[1, still][torch.from_numpy(alpha[still] > 0.9)].float().mean() > 0.8
    assert first[0, still][torch.from_numpy(alpha[still] > 0.9)].float().mean() < 0.1
    gone = COUNT - 1 if stands_first else 0
    empty = torch.from_numpy((alpha[still] > 0.9) & (alpha[gone] == 0))
    if pan == 0:
        assert first[1, gone][empty].float().mean() == 0 and first[0, gone][empty].float().mean() == 1


def test_what_repeats_as_well_under_the_motion_of_another_layer_does_not_stand():
    frames, way, _ = clip(True, 0)
    on = np.ones(COUNT, bool)
    share = trace(frames, [way], [on], 0.0).share[0]
    assert who_stands(frames, way, on, share, [], texture_of(frames, 0.0), 0.0)
    assert not who_stands(frames, way, on, share, [share], texture_of(frames, 0.0), 0.0)


def test_what_a_fixed_frame_in_front_uncovers_does_not_stand():
    way = np.tile(np.eye(3), (COUNT, 1, 1))
    way[:, 0, 2] = 1.5 * np.arange(COUNT)
    still = np.tile(np.eye(3), (COUNT, 1, 1))
    plate, wood = painted(W + 60, H, 5), np.full((H, W, 3), (84, 66, 120), np.uint8)
    wood[::9, :] = 40  # lines in the wood
    wood[:, 24:26] = 30
    frames = np.stack([cv2.warpAffine(plate, np.float32([[1, 0, x - 60], [0, 1, 0]]), (W, H)) for x in way[:, 0, 2]])
    frames[:, :, :26] = wood[:, :26]
    frames = torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous()
    on = np.ones(COUNT, bool)
    traces = trace(frames, [way, still], [on, on], 0.0)
    texture = traces.texture_bytes
    assert who_stands(frames, way, on, traces.share[0], [traces.share[1]], torch.zeros_like(texture), 0.0)
    assert not who_stands(frames, way, on, traces.share[0], [traces.share[1]], texture, 0.0)


def test_who_stands_is_a_body_that_the_painting_does_not_explain():
    frames, way, _ = clip(True, 2)
    ledger = Ledger(frames, [way], [np.ones(COUNT, bool)], [2], [True], {}, 0.0)
    assert largest_body(ledger, (0,)) >= 4 * BODY


@pytest.mark.parametrize("limbs", [True, False])
def test_who_moves_his_limbs_is_not_taken_for_what_goes_on_around_him(limbs):
    bare = torch.from_numpy(painted(120, 80, 5)).permute(2, 0, 1).float()
    jumper = torch.tensor([50.0, 0.0, 100.0])[:, None, None]
    told = torch.tensor([10.0, 2.0, 10.0])[:, None, None].expand(3, 80, 120)
    before, after = (torch.cat([bare, told]) for _ in range(2))
    after[:3, 20:60, 30:90] = jumper  # he is there later
    if limbs:  # nothing around him looks alike for long, and before he passed, so that some of his jumper is left
        around = torch.zeros(80, 120, dtype=torch.bool)
        around[10:70, 20:100] = True
        around[20:60, 30:90] = False
        after[3, around] = 0
        before[:3, 35:45, 50:70] = jumper
    found = _covered(before, after, 0.0)
    assert [later for _, later in found] == ([] if limbs else [True])
