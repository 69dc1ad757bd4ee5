"""All layers compete for every pixel: rigid ones by what their mosaics explain, redrawn ones by what none explains.

Evidence is kept as mass: float32 [L, T, h, w], >= 0, at most about 1 in sum; label l's share of the sum is how surely
the pixel is its, the sum itself how sure that is. Labels are the rigid layers, back to front, then the redrawn ones.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from . import evidence as ev
from .canvas import whole_picture
from .drawn import same_drawing
from .enclosed import enclosed
from .film import Pictures, Room, copied, in_memory
from .hiding import covers, uncovered
from .layers import Rigid, mosaics, presence, rendered
from .regions import Regions, flat_regions, rim_owner
from .roles import Traces, own, unexplained
from .walker import halved, spread

EXPLAINED = 2.2  # standard deviations up to which a mosaic still explains a pixel
UNEXPLAINED = 2.5  # from here on it does not
SEEN_TWICE = 1.5  # frames' worth of evidence: a point of a layer that more than one frame shows
FLAT_TEXTURE = 60  # of 255: weaker than a line; a gradient or a brush stroke does not part a flat region
BLOCK = 8  # frames that are in work at once
MOST_REGIONS = 2**23  # px of a clip's frames: of a longer one flat regions are found anew in every round
HALVED_FROM = 200  # px across: narrower pictures lose their outlines at half the size


def first_mass(traces: Traces, layers: list[int], redrawn: bool, room: Room = in_memory) -> Pictures:
    """Evidence before any mosaic: does a textured pixel repeat under a layer's motion? -> mass float16 [L, T, h, w]."""
    shape = len(layers) + redrawn, *traces.texture_bytes.shape
    mass = room(shape, torch.float16, traces.texture_bytes.device)
    for part in traces.parts():
        for k, i in enumerate(layers):
            mass[k, part] = own(traces, i, [j for j in layers if j != i], part, solid=redrawn)
        if redrawn:
            mass[-1, part] = unexplained(traces, layers, part, solid=False)
    return mass


def regions_of(texture: Pictures) -> list[Regions]:
    """Every frame's flat regions, of texture uint8 [T, h, w]."""
    return [flat_regions(one.cpu().numpy() < FLAT_TEXTURE) for one in texture]


def add_rims(mass: torch.Tensor, regions: list[Regions], weight: float = 0.5, only_unknown: bool = False,
             inside: Pictures | None = None) -> torch.Tensor:
    """Mass with flat regions decided by their rims (labels must be in depth order, back to front). only_unknown: leave
    alone the pixels that have any evidence of their own. inside: uint8 [T, h, w], 1 in the last label's outlines."""
    out, front = mass.clone(), mass[1:].sum(0).clamp(0, 1)
    # texture just beyond an occluder's outline is not this region's rim
    near = ev.largest_near(front, 2) if mass.shape[0] > 1 else torch.zeros_like(front)
    for t in range(len(regions)):
        m = mass[:, t].clone()
        m[0] *= 1 - near[t]
        owner, trust = rim_owner(regions[t], m.cpu().numpy())
        owner = torch.from_numpy(owner).to(mass.device)
        trust = torch.from_numpy(trust).to(mass.device) * weight
        if inside is not None:
            owner[inside[t] > 0], trust[inside[t] > 0] = len(mass) - 1, weight
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


def find_drawings(frames: Pictures, rigid: Rigid, p: Pictures, noise: float, room: Room = in_memory) -> Rigid:
    """The same layers with their drawings told apart: redrawn sprites whose way is known have one mosaic each."""
    if all(rigid.painted[1:]):
        return Rigid(rigid.H, rigid.present, rigid.painted, [np.zeros(len(frames), int) for _ in rigid.H], rigid.hiding)
    there, drawing = presence(rigid, p), [np.zeros(len(frames), int)]
    shown, hidden = (room(p.shape[1:], p.dtype, p.device) for _ in range(2))
    for i in range(1, len(rigid)):
        if rigid.painted[i]:
            drawing.append(np.zeros(len(frames), int))
            continue
        here = there[i][min(there[i])]
        seen = ev.largest_near(here.votes * here.seen, 2) >= SEEN_TWICE
        for t in range(len(frames)):
            shown[t], hidden[t] = p[i, t] + p[len(rigid) :, t].sum(0), p[i + 1 : len(rigid), t].sum(0)
        drawing.append(same_drawing(frames, rigid.H[i], rigid.present[i], shown, hidden, seen, here.origin, noise))
    return Rigid(rigid.H, rigid.present, rigid.painted, drawing, rigid.hiding)


def misfits_of(picture: torch.Tensor, backs: list[torch.Tensor | None], noise: float) -> list[torch.Tensor | None]:
    """How badly each layer's rendered mosaic explains a frame, float32 [h, w]; None where it is not present."""
    return [None if back is None else ev.misfit(picture, back, noise) for back in backs]


def frame_mass(misfits: list[torch.Tensor | None], tex: torch.Tensor, backs: list[torch.Tensor | None],
               theres: list[torch.Tensor | None], hiding: list[bool], shown: torch.Tensor, redrawn: int,
               at: torch.Tensor | None = None) -> torch.Tensor:
    """One frame's evidence from mosaics: a layer explains a pixel that the others do not; what none does is redrawn.

    misfits: float32 [h, w], of each rigid layer's mosaic, and backs: that rendered (None: not present). tex: float32
    [h, w] 0..1.
    theres: each layer's rendered presence [2, h, w] (None: everywhere). hiding: which layers hide what is farther
    wherever they are. shown: [L, h, w] the probabilities so far. redrawn: how many of the last labels are redrawn
    sprites. at: int64 [n], the numbers of the pixels that are asked about, tex [n] and theres [2, n] being of them
    already (None: all of them).
    Returns mass [L, h, w], or [L, n].
    """

    def asked(planes: torch.Tensor) -> torch.Tensor:
        return planes if at is None else planes.flatten(-2).index_select(-1, at)

    fits, fails, unsure = [], [], []
    for z, back, here in zip(misfits, backs, theres, strict=True):
        if back is None:
            fits.append(torch.zeros_like(tex))
            fails.append(torch.ones_like(tex))
            unsure.append(torch.zeros_like(tex))
            continue
        z = asked(z)
        known = (asked(back[3]) / 0.2).clamp(0, 1)
        fit = ((EXPLAINED - z) / 1.5).clamp(0, 1) * known
        fail = ((z - UNEXPLAINED) / 2).clamp(0, 1) * known
        if here is not None:
            share, number = here
            absent = ((0.4 - share) / 0.25).clamp(0, 1) * (number / 3).clamp(0, 1)
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
        before = asked(shown[len(fits) :])
        return torch.cat([torch.stack(mass), none * before / before.sum(0, keepdim=True).clamp_min(1e-3)
                          if redrawn > 1 else none[None]])
    out = torch.stack(mass)
    if len(fits) > 1:
        # paintings do not change, drawings do (mouths, eyes): what nobody explains is a sprite's, the nearest one's
        near = asked(ev.blur(shown[1:], 6.0))
        out[1:] += none * near / near.sum(0, keepdim=True).clamp_min(0.05)
    return out


def solve(frames: Pictures, rigid: Rigid, first: Pictures, noise: float, redrawn: bool, rounds: int = 3,
          texture: Pictures | None = None, regions: list[Regions] | None = None, everywhere: bool = False,
          several: bool = True) -> tuple[Pictures, Pictures, Rigid]:
    """All rounds of a `Labelling` -> (probabilities [L, T, h, w], the last mass, the layers with their drawings told
    apart)."""
    labelling = Labelling(frames, rigid, first, noise, redrawn, rounds, texture, regions, everywhere, several)
    labelling.begin()
    return labelling.finish()


class Labelling:
    """Masks -> mosaics -> evidence -> masks, in rounds. The first two show roughly who is where; what they find may
    change the layers, and then another labelling begins.

    first: first_mass. texture: uint8 [T, h, w] of the frames, and regions: regions_of that, if known. everywhere: every
    round at full size, as a test asks; else all but the last one are made at half of it, for which round's mosaics an
    outline is a pixel wider hardly matters. several: there may be more sprites than one, which so wide an outline joins
    where they pass each other: the last two are made at full size.
    """

    def __init__(self, frames: Pictures, rigid: Rigid, first: Pictures, noise: float, redrawn: bool,
                 rounds: int = 3, texture: Pictures | None = None, regions: list[Regions] | None = None,
                 everywhere: bool = False, several: bool = True, room: Room = in_memory):
        self.frames, self.rigid, self.noise, self.redrawn, self.rounds = frames, rigid, noise, redrawn, rounds
        self.texture = ev.texture_of(frames, noise) if texture is None else texture
        self.regions, self.room = regions, room
        # half precision: these are the largest arrays of a long shot, and nobody asks for a thousandth of a probability
        self.first = first if first.dtype == torch.float16 else copied(first, room)
        self.mass, self.p = copied(first, room), room(first.shape, torch.float16, first.device)
        self.inside: Pictures | None = None  # uint8 [T, h, w], 1 where flat px lie inside redrawn outlines
        self.coarse, self.turns = None, 0  # the same at half the size, and how many rounds are made there
        if not everywhere and frames.shape[-1] >= HALVED_FROM:
            # without redrawn sprites, the outlines found so far are where mosaics of sprites end
            self.turns = rounds if redrawn and not several else min(rounds, max(2, rounds - 1))

    def begin(self) -> Pictures:
        """The first two rounds -> probabilities [L, T, h, w] so far."""
        if self.turns:
            self.coarse = self._halved()
        for turn in (0, 1):
            self._round(turn)
        return self.p

    def open(self, who: np.ndarray, gaps: np.ndarray) -> None:
        """Take over openings, of which `first` has the evidence now: px `gaps`, bool [T, h, w], which are layers' who,
        uint8 [T, h, w]."""
        for t in np.flatnonzero(gaps.any((1, 2))):
            there, label = (torch.from_numpy(one[t]).to(self.p.device) for one in (gaps, who))
            for i in range(len(self.p)):
                self.p[i, t] = torch.where(there, (label == i).to(self.p[i, t]), self.p[i, t])
                self.mass[i, t] = torch.where(there, self.first[i, t], self.mass[i, t])
        if self.coarse is not None:
            half, self.coarse = self.coarse, self._halved()
            self.coarse.p, self.coarse.mass = half.p, half.mass
            self.coarse.open(who[:, ::2, ::2], gaps[:, ::2, ::2])

    def finish(self) -> tuple[Pictures, Pictures, Rigid]:
        """The other rounds -> what `solve` gives."""
        self.rigid = find_drawings(self.frames, self.rigid, self.p, self.noise, self.room)
        if self.coarse is not None:
            self.coarse.rigid.drawing = self.rigid.drawing
        for turn in range(2, self.rounds + 1):
            self._round(turn)
        return self.p, self.mass, self.rigid

    def _round(self, turn: int) -> None:
        if turn < self.turns:
            self.coarse._round(turn)
            if turn in (1, self.turns - 1):
                self._enlarge(turn == self.turns - 1)
            return
        self.coarse = None
        again = turn < self.rounds or (self.redrawn and self.inside is None)  # asked for more than once
        if self.regions is None and again and self.texture.numel() <= MOST_REGIONS:
            self.regions = regions_of(self.texture)
        if self.redrawn and self.inside is None:
            self.inside = self._inside()
        _turn(turn, self.frames, self.rigid, self.first, self.noise, self.redrawn, self.texture, self.regions, self.p,
              self.mass, self.room, self.inside)

    def _inside(self) -> Pictures:
        """Flat px inside redrawn outlines, uint8 [T, h, w]."""
        out = self.room(self.texture.shape, torch.uint8, self.first.device)
        for t in range(len(self.texture)):
            flat = regions_of(self.texture[t:t + 1])[0] if self.regions is None else self.regions[t]
            out[t] = torch.from_numpy(enclosed(flat, self.first[:, t].float().cpu().numpy(), len(self.rigid)))
        return out

    def _halved(self) -> Labelling:
        """The same at half the size."""
        (labels, count), device = self.first.shape[:2], self.first.device
        h, w = (-(-side // 2) for side in self.frames.shape[-2:])
        small, lines = (self.room(shape, torch.uint8, device) for shape in ((count, 3, h, w), (count, h, w)))
        start = self.room((labels, count, h, w), torch.float16, device)
        for t in range(count):
            small[t] = halved(whole_picture(self.frames[t])).round_()
            lines[t] = (2 * halved(self.texture[t].float())).clamp_(max=255)  # a line is half of its 2 x 2 px
            start[:, t] = (2 * halved(self.first[:, t].float())).clamp_(max=1)
        less, more, rigid = np.diag([0.5, 0.5, 1.0]), np.diag([2.0, 2.0, 1.0]), self.rigid
        half = Rigid([less @ H @ more for H in rigid.H], rigid.present, rigid.painted, rigid.drawing, rigid.hiding)
        return Labelling(small, half, start, 0.5 * self.noise, self.redrawn, self.rounds, lines, regions_of(lines),
                         everywhere=True, room=self.room)

    def _enlarge(self, mass: bool) -> None:
        """Take over what was found at half the size; mass: the evidence too."""
        h, w = self.frames.shape[-2:]
        for whole, one in ((self.p, self.coarse.p), (self.mass, self.coarse.mass))[: 1 + mass]:
            for t in range(len(self.frames)):
                whole[:, t] = F.interpolate(one[None, :, t].float(), scale_factor=2, mode="bilinear")[0, :, :h, :w]


def _turn(turn: int, frames: Pictures, rigid: Rigid, first: Pictures, noise: float, redrawn: bool, texture: Pictures,
          regions: list[Regions] | None, p: Pictures, mass: Pictures, room: Room = in_memory,
          inside: Pictures | None = None) -> None:
    """One round of `solve`, of p and mass [L, T, h, w] in place. regions: None where they are found again: those of a
    long shot take much memory. inside: uint8 [T, h, w], 1 where a frame tells nothing of the mosaics."""
    pictures = mosaics(frames, rigid, p, mass, room, inside) if turn else []
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
                misfits = misfits_of(whole_picture(frames[t]), backs, noise)
                new[:, t - start] += frame_mass(misfits, texture[t].float() / 255, backs, theres, rigid.hiding,
                                                p[:, t].float(), redrawn)
                nearer += [theres] if any(rigid.hiding) else []
            mass[:, part] = new
        flat = regions_of(texture[part]) if regions is None else regions[part]
        # once a mosaic has been made without the sprites, rims only decide where it cannot
        p[:, part] = walk(whole_picture(frames[part]), add_rims(new, flat, only_unknown=turn > 1,
                                                                     inside=None if inside is None else inside[part]))
        for t, theres in enumerate(nearer, start):
            p[:, t] = uncovered(p[:, t].float(), new[:, t - start], theres, rigid.hiding)
