"""The Blender side of `make demo`: install the zip, add the strip, decompose, import, save, render again.

    python -I demo_blender.py ORDERS.json

ORDERS.json: zip, frames (folder), result (folder), python (the backend's), blend, rendered (folder), count ("auto" or a
number), quality, frame_start, render_frames. Writes ORDERS' "report" file. Exit code 1 after a sentence on stderr.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import in_blender


def say(line: str) -> None:
    """A line for the person who watches; stdout belongs to Blender."""
    print(line, file=sys.stderr, flush=True)


class StageClock:
    """Looks at the running job ten times a second and prints each new stage. The operator blocks meanwhile."""

    def __init__(self, board) -> None:
        self.board = board
        self.seconds: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> StageClock:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        label, since = "", time.monotonic()
        while True:
            last = self._stop.wait(0.1)
            run = self.board.queue.current
            now = "" if last else ((run.state.stage_label or "Starting the backend") if run else label)
            if now != label:
                if label:
                    self.seconds[label] = self.seconds.get(label, 0.0) + time.monotonic() - since
                    say(f"    {label:<32}{self.seconds[label]:7.1f} s")
                label, since = now, time.monotonic()
            if last:
                return


def demo(orders: dict) -> dict:
    """Do it all -> the report."""
    say(f"  Blender {bpy.app.version_string}: installing {Path(orders['zip']).name}")
    in_blender.install(Path(orders["zip"]))
    in_blender.empty_file()
    in_blender.preferences().backend_python = orders["python"]
    scene = bpy.context.scene
    scene.render.fps = orders["fps"]
    files = sorted(Path(orders["frames"]).glob("*.png"))
    in_blender.add_strip(files, orders["frame_start"], orders["name"])
    settings = scene.toondecompose
    settings.output, settings.quality = orders["result"], orders["quality"]
    if orders["count"] != "auto":
        settings.count_mode, settings.count = "number", int(orders["count"])

    running = in_blender.part("running")
    say(f"  decomposing {len(files)} frames")
    begin = time.monotonic()
    with StageClock(running.board) as clock:
        outcome = bpy.ops.toondecompose.decompose()
    seconds = time.monotonic() - begin
    if outcome != {"FINISHED"}:
        raise RuntimeError(running.board.notice or "The decomposition did not finish.")
    folder = in_blender.part("results").folder_of(scene.toondecompose.results[0])

    begin = time.monotonic()
    if bpy.ops.toondecompose.import_result(filepath=str(folder / "result.json")) != {"FINISHED"}:
        raise RuntimeError(running.board.notice or "The import did not finish.")
    imported = bpy.context.window.scene
    import_seconds = time.monotonic() - begin
    bpy.ops.wm.save_as_mainfile(filepath=orders["blend"])
    say(f"  imported {len(in_blender.sprite_planes(imported))} sprites in {import_seconds:.1f} s; rendering")

    begin = time.monotonic()
    for frame in orders["render_frames"]:
        in_blender.render(imported, frame, Path(orders["rendered"]) / f"{frame:04d}.png")
    return {"blender": bpy.app.version_string, "folder": str(folder), "stages": clock.seconds, "decompose_s": seconds,
            "import_s": import_seconds, "render_s": time.monotonic() - begin, "scene": imported.name,
            "sprites": [plane.name for plane in in_blender.sprite_planes(imported)]}


def main() -> int:
    """Exit code 0, or 1 after a sentence."""
    orders = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        report = demo(orders)
    except RuntimeError as error:  # what Blender's operators raise for a reported error
        print(f"demo: {str(error).strip()}", file=sys.stderr)
        return 1
    Path(orders["report"]).write_text(json.dumps(report, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
