"""Sprites back in the Sequencer: in the right place, in step, shown and hidden as asked."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import add_strip, numbered, write_png

from toondecompose.formats.errors import UserError
from toondecompose.formats.result import Clip, Result, Sprite, write_result
from toondecompose_blender import results, sequencer, strips, versions
from toondecompose_blender.operators import replace_source
from toondecompose_blender.session.run import Origin

FRAMES = 8


def make_result(folder: Path, placed: bool = True) -> Path:
    """A background and two sprites, 64 x 32; their placed frames are grey pictures that tell layer and frame."""
    sprites = []
    for k, kind in enumerate(("background", "sprite", "sprite")):
        drawing = f"sprites/{k:02d}/0001.png"
        write_png(folder / drawing, 64, 32, 50 * k)
        sprites.append(Sprite(name=("street", "girl", "cat")[k], order=k, kind=kind, canvas_size=(64, 32),
                              drawings=[drawing], exposure=[0] * FRAMES, transform=np.tile(np.eye(3), (FRAMES, 1, 1)),
                              opacity=np.ones(FRAMES)))
    write_result(folder, Result(Clip("shot", (64, 32), 24.0, 11, FRAMES), sprites))
    for k in range(3 if placed else 0):
        for t in range(FRAMES):
            write_png(folder / "placed" / "sprites" / str(k) / f"{t:04d}.png", 64, 32, 20 + 60 * k + 5 * t)
    if placed:
        (folder / "placed" / "transforms.json").write_text("{}")
    return folder


@pytest.fixture
def shot(scene, tmp_path):
    """A strip at frame 11 and its result in the list."""
    strip = add_strip(scene, numbered(tmp_path / "frames", FRAMES), frame_start=11, name="shot", channel=2)
    folder = make_result(tmp_path / "result")
    results.remember(scene, folder, Origin(scene.name, scene.session_uid, "shot", 11))
    return strip


def strips_of(scene):
    return versions.top_strips(scene.sequence_editor)


def seen(scene, frames):
    from test_strips import rendered_values

    return rendered_values(scene, frames)


def value(layer, t):
    return 20 + 60 * layer + 5 * t


def test_each_sprite_on_its_own_channel(scene, shot):
    assert bpy.ops.toondecompose.add_to_sequencer() == {"FINISHED"}
    made = [strips_of(scene)[f"shot {name}"] for name in ("street", "girl", "cat")]
    assert [s.channel for s in made] == [3, 4, 5]
    assert all(versions.strip_handles(s) == versions.strip_handles(shot) for s in made)
    assert shot.mute and not any(s.select for s in made)
    assert seen(scene, [11, 14, 18]) == [value(2, 0), value(2, 3), value(2, 7)]
    assert bpy.ops.toondecompose.hide_sprite(index=2) == {"FINISHED"}
    assert seen(scene, [14]) == [value(1, 3)]
    assert bpy.ops.toondecompose.solo_sprite(index=0) == {"FINISHED"}
    assert [s.mute for s in made] == [False, True, True] and seen(scene, [14]) == [value(0, 3)]
    bpy.ops.toondecompose.solo_sprite(index=0)
    assert not any(s.mute for s in made)


def test_in_step_with_a_source_that_was_moved_and_trimmed(scene, shot):
    versions.move_strip(shot, 20)
    versions.set_strip_handles(shot, 33, 37)
    bpy.ops.toondecompose.add_to_sequencer()
    strip = strips_of(scene)["shot cat"]
    assert versions.strip_handles(strip) == (33, 37)
    assert seen(scene, [33, 36]) == [value(2, 2), value(2, 5)]


def test_the_sources_place_is_taken_over(scene, shot):
    shot.transform.offset_x, shot.transform.scale_x = 7, 0.5
    bpy.ops.toondecompose.add_to_sequencer(layers="PLATE")
    assert [s.name for s in strips_of(scene)] == ["shot", "shot street"] and not shot.mute
    strip = strips_of(scene)["shot street"]
    assert (strip.transform.offset_x, strip.transform.scale_x) == (7, 0.5)


def test_sprites_are_no_shots(context, scene, shot):
    bpy.ops.toondecompose.add_to_sequencer()
    for strip in strips_of(scene):
        strip.select = True
    assert [strip.name for strip in strips.chosen(context)] == ["shot"]
    shot.select = False
    scene.sequence_editor.active_strip = strips_of(scene)["shot cat"]
    assert strips.why_not(context) == "“shot cat” shows a sprite already; select the shot"


def test_room_is_looked_for(scene, shot, tmp_path):
    add_strip(scene, numbered(tmp_path / "frames", 4), 12, "in the way", 4)
    add_strip(scene, numbered(tmp_path / "frames", 4), 100, "elsewhere", 5)
    bpy.ops.toondecompose.add_to_sequencer()
    assert [strips_of(scene)[f"shot {n}"].channel for n in ("street", "girl", "cat")] == [5, 6, 7]
    assert sequencer.free_channels([], 1, 128, 0, 9) == 1
    with pytest.raises(UserError, match="make room"):
        sequencer.free_channels([shot], 2, 127, 0, 99)


def test_paths_are_relative_to_a_saved_file(scene, shot, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "film.blend"))
    bpy.ops.toondecompose.add_to_sequencer()
    strip = strips_of(bpy.context.scene)["shot girl"]
    assert strip.directory.startswith("//")
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "film.blend"))
    scene = bpy.context.scene
    assert seen(scene, [12]) == [value(2, 1)]
    bpy.ops.toondecompose.hide_sprite(index=2)
    assert seen(scene, [12]) == [value(1, 1)]


def test_a_placed_frame_is_missing(scene, shot, tmp_path):
    (tmp_path / "result" / "placed" / "sprites" / "1" / "0003.png").unlink()
    with pytest.raises(RuntimeError, match="The placed frame 3 of “girl” is missing"):
        bpy.ops.toondecompose.add_to_sequencer()
    assert len(strips_of(scene)) == 1


def test_the_backend_places_first(scene, tmp_path, preferences, backend_python, monkeypatch):
    """The real command where OpenCV is installed; a sentence where it is not. Either way no half-made strips."""
    preferences.backend_python = str(backend_python)
    add_strip(scene, numbered(tmp_path / "frames", FRAMES), frame_start=11)
    folder = make_result(tmp_path / "result", placed=False)
    results.remember(scene, folder, Origin(scene.name, scene.session_uid, "shot", 11))
    try:
        import cv2  # noqa: F401
    except ImportError:
        with pytest.raises(RuntimeError, match="cv2"):
            bpy.ops.toondecompose.add_to_sequencer()
        assert len(strips_of(scene)) == 1
        return
    assert bpy.ops.toondecompose.add_to_sequencer() == {"FINISHED"}
    assert len(strips_of(scene)) == 4


def test_strips_come_when_the_frames_are_placed(scene, tmp_path, preferences):
    """With a stand-in for the backend that only writes the placed frames."""
    add_strip(scene, numbered(tmp_path / "frames", FRAMES), frame_start=11)
    folder = make_result(tmp_path / "result")
    marker = folder / "placed" / "transforms.json"
    marker.unlink()
    hello = ('{"type":"hello","protocol":1,"version":"0.1.0","device":"cpu","device_name":"","memory_mb":0,"pid":1}')
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\nprint('{hello}')\nopen({str(marker)!r}, 'w').write('x')\n"
                       "print('{\"type\":\"done\",\"result\":\"x\",\"metrics\":{}}')\n")
    program.chmod(0o755)
    preferences.backend_python = str(program)
    results.remember(scene, folder, Origin(scene.name, scene.session_uid, "shot", 11))
    assert bpy.ops.toondecompose.add_to_sequencer() == {"FINISHED"}
    assert len(strips_of(scene)) == 4


def test_replace_source(scene, shot, tmp_path):
    assert not bpy.ops.toondecompose.replace_source.poll()
    versions.set_strip_handles(shot, 13, 17)
    bpy.ops.toondecompose.import_result(filepath=str(tmp_path / "result" / "result.json"))
    imported = replace_source.imported_scene(scene, results.active(scene))
    assert imported is not None and imported != scene
    if bpy.context.window:
        bpy.context.window.scene = scene
    assert bpy.ops.toondecompose.replace_source() == {"FINISHED"}
    strip = strips_of(scene)["shot Sprites"]
    assert strip.type == "SCENE" and strip.scene == imported and strip.channel == 3
    assert versions.strip_handles(strip) == (13, 17) and shot.mute
    assert seen(scene, [13, 16]) == [100, 100]  # the nearest sprite's own value
    shown = getattr(strip, "view_layer", None) or next(layer for layer in imported.view_layers if layer.use)
    assert shown == imported.view_layers[0]  # in the preview; it holds all sprites
    strips_of(scene).remove(shot)
    with pytest.raises(RuntimeError, match="not in the Sequencer any more"):
        bpy.ops.toondecompose.replace_source()


def test_a_replaced_source_has_the_same_values(scene, tmp_path):
    """All 256 of them, through the import's Raw colours and the Sequencer's own."""
    from test_strips import rendered_values

    rows = bytes(range(256))
    add_strip(scene, [write_png(tmp_path / "f" / "0.png", 16, 256, rows)], frame_start=1)
    write_png(tmp_path / "r" / "a" / "0001.png", 16, 256, rows)
    plane = Sprite("street", 0, "background", (16, 256), ["a/0001.png"], [0], np.eye(3)[None], np.ones(1))
    write_result(tmp_path / "r", Result(Clip("shot", (16, 256), 24.0, 1, 1), [plane]))
    results.remember(scene, tmp_path / "r", Origin(scene.name, scene.session_uid, "shot", 1))
    bpy.ops.toondecompose.import_result(filepath=str(tmp_path / "r" / "result.json"))
    if bpy.context.window:
        bpy.context.window.scene = scene
    bpy.ops.toondecompose.replace_source()
    rendered_values(scene, [1], (16, 256))
    import imageio.v3 as imageio

    assert imageio.imread(bpy.app.tempdir + "seen_1.png")[:, 8, 0].tolist() == list(rows)


def test_undo_takes_all_strips_away(scene, shot):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.toondecompose.add_to_sequencer()
    bpy.ops.ed.undo_push(message="added")
    assert len(strips_of(bpy.context.scene)) == 4
    bpy.ops.ed.undo()
    assert len(strips_of(bpy.context.scene)) == 1
    bpy.ops.ed.redo()
    assert len(strips_of(bpy.context.scene)) == 4


def test_soft_edges_are_mixed_as_the_engine_mixes_them(scene, shot, tmp_path):
    """In display values: half of 200 over 20 is 110, not the brighter mix of scene-linear light."""
    import imageio.v3 as imageio

    half = np.full((32, 64, 4), 200, np.uint8)
    half[..., 3] = 128
    for t in range(FRAMES):
        placed = tmp_path / "result" / "placed" / "sprites"
        write_png(placed / "0" / f"{t:04d}.png", 64, 32, 20)
        imageio.imwrite(placed / "1" / f"{t:04d}.png", half)
        imageio.imwrite(placed / "2" / f"{t:04d}.png", np.zeros((32, 64, 4), np.uint8))
    bpy.ops.toondecompose.add_to_sequencer()
    assert seen(scene, [12]) == [pytest.approx(20 + (200 - 20) * 128 / 255, abs=1)]
