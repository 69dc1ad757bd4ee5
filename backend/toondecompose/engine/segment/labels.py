"""All layers compete for every pixel: rigid ones by what their mosaics explain, redrawn ones by what none explains.

Evidence is kept as mass: float32 [L, T, h, w], >= 0, at most about 1 in sum; label l's share of the sum is how surely
the pixel is its, the sum itself how sure that is. Labels are the rigid layers, back to front, then the redrawn ones.
"""

from __future__ import annotations

import numpy as np
import torch

from . import evidence as ev
from .canvas import Mosaic, canvas_box, overlap, render, sample_planes, whole_picture
from .drawn import same_drawing
from .mosaic import build_mosaic
from .regions import Regions, flat_regions, rim_owner
from .roles import Traces, own, unexplained
from .walker import spread

EXPLAINED = 2.2  # standard deviations up to which a mosaic still explains a pixel
UNEXPLAINED = 2.5  # from here on it does not
HIDES = 0.65  # of the frames that show a place: a painting seen there so often hides what is behind it in all of them
HIDDEN_WALL = 0.04  # of the frame's width: what a plane's surroundings are, where something always hides it, counted
HIDDEN_FRAMES = 2.0  # like this many frames that show it
SEEN_TWICE = 1.5  # frames' worth of evidence: a point of a layer that more than one frame shows
FLAT_TEXTURE = 60  # of 255: weaker than a line; a gradient or a brush stroke does not part a flat region
BLOCK = 8  # frames that are in work at once
SPREAD_COUNTS = 0.1  # of a frame with evidence: what p was spread to without any

ALL = -1  # in place of a drawing's number: what all frames of a layer have in common
LayerMosaics = dict[int, Mosaic]  # a layer's drawings by number, and ALL


class Rigid:
    """The layers with a path at one picture size: transforms, presence, and which drawing each shows when.

    painted: the layers that are, or may be, planes: a painting does not change. drawing: int [T] per layer; ALL where
    its drawing is unknown. Layers that never change have only zeros. hiding: those with another plane behind them that
    shows little of itself, so that flat things might look like it: where they are they hide it.
    """

    def __init__(self, H: list[np.ndarray], present: list[np.ndarray], painted: list[bool],
                 drawing: list[np.ndarray] | None = None, hiding: list[bool] | None = None):
        self.H = H
        self.present = present
        self.painted = painted
        self.drawing = drawing or [np.zeros(len(on), int) for on in present]
        self.hiding = hiding or [False] * len(H)

    def __len__(self) -> int:
        return len(self.H)

    def exposures(self, i: int) -> dict[int, np.ndarray]:
        """Layer i's drawings -> in which frames they are seen, bool [T]; ALL only if there are others to compare."""
        numbers = sorted(set(self.drawing[i][self.present[i]].tolist()))
        return {n: self.present[i] & (True if n == ALL else self.drawing[i] == n) for n in numbers}

    def at(self, layer: list[LayerMosaics | None], i: int, t: int) -> Mosaic | None:
        """Which of layer i's mosaics frame t shows; None if it is not present or (presence) is everywhere."""
        return None if layer[i] is None or not self.present[i][t] else layer[i][int(self.drawing[i][t])]


def first_mass(traces: Traces, layers: list[int], redrawn: bool) -> torch.Tensor:
    """Evidence before any mosaic: does a textured pixel repeat under a layer's motion? -> mass float16 [L, T, h, w]."""
    mass = torch.empty(len(layers) + redrawn, *traces.texture.shape, dtype=torch.float16, device=traces.texture.device)
    for k, i in enumerate(layers):
        mass[k] = own(traces, i, [j for j in layers if j != i], solid=redrawn)
    if redrawn:
        mass[-1] = unexplained(traces, layers, solid=False)
    return mass


def regions_of(texture: torch.Tensor) -> list[Regions]:
    """Every frame's flat regions, of texture uint8 [T, h, w]."""
    return [flat_regions(one.cpu().numpy() < FLAT_TEXTURE) for one in texture]


def add_rims(mass: torch.Tensor, regions: list[Regions], weight: float = 0.5, only_unknown: bool = False
             ) -> torch.Tensor:
    """Mass with flat regions decided by their rims (labels must be in depth order, back to front).

    only_unknown: leave alone the pixels that have any evidence of their own.
    """
    out = mass.clone()
    front = mass[1:].sum(0).clamp(0, 1)
    # texture just beyond an occluder's outline is not this region's rim
    near = ev.largest_near(front, 2) if mass.shape[0] > 1 else torch.zeros_like(front)
    for t in range(len(regions)):
        m = mass[:, t].clone()
        m[0] *= 1 - near[t]
        owner, trust = rim_owner(regions[t], m.cpu().numpy())
        owner = torch.from_numpy(owner).to(mass.device)
        trust = torch.from_numpy(trust).to(mass.device) * weight
        if only_unknown:
            trust = trust * (1 - mass[:, t].sum(0) / 0.1).clamp(0, 1)
        for layer in range(mass.shape[0]):
            out[layer, t] += (owner == layer) * trust
    return out


def walk(pictures: torch.Tensor, mass: torch.Tensor) -> torch.Tensor:
    """Probabilities [L, T, h, w], summing to 1, from mass."""
    total = mass.sum(0)
    out = spread(pictures, mass[1:] / (total + 1e-6), total)
    first = (1 - out.sum(0)).clamp_min(0)
    p = torch.cat([first[None], out])
    return p / p.sum(0, keepdim=True).clamp_min(1e-6)


def mosaics(frames: torch.Tensor, rigid: Rigid, p: torch.Tensor, mass: torch.Tensor) -> list[LayerMosaics]:
    """Every rigid layer's mosaics, and in .seen / .votes how much of them belongs to the layer.

    A canvas point shows one colour only: samples beside sure texture outvote those amid flat areas.
    """
    out = []
    for i, H in enumerate(rigid.H):
        weight = torch.empty(mass.shape[1:], device=mass.device)
        for t in range(len(frames)):
            weight[t] = (1.5 * p[i, t].float() - 0.5).clamp_(0, 1) * (0.05 + ev.blur(mass[i, t].float(), 4.0))
        out.append({n: build_mosaic(frames, H, on, weight) for n, on in rigid.exposures(i).items()})
    return out


def presence(rigid: Rigid, p: torch.Tensor, mass: torch.Tensor | None = None) -> list[LayerMosaics | None]:
    """How surely a layer exists at each of its canvas points.

    votes = the frames' mean of p where nothing in front hides the point, seen = number of such frames. Given mass,
    frames that show evidence there outvote those in which p was only spread from elsewhere: a gap between trees is a
    gap in all frames once a cloud has been seen to pass behind it. None for the backmost layer, which is everywhere.
    """
    out: list[LayerMosaics | None] = [None, *({} for _ in range(1, len(rigid)))]
    size = p.shape[-1], p.shape[-2]
    for i in range(1, len(rigid)):
        H = rigid.H[i]
        for n, on in rigid.exposures(i).items():
            box = canvas_box(H, on, size)
            mine = torch.zeros(3, box[3] - box[1], box[2] - box[0], device=p.device)
            for t in (int(t) for t in np.flatnonzero(on)):
                part = overlap(box, canvas_box(H[t : t + 1], np.array([True]), size))
                if part is None:
                    continue
                x0, y0, x1, y1 = part
                free = (1 - p[i + 1 :, t].float().sum(0)).clamp_(0, 1)
                trust = 1.0 if mass is None else SPREAD_COUNTS + mass[:, t].float().sum(0).clamp_(0, 1)
                both = torch.stack([p[i, t].float() * trust, free * trust, free])
                got, inside = sample_planes(both, H[t], (x1 - x0, y1 - y0), (float(x0), float(y0)))
                mine[:, y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]] += got.mul_(inside)
            empty = torch.zeros_like(mine[0])
            if rigid.hiding[i]:  # what is always hidden of a plane is as its surroundings: walls go on behind people
                around = ev.blur(mine[:2], HIDDEN_WALL * size[0])
                mine[0] += HIDDEN_FRAMES * around[0] / around[1].clamp_min(1e-3)
                mine[1] += HIDDEN_FRAMES * (around[1] > 1e-3)
                mine[2] += HIDDEN_FRAMES * (around[1] > 1e-3)
            ratio = mine[0] / mine[1].clamp_min(1e-3)
            out[i][n] = Mosaic(empty.expand(3, -1, -1), ratio.clamp(0, 1), mine[2], empty, empty,
                               (float(box[0]), float(box[1])))
    return out


def find_drawings(frames: torch.Tensor, rigid: Rigid, p: torch.Tensor, noise: float) -> Rigid:
    """The same layers with their drawings told apart: redrawn sprites whose way is known have one mosaic each."""
    there = presence(rigid, p)
    drawing = [np.zeros(len(frames), int)]
    anywhere = p[len(rigid) :].sum(0)
    for i in range(1, len(rigid)):
        if rigid.painted[i]:
            drawing.append(np.zeros(len(frames), int))
            continue
        here = there[i][min(there[i])]
        seen = ev.largest_near(here.votes * here.seen, 2) >= SEEN_TWICE
        drawing.append(same_drawing(frames, rigid.H[i], rigid.present[i], p[i] + anywhere, p[i + 1 : len(rigid)].sum(0),
                                    seen, here.origin, noise))
    return Rigid(rigid.H, rigid.present, rigid.painted, drawing, rigid.hiding)


def covers(theres: list[torch.Tensor | None], hiding: list[bool]) -> list[tuple[int, torch.Tensor]]:
    """The layers that hide what is farther, nearest first, and how surely each does: float32 [h, w] in 0..1."""
    return [(i, ((theres[i][3] - HIDES) / 0.25).clamp(0, 1) * (theres[i][4] / 3).clamp(0, 1))
            for i in reversed(range(len(theres))) if hiding[i] and theres[i] is not None]


def uncovered(p: torch.Tensor, mass: torch.Tensor, theres: list[torch.Tensor | None], hiding: list[bool]
              ) -> torch.Tensor:
    """One frame's probabilities [L, h, w] after the hiding layers took what cannot be seen behind them, where there is
    no evidence (mass [L, h, w]): that falls to the farthest plane otherwise."""
    if not any(hiding):
        return p
    p = p.clone()
    unknown = 1 - mass.sum(0).clamp(0, 1)
    for j, cover in covers(theres, hiding):
        for i in range(j):
            moved = p[i] * cover * unknown
            p[i] -= moved
            p[j] += moved
    return p


def frame_mass(picture: torch.Tensor, tex: torch.Tensor, backs: list[torch.Tensor | None],
               theres: list[torch.Tensor | None], hiding: list[bool], shown: torch.Tensor, noise: float, redrawn: int
               ) -> torch.Tensor:
    """One frame's evidence from mosaics: a layer explains a pixel that the others do not; what none does is redrawn.

    picture: float32 [3, h, w]. tex: float32 [h, w] 0..1. backs: each rigid layer's rendered mosaic (None: not present).
    theres: each layer's rendered presence (None: everywhere). hiding: which layers hide what is farther wherever they
    are. shown: [L, h, w] the probabilities so far. redrawn: how
    many of the last labels are redrawn sprites.
    Returns mass [L, h, w].
    """
    fits, fails, unsure = [], [], []
    for back, here in zip(backs, theres, strict=True):
        if back is None:
            fits.append(torch.zeros_like(tex))
            fails.append(torch.ones_like(tex))
            unsure.append(torch.zeros_like(tex))
            continue
        z = ev.misfit(picture, back, noise)
        known = (back[3] / 0.2).clamp(0, 1)
        fit = ((EXPLAINED - z) / 1.5).clamp(0, 1) * known
        fail = ((z - UNEXPLAINED) / 2).clamp(0, 1) * known
        if here is not None:
            sure = (here[4] / 3).clamp(0, 1)
            absent = ((0.4 - here[3]) / 0.25).clamp(0, 1) * sure
            fit = fit * (1 - absent)
            fail = torch.maximum(fail, absent)
        fits.append(fit)
        fails.append(fail)
        unsure.append((1 - known) * (1 - fail))
    for j, cover in covers(theres, hiding):
        for i in range(j):
            fits[i] = fits[i] * (1 - cover)
            fails[i] = torch.maximum(fails[i], cover)
    none = torch.stack(fails).amin(0)
    mass = []
    for i, fit in enumerate(fits):
        # a layer never seen there might look like anything, so the one that explains texture is likelier
        others = [fails[j] + 0.5 * tex * unsure[j] for j in range(len(fits)) if j != i]
        alone = torch.stack(others).amin(0) if others else torch.ones_like(tex)
        mass.append(fit * alone * (0.15 + 0.85 * tex if redrawn else 1.0))
    if redrawn:  # among several redrawn sprites, as before
        before = shown[len(fits) :]
        return torch.cat([torch.stack(mass), none * before / before.sum(0, keepdim=True).clamp_min(1e-3)
                          if redrawn > 1 else none[None]])
    out = torch.stack(mass)
    if len(fits) > 1:
        # paintings do not change, drawings do (mouths, eyes): what nobody explains is a sprite's, the nearest one's
        near = ev.blur(shown[1:], 6.0)
        out[1:] += none * near / near.sum(0, keepdim=True).clamp_min(0.05)
    return out


def rendered(rigid: Rigid, pictures: list[LayerMosaics], there: list[LayerMosaics | None], t: int,
             shape: torch.Size) -> tuple[list[torch.Tensor | None], list[torch.Tensor | None]]:
    """Every rigid layer's mosaic and presence in frame t, None where not present / everywhere."""
    size = shape[-1], shape[-2]
    out = []
    for layer, colour in ((pictures, True), (there, False)):
        shown = [rigid.at(layer, i, t) for i in range(len(rigid))]
        out.append([None if m is None else render(m, rigid.H[i][t], size, colour) for i, m in enumerate(shown)])
    return out[0], out[1]


def solve(frames: torch.Tensor, rigid: Rigid, first: torch.Tensor, noise: float, redrawn: bool, rounds: int = 3,
          regions: list[Regions] | None = None) -> tuple[torch.Tensor, torch.Tensor, Rigid]:
    """Masks -> mosaics -> evidence -> masks. first: first_mass. regions: regions_of the frames' texture, if known.

    Returns (probabilities [L, T, h, w], the last mass, the layers with their drawings told apart).
    """
    texture = ev.texture_of(frames, noise)
    regions = regions or regions_of(texture)
    # half precision: these are the largest arrays of a long shot, and nobody asks for a thousandth of a probability
    first = first.half()
    mass, p = first.clone(), torch.empty_like(first)
    for turn in range(rounds + 1):
        pictures = mosaics(frames, rigid, p, mass) if turn else []
        there = presence(rigid, p, mass) if turn else []
        for start in range(0, len(frames), BLOCK):
            part = slice(start, start + BLOCK)
            new, nearer = first[:, part].float(), []
            if turn:
                new *= 0.5
                for t in range(start, start + new.shape[1]):
                    backs, theres = rendered(rigid, pictures, there, t, frames.shape)
                    for j, cover in covers(theres, rigid.hiding):
                        new[:j, t - start] *= 1 - cover
                    new[:, t - start] += frame_mass(whole_picture(frames[t]), texture[t].float() / 255, backs, theres,
                                                    rigid.hiding, p[:, t].float(), noise, redrawn)
                    nearer += [theres] if any(rigid.hiding) else []
                mass[:, part] = new
            # once a mosaic has been made without the sprites, rims only decide where it cannot
            p[:, part] = walk(whole_picture(frames[part]), add_rims(new, regions[part], only_unknown=turn > 1))
            for t, theres in enumerate(nearer, start):
                p[:, t] = uncovered(p[:, t].float(), new[:, t - start], theres, rigid.hiding)
        if turn == 1:
            rigid = find_drawings(frames, rigid, p, noise)
    return p, mass, rigid


def best_label(p: torch.Tensor) -> torch.Tensor:
    """The likeliest label, uint8 [...], of p [L, ...]; the backmost of equals."""
    label, best = torch.zeros_like(p[0], dtype=torch.uint8), p[0]
    for i in range(1, p.shape[0]):
        label = torch.where(p[i] > best, torch.full_like(label, i), label)
        best = torch.maximum(best, p[i])
    return label


def depth_order(rigid: Rigid, p: torch.Tensor, votes: np.ndarray | None = None) -> list[int]:
    """Labels back to front, by whose outline a common border is.

    At a border of a and b: where the layer a is known (from other frames) to go on under b, b hides a; where a ends,
    the border may be a's own outline. A redrawn label has no canvas, so it is compared only by what the rigid one does,
    and with other redrawn ones by `votes` [L, L] of their templates.
    """
    labels = best_label(p)
    count = p.shape[0]
    there = presence(rigid, p)
    V = np.zeros((count, count)) if votes is None else votes.astype(float)  # V[a, b]: a hides b
    size = p.shape[-1], p.shape[-2]
    for t in range(p.shape[1]):
        one = [(labels[t] == i).to(torch.float32) for i in range(count)]
        # slivers along an edge are resampling, not a layer; and the edge itself is mixed
        body = [ev.largest_near(-ev.largest_near(-m, 2), 2) * m for m in one]
        near = [ev.largest_near(m, 5) - ev.largest_near(m, 1) for m in one]
        for b in range(1, len(rigid)):
            if not rigid.present[b][t]:
                continue
            here = render(rigid.at(there, b, t), rigid.H[b][t], size, colour=False)
            known = here[4] >= 3
            for a in range(1, count):
                if a == b:
                    continue
                border = (body[a] > 0) & (near[b] > 0) & known
                V[a, b] += float((border & (here[3] > 0.7)).sum())
                V[b, a] += float((border & (here[3] < 0.3)).sum())
    left = list(range(1, count))
    order = [0]
    while left:  # the one that the fewest of the others lie behind comes first
        worst = {i: max([(V[i, j] + 5) / (V[i, j] + V[j, i] + 10) for j in left if j != i], default=0) for i in left}
        order.append(min(left, key=lambda i: (worst[i], i)))
        left.remove(order[-1])
    return order
