"""The layers as they stand between rounds, and how they look from a frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.alpha import Cutout
from toondecompose.engine.matte.enough import wanting_parts
from toondecompose.engine.matte.moments import View
from toondecompose.engine.matte.plates import Plate
from toondecompose.engine.matte.resample import Box, footprint, levels, resample, share, translation
from toondecompose.engine.matte.types import LayerToSolve
from toondecompose.engine.shift import RENDERED

MARGIN = 28  # canvas px around what the masks cover, for hair, glows and shadows that the masks missed
VEILED = 0.2  # weight of what is seen through a veil, relative to what is seen directly
OPAQUE = 0.999  # alpha from which nothing is looked for behind a layer
HIDES = 4.0  # a layer in front with alpha >= 1/4 takes all weight from what is behind it


@dataclass
class Drawing:
    """One drawing's current picture. box: its place on the layer's canvas. frames: its exposures.
    picture: uint8 [4, h, w], premultiplied colour and alpha (8 bits, because a clip may have hundreds of drawings), or
    None before the first round. known: bool [h, w], px that some exposure shows. painted: the same, px that none shows
    and that were painted in; None where none were. std: predicted standard deviation of
    alpha where it is neither 0 nor 1 (median)."""

    box: Box
    frames: list[int]
    picture: torch.Tensor | None = None
    known: torch.Tensor | None = None
    painted: torch.Tensor | None = None
    std: float = 0.0

    def crop(self) -> None:
        """Give back the room that the drawing turned out not to need."""
        x, y, w, h = cv2.boundingRect((self.picture[3] > 0).to(torch.uint8).cpu().numpy())
        if w == 0:
            return
        x0, y0 = max(0, x - MARGIN), max(0, y - MARGIN)
        x1, y1 = min(self.picture.shape[2], x + w + MARGIN), min(self.picture.shape[1], y + h + MARGIN)
        self.picture = self.picture[:, y0:y1, x0:x1].clone()
        self.known = self.known[y0:y1, x0:x1].clone()
        self.box = (self.box[0] + x0, self.box[1] + y0, self.box[0] + x1, self.box[1] + y1)

    def shelve(self, source: FrameSource) -> None:
        """Take the picture out of memory, if there are many."""
        if self.picture.device.type == "cpu":
            self.picture, self.known = (torch.from_numpy(source.shelve(x.numpy())) for x in (self.picture, self.known))

    @property
    def premult(self) -> torch.Tensor:
        """float32 [4, h, w], premultiplied colour 0..255 and alpha 0..1."""
        out = self.picture.float()
        out[3] /= 255
        return out

    def keep(self, cut: Cutout) -> None:
        """Keep a solved picture, and what is known of it."""
        self._store(cut.colour, cut.alpha, straight=True)
        self.known = cut.known

    def store(self, premult: torch.Tensor) -> None:
        """Keep a premultiplied picture, colour 0..255 and alpha 0..1."""
        self._store(premult[:3], premult[3])

    def _store(self, colour: torch.Tensor, alpha: torch.Tensor, straight: bool = False) -> None:
        """Keep colour [3, h, w] and alpha [h, w]. Plane by plane: a plane of scenery is large."""
        picture = torch.empty((4, *alpha.shape), dtype=torch.uint8, device=alpha.device)
        levels_ = (alpha * 255).round_().clamp_(0, 255)
        for plane, out in zip(colour, picture, strict=False):
            plane = plane * alpha if straight else plane.clone()
            torch.minimum(plane.round_().clamp_(min=0), levels_, out=plane)
            out.copy_(plane)
        picture[3].copy_(levels_)
        self.picture = picture


@dataclass
class LayerState:
    """A layer with its own canvas. H: float64 [T, 3, 3] from that canvas. size: its (w, h)."""

    given: LayerToSolve
    H: np.ndarray
    size: tuple[int, int]
    sharp: float
    drawings: dict[int, Drawing] = field(default_factory=dict)
    opacity: np.ndarray | None = None
    plate: Plate | None = None


def place(state: LayerState, t: int, box: Box, device: str) -> torch.Tensor | None:
    """The layer's drawing on frame t over a box of the frame: premultiplied float32 [4, h, w] (colour 0..255, alpha
    0..1), opacity applied; None where it shows nothing there."""
    placed = place_part(state, t, box)
    if placed is None:
        return None
    part, picture = placed
    if part == box:
        return picture
    out = torch.zeros((4, box[3] - box[1], box[2] - box[0]), device=device)
    out[(slice(None), *_slices(part, box))] = picture
    return out


def place_part(state: LayerState, t: int, box: Box) -> tuple[Box, torch.Tensor] | None:
    """As `place`, only the part of the box that the drawing may reach -> (that part, the drawing there)."""
    placed = placement(state, t, box)
    if placed is None:
        return None
    drawing, H, part = placed
    return part, rendered(drawing.picture, H, part, float(state.opacity[t]))


def rendered(picture: torch.Tensor, H: np.ndarray, box: Box, opacity: float = 1.0) -> torch.Tensor:
    """A picture, uint8 [4, h, w] premultiplied, placed by H over a box of the frame: as `place` gives it."""
    # a drawing's box has a transparent rim, so repeating its edge is the same as nothing there
    out = resample(picture, np.linalg.inv(H), box, a=RENDERED)
    alpha = out[3].clamp_(0, 255)
    for plane in out[:3]:
        torch.minimum(plane.clamp_(min=0), alpha, out=plane)
    alpha.mul_(1 / 255)
    if opacity != 1:
        out *= opacity
    return out


def _slices(part: Box, box: Box) -> tuple[slice, slice]:
    """Rows and columns of a box's arrays that a part of it covers."""
    return slice(part[1] - box[1], part[3] - box[1]), slice(part[0] - box[0], part[2] - box[0])


def lay_over(picture: torch.Tensor, placed: tuple[Box, torch.Tensor] | None, box: Box,
             known: torch.Tensor | None = None) -> None:
    """Put a placed layer, of place_part, over what is there already, in place. picture: float32 [3, h, w] levels over
    the box. known: float32 [h, w] 0..1, how well the picture is known: what lies behind an opaque layer need not be."""
    if placed is not None:
        part, top = placed
        through = 1 - top[3]
        for plane, colour in zip(picture[(slice(None), *_slices(part, box))], top[:3], strict=True):
            plane.mul_(through).add_(colour)
        if known is not None:
            there = known[_slices(part, box)]
            there.add_(top[3] * (1 - there))


def hide(through: torch.Tensor, state: LayerState, t: int, box: Box) -> None:
    """Let the layer cover what shows through a box of frame t, in place. through: uint8 [h, w] over the box, 255 where
    nothing covers it yet."""
    placed = placement(state, t, box)
    if placed is not None:
        drawing, H, part = placed
        alpha = share(drawing.picture[3], np.linalg.inv(H), part)
        there = through[_slices(part, box)]
        if not int(alpha.amax()) or not int(there.amax()):  # it shows nothing there, or nothing is left to cover
            return
        opacity = float(state.opacity[t])
        if opacity == 1 and int(there.amin()) == 255:  # one layer in front, as most often
            torch.bitwise_not(alpha, out=there)
        else:
            there.copy_((there * (1 - levels(alpha) * opacity)).round_())


def shown_box(state: LayerState, t: int, box: Box) -> Box | None:
    """The part of a box of frame t that the layer's drawing may reach, or None."""
    placed = placement(state, t, box)
    return None if placed is None else placed[2]


def placement(state: LayerState, t: int, box: Box) -> tuple[Drawing, np.ndarray, Box] | None:
    """The drawing shown on frame t, where its own px go, and the part of the box that it reaches."""
    d = int(state.given.drawing[t])
    drawing = state.drawings.get(d) if d >= 0 else None
    if drawing is None or drawing.picture is None:
        return None
    x0, y0, x1, y1 = drawing.box
    H = state.H[t] @ translation(x0, y0)
    part = footprint(H, (0, 0, x1 - x0, y1 - y0), box)
    return None if part is None else (drawing, H, part)


def plate_view(state: LayerState, t: int, box: Box) -> tuple[torch.Tensor, torch.Tensor]:
    """The opaque background over a box of frame t: colour [3, h, w] and how well it is known [h, w] 0..1."""
    back = np.linalg.inv(state.H[t])
    plate = state.plate
    part = footprint(back, (box[0] - 3, box[1] - 3, box[2] + 3, box[3] + 3), (0, 0, *state.size))
    x0, y0, x1, y1 = part
    back = translation(-x0, -y0) @ back
    colour = resample(plate.colour[:, y0:y1, x0:x1], back, box, a=RENDERED).clamp_(0, 255)
    seen = plate.seen[y0:y1, x0:x1]
    least, most = (int(end) for end in torch.aminmax(seen))
    if least == most:  # 0 or 255
        return colour, torch.full_like(colour[0], float(least > 0))
    return colour, levels(share(seen, back, box))


def _behind(state: LayerState, t: int, box: Box, between: list[tuple[Box, torch.Tensor]]
            ) -> tuple[torch.Tensor, torch.Tensor]:
    """The plate and the layers before it, back to front, as place_part gives them, over a box of frame t: float32
    [3, h, w] levels, and how well they are known, [h, w] 0..1. The plate is looked at only where it shows through."""
    opaque = None
    for part, top in between:
        if opaque is None:
            opaque = top[3].clone() if part == box else torch.zeros((box[3] - box[1], box[2] - box[0]),
                                                                    device=top.device)
        there = opaque[_slices(part, box)]
        torch.maximum(there, top[3], out=there)
    parts = [box] if opaque is None else wanting_parts(opaque, box, OPAQUE)
    if parts == [box]:
        behind, sure = plate_view(state, t, box)
    else:
        sure = torch.ones_like(opaque)
        covers = between[0][0] == box  # where it hides the plate, as scenery mostly does, it is all there is
        behind = between[0][1][:3] if covers else torch.zeros((3, *opaque.shape), device=opaque.device)
        for part in parts:
            at = _slices(part, box)
            colour, known = plate_view(state, t, part)
            if covers:
                lay_over(colour, (part, between[0][1][(slice(None), *at)]), part, known)
            behind[(slice(None), *at)], sure[at] = colour, known
        between = between[int(covers):]
    for placed in between:
        lay_over(behind, placed, box, sure)
    return behind, sure


def over(top: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
    """Premultiplied [4, h, w] over a picture [3, h, w] or premultiplied [4, h, w]."""
    return top[: below.shape[0]] + (1 - top[3]) * below


def view_around(states: list[LayerState], index: int, t: int, box: Box, hidden: np.ndarray | None,
                size: tuple[int, int], device: str) -> View:
    """Everything around layer `index` on frame t over a box of the frame.

    hidden: uint8 [hs, ws] at working size, what the masks in front cover; used while layers in front have no picture.
    """
    between = [placed for state in states[1:index] if (placed := place_part(state, t, box)) is not None]
    behind, sure = _behind(states[0], t, box, between)
    weight = torch.ones_like(sure)
    front, through = None, None
    for state in states[index + 1:]:
        top = place(state, t, box, device)
        if top is not None:
            front = top if front is None else over(top, front)
    if front is not None:
        weight = (1 - HIDES * front[3]).clamp(0, 1)
        # what shows through a translucent layer counts too, the less the more that layer's errors are amplified
        through = 1 - front[3]
        weight = torch.maximum(weight, torch.where(through > 0.25, VEILED * through**2, torch.zeros_like(through)))
    if hidden is not None:
        hs, ws = hidden.shape
        mask = share(torch.from_numpy(hidden).to(device), np.diag([ws / size[0], hs / size[1], 1.0]), box)
        weight = weight * levels(mask).mul_(-HIDES).add_(1).clamp_(0, 1)
    return View(behind, sure, weight, None if front is None else front[:3], through)
