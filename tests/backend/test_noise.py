"""The noise that segmentation reckons with: a busy painting under a pan is not a noisy one."""

import cv2
import numpy as np
import pytest

from toondecompose.engine.segment.noise import noise_in_flats, noise_under


def panned(grain: float) -> tuple[np.ndarray, np.ndarray]:
    """Ten frames of a slow pan over a picture that is busy everywhere, with grain -> (uint8 [T, h, w, 3], H)."""
    rng = np.random.default_rng(5)
    picture = cv2.GaussianBlur(rng.uniform(0, 255, (160, 320)).astype(np.float32), (0, 0), 1.2)
    picture = np.clip((picture - picture.mean()) * 4 + 128, 0, 255)
    H = np.tile(np.eye(3), (10, 1, 1))
    H[:, 0, 2] = -2.4 * np.arange(10)
    frames = [cv2.warpPerspective(picture, h, (240, 160), flags=cv2.INTER_CUBIC) for h in H]
    frames = [np.clip(f + rng.normal(0, grain, f.shape), 0, 255) for f in frames]
    return np.repeat(np.round(frames).astype(np.uint8)[..., None], 3, -1), H


def test_a_busy_picture_looks_noisy_by_itself_but_not_under_its_own_motion():
    frames, H = panned(0.0)
    assert noise_in_flats(frames) > 5
    assert noise_under(frames, H, np.ones(10, bool)) < 2.5


def test_grain_is_measured_under_the_pictures_motion():
    frames, H = panned(6.0)
    assert noise_under(frames, H, np.ones(10, bool)) == pytest.approx(6.0, rel=0.25)


def test_a_motion_that_explains_little_looks_noisy_so_that_the_lesser_figure_counts():
    frames, _ = panned(0.0)
    assert noise_under(frames, np.tile(np.eye(3), (10, 1, 1)), np.ones(10, bool)) > 5


def test_held_frames_tell_nothing_about_noise():
    frames, _ = panned(4.0)
    held = np.repeat(frames[:1], 10, 0)
    assert noise_under(held, np.tile(np.eye(3), (10, 1, 1)), np.ones(10, bool)) == float("inf")
