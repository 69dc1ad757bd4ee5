"""Which paths may be layers, a first guess at those that are, and what their lines say about who hides whom."""

from __future__ import annotations

import numpy as np
import torch

from . import evidence as ev
from .canvas import Mosaic, canvas_box, on_canvas, render
from .film import Pictures, Room, in_memory
from .parallax import speeds
from .roles import CLEARER, SINGLE, STEADY, Traces, best_share, border_share, how_much, own, rigidity, unexplained

SAME_MOTION = 1.0  # px at full resolution: paths that part by less over the clip follow the same thing
LEAST_SEEN = 0.001  # of all texture: thin words and a tiny figure have so much; which paths are layers, bits decide
LEAST_OWN = 0.01  # of all texture, for a first guess; and
LEAST_COVER = 0.15  # of the texture that the layers so far leave unexplained: less is a coincidence
UNCLEAR_VOTES = 7e-4  # of all pixels: fewer votes on who hides whom may be mistakes
FLAT = 0.1  # of a line's texture, nowhere within
NO_LINE = 2  # px: flat colour, which a path that is wrong by a pixel does not put where a line was
MOSTLY = 0.5  # share of the frames in which flat colour must repeat: it does under many motions by chance
MOST_BETWEEN = 6  # px between two frames on either side: farther apart, nothing that is drawn fills the way


def parting(Ha: np.ndarray, Hb: np.ndarray, both: np.ndarray, size: tuple[int, int]) -> float:
    """How far two motions part over the clip, px: upper quartile over frames of the mean over the frame."""
    w, h = size
    grid = np.array([[x * w, y * h, 1.0] for y in (0.2, 0.5, 0.8) for x in (0.2, 0.5, 0.8)]).T
    at = np.flatnonzero(both)
    if len(at) < 2:
        return np.inf
    middle = at[len(at) // 2]
    out = []
    for t in at:
        a, b = (H[t] @ np.linalg.inv(H[middle]) @ grid for H in (Ha, Hb))
        out.append(np.hypot(*(a[:2] / a[2] - b[:2] / b[2])).mean())
    return float(np.quantile(out, 0.75))


def _flat(traces: Traces, i: int, others: list[int], part: slice) -> torch.Tensor:
    """Flat colour of part of the frames that repeats clearly more under layer i's motion than under any other's: bool
    [n, h, w]. Where another one's line is known to be, that is the layer which hides the line."""
    share = traces.share[i][part].float()
    flat = ev.largest_near(traces.texture_bytes[part], NO_LINE) <= round(255 * FLAT)
    flat &= (share >= MOSTLY) & (traces.number[i][part] >= 3)
    return flat if not others else flat & (share - best_share(traces.share, others, part) >= CLEARER)


def _summed(where: Pictures, H: np.ndarray, present: np.ndarray, size: tuple[int, int], around: int = 0) -> Mosaic:
    """How many frames show a layer's places so: uint8 [T, h, w], and what is `around` px of it, summed on the layer's
    canvas, as its votes."""
    box = canvas_box(H, present, size)
    total = torch.zeros(box[3] - box[1], box[2] - box[0], device=where.device)
    for t in np.flatnonzero(present):
        total += on_canvas(ev.largest_near(where[t], around) if around else where[t], H[t], box)
    empty = torch.zeros_like(total)
    return Mosaic(empty.expand(3, -1, -1), total, empty, empty, empty, (float(box[0]), float(box[1])))


def _passes(where: Pictures, H: np.ndarray, over: np.ndarray, both: np.ndarray, size: tuple[int, int]) -> Mosaic:
    """`_summed` on another layer's canvas (its H: over), with the places between where it is in one frame and the next.
    """
    step = speeds([np.linalg.inv(over) @ H], [both], size)[0]
    return _summed(where, over, both, size, min(MOST_BETWEEN, round(step / 2 + 0.5)))


def votes(traces: Traces, layers: list[int], H: list[np.ndarray], present: list[np.ndarray], room: Room = in_memory
          ) -> np.ndarray:
    """V[a, b]: pixels surely a's, textured or flat, whose point on b's canvas has texture that is surely b's in at
    least two other frames, so that there a hides b. [n, n] for the layers in the order given.

    Flat pixels say so only where b is never seen before them: behind a walker's limb, which was here and is elsewhere
    now, the painting's flat colour shows; but he passes before that place of the painting too."""
    lines, able = {}, {}
    for i in layers:
        others = [j for j in layers if j != i]
        lines[i], able[i] = (room(traces.texture_bytes.shape, torch.uint8, traces.texture_bytes.device)
                             for _ in range(2))
        for part in traces.parts():
            mine = own(traces, i, others, part, solid=False) > 0.7
            lines[i][part], able[i][part] = mine, mine | _flat(traces, i, others, part)
    out = np.zeros((len(layers), len(layers)))
    size = traces.texture_bytes.shape[:0:-1]
    for b, j in enumerate(layers):
        canvas = _summed(lines[j], H[j], present[j], size)
        over = {i: _passes(able[j], H[j], H[i], present[i] & present[j], size)
                for i in layers if i != j and (present[i] & present[j]).any()}
        for t in np.flatnonzero(present[j]):
            hidden = render(canvas, H[j][t], size, colour=False)[0] >= 1.7
            for a, i in enumerate(layers):
                if i != j and present[i][t]:
                    never = render(over[i], H[i][t], size, colour=False)[0] < 0.5
                    out[a, b] += float((hidden & ((lines[i][t] > 0) | ((able[i][t] > 0) & never))).sum())
    return out


def candidates(traces: Traces, H: list[np.ndarray], present: list[np.ndarray], gain: list[float], scale: float,
               room: Room = in_memory) -> tuple[list[int], tuple[int, ...], dict[int, float],
                                                dict[tuple[int, int], float], dict[int, float], set[int]]:
    """Paths that may be layers: each explains texture, and moves otherwise than the ones before.

    Returns (their indices, a first guess at those that are layers, back to front, the share of the frame's border that
    each explains, how clearly the first of two was seen to hide the other one: -1 (the other way round) to 1, each
    one's rigidity, those that are surely one drawing).
    """
    h, w = traces.texture_bytes.shape[1:]
    whole = max(sum(float(traces.texture(part, solid=True).sum()) for part in traces.parts()), 1.0)
    kept: list[int] = []
    for i in range(len(H)):
        same = any(parting(H[j], H[i], present[i] & present[j], (w, h)) < SAME_MOTION * scale for j in kept)
        if not kept or (not same and how_much(traces, i, kept) > LEAST_SEEN * whole):
            kept.append(i)
    V = votes(traces, kept, H, present, room)
    border = {i: border_share(traces, i) for i in kept}
    back = {}
    for b, i in enumerate(kept):
        ratio = min([(V[a, b] + 50) / (V[a, b] + V[b, a] + 100) for a in range(len(kept)) if a != b], default=0.5)
        back[i] = ratio * (0.1 + border[i]) * (0.1 + gain[i] / max([1e-9, *gain])) ** 0.5
    first = max(kept, key=lambda i: back[i])
    chosen = [first]
    rigid = {i: (1.0, 1.0) if i == first else rigidity(traces, i, [j for j in kept if j != i], H, present)
             for i in kept}
    steady, single = {i: share for i, (share, _) in rigid.items()}, {i for i in kept if rigid[i][1] >= SINGLE}
    alone = {i: how_much(traces, i, chosen) for i in kept if i != first}
    for i in sorted(alone, key=lambda i: -alone[i]):
        mine = alone[i] if chosen == [first] else how_much(traces, i, chosen)
        if (steady[i] >= STEADY and mine > LEAST_OWN * whole
                and mine > LEAST_COVER * sum(float(unexplained(traces, chosen, part).sum())
                                             for part in traces.parts())):
            chosen.append(i)

    def behind(i: int) -> float:
        b = kept.index(i)
        return sum((V[a, b] + 10) / (V[a, b] + V[b, a] + 20) for a in (kept.index(j) for j in chosen) if a != b)

    doubt = UNCLEAR_VOTES * traces.texture_bytes.numel()
    hides = {(i, j): float((V[a, b] - V[b, a]) / (V[a, b] + V[b, a] + 2 * doubt))
             for a, i in enumerate(kept) for b, j in enumerate(kept) if a != b}
    return kept, (first, *sorted(chosen[1:], key=lambda i: -behind(i))), border, hides, steady, single
