"""Painting what no frame shows: the plate goes on in there as it does around, in patches of its own.

Coarse to fine, each unseen px takes over a px of the plate, chosen so that whole patches repeat what is seen elsewhere
(Wexler, Shechtman, Irani 2007; order of scales and votes as Newson et al. 2014). The coarsest pictures are searched in
full and the finer ones only around what was found there, so nothing is random.
"""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.matte.alike import (
    NEAR,
    RADIUS,
    SIDE,
    Scale,
    affordable,
    best_of_all,
    map_of,
    misses_of,
    search,
    weights_of,
)
from toondecompose.engine.matte.fill import push_pull
from toondecompose.engine.matte.seams import without_seams

SEARCHED = 150_000  # patches; a finer picture than this takes over what the coarser one found
EM_ROUNDS = (8, 2)  # times that patches are searched and averaged: on the coarsest picture, on finer ones
FADES = 1.2  # per px of depth: what lies deeper in the unseen was painted from what was painted, and says less
SOFT_RIM = 4.0  # px; how far into the unseen the colours beside it are worth as much as patches that fit badly
FITS = 6.0  # levels; rms difference over a patch at which it begins to fit badly
SOURCES = 8  # patches: with fewer of them there is nothing to paint with


def paint_unseen(picture: np.ndarray, seen: np.ndarray, wanted: np.ndarray | None = None) -> np.ndarray:
    """Paint in what no frame shows. picture: uint8 [h, w, c], c up to 4 (colours with alpha premultiplied).
    seen: bool [h, w]. wanted: bool [h, w], the unseen px that are worth painting; None for all. Returns a new picture;
    seen px are untouched. Cracks, what is not wanted, and all where too little is seen to paint with, take the colours
    around softly."""
    if seen.all() or not seen.any():
        return picture.copy()
    soft = push_pull(picture.astype(np.float32), seen.astype(np.float32)).reshape(picture.shape).clip(0, 255)
    start = np.ascontiguousarray(np.rint(soft).astype(np.uint8))
    kept = np.flatnonzero(seen)
    start.reshape(-1, start.shape[2])[kept] = picture.reshape(-1, start.shape[2])[kept]
    unseen = _deep(~seen if wanted is None else ~seen & wanted)
    scales = _pyramid(start, seen, unseen) if unseen.any() else []
    if not scales:
        return start
    found = _peeled(scales[-1])
    for index in range(len(scales) - 1, -1, -1):
        scale, coarsest = scales[index], index == len(scales) - 1
        if not coarsest:
            found = _finer(found, scales[index + 1], scale)
            _vote(scale, found)
        rounds = EM_ROUNDS[not coarsest] if len(scale.asking) <= SEARCHED else 0
        for k in range(rounds):
            found = search(scale, found)
            if index or k < rounds - 1:
                _vote(scale, found)
    taken = map_of(scales[0], found)[RADIUS:-RADIUS, RADIUS:-RADIUS]
    painted = without_seams(start, ~unseen, _unpadded(taken, scales[0].picture.shape[1], picture.shape[1]))
    at = np.flatnonzero(unseen)
    depth = cv2.distanceTransform(unseen.astype(np.uint8), cv2.DIST_L2, 5).reshape(-1)[at]
    rim = np.exp(-np.maximum(depth - 1, 0) / np.float32(SOFT_RIM)) * _misfit(scales[0], found).reshape(-1)[at]
    soft, painted = (x.reshape(-1, x.shape[2])[at] for x in (soft, painted))
    start.reshape(-1, start.shape[2])[at] = np.rint(soft * rim[:, None] + painted * (1 - rim)[:, None])
    return start


def _deep(unseen: np.ndarray) -> np.ndarray:
    """bool [h, w]: the px of regions that are deeper than a patch's half somewhere; the others are mere cracks."""
    count, label = cv2.connectedComponents(unseen.astype(np.uint8), connectivity=4)
    depth = cv2.distanceTransform(unseen.astype(np.uint8), cv2.DIST_C, 3)
    deepest = np.zeros(count, np.float32)
    np.maximum.at(deepest, label.ravel(), depth.ravel())
    return unseen & (deepest > RADIUS)[label]


def _pyramid(picture: np.ndarray, seen: np.ndarray, unseen: np.ndarray) -> list[Scale]:
    """Finest first, until the unseen is nowhere deeper than a patch and all patches can be compared with all that ask.
    Empty if nothing is seen that could be repeated.

    seen: px to take from. unseen: px to paint; others are neither."""
    scales = []
    while True:
        scale = _scale(picture, seen, unseen)
        if scale is None:
            return scales
        scales.append(scale)
        deepest = cv2.distanceTransform(unseen.astype(np.uint8), cv2.DIST_C, 3).max()
        if (deepest <= SIDE and affordable(scale)) or min(seen.shape) < 4 * SIDE:
            return scales
        h, w = seen.shape
        even = cv2.copyMakeBorder(picture, 0, h % 2, 0, w % 2, cv2.BORDER_REPLICATE)
        picture = cv2.resize(even, ((w + 1) // 2, (h + 1) // 2), interpolation=cv2.INTER_AREA).reshape(
            (h + 1) // 2, (w + 1) // 2, -1)
        seen, unseen = ~_halved(~seen), _halved(unseen)


def _halved(mask: np.ndarray) -> np.ndarray:
    """bool [h, w] -> px of half the resolution that hold any."""
    h, w = mask.shape
    even = np.pad(mask, [(0, h % 2), (0, w % 2)])
    return even[::2, ::2] | even[1::2, ::2] | even[::2, 1::2] | even[1::2, 1::2]


def _scale(picture: np.ndarray, seen: np.ndarray, unseen: np.ndarray) -> Scale | None:
    padded = cv2.copyMakeBorder(picture, *(RADIUS,) * 4, cv2.BORDER_REPLICATE).reshape(
        picture.shape[0] + 2 * RADIUS, picture.shape[1] + 2 * RADIUS, -1)
    patch = np.ones((SIDE, SIDE), np.uint8)
    whole = cv2.erode(np.pad(seen, RADIUS).astype(np.uint8), patch, borderValue=0) > 0
    if whole.sum() < SOURCES:
        return None
    reach = np.pad(cv2.dilate(unseen.astype(np.uint8), patch) > 0, RADIUS)
    depth = np.pad(cv2.distanceTransform(unseen.astype(np.uint8), cv2.DIST_C, 3), RADIUS)
    asking = np.flatnonzero(reach)
    trust = FADES ** -np.minimum(depth.ravel()[asking], 100).astype(np.float32)
    return Scale(padded, np.pad(unseen, RADIUS), whole, asking, trust)


def _peeled(scale: Scale) -> np.ndarray:
    """First guess on the coarsest picture: ring after ring inwards, each from patches that repeat what is known."""
    h, w, _ = scale.picture.shape
    unknown = scale.unseen.copy()
    flat = scale.picture.reshape(h * w, -1)
    inside = np.zeros((h, w), bool)
    inside[RADIUS:-RADIUS, RADIUS:-RADIUS] = True
    while unknown.any():
        ring = unknown & (cv2.dilate((~unknown).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
        places = np.flatnonzero(ring & inside)
        if not len(places):
            break
        known = (~unknown & inside).ravel()
        weights = np.stack([known[places + dy * w + dx] for dy, dx in NEAR]).astype(np.uint8)
        flat[places] = flat[best_of_all(scale, places, weights)]
        unknown &= ~ring
    return best_of_all(scale, scale.asking, weights_of(scale, scale.asking))


def _finer(found: np.ndarray, coarse: Scale, fine: Scale) -> np.ndarray:
    """The coarser picture's sources, at the finer picture's px."""
    wide, w = coarse.unseen.shape[1], fine.unseen.shape[1]
    ys, xs = np.divmod(fine.asking, w)
    ys, xs = ys - RADIUS, xs - RADIUS
    near = np.pad(map_of(coarse, found), 1, constant_values=-1)
    source = np.full(len(ys), -1, np.int64)
    y, x = ys // 2 + RADIUS + 1, xs // 2 + RADIUS + 1
    # a patch that asks only here, for its rim, does as the nearest one that asks there
    for dy, dx in ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)):
        theirs = near[y + dy, x + dx]
        moved = np.where(theirs >= 0, theirs - dy * wide - dx, -1)
        source = np.where((source < 0) & (theirs >= 0), moved, source)
    sy, sx = np.divmod(source, wide)
    sy, sx = 2 * (sy - RADIUS) + ys % 2 + RADIUS, 2 * (sx - RADIUS) + xs % 2 + RADIUS
    h = fine.unseen.shape[0]
    inside = (source >= 0) & (sy >= 0) & (sy < h) & (sx >= 0) & (sx < w)
    flat = np.where(inside, sy * w + sx, 0)
    good = inside & fine.source.ravel()[flat]
    if not good.all():
        flat[~good] = _nearest_source(fine, fine.asking[~good])
    return flat


def _nearest_source(scale: Scale, places: np.ndarray) -> np.ndarray:
    """The whole patch nearest to each of the places."""
    _, label = cv2.distanceTransformWithLabels((~scale.source).astype(np.uint8), cv2.DIST_L2, 5,
                                               labelType=cv2.DIST_LABEL_PIXEL)
    place_of = np.zeros(label.max() + 1, np.int64)
    sources = np.flatnonzero(scale.source)
    place_of[label.ravel()[sources]] = sources
    return place_of[label.ravel()[places]]


def _vote(scale: Scale, found: np.ndarray) -> None:
    """Each unseen px becomes the mean of what the patches over it say, in place: the better they fit, the more."""
    h, w, c = scale.picture.shape
    cost = misses_of(scale, found)[0]
    spread = max(float(np.percentile(cost, 75)), 1.0)
    weight = np.zeros(h * w, np.float32)
    weight[scale.asking] = scale.trust * np.exp(-cost / np.float32(2 * spread)) + np.float32(1e-6)
    taken = map_of(scale, found).ravel()
    places = np.flatnonzero(scale.unseen)
    flat = scale.picture.reshape(h * w, c)
    total, mass = np.zeros((len(places), c), np.float32), np.zeros(len(places), np.float32)
    for dy, dx in NEAR:
        centre = places + dy * w + dx
        share = weight[centre]
        source = np.where(share > 0, taken[centre] - dy * w - dx, 0)
        total += flat[source] * share[:, None]
        mass += share
    flat[places] = np.rint(total / np.maximum(mass, 1e-12)[:, None]).astype(np.uint8)


def _misfit(scale: Scale, found: np.ndarray) -> np.ndarray:
    """float32 [h, w], 0 where the patch around a px repeats what is there to 1 where it does not."""
    cost, mass = misses_of(scale, found)
    each = cost / (mass * scale.picture.shape[2])
    out = np.zeros(scale.unseen.size, np.float32)
    out[scale.asking] = 1 - np.exp(-each / np.float32(2 * FITS**2))
    return out.reshape(scale.unseen.shape)[RADIUS:-RADIUS, RADIUS:-RADIUS]


def _unpadded(taken: np.ndarray, padded_width: int, width: int) -> np.ndarray:
    """Flat places in a padded picture -> in the picture itself; -1 stays."""
    y, x = np.divmod(taken, padded_width)
    return np.where(taken >= 0, (y - RADIUS) * width + x - RADIUS, -1)
