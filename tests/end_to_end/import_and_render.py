"""In Blender: import a result and render frames of it.  python -I import_and_render.py ORDERS.json"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import bpy
import in_blender


def run(orders: dict) -> dict:
    in_blender.install(Path(orders["zip"]))
    in_blender.empty_file()
    bpy.ops.toondecompose.import_result(filepath=orders["result"])
    scene = next(s for s in bpy.data.scenes if in_blender.sprite_planes(s))
    for frame in orders["frames"]:
        in_blender.render(scene, frame, Path(orders["rendered"]) / f"{frame:04d}.png")
    return {"sprites": [plane.name for plane in in_blender.sprite_planes(scene)]}


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(told["report"]).write_text(json.dumps(run(told)), encoding="utf-8")
