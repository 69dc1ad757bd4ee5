"""What planes never explain, wherever it is, is no part of a sprite that passes in front of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.crumbs import drop_crumbs
from toondecompose.engine.types import SolvedLayer, as_drawings
from toondecompose.formats.errors import Cancelled

W, H, COUNT = 200, 120, 16
EAVES = (slice(56, 64), slice(0, 400))  # of the houses, which no plane has: on their canvas


def shot(eaves=True, eaves_painted=False):
    """A disc that runs before houses, above them a sky; the houses slide. -> (source, layers, masks, where the disc's
    mask is wrong: bool [T, h, w])."""
    rng = np.random.default_rng(3)
    wide = 400
    sky = cv2.resize(rng.integers(200, 230, (6, 10, 3), np.uint8), (W, H), interpolation=cv2.INTER_LINEAR)
    houses = cv2.resize(rng.integers(60, 140, (12, 40, 3), np.uint8), (wide, H), interpolation=cv2.INTER_NEAREST)
    houses = np.dstack([houses, np.full((H, wide), 255, np.uint8)])
    houses[:64, :, 3] = 0
    real = houses.copy()
    if eaves:
        real[EAVES] = (150, 60, 50, 255)
    if eaves_painted:
        houses[EAVES] = real[EAVES]
    frames, masks, wrong = [], np.zeros((COUNT, H, W), np.uint8), np.zeros((COUNT, H, W), bool)
    slide = np.tile(np.eye(3), (COUNT, 1, 1))
    way = np.tile(np.eye(3), (COUNT, 1, 1))
    for t in range(COUNT):
        slide[t, 0, 2] = -6 * t
        way[t, 0, 2] = 30 + 8 * t
        part = real[:, 6 * t:6 * t + W]
        frame = np.where(part[..., 3:] > 0, part[..., :3], sky)
        x = 30 + 8 * t + 20
        cv2.circle(frame, (x, 70), 18, (230, 200, 120), -1)
        frames.append(frame)
        cv2.circle(masks[t], (x, 70), 18, 255, -1)
        wrong[t, 57:63, max(0, x - 40):x] = True
        wrong[t] &= masks[t] == 0
    masks[wrong] = 255
    disc = np.zeros((H, 40, 4), np.uint8)
    cv2.circle(disc, (20, 70), 18, (230, 200, 120, 255), -1)
    shown, one = np.zeros(COUNT, int), np.ones(COUNT)
    still = np.tile(np.eye(3), (COUNT, 1, 1))
    layers = [SolvedLayer("sky", "background", as_drawings([np.dstack([sky, np.full((H, W), 255, np.uint8)])]), shown,
                          still, one, "translation", 1.0),
              SolvedLayer("houses", "background", as_drawings([houses]), shown, slide, one, "translation", 1.0),
              SolvedLayer("disc", "sprite", as_drawings([disc]), shown, way, one, "translation", 1.0)]
    rest = (255 - masks) // 2
    return source_from_array(frames), layers, [rest, rest.copy(), masks], wrong


def test_what_a_plane_never_explains_is_taken_from_the_sprite_that_it_clings_to():
    source, layers, masks, wrong = shot()
    body = (masks[2] > 0) & ~wrong
    assert drop_crumbs(source, layers, masks, [2]) > 0
    assert (masks[2][wrong] > 0).mean() < 0.25  # beside the body it is hardly ever in the open
    assert (masks[1][wrong] == 255).mean() > 0.75  # the houses get them: they slide along
    assert (masks[2][body] > 0).mean() > 0.97


def test_a_sprite_whose_masks_are_right_keeps_them_before_what_no_plane_explains():
    source, layers, masks, wrong = shot()
    masks[2][wrong] = 0
    before = masks[2].copy()
    drop_crumbs(source, layers, masks, [2])
    assert np.array_equal(masks[2] > 0, before > 0)


def test_what_planes_explain_is_left_to_the_mattes():
    source, layers, masks, _ = shot(eaves_painted=True)
    assert drop_crumbs(source, layers, masks, [2]) == 0


def test_no_crumbs_are_looked_for_before_a_single_plane():
    source, layers, masks, _ = shot()
    assert drop_crumbs(source, layers[1:], masks[1:], [1]) == 0


def test_no_crumbs_are_looked_for_once_the_job_is_cancelled():
    def cancelled():
        raise Cancelled()

    source, layers, masks, _ = shot()
    with pytest.raises(Cancelled):
        drop_crumbs(source, layers, masks, [2], cancelled)
