"""The exposure sheet's operators, by what is shown; drawings from files; duplicates; depth; the panel."""

import bpy
import numpy as np
import pytest
import rendering
import result_folders as rf
from test_import import corner_errors, shot

from toondecompose_blender import versions
from toondecompose_blender.scene import compositor, naming
from toondecompose_blender.scene.importer import import_result
from toondecompose_blender.sprite import drawings, retime, timing

T = 12


@pytest.fixture
def imported(context, tmp_path):
    moves = np.array([rf.shift(10 + 4 * t, 20) for t in range(T)])
    girl = rf.sprite("girl", 1, [rf.drawing((40, 44), n) for n in range(T)], list(range(T)), moves)
    plate = rf.sprite("background", 0, [rf.plate((160, 90))], [0] * T, np.eye(3), kind="background")
    made = import_result(context, rf.make_result(tmp_path / "r", [plate, girl]))
    activate(made, 1)
    return made


def activate(imported, index):
    sprite = imported.sprites[index]
    layer = imported.scene.view_layers[0]
    bpy.context.window.scene = imported.scene
    bpy.context.window.view_layer = layer
    for obj in layer.objects:
        obj.select_set(obj == sprite)
    layer.objects.active = sprite
    return sprite


def shown(imported, index=1, count=T, first=1):
    return [rendering.shown(imported.scene, imported.sprites[index], first + f)["Drawing"] for f in range(count)]


def test_expose_and_hold(imported):
    imported.scene.frame_set(4)
    assert bpy.ops.toondecompose.sheet_expose(number=9, length=3) == {"FINISHED"}
    assert shown(imported) == [1, 2, 3, 9, 9, 9, 7, 8, 9, 10, 11, 12]
    imported.scene.frame_set(8)
    bpy.ops.toondecompose.sheet_hold(length=4, push=False)
    assert shown(imported) == [1, 2, 3, 9, 9, 9, 7, 8, 8, 8, 8, 12]
    imported.scene.frame_set(1)
    bpy.ops.toondecompose.sheet_expose(number=0)
    assert shown(imported)[:2] == [0, 2]
    with pytest.raises(RuntimeError, match="no drawing 13"):
        bpy.ops.toondecompose.sheet_expose(number=13)


def test_on_threes_shows_the_right_drawings_at_the_right_places(imported, tmp_path):
    bpy.ops.toondecompose.sheet_step(step=3, with_motion=True)
    assert shown(imported) == [1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10]
    plate = rf.sprite("background", 0, [rf.plate((160, 90))], [0], np.eye(3), kind="background")
    for frame, step in ((1, 0), (3, 0), (5, 3), (12, 9)):
        girl = rf.sprite("girl", 1, [rf.drawing((40, 44), step)], [0], rf.shift(10 + 4 * step, 20))
        got = rendering.render(imported.scene, frame, tmp_path / "o.png")
        assert rendering.worst(got, rf.reference([plate, girl], 0)) <= 1
    bpy.ops.toondecompose.sheet_step(step=1, with_motion=True)  # the motion's steps go again
    x = [rendering.shown(imported.scene, imported.sprites[1], f).location.x for f in (1, 2, 3)]
    assert np.allclose(np.diff(x), 0.04, atol=1e-5)


def test_reverse_loop_and_swap(imported):
    bpy.ops.toondecompose.sheet_reverse()
    assert shown(imported) == list(range(12, 0, -1))
    bpy.ops.toondecompose.sheet_swap(one=12, other=1)
    assert shown(imported) == [1, *range(11, 1, -1), 12]
    bpy.ops.toondecompose.sheet_loop(first=1, last=3, until=11)
    assert shown(imported) == [1, 11, 10] * 3 + [1, 11, 12]
    with pytest.raises(RuntimeError, match="choose a later frame"):
        bpy.ops.toondecompose.sheet_loop(first=1, last=8, until=4)


def test_reverse_with_motion_mirrors_the_places(imported):
    sprite = imported.sprites[1]
    before = [rendering.shown(imported.scene, sprite, f).location.x for f in range(1, T + 1)]
    bpy.ops.toondecompose.sheet_reverse(with_motion=True)
    after = [rendering.shown(imported.scene, sprite, f).location.x for f in range(1, T + 1)]
    assert np.allclose(after, before[::-1], atol=1e-5)


def test_the_sheet_of_a_slowed_sprite_is_edited_under_the_playhead(imported):
    sprite = imported.sprites[1]
    retime.set_speed(sprite, 50, drawings_only=False)
    imported.scene.frame_set(7)  # plays frame 4
    bpy.ops.toondecompose.sheet_expose(number=12, length=1)
    assert shown(imported, count=12) == [1, 1, 2, 2, 3, 3, 12, 12, 5, 5, 6, 6]
    assert list(timing.read_sheet(timing.source_of(sprite)).between(1, 5)) == [1, 2, 3, 12, 5]


def test_drawings_come_from_files(imported, tmp_path):
    sprite = imported.sprites[1]
    picture = rf.drawing((40, 44), 20, seed=5)
    rf.write_png(tmp_path / "new.png", picture)
    imported.scene.frame_set(3)
    bpy.ops.toondecompose.drawing_add(filepath=str(tmp_path / "new.png"))
    assert shown(imported)[:4] == [1, 2, 13, 4] and sprite["td_drawings"] == 13
    plate = rf.sprite("background", 0, [rf.plate((160, 90))], [0], np.eye(3), kind="background")
    expected = rf.reference([plate, rf.sprite("girl", 1, [picture], [0], rf.shift(10 + 4 * 2, 20))], 0)
    assert rendering.worst(rendering.render(imported.scene, 3, tmp_path / "o.png"), expected) <= 1
    imported.scene.frame_set(5)
    bpy.ops.toondecompose.drawing_replace(filepath=str(tmp_path / "new.png"))
    assert shown(imported)[4] == 14
    rf.write_png(tmp_path / "big.png", rf.drawing((50, 44), 1))
    with pytest.raises(RuntimeError, match="same canvas"):
        bpy.ops.toondecompose.drawing_add(filepath=str(tmp_path / "big.png"))
    assert sprite["td_drawings"] == 14


def test_a_duplicate_has_its_own_timing_and_its_place_in_the_stack(imported, tmp_path):
    bpy.ops.toondecompose.sprite_duplicate()
    copy = bpy.context.object
    assert copy.name == "girl.001" and copy["td_order"] == 2
    retime.set_speed(copy, 200, drawings_only=False)
    copy.delta_location.y = -0.2  # 20 px lower
    plate = rf.sprite("background", 0, [rf.plate((160, 90))], [0], np.eye(3), kind="background")
    girl = rf.sprite("girl", 1, [rf.drawing((40, 44), 2)], [0], rf.shift(10 + 8, 20))
    other = rf.sprite("copy", 2, [rf.drawing((40, 44), 4)], [0], rf.shift(10 + 16, 40))
    got = rendering.render(imported.scene, 3, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference([plate, girl, other], 0)) <= 1
    over = compositor.find(versions.compositor_tree(imported.scene), compositor.OVER, copy.name)
    over.mute = True
    got = rendering.render(imported.scene, 3, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference([plate, girl], 0)) <= 1


@pytest.mark.parametrize("kind", ["affine", "perspective"])
def test_depth_spacing_leaves_the_picture_unchanged(context, tmp_path, kind):
    sprites = shot(kind)
    made = import_result(context, rf.make_result(tmp_path / "r", sprites))
    depths = []
    for spacing in (0.0, 0.3, 2.0):
        made.root.toondecompose_spacing = spacing
        assert made.root.toondecompose_spacing == pytest.approx(spacing)
        bpy.context.view_layer.update()
        assert corner_errors(made, sprites) < 0.01
        depths.append([s.matrix_world.translation.z for s in made.sprites])
    assert np.ptp(depths[0]) < (1e-4 if kind == "affine" else 10)
    assert depths[2][0] < depths[2][1] < depths[2][2]


def test_simplified_after_the_import(imported):
    bpy.ops.toondecompose.motion_simplify(tolerance_px=0.05)
    curve = timing.source_of(imported.sprites[1], "location", 0).curve("location", 0)
    assert [round(k.co.x) for k in curve.keyframe_points] == [1, 12]


def test_a_moved_result_is_relinked(imported, tmp_path):
    (tmp_path / "r").rename(tmp_path / "elsewhere")
    assert drawings.missing(imported.sprites[1]) == list(range(1, 13))
    with pytest.raises(RuntimeError, match="None of the drawings"):
        bpy.ops.toondecompose.relink(directory=str(tmp_path / "nothing"))
    bpy.ops.toondecompose.relink(directory=str(tmp_path / "elsewhere"))
    assert not drawings.missing(imported.sprites[1]) and drawings.clip_is_there(imported.root)
    plate = rf.sprite("background", 0, [rf.plate((160, 90))], [0], np.eye(3), kind="background")
    girl = rf.sprite("girl", 1, [rf.drawing((40, 44), 2)], [0], rf.shift(10 + 8, 20))
    got = rendering.render(imported.scene, 3, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference([plate, girl], 0)) <= 1


def test_operators_say_when_they_cannot_run(imported):
    activate(imported, 1)
    imported.scene.view_layers[0].objects.active = imported.camera
    for name in ("sheet_expose", "retime_speed", "sprite_duplicate"):
        assert not getattr(bpy.ops.toondecompose, name).poll()
    assert bpy.ops.toondecompose.relink.poll()  # a clip is chosen by any of its objects


def test_a_time_key_is_set_under_the_playhead(imported):
    with pytest.raises(RuntimeError, match="no time curve yet"):
        bpy.ops.toondecompose.retime_key(frame=4.0)
    bpy.ops.toondecompose.retime_curve()
    imported.scene.frame_set(6)
    bpy.ops.toondecompose.retime_key(frame=1.0)  # the first drawing is held until frame 6
    assert shown(imported)[:6] == [1] * 6 and shown(imported)[-1] == 12


def test_all_selected_sprites_are_slowed_and_the_scene_follows(imported):
    for sprite in imported.sprites:
        sprite.select_set(True, view_layer=imported.scene.view_layers[0])
    bpy.ops.toondecompose.retime_speed(percent=50.0, extend=True)
    assert imported.scene.frame_end == 24
    assert all(timing.source_of(sprite).strip is not None for sprite in imported.sprites)
    assert shown(imported, count=24)[-2:] == [12, 12]


@pytest.mark.parametrize("way", ["operator", "outliner"])
def test_a_renamed_sprite_keeps_its_nodes_and_its_view_layer(imported, tmp_path, way):
    sprite = imported.sprites[1]
    if way == "operator":
        with pytest.raises(RuntimeError, match="needs a name"):
            bpy.ops.toondecompose.rename_sprite(name="  ")
        assert bpy.ops.toondecompose.rename_sprite(name="Anna") == {"FINISHED"}
        named = (sprite, sprite.data, sprite.active_material, sprite.animation_data.action,
                 *sprite.users_collection, imported.scene.view_layers[2])
        assert {block.name for block in named} == {"Anna"}
        assert "Anna" in {n.label for n in versions.compositor_tree(imported.scene).nodes if n.type == "FRAME"}
    else:
        sprite.name = "Anna"
    plate = rf.sprite("background", 0, [rf.plate((160, 90))], [0], np.eye(3), kind="background")
    girl = rf.sprite("girl", 1, [rf.drawing((40, 44), 2)], [0], rf.shift(10 + 8, 20))
    assert rendering.worst(rendering.render(imported.scene, 3, tmp_path / "o.png"), rf.reference([plate, girl], 0)) <= 1
    over = compositor.find(versions.compositor_tree(imported.scene), compositor.OVER, naming.key_of(sprite))
    over.mute = True
    assert rendering.worst(rendering.render(imported.scene, 3, tmp_path / "o.png"), rf.reference([plate], 0)) <= 1
    over.mute = False
    bpy.ops.toondecompose.sprite_duplicate()
    copy = bpy.context.object
    assert copy.name == "Anna.001" and naming.view_layer_of(imported.scene, copy) is not None
    copy.delta_location.y = -0.2  # 20 px lower
    lower = rf.sprite("copy", 2, [rf.drawing((40, 44), 2)], [0], rf.shift(10 + 8, 40))
    got = rendering.render(imported.scene, 3, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference([plate, girl, lower], 0)) <= 1
