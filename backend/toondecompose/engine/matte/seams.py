"""Joining painted px to what surrounds them: where light merely differs by a little, it is led across softly."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

JUMP = 24.0  # levels (largest over the channels); a seam that differs by more is an edge of the scenery and stays one
SWEEPS = 12  # of relaxation per scale of the pyramid
DAMPED = 0.8  # share of the way that a px goes in a sweep: the whole way would only swap odd and even px
SMALLEST = 8  # px; pictures that are not halved any more
SHALLOW = 2  # px; unseen px no deeper than this lie beside what was seen: there is no light to lead anywhere


@dataclass
class _Field:
    """What a correction e [h, w, c] should do: differ by `step` along each bond, and be 0 where it is not free."""

    free: np.ndarray  # float32 [h, w], 1 or 0
    bonds: list[np.ndarray]  # float32 [h, w, 1]: of each px with the next one to the right, and below
    steps: list[np.ndarray]  # float32 [h, w, c]: by how much e grows along the bond


def without_seams(picture: np.ndarray, seen: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Copy px and lead small differences of light across their seams (gradient-domain copy, Perez et al. 2003).

    picture: uint8 [h, w, c]. seen: bool [h, w], px that stay. taken: int [h, w], the flat place (of a seen px, not one
    of the picture's outermost) from which each unseen px is copied. Returns uint8 [h, w, c]. Along a seam both sides
    tell how the scenery would go on; the copies are corrected smoothly until it does. Seams wider than JUMP are edges
    of the scenery and are let be."""
    h, w, c = picture.shape
    source = np.where(seen, np.arange(h * w).reshape(h, w), taken)
    out = picture.reshape(h * w, c)[source.ravel()].reshape(h, w, c)
    count, label, boxes, _ = cv2.connectedComponentsWithStats((~seen).astype(np.uint8), connectivity=4)
    depth = cv2.distanceTransform((~seen).astype(np.uint8), cv2.DIST_C, 3)
    for k in range(1, count):
        x, y, wide, high = (int(v) for v in boxes[k, :4])
        # seen px all around, on the coarsest scale too: they hold the correction
        margin = 2 * max(1, min(wide, high) // SMALLEST)
        part = np.s_[max(0, y - margin):y + high + margin, max(0, x - margin):x + wide + margin]
        free = label[part] == k
        if (depth[part] * free).max() <= SHALLOW:
            continue
        field = _field(picture, seen, source, part, free)
        mended = out[part].astype(np.float32) + _corrected(field)
        out[part][free] = np.rint(mended.clip(0, 255)).astype(np.uint8)[free]
    return out


def _field(picture: np.ndarray, seen: np.ndarray, source: np.ndarray, part: tuple[slice, slice],
           free: np.ndarray) -> _Field:
    h, w, c = picture.shape
    flat, known = picture.reshape(h * w, c), seen.ravel()
    source = source[part]
    bonds, steps = [], []
    for axis, shift in ((1, 1), (0, w)):
        a, b = (source[:, :-1], source[:, 1:]) if axis else (source[:-1], source[1:])
        is_step, wanted, sides = flat[b].astype(np.float32) - flat[a], 0, 0
        # how each side's own scenery goes on there
        for first, second in ((a, a + shift), (b - shift, b)):
            both = (first >= 0) & (second < h * w)
            first, second = np.maximum(first, 0), np.minimum(second, h * w - 1)
            both &= known[first] & known[second]
            wanted = wanted + both[..., None] * (flat[second].astype(np.float32) - flat[first])
            sides = sides + both.astype(np.float32)
        step = wanted / np.maximum(sides, 1)[..., None] - is_step
        bond = (np.abs(step).max(-1) <= JUMP) & (sides > 0)
        bonds.append(_whole(bond[..., None].astype(np.float32), axis))
        steps.append(_whole(step * bond[..., None], axis))
    return _Field(free.astype(np.float32), bonds, steps)


def _whole(x: np.ndarray, axis: int) -> np.ndarray:
    """A value per pair of neighbours -> per px, 0 for the last one, which has no next."""
    return np.pad(x, [(0, int(not axis)), (0, int(axis)), (0, 0)])


def _corrected(field: _Field) -> np.ndarray:
    """The correction e, float32 [h, w, c]: relaxed on every scale, from the coarsest to the finest."""
    h, w = field.free.shape
    start = np.zeros((h, w, field.steps[0].shape[2]), np.float32)
    if min(h, w) > SMALLEST:
        coarse = _corrected(_halved(field))
        start = cv2.resize(coarse, (coarse.shape[1] * 2, coarse.shape[0] * 2), interpolation=cv2.INTER_LINEAR)
        start = start.reshape(*start.shape[:2], -1)[:h, :w] * field.free[..., None]
    right, down = field.bonds
    before = lambda x, axis: np.pad(x, [((1, 0), (0, 0), (0, 0)), ((0, 0), (1, 0), (0, 0))][axis])  # noqa: E731
    left, up = before(right[:, :-1], 1), before(down[:-1], 0)
    flow_x, flow_y = right * field.steps[0], down * field.steps[1]
    total = left + right + up + down
    scale = np.where(total > 0, DAMPED * field.free[..., None] / np.maximum(total, 1e-6), 0).astype(np.float32)
    aim = (before(flow_x[:, :-1], 1) - flow_x + before(flow_y[:-1], 0) - flow_y) * scale
    keep = np.where(scale > 0, np.float32(1 - DAMPED), np.float32(1))
    left, right, up, down = left * scale, right * scale, up * scale, down * scale
    e = np.ascontiguousarray(start)
    for _ in range(SWEEPS):
        new = e * keep + aim
        new[:, :-1] += right[:, :-1] * e[:, 1:]
        new[:, 1:] += left[:, 1:] * e[:, :-1]
        new[:-1] += down[:-1] * e[1:]
        new[1:] += up[1:] * e[:-1]
        e = new
    return e


def _halved(field: _Field) -> _Field:
    """The same task for every second px. Along a bond of the coarse field lie one bond of the fine one and half of
    each of its neighbours, in two rows."""
    h, w = field.free.shape
    pad = [(0, h % 2), (0, w % 2)]
    free = np.pad(field.free, pad).reshape((h + 1) // 2, 2, (w + 1) // 2, 2).max((1, 3))
    bonds, steps = [], []
    for axis in (1, 0):
        bond, step = (np.pad(x[1 - axis], [*pad, (0, 0)]) for x in (field.bonds, field.steps))
        if not axis:
            bond, step = bond.swapaxes(0, 1), step.swapaxes(0, 1)
        inner, border = (bond[:, ::2], step[:, ::2]), (bond[:, 1::2], step[:, 1::2])
        following = np.pad(inner[1][:, 1:], [(0, 0), (0, 1), (0, 0)])
        long = border[1] + (inner[1] + following) / 2
        mass = border[0][::2] + border[0][1::2]
        mean = (border[0][::2] * long[::2] + border[0][1::2] * long[1::2]) / np.maximum(mass, 1e-6)
        new = [mass / 2, mean]
        bonds.append(new[0] if axis else new[0].swapaxes(0, 1))
        steps.append(new[1] if axis else new[1].swapaxes(0, 1))
    return _Field(free, [np.ascontiguousarray(b) for b in bonds], [np.ascontiguousarray(s) for s in steps])
