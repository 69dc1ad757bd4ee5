"""The frames as Blender renders an import: the reference that a render through Blender is compared with.

Blender's image texture samples bilinearly at the pixel's centre; `recompose` samples bicubically. Both show the same
drawings at the same places; they differ by how sharply a move between whole pixels is drawn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..engine.warp import grid_for, sample, to_tensor
from ..formats.result import Result
from ..io.png import read_rgba


def blender_frame(folder: str | Path, result: Result, t: int) -> np.ndarray:
    """Frame t (0-based) as Blender should render it with Raw colours -> uint8 RGB [h, w, 3].

    Bilinear, premultiplied; a drawing ends at its canvas's edge, as a plane does. The farthest background's plane
    reaches on where the frame would show its edge.
    """
    size = result.clip.size
    frame = torch.zeros(3, size[1], size[0])
    for k, sprite in enumerate(result.sprites):
        drawing = sprite.exposure[t]
        if drawing is None:
            continue
        picture = to_tensor(read_rgba(Path(folder) / sprite.drawings[drawing]))
        picture[:3] *= picture[3:] / 255
        points = grid_for(np.linalg.inv(sprite.transform[t]), size)
        inside = ((points >= 0) & (points <= torch.tensor(sprite.canvas_size))).all(-1)
        inside |= k == 0 and sprite.kind == "background"
        placed = sample(picture, points, border="border") * inside * float(sprite.opacity[t])
        frame = placed[:3] + frame * (1 - placed[3:] / 255)
    # Blender rounds halves up; a move by half a pixel makes many of them
    return (frame.permute(1, 2, 0) + 0.5).floor().clamp(0, 255).to(torch.uint8).numpy()
