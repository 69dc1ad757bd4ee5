"""Which px lie between a drawing's outline and its inside: blends of its own paints, and opaque."""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.matte.areas import distance

WAY = 10  # px from what surely is opaque within which an outline is looked for
FALLS = 0.92  # of the difference from the background one px further in, below which the outline's ridge is passed
DIPS = (1, 2, 3)  # px further out at which a line is looked for that a px may be a blend with
STANDS_OFF = 1.5  # times as much as what leads to it a line must differ from the background
CLEAR = 6.0  # times the noise, and by so much more
MIXED = 6.0  # levels (L2 over RGB) off the line between two px' colours up to which a px is a blend of them


def within_outlines(c: np.ndarray, differs: np.ndarray, opaque: np.ndarray, ask: np.ndarray,
                    noise: float) -> np.ndarray:
    """Px between what is opaque and the ridge of the line around it, without the ridge.

    Walking outwards a drawing does not get more opaque. Where its difference from the background grows outwards all
    the same, another of its paints begins: px on the way are blends of paint with paint, such as of fill with line,
    and not of line with background, however alike fill and background are.
    c: float32 [3, h, w] levels. differs: float32 [h, w], levels. opaque, ask: bool [h, w]; ask: px that are wanted.
    noise: levels. Returns bool [h, w]."""
    far = distance(~opaque)
    found = np.zeros(far.shape, bool)
    band = (far > 0) & (far <= WAY)
    here = np.flatnonzero(ask & band)
    if not len(here) or not opaque.any():
        return found
    gx, gy = (cv2.Sobel(far, cv2.CV_32F, dx, dy, ksize=3).take(here) for dx, dy in ((1, 0), (0, 1)))
    long = np.maximum(np.hypot(gx, gy), 1e-3)
    h, w = far.shape
    dy, dx = np.rint(gy / long).astype(np.intp), np.rint(gx / long).astype(np.intp)
    clip = lambda y, x: np.clip(y, 0, h - 1) * w + np.clip(x, 0, w - 1)  # noqa: E731
    ys, xs = np.divmod(here, w)
    inner = clip(ys - dy, xs - dx)
    flat = differs.reshape(-1)
    rises = flat[here] >= FALLS * flat[inner] - noise
    colours = c.reshape(3, -1)
    for k in DIPS:  # or dips, where a blend of fill and line comes near the background's colour
        outer = clip(ys + k * dy, xs + k * dx)
        asks = np.flatnonzero(~rises & (flat[outer] > flat[here] + noise))
        from_ = colours.take(inner[asks], axis=1)
        line, off = (colours.take(px[asks], axis=1) - from_ for px in (outer, here))
        along = np.clip((line * off).sum(0) / np.maximum((line * line).sum(0), 1), 0, 1)
        rises[asks] = np.square(off - along * line).sum(0) < (MIXED + noise) ** 2
    climbed = opaque.reshape(-1).copy()
    waits = np.flatnonzero(rises)
    for _ in range(WAY):
        up = climbed[inner[waits]]
        if not up.any():
            break
        climbed[here[waits[up]]] = True
        waits = waits[~up]
    on = climbed[here]
    here, inner = here[on], inner[on]
    low, top = flat.copy(), flat.copy()  # on the way from inside to the ridge, of which each px is a part
    for _ in range(WAY):
        before = low[here], top[inner]
        low[here] = np.minimum(before[0], low[inner])
        np.maximum.at(top, inner, top[here])
        if np.array_equal(low[here], before[0]) and np.array_equal(top[inner], before[1]):
            break
    for _ in range(WAY):
        before = low[inner]
        np.minimum.at(low, inner, low[here])
        if np.array_equal(low[inner], before):
            break
    low, top = low[inner], top[inner]
    within = (top > np.maximum(STANDS_OFF * low, low + CLEAR * noise)) & climbed[inner]
    inner = inner[within & ask.reshape(-1)[inner] & ~opaque.reshape(-1)[inner]]
    found.reshape(-1)[inner] = True
    return found
