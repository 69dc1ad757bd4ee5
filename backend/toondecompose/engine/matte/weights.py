"""How surely a frame's px show the farthest plane: told by the masks first, by the mattes once there are any."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.enough import GRID
from toondecompose.engine.matte.resample import (
    Box,
    footprint,
    inside,
    local_scale,
    resample,
    share,
    translation,
)
from toondecompose.engine.matte.state import HIDES, LayerState, hide, placement, shown_box
from toondecompose.engine.warp import sample
from toondecompose.formats.conventions import centre_from_edge

# weight of what is seen right beside a matte: enough where no frame shows it better, too little to matter elsewhere
BESIDE = 0.04
OUTLINE = 2  # working px beside a mask in which the drawing's own outline may still show
COARSE = 8  # px, of the lattice on which it is looked for what a frame shows of a canvas
ROUNDINGS = 2.0  # levels by which what shows through may be told wrong
RIM = 3  # px of certainty around the part of a frame that is looked at, for the kernel


@dataclass
class Weight:
    """Weights 0..1 of a frame's px: 1 outside `box`, or everywhere where that is None. values: float32 [h, w] within
    the box, which has a rim of ones as far as the frame goes. What is covered is small: the rest costs nothing."""

    box: Box | None = None
    values: torch.Tensor | None = None

    def whole(self, size: tuple[int, int], device: str) -> torch.Tensor:
        """float32 [h, w] over a frame of `size` (w, h)."""
        out = torch.ones((size[1], size[0]), device=device)
        if self.box is not None:
            x0, y0, x1, y1 = self.box
            out[y0:y1, x0:x1] = self.values
        return out

    def seen_from(self, M: np.ndarray, box: Box, size: tuple[int, int], device: str) -> torch.Tensor:
        """float32 over a box of a canvas, 0 where it leaves the frame of `size` (w, h). M: canvas -> frame."""
        out = inside(M, box, size, device).float()
        if self.box is None:
            return out
        x0, y0, x1, y1 = self.box
        part = footprint(np.linalg.inv(M), (x0 - RIM, y0 - RIM, x1 + RIM, y1 + RIM), box)
        if part is not None:
            # all that is read for this part: it says what the kernel must not overshoot
            read = footprint(M, part, self.box) or self.box
            left, top = max(x0, read[0] - RIM), max(y0, read[1] - RIM)
            near = self.values[top - y0:read[3] + RIM - y0, left - x0:read[2] + RIM - x0]
            values = resample(near[None], translation(-left, -top) @ M, part, smooth=False)[0].clamp_(0, 1)
            out[part[1] - box[1]:part[3] - box[1], part[0] - box[0]:part[2] - box[0]] *= values
        return out

    def shows(self, M: np.ndarray, box: Box) -> np.ndarray | None:
        """Of which squares of GRID px of a box of a canvas the frame may show anything: bool [rows, columns]; None for
        all. M: canvas -> frame."""
        if self.box is None:
            return None
        w, h = (-(-(box[2] - box[0]) // COARSE), -(-(box[3] - box[1]) // COARSE))
        open_ = (self.values > 0).cpu().numpy().view(np.uint8)
        lattice = translation(*box[:2]) @ np.diag([COARSE, COARSE, 1.0])
        reach = 2 * math.ceil(COARSE * local_scale(M, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)) + 3
        M = centre_from_edge(translation(-self.box[0], -self.box[1]) @ M @ lattice)
        seen = cv2.warpPerspective(cv2.dilate(open_, np.ones((reach, reach), np.uint8)), M, (w, h), borderValue=1,
                                   flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
        side = GRID // COARSE
        rows = np.logical_or.reduceat(seen, np.arange(0, h, side), axis=0)
        return np.logical_or.reduceat(rows, np.arange(0, w, side), axis=1)

    def at(self, points: torch.Tensor) -> torch.Tensor:
        """float32 [n] at edge-coordinate points [n, 2] of the frame."""
        if self.box is None:
            return torch.ones_like(points[:, 0])
        corner = torch.tensor(self.box[:2], dtype=points.dtype, device=points.device)
        return sample(self.values[None], points - corner, "bilinear", "border")[0]


@dataclass
class WeightOf:
    """The weights of all frames. at(t, part of the frame that is asked for): elsewhere the answer need not hold.
    glimpse(t): weights that are 0 only where the frame surely shows nothing, on a coarse lattice, and 3x3, frame px ->
    lattice px; None where nobody looks first whether anything is seen."""

    at: Callable[[int, Box], Weight]
    glimpse: Callable[[int], tuple[Weight, np.ndarray]] | None = None

    def __call__(self, t: int, limit: Box) -> Weight:
        return self.at(t, limit)

    def may_show(self, t: int, points: torch.Tensor) -> torch.Tensor:
        """Bool [n]: may frame t show anything at edge-coordinate points [n, 2]?"""
        if self.glimpse is None:
            return torch.ones_like(points[:, 0], dtype=torch.bool)
        coarse, to_lattice = self.glimpse(t)
        x, y = ((points[:, k] * float(to_lattice[k, k])).long().clamp_(0, coarse.values.shape[1 - k] - 1)
                for k in (0, 1))
        return (coarse.values.to(points.device) > 0)[y, x]


def by_masks(hidden: np.ndarray, size: tuple[int, int], device: str) -> WeightOf:
    """Weights by what the masks in front cover. hidden: uint8 [T, hs, ws] at working size. size: (w, h) of a frame."""
    hs, ws = hidden.shape[1:]
    around = np.ones((2 * OUTLINE + 1,) * 2, np.uint8)

    def weight_of(t: int, limit: Box) -> Weight:
        far = cv2.dilate(hidden[t], around)
        x, y, w, h = cv2.boundingRect(far)
        covered = ((x - 1) * size[0] // ws, (y - 1) * size[1] // hs,
                   -(-(x + w + 1) * size[0] // ws), -(-(y + h + 1) * size[1] // hs))
        box = _rimmed(covered, limit) if w else None
        if box is None:
            return Weight()
        to_small = np.diag([ws / size[0], hs / size[1], 1.0])
        tight, clear = (_clear(255 - share(torch.from_numpy(mask).to(device), to_small, box))
                        for mask in (hidden[t], far))
        return Weight(box, torch.lerp(clear, tight, BESIDE))

    def glimpse(t: int) -> tuple[Weight, np.ndarray]:
        least = cv2.erode(hidden[t], np.ones((3, 3), np.uint8))  # between px, too
        return _opened(255 - least), np.diag([ws / size[0], hs / size[1], 1.0])

    return WeightOf(weight_of, glimpse)


def by_mattes(states: list[LayerState], size: tuple[int, int], device: str) -> WeightOf:
    """Weights by the pictures of the layers in front of states[0]. size: (w, h) of a frame."""
    whole = (0, 0, *size)

    def weight_of(t: int, limit: Box) -> Weight:
        reach = [box for box in (shown_box(state, t, whole) for state in states[1:]) if box is not None]
        if not reach:
            return Weight()
        box = _rimmed((min(b[0] for b in reach), min(b[1] for b in reach), max(b[2] for b in reach),
                       max(b[3] for b in reach)), limit)
        if box is None:
            return Weight()
        through = torch.full((box[3] - box[1], box[2] - box[0]), 255, dtype=torch.uint8, device=device)
        for state in states[1:]:
            hide(through, state, t, box)
        tight, grown = (_clear(x) for x in (through, _least_around(through)))
        return Weight(box, torch.lerp(grown, tight, BESIDE))

    lattice = (-(-size[0] // COARSE), -(-size[1] // COARSE))
    least: dict[int, np.ndarray] = {}  # of the drawings' alpha, by their identity: solved once, they stay

    def glimpse(t: int) -> tuple[Weight, np.ndarray]:
        through = np.full(lattice[::-1], 255, np.float32)
        for state in states[1:]:
            placed = placement(state, t, whole)
            if placed is None:
                continue
            drawing, H, _ = placed
            if id(drawing) not in least:
                least[id(drawing)] = _least_in_squares(drawing.picture[3].cpu().numpy())
            covers = _covering(least[id(drawing)], H, size)
            through *= 1 - covers.astype(np.float32) * np.float32(state.opacity[t] / 255)
        return _opened(through), np.diag([1 / COARSE, 1 / COARSE, 1.0])

    return WeightOf(weight_of, glimpse)


def open_squares(states: list[LayerState], hidden: np.ndarray | None, t: int, size: tuple[int, int]
                 ) -> Callable[[Box], np.ndarray | None] | None:
    """Of which squares (Weight.shows) of a part of states[0]'s canvas frame t may show anything, told by the masks
    `hidden` of by_masks or by the pictures of the layers in front; None where there are none. A plane behind another
    shows little of itself in every frame. size: (w, h) of a frame."""
    if len(states) == 1:
        return None
    in_front = by_mattes(states, size, "cpu") if hidden is None else by_masks(hidden, size, "cpu")
    coarse, to_lattice = in_front.glimpse(t)
    return lambda part: coarse.shows(to_lattice @ states[0].H[t], part)


def _opened(through: np.ndarray) -> Weight:
    """1 where what shows through, 0..255 [h, w], leaves any weight."""
    h, w = through.shape
    values = (through > 255 * (1 - 1 / HIDES) - ROUNDINGS).astype(np.float32)
    return Weight((0, 0, w, h), torch.from_numpy(values))


def _least_in_squares(alpha: np.ndarray) -> np.ndarray:
    """Least alpha of every square of COARSE px, 0 beyond the drawing: uint8."""
    h, w = alpha.shape
    even = np.pad(alpha, [(0, -h % COARSE), (0, -w % COARSE)])
    rows = np.minimum.reduceat(even, np.arange(0, even.shape[0], COARSE), axis=0)
    return np.minimum.reduceat(rows, np.arange(0, even.shape[1], COARSE), axis=1)


def _covering(least: np.ndarray, H: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Alpha that a drawing has at least around every px of a lattice of COARSE px of a frame of `size` (w, h): uint8.
    least: of its own squares of as many px. H: the drawing's px -> frame."""
    back, steps = np.linalg.inv(H), np.diag([COARSE, COARSE, 1.0])
    corners = [(x, y) for x in (0, size[0]) for y in (0, size[1])]
    scale = max(local_scale(back, x, y) for x, y in [*corners, (size[0] / 2, size[1] / 2)])
    reach = 2 * math.ceil((COARSE * scale * 0.71 + RIM) / COARSE) + 1  # half of a diagonal, and the kernel
    around = cv2.erode(least, np.ones((reach, reach), np.uint8), borderValue=0)
    M = centre_from_edge(np.diag([1 / COARSE, 1 / COARSE, 1.0]) @ back @ steps)
    return cv2.warpPerspective(around, M, (-(-size[0] // COARSE), -(-size[1] // COARSE)), borderValue=0,
                               flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)


def _rimmed(covered: Box, limit: Box) -> Box | None:
    """A box with a rim, cut to what is asked for; None where nothing of it is."""
    grow = RIM + 1  # the px beside a matte weigh less, too
    box = (max(covered[0] - grow, limit[0]), max(covered[1] - grow, limit[1]),
           min(covered[2] + grow, limit[2]), min(covered[3] + grow, limit[3]))
    return box if box[2] > box[0] and box[3] > box[1] else None


def _clear(through: torch.Tensor) -> torch.Tensor:
    """uint8 [h, w], how much shows through what is in front -> weight, float32 0..1."""
    return through.float().mul_(HIDES / 255).add_(1 - HIDES).clamp_(0, 1)


def _least_around(x: torch.Tensor) -> torch.Tensor:
    """Minimum over every px's 3x3 neighbourhood. uint8 [h, w]."""
    if x.device.type == "cpu":
        return torch.from_numpy(cv2.erode(x.numpy(), np.ones((3, 3), np.uint8)))
    return (-torch.nn.functional.max_pool2d(-x[None].float(), 3, 1, 1)[0]).to(torch.uint8)
