"""Steps that a window needs time between: each is a generator that yields seconds to wait, driven by an app timer.

Runs inside Blender. `shot()` takes pictures of the whole screen with ImageMagick: Blender's own screenshot operator
writes black files under a virtual screen (seen in 4.3 and 5.2).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy

_SCROLLS = 60  # steps of the mouse wheel, more than any side bar is long


def run(script: Callable[[], Iterator[float]]) -> None:
    """Drive a script of steps, then quit Blender. A failure is printed and gives exit code 1."""
    steps = script()

    def next_step() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            print("GUI: finished", flush=True)
        except Exception:
            traceback.print_exc()
            print("GUI: failed", flush=True)
        bpy.ops.wm.quit_blender()
        return None

    bpy.app.timers.register(next_step, first_interval=1.0, persistent=True)


def shot(folder: Path, name: str) -> None:
    """A picture of the screen."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["import", "-window", "root", str(folder / f"{name}.png")], check=True)
    print(f"GUI: {name}.png", flush=True)


def arguments() -> list[str]:
    """What follows -- on the command line."""
    return sys.argv[sys.argv.index("--") + 1:]


def window():
    return bpy.context.window_manager.windows[0]


def area_of(kind: str, view: str | None = None):
    """The largest area of a kind, (for the Sequencer) of a view."""
    areas = [a for a in window().screen.areas if a.type == kind]
    if view:
        areas = [a for a in areas if a.spaces.active.view_type == view]
    return max(areas, key=lambda a: a.width * a.height)


def override(area):
    region = next(r for r in area.regions if r.type == "WINDOW")
    return bpy.context.temp_override(window=window(), area=area, region=region)


def video_editing() -> None:
    """The Video Editing workspace, which a factory file does not have."""
    for folder in bpy.utils.script_paths(check_all=True):
        template = Path(folder) / "startup" / "bl_app_templates_system" / "Video_Editing" / "startup.blend"
        if template.is_file():
            with bpy.context.temp_override(window=window()):
                bpy.ops.workspace.append_activate(idname="Video Editing", filepath=str(template))
            return
    raise RuntimeError("this Blender has no Video Editing template")


def mouse_away() -> None:
    """Into a corner without buttons, so that no tooltip is in the picture."""
    window().cursor_warp(window().width - 5, 5)


def raise_area(area, pixels: int) -> Iterator[float]:
    """Make an area taller: drag its upper edge with the mouse, as a person does."""
    x, y = area.x + area.width // 2, window().height - (area.y + area.height)
    for command in (("mousemove", x, y), ("mousedown", 1), ("mousemove", x, y - pixels // 2),
                    ("mousemove", x, y - pixels), ("mouseup", 1)):
        subprocess.run(["xdotool", *map(str, command)], check=True)
        yield 0.4


def camera_view(workspace: str, scene) -> Iterator[float]:
    """A workspace whose 3D view looks through the scene's camera, with the pictures' own colours."""
    window().workspace = bpy.data.workspaces[workspace]
    yield 1.0
    window().scene = scene
    space = area_of("VIEW_3D").spaces.active
    space.region_3d.view_perspective = "CAMERA"
    space.shading.type = "MATERIAL"
    yield 45.0  # a software renderer compiles EEVEE for that long


def film(frames: Path, prefix: str) -> tuple[Path, list[Path]]:
    """A saved file in a new folder with a copy of the shot beside it -> (folder, frames). Strips then show // paths."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    shutil.copytree(frames, folder / "frames")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "film.blend"))
    return folder, sorted((folder / "frames").glob("*.png"))


def add_shot(scene, files: list[Path], channel: int):
    """The frames as an image strip, selected and active."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strip = editor.strips.new_image(name="street", filepath=str(files[0]), channel=channel, frame_start=1)
    for path in files[1:]:
        strip.elements.append(path.name)
    strip.directory = bpy.path.relpath(str(files[0].parent)) + "/"
    strip.select = True
    editor.active_strip = strip
    return strip


def no_file_browser() -> None:
    """Something quieter in its place: it would show folders of this machine."""
    for area in window().screen.areas:
        if area.ui_type == "FILES":
            area.ui_type = "OUTLINER"


def side_bar(area, category: str) -> Iterator[float]:
    """Open an area's side bar on a tab; the tab can be chosen only after it was drawn once."""
    area.spaces.active.show_region_ui = True
    area.tag_redraw()
    yield 0.7
    region = next(r for r in area.regions if r.type == "UI")
    region.active_panel_category = category
    area.tag_redraw()
    yield 0.7


def scroll_side_bar(area, down: bool) -> None:
    """To the end of an area's side bar, or to its start."""
    region = next(r for r in area.regions if r.type == "UI")
    with bpy.context.temp_override(window=window(), area=area, region=region):
        for _ in range(_SCROLLS):
            (bpy.ops.view2d.scroll_down if down else bpy.ops.view2d.scroll_up)("EXEC_DEFAULT")
