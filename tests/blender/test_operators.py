"""Operators as a person uses them, with real child processes (the dummy engine)."""

from __future__ import annotations

import os
import signal
import stat
import sys
import time
from pathlib import Path

import bpy
import pytest
from conftest import ADDON, add_strip, numbered, snapshot, write_png

from toondecompose.formats.job import read_job
from toondecompose_blender import results, running
from toondecompose_blender.session.state import Phase


@pytest.fixture
def film(tmp_path, preferences, dummy_python):
    """A saved file with a strip of six pictures, and a backend."""
    preferences.backend_python = str(dummy_python)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "film.blend"))
    add_strip(bpy.context.scene, numbered(tmp_path / "frames", 6), frame_start=101, name="Schuß 1")
    return tmp_path


def decompose() -> str | None:
    """The error sentence, or None when it finished."""
    try:
        assert bpy.ops.toondecompose.decompose() == {"FINISHED"}
    except RuntimeError as error:
        return str(error).removeprefix("Error: ").strip()
    return None


def test_decompose_import_undo_save_reopen(film):
    assert decompose() is None
    settings = bpy.context.scene.toondecompose
    entry = results.active(bpy.context.scene)
    assert len(settings.results) == 1
    assert entry.folder == "//toondecompose/Schuß 1"
    assert (entry.frame_start, entry.frame_count, entry.width, entry.height) == (101, 6, 64, 32)
    assert [(s.name, s.kind, s.drawings) for s in entry.sprites] == [("background", "background", 1)]
    job = read_job(film / "toondecompose" / "Schuß 1" / "job" / "job.json")
    assert job.frame_start == 101 and job.sprites == "auto" and len(job.frames) == 6
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(film / "film.blend"))
    entry = results.active(bpy.context.scene)
    assert results.is_there(entry)
    scenes = len(bpy.data.scenes)
    assert bpy.ops.toondecompose.import_result(
        filepath=str(results.folder_of(entry) / "result.json")) == {"FINISHED"}
    assert len(bpy.data.scenes) == scenes + 1


def test_settings_reach_the_job(film):
    settings = bpy.context.scene.toondecompose
    settings.count_mode, settings.count, settings.quality, settings.device = "number", 5, "best", "cpu"
    settings.motion_model, settings.seed, settings.diagnostics = "affine", 7, True
    settings.output, settings.flow_weights = "//elsewhere", "//raft.pth"
    assert decompose() is None
    job = read_job(film / "elsewhere" / "Schuß 1" / "job" / "job.json")
    assert (job.sprites, job.quality, job.device, job.motion_model, job.seed, job.diagnostics) == (
        5, "best", "cpu", "affine", 7, True)
    assert Path(job.flow_weights) == film / "raft.pth"


def test_a_finished_result_is_never_overwritten(film):
    assert decompose() is None and decompose() is None
    folders = [entry.folder for entry in bpy.context.scene.toondecompose.results]
    assert folders == ["//toondecompose/Schuß 1", "//toondecompose/Schuß 1_002"]
    assert bpy.ops.toondecompose.forget_result() == {"FINISHED"}
    assert len(bpy.context.scene.toondecompose.results) == 1
    assert (film / "toondecompose" / "Schuß 1_002" / "result.json").exists()


def test_several_strips_one_after_another(film):
    second = numbered(film / "more", 3)
    strip = add_strip(bpy.context.scene, second, frame_start=1, name="before", channel=2)
    for other in bpy.context.scene.sequence_editor.strips_all if hasattr(
            bpy.context.scene.sequence_editor, "strips_all") else bpy.context.scene.sequence_editor.sequences_all:
        other.select = True
    assert strip.select and decompose() is None
    assert [entry.name for entry in bpy.context.scene.toondecompose.results] == ["before", "Schuß 1"]


def test_an_unsaved_file(scene, tmp_path, preferences, dummy_python):
    preferences.backend_python, preferences.cache_folder = str(dummy_python), str(tmp_path / "cache")
    add_strip(scene, numbered(tmp_path / "frames", 2))
    assert decompose() is None
    assert results.folder_of(results.active(scene)) == tmp_path / "cache" / "shot"


def unchanged_after(sentence: str, film: Path) -> None:
    """Decompose says the sentence, and nothing was changed or left on disk."""
    before = snapshot()
    message = decompose()
    assert message is not None and sentence in message, message
    assert running.board.notice in message
    assert snapshot() == before
    assert not list(film.glob("toondecompose/**/result.json"))


def test_missing_frame(film):
    (film / "frames" / "shot_0003.png").unlink()
    unchanged_after("Frame 104 of “Schuß 1” is missing", film)
    assert not (film / "toondecompose").exists()


def test_frames_of_two_sizes(film):
    write_png(film / "frames" / "shot_0002.png", 16, 16)
    unchanged_after("Frame 103 of “Schuß 1” (“shot_0002.png”) is 16 x 16 px", film)


def test_one_wrong_strip_of_two_starts_nothing(film):
    add_strip(bpy.context.scene, numbered(film / "more", 3), frame_start=200, name="bad", channel=2)
    (film / "more" / "shot_0001.png").unlink()
    for strip in bpy.context.scene.sequence_editor.strips_all if hasattr(
            bpy.context.scene.sequence_editor, "strips_all") else bpy.context.scene.sequence_editor.sequences_all:
        strip.select = True
    unchanged_after("Frame 201 of “bad” is missing", film)
    assert not running.board.queue.busy


def test_one_frame(tmp_path, preferences, dummy_python, scene):
    preferences.backend_python, preferences.cache_folder = str(dummy_python), str(tmp_path)
    add_strip(scene, numbered(tmp_path / "frames", 1))
    assert decompose() is None
    assert results.active(scene).frame_count == 1


def test_nothing_selected(scene):
    assert not bpy.ops.toondecompose.decompose.poll()
    scene.sequence_editor_create()
    assert not bpy.ops.toondecompose.decompose.poll()


def test_no_backend(film, preferences):
    preferences.backend_python = str(film / "nowhere")
    unchanged_after("does not exist; choose another in ToonDecompose's preferences", film)


def test_the_wrong_python(film, preferences):
    """A Python in which nothing is installed."""
    path = film / "python"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    preferences.backend_python = str(path)
    unchanged_after("has no ToonDecompose backend", film)


def test_test_backend(preferences, backend_python, film):
    preferences.backend_python = str(backend_python)
    try:
        bpy.ops.toondecompose.test_backend()
    except RuntimeError as error:  # no torch in Blender's Python: it says so in a sentence
        assert "torch" in str(error) or "could not" in str(error)
    assert running.board.doctor.finished and "ToonDecompose 0" in running.board.doctor.finding.lines[-2]
    preferences.backend_python = str(film / "nowhere")
    with pytest.raises(RuntimeError, match="does not exist"):
        bpy.ops.toondecompose.test_backend()


def test_import_when_done(film):
    bpy.context.scene.toondecompose.import_when_done = True
    assert decompose() is None
    assert "Schuß 1" in bpy.data.scenes


def queue_without_waiting(monkeypatch):
    """As in a window: the operator returns at once, and a timer would drive the queue."""
    monkeypatch.setattr(running, "wait", lambda: None)
    try:
        bpy.ops.toondecompose.decompose()
    except RuntimeError as error:
        pytest.fail(str(error))


def step_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "took too long"
        running.step()
        time.sleep(0.01)


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setenv("TOONDECOMPOSE_TEST_SECONDS", "20")


def test_cancel_leaves_the_scene_as_it_was(film, slow, monkeypatch):
    before = snapshot()
    assert not bpy.ops.toondecompose.cancel.poll()
    queue_without_waiting(monkeypatch)
    step_until(lambda: running.board.queue.current and running.board.queue.current.state.fraction > 0)
    assert bpy.ops.toondecompose.cancel() == {"FINISHED"}
    assert not bpy.ops.toondecompose.cancel.poll()
    step_until(lambda: not running.board.queue.busy, 12)
    assert running.board.queue.finished[-1].state.phase is Phase.CANCELLED
    assert snapshot() == before and running.board.notice == ""


def test_a_killed_child_leaves_the_scene_as_it_was(film, slow, monkeypatch):
    before = snapshot()
    queue_without_waiting(monkeypatch)
    step_until(lambda: running.board.queue.current and running.board.queue.current.state.stage)
    os.kill(running.board.queue.current.client.pid, signal.SIGKILL)
    step_until(lambda: not running.board.queue.busy)
    assert "was stopped (signal 9)" in running.board.notice
    assert snapshot() == before


def test_a_job_survives_undo_and_new_objects(film, monkeypatch):
    bpy.ops.ed.undo_push(message="before")
    queue_without_waiting(monkeypatch)
    step_until(lambda: running.board.queue.current and running.board.queue.current.state.stage)
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="cube")
    bpy.ops.ed.undo()
    step_until(lambda: not running.board.queue.busy)
    assert [entry.strip for entry in bpy.context.scene.toondecompose.results] == ["Schuß 1"]


def test_a_job_survives_the_loading_of_another_file(film, monkeypatch):
    queue_without_waiting(monkeypatch)
    step_until(lambda: running.board.queue.current and running.board.queue.current.state.stage)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    step_until(lambda: not running.board.queue.busy)
    assert len(bpy.context.scene.toondecompose.results) == 0
    assert running.board.notice.startswith("The result of “Schuß 1” of film.blend is in “")
    assert (film / "toondecompose" / "Schuß 1" / "result.json").exists()


def test_a_job_finds_its_file_again(film, monkeypatch):
    bpy.ops.wm.save_mainfile()
    queue_without_waiting(monkeypatch)
    step_until(lambda: running.board.queue.current and running.board.queue.current.state.stage)
    bpy.ops.wm.open_mainfile(filepath=str(film / "film.blend"))
    step_until(lambda: not running.board.queue.busy)
    assert [entry.strip for entry in bpy.context.scene.toondecompose.results] == ["Schuß 1"]


def test_disabling_ends_the_child(film, slow, monkeypatch):
    import addon_utils

    queue_without_waiting(monkeypatch)
    step_until(lambda: running.board.queue.current and running.board.queue.current.state.stage)
    pid = running.board.queue.current.client.pid
    addon_utils.disable(ADDON, default_set=True)
    stat_file = Path(f"/proc/{pid}/stat")
    assert not stat_file.exists() or " Z " in stat_file.read_text()
    assert not running.board.queue.busy
    addon_utils.enable(ADDON, default_set=True)


def test_a_result_that_is_gone(film):
    import shutil

    assert decompose() is None
    shutil.rmtree(film / "toondecompose")
    entry = results.active(bpy.context.scene)
    assert not results.is_there(entry)
    before = snapshot()
    with pytest.raises(RuntimeError, match=r"missing|does not exist|no such|cannot be read"):
        bpy.ops.toondecompose.import_result(filepath=str(results.folder_of(entry) / "result.json"))
    with pytest.raises(RuntimeError, match="is gone"):
        bpy.ops.toondecompose.open_folder()
    assert snapshot() == before
