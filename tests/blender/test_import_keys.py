"""The keys that an import writes: few, exact, and one undo step away from nothing."""

import time

import bpy
import numpy as np
import rendering
import result_folders as rf

from toondecompose_blender import versions
from toondecompose_blender.scene import actions, channels
from toondecompose_blender.scene import homography as hg
from toondecompose_blender.scene.importer import import_result


def curves(sprite):
    """{(path, index): (frames, values, interpolation codes)} of a sprite's action."""
    home = versions.curve_home(sprite.animation_data.action)
    return {(c.data_path, c.array_index): actions.get_keys(c) for c in home.fcurves}


def slide(frames=78):
    moves = np.array([rf.shift(20 + 1.25 * t, 40 - 0.5 * t) for t in range(frames)])
    return rf.sprite("slide", 0, [rf.drawing((60, 50), 1)], [0] * frames, moves)


def test_a_linear_slide_becomes_two_keys_on_request(context, tmp_path):
    folder = rf.make_result(tmp_path / "r", [slide()])
    plain = curves(import_result(context, folder).sprites[0])
    assert len(plain["location", 0][0]) == 78 and len(plain["location", 2][0]) == 1
    bpy.ops.toondecompose.import_result(filepath=str(folder), simplify=True)  # within 0.05 px unless asked otherwise
    few = curves(next(o for o in bpy.context.scene.objects if "td_sprite" in o))
    assert list(few["location", 0][0]) == [1, 78] and list(few["location", 1][0]) == [1, 78]
    assert all(len(keys[0]) == 1 for path, keys in few.items() if path[0] != "location")


def test_simplified_motion_stays_within_the_tolerance():
    t = np.arange(200)
    angle = 0.4 * np.sin(t / 25)
    H = np.array([rf.shift(100 + 50 * np.sin(k / 40), 60 + 0.2 * k) @ np.array(
        [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ rf.shift(-30, -25)
        for k, a in zip(t, angle, strict=True)])
    camera = hg.camera_for((160, 90), False)
    found = channels.sprite_channels(H, [0] * 200, np.ones(200), (60, 50), camera, 1, simplify_px=0.05)
    values = {(c.path, c.index): np.interp(1 + t, c.frames, c.values) for c in found}
    table = np.stack([values.get(m, np.zeros(200)) for m in channels.MOTION], 1)
    back = hg.compose(channels.from_table(table), (60, 50), camera)
    assert hg.corner_error(H, back, (60, 50)).max() <= 0.05
    keys = max(len(c.frames) for c in found)
    assert 10 < keys < 100


def test_a_sprite_on_twos_holds_between_its_drawings(context, tmp_path):
    moves = np.array([rf.shift(10 + 6 * (t // 2), 20) for t in range(12)])
    sprite = rf.sprite("twos", 0, [rf.drawing((40, 40), n) for n in range(6)], [t // 2 for t in range(12)], moves)
    imported = import_result(context, rf.make_result(tmp_path / "r", [sprite]))
    keys = curves(imported.sprites[0])
    for path in (("location", 0), (channels.DRAWING, 0)):
        frames, _, codes = keys[path]
        assert list(frames) == [1, 3, 5, 7, 9, 11] and not codes.any()
    assert list(keys[channels.DRAWING, 0][1]) == [1, 2, 3, 4, 5, 6]


def test_frames_where_a_sprite_is_not_shown_do_not_pull_at_its_motion(context, tmp_path):
    sprite = slide(8)
    sprite["transform"] = sprite["transform"].copy()
    sprite["transform"][2:5] = np.eye(3)
    sprite["exposure"][2:5] = [None] * 3
    keys = curves(import_result(context, rf.make_result(tmp_path / "r", [sprite])).sprites[0])
    assert list(keys["location", 0][0]) == [1, 2, 6, 7, 8]
    assert list(zip(*keys[channels.DRAWING, 0][:2], strict=True)) == [(1, 1), (3, 0), (6, 1)]


def test_importing_is_one_undo_step(context, tmp_path):
    folder = rf.make_result(tmp_path / "r", [slide(5)])
    bpy.ops.ed.undo_push(message="before")
    before = rendering.block_names()
    assert bpy.ops.toondecompose.import_result(filepath=str(folder / "result.json")) == {"FINISHED"}
    bpy.ops.ed.undo_push(message="import")  # what the window manager does after an operator with UNDO
    after = rendering.block_names()
    bpy.ops.ed.undo()
    assert rendering.block_names() == before
    bpy.ops.ed.redo()
    assert rendering.block_names() == after


def test_a_thousand_frames_come_in_quickly(context, tmp_path):
    T = 1000
    t = np.arange(T)
    moves = np.array([rf.shift(20 + 0.1 * k, 40) @ np.array([[1, np.sin(k) / 999, 0], [0, 1, 0], [0, 0, 1]])
                      for k in t])
    pictures, exposure = [rf.drawing((24, 20), n) for n in range(8)], [f // 2 % 8 for f in range(T)]
    sprites = [rf.sprite(f"sprite{k}", k, pictures, exposure, moves) for k in range(4)]
    folder = rf.make_result(tmp_path / "r", sprites)
    start = time.process_time()
    import_result(context, folder)
    spent = time.process_time() - start
    print(f"{bpy.app.version_string}: {spent:.2f} s")
    assert spent < 2
