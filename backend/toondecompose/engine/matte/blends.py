"""Alpha where a px may be a blend of the drawing and what is behind it: by triangulation and by its colour.

The drawing's own colour is a virtual exposure (C = B = F) of small weight, so that one formula covers triangulation
and a single exposure (known-background matting). What neither decides is settled by the masks, by what is known to be
solid, and by a random walk on the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.areas import WIDEST_EDGE, distance
from toondecompose.engine.matte.evidence import Evidence, dot
from toondecompose.engine.matte.inwards import within_outlines
from toondecompose.engine.matte.marks import above, below, count_of, places_of, put, taken
from toondecompose.engine.matte.mixes import mixed
from toondecompose.engine.matte.moments import GREY
from toondecompose.engine.matte.paint import (
    ALIKE,
    common_paints,
    diffused,
    fills_away,
    find_colour,
    palette,
)
from toondecompose.engine.matte.walk import FIXED, walk
from toondecompose.engine.tiles import strips

PRIOR_SPREAD = 14.0  # levels; how far a px's own colour may lie from the colour found for it nearby
DECIDED = 600.0  # information (std 0.04) from which triangulation needs no colour prior
SURE = 4.0  # standard errors from which a px differs from the background, whatever its colour is
LIKELY = 2.0  # ... and from which it does if its colour is the solid one next to it, rather than the background's:
CLOSER = 0.6  # as near to that one as this share of its distance to the background; noise seldom leads just there
LINE = 2.0  # of the px that masks may be wrong by: as wide is a drawn line at the size at which the masks were made
HALF = 0.4  # of the contrast nearby, below which a px is more of a blend than of paint
DEEP_WEIGHT = 12.0  # information of "deep inside the silhouette": std 0.29


@dataclass
class Areas:
    """Where a drawing may be at all (near), where it is opaque (solid), where it has shades that fade out (fades) and
    where what is behind it shows for sure (see_through): bool [h, w] each."""

    near: torch.Tensor
    solid: torch.Tensor
    fades: torch.Tensor
    see_through: torch.Tensor
    softer: torch.Tensor

    def crop(self, at: tuple[slice, slice]) -> Areas:
        """Some rows and columns of them."""
        return Areas(*(getattr(self, field.name)[at] for field in fields(self)))


@dataclass
class Paints:
    """A drawing's paints: how many bits a colour costs, the common ones, and what they cost far from what they fill
    (paint.py), on a grid of `line` px. firm: what differs from the background within the masks is paint of the drawing
    rather than a veil of another; if not, only where one of its common paints fills an area. corner: (x, y) in the
    drawing of the box that asks."""

    bits: torch.Tensor
    common: tuple[torch.Tensor, list[float]]
    away: torch.Tensor
    line: int
    firm: bool
    corner: tuple[int, int] = (0, 0)

    def away_from(self, places: torch.Tensor, width: int) -> torch.Tensor:
        """What the common paints cost at some px of the box, besides: [m, p]. places: their numbers, row by row."""
        y = torch.div(places, width, rounding_mode="floor")
        x, y = places - y * width + self.corner[0], y + self.corner[1]
        across = torch.div(x, self.line, rounding_mode="floor")
        down = torch.div(y, self.line, rounding_mode="floor")
        return self.away.flatten(1).index_select(1, down * self.away.shape[2] + across)


@dataclass
class Blends:
    """alpha: float32 [h, w] 0..1. prior, spread: [3, h, w] levels relative to GREY, the colour found for each px, and
    the one of the solid px around it. total: [h, w], information. paints: None if none were asked for."""

    alpha: torch.Tensor
    prior: torch.Tensor
    spread: torch.Tensor
    total: torch.Tensor
    paints: Paints | None

    def paste(self, other: Blends, box: tuple[slice, slice], where: torch.Tensor) -> None:
        """Take over the px `where`, bool [h, w] of the box, from those of a box."""
        for name in ("alpha", "prior", "spread", "total"):
            mine = getattr(self, name)[(..., *box)]
            mine.copy_(torch.where(where, getattr(other, name), mine))


def _filled(picture: np.ndarray) -> np.ndarray:
    """Px of areas that one paint fills, where blends with what is behind change from px to px: bool [h, w]. picture:
    float32 [3, h, w], levels."""
    kernel = np.ones((3, 3), np.uint8)
    alike = np.ones(picture.shape[1:], np.uint8)
    for plane in picture:
        alike &= (cv2.dilate(plane, kernel) - cv2.erode(plane, kernel) < ALIKE).view(np.uint8)
    return cv2.dilate(alike, kernel) > 0


def blend(e: Evidence, areas: Areas, width: float, sweeps: int, paints: Paints | None = None,
          asked: torch.Tensor | None = None, before: torch.Tensor | None = None, firm: bool = True) -> Blends:
    """Alpha and colour of a drawing, or of a box of it. width: of its edges, px. paints: the whole drawing's, if they
    are known already; firm: what else they shall be (see Paints). asked: bool [h, w], the only px that are solved; all
    others keep their alpha `before`, float32 [h, w]."""
    to = lambda x: torch.from_numpy(x).to(e.c.device)  # noqa: E731
    c, b, known, sure, z = e.c, e.b, e.known, e.sure, e.z
    near, solid, fades = areas.near, areas.solid, areas.fades
    tri_alpha = 1 - e.tri_beta
    body = solid & above(z, 3)
    seeds = body | (solid & above(e.tri_info, 60)) | (above(e.tri_info, 100) & above(tri_alpha, 0.9) & near)
    seeds &= known
    if not count_of(seeds):
        seeds = above(e.mask, 0.5) & known
    spread = diffused(c, seeds.cpu().numpy())

    want = near & ~solid & known & below(e.tri_info, DECIDED)
    if asked is not None:
        want &= asked
    prior, alpha, info = spread.clone(), tri_alpha, e.tri_info.clone()
    if count_of(want):
        differs_np = e.differs.cpu().numpy()
        # the outermost px that differ from the background are blends; a thin line's ridge is its purest px
        peak = to(cv2.dilate(differs_np, np.ones((WIDEST_EDGE + 1,) * 2, np.uint8)))
        outer, less = torch.empty_like(known), torch.empty_like(known)
        for part in strips(outer.shape):
            differs, most = e.differs[part], peak[part]
            outer[part] = above(differs, torch.maximum(2.5 * e.deviation[part], HALF * most)) | solid[part]
            less[part] = below(differs, 0.95 * most)
        core = above(to(distance(outer.cpu().numpy())), width + areas.softer)
        may = near & known & above(z, SURE) & ~areas.see_through & ~fades & (core | ~less)
        if paints is None:
            pure = (seeds & core) | may
            common = common_paints(c, e.cells, pure)
            line = max(1, round(LINE * e.mask_px))
            paints = Paints(palette(e.cells, pure), common, fills_away(c, pure, common[0], line), line, firm)
        price = paints.bits.index_select(0, e.cells.reshape(-1)).view(e.n.shape).masked_fill_(~may, float("inf"))
        # px that equal the background are transparent whatever the drawing's colour; the others are worth a search
        ask = want & above(z, 1)
        radius = int(np.clip(np.ceil(width) + 2, 4, 12))
        places, asking = places_of(want), places_of(ask)
        F = taken(spread, places)
        off = torch.zeros_like(F[0])
        at = places_of(taken(ask, places))
        behind, around, seen, apart = (taken(x, asking) for x in (b, spread, c, z))
        # what may as well be background is nothing of a paint far away just as well as nothing of one nearby
        closer = dot(seen - around, seen - around) < CLOSER**2 * dot(seen - behind, seen - behind)
        own = above(apart, SURE) | (closer & above(apart, LIKELY))
        if not paints.firm:  # in a gap that the masks have closed nothing but blends differs from the background
            paint = ((seen[:, None] - paints.common[0].T[..., None]).abs_() < ALIKE).all(0).any(0)
            own &= paint & taken(to(_filled(c.cpu().numpy())), asking)
        found, miss = find_colour(c, behind, ask, around, price, ~taken(core, asking), taken(e.mask, asking) * own,
                                  e.noise, radius, paints.common, paints.away_from(asking, ask.shape[1]) * own)
        found, miss = mixed(seen, behind, around, found, miss, paints.common[0], taken(e.mask, asking), e.noise)
        put(F, at, found)
        put(off, at, miss)
        # colours are 0..255: a px darker or brighter than what is behind it must hold this much of the drawing
        nn, B, C, known_there, sigma2, fading = (taken(x, places) for x in (e.n, b, c, sure, e.sigma2, fades))
        room = torch.where(C < B, B + GREY, 255 - GREY - B).clamp_(min=8)
        # what fades out is as faint as can be: a shadow is about black
        least = ((C - B).abs_() / room).amax(0).clamp_(1e-3, 1)
        F = torch.where(fading, B + (C - B) / least, F)
        # between what is deep inside and the ridge of its outline there are only the drawing's own paints
        own = to(within_outlines(c.cpu().numpy(), differs_np, body.cpu().numpy(),
                                 (want & above(z, 2.5) & ~fades).cpu().numpy(), e.noise))
        own = taken(own, places)
        F = torch.where(own, C, F)
        off.masked_fill_(fading | own, 0.0)
        put(prior, places, F)
        w0 = (e.noise / PRIOR_SPREAD) ** 2 * 3 / (1 + (off / 12) ** 2)
        share = nn * w0 / (nn + w0)
        bb = taken(e.s_bb, places) + share * dot(B - F, B - F)
        cb = taken(e.s_cb, places) + share * dot(C - F, B - F)
        least = (((C - B).abs_() - 2 * sigma2.sqrt()) / room).amax(0).clamp_(0, 1) * known_there
        put(alpha, places, torch.maximum((1 - cb / bb.clamp(min=1e-3)).clamp_(0, 1), least))
        put(info, places, bb / sigma2 * known_there)
    aim, sure_of_it, total = _aims(alpha, info, e, areas, asked, before)
    alpha = walk(aim, sure_of_it, c, sweeps).clamp_(0, 1)
    return Blends(alpha, prior, spread, total, paints)


def _aims(alpha: torch.Tensor, info: torch.Tensor, e: Evidence, areas: Areas, asked: torch.Tensor | None,
          before: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What alpha each px is for and how sure that is, with masks and silhouette -> (both as the walk shall take them,
    and how sure it is by itself): [h, w] each. alpha, info: what triangulation and colours say. asked, before: as in
    `blend`."""
    aim, total = torch.empty_like(info), torch.empty_like(info)
    sure_of_it = total if asked is None else torch.empty_like(info)
    for part in strips(info.shape):
        own, solid, blind, tells = info[part], areas.solid[part], ~e.known[part], total[part]
        vote = 0.6 + 4 * (1 - e.sure[part])  # the masks decide what nothing else does
        inside = torch.zeros_like(own).masked_fill_(solid, DEEP_WEIGHT)
        inside.masked_fill_(solid & below(e.tri_info[part], 20), 5 * DEEP_WEIGHT)
        torch.add(own, inside, out=tells).add_((~areas.near[part]).float(), alpha=1e4).add_(vote)
        target = (own * alpha[part].clamp(0, 1)).add_(inside).addcmul_(vote, e.mask[part])
        tells.masked_fill_(blind, 1e-3)
        target.masked_fill_(blind, 0.0)
        torch.div(target, tells.clamp(min=1e-6), out=aim[part])
        if asked is not None:
            keep = ~asked[part]
            aim[part] = torch.where(keep, before[part], aim[part])
            sure_of_it[part] = tells.masked_fill(keep, 2 * FIXED)
    return aim, sure_of_it, total
