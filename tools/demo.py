#!/usr/bin/env python3
"""`make demo`: the whole job on the demo clip, in a real Blender, with its figures.

    python tools/demo.py --out demo_out --blender .venv-bpy-5.0/bin/python

Builds the extension zip, draws the clip, lets Blender install the zip, decompose and import, then measures. Runs in the
backend's environment; Blender runs in its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import demo_measure as measure  # noqa: E402

import build_addon  # noqa: E402
from toondecompose.demo.clip import FPS, draw_demo_clip  # noqa: E402
from toondecompose.formats.result import read_result  # noqa: E402
from toondecompose.output.as_blender import blender_frame  # noqa: E402

FRAME_START = 1
RENDERED_FRAMES = 6
STRIP = "late for school"
# what Blender's render may differ from the result's own frames, 8-bit levels
MEAN_LIMIT, MAX_LIMIT = 0.1, 1
OWN_FOLDERS = ("clip", "result", "rendered", "extension")


def size_argument(text: str) -> tuple[int, int]:
    """'640x360' -> (640, 360)."""
    width, _, height = text.partition("x")
    return int(width), int(height)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "demo_out")
    parser.add_argument("--blender", type=Path, default=ROOT / ".venv-bpy-5.0/bin/python", help="Python that has bpy")
    parser.add_argument("--size", type=size_argument, default=(512, 288), metavar="WxH")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--sprites", default="4", help="number of layers (sky, street, girl, cat), or auto")
    parser.add_argument("--quality", default="standard")
    return parser.parse_args(arguments)


def prepare(out: Path, options: argparse.Namespace) -> tuple[Path, Path]:
    """Empty the demo's own folders, build the zip, draw the clip -> (zip, clip's folder)."""
    for name in OWN_FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
    begin = time.monotonic()
    zip_file = build_addon.build(out / "extension", build_addon.find_packer(None), index=False)
    print(f"  built {zip_file.name} in {time.monotonic() - begin:.1f} s", flush=True)
    begin = time.monotonic()
    draw_demo_clip(out / "clip", options.size, options.frames)
    print(f"  drew {options.frames} frames of {options.size[0]} x {options.size[1]} with their truth in "
          f"{time.monotonic() - begin:.1f} s", flush=True)
    return zip_file, out / "clip"


def in_blender(out: Path, zip_file: Path, clip: Path, options: argparse.Namespace) -> dict:
    """Run Blender's side with a throw-away user folder -> its report."""
    picked = np.unique(np.linspace(0, options.frames - 1, RENDERED_FRAMES).astype(int))
    orders = {
        "zip": str(zip_file), "frames": str(clip / "frames"), "result": str(out / "result"), "python": sys.executable,
        "blend": str(out / "sprites.blend"), "rendered": str(out / "rendered"), "count": options.sprites,
        "quality": options.quality, "fps": FPS, "frame_start": FRAME_START, "name": STRIP,
        "render_frames": [FRAME_START + int(t) for t in picked], "report": str(out / "blender.json")}
    with tempfile.TemporaryDirectory(prefix="toondecompose-demo-") as user:
        path = Path(user) / "orders.json"
        path.write_text(json.dumps(orders), encoding="utf-8")
        log = out / "blender.log"
        with open(log, "w", encoding="utf-8") as stream:
            # what Blender itself says goes to the log; the script's own lines come through stderr
            done = subprocess.run(
                [str(options.blender), "-I", str(ROOT / "tools/demo_blender.py"), str(path)], stdout=stream,
                env={**os.environ, "BLENDER_USER_RESOURCES": user}, check=False)
    if done.returncode:
        raise build_addon.BuildError(f"Blender's side of the demo failed (exit code {done.returncode}); see {log}.")
    return json.loads((out / "blender.json").read_text(encoding="utf-8"))


def figures(out: Path, clip: Path, blender: dict) -> dict:
    """Everything that is measured on the result."""
    folder = Path(blender["folder"])
    result = read_result(folder)
    frames = sorted((clip / "frames").glob("*.png"))
    recomposed = measure.recomposition(folder, result, frames)
    means, worst = [], 0
    for path in sorted((out / "rendered").glob("*.png")):
        expected = blender_frame(folder, result, int(path.stem) - FRAME_START).astype(int)
        difference = np.abs(measure.read_rgb(path).astype(int) - expected)
        means.append(float(difference.mean()))
        worst = max(worst, int(difference.max()))
    return {"recomposition_psnr_db": {"mean": float(np.mean(recomposed)), "min": float(np.min(recomposed))},
            "mask_iou": measure.mask_ious(folder, result, clip),
            "render_difference": {"mean": max(means), "max": worst, "frames": len(means)},
            "drawings": {sprite.name: len(sprite.drawings) for sprite in result.sprites}, "blender": blender}


def tell(out: Path, report: dict, seconds: float) -> bool:
    """Print the figures -> whether Blender shows the result as it must."""
    psnr, render = report["recomposition_psnr_db"], report["render_difference"]
    good = render["mean"] <= MEAN_LIMIT and render["max"] <= MAX_LIMIT
    print("\n  Found: " + ", ".join(f"{name} ({n} drawing{'s' * (n != 1)})" for name, n in report["drawings"].items()))
    print(f"  Recomposition against the source: PSNR {psnr['mean']:.1f} dB (worst frame {psnr['min']:.1f} dB)")
    print("  Mask IoU against the truth:")
    for name, (iou, match) in report["mask_iou"].items():
        print(f"    {name:<10}{iou:6.3f}   {'(' + match + ')' if match else '(not found)'}")
    print(f"  Blender's render against the recomposed frames, {render['frames']} frames: mean {render['mean']:.3f}, "
          f"max {render['max']} of 255 (at most {MEAN_LIMIT} and {MAX_LIMIT}) {'ok' if good else 'TOO MUCH'}")
    blender = report["blender"]
    print(f"  Time: decomposition {blender['decompose_s']:.0f} s, import {blender['import_s']:.1f} s, "
          f"rendering {blender['render_s']:.0f} s, everything {seconds:.0f} s")
    print("\n  Look at:")
    for name, what in (("sprites.blend", "the shot as sprites, in Blender 5.0 or newer"),
                       ("preview.mp4", "source, recomposition and layers side by side"),
                       ("contact_sheet.png", "every layer and its drawings"), ("clip/frames", "the source frames"),
                       ("report.json", "these figures")):
        if (out / name).exists():
            print(f"    {out / name}  ({what})")
    print(f"    {blender['folder']}  (the result folder)")
    return good


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when all went well and Blender reproduces the result."""
    options = parse(arguments)
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    print(f"ToonDecompose demo, into {out}", flush=True)
    try:
        zip_file, clip = prepare(out, options)
        blender = in_blender(out, zip_file, clip, options)
    except build_addon.BuildError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    report = figures(out, clip, blender)
    for name in ("preview.mp4", "contact_sheet.png"):
        if (Path(blender["folder"]) / name).exists():
            shutil.copy(Path(blender["folder"]) / name, out / name)
    (out / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    return 0 if tell(out, report, time.monotonic() - begin) else 1


if __name__ == "__main__":
    sys.exit(main())
