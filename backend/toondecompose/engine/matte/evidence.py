"""What the pooled exposures of a drawing say about its px, before anything is supposed about drawings."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.areas import SOFT_REACH
from toondecompose.engine.matte.marks import above, count_of, places_of, taken
from toondecompose.engine.matte.moments import Moments
from toondecompose.engine.matte.paint import cells_of
from toondecompose.engine.tiles import strips

SLIP = 0.12  # px; registration error of a px's background and drawing, turned into levels by their gradient
# Residual variance relative to the noise from which one alpha and colour do not explain the exposures: they slip by
# more than that, or are not all alike, and what they say about alpha is the less, however many they are.
CONTRADICT = 8.0
MIN_RING = 200  # px around a drawing below which its noise is not judged
# Levels per px (L2 over RGB) of lines, and of what is flat beside them; and how far, px, a codec's blocks spread a line
LINE, FLAT, BLOCK = 12.0, 4.0, 4
# Beside what moves a codec cannot predict a block from the frames before: so many times the noise that it leaves at
# lines that it can. And how much more noise than elsewhere is a codec's: grain is the same everywhere.
UNPREDICTED, RINGS = 6.0, 1.2
MEDIAN = 0.888  # of the rms of three normals
SMOOTH = 0.8  # share of a difference's power that its mean over 3 x 3 px keeps: of noise it keeps less
GHOST, TELLS = 0.15, 20.0  # a median of what shows through, and how sure (1 / variance) a px's share of it must be
GRAINY = 2.0  # levels rms of noise in the calm parts of a clip, which a codec leaves calm


@dataclass
class Evidence:
    """All float32 [h, w] if nothing else is said.

    n: weight of the exposures. known: bool, some exposure shows this px. c, b: [3, h, w] levels relative to GREY, mean
    colour and mean background. cc: sum of |C|^2. s_bb, s_cb: sums of
    |B - b|^2 and of (C - c)(B - b). mask, sure: share of the exposures' masks that
    cover the px, and of them whose background is known, 0..1. differs: rms of C - B per channel, levels. noise: of the
    exposures, levels rms per channel. slope, slope_c: gradient of b and of c, levels per px. sigma2: variance of a px's
    error, registration's included, summed over the channels. tri_beta, tri_info: 1 - alpha by triangulation, and 1 /
    variance of that. deviation: the error per channel, levels. z: how far the px differ from the background, relative
    to it. misfit: how far no one alpha and colour explain all exposures, as residual variance relative to the noise.
    cells: int32, c's cells of colour space. mask_px: how far, px, the masks' outlines may be wrong. rings: bool, beside
    the masks, where a codec's noise around the outline is. change: [3, h, w], c - b."""

    n: torch.Tensor
    known: torch.Tensor
    c: torch.Tensor
    b: torch.Tensor
    cc: torch.Tensor
    s_bb: torch.Tensor
    s_cb: torch.Tensor
    mask: torch.Tensor
    sure: torch.Tensor
    differs: torch.Tensor
    noise: float
    slope: torch.Tensor
    slope_c: torch.Tensor
    sigma2: torch.Tensor
    tri_beta: torch.Tensor
    tri_info: torch.Tensor
    deviation: torch.Tensor
    z: torch.Tensor
    misfit: torch.Tensor
    cells: torch.Tensor
    mask_px: float
    rings: torch.Tensor
    change: torch.Tensor

    def crop(self, at: tuple[slice, slice]) -> Evidence:
        """The evidence of some rows and columns."""
        values = (getattr(self, field.name) for field in fields(self))
        return Evidence(*(x[(..., *at)] if isinstance(x, torch.Tensor) else x for x in values))


def gather(m: Moments, outer: np.ndarray, noise: float, mask_px: float, lined: bool, firm: bool = True) -> Evidence:
    """The evidence that a drawing's moments hold. outer: float32 [h, w], px from its masks, 0 within. noise: levels rms
    per channel. mask_px: how far, px, the masks' outlines may be wrong. lined: it is a figure, and not a plane. firm:
    the exposures are of one drawing for certain; a draft's may be of several, which contradict one another anyhow."""
    n, mask, sure, s_bb, s_cb, differs, tri_beta, scatter = (torch.empty_like(m.n) for _ in range(8))
    known, cells = (torch.empty_like(m.n, dtype=kind) for kind in (torch.bool, torch.int32))
    c, b, change = (torch.empty_like(m.c) for _ in range(3))
    for part in strips(known.shape):
        every = (slice(None), part)
        weight = torch.clamp(m.n[part], min=1e-6, out=n[part])
        each = 1 / weight
        known[part] = above(m.n[part], 0.02)
        colour, behind = torch.mul(m.c[every], each, out=c[every]), torch.mul(m.b[every], each, out=b[every])
        torch.sub(colour, behind, out=change[every])
        cells[part] = cells_of(colour)
        moves = torch.sub(m.bb[part], weight * dot(behind, behind), out=s_bb[part]).clamp_(min=0)
        together = torch.sub(m.cb[part], weight * dot(colour, behind), out=s_cb[part])
        torch.mul(m.mask[part], each, out=mask[part])
        torch.mul(m.sure[part], each, out=sure[part]).clamp_(0, 1)
        # with no known background nothing differs from it, and only the mask speaks
        apart = torch.mul(m.cc[part] - 2 * m.cb[part] + m.bb[part], each, out=differs[part])
        apart.mul_(1 / 3).clamp_(min=0).sqrt_()
        beta = torch.div(together, moves.clamp(min=1e-3), out=tri_beta[part])
        torch.sub(m.cc[part], weight * dot(colour, colour), out=scatter[part]).clamp_(min=0).sub_(beta * together)
    sigma0 = max(1.5, noise)
    if lined:  # what differs around a plane is another plane
        sigma0 = max(sigma0, _noise_around(differs, known & above(sure, 0.5), outer, mask_px))
    slope, slope_c = _slope(b), _slope(c)
    sigma2 = torch.empty_like(n)
    for part in strips(known.shape):
        torch.mul(torch.maximum(slope[part], 0.5 * slope_c[part]), SLIP, out=sigma2[part])
        sigma2[part].square_().add_(3 * sigma0**2)
    rings = torch.zeros_like(known)
    if lined and firm and noise < GRAINY and not _lets_through(tri_beta, s_bb, sigma2, known, outer):
        ringing = _noise_at_outline(differs, change, slope, known & above(sure, 0.5), outer, mask_px, RINGS * sigma0)
        if ringing > RINGS * sigma0:
            near = torch.from_numpy(outer <= 2 * mask_px + 4).to(c.device)
            sigma2 += near * (3 * (ringing**2 - sigma0**2))
            rings = near & torch.from_numpy(outer > 0).to(c.device)
    tri_info, deviation = torch.empty_like(n), torch.empty_like(n)
    for part in strips(known.shape):
        torch.mul(s_bb[part] / sigma2[part], sure[part], out=tri_info[part])
        torch.div(sigma2[part], 3, out=deviation[part]).sqrt_()
        scatter[part].div_(sigma2[part]).mul_(1 / n[part])
    z, misfit = box_mean(differs, 1).div_(deviation), box_mean(scatter, 1)
    if firm:
        for part in strips(known.shape):
            tri_info[part].div_((misfit[part] / CONTRADICT).clamp_(min=1))
    return Evidence(n, known, c, b, m.cc, s_bb, s_cb, mask, sure, differs, sigma0, slope, slope_c, sigma2, tri_beta,
                    tri_info, deviation, z, misfit, cells, mask_px, rings, change)


def box_mean(x: torch.Tensor, r: int) -> torch.Tensor:
    """Mean over (2r+1)^2 windows, edges repeated. float32 [h, w]."""
    out = cv2.blur(x.cpu().numpy(), (2 * r + 1, 2 * r + 1), borderType=cv2.BORDER_REPLICATE)
    return torch.from_numpy(out).to(x.device)


def _slope(c: torch.Tensor) -> torch.Tensor:
    """Gradient magnitude (L2 over RGB), levels per px. [3, h, w] -> [h, w]."""
    step = np.array([[-0.5, 0, 0.5]], np.float32)
    planes, total = c.cpu().numpy(), np.zeros(c.shape[1:], np.float32)
    for rows in strips(total.shape):
        around = slice(max(0, rows.start - 1), rows.stop + 1)  # a row more on both sides, as far as there are any
        sums = np.zeros_like(total[around])
        for plane in planes[:, around]:
            for kernel in (step, step.T):
                d = cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_REPLICATE)
                cv2.accumulateSquare(d, sums)
        np.sqrt(sums[rows.start - around.start:][:rows.stop - rows.start], out=total[rows])
    return torch.from_numpy(total).to(c.device)


def dot(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Sum over the three channels of x * y: [3, h, w] -> [h, w]."""
    return (x[0] * y[0]).addcmul_(x[1], y[1]).addcmul_(x[2], y[2])


def _noise_around(differs: torch.Tensor, known: torch.Tensor, outer: np.ndarray, mask_px: float) -> float:
    """Noise, levels rms, of the background close to a drawing: compression leaves more of it there than elsewhere."""
    ring = (outer > 2 * mask_px + 4) & (outer < 2 * mask_px + 4 + SOFT_REACH) & known.cpu().numpy()
    if ring.sum() < MIN_RING:
        return 0.0
    return float(np.quantile(differs.cpu().numpy()[ring], 0.8)) / 1.24  # that quantile of the rms of three normals


def _lets_through(beta: torch.Tensor, s_bb: torch.Tensor, sigma2: torch.Tensor, known: torch.Tensor,
                  outer: np.ndarray) -> bool:
    """Whether what is inside the masks is a ghost's, whose rim is no more opaque than a codec's noise: what shows
    through it, beta, float32 [h, w], where the background changes enough to tell."""
    inside = torch.from_numpy(outer == 0).to(known.device) & known
    for part in strips(inside.shape):
        inside[part] &= above(s_bb[part] / sigma2[part], TELLS)
    number, ghostly = count_of(inside), count_of(inside & above(beta, GHOST))
    if number < MIN_RING or abs(2 * ghostly - number) > 1:  # the median lies on one side for certain
        return number >= MIN_RING and 2 * ghostly > number
    return float(np.median(taken(beta, places_of(inside)).cpu().numpy())) > GHOST


def _noise_at_outline(differs: torch.Tensor, change: torch.Tensor, slope: torch.Tensor, known: torch.Tensor,
                      outer: np.ndarray, mask_px: float, least: float) -> float:
    """Noise, levels rms, of the background right at a drawing's outline, where a codec's blocks hold the outline, too,
    and ring; 0 where what is seen there is not noise, or not more than `least`. change: [3, h, w], of the means.

    Glows, smears and hair are beside a drawing as well. But glows and smears are smooth, and none of them is seen far
    from it: no codec leaves more than so many times what it leaves there."""
    known = known.cpu().numpy()
    band = 2 * mask_px + 4
    ring, far = known & (outer > mask_px) & (outer <= band), known & (outer > band + SOFT_REACH // 2)
    if min(np.count_nonzero(ring), np.count_nonzero(far)) < MIN_RING:
        return 0.0
    means = [box_mean(x, 1) for x in change]

    def looked_up(px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The power of the difference at some px, and what of it is smooth."""
        at = places_of(torch.from_numpy(px).to(change.device))
        smooth = sum(taken(x, at).square_() for x in means) / 3
        return taken(differs, at).square_().cpu().numpy(), smooth.cpu().numpy()

    power, smooth = looked_up(ring)
    most = np.quantile(power, 0.9)  # what passes by counts no more than that
    kept, whole = (float(np.minimum(x, most).sum(dtype=np.float64)) for x in (smooth, power))
    here = float(np.quantile(np.maximum(power - smooth, 0), 0.8)) ** 0.5 / 1.24
    if kept > SMOOTH * whole or here <= least:
        return 0.0
    slope = slope.cpu().numpy()
    beside = far & (slope < FLAT) & (cv2.dilate(slope, np.ones((2 * BLOCK + 1, 2 * BLOCK + 1), np.uint8)) > LINE)
    roughest = 0.0
    for px in (far, beside):
        if np.count_nonzero(px) >= MIN_RING:
            power, smooth = looked_up(px)
            roughest = max(roughest, float(np.median(np.maximum(power - smooth, 0))))
    return min(here, UNPREDICTED * roughest ** 0.5 / MEDIAN)
