"""Alpha and colour of one drawing from its pooled exposures.

Triangulation gives alpha in closed form wherever the backgrounds behind a px differ. The drawing's own colour is a
virtual exposure (C = B = F) of small weight, so that one formula also covers a single exposure (known-background
matting). What neither decides is settled by the masks, by rules of cel art (deep inside is opaque), and by a random
walk on the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.areas import APART as GRID
from toondecompose.engine.matte.areas import distance, edge_width, joined, outermost, parts_of, reach
from toondecompose.engine.matte.blends import DECIDED, PRIOR_SPREAD, Areas, Blends, blend
from toondecompose.engine.matte.continued import continued_background, with_background
from toondecompose.engine.matte.dimmed import dimmed_gaps
from toondecompose.engine.matte.evidence import Evidence, box_mean, dot, gather
from toondecompose.engine.matte.fill import push_pull
from toondecompose.engine.matte.gaps import Region, enclosed_regions
from toondecompose.engine.matte.marks import above, below, count_of, middle_of, places_of, put, taken
from toondecompose.engine.matte.moments import GREY, Moments, part_of
from toondecompose.engine.matte.paint import palette_bits
from toondecompose.engine.matte.resample import Box
from toondecompose.engine.matte.shadows import faded, veiled
from toondecompose.engine.matte.specks import HALF, without_specks
from toondecompose.engine.matte.throughout import Told, shines_through, told
from toondecompose.engine.tiles import TILE, strips, tiles_of

MIN_INNER = 30  # px inside a drawing below which its exposures are not judged
OVERLAP = 64  # px that the pieces of a large drawing share: more than what a px's alpha depends on around it
MISFIT = 2.0  # residual variance relative to the noise from which exposures contradict one another
FOLLOWED = 8  # times that px deep inside are asked again: gaps are followed into their narrow ends
FIRM = 25.0  # information (std 0.2) a px needs to tell its neighbours that they are not deep inside, or to believe it
# price of a colour that a drawing hardly has: half a percent of it or, as a paint's cell counts among the 27 around it,
# a twentieth in just this shade. Others may be paint as well, whatever is behind them.
RARE_BITS = 9.0
LEAST_LOST = 6  # px that are not as deep inside as the masks had them, for which it is worth while to ask again
AROUND = 24  # px around those that are asked again that are looked at for it, and
TOUCHED = 12  # whose alpha they may change
LEAST_SPECK = 12  # px; smaller islands and pinholes are noise
QUIET = 2.5  # of the noise: what differs by less from the background, where a codec rings, is as likely its doing
SURE_SPECK = 400.0  # ... unless triangulation knows them this well (std 0.05)
CONTRASTY = 12.0  # difference from the background, relative to the noise, of outlines that tell how sharp edges are


@dataclass
class Cutout:
    """alpha float32 [h, w] 0..1; colour float32 [3, h, w] 0..255, straight; std: predicted standard deviation of alpha;
    known: bool [h, w], some exposure shows this px. misfit: how much the exposures contradict one another inside the
    drawing, as residual variance relative to the noise (median; 1 is noise alone). spread: the variance of its
    exposures there, squared levels per channel (median). through: share of what is behind that shines through all of
    the drawing alike, 0..1. questions: regions between lines that may be gaps, which the exposures' motion must
    tell."""

    alpha: torch.Tensor
    colour: torch.Tensor
    std: torch.Tensor
    known: torch.Tensor
    misfit: float
    spread: float = 0.0
    through: float = 0.0
    questions: list[Region] = field(default_factory=list)


def cut_out(m: Moments, noise: float, mask_px: float, sweeps: int = 6, tile: int = TILE,
            lined: bool = True, follow: bool = True, firm: bool = True, borrowed: torch.Tensor | None = None) -> Cutout:
    """Alpha and straight colour of a drawing.

    noise: levels rms per channel. mask_px: how far, canvas px, the masks' outlines may be wrong.
    tile: px solved at once; larger drawings are solved in pieces that overlap. lined: it is a figure, whose lines may
    enclose gaps, and not a painted plane. follow: these are followed farther in than the masks are open. firm: what
    differs from the background within the masks is rather paint than a veil; in a draft, whose masks have closed gaps
    that are still to be found, only where a common paint fills an area, and its exposures may be of several drawings.
    borrowed: bool [h, w], px that other drawings' exposures tell of, too: they say nothing about what it is like as a
    whole.
    """
    known = above(m.n, 0.02)
    mask = (m.mask / m.n.clamp(min=1e-6)).cpu().numpy()
    known_np = known.cpu().numpy()
    if not known_np.all():
        # beyond the frame's edge and behind other sprites the outline goes on as it comes in
        mask = push_pull((mask * known_np)[..., None], known_np.astype(np.float32))[..., 0]
    mask = np.ascontiguousarray(mask)
    out = Cutout(torch.zeros_like(m.n), torch.full_like(m.c, GREY), torch.zeros_like(m.n), known, 0.0)
    most, deep = 0, []
    outer = distance(mask <= 0.5)
    parts = parts_of(np.maximum(0, outer - 2 * mask_px - 4))
    for own, (x0, y0, x1, y1) in (piece for part in parts for piece in tiles_of(part, tile, OVERLAP)):
        at = (slice(y0, y1), slice(x0, x1))
        cut, inner_px, tells = _cut_part(_crop(m, at), mask[at], outer[at], noise, mask_px, sweeps, lined, follow, firm,
                                         None if borrowed is None else borrowed[at])
        here, there = (part_of(box, own) for box in ((x0, y0, x1, y1), (0, 0, *mask.shape[::-1])))
        out.alpha[there], out.std[there] = cut.alpha[here], cut.std[here]
        out.colour[(slice(None), *there)] = cut.colour[(slice(None), *here)]
        asked = [replace(q, corner=(q.corner[0] + x0, q.corner[1] + y0)) for q in cut.questions]
        out.questions += [q for q in asked if own[0] <= q.corner[0] < own[2] and own[1] <= q.corner[1] < own[3]]
        deep.append(tells)
        if inner_px > most:
            out.misfit, out.spread, most = cut.misfit, cut.spread, inner_px
    out.through = shines_through(deep) if lined else 0.0
    return out


def _crop(m: Moments, at: tuple[slice, slice]) -> Moments:
    return Moments(*(x[(..., *at)] for x in (m.n, m.c, m.b, m.cb, m.bb, m.cc, m.mask, m.sure)), m.count)


def _cut_part(m: Moments, mask_np: np.ndarray, outer: np.ndarray, noise: float, mask_px: float, sweeps: int,
              lined: bool, follow: bool, firm: bool, borrowed: torch.Tensor | None) -> tuple[Cutout, int, Told]:
    """cut_out for one part of a drawing -> (its cutout, how many px lie deep inside it, what those tell).

    mask_np: float32 [h, w], the pooled masks 0..1. outer: px from them, 0 within."""
    e = gather(m, outer, noise, mask_px, lined, firm)
    goes_on = continued_background(e, mask_np)
    if goes_on.any():
        m, mask_np = with_background(m, e.c, goes_on, 2 * mask_px + 4), np.where(goes_on, np.float32(0), mask_np)
        outer = distance(mask_np <= 0.5)
        e = gather(m, outer, noise, mask_px, lined, firm)
    inner = distance(mask_np > 0.5)
    areas, width, questions = _areas(e, mask_np, inner, outer, mask_px, lined)
    blends = blend(e, areas, width, sweeps, firm=firm)
    if lined and follow:
        _follow(blends, e, areas, mask_np, mask_px, width, sweeps)
    alpha = _settle(blends.alpha, e, areas, mask_np)
    colour = _colour(alpha, e, blends).add_(GREY)
    std = (1 / (blends.total + 1)).sqrt()
    inner_px = torch.from_numpy(inner > mask_px + 2).to(alpha.device) & e.known
    if borrowed is not None:
        inner_px &= ~borrowed
    count, clash, spread_inside = count_of(inner_px), 0.0, 0.0
    if count > MIN_INNER:
        places = places_of(inner_px)
        clash, (c, n) = middle_of(taken(e.misfit, places)), (taken(x, places) for x in (e.c, e.n))
        spread_inside = middle_of((taken(e.cc, places) - n * dot(c, c)).div_(n).mul_(1 / 3))
    cut = Cutout(alpha, colour.clamp_(0, 255), std, e.known, clash, spread_inside, 0.0, questions)
    return cut, count, told(e, inner_px)


def _areas(e: Evidence, mask_np: np.ndarray, inner: np.ndarray, outer: np.ndarray, mask_px: float, lined: bool
           ) -> tuple[Areas, float, list[Region]]:
    """Where the drawing may be, is solid and is not; how wide its edges are, px; and regions that may be gaps.

    inner, outer: distances, px, into and from the masks."""
    to = lambda x: torch.from_numpy(x).to(e.c.device)  # noqa: E731
    c, b, known, sure, z, sigma0 = e.c, e.b, e.known, e.sure, e.z, e.noise
    deep = to(inner > mask_px + 2)
    # a soft part counts only where one alpha and colour explain all exposures; an error of the background does not
    there, told_well, repeats = above(sure, 0.5) & known, above(e.tri_info, 60), below(z, 1.3)
    tri_alpha = 1 - e.tri_beta
    soft = above(z, 2.5) & told_well & known & below(e.misfit, MISFIT) & below(tri_alpha, 0.9)
    differs_np = e.differs.cpu().numpy()
    body = (above(e.differs, 2.5 * e.deviation) | (deep & above(z, 3))).cpu().numpy()
    contrasty = cv2.dilate(differs_np, np.ones((5, 5), np.uint8)) > CONTRASTY * sigma0
    change = e.change.cpu().numpy()
    rim = outermost(body) & (outer <= 2 * mask_px + 4) & known.cpu().numpy() & contrasty
    width, softer = edge_width(change, rim)
    fades = torch.zeros_like(known)
    if lined:
        plain = repeats & there & to(outer > mask_px)
        seen, behind = c.cpu().numpy(), b.cpu().numpy()
        fades = to(faded(seen, behind, plain.cpu().numpy(), sigma0, width))
        fades |= to(veiled(change, mask_np, outer > 2 * mask_px + 2, sigma0)) & above(z, 1.3)
        fades &= there
    near = to(reach(inner, outer, 2 * mask_px + 4, (soft | fades).cpu().numpy()))

    # a hole is sure where the picture repeats a textured background, or where triangulation sees through
    texture = box_mean(e.slope, 2)
    repeats &= there
    see_through = (told_well & below(tri_alpha, 0.25)) | (repeats & above(texture, 4 * sigma0))
    # flat px that repeat a flat background count as background only if they hang together with what is outside
    see_through |= to(joined(repeats.cpu().numpy(), outer > mask_px)) & deep
    # ... or if lines enclose them, and the drawing is painted in that colour nowhere else
    questions: list[Region] = []
    if lined:
        enclosed, questions = enclosed_regions(c.cpu().numpy(), z.cpu().numpy(), there.cpu().numpy(),
                                               (inner > 0) & known.cpu().numpy(), b.cpu().numpy(),
                                               e.slope_c.cpu().numpy(), sigma0)
        see_through |= to(enclosed)
    # deep inside is opaque unless triangulation contradicts beyond its own error (a translucent cel)
    veil = told_well & above(box_mean((e.tri_beta * e.tri_info.sqrt()).clamp_(-8, 8), 1), 4)
    solid = above(to(inner), mask_px + 2 + to(softer))  # the masks follow a smear to its outer rim
    solid &= ~see_through & ~veil & ~fades
    if lined:
        ask = solid & there & below(e.tri_info, DECIDED) & above(z, 1.3)
        if count_of(ask):
            gaps = dimmed_gaps(c, b, e.change, e.cells, ask, deep & known, above(z, 3) & known, e.tri_beta,
                               e.tri_info, sigma0)
            if gaps.any():  # their rims are as uncertain as the mask's outline
                solid &= to(distance(~gaps) > mask_px + 2)
    return Areas(near, solid, fades, see_through, to(softer)), width, questions


def _follow(blends: Blends, e: Evidence, areas: Areas, mask_np: np.ndarray, mask_px: float, width: float,
            sweeps: int) -> None:
    """Solve again, in place, where the drawing's own outline shows that px are not as deep inside as the masks had
    them: they had closed a gap, or taken in what is beside a thin line. Nothing is told by px that may just as well be
    paint of the drawing."""
    if blends.paints is None:
        return
    own = mask_np.copy()  # the masks without what surely is not the drawing
    changed = [(0, 0, *mask_np.shape[::-1])]
    for _ in range(FOLLOWED):
        lost = _not_deep(blends, e, areas, mask_np, own, mask_px, changed)
        if lost is None:
            return
        changed = _ask_again(blends, e, areas, lost, width, sweeps)


def _not_deep(blends: Blends, e: Evidence, areas: Areas, mask_np: np.ndarray, own: np.ndarray, mask_px: float,
              changed: list[Box]) -> tuple[Box, np.ndarray] | None:
    """Which solid px are not deep inside, now that alpha has changed in some boxes -> (a box, bool over the box); None
    for none. They are no longer solid; own: float32 [h, w], changed in place, too."""
    for box in changed:
        around = _grown(box, LEAST_SPECK, own.shape)
        at, there = _within(box), _within(around)
        alpha = _settle(blends.alpha[there], e.crop(there), areas.crop(there), None)[part_of(around, box)]
        mask = mask_np[at]
        inside = torch.from_numpy(mask > 0.5).to(alpha.device)
        clear = e.known[at] & above(blends.total[at], FIRM) & ~above(alpha, HALF) & inside
        put(clear, places_of(clear), palette_bits(e.cells[at], blends.paints.bits, clear) > RARE_BITS)
        own[at] = np.where(clear.cpu().numpy(), 0, mask)
    rim = int(mask_px + 2) + 2  # nothing farther off makes a px less deep
    found = []
    for box in changed:
        near = _grown(box, rim, own.shape)
        far = _grown(near, rim, own.shape)
        deep = distance(own[_within(far)] > 0.5)[part_of(far, near)] > mask_px + 2
        lost = areas.solid[_within(near)].cpu().numpy() & ~deep
        x, y, w, h = cv2.boundingRect(lost.view(np.uint8))
        if w:
            found.append(((near[0] + x, near[1] + y, near[0] + x + w, near[1] + y + h), lost[y:y + h, x:x + w]))
    if not found:
        return None
    ends = np.array([box for box, _ in found])
    box = (*ends[:, :2].min(0).tolist(), *ends[:, 2:].max(0).tolist())
    out = np.zeros((box[3] - box[1], box[2] - box[0]), bool)
    for part, lost in found:
        out[part_of(box, part)] |= lost
    areas.solid[_within(box)] &= torch.from_numpy(~out).to(areas.solid.device)
    return box, out


def _ask_again(blends: Blends, e: Evidence, areas: Areas, lost: tuple[Box, np.ndarray], width: float,
               sweeps: int) -> list[Box]:
    """Solve what lies around px that are no longer solid -> the boxes in which blends have changed."""
    (x0, y0, x1, y1), px = lost
    around = _grown((x0, y0, x1, y1), 2 * AROUND, e.known.shape, GRID)
    there = np.ones((around[3] - around[1], around[2] - around[0]), bool)
    there[part_of(around, (x0, y0, x1, y1))] = ~px
    far = distance(there)
    changed = []
    for box in parts_of(far, AROUND):
        here, box = _within(box), tuple(v + around[k % 2] for k, v in enumerate(box))
        at = _within(box)
        if np.count_nonzero(~there[here]) < LEAST_LOST:
            areas.solid[at] |= torch.from_numpy(~there[here]).to(areas.solid.device)
            continue
        touched = torch.from_numpy(far[here] <= TOUCHED).to(blends.alpha.device)
        paints = replace(blends.paints, corner=box[:2])
        part = blend(e.crop(at), areas.crop(at), width, sweeps, paints, touched, blends.alpha[at])
        blends.paste(part, at, touched & (torch.from_numpy(there[here]).to(touched.device) | (part.total > FIRM)))
        changed.append(box)
    return changed


def _grown(box: Box, by: int, shape: tuple[int, int], grid: int = 1) -> Box:
    """A box with so many px more on every side, begun on a grid, as far as a picture of `shape` (h, w) goes."""
    x0, y0, x1, y1 = box
    return (max(0, x0 - by) // grid * grid, max(0, y0 - by) // grid * grid, min(shape[1], x1 + by),
            min(shape[0], y1 + by))


def _within(box: Box) -> tuple[slice, slice]:
    """Rows and columns of a box."""
    return slice(box[1], box[3]), slice(box[0], box[2])


def _settle(alpha: torch.Tensor, e: Evidence, areas: Areas, mask: np.ndarray | None) -> torch.Tensor:
    """Exact 0 and 1 where alpha is all but that; islands that no mask touches vanish, and specks. mask: None where
    only what is more than HALF is asked for, in a part of the drawing."""
    a = alpha.clone()
    rings = count_of(e.rings) > 0
    for part in strips(a.shape):
        here, known = a[part], e.known[part]
        nothing = below(here, 0.03) | ~known
        if rings:
            nothing |= e.rings[part] & below(e.z[part], QUIET) & below(here, HALF) & ~areas.fades[part]
        here.masked_fill_(nothing, 0.0)
        least = e.tri_info[part].clamp(min=1).rsqrt_().mul_(3).clamp_(0.04, 0.4).neg_().add_(1)
        here.masked_fill_((above(here, 0.96) | (areas.solid[part] & above(here, least))) & known, 1.0)
    settled = a.cpu().numpy()
    count = 0
    if mask is not None:
        islands = settled > 0.1
        count, label = cv2.connectedComponents(islands.view(np.uint8), connectivity=8)
    if count > 2:  # of each island: its px outside the masks and those within
        at = np.flatnonzero(islands)
        of = label.take(at)
        px = np.bincount(2 * of + (mask.take(at) > 0.5), minlength=2 * count).reshape(count, 2)
        drop = px[:, 1] < 0.25 * px.sum(1)
        if drop.any():
            settled.reshape(-1)[at[drop.take(of)]] = 0
    clear = (above(e.tri_info, SURE_SPECK) & e.known).cpu().numpy()
    return torch.from_numpy(without_specks(settled, LEAST_SPECK, clear, mask is None)).to(a.device)


def _colour(alpha: torch.Tensor, e: Evidence, blends: Blends) -> torch.Tensor:
    """Straight colour: (C - beta B) / alpha where alpha is large, drawn to the colour nearby as it vanishes."""
    solid = alpha >= 1
    out = torch.where(solid, e.c, blends.spread)
    part = above(alpha, 0) & ~solid
    places = places_of(part)
    a = taken(alpha, places)
    raw = taken(e.c, places) - (1 - a) * taken(e.b, places)  # premultiplied
    weight = taken(e.n, places) * a / taken(e.sigma2, places)
    pull = 1 / PRIOR_SPREAD**2
    put(out, places, (weight * raw + pull * taken(blends.prior, places)) / (weight * a + pull))
    return out
