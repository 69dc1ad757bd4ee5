"""In Blender: what a user does with the zip, from installing to disabling it. Reports what was seen at each step.

    python -I journey.py ORDERS.json
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import bpy
import in_blender


def names() -> dict[str, list[str]]:
    """The names of all data-blocks in the file, and of the strips."""
    found = {p.identifier: sorted(block.name for block in getattr(bpy.data, p.identifier))
             for p in bpy.data.bl_rna.properties if p.type == "COLLECTION"}
    found["results"] = [f"{scene.name}: {entry.strip}" for scene in bpy.data.scenes
                        for entry in scene.toondecompose.results]
    return found


def sprites_of(scene: bpy.types.Scene) -> list[dict]:
    """What an animator would look at: the planes, their keyed channels, their view layers."""
    versions = in_blender.part("versions")
    found = []
    for plane in in_blender.sprite_planes(scene):
        curves = versions.curve_home(plane.animation_data.action).fcurves
        found.append({"name": plane.name, "kind": plane["td_kind"], "curves": sorted({c.data_path for c in curves}),
                      "view_layer": any(layer.get("td_sprite") == plane.name for layer in scene.view_layers)})
    return found


def refused(call, **options) -> str:
    """The sentence with which an operator refuses -> '' when it does not."""
    try:
        call(**options)
    except RuntimeError as error:
        return str(error).strip()
    return ""


def journey(orders: dict) -> dict:
    """All steps in order -> the report."""
    seen: dict = {"blender": bpy.app.version_string}
    in_blender.install(Path(orders["zip"]))
    seen["importable"] = [n for n in ("torch", "cv2", "toondecompose") if importlib.util.find_spec(n)]
    import toondecompose

    seen["formats_from"] = toondecompose.__file__
    in_blender.preferences().backend_python = orders["python"]

    in_blender.empty_file()
    scene = bpy.context.scene
    seen["poll_without_strip"] = bpy.ops.toondecompose.decompose.poll()
    files = sorted(Path(orders["frames"]).glob("*.png"))
    in_blender.add_strip(files, 11, "Läuferin 走る")
    scene.toondecompose.output = orders["output"]
    if orders["count"] != "auto":
        scene.toondecompose.count_mode, scene.toondecompose.count = "number", orders["count"]

    seen["test_backend"] = sorted(bpy.ops.toondecompose.test_backend())
    seen["decompose"] = sorted(bpy.ops.toondecompose.decompose())
    results = in_blender.part("results")
    folder = results.folder_of(scene.toondecompose.results[0])
    seen["folder"] = str(folder)

    bpy.ops.ed.undo_push(message="before the import")
    before = names()
    seen["import"] = sorted(bpy.ops.toondecompose.import_result(filepath=str(folder / "result.json")))
    bpy.ops.ed.undo_push(message="after the import")
    after = names()
    seen["import_made_something"] = after != before
    bpy.ops.ed.undo()
    seen["undo_takes_all_back"] = names() == before
    bpy.ops.ed.redo()
    seen["redo_brings_all_back"] = names() == after

    imported = next(s for s in bpy.data.scenes if in_blender.sprite_planes(s))
    seen["scene"], seen["sprites"] = imported.name, sprites_of(imported)
    bpy.ops.wm.save_as_mainfile(filepath=orders["blend"])
    bpy.ops.wm.open_mainfile(filepath=orders["blend"])
    imported = bpy.data.scenes[seen["scene"]]
    seen["sprites_after_opening"] = sprites_of(imported)
    seen["results_after_opening"] = [e.strip for s in bpy.data.scenes for e in s.toondecompose.results]
    in_blender.render(imported, orders["render_frame"], Path(orders["rendered"]))

    seen["bad_import"] = refused(bpy.ops.toondecompose.import_result, filepath=str(folder / "nothing.json"))
    for _ in range(2):
        bpy.ops.preferences.addon_disable(module=in_blender.MODULE)
        seen["left_when_disabled"] = [n for n in dir(bpy.types) if "toondecompose" in n.lower()]
        seen["left_when_disabled"] += ["Scene.toondecompose"] * hasattr(bpy.types.Scene, "toondecompose")
        in_blender.render(imported, orders["render_frame"], Path(orders["rendered_without"]))
        bpy.ops.preferences.addon_enable(module=in_blender.MODULE)
    seen["results_when_enabled_again"] = [e.strip for s in bpy.data.scenes for e in s.toondecompose.results]
    return seen


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(told["report"]).write_text(json.dumps(journey(told), indent=1), encoding="utf-8")
