"""The composed benchmark clips, from art made up here: what is written as truth is what the frames show."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from toondecompose.demo.clip import composite
from toondecompose.formats.errors import UserError
from toondecompose.io.png import read_rgba

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MEDIA = "usr/share/scratch/Media"
WOODS = f"{MEDIA}/Backgrounds/Nature/woods-and-bench.jpg"
HORSES = [f"{MEDIA}/Costumes/Animals/horse1-{step}.png" for step in "ab"]


@pytest.fixture(scope="module")
def composed():
    """The benchmark's modules, which are no installed package."""
    sys.path.insert(0, str(BENCHMARKS))
    import compose_clips
    from composed import art, stage
    from drawn import layers

    yield compose_clips, art, stage, layers
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """A folder with the art of the shortest clip: a gradient, and two blots of different sizes as its horse."""
    folder = tmp_path_factory.mktemp("art")
    y, x = np.mgrid[:80, :110]
    _save(folder / WOODS, np.dstack([2 * x, 3 * y, x + y]))
    for name, (height, width) in zip(HORSES, ((50, 80), (62, 71)), strict=True):
        y, x = np.mgrid[:height + 20, :width + 10]
        inside = np.hypot((x - 5 - width / 2) / (width / 2), (y - 10 - height / 2) / (height / 2)) < 1
        _save(folder / name, np.dstack([200 - x, 90 + y, 40 + 0 * x, 255 * inside]))
    return folder


class MadeUpArt:
    """Any picture that is asked for is made up: each file in a colour of its own, wide, and clear at its rim."""

    def __init__(self, folder):
        self.folder, self.known = folder, []

    def file(self, package, name):
        path = self.folder / package / name
        if path not in self.known:
            self.known.append(path)
            picture = np.zeros((20, 80, 4))
            picture[4:-4, 6:-6] = 10 * len(self.known), 255 - 10 * len(self.known), 128, 255
            _save(path, picture[..., :3] if path.suffix in (".jpg", ".gif") else picture)
        return path

    def files(self, package, pattern, which):
        return [self.file(package, pattern.format(item)) for item in which]

    def cells(self, names):
        return [read_rgba(self.file("cells", f"{name}.png")) for name in names]


def _save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.astype(np.uint8)).save(path)


def test_visible_alphas_and_drawings_recompose_the_frames(composed, made_up, tmp_path):
    compose_clips, _, _, layers = composed
    compose_clips.main([str(made_up), str(tmp_path), "--clips", "a13"])
    folder = tmp_path / "a13_six_frames"
    said = json.loads((folder / "clip.json").read_text())
    H = np.array([s["H"] for s in json.loads((folder / "transforms.json").read_text())["sprites"]])
    assert (len(H), H.shape[1]) == (said["K"], said["frames"]) == (2, 6)
    assert said["layers"][1]["drawing"] == [0, 0, 1, 1, 0, 0]
    plate = read_rgba(folder / "sprite_0/canvas/00.png").astype(np.float32) / 255
    for t in range(said["frames"]):
        back = np.round(layers.warp(plate, H[0, t], tuple(said["size"]), opaque=True) * 255).astype(np.uint8)
        horse = read_rgba(folder / f"sprite_1/{t:04d}.png")
        assert horse[..., 3].any()
        frame, visible = composite(np.stack([back, horse]))
        np.testing.assert_array_equal(frame, read_rgba(folder / f"frames/{t:04d}.png")[..., :3])
        for k, alpha in enumerate(visible):
            written = read_rgba(folder / f"alpha_{k}/{t:04d}.png")[..., 0]
            np.testing.assert_array_equal(np.round(alpha * 255), written)


def test_every_clip_shows_drawings_that_differ_from_one_another(composed, tmp_path):
    for name, compose in composed[0].SCENES.items():
        scene = compose(MadeUpArt(tmp_path / name))
        assert scene.name == name
        for layer in scene.layers:
            assert len(layer.exposure) == len(layer.H) == scene.count and np.isfinite(layer.H).all()
            assert set(layer.exposure) <= set(range(len(layer.drawings)))
            assert len({drawing.shape for drawing in layer.drawings}) == 1
            assert len({drawing.tobytes() for drawing in layer.drawings}) == len(layer.drawings), (name, layer.name)


def test_drawings_are_laid_alike_from_files_and_from_what_was_read_from_them(composed, made_up):
    art = composed[1]
    files = [made_up / name for name in HORSES]
    for laid in (art.standing, art.registered):
        for a, b in zip(laid(files, 2), laid([art.read_picture(path) for path in files], 2), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_figure_is_cut_from_its_sheet_and_laid_where_it_was_before_it_was_trimmed(composed, tmp_path):
    Art = composed[1].Art
    folder = tmp_path / "usr/share/games/caveexpress"
    rng = np.random.default_rng(0)
    sheets = {size: rng.integers(0, 256, (side, 2 * side, 4)) for size, side in (("big", 64), ("small", 32))}
    numbers = {"x0": 0.25, "y0": 0.5, "trimmedoffsetx": 3, "trimmedoffsety": 2, "trimmedwidth": 10, "trimmedheight": 7,
               "untrimmedwidth": 16, "untrimmedheight": 12}
    entries = []
    for size, sheet in sheets.items():  # as in the package: the larger one first
        _save(folder / f"pics/hero-{size}.png", sheet)
        said = "".join(f"\t\t{key} = {number},\n" for key, number in numbers.items())
        entries.append(f'\t["hero-02"] = {{\n\t\timage = "hero-{size}",\n{said}\t}},\n')
    (folder / "textures").mkdir()
    (folder / "textures/complete.lua").write_text("".join(entries), encoding="utf-8")
    cell, = Art(tmp_path).cells(["hero-02"])
    assert cell.shape == (12, 16, 4)
    np.testing.assert_array_equal(cell[2:9, 3:13], sheets["big"][32:39, 32:42])
    cell[2:9, 3:13] = 0
    assert not cell.any()


def test_magenta_becomes_the_teams_colour_shade_for_shade_and_other_paint_stays(composed):
    magenta, dark, brown = (244, 0, 244, 255), (122, 0, 122, 255), (120, 90, 60, 200)
    recoloured = composed[1].in_team_colour(np.array([[magenta, dark, brown]], np.uint8), (200, 40, 80))
    np.testing.assert_array_equal(recoloured, [[(191, 38, 76, 255), (95, 19, 38, 255), brown]])


def test_only_the_dark_veil_of_a_figure_is_cleared(composed):
    outline, veil, glow = (0, 0, 0, 255), (10, 10, 10, 120), (250, 240, 90, 120)
    cleared = composed[1].without_shadow(np.array([[outline, veil, glow]], np.uint8))
    np.testing.assert_array_equal(cleared, [[outline, (10, 10, 10, 0), glow]])


def test_trimmed_drawings_stand_on_one_line_with_their_middles_above_one_another(composed, made_up):
    drawings = composed[1].standing([made_up / name for name in HORSES], 1)
    rows, columns = zip(*(np.nonzero(drawing[..., 3]) for drawing in drawings), strict=True)
    assert len({drawing.shape for drawing in drawings}) == 1
    assert len({int(row.max()) for row in rows}) == 1
    middles = [(column.min() + column.max()) / 2 for column in columns]
    assert abs(middles[0] - middles[1]) <= 0.5


def test_registered_drawings_keep_their_places_on_the_sheet(composed, made_up):
    sheets = [read_rgba(made_up / name)[..., 3] for name in HORSES]
    drawings = composed[1].registered([made_up / name for name in HORSES], 1)
    for axis in (0, 1):
        on_sheet, on_canvas = ([np.flatnonzero(alpha.any(axis))[0] for alpha in pictures]
                               for pictures in (sheets, [drawing[..., 3] for drawing in drawings]))
        assert on_canvas[1] - on_canvas[0] == on_sheet[1] - on_sheet[0]


def test_missing_art_is_named_with_its_package(composed, made_up, tmp_path):
    compose_clips, art, _, _ = composed
    with pytest.raises(UserError, match=r"tux/big/walk-0\.png is missing: unpack the Debian package supertux-data"):
        art.Art(made_up).files("supertux-data", "creatures/tux/big/walk-{}.png", range(8))
    with pytest.raises(UserError, match=r"bee\.png is missing: unpack the wheel arcade==.*`pip download"):
        art.Art(made_up).file("arcade", "enemies/bee.png")
    with pytest.raises(SystemExit, match="is missing: unpack the Debian package scratch"):
        compose_clips.main([str(tmp_path / "nothing"), str(tmp_path / "out"), "--clips", "a13"])
    assert not (tmp_path / "out").exists()


def test_an_open_shutter_spreads_a_pose_around_its_frame(composed, made_up):
    _, art, stage, _ = composed
    drawings = art.standing([made_up / HORSES[0]], 1)
    blurred = stage.actor("horse", drawings, [0, 0], lambda t: stage.on_feet(drawings[0], 100 * t, 0, 1.0), shutter=0.5)
    x = blurred.blur[..., 0, 2] - blurred.H[:, None, 0, 2]
    np.testing.assert_allclose(x.mean(1), 0, atol=1e-9)
    assert np.all((x.max(1) - x.min(1) > 45) & (x.max(1) - x.min(1) <= 50))


def test_grain_and_jpeg_is_the_same_each_time(composed):
    frames = [np.full((32, 48, 3), 128, np.uint8)] * 2
    once, again = (composed[2].grain_and_jpeg(frames, seed=3) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once[0], once[1])
    assert 2 < np.std(once[0].astype(float)) < 6


def test_clips_by_chance_are_the_same_each_time_and_show_figures_that_move(composed, tmp_path):
    from composed import chance

    art = MadeUpArt(tmp_path)
    for seed in (3, 4, 7):
        once, again = (chance.by_chance(art, seed) for _ in range(2))
        assert once.about == again.about and len(once.layers) > 1 and chance.is_told(once)
        for a, b in zip(once.layers, again.layers, strict=True):
            assert a.exposure == b.exposure and len(a.exposure) == len(a.H) == once.count
            np.testing.assert_array_equal(a.H, b.H)
            np.testing.assert_array_equal(a.drawings, b.drawings)


def test_seeds_in_a_row_get_different_cards(composed):
    from composed import chance

    for first in range(0, 24, len(chance.CAMERAS)):
        cameras = [chance.dealt(seed, chance.CAMERAS, 1) for seed in range(first, first + len(chance.CAMERAS))]
        assert sorted(cameras) == sorted(chance.CAMERAS)


@pytest.mark.parametrize("speed, told", [(0, False), (1, True), (100, False)], ids=["stands", "walks", "rushes past"])
def test_a_figure_that_stands_or_is_hardly_seen_makes_no_clip(composed, speed, told):
    from composed import chance

    _, _, stage, layers = composed
    picture = np.full((60, 60, 4), 255, np.uint8)
    back = stage.painting("back", np.full((400, 700, 4), 255, np.uint8), 24, lambda t: np.eye(3))
    figure = stage.actor("figure", [picture], [0] * 24, lambda t: layers.shift(300 + speed * t, 100))
    assert chance.is_told(layers.Scene("clip", "", [], stage.SIZE, [back, figure], 0)) == told


def test_a_background_reaches_to_the_frames_edges_under_every_camera(composed, tmp_path):
    from composed import chance

    art = MadeUpArt(tmp_path)
    for seed in range(len(chance.CAMERAS)):
        scene = chance.Shot(art, seed).scene()
        back, (width, height) = scene.layers[0], scene.size
        corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]]).T
        seen = np.linalg.inv(back.H) @ corners
        seen = seen[:, :2] / seen[:, 2:]
        assert seen.min() >= 0, scene.about
        assert np.all(seen.max((0, 2)) <= np.array(back.drawings[0].shape[1::-1]) - 1), scene.about
