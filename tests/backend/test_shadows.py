"""Soft shadows: part of the sprite that casts them, at their own opacity; nobody without one gets one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.segment import segment
from toondecompose.engine.types import LayerPath

torch.set_num_threads(1)
WIDTH, HEIGHT, COUNT = 320, 180, 12
DEEPEST = 0.45
BLACK = np.array([20.0, 10.0, 30.0])


def stones(seed: int = 3) -> np.ndarray:
    """A ground of large stones with dark joints, float [h, w + room for the pan, 3]."""
    rng = np.random.default_rng(seed)
    wide = WIDTH + 3 * COUNT
    out = np.zeros((HEIGHT, wide, 3))
    for y in range(0, HEIGHT, 30):
        for x in range(-(y % 40), wide, 44):
            cv2.rectangle(out, (x, y), (x + 41, y + 27), [float(v) for v in rng.integers(120, 220, 3)], -1)
    return cv2.GaussianBlur(out, (0, 0), 0.7)


def walker(t: int, shadow: bool) -> tuple[np.ndarray, np.ndarray]:
    """It stands for most of the shot, then walks off: (alpha [h, w], alpha of body alone) in frame t."""
    x = 120 + 26 * max(0, t - 7)
    body = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.ellipse(body, (x, 92), (22, 46 + 2 * (t % 2)), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    yy, xx = np.mgrid[:HEIGHT, :WIDTH]
    veil = DEEPEST * np.exp(-(((xx - x) / 34.0) ** 2 + ((yy - 140) / 9.0) ** 2))
    return np.maximum(body, veil if shadow else 0).astype(np.float32), body


def shot(shadow: bool):
    plate = stones()
    frames, alphas, bodies = [], [], []
    for t in range(COUNT):
        alpha, body = walker(t, shadow)
        veiled = alpha * (1 - body)
        frame = plate[:, 2 * t : 2 * t + WIDTH] * (1 - veiled[..., None]) + BLACK * veiled[..., None]
        inner = cv2.erode(body, np.ones((7, 7), np.uint8))[..., None]
        skin = inner * np.array([60.0, 90, 200 - 8 * (t % 2)]) + (1 - inner) * 15.0
        frame = frame * (1 - body[..., None]) + skin * body[..., None]
        frames.append(frame.round().clip(0, 255).astype(np.uint8))
        alphas.append(alpha)
        bodies.append(body)
    H = np.tile(np.eye(3), (COUNT, 1, 1))
    H[:, 0, 2] = -2.0 * np.arange(COUNT)
    path = LayerPath(H, np.ones(COUNT, bool), 0, "translation", 1.0)
    found = segment(source_from_array(np.stack(frames)), [path], 2)
    return found.layers[-1].masks.astype(np.float32) / 255, np.stack(alphas), np.stack(bodies)


@pytest.fixture(scope="module")
def shaded():
    return shot(shadow=True)


def test_a_soft_shadow_is_in_its_sprites_mask_with_its_own_opacity(shaded):
    masks, alphas, bodies = shaded
    for t in (2, COUNT - 1):
        veil = (bodies[t] == 0) & (alphas[t] > 0.1)
        assert np.abs(masks[t] - alphas[t])[veil].mean() < 0.08
        assert (masks[t][veil] > 0.05).mean() > 0.9


def test_where_a_shadow_lay_for_long_is_ground_again_once_it_has_left(shaded):
    masks, alphas, _ = shaded
    left = (alphas[0] > 0.1) & (alphas[-1] < 0.01)
    assert (masks[-1][left] > 0.5).mean() < 0.02


def test_a_body_without_a_shadow_stays_all_body():
    masks, _, bodies = shot(shadow=False)
    for t in range(COUNT):
        deep = cv2.erode(bodies[t], np.ones((9, 9), np.uint8)) > 0.99
        assert (masks[t][deep] > 0.9).all()
        assert (masks[t][cv2.dilate(bodies[t], np.ones((9, 9), np.uint8)) < 0.01] < 0.1).mean() > 0.99
