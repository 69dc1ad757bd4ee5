"""Flat regions have no evidence of their own: they belong to whom their rim belongs to.

An edge moves with its occluder, never with what it hides. So a flat region with edges of several layers on its rim
belongs to the backmost of them: that layer's edges can only lie on its own surface, the others are occluders' outlines.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import csc_array, csr_array

RING = 2  # px from the region at which its rim is read: beyond the anti-aliased edge, not beyond a drawn line
BACK_SHARE = 0.12  # share of the rim's sure evidence that a layer behind needs to claim a region
MIN_REGION = 6  # px; smaller regions are gaps between lines


def _offsets() -> list[tuple[int, int]]:
    return [(dx, dy) for r in (1, RING) for dx in (-r, 0, r) for dy in (-r, 0, r) if dx or dy]


@dataclass
class Regions:
    """One frame's flat regions. label: int [h, w], 0 is no region. rim: [regions, h * w], how often a pixel lies on a
    region's rim. ring: [regions], the rim's length, area: [regions], px."""

    label: np.ndarray
    rim: csc_array
    ring: np.ndarray
    area: np.ndarray


def flat_regions(flat: np.ndarray) -> Regions:
    """The regions of flat bool [h, w], and their rims."""
    count, label = cv2.connectedComponents(flat.astype(np.uint8), connectivity=4)
    h, w = flat.shape
    small = label.astype(np.uint16) if count < 2**16 else label
    wide = w + 2 * RING
    around = np.zeros((h + 2 * RING, wide), small.dtype)
    around[RING:-RING, RING:-RING] = small
    beside = cv2.dilate(flat.astype(np.uint8), np.ones((2 * RING + 1, 2 * RING + 1), np.uint8)) > flat
    pixel = np.flatnonzero(beside).astype(np.int32)
    place = pixel + pixel // w * (2 * RING) + RING * (wide + 1)
    near = np.stack([around.ravel().take(place + (dy * wide + dx)) for dx, dy in _offsets()])
    pixels, regions, times = [], [], []
    while near.any():  # each px' regions one after the other, from the last on: most px have one or two
        last = near.max(0)
        some = np.flatnonzero(last)
        near, last, pixel = near.take(some, 1), last.take(some), pixel.take(some)
        mine = near == last
        pixels.append(pixel)
        regions.append(last)
        times.append(mine.sum(0, dtype=np.uint8))
        near *= ~mine
    at, region, often = (np.concatenate(x) if x else np.zeros(0, int) for x in (pixels, regions, times))
    rim = csr_array((often.astype(np.float32), (at, region)), shape=(h * w, count))
    rim.sort_indices()
    return Regions(small, rim.T, np.bincount(region, often, minlength=count).astype(np.int64),
                   np.bincount(label.ravel(), minlength=count))


def rim_owner(regions: Regions, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which layer owns each flat region of one frame.

    mass: float32 [L, h, w] sure evidence for each layer, back to front.
    Returns (owner int32 [h, w], -1 where undecided or not flat; trust float32 [h, w] in 0..1: the share of the rim that
    has any evidence, scaled by how clear the decision is).
    """
    layers, label, ring, area = len(mass), regions.label, regions.ring, regions.area
    count = len(ring)
    got = (regions.rim @ mass.reshape(layers, -1).T).T.astype(np.float64)
    total = got.sum(0)
    share = got / np.maximum(total, 1e-6)
    owner = np.full(count, -1, np.int32)
    clear = np.zeros(count)
    for layer in range(layers):  # back to front: the first with its share keeps the region
        if layer == layers - 1:
            mine = owner < 0
            behind = share[:layer].sum(0)
            clear = np.where(mine, 1.0 - behind / BACK_SHARE, clear)
        else:
            mine = (owner < 0) & (share[layer] >= BACK_SHARE)
            clear = np.where(mine, np.clip((share[layer] - BACK_SHARE) / BACK_SHARE, 0, 1), clear)
        owner = np.where(mine, layer, owner)
    known = (total > 2) & (area >= MIN_REGION)
    known[0] = False
    owner = np.where(known, owner, -1)
    trust = np.where(known, np.clip(clear, 0, 1) * np.clip(2 * total / np.maximum(ring, 1), 0, 1), 0)
    return owner[label], trust[label].astype(np.float32)
