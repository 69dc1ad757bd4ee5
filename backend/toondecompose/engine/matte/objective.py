"""How good the layers are as they stand: description length, and votes on who is in front."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.lattice import place_thinly
from toondecompose.engine.matte.marks import above, places_of, taken
from toondecompose.engine.matte.plates import frame_tensor
from toondecompose.engine.matte.resample import Box, footprint
from toondecompose.engine.matte.state import (
    LayerState,
    lay_over,
    place,
    place_part,
    placement,
    plate_view,
    shown_box,
)

LOOKS = 8  # frames that are recomposed for the objective
STRIP = 256  # rows
TEXTURE = 4.0  # levels; steps below it cost nothing to code
CLEAR_VOTE = 24.0  # levels (sum over RGB) by which one layer must explain a px better to vote
COVERS = 0.6  # alpha; a wrong order leaves the drawing listed in front half transparent where it is hidden
SOLID = 0.9  # alpha from which what a drawing hides does not show through it
MIN_VOTES = 150  # px
VOTERS = 20_000  # px of an overlap on one frame that are asked; of larger ones a lattice is
ASKED = 24  # frames of two layers' overlap, spread over all of them, that are asked
MAJORITY = 2.0


def looks(count: int) -> list[int]:
    """Evenly spaced frames, at most LOOKS."""
    return sorted({int(t) for t in np.linspace(0, count - 1, min(LOOKS, count)).round()})


def recompose(states: list[LayerState], t: int, box: Box, device: str) -> torch.Tensor:
    """All layers over one another on frame t: float32 [3, h, w] levels."""
    picture = plate_view(states[0], t, box)[0]
    for state in states[1:]:
        lay_over(picture, place_part(state, t, box), box)
    return picture


def description_length(source: FrameSource, states: list[LayerState], noise: float, device: str) -> float:
    """Bits per px of the clip: what recomposition leaves unexplained plus what the drawings cost once.

    A px missed by r levels costs log2(1 + (r / noise)^2) / 2 bits; a canvas px costs the logarithm of its texture."""
    box = (0, 0, *source.size)
    frames = looks(source.count)
    missed = 0.0
    for t in frames:
        r2 = (frame_tensor(source.read(t), device) - recompose(states, t, box, device)).square().mean(0)
        # float64 sums on the host: the same on every device and thread count
        missed += float(np.log2(1 + r2.cpu().numpy() / np.float32(noise**2)).sum(dtype=np.float64)) / 2
    area = source.size[0] * source.size[1]
    drawings = [d.picture for s in states[1:] for d in s.drawings.values() if d.picture is not None]
    pictures = 0.0
    for picture in drawings:
        pictures += _texture_bits(picture[:3])
        source.rest()
    pictures += _texture_bits(states[0].plate.colour)
    return missed / (area * len(frames)) + pictures / (area * source.count)


def _texture_bits(colour: torch.Tensor) -> float:
    """Bits that a canvas's texture costs. Strip by strip: a panorama is large, and sums are in float64."""
    bits = 0.0
    for top in range(0, colour.shape[1], STRIP):
        grey = colour[:, top:top + STRIP + 1].float().mean(0).cpu().numpy()
        down, right = np.diff(grey, axis=0, append=grey[-1:]), np.diff(grey, axis=1, append=grey[:, -1:])
        step = np.maximum(np.abs(down), np.abs(right))[:STRIP]
        bits += float(np.log2(step[step > TEXTURE] / TEXTURE).sum(dtype=np.float64))
    return bits


def order_votes(source: FrameSource, states: list[LayerState], device: str, voters: float = VOTERS,
                asked: int = ASKED, draft: bool = False) -> np.ndarray:
    """votes[i, j]: px of overlaps where layer i's colour, not layer j's, is what the frames show (i in front of j).

    Where a ghost j is in front of i, the frame does not show the ghost's colour, but a mixed one; and a drawing of i
    that is never seen apart from the ghost has just these mixed colours. So such a drawing votes for i only where j is
    solid. draft: all drawings vote, for most of a draft's are not matched with one another yet.

    voters: px of an overlap that are asked on each frame, each for its neighbours on the lattice (inf: all of them).
    asked: frames in which two layers overlap that are asked, each for those around it."""
    votes = np.zeros((len(states), len(states)), np.int64)
    box = (0, 0, *source.size)
    reach = [{k: shown_box(s, t, box) for k, s in enumerate(states) if k} for t in range(source.count)]
    asks: dict[int, list[tuple[int, int, Box, float]]] = {}  # by frame, so that each is read once
    pairs = [(i, j) for j in range(1, len(states)) for i in range(1, j)]
    cores = _cores(source, states, box) if pairs and not draft else []
    for i, j in pairs:
        met = [(t, overlap) for t, boxes in enumerate(reach) if (overlap := _overlap(boxes[i], boxes[j])) is not None]
        few = [met[k] for k in np.linspace(0, len(met) - 1, min(asked, len(met))).round().astype(int)]
        for t, overlap in few:
            asks.setdefault(t, []).append((i, j, overlap, len(met) / len(few)))
    for t in sorted(asks):
        for i, j, overlap, each in asks[t]:
            x0, y0, x1, y1 = overlap
            step = max(1, int(((x1 - x0) * (y1 - y0) / voters) ** 0.5))
            both, first, second = _where_both(states[i], states[j], t, overlap, step, device)
            if not len(both):
                continue
            frame = taken(frame_tensor(source.read(t)[y0:y1:step, x0:x1:step], device), both)
            miss_i, miss_j = ((frame - p[:3] / p[3]).abs().sum(0) for p in (first, second))
            for a, b, better, hidden in ((i, j, miss_j - miss_i, second), (j, i, miss_i - miss_j, first)):
                clear = better > CLEAR_VOTE
                if not draft and not _seen_apart(states[a], t, a, b, cores):
                    clear &= hidden[3] >= SOLID
                votes[a, b] += round(int(clear.sum()) * step**2 * each)
    return votes


def _where_both(first: LayerState, second: LayerState, t: int, box: Box, step: int, device: str
                ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Flat places [n] on a lattice of every `step`-th px of a box of frame t that two layers cover, and how these look
    there: float32 [4, n] each, as `place` gives them."""
    if step == 1:
        whole = [place(state, t, box, device) for state in (first, second)]
        both = places_of(above(whole[0][3], COVERS) & above(whole[1][3], COVERS))
        return both, taken(whole[0], both), taken(whole[1], both)
    thin = [place_thinly(state, t, box, step, device) for state in (first, second)]
    if None in thin:
        nothing = torch.zeros(0, dtype=torch.long, device=device)
        return nothing, nothing, nothing
    both = places_of(above(thin[0].alpha(), COVERS) & above(thin[1].alpha(), COVERS))
    return both, thin[0].at(both), thin[1].at(both)


def _cores(source: FrameSource, states: list[LayerState], box: Box) -> list[dict[int, Box | None]]:
    """By frame, the part of a box of it that each layer's drawing covers, without its margin and its glow."""
    out: list[dict[int, Box | None]] = [{} for _ in range(source.count)]
    for k, state in enumerate(states[1:], 1):
        covered = {n: cv2.boundingRect((d.picture[3] >= 128).to(torch.uint8).cpu().numpy())
                   for n, d in state.drawings.items() if d.picture is not None}
        for t, here in enumerate(out):
            placed = placement(state, t, box)
            x, y, w, h = covered[int(state.given.drawing[t])] if placed is not None else (0, 0, 0, 0)
            here[k] = footprint(placed[1], (x, y, x + w, y + h), box) if placed is not None and w else None
        source.rest()
    return out


def _seen_apart(state: LayerState, t: int, layer: int, other: int, cores: list[dict[int, Box | None]]) -> bool:
    """Whether the drawing that a layer shows on frame t is shown where the other layer is not, on some frame."""
    exposures = np.flatnonzero(state.given.drawing == state.given.drawing[t])
    return any(cores[u][layer] is not None and _overlap(cores[u][layer], cores[u][other]) is None for u in exposures)


def _overlap(a: Box | None, b: Box | None) -> Box | None:
    if a is None or b is None:
        return None
    box = (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    return box if box[2] > box[0] and box[3] > box[1] else None


def voted_order(votes: np.ndarray) -> list[int]:
    """Back to front order of layers; neighbours in the given order swap only where the votes clearly say so."""
    order = list(range(len(votes)))
    for _ in order:
        for k in range(1, len(order) - 1):
            back, front = order[k], order[k + 1]
            if votes[back, front] >= MIN_VOTES and votes[back, front] > MAJORITY * votes[front, back]:
                order[k], order[k + 1] = front, back
    return order
