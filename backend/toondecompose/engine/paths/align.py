"""Gauss-Newton of every frame to a mosaic, inside a motion group."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .field import Field, bilinear
from .groups import apply, frame_units, step, velocities
from .mosaic import Mosaic

TUKEY = 4.0  # residuals beyond this many sigma do not count
LEAST_SIGMA = 1.0  # grey levels: rounding to 8 bit and resampling


@dataclass
class Sampler:
    """A mosaic ready to be sampled: float32 [h, w, 4] value, slope x, slope y, trust (0..1)."""

    stack: np.ndarray
    origin: tuple[int, int]

    def at(self, canvas: np.ndarray) -> np.ndarray:
        """[n, 4] at canvas points [n, 2]; trust is 0 outside."""
        local = canvas - np.array(self.origin)
        out = bilinear(self.stack, local)
        h, w = self.stack.shape[:2]
        inside = (local[:, 0] >= 0) & (local[:, 1] >= 0) & (local[:, 0] <= w) & (local[:, 1] <= h)
        out[:, 3] *= inside
        return out


def least_agreement(count: int) -> int:
    """How many frames must agree before a mosaic pixel proves anything: one frame always agrees with itself."""
    return 3 if count > 3 else 2


def sampler(mosaic: Mosaic, blur: float, count: int) -> Sampler:
    """Blurs a mosaic (sigma px) and takes its slopes; count: frames of the clip."""
    value = mosaic.value
    known = mosaic.seen > 0
    if blur > 0:
        weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), blur)
        value = cv2.GaussianBlur(value * known, (0, 0), blur) / np.maximum(weight, 1e-3)
    gx, gy = (cv2.Sobel(value, cv2.CV_32F, i, 1 - i, ksize=3, scale=1 / 8) for i in (1, 0))
    agreeing = mosaic.agree * mosaic.seen
    trust = ((agreeing >= least_agreement(count) - 0.5) & (mosaic.agree >= 0.4)).astype(np.float32)
    # slopes next to never-seen pixels are made up
    trust *= cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return Sampler(np.stack([value, gx, gy, trust], -1).astype(np.float32), mosaic.origin)


def align_frame(H: np.ndarray, at: np.ndarray, value: np.ndarray, weight: np.ndarray, target: Sampler, dof: int,
                units: np.ndarray, cap: float, noise: float, rounds: int = 4) -> np.ndarray:
    """One frame's transform H [3, 3] (canvas -> frame), moved so that its points fall on equal mosaic values.

    at: [n, 2] frame points, value: [n] grey. units: frame_units of the canvas. cap: grey levels, the largest residual
    spread that is believed (annealing it keeps the fit from settling between two layers).
    """
    g = np.linalg.inv(H)
    back = np.linalg.inv(units)
    for _ in range(rounds):
        canvas = apply(g, at)
        seen = target.at(canvas)
        w = weight * seen[:, 3]
        keep = w > 0.05
        if keep.sum() < 6 * dof:
            return H
        residual = (value - seen[:, 0])[keep].astype(np.float64)
        w = w[keep]
        order = np.argsort(np.abs(residual))
        half = np.searchsorted(np.cumsum(w[order]), 0.5 * w.sum())
        sigma = float(np.clip(1.48 * np.abs(residual)[order[half]], max(LEAST_SIGMA, noise), max(cap, 1.5 * noise)))
        w = w * np.maximum(0, 1 - (residual / (TUKEY * sigma)) ** 2) ** 2
        slopes = seen[keep, 1:3].astype(np.float64) / units[0, 0]
        v = velocities(apply(units, canvas[keep]), dof)
        jac = v[:, 0] * slopes[:, :1] + v[:, 1] * slopes[:, 1:]
        jw = jac * w[:, None]
        normal = jw.T @ jac
        normal[np.diag_indices(dof)] += 1e-7 * np.trace(normal) / dof + 1e-9
        delta = np.linalg.solve(normal, jw.T @ residual)
        size = np.abs(delta).max()
        if size > 0.1:  # 5 % of the picture's width: outside what a slope can predict
            delta *= 0.1 / size
        g = back @ step(delta) @ units @ g
        if size < 2e-6:  # a few 1/10000 px
            break
    out = np.linalg.inv(g)
    return out / out[2, 2]


def saved_bits(H: np.ndarray, field: Field, t: int, target: Sampler) -> tuple[np.ndarray, np.ndarray]:
    """What knowing the mosaic saves at frame t's points: (bits [n] >= 0 per pixel it stands for, residual [n])."""
    pts = field.points[t]
    seen = target.at(apply(np.linalg.inv(H), pts.at))
    residual = np.abs(pts.value - seen[:, 0])
    anew = pts.bits / np.maximum(pts.share, 1e-6)
    spread = max(1.5, field.noise)
    left = np.log2(1 + (residual / spread) ** 2)
    return (np.maximum(0, anew - left) * (seen[:, 3] > 0.5) * pts.share).astype(np.float32), residual


def canvas_units(size: tuple[int, int]) -> np.ndarray:
    """Units in which canvas steps are made: the reference frame's own."""
    return frame_units(size)
