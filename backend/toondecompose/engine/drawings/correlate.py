"""Where one cut-out fits best on another: masked colour differences for all shifts at once, by FFT.

Source of the method: masked normalised correlation in the Fourier domain (D. Padfield, 2012), here for squared
differences.
Only shifts come out, in whole coarse pixels, so the tiny differences between FFT libraries do not show.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from .patches import Patch
from .pixels import place
from .pixels import shift as moved_by

COARSE_SIZE = 56  # px: the larger side of the largest cut-out in the coarse comparison
ALL_PAIRS = 64  # cut-outs up to which every pair is correlated
THUMBNAIL, LIKEST, NEAR_IN_TIME = 16, 12, 4  # px; pairs per cut-out beyond that: the likest, and neighbours in frames
LIKEST_MIRRORED = 6
ROOM = 0.25  # of the largest cut-out's size around it: another drawing reaches further
MIN_OVERLAP = 0.4  # of the smaller cut-out's sure pixels must be compared, or a shift says nothing


def coarse_scale(patches: list[Patch]) -> float:
    """Coarse px per working px."""
    largest = max(max(p.inside.shape) for p in patches)
    return min(1.0, COARSE_SIZE / largest)


def _planes(patch: Patch, scale: float, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """-> float32 [5, h, w] of the sure pixels and of the valid ones: (1, R, G, B, |RGB|^2) times weight."""
    h, w = patch.inside.shape
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    colour = cv2.resize(patch.smooth, size, interpolation=cv2.INTER_AREA) - 128.0
    own = cv2.resize(patch.body.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    valid = cv2.resize(patch.valid.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    own = own * (own > 0.6) * valid
    valid = valid * (valid > 0.6)
    if mirrored:
        colour, own, valid = colour[:, ::-1], own[:, ::-1], valid[:, ::-1]
    stack = np.concatenate([np.ones(colour.shape[:2] + (1,), np.float32), colour, (colour**2).sum(2, keepdims=True)], 2)
    stack = np.ascontiguousarray(stack.transpose(2, 0, 1))
    return stack * own, stack * valid


def likely_pairs(patches: list[Patch], mirrored: bool) -> np.ndarray:
    """bool [n, n], the pairs i < j worth a correlation: all of a short clip; of a longer one those near in time, and
    the likest small pictures (so that the work grows with the clip's length, not with its square). Mirrored reuse is
    rare: only the likest pictures."""
    n = len(patches)
    if n <= ALL_PAIRS and not mirrored:
        return np.triu(np.ones((n, n), bool), 1)
    side = float(np.median([np.sqrt(max(1.0, p.body.sum())) for p in patches]))

    def thumbnail(p: Patch) -> np.ndarray:
        m = cv2.moments(p.body, binaryImage=True)
        middle = np.array([m["m10"], m["m01"]]) / max(m["m00"], 1e-9) + 0.5
        scale = THUMBNAIL / (2.5 * side)
        # shrunk twice as large, so that the centre may fall between its px
        h, w = (max(1, round(2 * scale * s)) for s in p.body.shape)
        picture = cv2.copyTo(cv2.merge([*cv2.split(p.smooth), np.full(p.body.shape, 255, np.uint8)]), p.body)
        picture = cv2.resize(picture, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32)
        picture[..., :3] -= 128.0 / 255 * picture[..., 3:]
        at = middle * [w / p.body.shape[1], h / p.body.shape[0]] / 2
        to = np.array([[0.5, 0, THUMBNAIL / 2 - at[0]], [0, 0.5, THUMBNAIL / 2 - at[1]]])
        return cv2.warpAffine(picture, to, (THUMBNAIL, THUMBNAIL))

    small = np.array([thumbnail(p) for p in patches])
    one = small.reshape(n, -1)
    two = small[:, :, ::-1].reshape(n, -1) if mirrored else one
    apart = (one**2).sum(1)[:, None] + (two**2).sum(1)[None] - 2 * one @ two.T
    np.fill_diagonal(apart, np.inf)
    out = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= (0 if mirrored else NEAR_IN_TIME)
    likest = LIKEST_MIRRORED if mirrored else LIKEST
    np.put_along_axis(out, np.argsort(apart, 1, kind="stable")[:, :likest], True, 1)
    return np.triu(out | out.T, 1)


def coarse_pairs(patches: list[Patch], mirrored: bool, device: str = "cpu", cancelled=None,
                 besides: Sequence[tuple[int, int]] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Best shift of patches j (mirrored left-right if asked) on patches i < j, where they are likely pairs, and of the
    pairs (i, j) `besides`.

    Returns distance float32 [n, n] (RMS grey levels over what both show; inf where nothing can be said) and
    shift float64 [n, n, 2] in working px: content at x in patch i (its own pixels) lies at x + shift in patch j
    (in the mirrored patch j, if mirrored).
    """
    n = len(patches)
    distance = np.full((n, n), np.inf, np.float32)
    shift = np.zeros((n, n, 2))
    if n < 2:
        return distance, shift
    scale = coarse_scale(patches)
    sides = [_planes(p, scale, False) for p in patches]
    flipped = [_planes(p, scale, True) for p in patches] if mirrored else sides
    span = max(max(s[0].shape[1:]) for s in sides)
    size = 16 * -(-2 * span // 16)  # of small factors, for the FFT

    def spectra(pairs):
        out = torch.empty((len(pairs), 10, size, size // 2 + 1), dtype=torch.complex64, device=device)
        for k, (own, valid) in enumerate(pairs):
            full = np.zeros((10, size, size), np.float32)
            full[:5, : own.shape[1], : own.shape[2]] = own
            full[5:, : own.shape[1], : own.shape[2]] = valid
            torch.fft.rfft2(torch.from_numpy(full).to(device), out=out[k])
        return out

    areas = np.array([s[0][0].sum() for s in sides])
    likely = likely_pairs(patches, mirrored)
    for i, j in besides:
        likely[i, j] = True
    blocks = [slice(k, min(k + ALL_PAIRS, n)) for k in range(0, n, ALL_PAIRS)]  # spectra are large
    for one in blocks:
        a = spectra(sides[one])
        for two in (q for q in blocks if q.stop > one.start + 1 and likely[one, q].any()):
            b = a if two == one and not mirrored else spectra(flipped[two])
            for i in range(one.start, one.stop):
                if cancelled is not None and cancelled():
                    return distance, shift
                j = two.start + np.flatnonzero(likely[i, two])
                if not len(j):
                    continue
                fa = a[i - one.start].conj().resolve_conj()
                count, ssd = torch.empty((2, len(j), *fa.shape[1:]), dtype=fa.dtype, device=device)
                for k, other in enumerate(j - two.start):  # one after the other: a picture's spectra stay in the cache
                    _correlate(fa, b[other], count[k], ssd[k])
                count, ssd = (torch.fft.irfft2(s, s=(size, size)) for s in (count, ssd))
                need = (2 * MIN_OVERLAP * np.minimum(areas[i], areas[j])).astype(np.float32)
                need = torch.from_numpy(need).to(device)
                missing = count < need[:, None, None].clamp_min(4.0)
                mean = ssd.clamp_min_(0).div_(count.clamp_min_(1.0)).masked_fill_(missing, 1e9)
                best, where = mean.flatten(1).min(1)
                best, where = best.cpu().numpy(), where.cpu().numpy()
                y, x = where // size, where % size
                y, x = np.where(y >= size // 2, y - size, y), np.where(x >= size // 2, x - size, x)
                distance[i, j] = np.where(best < 1e8, np.sqrt(best / 3), np.inf)
                shift[i, j] = np.stack([x, y], 1) / scale
    return distance, shift


def _correlate(fa: torch.Tensor, fb: torch.Tensor, count: torch.Tensor, ssd: torch.Tensor) -> None:
    """Spectra of how many pixels two pictures compare at each shift, and of the sum of their squared differences.

    fa (conjugate), fb: complex64 [10, h, w], the spectra of `_planes` of the two; count, ssd: [h, w], filled in."""
    part, both = torch.empty_like(ssd), torch.empty_like(ssd)
    torch.mul(fa[0], fb[5], out=count)
    count += torch.mul(fa[5], fb[0], out=part)
    # own_i against valid_j plus valid_i against own_j: |A|^2 - 2 A.B + |B|^2, weighted
    torch.mul(fa[4], fb[5], out=ssd)
    for p, q in ((0, 9), (9, 0), (5, 4)):
        ssd += torch.mul(fa[p], fb[q], out=part)
    for c in (1, 2, 3):
        torch.mul(fa[c], fb[5 + c], out=both)
        both += torch.mul(fa[5 + c], fb[c], out=part)
        both += both
        ssd -= both


def placed_pairs(patches: list[Patch], known: list[np.ndarray | None]) -> np.ndarray:
    """How unlike cut-outs are where the sprite's rigid motion lays them on each other, as `coarse_pairs` tells it,
    which only shifts them: float32 [n, n], inf where nothing can be said.

    known: per patch 3x3, canvas px -> patch px, or None.
    """
    n = len(patches)
    distance = np.full((n, n), np.inf, np.float32)
    placed = [k for k in range(n) if known[k] is not None]
    if len(placed) < 2:
        return distance
    root = max(placed, key=lambda k: patches[k].area)
    h, w = patches[root].inside.shape
    room = ROOM * max(h, w)
    scale = min(1.0, COARSE_SIZE / max(h, w))
    size = (max(1, round((w + 2 * room) * scale)), max(1, round((h + 2 * room) * scale)))
    to_coarse = np.diag([scale, scale, 1.0]) @ moved_by(room, room) @ known[root]
    planes = []
    for k in placed:
        p = patches[k]
        to = to_coarse @ np.linalg.inv(known[k])
        larger = float(np.sqrt(abs(np.linalg.det(to[:2, :2]))))
        layers = np.dstack([p.smooth.astype(np.float32) - 128.0, p.body & p.valid, p.valid])
        if larger < 1:  # averaged over what becomes one coarse px
            layers = cv2.blur(layers, (round(1 / larger),) * 2, borderType=cv2.BORDER_REPLICATE)
        planes.append(place(layers, to, size).reshape(-1, 5))
    stack = np.array(planes)
    colour, own, valid = stack[..., :3], stack[..., 3], stack[..., 4]
    own, valid = own * (own > 0.6), valid * (valid > 0.6)
    square = (colour * colour).sum(2)
    count = own @ valid.T
    apart = (own * square) @ valid.T + own @ (valid * square).T
    for c in range(3):
        apart -= 2 * (own * colour[..., c]) @ (valid * colour[..., c]).T
    count, apart = count + count.T, apart + apart.T
    areas = own.sum(1)
    enough = count >= np.maximum(2 * MIN_OVERLAP * np.minimum(areas[:, None], areas[None]), 4.0)
    # rounded, so that the order of sums does not show
    found = np.where(enough, np.sqrt(np.maximum(apart, 0) / np.maximum(3 * count, 1.0)).round(2), np.inf)
    np.fill_diagonal(found, np.inf)
    distance[np.ix_(placed, placed)] = found
    return distance


def coarse_between(patches: list[Patch], group: np.ndarray, distance: np.ndarray, shift: np.ndarray, limit: float,
                   device: str = "cpu", cancelled=None) -> None:
    """Fill in, in place, what a long clip's choice of pairs has left out between groups: each by its largest cut-out.

    A sprite that something in front hides in part makes another small picture: its likest ones are hidden too, and
    none of the frames that show it whole. distance, shift: as coarse_pairs returns them. group: int [n].
    limit: distances beyond it are left out.
    """
    if len(patches) <= ALL_PAIRS:
        return
    whole = np.array(sorted(max(np.flatnonzero(group == g), key=lambda k: patches[k].area)
                            for g in range(int(group.max()) + 1)))
    if not np.isinf(distance[np.ix_(whole, whole)][np.triu_indices(len(whole), 1)]).any():
        return
    found, by = coarse_pairs([patches[k] for k in whole], False, device, cancelled)
    for a, b in zip(*np.triu_indices(len(whole), 1), strict=True):
        i, j = whole[a], whole[b]
        if np.isinf(distance[i, j]) and found[a, b] <= limit:
            distance[i, j], shift[i, j] = found[a, b], by[a, b]
