"""Panels drawn on a layout that only takes notes; and that nothing of the add-on stays behind."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace

import addon_utils
import bpy
import numpy as np
import pytest
from conftest import ADDON, add_strip, numbered
from fake_layout import FakeLayout, drawn

from toondecompose_blender import preferences as preferences_module
from toondecompose_blender import results, running, text
from toondecompose_blender.operators import copy_report
from toondecompose_blender.panels import advanced, dope_sheet, pictures, result, shot
from toondecompose_blender.panels import queue as queue_panel
from toondecompose_blender.session.doctor import Doctor, Finding
from toondecompose_blender.session.run import Run
from toondecompose_blender.session.state import Phase


def test_before_a_strip_is_there():
    notes = drawn(shot.TOONDECOMPOSE_PT_shot)
    assert any("Add the shot to the Sequencer" in note or "first, as an image" in note for note in notes)
    assert "Decompose" in notes and drawn(result.TOONDECOMPOSE_PT_result) == []
    assert "Motion" in drawn(advanced.TOONDECOMPOSE_PT_advanced)


def test_a_strip_and_what_is_honoured(scene, tmp_path):
    strip = add_strip(scene, numbered(tmp_path, 6))
    strip.use_reverse_frames = strip.use_flip_x = True
    strip.transform.offset_x = 5
    notes = drawn(shot.TOONDECOMPOSE_PT_shot)
    assert "shot" in notes and "6 frames, 64 × 32, 24 fps" in notes
    assert {"Honoured: reversed", "Rendered first: flip X", "Left out: transform"} <= set(notes)
    scene.toondecompose.count_mode = "number"
    assert "Layers" in drawn(shot.TOONDECOMPOSE_PT_shot)


def test_a_sentence_about_what_went_wrong(scene, tmp_path):
    running.board.notice = "Frame 7 is missing; put it back."
    assert "Frame 7 is missing; put it back." in " ".join(drawn(shot.TOONDECOMPOSE_PT_shot))


def test_during_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "icon_of", lambda path, serial=0: 7)  # there are no icons without a window
    run = Run(1, "shot", [], tmp_path, tmp_path)
    running.board.queue.current = run
    run.state.phase = Phase.STARTING
    assert "Starting the backend" in drawn(shot.TOONDECOMPOSE_PT_shot)
    run.state.apply({"type": "hello", "device": "cpu", "device_name": "x", "memory_mb": 1, "version": "1"})
    run.state.apply({"type": "stage", "name": "matte", "label": "Solving plates", "index": 4, "count": 6})
    run.state.apply({"type": "progress", "stage": "matte", "fraction": 0.42, "eta_s": 100.0})
    run.state.apply({"type": "warning", "message": "Low on memory."})
    run.state.apply({"type": "preview", "path": numbered(tmp_path, 1)[0].name, "label": "Plates"})
    notes = drawn(shot.TOONDECOMPOSE_PT_shot)
    assert {"42%", "5 of 6: Solving plates", "0 s, about 1 min 40 s left", "On CPU", "Low on memory.", "picture",
            "Cancel"} <= set(notes)
    assert drawn(advanced.TOONDECOMPOSE_PT_advanced) == []
    run.state.phase = Phase.CANCELLING
    assert "Stopping, keeping what is finished" in drawn(shot.TOONDECOMPOSE_PT_shot)
    running.board.queue.current = None


def test_after_a_run(scene, tmp_path, preferences, dummy_python):
    preferences.backend_python, preferences.cache_folder = str(dummy_python), str(tmp_path)
    add_strip(scene, numbered(tmp_path / "f", 3))
    bpy.ops.toondecompose.decompose()
    notes = drawn(result.TOONDECOMPOSE_PT_result)
    assert {"shot: 3 frames", "background", "1 drawing", "0%", "Import Sprites", "Open Folder"} <= set(notes)
    bpy.ops.toondecompose.decompose()
    assert drawn(result.TOONDECOMPOSE_PT_result).count("1 sprite") == 2
    (results.folder_of(results.active(scene)) / "result.json").unlink()
    assert "is not in" in " ".join(drawn(result.TOONDECOMPOSE_PT_result))


def test_after_a_failure(scene, tmp_path):
    """The stages that are kept make the button say so, and the report has no home folder in it."""
    add_strip(scene, numbered(tmp_path, 2))
    run = Run(1, "shot", [], tmp_path, tmp_path)
    for index in range(3):
        run.state.apply({"type": "stage", "name": str(index), "label": f"Stage {index}", "index": index, "count": 6})
    run.state.apply({"type": "error", "message": f"“{Path.home()}/x.png” is missing.", "detail": None})
    running.board.queue.finished.append(run)
    running.board.notice = run.state.message
    notes = drawn(shot.TOONDECOMPOSE_PT_shot)
    assert {"Resume", "Copy Report"} <= set(notes) and "Decompose" not in notes
    text = copy_report.report_of(run)
    assert "Stage: Stage 2 (3 of 6)" in text and "“~/x.png” is missing." in text and str(Path.home()) not in text
    running.board.queue.finished.clear()
    assert "Decompose" in drawn(shot.TOONDECOMPOSE_PT_shot)
    assert not bpy.ops.toondecompose.copy_report.poll()


def test_an_estimate_from_the_last_run(scene, tmp_path, preferences, dummy_python):
    preferences.backend_python, preferences.cache_folder = str(dummy_python), str(tmp_path)
    add_strip(scene, numbered(tmp_path / "f", 3))
    bpy.ops.toondecompose.decompose()
    entry = results.active(scene)
    assert entry.seconds > 0.4
    entry.seconds = 60
    assert results.expected_seconds(scene, 6, (64, 64)) == pytest.approx(240)
    assert "About 1 min 00 s, as the last run" in drawn(shot.TOONDECOMPOSE_PT_shot)


def test_preferences_panel(preferences, tmp_path):
    layout = FakeLayout()
    fake = SimpleNamespace(layout=layout, backend_python="", bl_rna=preferences.bl_rna)
    preferences_module.ToonDecomposePreferences.draw(fake, bpy.context)
    assert {"Backend Python", "Test Backend"} <= set(layout.notes)
    running.board.doctor = Doctor(tmp_path, tmp_path, finding=Finding("", ("CUDA (Card), 8.0 GB",), ("It is slow.",)))
    preferences_module.ToonDecomposePreferences.draw(fake, bpy.context)
    assert {"The backend answers", "CUDA (Card), 8.0 GB", "It is slow."} <= set(layout.notes)
    running.board.doctor = None


def own_types() -> set[str]:
    return {name for name in dir(bpy.types) if "toondecompose" in name.lower()}


def test_labels_and_tooltips():
    """Title Case without a period; every operator can be found with F3 and says when it cannot be used."""
    small = {"from", "of", "the", "and", "in", "with", "to", "for", "or", "a", "as"}
    names = [name for name in dir(bpy.ops.toondecompose)]
    assert {"decompose", "cancel", "test_backend", "import_result", "open_folder", "forget_result"} <= set(names)
    for name in names:
        kind = getattr(bpy.ops.toondecompose, name).get_rna_type()
        assert kind.description and not kind.description.endswith("."), name
        assert all(word[0].isupper() or word in small for word in kind.name.split()), kind.name
        for prop in kind.properties:
            assert not prop.description.endswith("."), (name, prop.identifier)
    for prop in bpy.types.Scene.bl_rna.properties["toondecompose"].fixed_type.properties:
        assert not prop.description.endswith("."), prop.identifier


def _list(value):
    return value if isinstance(value, list) else []


def test_presets(scene, tmp_path, monkeypatch):
    settings = scene.toondecompose
    settings.quality, settings.count_mode, settings.count = "best", "number", 4
    monkeypatch.setattr(bpy.utils, "user_resource", lambda kind, path="", create=False: _made(tmp_path / path))
    assert bpy.ops.toondecompose.preset_add(name="My Film") == {"FINISHED"}
    written = list(tmp_path.rglob("*.py"))
    assert [path.name for path in written] == ["My_Film.py"]
    settings.quality, settings.count_mode, settings.count = "preview", "auto", 2
    bpy.ops.script.python_file_run(filepath=str(written[0]))
    assert (settings.quality, settings.count_mode, settings.count) == ("best", "number", 4)


def _made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def test_dropping_a_result():
    handler = bpy.types.TOONDECOMPOSE_FH_result
    assert handler.bl_file_extensions == ".json" and handler.bl_import_operator == "toondecompose.import_result"
    assert handler.poll_drop(SimpleNamespace(area=SimpleNamespace(type="SEQUENCE_EDITOR")))
    assert not handler.poll_drop(SimpleNamespace(area=SimpleNamespace(type="TEXT_EDITOR")))
    assert not handler.poll_drop(SimpleNamespace(area=None))


def test_the_queue(scene, tmp_path):
    queue = running.board.queue
    queue.current = Run(1, "now", [], tmp_path, tmp_path)
    queue.waiting = [Run(2, "next", [], tmp_path, tmp_path), Run(3, "last", [], tmp_path, tmp_path)]
    add_strip(scene, numbered(tmp_path, 2))
    notes = drawn(queue_panel.TOONDECOMPOSE_PT_queue)
    assert {"1. next", "2. last", "Add 1 Strip to Queue"} <= set(notes)
    assert bpy.ops.toondecompose.queue_move(ident=3, direction="UP") == {"FINISHED"}
    assert bpy.ops.toondecompose.queue_remove(ident=2) == {"FINISHED"}
    assert [run.title for run in queue.waiting] == ["last"]
    queue.waiting.clear()
    assert not bpy.ops.toondecompose.queue_move.poll()
    queue.current = None


def test_nothing_stays_behind():
    def left():
        gc.collect()
        return (own_types(), hasattr(bpy.types.Scene, "toondecompose"),
                sorted(f.__name__ for menu in (bpy.types.TOPBAR_MT_file_import, bpy.types.SEQUENCER_MT_context_menu)
                       for f in getattr(menu.draw, "_draw_funcs", ()) if "toondecompose" in f.__module__),
                [h for name in dir(bpy.app.handlers) for h in _list(getattr(bpy.app.handlers, name))
                 if "toondecompose" in getattr(h, "__module__", "")],
                bpy.app.timers.is_registered(running._tick), dope_sheet._store.handle is not None)

    with_addon = left()
    assert with_addon[2] == ["import_entry", "strip_entry"]
    for _ in range(3):
        addon_utils.disable(ADDON, default_set=True)
        assert left() == (set(), False, [], [], False, False)
        addon_utils.enable(ADDON, default_set=True)
        assert left() == with_addon


def test_a_failing_part_takes_the_others_back(monkeypatch):
    import toondecompose_blender
    from toondecompose_blender import panels

    addon_utils.disable(ADDON, default_set=True)

    def fail():
        raise RuntimeError("no")

    monkeypatch.setattr(panels, "register", fail)
    with pytest.raises(RuntimeError, match="no"):
        toondecompose_blender.register()
    assert own_types() == set() and not hasattr(bpy.types.Scene, "toondecompose")
    monkeypatch.undo()
    addon_utils.enable(ADDON, default_set=True)


def test_a_sprite_is_known_by_the_drawing_that_is_shown_most():
    assert results.most_exposed([0, 1, 1, None, 2, None, None]) == 1
    assert results.most_exposed([2, 2, 0, 0]) == 0 and results.most_exposed([None]) == 0


def test_thumbnails_show_what_is_drawn():
    """Not the whole canvas, and not a far speck."""
    picture = np.zeros((100, 200, 4), np.float32)
    picture[40:60, 30:70, 3] = 1
    picture[90, 190, 3] = 1
    assert pictures.drawn_part(picture).shape == (22, 44, 4)
    assert pictures.drawn_part(picture * 0).shape == picture.shape
    picture[..., 3] = 1
    assert pictures.drawn_part(picture).shape == picture.shape


def test_words():
    assert [text.duration(s) for s in (0.4, 59.4, 100, 4000)] == ["0 s", "59 s", "1 min 40 s", "1 h 06 min"]
    assert tuple(text.plural(n, "{} drawing", "{} drawings") for n in (1, 2)) == ("1 drawing", "2 drawings")
