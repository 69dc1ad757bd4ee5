"""Every operator that changes the file is one undo step: undo gives back what was, redo what it did."""

import bpy
import numpy as np
import pytest
import result_folders as rf
from conftest import add_strip, numbered, snapshot
from test_hints import preview_space
from test_xsheet import activate

from toondecompose_blender import results, versions
from toondecompose_blender.scene import actions
from toondecompose_blender.scene.importer import import_result
from toondecompose_blender.scene.naming import is_sprite, scene_roots
from toondecompose_blender.session.run import Origin

FRAMES = 8
# name -> settings, in an order in which each can run; {tmp} is the test's folder
IN_3D = [
    ("sheet_expose", {"number": 2}), ("sheet_hold", {"length": 3}), ("sheet_swap", {"one": 1, "other": 2}),
    ("sheet_loop", {"first": 11, "last": 13, "until": 17}), ("sheet_step", {"step": 2, "with_motion": True}),
    ("sheet_reverse", {"with_motion": True}), ("drawing_add", {"filepath": "{tmp}/new.png"}),
    ("drawing_replace", {"filepath": "{tmp}/new.png"}), ("retime_speed", {"percent": 50.0, "extend": True}),
    ("retime_fit", {"frames": 30, "drawings_only": True}), ("retime_curve", {}), ("retime_key", {"frame": 14.0}),
    ("motion_simplify", {}), ("retime_restore", {}), ("sprite_duplicate", {}),
    ("rename_sprite", {"name": "runner"}), ("show_unresolved", {}),
    ("relink", {"directory": "{tmp}/r"}), ("import_result", {"filepath": "{tmp}/r", "scene": "CURRENT"}),
    ("import_result", {"filepath": "{tmp}/r"}), ("import_placed", {"filepath": "{tmp}/r"}),
]
IN_SEQUENCER = [
    ("add_to_sequencer", {}), ("hide_sprite", {"index": 1}), ("solo_sprite", {"index": 2}), ("replace_source", {}),
    ("hint_layers", {}), ("find_result", {"directory": "{tmp}/r"}), ("forget_result", {}),
]
# they change nothing in the file, or belong to the session: the backend's runs, the clipboard, folders, presets
NO_STEP = {"decompose", "cancel", "copy_report", "test_backend", "open_folder", "queue_move", "queue_remove", "refine",
           "compare", "preset_add", "hint_choose"}


def everything():
    """What operators change, as plain values: data-blocks, keys, strips, results, the sprites' own properties."""
    found = snapshot()
    for action in bpy.data.actions:
        home = versions.curve_home(action)
        found["keys", action.name] = [(c.data_path, c.array_index, *(tuple(a) for a in actions.get_keys(c)))
                                      for c in home.fcurves] if home else []
    for sprite in filter(is_sprite, bpy.data.objects):
        found["sprite", sprite.name] = (sprite["td_drawings"], sprite["td_order"],
                                        [(t.name, [(s.scale, s.use_animated_time, [k.co[:] for c in s.fcurves
                                                                                     for k in c.keyframe_points])
                                                   for s in t.strips]) for t in sprite.animation_data.nla_tracks])
    for scene in bpy.data.scenes:
        tree = versions.compositor_tree(scene)
        found["scene", scene.name] = (scene.frame_end, [(layer.name, layer.use) for layer in scene.view_layers],
                                      sorted(n.name for n in tree.nodes) if tree else None)
        strips = versions.all_strips(scene.sequence_editor) if scene.sequence_editor else ()
        found["all strips", scene.name] = [(s.name, s.mute, s.channel) for s in strips]
    for camera in bpy.data.cameras:
        found["overlays", camera.name] = len(camera.background_images)
    return found


def check(steps, tmp_path):
    for name, settings in steps:
        filled = {key: value.format(tmp=tmp_path) if isinstance(value, str) else value
                  for key, value in settings.items()}
        bpy.ops.ed.undo_push(message="before")
        before = everything()
        assert getattr(bpy.ops.toondecompose, name)(**filled) == {"FINISHED"}, name
        bpy.ops.ed.undo_push(message=name)  # what the window manager does after an operator with UNDO
        after = everything()
        bpy.ops.ed.undo()
        assert everything() == before, name
        bpy.ops.ed.redo()
        assert everything() == after, name
        if name not in ("relink", "find_result", "hint_layers"):  # these found everything in its place
            assert after != before, name


@pytest.fixture
def folder(tmp_path):
    """A street, a girl on ones and a cat, with placed frames and an unresolved spot; and a picture to add."""
    moves = np.array([rf.shift(10 + 4 * t * t, 20) for t in range(FRAMES)])
    sprites = [rf.sprite("street", 0, [rf.plate((160, 90))], [0] * FRAMES, np.eye(3), kind="background"),
               rf.sprite("girl", 1, [rf.drawing((40, 44), n) for n in range(FRAMES)], list(range(FRAMES)), moves),
               rf.sprite("cat", 2, [rf.drawing((40, 44), 9)], [0] * FRAMES, moves)]
    folder = rf.make_result(tmp_path / "r", sprites, frame_start=11, unresolved="unresolved.png")
    rf.write_png(folder / "unresolved.png", rf.plate((160, 90)))
    rf.write_png(tmp_path / "new.png", rf.drawing((40, 44), 20))
    for k in range(3):
        for t in range(FRAMES):
            rf.write_png(folder / "placed" / "sprites" / str(k) / f"{t:04d}.png", rf.plate((160, 90), k))
    (folder / "placed" / "transforms.json").write_text("{}")
    return folder


def test_what_is_done_to_sprites(context, folder, tmp_path):
    made = import_result(context, folder)
    activate(made, 1)
    made.scene.frame_set(13)
    check(IN_3D, tmp_path)


def test_a_collection_of_ones_own(context, folder, tmp_path):
    made = import_result(context, folder)
    activate(made, 1)
    made.scene.collection.children.link(bpy.data.collections.new("studio"))
    context.view_layer.active_layer_collection = context.view_layer.layer_collection.children["studio"]
    check([("composite_collection", {})], tmp_path)


def test_what_is_done_in_the_sequencer(context, scene, folder, tmp_path):
    add_strip(scene, numbered(tmp_path / "frames", FRAMES), frame_start=11, name="shot", channel=2)
    results.remember(scene, folder, Origin(scene.name, scene.session_uid, "shot", 11))
    import_result(context, folder)
    bpy.context.window.scene = scene
    preview_space()
    check(IN_SEQUENCER, tmp_path)


def test_the_depth_slider(context, folder):
    made = import_result(context, folder)
    bpy.ops.ed.undo_push(message="before")
    made.root.toondecompose_spacing = 0.7
    bpy.ops.ed.undo_push(message="slider")
    bpy.ops.ed.undo()
    root, = scene_roots(bpy.context.scene)
    assert root.toondecompose_spacing == pytest.approx(0.05)
    bpy.ops.ed.redo()
    root, = scene_roots(bpy.context.scene)
    assert root.toondecompose_spacing == pytest.approx(0.7)


def test_no_operator_is_left_out():
    steps = {name for name, _ in IN_3D + IN_SEQUENCER} | {"composite_collection"}
    assert set(dir(bpy.ops.toondecompose)) == steps | NO_STEP
    for name in steps:
        assert "UNDO" in getattr(bpy.types, f"TOONDECOMPOSE_OT_{name}").bl_options, name
