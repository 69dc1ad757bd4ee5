"""Gauss-Newton of every frame to a mosaic, inside a motion group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from .bundle import BORDER, bordered, cubic_in, weights_of
from .field import Field
from .groups import apply, frame_units, slopes, step
from .mosaic import Mosaic

TUKEY = 4.0  # residuals beyond this many sigma do not count
SMALLEST_STEP = 1e-5  # of half the picture's width: a few 1/1000 px, after which Gauss-Newton has converged
RESAMPLED = 0.12  # of the local slope: what a correctly placed but resampled drawing differs by
LEAST_WEIGHT = 0.05  # points that belong less surely are left out
LEAST_SIGMA = 1.0  # grey levels: rounding to 8 bit and resampling


@dataclass
class Sampler:
    """A mosaic ready to be sampled. value: float32 [h, w]; trust: float32 [h, w] in 0..1; origin: canvas px."""

    value: np.ndarray
    trust: np.ndarray
    origin: tuple[int, int]

    @cached_property
    def _bordered(self) -> np.ndarray:
        return bordered(self.value)

    @cached_property
    def _shown(self) -> np.ndarray:
        return self.trust.ravel() > 0.5

    def _sure(self, canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of canvas points [n, 2], those that the mosaic surely shows: (their indices [k], mosaic px x [k], y [k])."""
        h, w = self.value.shape
        x, y = canvas[:, 0] - self.origin[0], canvas[:, 1] - self.origin[1]
        inside = np.flatnonzero((x >= 0) & (x <= w) & (y >= 0) & (y <= h))
        x, y = x.take(inside), y.take(inside)
        near = np.minimum(y.astype(np.int64), h - 1) * w + np.minimum(x.astype(np.int64), w - 1)
        sure = self._shown.take(near)
        return inside[sure], x[sure], y[sure]

    def values(self, canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of canvas points [n, 2], those that the mosaic surely shows: (their indices [k], value [k] there)."""
        known, x, y = self._sure(canvas)
        return known, cubic_in(self._bordered, self.value.shape, x, y)

    def slopes(self, canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of canvas points [n, 2], those that the mosaic surely shows: (indices [k], value [k], slopes [k, 2] there).

        Bicubic (Catmull-Rom) with its own derivative: bilinear samples of drawn lines are off by several grey levels,
        which would hide what a path explains and pull Gauss-Newton towards whole pixels.
        """
        h, w = self.value.shape
        known, x, y = self._sure(canvas)
        x, y = np.minimum(np.maximum(x - 0.5, 0), w - 1), np.minimum(np.maximum(y - 0.5, 0), h - 1)
        x0, y0 = x.astype(np.int64), y.astype(np.int64)
        weights, falls = _taps(np.stack([x - x0, y - y0]).astype(np.float32))
        wx, wy, dx, dy = weights[:, 0], weights[:, 1], falls[:, 0], falls[:, 1]
        flat, wide = self._bordered, w + BORDER
        first = y0 * wide + x0
        value, right, down = np.zeros((3, len(x)), np.float32)
        for j in range(4):
            line = [flat[j * wide + i :].take(first) for i in range(4)]
            across = line[0] * wx[0] + line[1] * wx[1] + line[2] * wx[2] + line[3] * wx[3]
            value += across * wy[j]
            right += (line[0] * dx[0] + line[1] * dx[1] + line[2] * dx[2] + line[3] * dx[3]) * wy[j]
            down += across * dy[j]
        return known, value, np.stack([right, down], 1)


def _taps(f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Catmull-Rom weights of the four neighbours at fractions f [...], and their derivatives: [4, ...] each."""
    f2 = f * f
    f3 = f2 * f
    falls = np.empty((4, *f.shape), f.dtype)
    once, thrice = 1.5 * f2, 4.5 * f2
    np.subtract(2 * f - once, 0.5, out=falls[0])
    np.subtract(thrice, 5 * f, out=falls[1])
    np.add(4 * f - thrice, 0.5, out=falls[2])
    np.subtract(once, f, out=falls[3])
    return weights_of(f, f2, f3), falls


def least_agreement(count: int) -> int:
    """How many frames must agree before a mosaic pixel proves anything: one frame always agrees with itself."""
    return 3 if count > 3 else 2


def sampler(mosaic: Mosaic, blur: float, count: int) -> Sampler:
    """A mosaic blurred by sigma px; count: frames of the clip."""
    value = mosaic.value
    known = mosaic.seen > 0
    if blur > 0:
        weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), blur)
        value = cv2.GaussianBlur(value * known, (0, 0), blur) / np.maximum(weight, 1e-3)
    agreeing = mosaic.agree * mosaic.seen
    trust = ((agreeing >= least_agreement(count) - 0.5) & (mosaic.agree >= 0.4)).astype(np.float32)
    # slopes next to never-seen pixels are made up
    trust *= cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return Sampler(value.astype(np.float32), trust, mosaic.origin)


def align_frame(H: np.ndarray, at: np.ndarray, value: np.ndarray, weight: np.ndarray, target: Sampler, dof: int,
                units: np.ndarray, cap: float, noise: float, rounds: int = 4,
                enough: float = SMALLEST_STEP) -> np.ndarray:
    """One frame's transform H [3, 3] (canvas -> frame), moved so that its points fall on equal mosaic values.

    at: [n, 2] frame points, value: [n] grey. units: frame_units of the canvas. cap: grey levels, the largest residual
    spread that is believed (annealing it keeps the fit from settling between two layers). enough: half widths, the step
    after which no further one is made.
    """
    g, back = np.linalg.inv(np.stack([H, units]))
    counts = np.flatnonzero(weight > LEAST_WEIGHT)
    at, value, weight = at.take(counts, 0), value[counts], weight[counts]
    for _ in range(rounds):
        canvas = apply(g, at)
        known, seen, slope = target.slopes(canvas)
        if len(known) < 6 * dof:
            return H
        residual, w = (value[known] - seen).astype(np.float64), weight[known]
        order = np.argsort(np.abs(residual))
        half = np.searchsorted(np.cumsum(w[order]), 0.5 * w.sum())
        sigma = float(np.clip(1.48 * np.abs(residual)[order[half]], max(LEAST_SIGMA, noise), max(cap, 1.5 * noise)))
        w = w * np.maximum(0, 1 - (residual / (TUKEY * sigma)) ** 2) ** 2
        across, along = slope[:, 0].astype(np.float64), slope[:, 1].astype(np.float64)
        across /= units[0, 0]
        along /= units[0, 0]
        place = apply(units, canvas.take(known, 0))
        jac = slopes(across, along, place[:, 0], place[:, 1], dof)
        jw = jac * w[:, None]
        normal = jw.T @ jac
        normal[np.diag_indices(dof)] += 1e-7 * np.trace(normal) / dof + 1e-9
        delta = np.linalg.solve(normal, jw.T @ residual)
        size = np.abs(delta).max()
        if size > 0.1:  # 5 % of the picture's width: outside what a slope can predict
            delta *= 0.1 / size
        g = back @ step(delta) @ units @ g
        if size < enough:
            break
    out = np.linalg.inv(g)
    return out / out[2, 2]


def saved_bits(back: np.ndarray, field: Field, t: int, target: Sampler) -> np.ndarray:
    """What knowing the mosaic saves at frame t's points: float32 bits [n] >= 0 of all pixels that each stands for.

    back: [3, 3] frame -> canvas."""
    pts = field.points[t]
    out = np.zeros(len(pts.at), np.float32)
    known, value = target.values(apply(back, pts.at))
    # what rounding and noise leave, and what resampling and a tenth of a pixel of misplacement leave at a slope
    spread = np.hypot(max(1.5, field.noise), RESAMPLED * pts.slope[known])
    left = np.log2(1 + ((pts.value[known] - value) / spread) ** 2)
    out[known] = np.maximum(0, pts.anew[known] - left) * pts.share[known]
    return out


def canvas_units(size: tuple[int, int]) -> np.ndarray:
    """Units in which canvas steps are made: the reference frame's own."""
    return frame_units(size)
