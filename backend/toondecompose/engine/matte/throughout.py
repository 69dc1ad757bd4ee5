"""Drawings that let what is behind them shine through everywhere alike: thin clouds, ghosts, smoke.

One px of such a drawing tells little about it, and where nothing tells, a px deep inside counts as opaque. All of them
together tell it well: an opaque drawing's px do not change with what is behind them, and those of a translucent one all
do by the same share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from toondecompose.engine.matte.evidence import Evidence
from toondecompose.engine.matte.marks import above, count_of, places_of, taken

TELLING = 25.0  # information (std .2) from which a px is asked
MOST_TELLING = 400.0  # (std .05) and no px counts more than one that knows as much
LEAST_PX = 50
LEAST_SHARE = 0.05  # of the px deep inside, before a background that is known, must tell;
MOST_SHARE = 0.5  # where so many of all of them do, each is known by itself
KNOWN_BEHIND = 0.9  # how well what is behind a px must be known
LEAST = 0.06  # of what is behind: less shines through an opaque drawing by its own errors
ALIKE = 0.2  # of that share: four px in five lie so near to their median, or within
ERROR = 0.04  # what single px are wrong by


@dataclass
class Told:
    """What the px deep inside a part of a drawing tell: share, weight: float64 [n], which share of what is behind them
    shines through those that tell, and how well they know it. asked: how many were asked; deep: how many there are."""

    share: np.ndarray
    weight: np.ndarray
    asked: int
    deep: int


def told(e: Evidence, deep: torch.Tensor) -> Told:
    """deep: bool [h, w], px deep inside a part of a drawing."""
    asked = deep & above(e.sure, KNOWN_BEHIND)
    telling = places_of(asked & above(e.tri_info, TELLING))
    share, weight = (taken(x, telling).double().cpu().numpy() for x in (e.tri_beta, e.tri_info))
    return Told(share, weight.clip(max=MOST_TELLING), count_of(asked), count_of(deep))


def shines_through(parts: list[Told]) -> float:
    """Which share, 0..1, of what is behind a drawing shines through all of it alike; 0 for an opaque drawing, for one
    that is translucent in part, and where each px tells for itself."""
    number, asked, deep = sum(len(p.share) for p in parts), sum(p.asked for p in parts), sum(p.deep for p in parts)
    if not max(LEAST_PX, LEAST_SHARE * asked) <= number <= MOST_SHARE * deep:
        return 0.0
    share, weight = (np.concatenate(x) for x in zip(*((p.share, p.weight) for p in parts), strict=True))
    if weight[share <= LEAST].sum() > 0.11 * weight.sum():  # the tenth that shows least shows less for certain
        return 0.0
    order = np.argsort(share, kind="stable")
    so_far = np.cumsum(weight[order]) / weight.sum()
    low, middle, high = (float(share[order[np.searchsorted(so_far, q)]]) for q in (0.1, 0.5, 0.9))
    near = ALIKE * middle + ERROR
    return middle if low > LEAST and middle - low < near and high - middle < near and middle < 1 else 0.0
