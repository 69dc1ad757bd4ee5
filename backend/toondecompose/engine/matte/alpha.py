"""Alpha and colour of one drawing from its pooled exposures.

Triangulation gives alpha in closed form wherever the backgrounds behind a px differ. The drawing's own colour is a
virtual exposure (C = B = F) of small weight, so that one formula also covers a single exposure (known-background
matting). What neither decides is settled by the masks, by rules of cel art (deep inside is opaque), and by a random
walk on the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.moments import GREY, Moments
from toondecompose.engine.matte.plates import push_pull

PRIOR_SPREAD = 14.0  # levels; how far a px's own colour may lie from the colour found for it nearby
SLIP = 0.12  # px; registration error of a px's background and drawing, turned into levels by their gradient
WALK_LAMBDA = 0.7
WALK_SIGMA = 6.0  # levels (L2 over RGB) at which neighbouring px stop sharing alpha
PALETTE_BINS = 16  # per channel
LINE_SPREAD = 5.0  # levels (L2 over RGB) off the mixing line that cost one bit
UNKNOWN_PAINT_BITS = 12  # price of a colour that the drawing shows nowhere for sure
DECIDED = 600.0  # information (std 0.04) from which triangulation needs no colour prior
MIN_INNER = 30  # px inside a drawing below which its exposures are not judged
SOFT_REACH = 24  # px beyond the masks' band that a shadow or glow may extend
MISFIT = 2.0  # residual variance relative to the noise from which exposures contradict one another
WIDEST_EDGE = 8  # px
NEAR, NEAR_BITS = 40.0, 6.0
RIM_BITS = 3.0
DEEP_WEIGHT = 12.0  # information of "deep inside the silhouette": std 0.29


@dataclass
class Cutout:
    """alpha float32 [h, w] 0..1; colour float32 [3, h, w] 0..255, straight; std: predicted standard deviation of alpha;
    known: bool [h, w], some exposure shows this px. misfit: how much the exposures contradict one another inside the
    drawing, as residual variance relative to the noise (median; 1 is noise alone)."""

    alpha: torch.Tensor
    colour: torch.Tensor
    std: torch.Tensor
    known: torch.Tensor
    misfit: float


def _distance(mask: np.ndarray) -> np.ndarray:
    """Distance, px, of every True px to the nearest False one."""
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)


def _box_mean(x: torch.Tensor, r: int) -> torch.Tensor:
    """Mean over (2r+1)^2 windows, edges repeated. float32 [h, w]."""
    out = cv2.blur(x.cpu().numpy(), (2 * r + 1, 2 * r + 1), borderType=cv2.BORDER_REPLICATE)
    return torch.from_numpy(out).to(x.device)


def _slope(c: torch.Tensor) -> torch.Tensor:
    """Gradient magnitude (L2 over RGB), levels per px. [3, h, w] -> [h, w]."""
    padded = torch.nn.functional.pad(c[None], (1, 1, 1, 1), mode="replicate")[0]
    dx = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    dy = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    return (dx * dx + dy * dy).sum(0).sqrt()


def _search_offsets(radius: int) -> list[tuple[int, int]]:
    """Px of a disc, near ones first: all of them within 2 px, fewer further out."""
    out = []
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            far = dx * dx + dy * dy
            step = 1 if far <= 4 else 2 if far <= 20 else 3
            if far <= radius * radius and dx % step == 0 and dy % step == 0:
                out.append((far, dy, dx))
    return [(dy, dx) for _, dy, dx in sorted(out)]


def edge_width(differs: np.ndarray, depth: np.ndarray, where: np.ndarray) -> float:
    """How many px inside the outline a drawing reaches its full contrast: 1-2 for hard anti-aliased edges, more for
    soft or blurred ones. differs: |C - B|; depth: px from the outline, 0 outside; where: px to look at. All [h, w]."""
    full = cv2.dilate(differs, np.ones((2 * WIDEST_EDGE + 1,) * 2, np.uint8))
    ratio = differs / np.maximum(full, 1e-3)
    for d in range(1, WIDEST_EDGE):
        ring = where & (depth > d - 0.75) & (depth <= d + 0.25)
        if ring.sum() < 40 or np.median(ratio[ring]) >= 0.8:
            return d + 0.5 - 1
    return float(WIDEST_EDGE)


def palette_bits(c: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """How many bits each px's colour costs under the drawing's own palette: cels are painted with few colours.

    c: [3, h, w] levels relative to GREY. where: bool [h, w], px that certainly show the drawing. Returns [h, w]."""
    bins = ((c + GREY).clamp(0, 255) / (256 / PALETTE_BINS)).long().clamp(0, PALETTE_BINS - 1)
    index = (bins[0] * PALETTE_BINS + bins[1]) * PALETTE_BINS + bins[2]
    count = torch.bincount(index[where], minlength=PALETTE_BINS**3).float()
    cube = count.reshape(1, 1, PALETTE_BINS, PALETTE_BINS, PALETTE_BINS)
    soft = torch.nn.functional.avg_pool3d(cube, 3, 1, 1).reshape(-1)  # neighbouring shades are the same paint
    share = soft / soft.sum().clamp(min=1e-6) + 2.0**-UNKNOWN_PAINT_BITS
    return -torch.log2(share)[index]


def _reach(inner: np.ndarray, outer: np.ndarray, band: float, soft: np.ndarray) -> np.ndarray:
    """Where the drawing may be: its mask and a band around it, and soft parts (shadow, glow, hair) that hang on to it.

    inner, outer: distances into and from the mask, px. soft: bool [h, w], px that visibly are not just background."""
    near = (inner > 0) | (outer <= band)
    wide = cv2.morphologyEx((near | soft).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    _, label = cv2.connectedComponents((wide | near).astype(np.uint8), connectivity=4)
    ours = np.zeros(label.max() + 1, bool)
    ours[label[inner > 0]] = True
    ours[0] = False
    return near | (ours[label] & (outer <= band + SOFT_REACH))


def _joined(area: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """The components of `area` that reach `outside`. Thin bridges do not count: a gap in a line is no open door."""
    core = cv2.erode(area.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, label = cv2.connectedComponents(core, connectivity=4)
    reaches = np.zeros(label.max() + 1, bool)
    reaches[label[outside]] = True
    reaches[0] = False
    return cv2.dilate(reaches[label].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def find_colour(c: torch.Tensor, b: torch.Tensor, want: torch.Tensor, may: torch.Tensor, spread: torch.Tensor,
                bits: torch.Tensor, rim: torch.Tensor, noise: float, radius: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The drawing's own colour for px that may be mixed with the background.

    c, b: mean colour and background [3, h, w]. want: bool [h, w], px that ask. may: bool [h, w], px that can lend their
    colour. spread: diffused sure colour [3, h, w], always a candidate. bits: [h, w], cost of a px's colour as paint.
    Returns (F [3, p], distance off the mixing line [p]) for the px of `want`, in torch.nonzero order.
    The cheapest explanation wins: distance off the mixing line through B and F, plus the price of the paint F. So a
    blend of a common paint with the background beats a paint of its own that nothing else of the drawing has.
    """
    ys, xs = torch.nonzero(want, as_tuple=True)
    h, w = want.shape
    C, B = c[:, ys, xs], b[:, ys, xs]
    D = C - B
    best = torch.full((len(ys),), float("inf"), device=c.device)
    colour, off = spread[:, ys, xs].clone(), torch.zeros_like(best)
    scale = LINE_SPREAD * max(1.0, noise / 2)
    for step, (dy, dx) in enumerate([(0, 0), *_search_offsets(radius)]):
        if step == 0:
            F, ok, price = spread[:, ys, xs], torch.ones_like(best, dtype=torch.bool), torch.full_like(best, 8.0)
        else:
            y, x = (ys + dy).clamp(0, h - 1), (xs + dx).clamp(0, w - 1)
            F, ok, price = c[:, y, x], may[y, x], bits[y, x] + 0.15 * float(np.hypot(dy, dx))
        line = F - B
        length2 = (line * line).sum(0).clamp(min=1.0)
        a = ((D * line).sum(0) / length2).clamp(0, 1)
        rho = (D - a * line).square().sum(0).sqrt()
        cost = 1.5 * torch.log2(1 + (rho / scale) ** 2) + price + NEAR_BITS * torch.exp(-length2.sqrt() / NEAR)
        cost = cost + RIM_BITS * rim[ys, xs] * (a > 0.9)
        cost = torch.where(ok, cost, torch.full_like(cost, 1e9))
        better = cost < best
        best = torch.where(better, cost, best)
        colour = torch.where(better, F, colour)
        off = torch.where(better, rho, off)
    return colour, off


def walk(alpha: torch.Tensor, info: torch.Tensor, guide: torch.Tensor, sweeps: int) -> torch.Tensor:
    """Soft-seed random walk: min sum info (a - alpha)^2 + lambda sum w_pq (a_p - a_q)^2, w from colour differences.

    alpha, info: [h, w]. guide: [3, h, w] levels. A fixed number of red-black sweeps on every level of a pyramid; no
    data-dependent stop, so every device and thread count does the same sums."""
    h, w = alpha.shape
    if min(h, w) >= 32:
        pool = lambda x: torch.nn.functional.avg_pool2d(x[None], 2, ceil_mode=True, count_include_pad=False)[0]  # noqa: E731
        small_info = pool(info[None])[0]
        small = pool((info * alpha)[None])[0] / small_info.clamp(min=1e-6)
        small = walk(small, small_info, pool(guide), sweeps)
        start = torch.nn.functional.interpolate(small[None, None], scale_factor=2, mode="nearest")[0, 0, :h, :w]
    else:
        start = alpha
    weight = lambda d: WALK_LAMBDA * torch.exp(-(d * d).sum(0) / (2 * WALK_SIGMA**2)) + 1e-4  # noqa: E731
    right, down = torch.zeros_like(alpha), torch.zeros_like(alpha)
    right[:, :-1] = weight(guide[:, :, 1:] - guide[:, :, :-1])
    down[:-1] = weight(guide[:, 1:] - guide[:, :-1])
    left, up = torch.zeros_like(alpha), torch.zeros_like(alpha)
    left[:, 1:], up[1:] = right[:, :-1], down[:-1]
    total = info + right + left + down + up
    target = info * alpha
    red = (torch.arange(h, device=alpha.device)[:, None] + torch.arange(w, device=alpha.device)[None]) % 2 == 0
    a = torch.where(info > 1e3, alpha, start)
    right, left, down, up, target = (x / total for x in (right, left, down, up, target))
    masks = (red.float(), (~red).float())
    padded = torch.zeros((h + 2, w + 2), device=alpha.device)
    for sweep in range(2 * sweeps):
        padded[1:-1, 1:-1] = a
        new = target + right * padded[1:-1, 2:]
        new.addcmul_(left, padded[1:-1, :-2]).addcmul_(down, padded[2:, 1:-1]).addcmul_(up, padded[:-2, 1:-1])
        a = torch.addcmul(a, new.sub_(a), masks[sweep % 2])
    return a


def cut_out(m: Moments, noise: float, mask_px: float, sweeps: int = 6) -> Cutout:
    """Alpha and straight colour of a drawing.

    noise: levels rms per channel. mask_px: how far, canvas px, the masks' outlines may be wrong.
    """
    n = m.n.clamp(min=1e-6)
    known = m.n > 0.02
    c, b = m.c / n, m.b / n
    s_bb = (m.bb - n * (b * b).sum(0)).clamp(min=0)
    s_cb = m.cb - n * (c * b).sum(0)
    mask, sure = m.mask / n, (m.sure / n).clamp(0, 1)
    differs = ((m.cc - 2 * m.cb + m.bb) / n / 3).clamp(min=0).sqrt()  # rms of C_k - B_k per channel, levels
    # with no known background nothing differs from it; then only the mask speaks
    sigma0 = max(1.5, noise)
    sigma2 = 3 * sigma0**2 + (SLIP * torch.maximum(_slope(b), 0.5 * _slope(c))) ** 2
    tri_info = s_bb / sigma2 * sure
    tri_beta = s_cb / s_bb.clamp(min=1e-3)
    tri_alpha = 1 - tri_beta

    mask_np = mask.cpu().numpy()
    # beyond the frame's edge and behind other sprites the outline goes on as it comes in
    mask_np = push_pull(mask_np[..., None] * known.cpu().numpy()[..., None], known.cpu().numpy().astype(np.float32))
    mask_np = mask_np[..., 0]
    inner = _distance(mask_np > 0.5)
    outer = _distance(mask_np <= 0.5)
    to = lambda x: torch.from_numpy(x).to(c.device)  # noqa: E731
    deep = to(inner > mask_px + 2)
    smooth_differs = _box_mean(differs, 1)
    z = smooth_differs / (sigma2 / 3).sqrt()
    # a soft part counts only where one alpha and colour explain all exposures; an error of the background does not
    s_cc = (m.cc - n * (c * c).sum(0)).clamp(min=0)
    misfit = _box_mean((s_cc - tri_beta * s_cb) / (sigma2 * n), 1)
    soft = (z > 2.5) & (tri_info > 60) & known & (misfit < MISFIT) & (tri_alpha < 0.9)
    near = to(_reach(inner, outer, 2 * mask_px + 4, soft.cpu().numpy()))

    # a hole is sure where the picture repeats a textured background, or where triangulation sees through
    texture = _box_mean(_slope(b), 2)
    repeats = (z < 1.3) & (sure > 0.5) & known
    see_through = ((tri_info > 60) & (tri_alpha < 0.25)) | (repeats & (texture > 4 * sigma0))
    # flat px that repeat a flat background count as background only if they hang together with what is outside
    see_through |= to(_joined(repeats.cpu().numpy(), outer > mask_px)) & deep
    # deep inside is opaque unless triangulation contradicts beyond its own error (a translucent cel)
    veil = (tri_info > 60) & (_box_mean(((1 - tri_alpha) * tri_info.sqrt()).clamp(-8, 8), 1) > 4)
    solid = deep & ~see_through & ~veil
    seeds = (solid & ((z > 3) | (tri_info > 60))) | ((tri_info > 100) & (tri_alpha > 0.9) & near)
    seeds_np = (seeds & known).cpu().numpy()
    if not seeds_np.any():
        seeds_np = ((mask > 0.5) & known).cpu().numpy()
    spread = push_pull((c.permute(1, 2, 0).cpu().numpy() * seeds_np[..., None]), seeds_np.astype(np.float32))
    spread = to(np.ascontiguousarray(spread.transpose(2, 0, 1)))

    want = near & ~solid & known & (tri_info < DECIDED)
    colour, prior_info, prior_alpha = c.clone(), torch.zeros_like(n), torch.zeros_like(n)
    if bool(want.any()):
        # the outermost px that differ from the background are blends; a thin line's ridge is its purest px
        body = (differs > 2.5 * (sigma2 / 3).sqrt()) | solid
        depth = _distance(body.cpu().numpy())
        width = edge_width(differs.cpu().numpy(), depth, (near & known).cpu().numpy())
        core = to(depth > width)
        side = 2 * int(np.ceil(width)) + 1
        peak = to(cv2.dilate(differs.cpu().numpy(), np.ones((side, side), np.uint8)))
        pure = core | (differs >= 0.95 * peak)
        may = near & known & (z > 4) & ~see_through & pure
        bits = palette_bits(c, (to(seeds_np) | may) & core)
        rim = (~core).float()
        F, off = spread[:, want], torch.zeros_like(n[want])
        # px that equal the background are transparent whatever the drawing's colour; the others are worth a search
        ask = want & (z > 1)
        at = ask[want]
        radius = int(np.clip(np.ceil(width) + 2, 4, 12))
        F[:, at], off[at] = find_colour(c, b, ask, may, spread, bits, rim, sigma0, radius)
        colour[:, want] = F
        w0 = (sigma0 / PRIOR_SPREAD) ** 2 * 3 / (1 + (off / 12) ** 2)
        nn, B, C = n[want], b[:, want], c[:, want]
        share = nn * w0 / (nn + w0)
        bb = s_bb[want] + share * ((B - F) ** 2).sum(0)
        cb = s_cb[want] + share * ((C - F) * (B - F)).sum(0)
        prior_alpha[want] = 1 - cb / bb.clamp(min=1e-3)
        prior_info[want] = bb / sigma2[want] * sure[want]
    alpha = torch.where(want, prior_alpha, tri_alpha)
    info = torch.where(want, prior_info, tri_info)
    # colours are 0..255: a px darker or brighter than what is behind it must hold this much of the drawing
    room = torch.where(c < b, b + GREY, 255 - GREY - b).clamp(min=8)
    floor = (((c - b).abs() - 2 * sigma2.sqrt()) / room).amax(0).clamp(0, 1) * sure
    alpha = torch.maximum(alpha.clamp(0, 1), floor)

    total, target = info, info * alpha
    inside = DEEP_WEIGHT * solid * (1 + 4 * (tri_info < 20))
    total, target = total + inside, target + inside
    outside = (~near) * 1e4
    total = total + outside
    vote = 0.6 + 4 * (1 - sure)  # the masks decide what nothing else does
    total, target = total + vote, target + vote * mask
    blind = ~known
    total = torch.where(blind, torch.full_like(total, 1e-3), total)
    target = torch.where(blind, torch.zeros_like(target), target)
    alpha = walk(target / total.clamp(min=1e-6), total, c, sweeps).clamp(0, 1)
    alpha = _settle(alpha, mask_np, known, solid, tri_info)
    colour = _colour(alpha, c, b, n, colour, spread, sigma2) + GREY
    std = (1 / (total + 1)).sqrt()
    inner_px = deep & known
    clash = float(misfit[inner_px].median()) if int(inner_px.sum()) > MIN_INNER else 0.0
    return Cutout(alpha, colour.clamp(0, 255), std, known, clash)


def _settle(alpha: torch.Tensor, mask: np.ndarray, known: torch.Tensor, solid: torch.Tensor,
            tri_info: torch.Tensor) -> torch.Tensor:
    """Exact 0 and 1 where alpha is all but that; islands that no mask touches vanish."""
    a = torch.where(alpha < 0.03, torch.zeros_like(alpha), alpha)
    slack = (3 / tri_info.clamp(min=1).sqrt()).clamp(0.04, 0.4)
    a = torch.where((a > 0.96) | (solid & (a > 1 - slack)), torch.ones_like(a), a)
    a = a * known
    body = (a > 0.1).cpu().numpy().astype(np.uint8)
    count, label = cv2.connectedComponents(body, connectivity=8)
    if count > 2:
        hit = np.bincount(label.ravel(), weights=(mask > 0.5).ravel(), minlength=count)
        size = np.bincount(label.ravel(), minlength=count)
        drop = hit < 0.25 * size
        drop[0] = False
        a = a * torch.from_numpy(~drop[label]).to(a.device)
    return a


def _colour(alpha: torch.Tensor, c: torch.Tensor, b: torch.Tensor, n: torch.Tensor, prior: torch.Tensor,
            spread: torch.Tensor, sigma2: torch.Tensor) -> torch.Tensor:
    """Straight colour: (C - beta B) / alpha where alpha is large, drawn to the colour nearby as it vanishes."""
    raw = c - (1 - alpha) * b  # premultiplied
    weight = n * alpha / sigma2
    pull = 1 / PRIOR_SPREAD**2
    mixed = (weight * raw + pull * prior) / (weight * alpha + pull)
    mixed = torch.where(alpha >= 1, c, mixed)
    return torch.where(alpha > 0, mixed, spread)
