"""Homographies to keyed planes and back, with no Blender."""

import numpy as np
import pytest

from toondecompose_blender.scene import homography as hg

CANVAS = (300, 220)
SIZE = (640, 360)


def motion(kind: str, T: int = 24, seed: int = 0) -> np.ndarray:
    """Smooth motions [T, 3, 3], edge coordinates, of a canvas about its centre."""
    rng = np.random.default_rng(seed)
    t = np.arange(T) / T
    wave = lambda amplitude: amplitude * np.sin(2 * np.pi * (t * rng.uniform(0.5, 2) + rng.uniform()))  # noqa: E731
    H = np.tile(np.eye(3), (T, 1, 1))
    H[:, 0, 2], H[:, 1, 2] = 200 + wave(80), 90 + wave(50)
    if kind != "translation":
        angle, s = wave(0.6) + 8 * t, 1 + wave(0.3)  # more than a full turn
        H[:, 0, 0] = H[:, 1, 1] = s * np.cos(angle)
        H[:, 1, 0] = s * np.sin(angle)
        H[:, 0, 1] = -H[:, 1, 0]
    if kind in ("affine", "homography"):
        H[:, 0, :2] *= (1 + wave(0.2))[:, None]
        H[:, 0, 1] += wave(0.2)
    if kind == "homography":
        H[:, 2, 0], H[:, 2, 1] = wave(6e-4), wave(6e-4)
    to_middle = np.array([[1, 0, -CANVAS[0] / 2], [0, 1, -CANVAS[1] / 2], [0, 0, 1]])
    H = H @ to_middle
    return H / H[:, 2:, 2:]


@pytest.mark.parametrize("kind", ["translation", "similarity", "affine", "homography"])
def test_any_motion_comes_back_exactly(kind):
    H = motion(kind)
    bent = hg.needs_perspective(H, CANVAS)
    assert bent == (kind == "homography")
    for perspective in {True, bent}:
        camera = hg.camera_for(SIZE, perspective)
        back = hg.compose(hg.decompose(H, CANVAS, camera), CANVAS, camera)
        assert hg.corner_error(H, back, CANVAS).max() < 1e-6


@pytest.mark.parametrize("perspective", [False, True])
def test_a_similarity_shows_only_what_an_animator_expects(perspective):
    camera = hg.camera_for(SIZE, perspective)
    p = hg.decompose(motion("similarity"), CANVAS, camera)
    assert np.ptp(p.location[:, 2]) < 1e-9 and p.location[0, 2] == pytest.approx(-camera.distance)
    assert np.abs(p.rotation[:, :2]).max() < 1e-9
    assert np.abs(p.scale[:, 0] - p.scale[:, 1]).max() < 1e-9
    assert np.abs(p.shear).max() < 1e-9
    assert np.ptp(p.rotation[:, 2]) > 2 * np.pi  # no jump at half a turn
    assert np.abs(np.diff(p.rotation[:, 2])).max() < 1


def test_identity_is_a_plane_that_fills_the_frame():
    camera = hg.camera_for(SIZE, False)
    p = hg.decompose(np.eye(3)[None], SIZE, camera)
    assert np.allclose(p.location, [[0, 0, -camera.distance]]) and np.allclose(p.rotation, 0)
    assert np.allclose(p.scale, 1) and np.allclose(p.shear, 0)


def test_a_flipped_drawing_has_a_negative_width_and_does_not_spin():
    H = np.array([[[-1.0, 0, 400], [0, 1, 30], [0, 0, 1]]])
    camera = hg.camera_for(SIZE, False)
    p = hg.decompose(H, CANVAS, camera)
    assert np.allclose(p.scale, [[-1, 1, 1]]) and np.allclose(p.rotation, 0)
    assert hg.corner_error(H, hg.compose(p, CANVAS, camera), CANVAS).max() < 1e-9


def test_nearly_rigid_motion_gives_continuous_channels():
    H = motion("similarity") + np.random.default_rng(1).normal(0, 1e-5, (24, 3, 3)) * [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    p = hg.decompose(H, CANVAS, hg.camera_for(SIZE, True))
    assert np.abs(np.diff(p.rotation, axis=0)).max() < 1 and np.abs(p.shear).max() < 1e-3


def test_a_canvas_beyond_the_horizon_names_its_frame():
    H = np.tile(np.eye(3), (3, 1, 1))
    H[1, 2, 0] = -1.0
    with pytest.raises(ValueError) as error:
        hg.decompose(H, CANVAS, hg.camera_for(SIZE, True))
    assert error.value.args[1] == 1


def test_euler_angles_match_the_rotation_everywhere():
    rng = np.random.default_rng(3)
    e = rng.uniform(-np.pi, np.pi, (200, 3))
    R = hg.rotation_matrix(e)
    assert np.allclose(hg.rotation_matrix(hg.euler_xyz(R)), R)
    assert np.allclose(R @ R.transpose(0, 2, 1), np.eye(3))
