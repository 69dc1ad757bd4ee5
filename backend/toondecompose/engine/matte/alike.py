"""Finding, for patches that reach into the unseen, the patches of the same picture that are most alike.

Candidates are all patches, or the sources of a patch's neighbours (PatchMatch, Barnes et al. 2009). Distances are whole
numbers: every device and thread count finds the same patches.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

RADIUS = 3  # px; patches of 7 x 7, the smallest that hold a line with both of its sides
SIDE = 2 * RADIUS + 1
FULL_SEARCH = 3e9  # products up to which every patch is compared with every other, about half a second
# Levels per px that a patch from a picture's height above or below must be better: scenery lies in layers (sky above
# ground) and its light changes from top to bottom, so what is hidden most likely looks like what stands beside it.
HEIGHT = 40.0
CHUNK_COSTS = 4e6  # distances that are worked out at once where every patch is compared with every other
CHUNK = 32_768  # patches whose px are held at once where nothing asks for them again
GLANCE = 4  # of a patch's px every so many'th is compared first
FIRM = 4  # times that a seen px of a patch counts as much as one that was only painted
NEAR = [(dy, dx) for dy in range(-RADIUS, RADIUS + 1) for dx in range(-RADIUS, RADIUS + 1)]


@dataclass
class Scale:
    """One picture of the pyramid, padded by RADIUS px on all sides."""

    picture: np.ndarray  # uint8 [h, w, c]; unseen px hold the present guess
    unseen: np.ndarray  # bool [h, w]; False in the padding
    source: np.ndarray  # bool [h, w]; centres of patches that are seen throughout
    asking: np.ndarray  # int64 [n]; flat places of the patches that reach into the unseen
    trust: np.ndarray  # float32 [n]; of these patches


def _patches(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """uint8 [n, SIDE * SIDE * c]: the patches around flat `places` of a picture [h, w, c]."""
    w, flat = picture.shape[1], picture.reshape(-1, picture.shape[2])
    out = np.empty((len(places), len(NEAR), flat.shape[1]), np.uint8)
    for k, (dy, dx) in enumerate(NEAR):
        out[:, k] = flat[places + dy * w + dx]
    return out.reshape(len(places), -1)


def _height_price(scale: Scale, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """What it costs to take a patch from above or below, in the unit of the distances."""
    h, w, c = scale.picture.shape
    away = (mine // w - theirs // w).astype(np.float32) / np.float32(h)
    return np.rint(np.abs(away) * np.float32(HEIGHT**2 * len(NEAR) * c / 10)).astype(np.float32)


def weights_of(scale: Scale, places: np.ndarray) -> np.ndarray:
    """uint8 [SIDE * SIDE, n]: how much each px of the patches at `places` counts."""
    w = scale.picture.shape[1]
    count = np.where(scale.unseen, 1, FIRM).astype(np.uint8).ravel()
    return np.stack([count[places + dy * w + dx] for dy, dx in NEAR])


def best_of_all(scale: Scale, places: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For each of the patches at `places` the most similar one that is seen throughout: its flat place.

    weights: uint8 [SIDE * SIDE, n], how much the px of each patch count. Half the levels are compared: so all sums are
    whole numbers below 2^24, which float32 adds exactly in whatever order a library adds them."""
    width, c = scale.picture.shape[1:]
    sources = np.flatnonzero(scale.source)
    theirs = (_patches(scale.picture, sources) >> 1).astype(np.float32).T.copy()
    squares = (theirs * theirs).reshape(len(NEAR), c, -1).sum(1)  # of a px, whose channels count alike
    out = np.empty(len(places), np.int64)
    chunk = max(1, int(CHUNK_COSTS // len(sources)))
    for at in range(0, len(places), chunk):
        part = places[at:at + chunk]
        mine = (_patches(scale.picture, part) >> 1).astype(np.float32)
        counts = weights[:, at:at + chunk].T.astype(np.float32)
        cost = counts @ squares
        mine *= np.repeat(counts, c, 1)
        mine *= -2
        cost += mine @ theirs
        rows, row = np.unique(part // width, return_inverse=True)  # patches of one row pay alike
        height = _height_price(scale, rows[:, None] * width, sources[None])[row]
        height *= counts.mean(1, keepdims=True)
        cost += np.multiply(height, np.float32(1 / 4), out=height)
        out[at:at + chunk] = sources[cost.argmin(1)]
    return out


def affordable(scale: Scale) -> bool:
    """Can every patch that asks be compared with every other?"""
    return float(len(scale.asking)) * scale.source.sum() * len(NEAR) * scale.picture.shape[2] <= FULL_SEARCH


def search(scale: Scale, found: np.ndarray) -> np.ndarray:
    """Better patches for the present guess: of all where that is affordable, otherwise of the neighbours' sources."""
    if affordable(scale):
        return best_of_all(scale, scale.asking, weights_of(scale, scale.asking))
    h, w = scale.source.shape
    words = words_of(scale.picture)
    mine = np.stack([words[scale.asking + dy * w + dx] for dy, dx in NEAR])
    weights = weights_of(scale, scale.asking)
    cost = cost_of(scale, words, mine, weights, scale.asking, found)
    found = found.copy()
    for step in (4, 1):
        for dy, dx in ((0, -step), (0, step), (-step, 0), (step, 0)):
            shift = dy * w + dx
            neighbour = np.clip(scale.asking + shift, 0, h * w - 1)
            theirs = map_of(scale, found).ravel()[neighbour]
            _take_better(scale, words, mine, weights, cost, found, np.where(theirs >= 0, theirs - shift, -1))
    for shift in (-1, 1, -w, w):  # what was found on a coarser picture may be a px beside
        _take_better(scale, words, mine, weights, cost, found, found + shift)
    return found


def _take_better(scale: Scale, words: np.ndarray, mine: np.ndarray, weights: np.ndarray, cost: np.ndarray,
                 found: np.ndarray, candidate: np.ndarray) -> None:
    """Replace, in place, sources by candidates (flat places, or -1) that are seen throughout and cost less."""
    usable = scale.source.ravel()
    ok = (candidate >= 0) & (candidate < usable.size) & (candidate != found)
    ok[ok] = usable[candidate[ok]]
    index = np.flatnonzero(ok)
    if not len(index):
        return
    height = _height_price(scale, scale.asking[index], candidate[index])
    height *= weights.sum(0, dtype=np.uint16)[index].astype(np.float32) / np.float32(len(NEAR))
    total = np.zeros(len(index), np.float32)
    w = scale.picture.shape[1]
    for group in (range(0, len(NEAR), GLANCE), [k for k in range(len(NEAR)) if k % GLANCE]):
        for k in group:
            dy, dx = NEAR[k]
            total += _away2(mine[k].take(index), words.take(candidate[index] + (dy * w + dx))) * weights[k].take(index)
        left = total + height < cost[index]  # a few px of a patch mostly tell that it is worse
        index, total, height = index[left], total[left], height[left]
    found[index], cost[index] = candidate[index], total + height


def words_of(picture: np.ndarray) -> np.ndarray:
    """uint32 [h * w]: the picture's px as one number each, which are fetched at once."""
    h, w, c = picture.shape
    whole = np.zeros((h, w, 4), np.uint8)
    whole[..., :c] = picture
    return whole.reshape(h * w, 4).view(np.uint32)[:, 0]


def cost_of(scale: Scale, words: np.ndarray, mine: np.ndarray, weights: np.ndarray, places: np.ndarray,
          sources: np.ndarray) -> np.ndarray:
    """Distances float32 [n] between the patches at `places`, given as uint32 [SIDE * SIDE, n] with the weights of
    their px, and those at `sources`."""
    w = scale.picture.shape[1]
    total = np.zeros(len(sources), np.float32)  # whole numbers below 2^24, which it holds exactly
    for k, (dy, dx) in enumerate(NEAR):
        total += _away2(mine[k], words.take(sources + (dy * w + dx))) * weights[k]
    return total + _height_price(scale, places, sources) * weights.mean(0, dtype=np.float32)


def _away2(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances float32 [n] between px as `words_of` gives them, [n] each."""
    if not len(a):  # OpenCV has no pictures of no px: the process would end
        return np.zeros(0, np.float32)
    away = cv2.absdiff(a.view(np.uint8).reshape(-1, 4), b.view(np.uint8).reshape(-1, 4))
    return cv2.multiply(away, away, dtype=cv2.CV_32F) @ np.ones(4, np.float32)


def misses_of(scale: Scale, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every patch that asks: its distance from the one that was found, and how much its px count in all. Both
    float32 [n]; some at a time, because all px of all patches take two hundred bytes each."""
    words, w = words_of(scale.picture), scale.picture.shape[1]
    cost, mass = np.empty(len(found), np.float32), np.empty(len(found), np.float32)
    for start in range(0, len(found), CHUNK):
        part = slice(start, start + CHUNK)
        places = scale.asking[part]
        weights = weights_of(scale, places)
        mine = np.stack([words[places + dy * w + dx] for dy, dx in NEAR])
        cost[part] = cost_of(scale, words, mine, weights, places, found[part])
        mass[part] = weights.sum(0, dtype=np.float32)
    return cost, mass


def map_of(scale: Scale, found: np.ndarray) -> np.ndarray:
    """int64 [h, w]: the source's flat place of every asking px, -1 elsewhere."""
    out = np.full(scale.unseen.shape, -1, np.int64)
    out.ravel()[scale.asking] = found
    return out
