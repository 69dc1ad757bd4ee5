"""What a strip shows, checked against what Blender renders of it."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import bpy
import pytest
from conftest import add_strip, grey_of, numbered, snapshot, write_png

from toondecompose.formats.errors import UserError
from toondecompose_blender import strips, versions
from toondecompose_blender.strip_render import frames_of_strip


def rendered_values(scene, frames, size=(64, 32)):
    """The value of each scene frame as the Sequencer shows it."""
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = *size, 100
    render.use_sequencer, render.use_compositing, render.dither_intensity = True, False, 0
    scene.view_settings.view_transform = "Standard"
    versions.set_png_output(scene)
    values = []
    for frame in frames:
        scene.frame_set(frame)
        render.filepath = bpy.app.tempdir + f"seen_{frame}.png"
        bpy.ops.render.render(write_still=True)
        values.append(grey_of(render.filepath))
    return values


def reverse(strip):
    strip.use_reverse_frames = True


def strobe(strip):
    strip.strobe = 3


def reversed_strobe(strip):
    reverse(strip)
    strobe(strip)


def trims(strip):
    versions.set_strip_handles(strip, 14, 27)


def still_frames(strip):
    versions.set_strip_handles(strip, 8, 35)


def offsets(strip):
    name = "content_trim_start" if hasattr(strip, "content_trim_start") else "animation_offset_start"
    setattr(strip, name, 2)
    reverse(strip)


def moved_before_zero(strip):
    versions.move_strip(strip, -20)


def between_frames(strip):
    """Blender shows such a strip from the frame before on."""
    setattr(strip, "content_start" if hasattr(strip, "content_start") else "frame_start", -3.5)


@pytest.mark.parametrize("change", [lambda s: None, reverse, strobe, reversed_strobe, trims, still_frames, offsets,
                                    moved_before_zero, between_frames],
                         ids=["plain", "reverse", "strobe", "both", "trims", "stills", "offsets", "negative",
                              "fraction"])
def test_files_are_those_that_blender_shows(scene, tmp_path, change):
    strip = add_strip(scene, numbered(tmp_path))
    change(strip)
    clip = strips.check_frames(strips.read_strip(scene, strip))
    left, right = versions.strip_handles(strip)
    assert (clip.frame_start, clip.frame_count, len(clip.frames)) == (left, right - left, right - left)
    probes = sorted({0, 1, 4, clip.frame_count // 2, clip.frame_count - 2, clip.frame_count - 1})
    assert [grey_of(clip.frames[t]) for t in probes] == rendered_values(scene, [left + t for t in probes])
    assert clip.size == (64, 32)


def flip_x(strip):
    strip.use_flip_x = True


def flip_y(strip):
    strip.use_flip_y = True


def colour(strip):
    strip.color_multiply = 0.5


@pytest.mark.parametrize("change", [flip_x, flip_y, colour])
def test_what_changes_pixels_is_rendered(scene, tmp_path, change):
    """Rows of different values: a flip in Y shows. The strip's place does not matter, the rest of the file stays."""
    rows = bytes(range(0, 256, 8))
    files = [write_png(tmp_path / f"r_{i}.png", 64, 32, rows) for i in range(4)]
    strip = add_strip(scene, files, frame_start=-2)
    change(strip)
    strip.transform.offset_x, strip.transform.scale_x, strip.mute = 12, 2.0, True
    add_strip(scene, numbered(tmp_path / "over", 4), -2, "over", 3)
    before = snapshot()
    clip = frames_of_strip(scene, strip, tmp_path / "out")
    assert snapshot() == before
    assert strip.transform.offset_x == 12 and strip.mute
    assert clip.rendered and len(clip.frames) == 4 and clip.frame_start == -2 and clip.size == (64, 32)
    assert "transform" in clip.ignored
    import imageio.v3 as imageio

    column = imageio.imread(clip.frames[2])[:, 20, 0].tolist()
    expected = list(rows)
    if change is flip_y:
        expected.reverse()
    if change is colour:
        assert all(abs(a - b / 2) <= 1 for a, b in zip(column, expected, strict=True))
    else:
        assert column == expected


def make_movie(scene, files, path):
    """A lossless movie of 64 x 48 pictures, written by Blender."""
    strip = add_strip(scene, files, 1)
    render = scene.render
    render.resolution_x, render.resolution_y, render.dither_intensity = 64, 48, 0
    scene.view_settings.view_transform = "Standard"
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec = "MKV", "FFV1"
    render.use_file_extension = False
    render.filepath, scene.frame_start, scene.frame_end = str(path), 1, len(files)
    bpy.ops.render.render(animation=True)
    versions.top_strips(scene.sequence_editor).remove(strip)
    return path


def test_movie_is_rendered(scene, tmp_path):
    files = [write_png(tmp_path / f"m{i}.png", 64, 48, 20 + 20 * i) for i in range(10)]
    movie = make_movie(scene, files, tmp_path / "Größe 1.mkv")
    editor = scene.sequence_editor
    strip = versions.top_strips(editor).new_movie(name="m", filepath=str(movie), channel=1, frame_start=5)
    versions.set_strip_handles(strip, 7, 13)
    before = snapshot()
    clip = frames_of_strip(scene, strip, tmp_path / "out")
    assert snapshot() == before
    assert (clip.frame_start, clip.frame_count, clip.size) == (7, 6, (64, 48))
    assert [grey_of(path) for path in clip.frames] == pytest.approx([60, 80, 100, 120, 140, 160], abs=1)
    movie.unlink()
    with pytest.raises(UserError, match=r"The movie of “m” is missing"):
        frames_of_strip(scene, strip, tmp_path / "out2")


def test_a_missing_frame_is_named(scene, tmp_path):
    files = numbered(tmp_path, 12)
    strip = add_strip(scene, files, frame_start=101)
    files[6].unlink()
    clip = strips.read_strip(scene, strip)
    with pytest.raises(UserError, match=r"^Frame 107 of “shot” is missing: .* “shot_0006.png” in .*trim the strip\.$"):
        strips.check_frames(clip)
    for path in files[7:]:
        path.unlink()
    with pytest.raises(UserError, match=r"^6 pictures of “shot” are missing .* frame 107: .* and 3 more"):
        strips.check_frames(clip)


def test_a_trim_hides_a_missing_frame(scene, tmp_path):
    files = numbered(tmp_path, 12)
    strip = add_strip(scene, files, frame_start=1)
    files[11].unlink()
    versions.set_strip_handles(strip, 1, 12)
    assert strips.check_frames(strips.read_strip(scene, strip)).frame_count == 11


def test_two_sizes_are_named(scene, tmp_path):
    files = numbered(tmp_path, 5)
    write_png(files[3], 32, 32)
    strip = add_strip(scene, files, frame_start=1)
    with pytest.raises(UserError, match=r"Frame 4 of “shot” \(“shot_0003.png”\) is 32 x 32 px, but frame 1 is 64 x 32"):
        strips.check_frames(strips.read_strip(scene, strip))


def test_one_frame(scene, tmp_path):
    strip = add_strip(scene, numbered(tmp_path, 1), frame_start=7)
    clip = strips.check_frames(strips.read_strip(scene, strip))
    assert (clip.frame_start, clip.frame_count, len(clip.frames)) == (7, 1, 1)


def test_a_strip_without_pictures(scene, tmp_path):
    """Blender keeps one element whatever happens; it may have no name."""
    strip = add_strip(scene, numbered(tmp_path, 1))
    strip.elements[0].filename = ""
    with pytest.raises(UserError, match=r"^“shot” is empty: it has no pictures; add them again\.$"):
        strips.read_strip(scene, strip)


def test_a_strip_without_frames(scene):
    strip = SimpleNamespace(name="shot", type="IMAGE", frame_final_start=5, frame_final_end=5)
    with pytest.raises(UserError, match=r"^“shot” is empty: it shows no frame; pull its handles apart\.$"):
        strips.read_strip(scene, strip)


def test_unicode_and_paths_relative_to_the_file(scene, tmp_path):
    files = numbered(tmp_path / "Zeichnungen – 夏 #1 %d", 4, stem="bild ß_")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "film.blend"))
    strip = add_strip(bpy.context.scene, files)
    strip.directory = bpy.path.relpath(str(files[0].parent)) + "/"
    assert strip.directory.startswith("//")
    clip = strips.check_frames(strips.read_strip(bpy.context.scene, strip))
    assert list(clip.frames) == files


def test_gaps_in_the_numbers_are_no_gaps_in_the_strip(scene, tmp_path):
    files = numbered(tmp_path, 6)
    strip = add_strip(scene, [files[0], files[2], files[5]])
    clip = strips.check_frames(strips.read_strip(scene, strip))
    assert list(clip.frames) == [files[0], files[2], files[5]]


def test_rate_is_the_scenes(scene, tmp_path):
    scene.render.fps, scene.render.fps_base = 24, 1.001
    strip = add_strip(scene, numbered(tmp_path, 2))
    assert strips.read_strip(scene, strip).fps == pytest.approx(23.976, abs=1e-3)


def test_what_is_chosen(context, scene, tmp_path):
    assert "Add the shot" in strips.why_not(context)
    files = numbered(tmp_path, 3)
    later = add_strip(scene, files, 50, "later", 1)
    first = add_strip(scene, files, 1, "first", 2)
    assert [s.name for s in strips.chosen(context)] == ["first"]
    later.select = True
    assert [s.name for s in strips.chosen(context)] == ["first", "later"]
    first.select = later.select = False
    assert [s.name for s in strips.chosen(context)] == ["first"]  # the active one
    editor = scene.sequence_editor
    text = (versions.top_strips(editor)).new_effect(**_effect("Title", 3))
    editor.active_strip = text
    assert strips.why_not(context) == "“Title” is a text strip; select an image or movie strip"


def _effect(name, channel):
    new_effect = bpy.types.SequenceEditor.bl_rna.properties[
        "strips" if hasattr(bpy.types.SequenceEditor.bl_rna.properties, "strips") or
        "strips" in bpy.types.SequenceEditor.bl_rna.properties else "sequences"].srna.functions["new_effect"]
    end = {"length": 10} if "length" in new_effect.parameters else {"frame_end": 11}
    return {"name": name, "type": "TEXT", "channel": channel, "frame_start": 1, **end}


def test_folder_with_tiffs_is_measured_by_blender(scene, tmp_path):
    imageio = pytest.importorskip("imageio.v3")
    import numpy as np

    for i in range(2):
        imageio.imwrite(tmp_path / f"t{i}.tif", np.zeros((20, 30, 3), np.uint8))
    strip = add_strip(scene, [tmp_path / "t0.tif", tmp_path / "t1.tif"])
    before = snapshot()
    assert strips.check_frames(strips.read_strip(scene, strip)).size == (30, 20)
    assert snapshot() == before
    shutil.rmtree(tmp_path)


def test_speed_is_rendered(context, scene, tmp_path):
    """A strip at half speed from its fifth frame on; 4.2 retimes movies only."""
    strip = add_strip(scene, numbered(tmp_path), frame_start=1)
    if not hasattr(strip, "retiming_keys"):
        pytest.skip("image strips cannot be retimed in this Blender")
    area = context.window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    area.spaces.active.view_type = "SEQUENCER"
    if hasattr(context.workspace, "sequencer_scene"):
        context.workspace.sequencer_scene = scene
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(window=context.window, area=area, region=region):
        bpy.ops.sequencer.retiming_key_add(timeline_frame=5)
        known = bpy.ops.sequencer.retiming_segment_speed_set.get_rna_type().properties.keys()
        keep = {"keep_retiming": True} if "keep_retiming" in known else {}  # 5.2 always does
        bpy.ops.sequencer.retiming_segment_speed_set("EXEC_DEFAULT", speed=50.0, **keep)
    clip = frames_of_strip(scene, strip, tmp_path / "out")
    assert clip.rendered == ("speed",) and clip.frame_count > 30
    probes = [0, 2, 6, 8, 12, 24]  # between two pictures, 5.2 takes now one, now the other
    assert [grey_of(clip.frames[t]) for t in probes] == rendered_values(scene, [clip.frame_start + t for t in probes])
