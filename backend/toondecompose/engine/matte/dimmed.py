"""Gaps between blurred lines: the background shows through, but dimmed by the lines on both sides of it.

Deep inside a silhouette everything is opaque unless it equals what is behind it. In a narrow gap of a soft drawing no
px does: the lines' blur lies over all of it. But its px are mostly background, and blended with the paint of the lines;
the drawing hardly has such colours where something else is behind it; and no exposure says that they stay when the
background changes.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.areas import label_type
from toondecompose.engine.matte.marks import below, count_of, places_of, put, taken
from toondecompose.engine.matte.paint import common_paints, paint_counts, painted_alike

MOSTLY = 0.4  # of a line's paint; gaps hold less of it
DARKER = 40.0  # levels by which a line's paint is darker than what is behind it, in every channel
OFF_LINE = 6.0  # levels (L2 over RGB), beyond the noise, off the mixing line of background and line
RARE = 1 / 32  # of a drawing may have a gap's colours elsewhere, inside; its own shades of hair and cloth have more
LEAST_GAP = 20  # px; smaller ones come by triangulation or not at all
TOLD = 100.0  # information, summed over a gap, from which its exposures tell how much of the background they show
SHOWS = 0.5  # of it they must show
_SQUARE = np.ones((3, 3), np.uint8)


def dimmed_gaps(c: torch.Tensor, b: torch.Tensor, change: torch.Tensor, cells: torch.Tensor, ask: torch.Tensor,
                inside: torch.Tensor, differs: torch.Tensor, beta: torch.Tensor, info: torch.Tensor,
                noise: float) -> np.ndarray:
    """Px inside a drawing that are the background, dimmed: bool [h, w].

    c, b: float32 [3, h, w] levels relative to GREY, the drawing's mean colour and the background; change: c - b. cells:
    c's cells of colour space. ask: bool [h, w], px that it may be. inside: bool [h, w], px deep inside the drawing;
    differs: px unlike the background, of its edges and thin parts too. beta, info: float32 [h, w], how much of the
    background the exposures show there, by triangulation, and how sure that is (1 / variance). noise: levels."""
    out = np.zeros(ask.shape, bool)
    dimmed = torch.zeros_like(ask)
    ask = ask & below(change.amax(0), OFF_LINE + noise)  # a blend with what is darker in all channels is darker
    if not count_of(ask):
        return out
    at = places_of(ask)
    put(dimmed, at, _dimmed(taken(c, at), taken(b, at), common_paints(c, cells, inside | differs)[0], noise))
    if not count_of(dimmed):
        return out
    area = cv2.morphologyEx(dimmed.cpu().numpy().astype(np.uint8), cv2.MORPH_OPEN, _SQUARE)
    if not area.any():
        return out
    _, label, stats, _ = cv2.connectedComponentsWithStats(area, connectivity=8, ltype=label_type(area))
    info, shown = info.cpu().numpy(), (info * beta).cpu().numpy()
    counts = None
    for k in np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= LEAST_GAP) + 1:
        x, y, w, h, _ = stats[k]
        at = (slice(y, y + h), slice(x, x + w))
        gap = label[at] == k
        told = float(info[at][gap].sum())
        if told > TOLD and float(shown[at][gap].sum()) <= SHOWS * told:
            continue
        # what the drawing is painted with elsewhere is paint here as well; the rims of its outline are no paint
        counts = paint_counts(cells, inside) if counts is None else counts
        if painted_alike(cells, inside, torch.from_numpy(gap).to(c.device), counts, (int(x), int(y))) < RARE:
            out[at] |= gap
    return out


def _dimmed(c: torch.Tensor, b: torch.Tensor, paints: torch.Tensor, noise: float) -> torch.Tensor:
    """bool [n]: which colours c are blends of more background b than line, both [3, n]. paints: [m, 3]."""
    out = torch.zeros_like(c[0], dtype=torch.bool)
    off = c - b
    for paint in paints:
        ask = ~out  # paints are mostly as light as what is behind, and gaps are few: hardly any px asks for each
        for light, behind in zip(paint.cpu().tolist(), b, strict=True):
            ask &= below(light - behind, -DARKER)
        at = places_of(ask)
        if not len(at):
            continue
        line, mine = paint[:, None] - b.index_select(1, at), off.index_select(1, at)
        share = (mine * line).sum(0) / (line * line).sum(0).clamp(min=1.0)
        miss = (mine - share * line).square().sum(0).sqrt()
        put(out, at, (share > 0) & (share < MOSTLY) & (miss < OFF_LINE + noise))
    return out
