"""Placing, recomposing and previewing a small result."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from backend.result_maker import picture, shifts, small_result

from toondecompose.engine.clip import source_from_array
from toondecompose.formats.conventions import edge_from_centre, translation
from toondecompose.formats.errors import UserError
from toondecompose.formats.result import Sprite, write_result
from toondecompose.io.png import read_rgb, read_rgba, write_png
from toondecompose.io.video import read_video, video_info
from toondecompose.output.contact_sheet import WIDTH, frame_thumbnail, sheet_frames, write_contact_sheet
from toondecompose.output.layers import LayerRenderer, shown_part
from toondecompose.output.place import write_placed
from toondecompose.output.preview import MAGENTA, sprites_of, write_preview
from toondecompose.output.recompose import recompose_frame, write_recomposition
from toondecompose.output.warping import over, premultiply, render


def by_hand(folder, result, t):
    """Frame t composited px by px for whole-pixel moves."""
    width, height = result.clip.size
    frame = np.zeros((height, width, 3))
    for sprite in result.sprites:
        if sprite.exposure[t] is None:
            continue
        rgba = read_rgba(folder / sprite.drawings[sprite.exposure[t]]).astype(float)
        dx, dy = sprite.transform[t][:2, 2].astype(int)
        for y in range(rgba.shape[0]):
            for x in range(rgba.shape[1]):
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    alpha = rgba[y, x, 3] / 255 * sprite.opacity[t]
                    frame[y + dy, x + dx] = rgba[y, x, :3] * alpha + frame[y + dy, x + dx] * (1 - alpha)
    return frame


def test_recomposition_is_over_in_stored_values(tmp_path):
    result = small_result(tmp_path)
    result.sprites[1].opacity[1] = 0.4
    for t in range(4):
        frame = recompose_frame(tmp_path, result, t)
        assert frame.dtype == np.uint8 and np.abs(frame - by_hand(tmp_path, result, t)).max() <= 0.502


def test_every_frame_is_written(tmp_path):
    result = small_result(tmp_path / "r")
    result.clip.frame_start = 98
    assert write_recomposition(tmp_path / "r", result, tmp_path / "out") == 4
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["0098.png", "0099.png", "0100.png", "0101.png"]
    assert np.array_equal(read_rgb(tmp_path / "out" / "0100.png"), recompose_frame(tmp_path / "r", result, 2))


def test_placed_layers_have_the_benchmarks_layout(tmp_path):
    result = small_result(tmp_path / "r")
    assert write_placed(tmp_path / "r", result, tmp_path / "out") == 2
    files = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png"))
    assert files == [f"sprites/{k}/{t:04d}.png" for k in range(2) for t in range(4)]
    girl = read_rgba(tmp_path / "out/sprites/1/0001.png")
    drawing = read_rgba(tmp_path / "r" / result.sprites[1].drawings[1])
    drawing[drawing[..., 3] == 0] = 0
    assert girl.shape == (48, 64, 4) and np.array_equal(girl[8:32, 13:29], drawing)
    assert girl[:8].max() == 0
    assert read_rgba(tmp_path / "out/sprites/1/0003.png").max() == 0  # not shown there
    assert read_rgba(tmp_path / "out/sprites/0/0002.png")[..., 3].min() == 255
    moves = json.loads((tmp_path / "out/transforms.json").read_text())
    assert moves["drawing"] == [[0, 0, 0, 0], [0, 1, 0, None]]
    assert np.allclose(edge_from_centre(np.array(moves["H"][1])), result.sprites[1].transform)


def test_transforms_are_converted_to_pixel_centres(tmp_path):
    result = small_result(tmp_path / "r")
    result.sprites[1].transform[:] = np.diag([2.0, 2.0, 1.0])
    write_placed(tmp_path / "r", result, tmp_path / "out")
    moves = json.loads((tmp_path / "out/transforms.json").read_text())
    assert np.allclose(moves["H"][1][0], [[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])


def with_hills(folder):
    """The small result with a second plane behind the sprite."""
    result = small_result(folder)
    write_png(folder / "hills.png", picture(64, 48, 4, seed=7))
    hills = Sprite("hills", 1, "background", (64, 48), ["hills.png"], [0] * 4, shifts([(0, 0)] * 4), np.ones(4))
    result.sprites[1].order = 2
    result.sprites.insert(1, hills)
    write_result(folder, result)
    return result


def test_planes_are_placed_one_by_one_or_flattened(tmp_path):
    result = with_hills(tmp_path / "r")
    assert write_placed(tmp_path / "r", result, tmp_path / "separate") == 3
    assert write_placed(tmp_path / "r", result, tmp_path / "flat", flatten=True) == 2
    flat = read_rgba(tmp_path / "flat/sprites/0/0003.png")  # no girl on the last frame: this is the whole picture
    assert np.array_equal(flat[..., :3], recompose_frame(tmp_path / "r", result, 3))
    assert len(json.loads((tmp_path / "flat/transforms.json").read_text())["H"]) == 2
    single = read_rgba(tmp_path / "separate/sprites/1/0000.png")
    assert single[..., 3].min() == 0


def test_a_result_without_background_gets_an_empty_one(tmp_path):
    result = small_result(tmp_path / "r")
    result.sprites = [result.sprites[1]]
    assert write_placed(tmp_path / "r", result, tmp_path / "out") == 2
    assert read_rgba(tmp_path / "out/sprites/0/0000.png")[0, 0].tolist() == [0, 0, 0, 255]


def test_small_renderings_are_shrunken_large_ones(tmp_path):
    result = small_result(tmp_path)
    layers = [0, 1]
    large = LayerRenderer(tmp_path, result).composite(1, layers, (0, 0, 0))
    small = LayerRenderer(tmp_path, result, scale=0.5).composite(1, layers, (0, 0, 0))
    assert small.shape == (24, 32, 3)
    expected = cv2.resize(large, (32, 24), interpolation=cv2.INTER_AREA)
    assert np.abs(small - expected)[2:-2, 2:-2].mean() < 8


def test_held_layers_are_rendered_once(tmp_path, monkeypatch):
    result = small_result(tmp_path)
    result.sprites[0].transform[:] = np.eye(3)
    calls = []
    monkeypatch.setattr("toondecompose.output.layers.render", lambda *a, **k: calls.append(1))
    renderer = LayerRenderer(tmp_path, result)
    for t in range(4):
        renderer.patch(0, t)
    assert len(calls) == 1


def test_a_drawing_of_another_size_is_named(tmp_path):
    result = small_result(tmp_path)
    write_png(tmp_path / result.sprites[1].drawings[0], picture(10, 10))
    with pytest.raises(UserError, match=r"sprites\[1\]\.drawings\[0\].*10 x 10"):
        recompose_frame(tmp_path, result, 0)


def test_the_preview_shows_source_recomposition_and_sprites(tmp_path):
    result = small_result(tmp_path)
    source = source_from_array([np.full((48, 64, 3), 60 * t, np.uint8) for t in range(4)])
    path = write_preview(tmp_path, result, source)
    assert path == tmp_path / "preview.mp4" and video_info(path)["fps"] == 24
    frames = list(read_video(path))
    assert len(frames) == 4 and frames[0].shape == (48, 192, 3)
    assert np.abs(frames[2][:, :60].astype(int) - 120).max() < 8  # the source
    assert np.abs(frames[3][20:28, 150:170].astype(int) - [255, 0, 255]).max() < 40  # no sprite there: magenta
    assert write_preview(tmp_path, result, None, tmp_path / "two.mp4").exists()
    assert video_info(tmp_path / "two.mp4")["size"][0] == 128
    assert not list(tmp_path.glob(".*"))


def test_a_shade_or_a_light_over_the_whole_picture_does_not_hide_the_sprites_alone(tmp_path):
    result = small_result(tmp_path)
    shown = sprites_of(result)
    result.sprites[shown[0]].name = "moonlight"  # an animator's
    for name in ("shade", "light", "shot2 light"):
        result.sprites.append(replace(result.sprites[shown[0]], name=name, order=len(result.sprites)))
    assert sprites_of(result) == shown


def test_layers_over_a_colour_are_the_same_composited_whole_or_only_where_they_are(tmp_path):
    result = with_hills(tmp_path)
    renderer = LayerRenderer(tmp_path, result)
    for layers in ([0, 1, 2], [len(result.sprites) - 1], []):
        plain = np.rint(renderer.composite(1, layers, MAGENTA)).astype(np.uint8)
        assert np.array_equal(renderer.frame(1, layers, MAGENTA), plain)


def test_frames_one_after_another_are_those_composited_each_anew(tmp_path):
    result = with_hills(tmp_path)
    shade = np.zeros((*result.clip.size[::-1], 4), np.uint8)
    shade[..., 3] = picture(*result.clip.size, seed=9)[..., 0] // 4
    write_png(tmp_path / "sprites/shade.png", shade)
    count = result.clip.frame_count
    result.sprites.append(Sprite("shade", len(result.sprites), "sprite", result.clip.size, ["sprites/shade.png"],
                                 [0] * count, shifts([(0.0, 0.0)] * count), np.ones(count), "translation"))
    renderer = LayerRenderer(tmp_path, result)
    rows = ((list(range(len(result.sprites))), (0, 0, 0)), (sprites_of(result), MAGENTA), ([1], MAGENTA))
    for t in [*range(count), 2, 2, 0]:  # the sprite comes and goes, and is held
        for layers, colour in rows:
            plain = np.rint(LayerRenderer(tmp_path, result).composite(t, layers, colour)).astype(np.uint8)
            assert np.array_equal(renderer.frame(t, layers, colour), plain)


def test_the_contact_sheet_is_the_same_from_frames_that_were_rendered_already(tmp_path):
    result = with_hills(tmp_path)
    renderer = LayerRenderer(tmp_path, result)
    rows = ((list(range(len(result.sprites))), (0, 0, 0)), (sprites_of(result), MAGENTA))
    shown = {t: [frame_thumbnail(renderer.frame(t, *row), result.clip) for row in rows]
             for t in sheet_frames(result.clip)}
    plain = read_rgb(write_contact_sheet(tmp_path, result))
    assert np.array_equal(read_rgb(write_contact_sheet(tmp_path, result, shown=shown)), plain)


def test_the_contact_sheet_is_one_picture_of_everything(tmp_path):
    result = with_hills(tmp_path)
    source = source_from_array([np.full((48, 64, 3), 60, np.uint8) for _ in range(4)])
    path = write_contact_sheet(tmp_path, result, source)
    sheet = read_rgb(path)
    assert path.name == "contact_sheet.png" and sheet.shape[1] == WIDTH and sheet.shape[0] > 300
    assert (sheet == [255, 0, 255]).all(-1).any() and (sheet == 60).all(-1).any()


def test_a_clip_of_one_frame_and_one_pixel_is_shown_too(tmp_path):
    result = small_result(tmp_path, count=1, size=(1, 1))
    result.sprites[1].exposure = [0]
    assert recompose_frame(tmp_path, result, 0).shape == (1, 1, 3)
    write_contact_sheet(tmp_path, result)
    write_preview(tmp_path, result)


def test_drawings_that_are_kept_in_memory_give_the_files_pictures(tmp_path):
    result = small_result(tmp_path)
    result.sprites[1].transform[:, :2, 2] += 0.37
    parts = {name: shown_part(read_rgba(tmp_path / name), whole=k == 0)
             for k, sprite in enumerate(result.sprites) for name in sprite.drawings}
    read, kept = LayerRenderer(tmp_path, result), LayerRenderer(tmp_path / "nowhere", result, parts=parts)
    for t in range(4):
        assert np.array_equal(read.composite(t, [0, 1], (0, 0, 0)), kept.composite(t, [0, 1], (0, 0, 0)))
        assert np.array_equal(read.frame(t, [1], (255, 0, 255)),
                              np.rint(read.composite(t, [1], (255, 0, 255))).astype(np.uint8))


def test_what_a_drawing_shows_is_all_that_is_placed(tmp_path):
    rgba = np.zeros((60, 80, 4), np.uint8)
    rgba[20:30, 40:52] = picture(12, 10)
    part = shown_part(rgba)
    assert part.rgba.shape[0] < 60 and part.rgba.shape[1] < 80
    for H in (translation(3.4, -2.7), np.array([[0.9, -0.2, 8], [0.2, 0.9, 3], [1e-4, 0, 1]]),
              np.diag([0.4, 0.4, 1.0])):
        frames = [np.zeros((4, 50, 90), np.float32) for _ in range(2)]
        over(frames[0], render(premultiply(rgba), H, (90, 50)))
        over(frames[1], render(premultiply(part.rgba), H @ translation(part.x, part.y), (90, 50)))
        assert np.abs(frames[0] - frames[1]).max() < 0.2
    assert shown_part(np.zeros((5, 6, 4), np.uint8)).rgba.size
