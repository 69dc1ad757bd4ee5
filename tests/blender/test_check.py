"""Compare with Source, the unresolved overlay, placed frames, files without the add-on, and the Sprite tab."""

import json
import sys

import addon_utils
import bpy
import numpy as np
import pytest
import rendering
import result_folders as rf
from fake_layout import drawn
from test_import import T, shot
from test_xsheet import activate

from toondecompose.formats.errors import UserError
from toondecompose_blender import versions
from toondecompose_blender.panels import sprite_panel
from toondecompose_blender.scene import camera, compositor
from toondecompose_blender.scene.importer import ImportOptions, import_result
from toondecompose_blender.scene.placed import import_placed
from toondecompose_blender.sprite import compare


@pytest.fixture
def folder(tmp_path):
    folder = rf.make_result(tmp_path / "r", shot(), unresolved="unresolved.png")
    doubt = np.zeros((90, 160, 3), np.uint8)
    doubt[20:40, 30:70] = 255
    rf.write_png(folder / "unresolved.png", doubt)
    frames = []
    for t in range(T):
        frames.append(str(tmp_path / "source" / f"f{t:03d}.png"))
        rf.write_png(frames[-1], np.round(rf.reference(shot(), t))[..., :3])
    (folder / "job").mkdir()
    (folder / "job" / "job.json").write_text(json.dumps(
        {"schema": "toondecompose.job/1", "frames": frames, "output": ".."}))
    return folder


def test_the_import_is_as_good_as_its_source(context, folder):
    made = import_result(context, folder)
    filepath = made.scene.render.filepath
    assert bpy.ops.toondecompose.compare(every=True) == {"FINISHED"}
    assert made.root["td_psnr"] > 55
    assert made.scene.render.filepath == filepath and made.scene.frame_current == 1
    saved = rf.read_png(folder / "compared" / "0003.png")
    assert saved.shape[:2] == (90, 160) and saved[..., :3].max() <= 8
    assert len(list((folder / "compared").iterdir())) == T


def test_differences_are_amplified_and_found(context, folder):
    made = import_result(context, folder)
    made.scene.frame_set(2)
    activate(made, 0)
    made.sprites[1].delta_location.x = 0.05  # 5 px to the right
    assert bpy.ops.toondecompose.compare() == {"FINISHED"}
    assert made.root["td_psnr"] < 35 and made.root["td_psnr_frame"] == 2
    image = bpy.data.images["shot difference"]
    pixels = np.array(image.pixels[:]).reshape(90, 160, 4)[::-1, :, :3]
    assert pixels.max() == 1 and pixels[:10, :20].max() < 0.05
    source, rendered = np.zeros((4, 5, 3), np.float32), np.full((4, 5, 3), 0.1, np.float32)
    measured = compare.measure(1, rendered, source)
    assert measured.psnr_db == pytest.approx(20, abs=1e-4) and np.allclose(measured.difference, 0.8)
    assert measured.worst == round(25.5)


def test_what_cannot_be_compared_is_said(context, folder, tmp_path):
    made = import_result(context, folder)
    (tmp_path / "source" / "f002.png").unlink()
    with pytest.raises(RuntimeError, match=r"f002\.png” is not there any more"):
        bpy.ops.toondecompose.compare()
    with pytest.raises(RuntimeError, match="has 5 pictures, but the clip has 6 frames"):
        bpy.ops.toondecompose.compare(directory=str(tmp_path / "source"))
    rf.write_png(tmp_path / "source" / "f002.png", np.zeros((80, 160, 3), np.uint8))
    made.scene.frame_set(3)
    with pytest.raises(RuntimeError, match="set the scene's resolution"):
        bpy.ops.toondecompose.compare()
    made.scene.frame_set(50)
    with pytest.raises(RuntimeError, match="Frame 50 is not in the clip"):
        bpy.ops.toondecompose.compare()


def test_unresolved_lies_over_the_camera_view_until_it_is_taken_away(context, folder):
    made = import_result(context, folder)
    images = len(bpy.data.images)
    bpy.ops.toondecompose.show_unresolved()
    overlay = made.camera.data.background_images[0]
    assert made.camera.data.show_background_images and overlay.display_depth == "FRONT"
    pixels = np.array(overlay.image.pixels[:]).reshape(90, 160, 4)[::-1]
    clear = np.ones((90, 160), bool)
    clear[20:40, 30:70] = False
    assert (pixels[clear, 3] == 0).all() and (pixels[~clear, 3] == 1).all() and (pixels[~clear, 0] == 1).all()
    assert overlay.image.packed_file  # it is there when the file is opened elsewhere
    bpy.ops.toondecompose.show_unresolved()
    assert not len(made.camera.data.background_images) and len(bpy.data.images) == images
    rf.write_png(folder / "unresolved.png", np.zeros((90, 160, 3), np.uint8))
    with pytest.raises(RuntimeError, match="everything was explained"):
        bpy.ops.toondecompose.show_unresolved()
    (folder / "unresolved.png").unlink()
    with pytest.raises(RuntimeError, match="not there any more"):
        bpy.ops.toondecompose.show_unresolved()
    assert not len(made.camera.data.background_images) and len(bpy.data.images) == images


def place(folder):
    """Placed frames as the backend writes them: straight RGBA, numbered from 0."""
    for k, sprite in enumerate(shot()):
        for t in range(T):
            p = rf.reference([sprite], t)
            p[..., :3] = np.where(p[..., 3:] > 0, p[..., :3] / np.maximum(p[..., 3:], 1e-6) * 255, 0)
            rf.write_png(folder / "placed" / "sprites" / str(k) / f"{t:04d}.png", np.clip(np.round(p), 0, 255))
    (folder / "placed" / "transforms.json").write_text("{}")


def test_placed_frames_stack_in_the_compositor_without_3d(context, folder, tmp_path, preferences):
    before = rendering.block_names()
    preferences.backend_python = str(tmp_path / "nowhere")
    with pytest.raises(RuntimeError, match="does not exist"):  # the backend would have to place them first
        bpy.ops.toondecompose.import_placed(filepath=str(folder / "result.json"))
    with pytest.raises(UserError, match="not placed yet"):
        import_placed(context, folder)
    assert rendering.block_names() == before
    place(folder)
    scene = import_placed(context, folder).scene
    assert not scene.objects and context.window.scene == scene
    for t in (0, 2, 5):
        got = rendering.render(scene, 1 + t, tmp_path / "o.png")
        assert rendering.worst(got, rf.reference(shot(), t)) <= 2  # each layer was rounded to 8 bits before
    tree = versions.compositor_tree(scene)
    compositor.find(tree, compositor.OVER, "girl").mute = True
    got = rendering.render(scene, 2, tmp_path / "o.png")
    assert rendering.worst(got, rf.reference([shot()[0], shot()[2]], 1)) <= 2


def test_frames_are_placed_before_they_go_into_the_compositor(context, folder, tmp_path, preferences):
    """With a stand-in for the backend, which finishes what place() began."""
    place(folder)
    marker = folder / "placed" / "transforms.json"
    marker.unlink()
    hello = '{"type":"hello","protocol":1,"version":"0.1.0","device":"cpu","device_name":"","memory_mb":0,"pid":1}'
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\nprint('{hello}')\nopen({str(marker)!r}, 'w').write('x')\n"
                       "print('{\"type\":\"done\",\"result\":\"x\",\"metrics\":{}}')\n")
    program.chmod(0o755)
    preferences.backend_python = str(program)
    assert bpy.ops.toondecompose.import_placed(filepath=str(folder / "result.json")) == {"FINISHED"}
    scene = bpy.data.scenes["shot"]
    assert rendering.worst(rendering.render(scene, 3, tmp_path / "o.png"), rf.reference(shot(), 2)) <= 2


def test_a_saved_file_renders_without_the_addon(context, folder, tmp_path):
    import_result(context, folder)
    path = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    addon_utils.disable("toondecompose_blender", default_set=True)
    try:
        bpy.ops.wm.open_mainfile(filepath=path)
        scene = bpy.context.scene
        assert scene.name == "shot"
        got = rendering.render(scene, 5, tmp_path / "o.png")
        assert rendering.worst(got, rf.reference(shot(), 4)) <= 1
    finally:
        addon_utils.enable("toondecompose_blender", default_set=True)


def test_the_sprite_tab(context, folder):
    assert all(drawn(panel) == [] for panel in sprite_panel._CLASSES)
    made = import_result(context, folder)
    made.scene.view_layers[0].objects.active = made.camera
    assert "Depth Spacing" in drawn(sprite_panel.TOONDECOMPOSE_PT_sprite)
    activate(made, 1)
    made.sprites[1]["td_confidence"] = 0.2
    notes = [note for panel in sprite_panel._CLASSES for note in drawn(panel)]
    for expected in ("shot: girl", "1", "2", "3", "Twos", "50%", "Its own timing", "mist", "Show Unresolved",
                     "girl: confidence 20%", "Add", "Hold"):
        assert expected in notes, expected
    bpy.ops.toondecompose.retime_curve()
    notes = drawn(sprite_panel.TOONDECOMPOSE_PT_sprite_timing)
    assert "Plays its frame 1.0 now" in notes and "Restore Timing" in notes
    (folder / "sprites" / "01_girl").rename(folder / "sprites" / "moved")
    assert "Relink Drawings" in drawn(sprite_panel.TOONDECOMPOSE_PT_sprite_drawings)


def test_many_drawings_are_listed_around_the_current_one(context, tmp_path):
    pictures = [rf.plate((16, 12)) for _ in range(60)]
    sprite = rf.sprite("crowd", 0, pictures, list(range(60)), np.eye(3))
    made = import_result(context, rf.make_result(tmp_path / "many", [sprite]))
    activate(made, 0)
    made.scene.frame_set(40)
    notes = drawn(sprite_panel.TOONDECOMPOSE_PT_sprite_drawings)
    assert "13 to 60 of 60, around the current frame's" in notes and "60" in notes and "12" not in notes


def test_a_scene_with_strips_is_told_and_still_compared(context, folder, scene, tmp_path):
    from conftest import add_strip, numbered

    add_strip(scene, numbered(tmp_path / "strip", 6, (160, 90)), frame_start=1)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.film_transparent = 160, 90, True
    scene.view_settings.view_transform = "Raw"
    made = import_result(context, folder, ImportOptions(scene="CURRENT"))
    assert made.scene == scene and any("strips" in warning for warning in made.warnings)
    camera.exact_render(scene, "RAW")
    assert bpy.ops.toondecompose.compare() == {"FINISHED"}
    assert made.root["td_psnr"] > 55 and scene.render.use_sequencer
