"""Where a flat background goes on behind a drawing's masks, though no exposure's masks ever let it be seen there.

A flat sky tells no motion: how far the masks follow it into the pockets of a tree line is chance, and where they never
do, what is behind is not known. The area itself tells: a flat area that repeats the plate wherever the plate is known
is background up to its own outline, if the drawing is painted in its colour hardly anywhere else.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.areas import distance
from toondecompose.engine.matte.evidence import Evidence, dot
from toondecompose.engine.matte.fill import push_pull
from toondecompose.engine.matte.moments import GREY, Moments

FLAT = 1.5  # levels per px, beyond the noise, within such an area
REPEATS, DIFFERS = 1.3, 3.0  # difference from the background, relative to the noise, of its px and of others
LEAST = 60  # px of an area that must be known to be background, and that are worth asking about
CLEARLY = 20.0  # times as many of its px must repeat the background as differ from it
BIN = 8  # levels per channel of a table of colours
RARE = 0.01  # share of a drawing that may have an area's colours
_SQUARE = np.ones((3, 3), np.uint8)


def continued_background(e: Evidence, mask: np.ndarray) -> np.ndarray:
    """Px within the masks that show the background though it is not known there: bool [h, w].

    mask: float32 [h, w], the pooled masks 0..1."""
    nothing = np.zeros(mask.shape, bool)
    known, sure, z = e.known.cpu().numpy(), e.sure.cpu().numpy() > 0.5, e.z.cpu().numpy()
    calm = known & (e.slope_c.cpu().numpy() < FLAT + e.noise)
    repeats, asks = calm & sure & (z < REPEATS), calm & ~sure & (mask > 0.5)
    if repeats.sum() < LEAST or asks.sum() < LEAST:
        return nothing
    area = cv2.erode(calm.astype(np.uint8), _SQUARE)  # a gap in a line is no open door
    count, label = cv2.connectedComponents(area, connectivity=4)
    of = lambda px: np.bincount(label.take(np.flatnonzero(px)), minlength=count)  # noqa: E731
    goes_on = of(asks) >= LEAST
    goes_on[0] = False
    if not goes_on.any():
        return nothing
    same, other = of(repeats), of(calm & sure & (z > DIFFERS))
    goes_on &= (same >= LEAST) & (same > CLEARLY * other)
    if not goes_on.any():
        return nothing
    c = e.c.cpu().numpy()
    theirs = cv2.dilate(goes_on[label].astype(np.uint8), _SQUARE, iterations=2) > 0  # with their rims
    drawn = known & (mask > 0.5) & ((sure & (z > DIFFERS)) | ~theirs)
    paints, total = _colours(c[:, drawn]), max(1, int(drawn.sum()))
    found = nothing
    for k in np.flatnonzero(goes_on):
        here = asks & (label == k)
        bins = _bins(c[:, here])
        seen = _colours(c[:, repeats & (label == k)])
        if (seen[bins] > 0).mean() > 0.5 and np.median(paints[bins]) < RARE * total:
            found |= here
    return cv2.dilate(found.astype(np.uint8), _SQUARE).astype(bool) & asks


def _bins(colours: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.clip((colours + GREY) / BIN, 0, 255 // BIN).astype(np.intp))


def _colours(colours: np.ndarray) -> np.ndarray:
    """How many of the px [3, n] have nearly each colour: float32 [bins, bins, bins]."""
    n = 255 // BIN + 1
    r, g, b = _bins(colours)
    cube = torch.from_numpy(np.bincount((r * n + g) * n + b, minlength=n**3).astype(np.float32).reshape(1, 1, n, n, n))
    return (torch.nn.functional.avg_pool3d(cube, 3, 1, 1) * 27)[0, 0].numpy()


def with_background(m: Moments, c: torch.Tensor, found: np.ndarray, reach: float) -> Moments:
    """Moments whose background is known around the px `found`, bool [h, w], where it was not: it is what those px show.

    c: [3, h, w] levels relative to GREY, their mean colour. reach: px around them."""
    device = c.device
    near = torch.from_numpy(distance(~found) <= reach).to(device) & (m.sure < 0.5 * m.n)
    flat = np.ascontiguousarray(c.cpu().numpy().transpose(1, 2, 0))
    filled = np.where(found[..., None], flat, push_pull(flat * found[..., None], found.astype(np.float32)))
    behind = torch.from_numpy(np.ascontiguousarray(filled.transpose(2, 0, 1))).to(device)
    put = lambda old, new: torch.where(near, new, old)  # noqa: E731
    return replace(m, b=put(m.b, m.n * behind), bb=put(m.bb, m.n * dot(behind, behind)),
                   cb=put(m.cb, dot(m.c, behind)), sure=put(m.sure, m.n),
                   mask=m.mask.masked_fill(torch.from_numpy(found).to(device), 0.0))
