"""The demo clip is its own truth: it recomposes exactly, keeps its exposure sheet, and is the same every time."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from toondecompose.demo.clip import composite, draw_demo_clip, place, plan_clip

SIZE, FRAMES = (240, 136), 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo")
    assert draw_demo_clip(path, SIZE, FRAMES) == path / "frames"
    return path


def read(path):
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None, path
    return picture


def test_the_folder_holds_frames_and_truth(folder):
    about = json.loads((folder / "clip.json").read_text())
    assert about["size"] == list(SIZE) and about["frames"] == FRAMES and about["K"] == len(about["layers"]) == 5
    assert [x["kind"] for x in about["layers"]] == ["background"] * 3 + ["sprite"] * 2
    transforms = json.loads((folder / "transforms.json").read_text())["sprites"]
    for k, (layer, moves) in enumerate(zip(about["layers"], transforms, strict=True)):
        drawings = sorted((folder / f"sprite_{k}/canvas").iterdir())
        assert max(layer["drawing"]) < len(drawings)
        assert all(read(p).shape[1::-1] == tuple(moves["canvas_size"]) for p in drawings)
        assert np.array(moves["H"]).shape == (FRAMES, 3, 3)
    assert len(list((folder / "frames").iterdir())) == FRAMES


def test_visible_alphas_sum_to_one_and_recompose_the_frames(folder):
    clip = plan_clip(SIZE, FRAMES)
    for t in (0, 5, 11):
        frame, visible = composite(clip.sprites(t))
        assert np.array_equal(frame, read(folder / f"frames/{t:04d}.png")[..., ::-1])
        assert np.allclose(visible.sum(0), 1, atol=1e-5)
        total = sum(read(folder / f"alpha_{k}/{t:04d}.png").astype(int) for k in range(5))
        assert abs(total - 255).max() <= 3  # each of five was rounded to 8 bits


def test_the_same_arguments_give_the_same_bytes(folder, tmp_path):
    draw_demo_clip(tmp_path, SIZE, FRAMES)
    for path in sorted(folder.rglob("*.png")):
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes(), path.name


def test_the_run_is_on_twos_and_drawings_come_back():
    clip = plan_clip(SIZE, 34)
    girl = next(x for x in clip.layers if x.name == "girl")
    assert girl.exposure[:6] == [0, 0, 1, 1, 2, 2] and girl.exposure[16] == girl.exposure[0]
    assert len({d.tobytes() for d in girl.drawings}) == len(girl.drawings) == 8
    # she stands where she stood while a drawing is held; the street moves on ones
    assert np.array_equal(girl.offset[0], girl.offset[1])
    street = next(x for x in clip.layers if x.name == "street")
    assert np.all(np.diff(street.offset[:, 0]) < 0)


def test_the_cat_crosses_the_girl():
    clip = plan_clip(SIZE, FRAMES)
    hidden = 0.0
    for t in range(FRAMES):
        sprites = clip.sprites(t)
        hidden = max(hidden, float(((sprites[3, ..., 3] > 127) & (sprites[4, ..., 3] > 127)).sum()))
    assert hidden > 40


def test_placing_equals_a_bicubic_warp_on_a_finer_grid():
    rng = np.random.default_rng(1)
    canvas = cv2.GaussianBlur(rng.random((40, 50, 4)).astype(np.float32), (0, 0), 1.0)
    canvas[..., :3] = np.minimum(canvas[..., :3], canvas[..., 3:])
    size, offset = (64, 48), np.array([7.28125, -3.59375])
    fine = np.array([[4, 0, 1.5], [0, 4, 1.5], [0, 0, 1]]) @ np.array([[1, 0, offset[0]], [0, 1, offset[1]], [0, 0, 1]])
    big = cv2.warpPerspective(canvas, fine, (size[0] * 4, size[1] * 4), flags=cv2.INTER_CUBIC)
    expected = np.clip(cv2.resize(big, size, interpolation=cv2.INTER_AREA), 0, 1)
    expected[..., :3] = np.minimum(expected[..., :3], expected[..., 3:])
    assert abs(place(canvas, offset, size) - expected).max() < 2e-3


@pytest.mark.parametrize("offset", [(200.0, 0.0), (-200.0, 10.0), (3.5, 300.0)])
def test_a_sprite_outside_the_frame_is_not_there(offset):
    assert not place(np.ones((20, 20, 4), np.float32), np.array(offset), (64, 48)).any()


def test_an_impossible_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match="64x48"):
        draw_demo_clip(tmp_path, (16, 16), 2)
