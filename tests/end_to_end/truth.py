"""The demo clip's truth as a result folder: what a perfect engine would have written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from toondecompose.formats.conventions import edge_from_centre
from toondecompose.formats.result import Clip, Result, Sprite, write_result
from toondecompose.io.png import read_picture, to_uint16, write_png


def write_truth(clip: Path, folder: Path, frame_start: int = 1) -> Result:
    """Write the truth of a demo clip's folder as a result into `folder` -> it."""
    about = json.loads((clip / "clip.json").read_text(encoding="utf-8"))
    moves = json.loads((clip / "transforms.json").read_text(encoding="utf-8"))["sprites"]
    sprites = []
    for k, (layer, move) in enumerate(zip(about["layers"], moves, strict=True)):
        drawings = []
        for path in sorted((clip / f"sprite_{k}/canvas").glob("*.png")):
            drawings.append(f"sprites/{k:02d}_{layer['name']}/drawings/{int(path.stem) + 1:04d}.png")
            # as the engine writes them: soft drawings with 16 bits, opaque plates with 8
            drawing = read_picture(path)
            write_png(folder / drawings[-1], to_uint16(drawing) if drawing.shape[2] == 4 else drawing)
        sprites.append(Sprite(
            name=layer["name"], order=k, kind=layer["kind"], canvas_size=tuple(move["canvas_size"]), drawings=drawings,
            exposure=layer["drawing"], transform=edge_from_centre(np.array(move["H"])),
            opacity=np.ones(about["frames"]), motion_model="translation"))
    size = tuple(about["size"])
    result = Result(clip=Clip("truth", size, float(about["fps"]), frame_start, about["frames"]), sprites=sprites)
    write_result(folder, result)
    return result
