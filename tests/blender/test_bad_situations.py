"""What goes wrong in a real production: odd frame numbers, moved folders, other files, other scenes' settings."""

import json
import shutil
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
import rendering
import result_folders as rf
from conftest import add_strip, numbered
from fake_layout import drawn
from test_import import shot
from test_xsheet import activate

from toondecompose_blender import results, sequencer, versions
from toondecompose_blender.operators import drop_result, retime, x_sheet
from toondecompose_blender.panels import result as result_panel
from toondecompose_blender.scene.importer import ImportOptions, import_result
from toondecompose_blender.session.run import Origin
from toondecompose_blender.sprite import timing

T = 12


def walker(tmp_path, frame_start, frames=T):
    """A girl on ones who walks over a plate, imported and active."""
    moves = np.array([rf.shift(10 + 4 * t, 20) for t in range(frames)])
    girl = rf.sprite("girl", 1, [rf.drawing((40, 44), n) for n in range(frames)], list(range(frames)), moves)
    plate = rf.sprite("background", 0, [rf.plate((160, 90))], [0] * frames, np.eye(3), kind="background")
    made = import_result(bpy.context, rf.make_result(tmp_path / "r", [plate, girl], frame_start=frame_start))
    activate(made, 1)
    return made


def shown(made, first, count=T):
    return [rendering.shown(made.scene, made.sprites[1], first + f)["Drawing"] for f in range(count)]


def test_a_clip_that_starts_before_frame_zero(context, tmp_path):
    made = walker(tmp_path, -5)
    if made.scene.frame_start < 0:  # where the preferences allow it
        assert (made.scene.frame_start, made.scene.frame_end) == (-5, 6)
    bpy.ops.toondecompose.sheet_step(step=3)
    assert shown(made, -5) == [1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10]
    bpy.ops.toondecompose.sheet_reverse()
    assert shown(made, -5) == [10, 10, 10, 7, 7, 7, 4, 4, 4, 1, 1, 1]
    made.scene.frame_set(-2)
    bpy.ops.toondecompose.sheet_expose(number=12, length=1)
    assert shown(made, -5)[:5] == [10, 10, 10, 12, 7]
    bpy.ops.toondecompose.retime_speed(percent=50.0)
    assert shown(made, -5, 8) == [10] * 6 + [12] * 2
    made.scene.frame_set(-1)  # plays frame -3
    bpy.ops.toondecompose.sheet_expose(number=11, length=1)
    assert shown(made, -5, 8) == [10] * 4 + [11] * 2 + [12] * 2
    plate = rf.sprite("background", 0, [rf.plate((160, 90))], [0], np.eye(3), kind="background")
    girl = rf.sprite("girl", 1, [rf.drawing((40, 44), 11)], [0], rf.shift(10 + 4 * 3, 20))
    got = rendering.render(made.scene, 1, tmp_path / "o.png")  # the clip's 4th frame, its 12th drawing
    assert rendering.worst(got, rf.reference([plate, girl], 0)) <= 1


def test_keys_between_frames(context, tmp_path):
    """All keys moved by half a frame, as with snapping off: operators name whole frames, nothing is lost."""
    made = walker(tmp_path, 11)
    source = timing.source_of(made.sprites[1])
    before = timing.read_sheet(source)
    timing.write_sheet(source, type(before)(before.frames + 0.5, before.numbers))
    assert shown(made, 11) == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    made.scene.frame_set(14)
    bpy.ops.toondecompose.sheet_expose(number=12, length=2)
    assert shown(made, 11) == [1, 1, 2, 12, 12, 5, 6, 7, 8, 9, 10, 11]
    bpy.ops.toondecompose.sheet_step(step=2)
    assert shown(made, 11) == [1, 1, 2, 2, 12, 12, 6, 6, 8, 8, 10, 10]


def test_a_strip_of_time_that_starts_between_frames(context, tmp_path):
    made = walker(tmp_path, 11)
    bpy.ops.toondecompose.retime_speed(percent=50.0)
    strip = timing.source_of(made.sprites[1]).strip
    strip.frame_end += 0.5
    strip.frame_start += 0.5
    assert shown(made, 11, 7) == [1, 1, 1, 2, 2, 3, 3]
    made.scene.frame_set(14)
    assert timing.source_of(made.sprites[1]).action_frame(14) == pytest.approx(12.25)
    bpy.ops.toondecompose.sheet_expose(number=9, length=1)  # frame 12 of its own: under the playhead
    assert shown(made, 11, 7) == [1, 1, 1, 9, 9, 3, 3]


def test_a_strip_that_is_being_tweaked(context, tmp_path):
    """Tab in the NLA editor: the playhead still stands on scene time, and re-timing ends the tweaking."""
    made = walker(tmp_path, 1)
    bpy.ops.toondecompose.retime_speed(percent=50.0)
    data = made.sprites[1].animation_data
    data.nla_tracks.active = data.nla_tracks[0]
    data.nla_tracks[0].strips[0].select = True
    data.use_tweak_mode = True
    assert data.use_tweak_mode
    made.scene.frame_set(7)  # plays frame 4
    bpy.ops.toondecompose.sheet_expose(number=12, length=1)
    assert shown(made, 1) == [1, 1, 2, 2, 3, 3, 12, 12, 5, 5, 6, 6]
    bpy.ops.toondecompose.retime_speed(percent=200.0)
    assert not data.use_tweak_mode and shown(made, 1, 6) == [1, 3, 5, 7, 9, 11]
    data.use_tweak_mode = True
    assert bpy.ops.toondecompose.retime_restore() == {"FINISHED"}
    assert not data.nla_tracks and data.action.name == "girl"
    assert shown(made, 1) == [1, 2, 3, 12, 5, 6, 7, 8, 9, 10, 11, 12]


def test_one_frame_is_a_whole_clip(context, tmp_path):
    made = walker(tmp_path, 7, frames=1)
    for name, values in (("sheet_step", {"step": 2}), ("sheet_reverse", {"with_motion": True}), ("motion_simplify", {}),
                         ("sheet_hold", {"length": 5}), ("retime_speed", {"percent": 25.0}), ("retime_curve", {}),
                         ("retime_restore", {}), ("sprite_duplicate", {})):
        assert getattr(bpy.ops.toondecompose, name)(**values) == {"FINISHED"}, name
        assert shown(made, 7, 4) == [1] * 4, name


def test_another_size_and_rate_than_the_scenes(context, scene, tmp_path):
    """The clip's camera still sees the whole frame; keys stay on the clip's frames."""
    scene.render.resolution_x, scene.render.resolution_y, scene.render.fps = 320, 180, 30
    folder = rf.make_result(tmp_path / "r", shot())
    made = import_result(context, folder, ImportOptions(scene="CURRENT"))
    assert sum("px" in w or "frames per second" in w for w in made.warnings) == 2
    from toondecompose_blender.scene.camera import exact_render
    exact_render(scene, "RAW")
    got = rendering.render(scene, 2, tmp_path / "o.png")
    assert got.shape == (180, 320, 4)
    small = got.reshape(90, 2, 160, 2, 4).mean((1, 3))
    assert np.abs(small - rf.reference(shot(), 1)).mean() < 3  # twice as large, not cropped or shifted


def listed(scene, tmp_path):
    """A strip, its result in the list, its sprites as strips and as planes."""
    add_strip(scene, numbered(tmp_path / "frames", 6), frame_start=11, name="shot", channel=2)
    folder = rf.make_result(tmp_path / "r", shot(), frame_start=11)
    for k in range(3):
        for t in range(6):
            rf.write_png(folder / "placed" / "sprites" / str(k) / f"{t:04d}.png", rf.plate((64, 32), k))
    (folder / "placed" / "transforms.json").write_text("{}")
    results.remember(scene, folder, Origin(scene.name, scene.session_uid, "shot", 11))
    bpy.ops.toondecompose.add_to_sequencer()
    made = import_result(bpy.context, folder)
    bpy.context.window.scene = scene
    return folder, made


def files_there(scene, entry):
    strips = sequencer.sprite_strips(scene, entry.folder)
    return len(strips) == 3 and all(
        (results.folder_of(entry) / "placed" / "sprites" / str(k) / "0000.png").samefile(
            bpy.path.abspath(strip.directory) + strip.elements[0].filename)
        for k, group in strips.items() for strip in group)


@pytest.mark.parametrize("way", ["list", "sprites"])
def test_everything_follows_a_result_that_was_moved(context, scene, tmp_path, way):
    folder, made = listed(scene, tmp_path)
    entry = results.active(scene)
    assert files_there(scene, entry)
    shutil.move(folder, tmp_path / "archive")
    notes = drawn(result_panel.TOONDECOMPOSE_PT_result)
    assert "Find Result" in notes and "Import Sprites" not in notes
    if way == "list":
        other = rf.make_result(tmp_path / "other", shot()[:1])
        with pytest.raises(RuntimeError, match="of another shot"):
            bpy.ops.toondecompose.find_result(directory=str(other))
        assert bpy.ops.toondecompose.find_result(directory=str(tmp_path / "archive")) == {"FINISHED"}
    else:
        activate(made, 1)
        assert bpy.ops.toondecompose.relink(directory=str(tmp_path / "archive")) == {"FINISHED"}
        bpy.context.window.scene = scene
    entry = results.active(scene)
    assert results.is_there(entry) and files_there(scene, entry)
    assert "Import Sprites" in drawn(result_panel.TOONDECOMPOSE_PT_result)
    got = rendering.render(made.scene, 12, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference(shot(), 1)) <= 1
    bpy.context.window.scene = scene
    assert bpy.ops.toondecompose.replace_source() == {"FINISHED"}  # the list still knows its imported scene


def test_a_dropped_result_comes_in_and_other_json_is_refused(context, tmp_path):
    handler = bpy.types.TOONDECOMPOSE_FH_result
    assert handler.bl_file_extensions == ".json" and handler.bl_import_operator == "toondecompose.import_result"
    for kind, taken in (("VIEW_3D", True), ("SEQUENCE_EDITOR", True), ("TEXT_EDITOR", False)):
        fake = SimpleNamespace(area=SimpleNamespace(type=kind))
        assert drop_result.TOONDECOMPOSE_FH_result.poll_drop(fake) is taken
    folder = rf.make_result(tmp_path / "r", shot())
    assert bpy.ops.toondecompose.import_result(filepath=str(folder / "result.json")) == {"FINISHED"}
    blocks = rendering.block_names()
    (tmp_path / "tools.json").write_text(json.dumps({"some": "thing"}))
    with pytest.raises(RuntimeError, match=r"result\.json"):
        bpy.ops.toondecompose.import_result(filepath=str(tmp_path / "tools.json"))
    assert rendering.block_names() == blocks


def test_dialogs_open_with_what_is_likeliest(context, tmp_path):
    made = walker(tmp_path, -5)
    made.scene.frame_set(-2)
    loop, swap, fit = SimpleNamespace(), SimpleNamespace(), SimpleNamespace()
    x_sheet.TOONDECOMPOSE_OT_sheet_loop.suggest(loop, context, made.sprites[1])
    assert (loop.first, loop.last, loop.until) == (-5, -2, made.scene.frame_end)
    x_sheet.TOONDECOMPOSE_OT_sheet_swap.suggest(swap, context, made.sprites[1])
    assert (swap.one, swap.other) == (4, 5)
    retime.TOONDECOMPOSE_OT_retime_fit.suggest(fit, context, made.sprites[1])
    assert fit.frames == T
    versions.assign_action(made.sprites[1], None)
    with pytest.raises(RuntimeError, match="has no exposure sheet"):
        bpy.ops.toondecompose.sheet_swap()


def test_the_motion_is_found_while_the_drawings_strip_is_tweaked(context, tmp_path):
    made = walker(tmp_path, 1)
    bpy.ops.toondecompose.retime_speed(percent=50.0, drawings_only=True)
    data = made.sprites[1].animation_data
    data.nla_tracks.active = data.nla_tracks[0]
    data.nla_tracks[0].strips[0].select = True
    data.use_tweak_mode = True
    found = timing.source_of(made.sprites[1], "location", 0)
    assert found.strip is None and found.action.name == "girl"
    assert timing.source_of(made.sprites[1]).action.name == "girl drawings"
