"""Annotation strokes as hints, and Refine with a real child process (the dummy engine)."""

from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
import rendering
import result_folders as rf
from fake_layout import drawn as drawn_panel
from test_import import shot
from test_operators import decompose, film  # noqa: F401

from toondecompose.formats.errors import UserError
from toondecompose.formats.job import hints_from_list, read_job
from toondecompose.formats.result import read_result
from toondecompose_blender import results, versions
from toondecompose_blender.operators import hint_layers, refine
from toondecompose_blender.panels import hints as hints_panel
from toondecompose_blender.scene import homography as hg
from toondecompose_blender.scene.importer import import_result
from toondecompose_blender.sprite import hints, masks

# annotations “Preview” (layer girl) and “View” (layer background), each with a stroke on frame 3, drawn in 4.2:
# from 4.3 on, Blender lets nobody but its tool make strokes
DRAWN = Path(__file__).parent / "data" / "annotations.blend"


def layer(name, frame, points, mode="2DSPACE", thickness=6):
    """An annotation layer with one stroke, and the mode of its editor."""
    stroke = SimpleNamespace(display_mode=mode, points=[SimpleNamespace(co=p) for p in points])
    return SimpleNamespace(info=name, thickness=thickness, annotation_hide=False,
                           frames=[SimpleNamespace(frame_number=frame, strokes=[stroke])]), mode


def drawn_by_hand():
    """Blender's own annotations: (over the preview, in the 3D view)."""
    kind = "annotations" if hasattr(bpy.data, "annotations") else "grease_pencils"
    with bpy.data.libraries.load(str(DRAWN)) as (there, here):
        setattr(here, kind, getattr(there, kind))
    return [getattr(bpy.data, kind)[name] for name in ("Preview", "View")]


def preview_space():
    """The window's first area as a Sequencer with a preview."""
    area = bpy.context.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    area.spaces.active.view_type = "PREVIEW"
    return area.spaces.active


def test_a_stroke_over_the_preview_names_sprite_frame_and_pixels():
    to_frame = hints.preview_to_frame((320, 180), (160, 90))
    layers = [layer("Girl", 12, [(0, 0, 0), (-160, 90, 0)]), layer("new", 11, [(20, -20, 0)], thickness=1),
              layer("girl", 99, [(0, 0, 0)])]
    found = hints.hints_from_layers(layers, ["background", "girl"], 11, 6, to_frame)
    assert found == [
        {"kind": "scribble", "sprite": 1, "frame": 1, "points": [[80, 45], [0, 0]], "radius": 3},
        {"kind": "scribble", "sprite": 2, "frame": 0, "points": [[90, 55]], "radius": 1},
    ]
    assert hints_from_list(found, "hints") == found


def test_a_stroke_in_the_camera_view_lands_where_the_sprite_is(context, tmp_path):
    sprites = shot("perspective")
    made = import_result(context, rf.make_result(tmp_path / "r", sprites))
    centre = rendering.shown(made.scene, made.sprites[1], 1).matrix_world.translation
    to_frame = hints.camera_to_frame(made.scene, made.camera, (160, 90))
    drawn = [layer("girl", 1, [tuple(centre)], "3DSPACE")]
    found = hints.hints_from_layers(drawn, ["background", "girl", "mist"], 1, 6, to_frame)
    expected = hg.project(sprites[1]["transform"][0], np.array([[30.0, 25.0]]))[0]
    assert np.allclose(found[0]["points"][0], expected, atol=0.01)


@pytest.mark.parametrize(
    "name, frame, sentence", [("Note", 1, "has no sprite's name"), ("girl", 50, "no annotation on")])
def test_strokes_that_say_nothing(name, frame, sentence):
    to_frame = hints.preview_to_frame((160, 90), (160, 90))
    with pytest.raises(UserError, match=sentence):
        hints.hints_from_layers([layer(name, frame, [(0, 0, 0)])], ["girl"], 1, 6, to_frame)


def test_a_mask_becomes_pixels():
    square = [((x, y),) * 3 for x, y in ((0.25, 0.5), (0.5, 0.5), (0.5, 0.625), (0.25, 0.625))]
    ring = masks.outline(square, True, (160, 90))
    picture = masks.fill([ring], (160, 90))
    ys, xs = np.nonzero(picture)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (40, 79, 25, 44) and (picture > 0).sum() == 40 * 20
    hole = masks.fill([np.concatenate([ring, ring])], (160, 90))
    assert not hole.any()  # even-odd


def test_refine_with_a_mask(film):  # noqa: F811
    assert decompose() is None
    mask = bpy.data.masks.new("Girl's mask")
    spline = mask.layers.new(name="background").splines.new()
    spline.points.add(3)
    spline.use_cyclic = True
    for point, co in zip(spline.points, ((0, 0.25), (0.5, 0.25), (0.5, 0.75), (0, 0.75)), strict=False):
        point.co = point.handle_left = point.handle_right = co
    with pytest.raises(RuntimeError, match="which has the frames 101 to 106"):
        bpy.ops.toondecompose.refine(mask=mask.name)
    bpy.context.scene.frame_set(104)
    assert bpy.ops.toondecompose.refine(mask=mask.name) == {"FINISHED"}
    folder = film / "toondecompose" / "Schuß 1_002" / "job"
    assert read_job(folder / "job.json").hints == [
        {"kind": "mask", "sprite": 0, "frame": 3, "mask": "mask_00_000003.png", "name": "background"}]
    picture = rf.read_png(folder / "mask_00_000003.png")
    assert picture.shape[:2] == (32, 64) and set(np.unique(picture)) <= {0, 255}
    assert (picture.reshape(32, 64, -1)[..., 0] > 0).any()


def test_refine_runs_the_shot_again_with_the_hints(film, monkeypatch):  # noqa: F811
    assert not bpy.ops.toondecompose.refine.poll()
    assert decompose() is None
    assert not bpy.ops.toondecompose.refine.poll()  # nothing was drawn
    drawn, mode = layer("background", 103, [(0, 0, 0), (5, 5, 0)])
    monkeypatch.setattr(refine, "annotations_in_view", lambda context: [(SimpleNamespace(layers=[drawn]), mode)])
    (film / "toondecompose" / "Schuß 1" / ".work").mkdir()
    (film / "toondecompose" / "Schuß 1" / ".work" / "paths-0123.npz").write_bytes(b"kept")
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 64, 32
    assert bpy.ops.toondecompose.refine() == {"FINISHED"}
    folders = [entry.folder for entry in bpy.context.scene.toondecompose.results]
    assert folders == ["//toondecompose/Schuß 1", "//toondecompose/Schuß 1_002"]
    assert results.active(bpy.context.scene).strip == "Schuß 1"
    job = read_job(film / "toondecompose" / "Schuß 1_002" / "job" / "job.json")
    assert job.hints == [{"kind": "scribble", "sprite": 0, "frame": 2, "points": [[32, 16], [37, 11]], "radius": 3,
                          "name": "background"}]
    assert read_job(film / "toondecompose" / "Schuß 1" / "job" / "job.json").hints == []
    # what no hint changes is not computed again
    assert (film / "toondecompose" / "Schuß 1_002" / ".work" / "paths-0123.npz").read_bytes() == b"kept"


def test_strokes_of_blenders_own(context, tmp_path):
    """Over the preview, and in the camera's view: as every version stores them."""
    made = import_result(context, rf.make_result(tmp_path / "r", shot()))
    over, view = drawn_by_hand()
    versions.set_annotation(preview_space(), over)
    versions.set_annotation(made.scene, view)
    made.scene.view_layers[0].objects.active = made.sprites[1]
    found = refine.collect(context, read_result(tmp_path / "r"))
    points = [[80, 45], [40, 25], [0, 0]]
    assert found[0] == {"kind": "scribble", "sprite": 1, "frame": 2, "points": points, "radius": 3}
    # 100 px are a unit, and the camera sees the middle of the frame at the origin
    assert (found[1]["sprite"], found[1]["frame"]) == (0, 2)
    assert np.allclose(found[1]["points"], [[90, 65], [110, 65]], atol=0.01)


def test_a_layer_for_every_sprite(film):  # noqa: F811
    assert not bpy.ops.toondecompose.hint_layers.poll()
    assert decompose() is None
    preview_space().view_type = "SEQUENCER"
    assert not bpy.ops.toondecompose.hint_layers.poll()  # strips alone are nothing to draw on
    preview_space()
    assert bpy.ops.toondecompose.hint_layers() == {"FINISHED"}
    assert bpy.ops.toondecompose.hint_layers() == {"FINISHED"}  # again makes no second set
    layers = [layer for layer, _ in refine.layers_in_view(bpy.context)]
    assert [layer.info for layer in layers] == ["background", "new"]
    assert len({tuple(layer.color) for layer in layers}) == 2
    assert hint_layers.is_active(bpy.context, layers[0])
    assert bpy.ops.toondecompose.hint_choose(layer="new") == {"FINISHED"}
    assert hint_layers.is_active(bpy.context, layers[1])
    notes = drawn_panel(hints_panel.TOONDECOMPOSE_PT_hints)
    assert {"background", "new", "Refine", "Add Hint Layers"} <= set(notes)
    with pytest.raises(RuntimeError, match="no annotation on the frames"):
        bpy.ops.toondecompose.refine()
