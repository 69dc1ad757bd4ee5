"""What every motion explains: how much of it is a layer's own, stays, and reaches along the frame's border.

Never by area or strength: the background is what others hide. A layer must explain texture that no other explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ..matte.marks import above
from . import evidence as ev
from .canvas import Mosaic, canvas_box, on_canvas, render
from .film import Pictures, Room, in_memory
from .holds import telling

REPEATS = 0.35  # share of the frames showing a point in which it must look the same to be surely a layer's
CHANCE = 0.15  # share that a pixel reaches by chance, or because a slow sprite has not yet moved away
BLOCK = 4  # frames worked on at once: what a CPU's cache holds
CLEARER = 0.25  # by how much the better of two layers must repeat more often


@dataclass
class Traces:
    """What every path explains, at labelling size.

    share, whole: of every path float16 [T, h, w], how often a pixel, and the worst of its surroundings, repeats. alike:
    how often it may repeat, more kindly judged: what is no layer's must be unlike all of them. number: frames
    compared. texture_bytes: uint8 [T, h, w], as evidence.texture_of measures it, and corners: as
    evidence.cornerness_of does.
    """

    share: list[Pictures]
    whole: list[Pictures]
    alike: list[Pictures]
    number: list[Pictures]
    texture_bytes: Pictures
    corners: Pictures

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.texture_bytes)

    def parts(self) -> Iterator[slice]:
        """All frames, a few at a time."""
        return (slice(t, min(len(self), t + BLOCK)) for t in range(0, len(self), BLOCK))

    def texture(self, part: slice, solid: bool = False) -> torch.Tensor:
        """Texture of part of the frames, float32 [n, h, w] 0..1. solid: where it is no straight edge (one that slides
        along itself repeats under a wrong motion too)."""
        tex = self.texture_bytes[part].to(torch.float32) / 255
        return tex * (0.1 + 0.9 / 255 * self.corners[part].to(torch.float32)) if solid else tex

    def joined(self, frames: Pictures, H: list[np.ndarray], present: list[np.ndarray], noise: float,
               room: Room = in_memory) -> Traces:
        """These traces and those of some more paths of the same frames (uint8 [T, 3, h, w])."""
        more = _repeats(frames, H, present, noise, self.texture_bytes, room)
        mine = self.share, self.whole, self.alike, self.number
        return Traces(*(a + b for a, b in zip(mine, more, strict=True)), self.texture_bytes, self.corners)

    def of_exposures(self, frames: Pictures, H: list[np.ndarray], present: list[np.ndarray], layers: list[int],
                     noise: float, room: Room = in_memory) -> Traces:
        """These traces, of the paths that are layers by pairs of frames only that tell them from each other: a drawing
        that is held says once what it says. frames: uint8 [T, 3, h, w]."""
        out = [list(of) for of in (self.share, self.whole, self.alike, self.number)]
        ways, on = [H[i] for i in layers], [present[i] for i in layers]
        for k, i in enumerate(layers):
            tells = telling(ways, on, k, self.texture_bytes.shape[:0:-1])
            if tells is not None:
                more = _repeats(frames, [H[i]], [present[i]], noise, self.texture_bytes, room, tells)
                for kind, (found,) in zip(out, more, strict=True):
                    kind[i] = found
        return Traces(*out, self.texture_bytes, self.corners)


def trace(frames: Pictures, H: list[np.ndarray], present: list[np.ndarray], noise: float, room: Room = in_memory
          ) -> Traces:
    """Agreement of every path with the frames (uint8 [T, 3, h, w])."""
    texture = ev.texture_of(frames, noise, room)
    return Traces(*_repeats(frames, H, present, noise, texture, room), texture, ev.cornerness_of(frames, room))


def _repeats(frames: Pictures, H: list[np.ndarray], present: list[np.ndarray], noise: float, texture: Pictures,
             room: Room, tells: np.ndarray | None = None
             ) -> tuple[list[Pictures], list[Pictures], list[Pictures], list[Pictures]]:
    """Traces' share, whole, alike and number. texture: uint8 [T, h, w]. tells: bool [T, T], the pairs of frames that
    are compared (None: all)."""
    out = [], [], [], []
    pictures = ev.with_tolerance(frames, noise, room)
    for h, on in zip(H, present, strict=True):
        share, alike, number = ev.agreement(pictures, h, on, noise, room, tells)
        whole = room(texture.shape, torch.float16, frames.device)
        for t in range(len(frames)):
            # the foot of a sprite's edge looks like its flat surroundings: an edge repeats only if all of it does
            edge = torch.maximum(share[t].float(), 1 - texture[t].float())  # a share is 1 at most
            whole[t] = -ev.largest_near(-edge, 2) * above(number[t].float(), 2 - 1e-3).float()
        for kind, found in zip(out, (share, whole, alike, number), strict=True):
            kind.append(found)
    return out


def own(traces: Traces, i: int, others: list[int], part: slice, solid: bool = True) -> torch.Tensor:
    """How surely each pixel of part of the frames is layer i's and none of the others': float32 [n, h, w] 0..1.

    solid: straight edges count a tenth, for a redrawn sprite's may slide along themselves.
    """
    sure = ((traces.whole[i][part].float() - 0.2) / (REPEATS - 0.2)).clamp_(0, 1)
    sure *= traces.texture(part, solid)
    if others:
        sure *= ((traces.share[i][part].float() - best_share(traces.share, others, part)) / CLEARER).clamp_(0, 1)
    return sure


def best_share(share: list[Pictures], layers: list[int], part: slice) -> torch.Tensor:
    """The largest share [T, h, w] of any of the layers in part of the frames: float32 [n, h, w]."""
    best = share[layers[0]][part]
    for i in layers[1:]:
        best = torch.maximum(best, share[i][part])
    return best.float()


def unexplained(traces: Traces, layers: list[int], part: slice, solid: bool = True) -> torch.Tensor:
    """How surely each pixel of part of the frames is no rigid layer's: float32 [n, h, w] 0..1."""
    known = traces.number[layers[0]][part] >= 3
    for i in layers[1:]:
        known &= traces.number[i][part] >= 3
    none = ((CHANCE + 0.01 - best_share(traces.alike, layers, part)) / 0.08).clamp_(0, 1) * known
    return none.mul_(traces.texture(part, solid))


def how_much(traces: Traces, i: int, others: list[int]) -> float:
    """Texture that is layer i's and none of the others', px."""
    return sum(float(own(traces, i, others, part).sum()) for part in traces.parts())


def rigidity(traces: Traces, i: int, others: list[int], H: list[np.ndarray], present: list[np.ndarray]
             ) -> tuple[float, float]:
    """Share of a layer's own region, over time, that its motion alone explains in most frames: 1 for one unchanging
    drawing, about 1/n for n drawings in turn. Texture that other layers explain does not count.

    Returns it, and the same of what its motion explains at all: who walks in front of the layer does not count either.
    """
    h, w = traces.texture_bytes.shape[1:]
    box = canvas_box(H[i], present[i], (w, h))
    use = [slice(t, t + 1) for t in np.flatnonzero(present[i])]
    total = torch.zeros(box[3] - box[1], box[2] - box[0], device=traces.texture_bytes.device)
    for t in use:
        total += on_canvas(own(traces, i, others, t)[0] > 0.35, H[i][t.start], box)
    empty = torch.zeros_like(total)
    region = ev.largest_near((total >= 1.7).to(torch.float32), 3)
    canvas = Mosaic(empty.expand(3, -1, -1), region, empty, empty, empty, (float(box[0]), float(box[1])))
    good, bad, passing = 0.0, 0.0, 0.0
    for t in use:
        inside = render(canvas, H[i][t.start], (w, h), colour=False)[0]
        mine = own(traces, i, others, t)
        steady = ((traces.share[i][t].float() - 0.45) / 0.2).clamp(0, 1) * mine
        good += float((steady * inside).sum())
        bad += float(((mine - steady) * inside).sum())
        passing += float((unexplained(traces, [*others, i], t) * inside).sum())
    return good / max(good + bad + passing, 1e-6), good / max(good + bad, 1e-6)


SINGLE = 0.9  # of what a motion explains at all: surely one drawing, though others walk along in front of it
STEADY = 0.75  # rigidity of one drawing, allowing for a changing mouth; two drawings in turn reach 0.65
# of the texture along the frame's border: a layer that explains so much of it, and no worse than the others, may be a
# plane. A sprite that moves nearly with the background explains much of it too, but worse.
WIDE = 0.25
# of the frame's width in which a plane has texture of its own: a sky has stars and clouds here and there, a sprite not
ACROSS = 0.5


@dataclass
class Roles:
    """rigid: indices of the paths that are layers, in depth order from back to front; the first is the background.

    plane: which of them are planes (the first one is). painted: which may be: their picture never changes.
    redrawn: how many sprites have no path (None: unknown, but some). confidence: of the choice of the background, 0..1.
    """

    rigid: list[int]
    plane: list[bool]
    painted: list[bool]
    redrawn: int | None
    confidence: float
    notes: list[str]

    def add(self, place: int, path: int) -> None:
        """One more plane, at a place in the depth order."""
        self.rigid.insert(place, path)
        self.plane.insert(place, True)
        self.painted.insert(place, True)
        self.notes.append("1 more plane that slides at another rate")


def border_share(traces: Traces, i: int, others: list[int] | None = None) -> float:
    """Share of the texture along the frame's border that a layer explains; given others, no worse than any of them."""
    edge = max(2, traces.texture_bytes.shape[-1] // 40)
    ring = torch.ones(traces.texture_bytes.shape[1:], device=traces.texture_bytes.device)
    ring[edge:-edge, edge:-edge] = 0
    at = torch.nonzero(ring.flatten())[:, 0]

    def along(planes: Pictures) -> torch.Tensor:
        return torch.stack([one.flatten().index_select(0, at) for one in planes]).float()

    tex = along(traces.texture_bytes) / 255
    mine = ((along(traces.whole[i]) - 0.2) / 0.15).clamp(0, 1)
    if others:
        best = torch.stack([along(traces.share[j]) for j in others]).amax(0)
        mine = mine * (1 - (best - along(traces.share[i])) / CLEARER).clamp(0, 1)
    return float((tex * mine).sum() / tex.sum().clamp_min(1e-6))


def spread(traces: Traces, i: int, others: list[int]) -> float:
    """In how many of a frame's 16 columns a layer has texture of its own, on average over the frames: 0..1."""
    width = traces.texture_bytes.shape[-1] // 16 * 16
    columns = torch.cat([own(traces, i, others, part)[..., :width].sum(1) for part in traces.parts()])
    columns = columns.reshape(len(columns), 16, -1).sum(-1)
    return float((columns > 0.01 * columns.sum(1, keepdim=True).clamp_min(1.0)).to(torch.float32).mean())
