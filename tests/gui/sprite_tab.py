"""The Sprite tab in a real window: all its panels open, its dialogs, the comparison's window, the overlay of doubt.

    blender --factory-startup --python tests/gui/sprite_tab.py -- ZIP RESULT FRAMES PICTURES SPRITE [X,Y ...]

RESULT is a finished result of FRAMES. Each X,Y (px of the screen, y down) is a place to point at in the opened tab: the
tooltip that comes is in the picture tip_<number>.png.
"""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
import steps

MODULE = "bl_ext.user_default.toondecompose"


def module(name: str):
    return importlib.import_module(f"{MODULE}.{name}")


def open_all_panels() -> None:
    """Panels that are closed until somebody opens them are open at once."""
    for cls in module("panels.sprite_panel")._CLASSES:
        bpy.utils.unregister_class(cls)
        cls.bl_options = set()
        bpy.utils.register_class(cls)


def with_doubt(result: Path) -> None:
    """Give the result a map of what is unresolved, if it has none."""
    data = json.loads((result / "result.json").read_text())
    if not data.get("unresolved"):
        shutil.copy(next(result.glob("sprites/00_*/drawings/0001.png")), result / "unresolved.png")
        data["unresolved"] = "unresolved.png"
    data["sprites"][-1]["confidence"] = 0.3
    (result / "result.json").write_text(json.dumps(data))


def key(name: str) -> Iterator[float]:
    subprocess.run(["xdotool", "key", name], check=True)
    yield 0.7


def dialog(area, pictures: Path, name: str, **values) -> Iterator[float]:
    """Open an operator's dialog, look at it, confirm it."""
    x, y = area.x + area.width // 2, steps.window().height - (area.y + area.height // 2)
    subprocess.run(["xdotool", "mousemove", str(x), str(y)], check=True)
    yield 0.3
    region = next(r for r in area.regions if r.type == "WINDOW")
    with bpy.context.temp_override(window=steps.window(), area=area, region=region):
        getattr(bpy.ops.toondecompose, name)("INVOKE_DEFAULT", **values)
    yield 1.0
    steps.shot(pictures, f"dialog_{name}")
    yield from key("Return")


def tab() -> Iterator[float]:
    zip_file, result, frames, pictures = (Path(a) for a in steps.arguments()[:4])
    name, places = steps.arguments()[4], steps.arguments()[5:]
    bpy.context.preferences.view.show_splash = False
    bpy.ops.extensions.package_install_files(filepath=str(zip_file), repo="user_default", enable_on_install=True)
    folder, files = steps.film(frames, "tab")
    shutil.copytree(result, folder / "result")
    with_doubt(folder / "result")
    job = folder / "result" / "job"
    job.mkdir(exist_ok=True)
    (job / "job.json").write_text(json.dumps({"schema": "toondecompose.job/1", "frames": [str(f) for f in files],
                                              "output": ".."}))
    yield 0.5
    open_all_panels()
    with bpy.context.temp_override(window=steps.window()):
        bpy.ops.toondecompose.import_result(filepath=str(folder / "result" / "result.json"))
    scene = steps.window().scene
    scene.frame_set(len(files) // 2)
    sprite = scene.objects[name]
    for other in scene.objects:
        other.select_set(other == sprite)
    scene.view_layers[0].objects.active = sprite
    area = steps.area_of("VIEW_3D")
    area.spaces.active.shading.type = "SOLID"
    area.spaces.active.shading.light, area.spaces.active.shading.color_type = "FLAT", "TEXTURE"
    with steps.override(area):
        bpy.ops.screen.screen_full_area()
    yield 1.0
    area = steps.area_of("VIEW_3D")
    yield from steps.side_bar(area, "Sprite")
    steps.mouse_away()
    yield 1.0
    steps.shot(pictures, "tab_top")
    for number, place in enumerate(places):
        subprocess.run(["xdotool", "mousemove", *place.split(",")], check=True)
        yield 2.5
        steps.shot(pictures, f"tip_{number}")
    steps.scroll_side_bar(area, down=True)
    steps.mouse_away()
    yield 1.0
    steps.shot(pictures, "tab_bottom")
    yield from dialog(area, pictures, "sheet_swap")
    yield from dialog(area, pictures, "retime_fit")
    yield from dialog(area, pictures, "sheet_loop")
    with steps.override(area):
        bpy.ops.toondecompose.show_unresolved()
    yield 1.5
    steps.shot(pictures, "unresolved")
    windows = len(bpy.context.window_manager.windows)
    with steps.override(area):
        print("GUI: compare", bpy.ops.toondecompose.compare(), flush=True)
    yield 2.0
    print("GUI: windows", windows, "->", len(bpy.context.window_manager.windows), flush=True)
    steps.shot(pictures, "compared")


steps.run(tab)
