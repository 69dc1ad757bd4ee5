"""The quality renderer: exact where it can be, close to a slow reference elsewhere."""

import cv2
import numpy as np
import pytest
from backend.result_maker import picture

from toondecompose.engine.shift import RENDERED, cubic
from toondecompose.formats.conventions import translation
from toondecompose.output.patches import Patch
from toondecompose.output.warping import over, premultiply, render, straighten


def smooth(width, height, seed=0):
    """A soft premultiplied drawing with clear margins, 0..255."""
    rgba = picture(width, height, 4, seed).astype(np.float32)
    rgba[..., 3] = 0
    cv2.ellipse(rgba, (width // 2, height // 2), (width // 3, height // 3), 0, 0, 360, (200, 120, 40, 255), -1)
    return np.stack([cv2.GaussianBlur(plane, (0, 0), 3) for plane in premultiply(rgba)])


def frame_of(patch, size):
    out = np.zeros((size[1], size[0], 4), np.float32)
    if patch is not None:
        _, h, w = patch.planes.shape
        out[patch.y:patch.y + h, patch.x:patch.x + w] = patch.pixels
    return out


def reference(canvas, H, size, samples=6):
    """Slow: many bilinear samples per px, point by point through the inverse."""
    inverse = np.linalg.inv(H)
    out = np.zeros((size[1], size[0], 4))
    padded = np.pad(canvas.transpose(1, 2, 0), ((1, 1), (1, 1), (0, 0)))
    for sy in range(samples):
        for sx in range(samples):
            x, y = np.meshgrid(np.arange(size[0]) + (sx + 0.5) / samples, np.arange(size[1]) + (sy + 0.5) / samples)
            p = np.stack([x, y, np.ones_like(x)], -1) @ inverse.T
            u, v = p[..., 0] / p[..., 2] + 0.5, p[..., 1] / p[..., 2] + 0.5
            u, v = np.clip(u, 0, padded.shape[1] - 1.001), np.clip(v, 0, padded.shape[0] - 1.001)
            i, j = np.floor(u).astype(int), np.floor(v).astype(int)
            a, b = (u - i)[..., None], (v - j)[..., None]
            value = ((1 - a) * (1 - b) * padded[j, i] + a * (1 - b) * padded[j, i + 1]
                     + (1 - a) * b * padded[j + 1, i] + a * b * padded[j + 1, i + 1])
            out += np.where(p[..., 2:] > 0, value, 0)
    return out / samples**2


@pytest.mark.parametrize("shift", [(0, 0), (5, 3), (-7, 2), (30, 20), (-15, -11), (5.0004, 2.9997)])
def test_moves_by_whole_pixels_are_exact_copies(shift):
    rgba = picture(32, 24)
    rgba[rgba[..., 3] == 0] = 0
    placed = straighten(frame_of(render(premultiply(rgba), translation(*shift), (40, 30)), (40, 30)))
    expected = np.zeros((30, 40, 4), np.uint8)
    dx, dy = round(shift[0]), round(shift[1])
    for y in range(30):
        for x in range(40):
            if 0 <= y - dy < 24 and 0 <= x - dx < 32:
                expected[y, x] = rgba[y - dy, x - dx]
    assert np.array_equal(placed, expected)


@pytest.mark.parametrize("shift", [(100, 0), (-33, 0), (0, 31), (0.5, -60)])
def test_what_is_outside_the_frame_is_nothing(shift):
    patch = render(smooth(32, 24), translation(*shift), (40, 30))
    assert patch is None or patch.pixels.max() == 0


@pytest.mark.parametrize("H", [
    translation(3.37, 2.81),
    np.array([[0.9, -0.3, 20], [0.3, 0.9, 5], [0, 0, 1.0]]),
    np.array([[-1, 0, 70], [0, 1, 3.5], [0, 0, 1.0]]),
    np.array([[1.1, 0.2, 4], [0.05, 0.9, 5], [2e-3, -1e-3, 1.0]]),
    np.diag([0.4, 0.4, 1.0]), np.diag([0.15, 0.3, 1.0]), np.diag([2.5, 2.0, 1.0]),
], ids=["sub-pixel", "turned", "mirrored", "perspective", "shrunk", "shrunk a lot", "enlarged"])
def test_everything_else_is_close_to_the_slow_reference(H):
    canvas, size = smooth(60, 50), (90, 70)
    difference = np.abs(frame_of(render(canvas, H, size), size) - reference(canvas, H, size))
    assert difference.max() < 6 and difference.mean() < 0.35


def test_a_shrunken_checkerboard_is_grey_not_moire():
    canvas = np.zeros((4, 256, 256), np.float32)
    canvas[3] = 255
    canvas[:, (np.indices((256, 256)).sum(0) % 2) == 0] = 255
    patch = render(canvas, np.diag([0.2, 0.2, 1.0]), (51, 51))
    inner = frame_of(patch, (51, 51))[5:45, 5:45, 0]
    assert abs(inner.mean() - 127.5) < 2 and inner.std() < 6


def test_pieces_put_together_give_the_same_picture():
    # rows are computed in bands: their borders must not show
    canvas = smooth(200, 400)
    H = np.array([[0.5, 0.01, 3], [-0.02, 0.5, 4], [0, 0, 1.0]])
    whole = frame_of(render(canvas, H, (120, 220)), (120, 220))
    lower = frame_of(render(canvas, translation(0, -100) @ H, (120, 120)), (120, 120))
    assert np.abs(whole[100:] - lower).max() < 0.01


@pytest.mark.parametrize("shift", [(2.25, -3.6), (-4.5, 7.125), (43.3, 30.9), (-59.2, -48.7), (0.5, 3.0)])
def test_moves_are_sampled_with_the_cubic_kernel_at_their_exact_place(shift):
    canvas, size = premultiply(picture(60, 50, 4, seed=4)), (50, 40)
    big = np.pad(canvas.astype(float), ((0, 0), (80, 80), (80, 80)))
    expected = np.zeros((4, 40, 50))
    for axis_y in range(-1, 3):
        for axis_x in range(-1, 3):
            x, y = np.floor(-shift[0]) + axis_x, np.floor(-shift[1]) + axis_y
            weight = cubic(np.array([-shift[0] - x]), RENDERED) * cubic(np.array([-shift[1] - y]), RENDERED)
            expected += weight * big[:, int(y) + 80:int(y) + 120, int(x) + 80:int(x) + 130]
    expected = np.clip(expected, 0, 255)
    expected[:3] = np.minimum(expected[:3], expected[3])
    assert np.abs(frame_of(render(canvas, translation(*shift), size), size) - expected.transpose(1, 2, 0)).max() < 0.01


def test_the_farthest_background_has_no_border():
    canvas = np.full((4, 20, 30), 255, np.float32)
    for H in (translation(0.5, 0.5), translation(-3, 2), translation(10.3, -5.2)):
        assert frame_of(render(canvas, H, (30, 20), extend=True), (30, 20)).min() > 254.99


def test_nothing_is_seen_beyond_the_horizon():
    canvas = np.full((4, 100, 100), 255, np.float32)
    H = np.array([[1, 0, 20], [0, 1, 60], [0, -0.02, 1.0]])  # depth 1 - y/50: the lower half is behind the camera
    placed = frame_of(render(canvas, H, (200, 200)), (200, 200))[..., 3]
    assert np.abs(placed - reference(canvas, H, (200, 200), 3)[..., 3]).mean() < 1
    # the horizon lies at frame y = -50: nothing above the canvas's upper edge can be seen
    assert placed[:55].max() == 0


def test_sampling_never_makes_colour_brighter_than_alpha_allows():
    canvas = premultiply(picture(40, 40, 4, seed=9))
    patch = render(canvas, np.array([[0.97, 0.1, 2], [-0.1, 1.03, 3], [0, 0, 1.0]]), (60, 60))
    assert patch.pixels.min() >= 0 and patch.pixels[..., 3].max() <= 255
    assert (patch.pixels[..., :3] <= patch.pixels[..., 3:]).all()


def test_over_is_the_textbook_formula():
    frame = np.full((3, 2, 2), 100, np.float32)
    over(frame, Patch(1, 0, np.array([50, 20, 0, 51], np.float32).reshape(4, 1, 1)), opacity=0.5)
    assert np.allclose(frame[:, 0, 1], np.array([25, 10, 0]) + 100 * (1 - 0.1))
    assert np.allclose(frame[:, 0, 0], 100)
    over(frame, None)


def test_what_is_laid_over_a_part_of_a_frame_is_what_lies_there():
    rng = np.random.default_rng(3)
    for colour in (rng.uniform(0, 90, (3, 40, 30)), np.zeros((3, 40, 30))):  # a shade has none
        patch = Patch(5, -3, np.concatenate([colour, rng.uniform(90, 255, (1, 40, 30))]).astype(np.float32))
        whole = rng.uniform(0, 255, (3, 50, 60)).astype(np.float32)
        part = whole[:, 12:33, 20:60].copy()
        plain = whole.copy()
        plain[:, :37, 5:35] = patch.planes[:3, 3:] * np.float32(0.7) + plain[:, :37, 5:35] * (
            1 - patch.planes[3, 3:] * np.float32(0.7 / 255))
        over(whole, patch, 0.7)
        over(part, patch, 0.7, (20, 12))
        assert np.allclose(whole, plain, atol=1e-3) and np.array_equal(part, whole[:, 12:33, 20:60])
        aside = part.copy()
        over(part, patch, 1.0, (50, 0))
        assert np.array_equal(part, aside)


def test_straight_and_premultiplied_are_inverse():
    rgba = picture(20, 20)
    rgba[rgba[..., 3] == 0] = 0
    assert np.array_equal(straighten(premultiply(rgba).transpose(1, 2, 0)), rgba)


def test_as_blender_a_whole_px_move_is_a_copy_and_half_a_px_the_mean_of_two(tmp_path):
    from toondecompose.formats.result import Clip, Result, Sprite
    from toondecompose.io.png import write_png
    from toondecompose.output.as_blender import blender_frame

    # even values: no mean lies between two levels
    picture = 2 * np.random.default_rng(4).integers(0, 127, (6, 9, 4)).astype(np.uint8)
    picture[..., 3] = 255
    write_png(tmp_path / "a.png", picture)
    moves = np.tile(np.eye(3), (2, 1, 1))
    moves[:, 0, 2] = (2, 0.5)
    sprite = Sprite("s", 0, "sprite", (9, 6), ["a.png"], [0, 0], moves, np.ones(2))
    result = Result(Clip("c", (9, 6), 24, 1, 2), [sprite])
    np.testing.assert_array_equal(blender_frame(tmp_path, result, 0)[:, 2:], picture[:, :-2, :3])
    assert (blender_frame(tmp_path, result, 0)[:, :2] == 0).all()
    mean = (picture[:, :-1, :3].astype(int) + picture[:, 1:, :3]) // 2
    np.testing.assert_array_equal(blender_frame(tmp_path, result, 1)[:, 1:], mean)


@pytest.mark.parametrize("extend", [False, True])
def test_rows_of_a_moved_canvas_are_the_same_when_it_is_kept(extend):
    canvas = smooth(90, 120)[:3 if extend else 4]
    H = translation(3.4, -6.7)
    lazy, kept = (render(canvas, H, (80, 100), extend=extend) for _ in range(2))
    kept.keep()
    for top, bottom in ((0, 7), (30, 64), (90, 200), (99, 99), (130, 140)):
        assert np.array_equal(lazy.rows(top, bottom), kept.rows(top, bottom))
    frames = [np.full((3, 100, 80), 50, np.float32) for _ in range(2)]
    over(frames[0], kept, 0.7)
    for top in range(0, 100, 9):  # a few rows at a time
        over(frames[1][:, top:top + 9], lazy, 0.7, (0, top))
    assert np.array_equal(*frames)
