"""The whole story in a real window: strip, Decompose, progress, sprites, Import. See README.md for how to run it.

    blender --factory-startup --python tests/gui/story.py -- ZIP BACKEND_PYTHON FRAMES PICTURES [LAYERS]
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
import steps

MODULE = "bl_ext.user_default.toondecompose"
# a real run of the demo clip takes minutes on a software-rendered machine, s
_LONGEST_RUN = 1200


def story():
    zip_file, python, frames, pictures = (Path(a) for a in steps.arguments()[:4])
    sprites = steps.arguments()[4] if len(steps.arguments()) > 4 else "auto"
    bpy.context.preferences.view.show_splash = False
    bpy.ops.extensions.package_install_files(filepath=str(zip_file), repo="user_default", enable_on_install=True)
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.backend_python = str(python)
    _, files = steps.film(frames, "film")
    yield 1.0

    steps.video_editing()
    yield 2.0
    scene = bpy.context.scene
    bpy.context.workspace.sequencer_scene = scene
    picture_size = importlib.import_module(f"{MODULE}.pictures").picture_size
    scene.render.resolution_x, scene.render.resolution_y = picture_size(files[0])
    scene.frame_start, scene.frame_end = 1, len(files)
    area = steps.area_of("SEQUENCE_EDITOR")
    steps.add_shot(scene, files, 2)
    steps.no_file_browser()
    scene.view_settings.view_transform = "Standard"
    scene.frame_set(len(files) // 2)
    area = max((a for a in steps.window().screen.areas if a.type == "SEQUENCE_EDITOR"
                and a.spaces.active.view_type != "PREVIEW"), key=lambda a: a.width)
    with steps.override(area):
        bpy.ops.sequencer.view_all()
    yield from steps.raise_area(area, 160)
    steps.mouse_away()
    yield 1.0
    yield from steps.side_bar(area, "ToonDecompose")
    ui = next(r for r in area.regions if r.type == "UI")
    print("GUI: side bar", ui.width, ui.height, "area", area.width, area.height, flush=True)
    steps.shot(pictures, "before")

    settings = scene.toondecompose
    if sprites != "auto":
        settings.count_mode, settings.count = "number", int(sprites)
    with steps.override(area):
        print("GUI: decompose", bpy.ops.toondecompose.decompose("INVOKE_DEFAULT"), flush=True)
    running = importlib.import_module(f"{MODULE}.running")
    end, wanted = time.monotonic() + _LONGEST_RUN, [0.3, 0.6, 0.9]
    while running.board.queue.busy:
        current = running.board.queue.current
        if current is not None and wanted and current.state.fraction >= wanted[0]:
            yield 0.5
            steps.shot(pictures, f"during_{wanted.pop(0):.0%}".replace("%", ""))
        assert time.monotonic() < end, "the run took too long"
        yield 0.3
    print("GUI: ended", running.board.notice, [r.state.phase for r in running.board.queue.finished], flush=True)
    yield 1.5
    steps.shot(pictures, "after")
    with steps.override(area):
        print("GUI: to the Sequencer", bpy.ops.toondecompose.add_to_sequencer(), flush=True)
    while running.board.queue.busy:
        yield 0.3
    print("GUI: ended", running.board.notice, flush=True)
    with steps.override(area):
        bpy.ops.sequencer.view_all()
    yield 2.0
    steps.shot(pictures, "in_the_sequencer")
    with steps.override(area):
        bpy.ops.toondecompose.solo_sprite(index=len(settings.results[0].sprites) - 2)
    yield 2.0
    steps.shot(pictures, "solo")

    with steps.override(area):
        bpy.ops.toondecompose.import_result(filepath=str(
            Path(bpy.path.abspath(settings.results[0].folder)) / "result.json"))
    imported = bpy.data.scenes[-1] if bpy.data.scenes[-1] != scene else bpy.data.scenes[0]
    imported.frame_set(len(files) // 2)
    yield 1.0
    yield from steps.camera_view("Layout", imported)
    yield from steps.side_bar(steps.area_of("VIEW_3D"), "Sprite")
    steps.shot(pictures, "imported")


steps.run(story)
