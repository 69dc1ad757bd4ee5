#!/usr/bin/env python3
"""Run the engine over a bench folder, write predictions in the scorer's layout, and print the table.

    python benchmarks/decompose.py BENCH_DIR --out PREDS [--sprites auto] [--device cuda] [--clips d01 d08]
    python benchmarks/decompose.py BENCH_DIR --out PREDS --scaling CLIP     frames x1 x2 x4, pixels x1 x4
    python benchmarks/decompose.py DRAWN_DIR --out PREDS --scorer SCORE.PY  clips of draw_clips.py or compose_clips.py

BENCH_DIR/<clip>/frames/*.png, BENCH_DIR/<clip>/clip.json (K). PREDS/<clip>/sprites/..., PREDS/<clip>/transforms.json.
Every clip runs in a child process of its own, so that CPU time and peak memory are that clip's. Scores come from the
bench's own score.py (found beside BENCH_DIR where --scorer does not name it), run the same way.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

SCORES = ["iou", "amodal_iou", "alpha_mae", "boundary_f", "motion_epe", "bg_motion_epe", "sheet_f",
          "bg_psnr_recoverable", "recomp_psnr", "missed_sprites", "extra_sprites"]


def run_measured(command: list[str], threads: int) -> dict[str, float]:
    """Run a child process -> wall s, CPU s (user + system) and peak resident MB; raises if it fails."""
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENCV_FOR_THREADS_NUM": str(threads)}
    start = time.monotonic()
    child = subprocess.Popen(command, env=env)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"exit {child.returncode}: {' '.join(command)}")
    return {"wall_s": time.monotonic() - start, "cpu_s": usage.ru_utime + usage.ru_stime,
            "peak_mb": usage.ru_maxrss / 1024}


def decompose_clip(clip: Path, out: Path, sprites: str, device: str, threads: int) -> dict[str, float]:
    """Decompose one clip's frames and place the sprites -> the cost of the decomposition alone."""
    result = out / "results" / clip.name
    tool = [sys.executable, "-m", "toondecompose"]
    cost = run_measured([*tool, "decompose", str(clip / "frames"), "--sprites", sprites, "--device", device, "--fresh",
                         "--out", str(result)], threads)
    run_measured([*tool, "place", str(result), "--out", str(out / clip.name)], threads)
    height, width = cv2.imread(str(next((clip / "frames").glob("*.png")))).shape[:2]
    frames = len(list((clip / "frames").glob("*.png")))
    cost["cpu_s_per_frame_mpx"] = cost["cpu_s"] / (frames * width * height / 1e6)
    return cost


def score_clip(scorer: Path, clip: Path, prediction: Path) -> dict:
    """The bench's own score of one prediction."""
    report = prediction / "score.json"
    subprocess.run([sys.executable, str(scorer), str(clip), str(prediction), "--json", str(report)], check=True,
                   stdout=subprocess.DEVNULL)
    return json.loads(report.read_text())


def known_count(clip: Path) -> str:
    """The number of layers to ask for: K, or `sprites` where a clip says that a shot of it has fewer."""
    said = json.loads((clip / "clip.json").read_text())
    return str(said.get("sprites", said["K"]))


def table(rows: list[dict]) -> str:
    """Markdown table: one line per clip, then the mean."""
    columns = [*SCORES, "cpu_s", "cpu_s_per_frame_mpx", "wall_s", "peak_mb"]
    mean = {"clip": "**mean**", **{c: float(np.nanmean([r.get(c, np.nan) for r in rows])) for c in columns}}
    lines = ["| clip | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in [*rows, mean]:
        lines.append(f"| {row['clip']} | " + " | ".join(f"{row.get(c, float('nan')):.4g}" for c in columns) + " |")
    return "\n".join(lines)


def scaling_clip(clip: Path, folder: Path, frames_factor: int, pixel_factor: int) -> Path:
    """A longer or larger version of a clip: played forth and back, or enlarged smoothly by sqrt(pixel_factor)."""
    source = sorted((clip / "frames").glob("*.png"))
    order = (source + source[-2:0:-1]) * frames_factor
    target = folder / f"{clip.name}_t{frames_factor}_p{pixel_factor}" / "frames"
    target.mkdir(parents=True, exist_ok=True)
    side = round(pixel_factor**0.5)
    for i, path in enumerate(order[: len(source) * frames_factor]):
        picture = cv2.imread(str(path))
        if side > 1:
            picture = cv2.resize(picture, None, fx=side, fy=side, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(target / f"{i:04d}.png"), picture)
    return target.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sprites", default="known", help="'known' (the clip's K), 'auto' or a number")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clips", nargs="*", help="clip names or their beginnings; all when left out")
    parser.add_argument("--scorer", type=Path, help="the bench's score.py, where it is not beside the clips")
    parser.add_argument("--scaling", help="instead: time and memory of this clip with frames x1 x2 x4 and pixels x1 x4")
    args = parser.parse_args()
    clips = sorted(p for p in args.bench.iterdir() if (p / "clip.json").exists())
    if args.scaling:
        clip = next(c for c in clips if c.name.startswith(args.scaling))
        known = known_count(clip)
        print("| frames x | pixels x | cpu_s | wall_s | peak_mb |\n|---|---|---|---|---|")
        for frames_factor, pixel_factor in ((1, 1), (2, 1), (4, 1), (1, 4)):
            part = scaling_clip(clip, args.out / "scaling", frames_factor, pixel_factor)
            cost = decompose_clip(part, args.out / "scaling" / "predictions", known, args.device, args.threads)
            figures = f"{cost['cpu_s']:.1f} | {cost['wall_s']:.1f} | {cost['peak_mb']:.0f}"
            print(f"| {frames_factor} | {pixel_factor} | {figures} |", flush=True)
        return
    rows = []
    for clip in clips:
        if args.clips and not any(clip.name.startswith(c) for c in args.clips):
            continue
        sprites = known_count(clip) if args.sprites == "known" else args.sprites
        cost = decompose_clip(clip, args.out, sprites, args.device, args.threads)
        beside = args.bench / "score.py" if (args.bench / "score.py").exists() else args.bench.parent / "score.py"
        scorer = args.scorer or beside
        rows.append({**score_clip(scorer, clip, args.out / clip.name), **cost})
        print(table(rows[-1:]).splitlines()[2], flush=True)
    print("\n" + table(rows))
    plain = [{k: v for k, v in row.items() if k != "sprites"} for row in rows]
    (args.out / "table.json").write_text(json.dumps(plain, indent=1))


if __name__ == "__main__":
    main()
