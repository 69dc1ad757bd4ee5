"""Skies without a line behind a far plane, and pieces of sprites that a plane carries along."""

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.segment.parallax import rate
from toondecompose.engine.segment.refine import near_sprites
from toondecompose.engine.segment.soft import soft_sky
from toondecompose.engine.segment.tidy import riders
from toondecompose.engine.types import LayerPath

W, H, COUNT = 320, 180, 48
NEAR, FAR, SKY = 5.0, 0.7, 0.06  # px per frame of the near plane; rates of the far one and the sky
HORIZON = 70  # px: roofs of the far plane stand below it


def way(share: float) -> LayerPath:
    out = np.tile(np.eye(3), (COUNT, 1, 1))
    out[:, 0, 2] = -share * NEAR * np.arange(COUNT)
    return LayerPath(out, np.ones(COUNT, bool), 0, "translation", 1.0)


def slid(picture: np.ndarray, share: float, t: int) -> np.ndarray:
    back = np.float32([[1, 0, -share * NEAR * t], [0, 1, 0]])
    return cv2.warpAffine(picture, back, (W, H), flags=cv2.INTER_LINEAR)


def shot(sky_rate: float) -> np.ndarray:
    """Roofs before soft clouds that slide at a rate of their own, uint8 [T, 180, 320, 3]."""
    rng = np.random.default_rng(5)
    wide = W + int(NEAR * COUNT)
    soft = cv2.GaussianBlur(rng.standard_normal((H, wide)).astype(np.float32), (0, 0), 14)
    clouds = np.clip(225 + 9 * soft / soft.std(), 0, 255)[..., None].repeat(3, 2)
    roofs, there = np.zeros((H, wide, 3), np.float32), np.zeros((H, wide), np.float32)
    for x in range(0, wide, 30):
        top = HORIZON + int(rng.integers(0, 30))
        roofs[top:, x:x + 30] = rng.integers(40, 160, 3)
        roofs[top + 8::16, x + 6:x + 24] = 20
        there[top:, x:x + 30] = 1
    frames = []
    for t in range(COUNT):
        cover = slid(there, FAR, t)[..., None]
        frames.append(np.rint(slid(clouds, sky_rate, t) * (1 - cover) + slid(roofs, FAR, t) * cover))
    return np.stack(frames).astype(np.uint8)


def test_clouds_that_hardly_move_behind_a_far_plane_are_found_with_their_rate():
    frames = shot(SKY)
    path, sky = soft_sky(frames, [way(FAR), way(1.0)], 1.0, np.ones(frames.shape[:3], bool), 0.0)
    assert rate(path, way(1.0)) == pytest.approx(SKY, abs=0.03)
    assert sky[:, :HORIZON - 10].mean() > 0.9
    assert sky[:, HORIZON + 40:].mean() < 0.05


def test_a_sky_that_slides_with_its_roofs_is_no_further_plane():
    frames = shot(FAR)
    assert soft_sky(frames, [way(FAR), way(1.0)], 1.0, np.ones(frames.shape[:3], bool), 0.0) is None


def test_what_lies_beyond_the_frame_is_no_sign_of_a_sky():
    """Dotted wallpaper under a pan: a frame's last columns have neighbours that the other frame does not show."""
    wall = np.full((H, W + int(NEAR * COUNT), 3), (225.0, 180.0, 150.0), np.float32)
    for x in range(10, wall.shape[1], 30):
        for y in range(5, H, 30):
            cv2.ellipse(wall, (x, y), (8, 13), 0, 0, 360, (230.0, 120.0, 90.0), -1, cv2.LINE_AA)
    frames = np.stack([slid(wall, FAR, t) for t in range(COUNT)]).astype(np.uint8)
    assert soft_sky(frames, [way(FAR)], 1.0, np.ones(frames.shape[:3], bool), 0.0) is None


def labels(place, top: int = 30) -> torch.Tensor:
    """Probabilities [3, T, h, w] of a sky above row 33, a plane and a sprite: a body, and a piece at place(t)."""
    p = torch.zeros(3, COUNT, H, W)
    p[0, :, :33], p[1, :, 33:] = 1, 1
    for t in range(COUNT):
        x = place(t)
        for box in ((slice(100, 170), slice(100 + t, 150 + t)), (slice(top, top + 6), slice(x, x + 12))):
            p[:, t, *box] = 0
            p[2, t, *box] = 1
    return p


WAYS = {0: way(SKY).H, 1: way(1.0).H}


def test_a_piece_between_two_planes_that_one_of_them_carries_along_is_not_the_sprites():
    found = riders(labels(lambda t: 290 - 5 * t), 2, WAYS)
    assert found[4:44, 30:36].any((1, 2)).all()
    assert not found[:, 100:].any()


def test_a_bird_that_flies_before_a_plane_stays_a_sprite():
    assert not riders(labels(lambda t: 40 + 3 * t), 2, WAYS).any()


def test_a_foot_that_is_set_down_amid_a_plane_stays_a_sprites():
    assert not riders(labels(lambda t: 290 - 5 * t, top=60), 2, WAYS).any()


def test_a_sprite_that_comes_in_is_looked_for_where_the_next_frame_shows_it_and_not_elsewhere():
    p = torch.zeros(1, 3, H, W)
    p[0, 2, 60:120, :10] = 1  # in the next frame it has come in from the left
    where = near_sprites(p)
    assert where[60:120, :12].all()
    assert not where[:, 40:].any()
