"""Px that show two of a drawing's own paints at once, such as the blends of a fill with the line around it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from toondecompose.engine.matte.marks import above, places_of, put

MISSES = 2.7  # times the noise that px are off every line from one paint to the background, from which two are tried
CLOSER = 0.6  # of that distance that is left at most, if it is two
WITHIN = 0.5  # of the masks, within which what is darker than the background is no shadow on it
NARROW = 1.0  # squared levels: paints and background closer to one line than that do not tell their shares
TOGETHER = 32_768  # mixes that are tried at once: their sums stay in the processor's cache


def mixed(seen: torch.Tensor, behind: torch.Tensor, around: torch.Tensor, found: torch.Tensor, miss: torch.Tensor,
          paints: torch.Tensor, mask: torch.Tensor, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A drawing's own colour where no one paint and the background explain what is seen, but two of its paints do.

    A dark line before a dark background hardly differs from it, and its blends with a pale fill go by the background's
    colour: taken for a little of the fill before the background they would be holes all along the line.
    seen, behind: [3, p] levels, px and their background. around: [3, p], the solid colour around them. found, miss:
    [3, p] and [p], the one paint that explains a px best, and how far, levels (L2 over RGB), it is off the line from
    that to the background. paints: [m, 3], the drawing's common ones and its purest; one of a mix is of these, the
    other `found` or `around`. mask: [p], the pooled masks 0..1. noise: levels. Returns new `found` and `miss`, for a
    mix where it is one."""
    # a shadow, of whatever colour, darkens all channels, and is nothing that the drawing is painted in
    asks = above(miss, MISSES * noise) & (above((seen - behind).amax(0), noise) | above(mask, WITHIN))
    at = places_of(asks)
    if not len(at) or not len(paints):
        return found, miss
    out, away = found.clone(), miss.clone()
    for px in at.split(max(1, TOGETHER // len(paints))):
        B, one, off = behind.index_select(-1, px), found.index_select(-1, px), miss.index_select(-1, px)
        fills = (one, around.index_select(-1, px))
        colour, left = _best_mix(seen.index_select(-1, px) - B, B, fills, paints, one, off * CLOSER)
        put(out, px, colour)
        put(away, px, torch.where(left < off * CLOSER, left, off))
    return out, away


def _best_mix(D: torch.Tensor, B: torch.Tensor, fills: Sequence[torch.Tensor], paints: torch.Tensor,
              colour: torch.Tensor, left: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The mix of one of some fills [3, p] each and one of the paints [m, 3] that explains what is seen, D + B, best ->
    (its colour [3, p], how far it is off [p]); `colour` and `left` where none is less than `left` off. All paints are
    tried at once: of few px each step costs more than its sums. Of mixes that are equally good it is the first."""
    v = paints.T[:, :, None] - B[:, None]
    vv, vd = _dot(v, v), _dot(v, D[:, None])
    for first in fills:
        u = first - B
        uu, ud, uv = _dot(u, u), _dot(u, D), _dot(v, u[:, None])
        wide = uu * vv - uv * uv
        x, y = ((p / wide.clamp(min=NARROW)) for p in (ud * vv - vd * uv, vd * uu - ud * uv))
        # more than opaque is opaque: a blend of nothing but the two
        line = v - u[:, None]
        share = _dot(line, (D - u)[:, None]) / _dot(line, line).clamp(min=NARROW)
        full = x + y > 1
        x, y = torch.where(full, 1 - share, x), torch.where(full, share, y)
        off = D[:, None] - x * u[:, None] - y * v
        off = _dot(off, off).sqrt_()
        off, which = torch.where((x > 0) & (y > 0) & (wide > NARROW), off, float("inf")).min(0)
        x, y = (part.gather(0, which[None]) for part in (x, y))
        better = off < left
        colour = torch.where(better, (x * first + y * paints.T[:, which]) / (x + y).clamp(min=1e-3), colour)
        left = torch.where(better, off, left)
    return colour, left


def _dot(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Sum over the three channels of x * y."""
    return (x[0] * y[0]).addcmul_(x[1], y[1]).addcmul_(x[2], y[2])
