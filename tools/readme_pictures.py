#!/usr/bin/env python3
"""The README's pictures, from what `make demo` left behind.

    python tools/readme_pictures.py demo_out docs/images

demo_frame.png: a source frame. demo_layers.png: the found layers of that frame, pulled apart. demo_sheet.png: every
sprite's drawings over its exposure sheet.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from toondecompose.formats.result import Result, Sprite, read_result
from toondecompose.io.png import read_rgba, write_png
from toondecompose.output.layers import LayerRenderer
from toondecompose.output.warping import straighten

PAPER = (250, 249, 246)
INK = (70, 60, 80)
TONES = ((236, 120, 96), (250, 196, 92), (120, 180, 130), (96, 150, 206), (170, 130, 196), (228, 150, 186),
         (140, 190, 200), (196, 170, 120))
FINE = 2  # drawn larger and averaged down
WIDTH = 1200  # px of the pictures
LEFT_OUT = 16  # drawings per sprite that fit


def over(canvas: np.ndarray, rgba: np.ndarray, x: int, y: int) -> None:
    """Put a straight RGBA picture on an RGB one, in place; what lies outside is cut off."""
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + rgba.shape[1], canvas.shape[1]), min(y + rgba.shape[0], canvas.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    part = rgba[y0 - y:y1 - y, x0 - x:x1 - x].astype(np.float32)
    alpha = part[..., 3:] / 255
    canvas[y0:y1, x0:x1] = np.round(part[..., :3] * alpha + canvas[y0:y1, x0:x1] * (1 - alpha))


def layers_apart(folder: Path, result: Result, t: int) -> np.ndarray:
    """Every layer of frame t as a tilted sheet of glass, the farthest at the back: uint8 RGB."""
    renderer = LayerRenderer(folder, result)
    w, h = result.clip.size
    count = len(result.sprites)
    scale = FINE * WIDTH / (1.0 + 0.30 * (count - 1)) / w
    step = np.array([0.30 * w, 0.10 * h]) * scale
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    lean = np.array([[0, 0.16 * h], [0.80 * w, 0], [0.80 * w, h], [0, 1.16 * h]]) * scale
    size = (int(lean[:, 0].max() + step[0] * (count - 1)) + 40, int(lean[:, 1].max() + step[1] * (count - 1)) + 40)
    sheet = np.full((size[1], size[0], 3), PAPER, np.uint8)
    for k in range(count):
        layer = straighten(renderer.composite(t, [k], None))
        glass = layer.copy()  # empty glass is a little darker than paper, so that its shape shows
        clear = glass[..., 3:].astype(np.float32) / 255
        glass[..., :3] = np.round(glass[..., :3] * clear + np.array((205, 214, 226)) * (1 - clear))
        glass[..., 3] = np.round(255 * (clear[..., 0] + (1 - clear[..., 0]) * 0.28))
        place = (lean + step * k + 20).astype(np.float32)
        H = cv2.getPerspectiveTransform(corners, place)
        premultiplied = glass.astype(np.float32)
        premultiplied[..., :3] *= premultiplied[..., 3:] / 255
        moved = cv2.warpPerspective(premultiplied, H, size, flags=cv2.INTER_LINEAR)
        alpha = moved[..., 3:] / 255
        sheet = np.round(moved[..., :3] + sheet * (1 - alpha)).astype(np.uint8)
        cv2.polylines(sheet, [np.round(place).astype(np.int32)], True, INK, FINE, cv2.LINE_AA)
    return cv2.resize(sheet, (sheet.shape[1] // FINE, sheet.shape[0] // FINE), interpolation=cv2.INTER_AREA)


def sheet_rows(folder: Path, sprite: Sprite, width: int) -> np.ndarray:
    """A sprite's drawings in a row, each under its own colour, over its exposure sheet: uint8 RGB."""
    count = min(len(sprite.drawings), LEFT_OUT)
    cell = (width - 20) // max(count, 8)
    scale = min(cell / sprite.canvas_size[0], 1.0)
    height = round(sprite.canvas_size[1] * scale)
    out = np.full((height + 70, width, 3), PAPER, np.uint8)
    for i in range(count):
        rgba = read_rgba(folder / sprite.drawings[i]).astype(np.float32)
        rgba[..., :3] *= rgba[..., 3:] / 255
        small = cv2.resize(rgba, (round(sprite.canvas_size[0] * scale), height), interpolation=cv2.INTER_AREA)
        over(out, straighten(small), 10 + i * cell, 6)
        cv2.rectangle(out, (12 + i * cell, height + 10), (4 + (i + 1) * cell, height + 16), TONES[i % len(TONES)], -1)
    frames = len(sprite.exposure)
    for t, drawing in enumerate(sprite.exposure):
        x0, x1 = 12 + (width - 24) * t // frames, 12 + (width - 24) * (t + 1) // frames - 2
        tone = (225, 225, 225) if drawing is None else TONES[drawing % len(TONES)]
        cv2.rectangle(out, (x0, height + 26), (x1, height + 50), tone, -1)
        if drawing is not None and x1 - x0 > 14:
            cv2.putText(out, str(drawing + 1), ((x0 + x1) // 2 - 5 * len(str(drawing + 1)), height + 43),
                        cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return out


def main() -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("demo", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--frame", type=int, default=24, help="0-based")
    options = parser.parse_args()
    (found,) = (options.demo / "result").glob("*/result.json")
    folder, result = found.parent, read_result(found)
    source = sorted((options.demo / "clip/frames").glob("*.png"))[options.frame]
    write_png(options.images / "demo_frame.png", read_rgba(source)[..., :3], compression=9)
    write_png(options.images / "demo_layers.png", layers_apart(folder, result, options.frame), compression=9)
    rows = [sheet_rows(folder, s, WIDTH) for s in result.sprites if s.kind == "sprite"]
    if rows:
        write_png(options.images / "demo_sheet.png", np.vstack(rows), compression=9)
    return 0


if __name__ == "__main__":
    sys.exit(main())
