"""From what a person names to checked frames: order, gaps, sizes, damage, kinds of pictures, videos."""

import os

import cv2
import numpy as np
import pytest
from backend.result_maker import picture
from PIL import Image

from toondecompose.formats.errors import UserError
from toondecompose.io.frames import open_frames
from toondecompose.io.png import png_bytes, read_picture, read_rgb, read_rgba, write_png
from toondecompose.io.sequences import expand_frames, natural_key
from toondecompose.io.video import VideoWriter, video_info

WIDTH, HEIGHT = 20, 12


def write_frames(folder, names, size=(WIDTH, HEIGHT)):
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        write_png(folder / name, np.full((size[1], size[0], 3), 10 * i, np.uint8))
    return folder


def names_of(arguments):
    paths, _ = expand_frames(arguments)
    assert all(p.is_absolute() for p in paths)
    return [p.name for p in paths]


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path):
    write_frames(tmp_path, ["f10.png", "f2.png", "f1.png", "f09.png"])
    for clutter in ("Thumbs.db", ".f3.png", "notes.txt"):
        (tmp_path / clutter).write_text("x")
    (tmp_path / "f5.png.d").mkdir()
    assert names_of([tmp_path]) == ["f1.png", "f2.png", "f09.png", "f10.png"]


def test_unicode_names_and_odd_folders_are_fine(tmp_path):
    folder = write_frames(tmp_path / "[draft] 100% #2 漢字", ["läuft 2.png", "läuft 10.png", "läuft 1.png"])
    assert names_of([folder]) == ["läuft 1.png", "läuft 2.png", "läuft 10.png"]
    source = open_frames(expand_frames([folder])[0])
    assert [int(source.read(t)[0, 0, 0]) for t in range(3)] == [20, 0, 10]


def test_unicode_forms_and_case_do_not_change_the_order():
    assert natural_key("É1.png") == natural_key("e\u03011.PNG")


@pytest.mark.parametrize("pattern", ["*.png", "a.*.png", "a.####.png", "a.%04d.png", "a.[0-9]*.png"])
def test_patterns(tmp_path, pattern):
    write_frames(tmp_path, ["a.0002.png", "a.0010.png", "a.0001.png"])
    (tmp_path / "notes.txt").write_text("x")
    assert names_of([tmp_path / pattern]) == ["a.0001.png", "a.0002.png", "a.0010.png"]


def test_a_list_keeps_its_order_and_may_repeat(tmp_path):
    write_frames(tmp_path, ["1.png", "2.png"])
    assert names_of([tmp_path / "2.png", tmp_path / "1.png", tmp_path / "2.png"]) == ["2.png", "1.png", "2.png"]


def test_missing_numbers_are_a_warning_that_lists_them(tmp_path):
    write_frames(tmp_path, [f"run_{n:04d}.png" for n in (1, 2, 5, 6)])
    paths, warnings = expand_frames([tmp_path])
    assert len(paths) == 4 and len(warnings) == 1
    assert "run_#.png" in warnings[0] and "(3, 4)" in warnings[0]


@pytest.mark.parametrize(("names", "argument", "words"), [
    ([], "", "holds no pictures"),
    (["a_1.png", "b_1.png"], "", "2 sequences"),
    (["a_1.png"], "nothing", "does not exist"),
    (["a_1.png"], "*.jpg", "No file matches"),
    (["a_1.png"], "b_####.png", "No file matches"),
])
def test_what_cannot_be_expanded_gives_a_sentence(tmp_path, names, argument, words):
    write_frames(tmp_path, names)
    with pytest.raises(UserError, match=words):
        expand_frames([tmp_path / argument])


def test_nothing_and_a_video_among_pictures_are_refused(tmp_path):
    write_frames(tmp_path, ["1.png"])
    (tmp_path / "a.mp4").write_bytes(b"x")
    with pytest.raises(UserError, match="No frames"):
        expand_frames([])
    with pytest.raises(UserError, match="video"):
        expand_frames([tmp_path / "1.png", tmp_path / "a.mp4"])
    with pytest.raises(UserError, match="There are no frames"):
        open_frames([])


def test_one_frame_and_one_pixel_are_frames(tmp_path):
    write_frames(tmp_path, ["1.png"], size=(1, 1))
    source = open_frames([tmp_path / "1.png"])
    assert (source.count, source.size, source.read(0).shape) == (1, (1, 1), (1, 1, 3))


def spoil(path, how):
    data = path.read_bytes()
    path.write_bytes({"empty": b"", "text": b"this is no picture", "cut off": data[:len(data) // 2]}[how])


@pytest.mark.parametrize(("how", "words"), [("empty", "0 bytes"), ("text", "cannot be read as a picture"),
                                            ("cut off", "cut off")])
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_damaged_frame_is_named_before_the_work_begins(tmp_path, how, words, kind):
    paths = []
    for t in range(3):
        paths.append(tmp_path / f"f{t}.{kind}")
        Image.fromarray(picture(200, 100, 3)).save(paths[-1])
    spoil(paths[1], how)
    with pytest.raises(UserError, match=rf"^Frame 2: “.*f1\.{kind}”.*{words}"):
        open_frames(paths)


def test_pixels_that_are_damaged_are_reported_when_they_are_read(tmp_path):
    path = tmp_path / "a.png"
    data = png_bytes(picture(200, 100, 3))
    path.write_bytes(data[:60] + b"\0" * 2000 + data[2060:])
    source = open_frames([path])
    with pytest.raises(UserError, match="Frame 1"):
        source.read(0)


def test_a_missing_frame_and_another_size_are_named(tmp_path):
    write_frames(tmp_path, ["1.png", "2.png"])
    with pytest.raises(UserError, match=r"Frame 3 \(.*3\.png.*missing"):
        open_frames([tmp_path / f"{n}.png" for n in (1, 2, 3)])
    write_frames(tmp_path, ["3.png"], size=(10, 10))
    with pytest.raises(UserError, match=r"Frame 3 \(“3\.png”\) is 10 x 10 px, but the first frame is 20 x 12"):
        open_frames([tmp_path / f"{n}.png" for n in (1, 2, 3)])


def test_a_frame_that_changes_while_it_is_used_is_noticed(tmp_path):
    write_frames(tmp_path, ["1.png"])
    source = open_frames([tmp_path / "1.png"])
    write_frames(tmp_path, ["1.png"], size=(8, 8))
    with pytest.raises(UserError, match="changed"):
        source.read(0)
    (tmp_path / "1.png").unlink()
    with pytest.raises(UserError, match="Frame 1"):
        source.read(0)


RGB = picture(WIDTH, HEIGHT, 3, seed=4)
RGBA = picture(WIDTH, HEIGHT, 4, seed=4)
OVER_BLACK = np.rint(RGBA[..., :3] * (RGBA[..., 3:] / 255.0))


@pytest.mark.parametrize(("name", "stored", "expected", "tolerance"), [
    ("a.png", lambda p: Image.fromarray(RGB).save(p), RGB, 0),
    ("a.bmp", lambda p: Image.fromarray(RGB).save(p), RGB, 0),
    ("a.webp", lambda p: Image.fromarray(RGB).save(p, lossless=True), RGB, 0),
    ("a.tif", lambda p: Image.fromarray(RGB).save(p), RGB, 0),
    ("a.tga", lambda p: Image.fromarray(RGB).save(p), RGB, 0),
    ("alpha.png", lambda p: Image.fromarray(RGBA).save(p), OVER_BLACK, 1),
    ("alpha.tif", lambda p: Image.fromarray(RGBA).save(p), OVER_BLACK, 1),
    ("grey.png", lambda p: Image.fromarray(RGB[..., 0]).save(p), np.repeat(RGB[..., :1], 3, 2), 0),
    ("grey alpha.png", lambda p: Image.fromarray(np.dstack([RGBA[..., 0], RGBA[..., 3]]), "LA").save(p),
     np.repeat(OVER_BLACK[..., :1], 3, 2), 1),
    ("16 bit.png", lambda p: p.write_bytes(cv2.imencode(".png", RGB[..., ::-1].astype(np.uint16) * 257)[1]), RGB, 0),
    ("16 bit grey.png", lambda p: p.write_bytes(cv2.imencode(".png", RGB[..., 0].astype(np.uint16) * 257)[1]),
     np.repeat(RGB[..., :1], 3, 2), 0),
    ("bits.png", lambda p: Image.fromarray(RGB[..., 0] > 99).save(p), np.repeat((RGB[..., :1] > 99) * 255, 3, 2), 0),
    ("cmyk.tif", lambda p: Image.fromarray(RGB).convert("CMYK").save(p), RGB, 1),
])
def test_every_kind_of_picture_becomes_rgb(tmp_path, name, stored, expected, tolerance):
    stored(tmp_path / name)
    frame = open_frames([tmp_path / name]).read(0)
    assert frame.dtype == np.uint8 and frame.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(frame.astype(int) - expected).max() <= tolerance


def test_palettes_and_jpegs_in_cmyk_become_rgb(tmp_path):
    x, y = np.meshgrid(np.arange(0, 240, 4), np.arange(0, 160, 4))
    smooth = np.dstack([x, y, np.full_like(x, 90)]).astype(np.uint8)
    image = Image.fromarray(smooth)
    image.quantize(256).save(tmp_path / "palette.png")
    image.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    for name in ("palette.png", "cmyk.jpg"):
        assert np.abs(read_rgb(tmp_path / name).astype(int) - smooth).mean() < 6


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_written_pictures_read_back_exactly(tmp_path, channels, dtype):
    pixels = picture(WIDTH, HEIGHT, 4)[..., :channels].astype(dtype) * (1 if dtype == np.uint8 else 257)
    pixels = pixels[..., 0] if channels == 1 else pixels
    write_png(tmp_path / "neu 漢" / "a.png", pixels)
    again = read_picture(tmp_path / "neu 漢" / "a.png")
    assert again.dtype == dtype and np.array_equal(again, pixels)
    assert read_rgba(tmp_path / "neu 漢" / "a.png").shape == (HEIGHT, WIDTH, 4)


def test_writing_where_nothing_can_be_written_gives_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="written"):
        write_png(tmp_path / "file" / "a.png", RGB)


def test_a_video_becomes_frames_in_any_order_and_leaves_nothing_behind(tmp_path, monkeypatch):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    greys = [20 * t + 15 for t in range(11)]
    with VideoWriter(tmp_path / "ä.mp4", (33, 17), 12.5) as video:
        for grey in greys:
            video.add(np.full((17, 33, 3), grey, np.uint8))
    assert video_info(tmp_path / "ä.mp4")["fps"] == 12.5
    source = open_frames([tmp_path / "ä.mp4"])
    assert (source.count, source.size) == (11, (34, 18))  # H.264 wants even sizes
    for t in (10, 3, 3, 0, 7):
        assert np.abs(source.read(t).astype(int) - greys[t]).max() <= 3
    assert os.listdir(temporary)
    del source
    assert os.listdir(temporary) == []


@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_a_damaged_video_gives_a_sentence(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.mp4"):
        open_frames([tmp_path / "a.mp4"])


def test_decoded_frames_are_kept_on_disk_and_leave_nothing_behind(tmp_path):
    from toondecompose.engine.clip import FEWEST_CACHED, FrameSource

    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (40, 6, 8, 3)).astype(np.uint8)
    decoded = []

    def read(t):
        decoded.append(t)
        return frames[t].copy()

    source = FrameSource(read, len(frames), (8, 6), cache_mb=0)
    source.keep_decoded(tmp_path / "scratch")
    smaller = source.resized((4, 3))
    for _ in range(3):
        for t in range(len(frames)):
            np.testing.assert_array_equal(source.read(t), frames[t])
            assert smaller.read(t).shape == (3, 4, 3)
    assert decoded == list(range(len(frames)))  # each frame was decoded once, though few stay in memory
    assert len(source._cache) == FEWEST_CACHED
    assert source.resized((4, 3)) is smaller
    source.close()
    assert not list((tmp_path / "scratch").iterdir())
    np.testing.assert_array_equal(source.read(0), frames[0])


@pytest.mark.parametrize("mapped", [True, False])
def test_frames_that_are_looked_at_stay_as_they_are_and_are_not_written_into(tmp_path, monkeypatch, mapped):
    from toondecompose.engine import clip

    if not mapped:  # a system without it
        monkeypatch.setattr(clip.mmap, "mmap", type("mmap", (), {}))
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (30, 40, 50, 3)).astype(np.uint8)  # no whole pages each
    source = clip.FrameSource(lambda t: frames[t].copy(), len(frames), (50, 40), cache_mb=0)
    source.keep_decoded(tmp_path)
    first = [source.read(t) for t in range(len(frames))]
    held = [source.read(t) for t in range(len(frames))]
    for t in (0, 11, 29):  # others have given their memory back meanwhile
        np.testing.assert_array_equal(held[t], frames[t])
    with pytest.raises(ValueError):
        held[3][0] = 0
    source.close()
    assert not list(tmp_path.iterdir())
    assert all(np.array_equal(a, frame) and np.array_equal(b, frame)
               for a, b, frame in zip(first, held, frames, strict=True))


def test_a_full_disk_only_means_decoding_again(tmp_path, monkeypatch):
    from toondecompose.engine import clip

    frames = np.arange(30 * 6 * 8 * 3, dtype=np.uint32).reshape(30, 6, 8, 3).astype(np.uint8)
    monkeypatch.setattr(clip.Scratch, "write", lambda *_: None)
    kept = clip.FrameSource(lambda t: frames[t].copy(), len(frames), (8, 6), cache_mb=0)
    kept.keep_decoded(tmp_path)
    monkeypatch.setattr(clip.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100}))
    never = clip.FrameSource(lambda t: frames[t].copy(), len(frames), (8, 6), cache_mb=0)
    never.keep_decoded(tmp_path)
    for source in (kept, never):
        for t in [*range(30), *range(30)]:
            np.testing.assert_array_equal(source.read(t), frames[t])
        source.close()
