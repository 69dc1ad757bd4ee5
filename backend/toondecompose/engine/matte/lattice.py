"""A drawing looked at thinly: at every so many'th px of a frame's rows and columns alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from toondecompose.engine.matte.plates import KERNEL
from toondecompose.engine.matte.resample import Box, footprint, translation
from toondecompose.engine.matte.state import LayerState, placement
from toondecompose.engine.warp import grid_for, sample


@dataclass
class Lattice:
    """A drawing as a lattice of a frame's px shows it. picture: uint8 [4, h, w], the part of it that is read. points:
    float32 [n, 2], where the lattice's px lie on that. shape: the lattice's rows and columns."""

    picture: torch.Tensor
    points: torch.Tensor
    shape: tuple[int, int]
    opacity: float

    def alpha(self) -> torch.Tensor:
        """float32 [rows, columns], 0..1, opacity applied."""
        out = sample(self.picture[3:].float(), self.points, "bicubic", "border")[0]
        return out.clamp_(0, 255).mul_(1 / 255).mul_(self.opacity).reshape(self.shape)

    def at(self, places: torch.Tensor) -> torch.Tensor:
        """As `place`, at some of its px: float32 [4, n]. places: flat indices."""
        out = sample(self.picture.float(), self.points[places], "bicubic", "border")
        out[3].clamp_(0, 255)
        torch.minimum(out[:3].clamp_(min=0), out[3:], out=out[:3])
        out[3].mul_(1 / 255)
        return out.mul_(self.opacity)


def place_thinly(state: LayerState, t: int, box: Box, step: int, device: str) -> Lattice | None:
    """The layer's drawing at every `step`-th px of the rows and columns of a box of frame t; None where it is not
    shown."""
    x0, y0, x1, y1 = box
    size = (-(-(x1 - x0) // step), -(-(y1 - y0) // step))
    placed = placement(state, t, box)
    if placed is None:
        return None
    drawing, H, part = placed
    picture = drawing.picture
    read = footprint(np.linalg.inv(H), part, (0, 0, picture.shape[2], picture.shape[1]))
    if read is not None:  # a plane of scenery is many times wider than what a frame shows of it
        left, top = max(0, read[0] - KERNEL), max(0, read[1] - KERNEL)
        picture = picture[:, top:read[3] + KERNEL, left:read[2] + KERNEL]
        H = H @ translation(left, top)
    lattice = translation(x0 + 0.5 - step / 2, y0 + 0.5 - step / 2) @ np.diag([step, step, 1.0])
    points = grid_for(np.linalg.inv(H) @ lattice, size, device=device).reshape(-1, 2)
    return Lattice(picture, points, size[::-1], float(state.opacity[t]))
