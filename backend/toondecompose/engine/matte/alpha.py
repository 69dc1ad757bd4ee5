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

from toondecompose.engine.matte.areas import SOFT_REACH, WIDEST_EDGE, distance, edge_width, joined, parts_of, reach
from toondecompose.engine.matte.dimmed import dimmed_gaps
from toondecompose.engine.matte.fill import push_pull
from toondecompose.engine.matte.gaps import Region, enclosed_regions
from toondecompose.engine.matte.inwards import within_outlines
from toondecompose.engine.matte.moments import GREY, Moments, part_of
from toondecompose.engine.matte.paint import common_paints, diffused, find_colour, palette_bits
from toondecompose.engine.matte.shadows import faded, veiled
from toondecompose.engine.matte.specks import without_specks
from toondecompose.engine.matte.walk import walk
from toondecompose.engine.tiles import TILE, tiles_of

PRIOR_SPREAD = 14.0  # levels; how far a px's own colour may lie from the colour found for it nearby
SLIP = 0.12  # px; registration error of a px's background and drawing, turned into levels by their gradient
DECIDED = 600.0  # information (std 0.04) from which triangulation needs no colour prior
MIN_RING = 200  # px around a drawing below which its noise is not judged
MIN_INNER = 30  # px inside a drawing below which its exposures are not judged
OVERLAP = 64  # px that the pieces of a large drawing share: more than what a px's alpha depends on around it
MISFIT = 2.0  # residual variance relative to the noise from which exposures contradict one another
LEAST_SPECK = 12  # px; smaller islands and pinholes are noise
SURE_SPECK = 400.0  # ... unless triangulation knows them this well (std 0.05)
HALF = 0.4  # of the contrast nearby, below which a px is more of a blend than of paint
CONTRASTY = 12.0  # difference from the background, relative to the noise, of outlines that tell how sharp edges are
DEEP_WEIGHT = 12.0  # information of "deep inside the silhouette": std 0.29


@dataclass
class Cutout:
    """alpha float32 [h, w] 0..1; colour float32 [3, h, w] 0..255, straight; std: predicted standard deviation of alpha;
    known: bool [h, w], some exposure shows this px. misfit: how much the exposures contradict one another inside the
    drawing, as residual variance relative to the noise (median; 1 is noise alone). spread: the variance of its
    exposures there, squared levels per channel (median). questions: regions between lines
    that may be gaps, which the exposures' motion must tell."""

    alpha: torch.Tensor
    colour: torch.Tensor
    std: torch.Tensor
    known: torch.Tensor
    misfit: float
    spread: float = 0.0
    questions: list[Region] = field(default_factory=list)


def _box_mean(x: torch.Tensor, r: int) -> torch.Tensor:
    """Mean over (2r+1)^2 windows, edges repeated. float32 [h, w]."""
    out = cv2.blur(x.cpu().numpy(), (2 * r + 1, 2 * r + 1), borderType=cv2.BORDER_REPLICATE)
    return torch.from_numpy(out).to(x.device)


def _slope(c: torch.Tensor) -> torch.Tensor:
    """Gradient magnitude (L2 over RGB), levels per px. [3, h, w] -> [h, w]."""
    step = np.array([[-0.5, 0, 0.5]], np.float32)
    total = np.zeros(c.shape[1:], np.float32)
    for plane in c.cpu().numpy():
        for kernel in (step, step.T):
            d = cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_REPLICATE)
            cv2.accumulateSquare(d, total)
    return torch.from_numpy(np.sqrt(total)).to(c.device)


def cut_out(m: Moments, noise: float, mask_px: float, sweeps: int = 6, tile: int = TILE,
            lined: bool = True) -> Cutout:
    """Alpha and straight colour of a drawing.

    noise: levels rms per channel. mask_px: how far, canvas px, the masks' outlines may be wrong.
    tile: px solved at once; larger drawings are solved in pieces that overlap. lined: it is a figure, whose lines may
    enclose gaps, and not a painted plane.
    """
    known = m.n > 0.02
    mask = (m.mask / m.n.clamp(min=1e-6)).cpu().numpy()
    known_np = known.cpu().numpy()
    if not known_np.all():
        # beyond the frame's edge and behind other sprites the outline goes on as it comes in
        mask = push_pull((mask * known_np)[..., None], known_np.astype(np.float32))[..., 0]
    mask = np.ascontiguousarray(mask)
    out = Cutout(torch.zeros_like(m.n), torch.full_like(m.c, GREY), torch.zeros_like(m.n), known, 0.0)
    most = 0
    outer = distance(mask <= 0.5)
    parts = parts_of(np.maximum(0, outer - 2 * mask_px - 4))
    for own, (x0, y0, x1, y1) in (piece for part in parts for piece in tiles_of(part, tile, OVERLAP)):
        at = (slice(y0, y1), slice(x0, x1))
        cut, inner_px = _cut_part(_crop(m, at), mask[at], outer[at], noise, mask_px, sweeps, lined)
        here, there = (part_of(box, own) for box in ((x0, y0, x1, y1), (0, 0, *mask.shape[::-1])))
        out.alpha[there], out.std[there] = cut.alpha[here], cut.std[here]
        out.colour[(slice(None), *there)] = cut.colour[(slice(None), *here)]
        asked = [replace(q, corner=(q.corner[0] + x0, q.corner[1] + y0)) for q in cut.questions]
        out.questions += [q for q in asked if own[0] <= q.corner[0] < own[2] and own[1] <= q.corner[1] < own[3]]
        if inner_px > most:
            out.misfit, out.spread, most = cut.misfit, cut.spread, inner_px
    return out


def _crop(m: Moments, at: tuple[slice, slice]) -> Moments:
    return Moments(*(x[(..., *at)] for x in (m.n, m.c, m.b, m.cb, m.bb, m.cc, m.mask, m.sure)), m.count)


def _dot(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Sum over the three channels of x * y: [3, h, w] -> [h, w]."""
    return (x[0] * y[0]).addcmul_(x[1], y[1]).addcmul_(x[2], y[2])


def _cut_part(m: Moments, mask_np: np.ndarray, outer: np.ndarray, noise: float, mask_px: float,
              sweeps: int, lined: bool) -> tuple[Cutout, int]:
    """cut_out for one part of a drawing -> (its cutout, how many px lie deep inside it).

    mask_np: float32 [h, w], the pooled masks 0..1. outer: px from them, 0 within."""
    n = m.n.clamp(min=1e-6)
    each = 1 / n
    known = m.n > 0.02
    c, b = m.c * each, m.b * each
    s_bb = (m.bb - n * _dot(b, b)).clamp_(min=0)
    s_cb = m.cb - n * _dot(c, b)
    mask, sure = m.mask * each, (m.sure * each).clamp_(0, 1)
    # rms of C_k - B_k per channel, levels; with no known background nothing differs from it, and only the mask speaks
    differs = ((m.cc - 2 * m.cb + m.bb) * each).mul_(1 / 3).clamp_(min=0).sqrt_()
    sigma0 = max(1.5, noise)
    if lined:  # what differs around a plane is another plane
        sigma0 = max(sigma0, _noise_around(differs, known & (sure > 0.5), outer, mask_px))
    slope, slope_c = _slope(b), _slope(c)
    sigma2 = (SLIP * torch.maximum(slope, 0.5 * slope_c)).square_().add_(3 * sigma0**2)
    tri_info = s_bb / sigma2 * sure
    tri_beta = s_cb / s_bb.clamp(min=1e-3)
    tri_alpha = 1 - tri_beta

    inner = distance(mask_np > 0.5)
    to = lambda x: torch.from_numpy(x).to(c.device)  # noqa: E731
    deep = to(inner > mask_px + 2)
    deviation = (sigma2 / 3).sqrt_()
    z = _box_mean(differs, 1) / deviation
    # a soft part counts only where one alpha and colour explain all exposures; an error of the background does not
    misfit = _box_mean((m.cc - n * _dot(c, c)).clamp_(min=0).sub_(tri_beta * s_cb).div_(sigma2).mul_(each), 1)
    soft = (z > 2.5) & (tri_info > 60) & known & (misfit < MISFIT) & (tri_alpha < 0.9)
    differs_np = differs.cpu().numpy()
    body = ((differs > 2.5 * deviation) | (deep & (z > 3))).cpu().numpy()
    contrasty = cv2.dilate(differs_np, np.ones((5, 5), np.uint8)) > CONTRASTY * sigma0
    rim = (distance(body) == 1) & (outer <= 2 * mask_px + 4) & known.cpu().numpy() & contrasty
    width = edge_width((c - b).cpu().numpy(), rim)
    fades = torch.zeros_like(known)
    if lined:
        plain = (z < 1.3) & known & (sure > 0.5) & to(outer > mask_px)
        seen, behind = c.cpu().numpy(), b.cpu().numpy()
        fades = to(faded(seen, behind, plain.cpu().numpy(), sigma0, width))
        fades |= to(veiled(seen, behind, mask_np, outer > 2 * mask_px + 2, sigma0)) & (z > 1.3)
        fades &= known & (sure > 0.5)
    near = to(reach(inner, outer, 2 * mask_px + 4, (soft | fades).cpu().numpy()))

    # a hole is sure where the picture repeats a textured background, or where triangulation sees through
    texture = _box_mean(slope, 2)
    repeats = (z < 1.3) & (sure > 0.5) & known
    see_through = ((tri_info > 60) & (tri_alpha < 0.25)) | (repeats & (texture > 4 * sigma0))
    # flat px that repeat a flat background count as background only if they hang together with what is outside
    see_through |= to(joined(repeats.cpu().numpy(), outer > mask_px)) & deep
    # ... or if lines enclose them, and the drawing is painted in that colour nowhere else
    questions: list[Region] = []
    if lined:
        enclosed, questions = enclosed_regions(c.cpu().numpy(), z.cpu().numpy(), ((sure > 0.5) & known).cpu().numpy(),
                                               (inner > 0) & known.cpu().numpy(), b.cpu().numpy(),
                                               slope_c.cpu().numpy(), sigma0)
        see_through |= to(enclosed)
    # deep inside is opaque unless triangulation contradicts beyond its own error (a translucent cel)
    veil = (tri_info > 60) & (_box_mean((tri_beta * tri_info.sqrt()).clamp_(-8, 8), 1) > 4)
    solid = deep & ~see_through & ~veil & ~fades
    if lined:
        ask = solid & (sure > 0.5) & known & (tri_info < DECIDED) & (z > 1.3)
        if bool(ask.any()):
            gaps = dimmed_gaps(c, b, ask, deep & known, (z > 3) & known, tri_beta, tri_info, sigma0)
            if gaps.any():  # their rims are as uncertain as the mask's outline
                solid &= to(distance(~gaps) > mask_px + 2)
    seeds = (solid & ((z > 3) | (tri_info > 60))) | ((tri_info > 100) & (tri_alpha > 0.9) & near)
    seeds &= known
    if not bool(seeds.any()):
        seeds = (mask > 0.5) & known
    spread = diffused(c, seeds.cpu().numpy())

    want = near & ~solid & known & (tri_info < DECIDED)
    prior, alpha, info = spread.clone(), tri_alpha, tri_info.clone()
    if bool(want.any()):
        # the outermost px that differ from the background are blends; a thin line's ridge is its purest px
        peak = to(cv2.dilate(differs_np, np.ones((WIDEST_EDGE + 1,) * 2, np.uint8)))
        depth = distance((((differs > 2.5 * deviation) & (differs > HALF * peak)) | solid).cpu().numpy())
        core = to(depth > width)
        may = near & known & (z > 4) & ~see_through & ~fades & (core | (differs >= 0.95 * peak))
        price = torch.full_like(n, float("inf"))
        _put(price, _places(may), palette_bits(c, (seeds & core) | may, may))
        # px that equal the background are transparent whatever the drawing's colour; the others are worth a search
        ask = want & (z > 1)
        radius = int(np.clip(np.ceil(width) + 2, 4, 12))
        places, asking = _places(want), _places(ask)
        F = _taken(spread, places)
        off = torch.zeros_like(F[0])
        at = _places(_taken(ask, places))
        found, miss = find_colour(c, _taken(b, asking), ask, _taken(spread, asking), price, ~_taken(core, asking),
                                  sigma0, radius, common_paints(c, (seeds & core) | may))
        _put(F, at, found)
        _put(off, at, miss)
        # colours are 0..255: a px darker or brighter than what is behind it must hold this much of the drawing
        nn, B, C, known_there, sigma2_there, fading = (_taken(x, places) for x in (n, b, c, sure, sigma2, fades))
        room = torch.where(C < B, B + GREY, 255 - GREY - B).clamp_(min=8)
        # what fades out is as faint as can be: a shadow is about black
        least = ((C - B).abs_() / room).amax(0).clamp_(1e-3, 1)
        F = torch.where(fading, B + (C - B) / least, F)
        # between what is deep inside and the ridge of its outline there are only the drawing's own paints
        own = to(within_outlines(c.cpu().numpy(), differs_np, (solid & (z > 3)).cpu().numpy(),
                                 (want & (z > 2.5) & ~fades).cpu().numpy(), sigma0))
        own = _taken(own, places)
        F = torch.where(own, C, F)
        off.masked_fill_(fading | own, 0.0)
        _put(prior, places, F)
        w0 = (sigma0 / PRIOR_SPREAD) ** 2 * 3 / (1 + (off / 12) ** 2)
        share = nn * w0 / (nn + w0)
        bb = _taken(s_bb, places) + share * _dot(B - F, B - F)
        cb = _taken(s_cb, places) + share * _dot(C - F, B - F)
        least = (((C - B).abs_() - 2 * sigma2_there.sqrt()) / room).amax(0).clamp_(0, 1) * known_there
        _put(alpha, places, torch.maximum((1 - cb / bb.clamp(min=1e-3)).clamp_(0, 1), least))
        _put(info, places, bb / sigma2_there * known_there)
    alpha = alpha.clamp(0, 1)

    vote = 0.6 + 4 * (1 - sure)  # the masks decide what nothing else does
    inside = solid * (DEEP_WEIGHT * (1 + 4 * (tri_info < 20)))
    total = (info + inside).add_(~near, alpha=1e4).add_(vote)
    target = (info * alpha).add_(inside).addcmul_(vote, mask)
    blind = ~known
    total.masked_fill_(blind, 1e-3)
    target.masked_fill_(blind, 0.0)
    alpha = walk(target / total.clamp(min=1e-6), total, c, sweeps).clamp_(0, 1)
    alpha = _settle(alpha, mask_np, known, solid, tri_info)
    colour = _colour(alpha, c, b, n, prior, spread, sigma2) + GREY
    std = (1 / (total + 1)).sqrt()
    inner_px = deep & known
    count = int(inner_px.sum())
    clash = float(misfit[inner_px].median()) if count > MIN_INNER else 0.0
    varies = (m.cc - n * _dot(c, c)).mul_(each).mul_(1 / 3)
    spread_inside = float(varies[inner_px].median()) if count > MIN_INNER else 0.0
    return Cutout(alpha, colour.clamp_(0, 255), std, known, clash, spread_inside, questions), count


def _places(mask: torch.Tensor) -> torch.Tensor:
    """Flat indices of a mask's True px. Looked up once, and not for everything that is read there, they cost little."""
    return torch.nonzero(mask.reshape(-1))[:, 0]


def _taken(x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """[..., h, w] -> [..., n]: its values at flat places of a picture."""
    lead = x.shape[:max(0, x.dim() - 2)]
    return x.reshape(*lead, -1).index_select(-1, places)


def _put(x: torch.Tensor, places: torch.Tensor, values: torch.Tensor) -> None:
    """Write [..., n] at flat places of [..., h, w] (or [..., length]), in place."""
    x.view(*values.shape[:-1], -1).index_copy_(-1, places, values)


def _noise_around(differs: torch.Tensor, known: torch.Tensor, outer: np.ndarray, mask_px: float) -> float:
    """Noise, levels rms, of the background close to a drawing: compression leaves more of it there than elsewhere."""
    ring = (outer > 2 * mask_px + 4) & (outer < 2 * mask_px + 4 + SOFT_REACH) & known.cpu().numpy()
    if ring.sum() < MIN_RING:
        return 0.0
    return float(np.quantile(differs.cpu().numpy()[ring], 0.8)) / 1.24  # that quantile of the rms of three normals


def _settle(alpha: torch.Tensor, mask: np.ndarray, known: torch.Tensor, solid: torch.Tensor,
            tri_info: torch.Tensor) -> torch.Tensor:
    """Exact 0 and 1 where alpha is all but that; islands that no mask touches vanish."""
    a = alpha.masked_fill((alpha < 0.03) | ~known, 0.0)
    slack = (3 / tri_info.clamp(min=1).sqrt()).clamp(0.04, 0.4)
    a.masked_fill_(((a > 0.96) | (solid & (a > 1 - slack))) & known, 1.0)
    body = (a > 0.1).cpu().numpy().astype(np.uint8)
    count, label, stats, _ = cv2.connectedComponentsWithStats(body, connectivity=8)
    if count > 2:
        hit = np.bincount(label[mask > 0.5], minlength=count)
        drop = hit < 0.25 * stats[:, cv2.CC_STAT_AREA]
        drop[0] = False
        a = a * torch.from_numpy(~drop[label]).to(a.device)
    clear = ((tri_info > SURE_SPECK) & known).cpu().numpy()
    return torch.from_numpy(without_specks(a.cpu().numpy(), LEAST_SPECK, clear)).to(a.device)


def _colour(alpha: torch.Tensor, c: torch.Tensor, b: torch.Tensor, n: torch.Tensor, prior: torch.Tensor,
            spread: torch.Tensor, sigma2: torch.Tensor) -> torch.Tensor:
    """Straight colour: (C - beta B) / alpha where alpha is large, drawn to the colour nearby as it vanishes."""
    solid = alpha >= 1
    out = torch.lerp(spread, c, solid.float())
    part = (alpha > 0) & ~solid
    places = _places(part)
    a = _taken(alpha, places)
    raw = _taken(c, places) - (1 - a) * _taken(b, places)  # premultiplied
    weight = _taken(n, places) * a / _taken(sigma2, places)
    pull = 1 / PRIOR_SPREAD**2
    _put(out, places, (weight * raw + pull * _taken(prior, places)) / (weight * a + pull))
    return out
