"""Rough handling in a real window: undo, another file, cancel and disable while the backend works. Prints what it saw.

    blender --factory-startup --python tests/gui/rough.py -- ZIP BACKEND_PYTHON FRAMES PICTURES

The backend should take about ten seconds; a shell script that adds `--engine dummy --seconds 10` will do.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import addon_utils
import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
import steps

MODULE = "bl_ext.user_default.toondecompose"
_LONGEST = 60


def board():
    return sys.modules[f"{MODULE}.running"].board


def new_film(folder: Path, frames: list[Path]):
    """A saved file with the shot as a strip; returns an area to call the operators in."""
    scene = bpy.context.scene
    bpy.context.workspace.sequencer_scene = scene
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strip = editor.strips.new_image(name="street", filepath=str(frames[0]), channel=1, frame_start=1)
    for path in frames[1:]:
        strip.elements.append(path.name)
    editor.active_strip = strip
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "film.blend"))
    return sequencer_area()


def sequencer_area():
    area = max(steps.window().screen.areas, key=lambda a: a.width * a.height)
    area.type = "SEQUENCE_EDITOR"
    area.spaces.active.view_type = "SEQUENCER"
    return area


def start(area) -> None:
    with steps.override(area):
        assert bpy.ops.toondecompose.decompose("INVOKE_DEFAULT") == {"FINISHED"}


def until(condition):
    end = time.monotonic() + _LONGEST
    while not condition():
        assert time.monotonic() < end, "took too long"
        yield 0.2


def stage() -> str:
    return board().queue.current.state.stage if board().queue.current else ""


def rough():
    zip_file, python, frames, pictures = (Path(a) for a in steps.arguments()[:4])
    files = sorted(frames.glob("*.png"))[:12]
    bpy.context.preferences.view.show_splash = False
    bpy.ops.extensions.package_install_files(filepath=str(zip_file), repo="user_default", enable_on_install=True)
    bpy.context.preferences.addons[MODULE].preferences.backend_python = str(python)
    folder = Path(tempfile.mkdtemp(prefix="rough"))
    area = new_film(folder, files)
    yield 1.0

    start(area)
    yield from until(stage)
    with bpy.context.temp_override(window=steps.window()):
        bpy.ops.ed.undo_push(message="something")
        bpy.context.scene.frame_end = 99
        bpy.ops.ed.undo_push(message="else")
        bpy.ops.ed.undo()
    yield from until(lambda: not board().queue.busy)
    print("ROUGH: results after an undo during the run:", len(bpy.context.scene.toondecompose.results), flush=True)
    with bpy.context.temp_override(window=steps.window()):
        bpy.ops.ed.undo()
        print("ROUGH: after one more undo:", len(bpy.context.scene.toondecompose.results), flush=True)
        bpy.ops.ed.redo()
        print("ROUGH: and redo:", len(bpy.context.scene.toondecompose.results), flush=True)

    start(sequencer_area())
    yield from until(stage)
    bpy.ops.wm.read_homefile(use_empty=True)
    yield 1.0
    print("ROUGH: still running after another file was loaded:", board().queue.busy, flush=True)
    yield from until(lambda: not board().queue.busy)
    print("ROUGH:", board().notice, flush=True)
    bpy.ops.wm.open_mainfile(filepath=str(folder / "film.blend"))
    yield 1.0

    area = sequencer_area()
    start(area)
    yield from until(stage)
    began = time.monotonic()
    with steps.override(area):
        bpy.ops.toondecompose.cancel()
    yield from until(lambda: not board().queue.busy)
    last = board().queue.finished[-1].state
    print(f"ROUGH: cancelled in {time.monotonic() - began:.1f} s:", last.message, flush=True)

    bpy.context.scene.sequence_editor.active_strip.use_flip_x = True
    scenes = len(bpy.data.scenes)
    start(area)
    frame = board().queue.waiting[0].folder / "frames" / "000012.png"
    print("ROUGH: a flipped strip was rendered:", frame.exists(), "scenes as before:",
          len(bpy.data.scenes) == scenes, flush=True)
    yield from until(stage)
    pid = board().queue.current.client.pid
    addon_utils.disable(MODULE, default_set=True)
    yield 1.0
    print("ROUGH: child gone after disable:", not Path(f"/proc/{pid}").exists(), "settings gone:",
          not hasattr(bpy.types.Scene, "toondecompose"), flush=True)
    addon_utils.enable(MODULE, default_set=True)
    yield 1.0
    bpy.context.preferences.addons[MODULE].preferences.backend_python = str(python)
    with bpy.context.temp_override(window=steps.window()):
        bpy.ops.screen.userpref_show(section="ADDONS")
    yield 1.0
    bpy.context.window_manager.addon_search = "toondecompose"
    with bpy.context.temp_override(window=steps.window()):
        bpy.ops.preferences.addon_expand(module=MODULE)
        bpy.ops.toondecompose.test_backend()
    yield from until(lambda: board().doctor.finished)
    print("ROUGH: backend:", board().doctor.finding, flush=True)
    yield 1.5
    steps.shot(pictures, "preferences")


steps.run(rough)
