"""A result folder in Blender: where the planes are, and what they look like."""

import json

import bpy
import numpy as np
import pytest
import rendering
import result_folders as rf
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from toondecompose.formats.errors import UserError
from toondecompose_blender.scene import homography as hg
from toondecompose_blender.scene.importer import ImportOptions, import_result

SIZE, T = (160, 90), 6


def shot(kind="affine", frames=T):
    """A plate, and two overlapping sprites with soft edges and null exposures, one of them half transparent."""
    t = np.arange(frames)
    pan = np.array([rf.shift(-10 - 2.25 * k, -5.5 + 0.3 * k) for k in t])
    turn = np.array(
        [
            rf.shift(60 + 3 * k, 45 + k)
            @ np.array(
                [[np.cos(0.1 * k), -np.sin(0.1 * k) * 1.1, 0], [np.sin(0.1 * k), 1.1 * np.cos(0.1 * k), 0], [0, 0, 1]]
            )
            @ rf.shift(-30, -25)
            for k in t
        ]
    )
    if kind == "perspective":
        turn = np.array(
            [
                H
                @ rf.shift(30, 25)
                @ np.array([[1, 0.1, 0], [0, 1, 0], [0.0012 * np.sin(k), -0.0015, 1]])
                @ rf.shift(-30, -25)
                for k, H in zip(t, turn, strict=True)
            ]
        )
        turn /= turn[:, 2:, 2:]
    return [
        rf.sprite("background", 0, [rf.plate((220, 120))], [0] * frames, pan, kind="background"),
        rf.sprite(
            "girl",
            1,
            [rf.drawing((60, 50), n) for n in range(3)],
            [0, 0, 1, None, 2, 1][:frames] + [0] * (frames - 6),
            turn,
        ),
        rf.sprite(
            "mist",
            2,
            [rf.drawing((90, 40), 5, soft=30)],
            [0, 0, None, 0, 0, 0][:frames] + [0] * (frames - 6),
            np.array([rf.shift(50.4 + 1.7 * k, 30.2) for k in t]),
            opacity=np.linspace(0.9, 0.4, frames),
        ),
    ]


def corner_errors(imported, sprites, frame_start=1):
    """Largest distance in px between the evaluated planes' corners and where the transforms put them."""
    worst = 0.0
    scene = imported.scene
    for t in range(len(sprites[0]["exposure"])):
        scene.frame_set(frame_start + t)
        graph = bpy.context.evaluated_depsgraph_get()
        for plane, sprite in zip(imported.sprites, sprites, strict=True):
            if sprite["exposure"][t] is None:
                continue
            seen = plane.evaluated_get(graph)
            mesh = seen.to_mesh()
            h, w = sprite["pictures"][0].shape[:2]
            expected = hg.project(sprite["transform"][t], np.array([[0, h], [w, h], [w, 0], [0, 0]], float))
            for vertex, place in zip(mesh.vertices, expected, strict=False):
                view = world_to_camera_view(scene, imported.camera, Vector(seen.matrix_world @ vertex.co))
                worst = max(worst, np.hypot(view.x * SIZE[0] - place[0], (1 - view.y) * SIZE[1] - place[1]))
    return worst


@pytest.mark.parametrize("kind", ["affine", "perspective"])
def test_planes_and_pixels_are_the_results_own(context, tmp_path, kind):
    sprites = shot(kind)
    imported = import_result(context, rf.make_result(tmp_path / "r", sprites))
    assert imported.camera.data.type == ("PERSP" if kind == "perspective" else "ORTHO")
    assert corner_errors(imported, sprites) < 0.01
    for t in range(T):
        got = rendering.render(imported.scene, 1 + t, tmp_path / "o.png")
        mean, worst = rendering.differences(got, rf.reference(sprites, t))
        print(bpy.app.version_string, kind, t, f"mean {mean:.3f} max {worst:.3f}")
        assert mean <= 0.1 and worst <= 1


def test_layers_through_the_compositor_equal_the_direct_render(context, tmp_path):
    imported = import_result(context, rf.make_result(tmp_path / "r", shot()))
    stacked = rendering.render(imported.scene, 2, tmp_path / "a.png")
    imported.scene.render.use_compositing = False
    for layer in imported.scene.view_layers:
        layer.use = "td_sprite" not in layer
    direct = rendering.render(imported.scene, 2, tmp_path / "b.png")
    assert np.abs(stacked - direct).max() == 0


def test_the_scene_is_what_an_animator_expects(context, tmp_path):
    imported = import_result(context, rf.make_result(tmp_path / "r", shot(), fps=23.976, frame_start=101))
    scene = imported.scene
    assert context.window is None or context.window.scene == scene
    assert (scene.frame_start, scene.frame_end, scene.frame_current) == (101, 106, 101)
    assert (scene.render.resolution_x, scene.render.resolution_y) == SIZE
    assert scene.render.fps / scene.render.fps_base == pytest.approx(23.976)
    assert scene.camera == imported.camera and scene.view_settings.view_transform == "Raw"
    assert [s.name for s in imported.sprites] == ["background", "girl", "mist"]
    active = scene.view_layers[0].objects.active
    assert active.name == "mist" and [o.name for o in scene.view_layers[0].objects if o.select_get()] == ["mist"]
    assert [layer.name for layer in scene.view_layers][1:] == ["background", "girl", "mist"]
    for sprite in imported.sprites:
        assert [c.name for c in sprite.users_collection] == [sprite.name]
        assert sprite.animation_data.action.name == sprite.name
    girl = imported.sprites[1]
    for frame, number in ((102, 1), (103, 2), (104, 0), (105, 3)):
        assert rendering.shown(scene, girl, frame)["Drawing"] == number
    center = sum((Vector(v.co) for v in girl.data.vertices[:4]), Vector()) / 4
    assert center.length < 1e-6  # pivot at the centre


def test_importing_twice_makes_two_independent_sets(context, tmp_path):
    folder = rf.make_result(tmp_path / "r", shot())
    first, second = import_result(context, folder), import_result(context, folder)
    blocks = [
        {p for s in i.sprites for p in (s, s.data, s.animation_data.action, s.active_material)} for i in (first, second)
    ]
    assert not blocks[0] & blocks[1] and first.scene != second.scene
    for image in (first, second):
        got = rendering.render(image.scene, 5, tmp_path / "o.png")
        assert rendering.worst(got, rf.reference(shot(), 4)) <= 1
    third = import_result(context, folder, ImportOptions(scene="CURRENT"))
    assert third.scene == second.scene and third.warnings
    got = rendering.render(second.scene, 5, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference([*shot(), *shot()], 4)) <= 1  # over the second clip


def test_joining_a_scene_keeps_its_settings(context, tmp_path):
    scene = context.scene
    scene.render.resolution_x, scene.render.fps = 333, 30
    imported = import_result(context, rf.make_result(tmp_path / "r", shot()), ImportOptions(scene="CURRENT"))
    assert imported.scene == scene and scene.render.resolution_x == 333 and scene.render.fps == 30
    assert len(imported.warnings) == 3 and scene.camera == imported.camera


@pytest.mark.parametrize("harm", ["missing", "number", "outside", "horizon", "gap"])
@pytest.mark.parametrize("scene", ["NEW", "CURRENT"])
def test_a_bad_result_changes_nothing(context, tmp_path, harm, scene):
    folder = rf.make_result(tmp_path / "r", shot())
    data = json.loads((folder / "result.json").read_text())
    girl = data["sprites"][1]
    if harm == "missing":
        (folder / girl["drawings"][1]).unlink()
    elif harm == "number":
        girl["opacity"][2] = "much"
    elif harm == "outside":
        girl["drawings"][0] = "../../0001.png"
    elif harm == "horizon":
        girl["transform"][4][2][0] = -0.04
    else:
        (folder / girl["drawings"][2]).rename(folder / "7.png")
        girl["drawings"][2] = "7.png"
    (folder / "result.json").write_text(json.dumps(data))
    before = rendering.block_names()
    with pytest.raises(UserError) as error:
        import_result(context, folder, ImportOptions(scene=scene))
    assert "\n" not in str(error.value) and str(error.value).endswith(".")
    assert harm != "horizon" or "frame 5" in str(error.value)
    assert rendering.block_names() == before


@pytest.mark.parametrize("scene", ["NEW", "CURRENT"])
def test_a_failure_half_way_takes_everything_back(context, tmp_path, monkeypatch, scene):
    from toondecompose_blender.scene import compositor

    folder = rf.make_result(tmp_path / "r", shot())
    before, layers = rendering.block_names(), context.scene.view_layers.keys()
    build = compositor.build
    monkeypatch.setattr(compositor, "build", lambda *a: build(*a) and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_result(context, folder, ImportOptions(scene=scene))
    assert rendering.block_names() == before and context.scene.view_layers.keys() == layers
    assert context.scene.camera is None and context.view_layer.use and not context.scene.render.film_transparent


def test_standard_colour_mixes_light(context, tmp_path):
    sprites = shot()[:1]
    sprites[0]["transform"] = np.tile(rf.shift(-20, -10), (T, 1, 1))
    imported = import_result(context, rf.make_result(tmp_path / "r", sprites), ImportOptions(colour="STANDARD"))
    assert imported.scene.view_settings.view_transform == "Standard"
    got = rendering.render(imported.scene, 1, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference(sprites, 0)) <= 1


def test_paths_are_relative_once_the_file_is_saved(context, tmp_path):
    folder = rf.make_result(tmp_path / "r", shot())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    imported = import_result(context, folder)
    assert imported.root["td_folder"].startswith("//")
    assert all(image.filepath.startswith("//") for image in bpy.data.images if image.source == "SEQUENCE")
    got = rendering.render(imported.scene, 2, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference(shot(), 1)) <= 1


def test_one_frame_and_a_long_negative_start(context, tmp_path):
    sprites = [rf.sprite("one", 0, [rf.plate((160, 90))], [0], np.eye(3), kind="background")]
    imported = import_result(context, rf.make_result(tmp_path / "r", sprites, frame_start=-5))
    assert (imported.scene.frame_start, imported.scene.frame_end) in ((-5, -5), (0, 0))
    got = rendering.render(imported.scene, -5, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference(sprites, 0)) <= 1


def test_a_plate_fills_the_frame_even_where_it_is_a_little_short(context, tmp_path):
    moves = np.array([rf.shift(-0.5 * t, 0.25 * t) for t in range(T)])
    sprites = [rf.sprite("background", 0, [rf.plate(SIZE)], [0] * T, moves, kind="background")]
    imported = import_result(context, rf.make_result(tmp_path / "r", sprites))
    for t in (1, 5):
        got = rendering.render(imported.scene, 1 + t, tmp_path / "o.png")
        assert (got[..., 3] == 255).all()
        inside = np.s_[5:-5, 5:-5]
        assert rendering.worst(got[inside], rf.reference(sprites, t)[inside]) <= 1
        assert np.abs(got[:, -1] - got[:, -2]).max() < 30  # the border repeats
