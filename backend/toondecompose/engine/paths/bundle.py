"""All frames of a path moved at once, so that frames and the still picture behind them cannot drag each other along.

The still picture is eliminated: per canvas point the unknown value is the weighted mean of what the frames show there,
and what remains is one small linear system in all frames' motions (bundle adjustment with the Schur complement).
"""

from __future__ import annotations

import cv2
import numpy as np

from .groups import apply, step, velocities

TUKEY = 4.0  # residuals beyond this many sigma do not count
LEAST_SIGMA = 0.7  # grey levels: rounding to 8 bit twice
DAMPING = 1e-6  # of the mean diagonal: directions that the picture does not show stay as they are
LARGEST_STEP = 0.02  # half widths: outside what a slope can predict
BORDER = 3  # px that `bordered` adds to the width and to the height
COUPLED = 4000  # points that say how frames depend on each other: only the size of a step hangs on it


def bordered(picture: np.ndarray) -> np.ndarray:
    """A picture float32 [h, w] with a copy of its border around it, so that neighbours need no clipping: flat."""
    return cv2.copyMakeBorder(picture, 1, 2, 1, 2, cv2.BORDER_REPLICATE).ravel()


def cubic(picture: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Catmull-Rom samples float32 [n] of picture float32 [h, w] at edge-coordinate points [n, 2]; the border repeats.

    Exact, where cv2.remap rounds positions to 1/32 px."""
    return cubic_in(bordered(picture), picture.shape, at[:, 0], at[:, 1])


def cubic_in(flat: np.ndarray, shape: tuple[int, int], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`cubic` at points x, y [n] of a picture of `shape` that is already `bordered`."""
    h, w = shape
    x, y = np.minimum(np.maximum(x - 0.5, 0), w - 1), np.minimum(np.maximum(y - 0.5, 0), h - 1)
    x0, y0 = x.astype(np.int64), y.astype(np.int64)  # an index of another width would be converted for every tap
    f = np.stack([x - x0, y - y0]).astype(np.float32)
    f2 = f * f
    weights = weights_of(f, f2, f2 * f)
    wx, wy = weights[:, 0], weights[:, 1]
    wide = w + BORDER
    first = y0 * wide + x0
    out = np.zeros(len(x), np.float32)
    for j in range(4):
        row = flat[j * wide :].take(first) * wx[0]
        for i in range(1, 4):
            row += flat[j * wide + i :].take(first) * wx[i]
        out += row * wy[j]
    return out


def weights_of(f: np.ndarray, f2: np.ndarray, f3: np.ndarray) -> np.ndarray:
    """Catmull-Rom weights [4, ...] of the four neighbours at fractions f, of which f2 and f3 are the powers."""
    out = np.empty((4, *f.shape), f.dtype)
    half, once = 0.5 * f3, 1.5 * f3
    np.subtract(f2 - half, 0.5 * f, out=out[0])
    np.add(once - 2.5 * f2, 1, out=out[1])
    np.add(2 * f2 - once, 0.5 * f, out=out[2])
    np.subtract(half, 0.5 * f2, out=out[3])
    return out


def consensus(values: np.ndarray, weight: np.ndarray, start: np.ndarray,
              cap: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the frames agree on. values, weight: float32 [T, n]; start: [n], a first guess (the temporal mode).

    cap: grey levels, the largest spread that is believed. Returns (value [n], weights with outliers taken out [T, n],
    sigma [T] of the frames)."""
    mean, robust = start, weight
    sigma = np.full(len(values), cap)
    for _ in range(2):
        off = np.abs(values - mean)
        for t in range(len(values)):
            used = off[t][weight[t] > 0]
            if len(used):
                sigma[t] = np.clip(1.48 * float(np.median(used)), LEAST_SIGMA, cap)
        robust = weight * np.maximum(0, 1 - (off / (TUKEY * sigma[:, None])) ** 2).astype(np.float32) ** 2
        total = robust.sum(0)
        mean = np.where(total > 0, (robust * values).sum(0) / np.maximum(total, 1e-6), mean).astype(np.float32)
    return mean, robust, sigma


def couplings(weight: np.ndarray, jac: np.ndarray) -> np.ndarray:
    """The normal matrix [T, dof, T, dof] once each point's value is eliminated.

    weight: float32 [T, n]. jac: float32 [n, dof], how each point's value changes with a frame's parameters."""
    part = np.linspace(0, len(jac) - 1, min(len(jac), COUPLED)).astype(int)
    weight, jac, times = weight[:, part], jac[part], len(jac) / len(part)
    count, dof = len(weight), jac.shape[1]
    share = weight / np.sqrt(np.maximum(weight.sum(0), 1e-6))
    out = np.zeros((count, dof, count, dof))
    for i in range(dof):
        for j in range(i, dof):
            product = jac[:, i] * jac[:, j]
            both = -((share * product) @ share.T).astype(np.float64)
            both[np.diag_indices(count)] += weight @ product
            out[:, i, :, j] = out[:, j, :, i] = times * both
    return out


def adjust(H: np.ndarray, ref: int, dof: int, at: np.ndarray, slope: np.ndarray, start: np.ndarray,
           values: np.ndarray, weight: np.ndarray, units: np.ndarray, cap: float) -> tuple[np.ndarray, float]:
    """One joint Gauss-Newton step of all frames.

    H: [T, 3, 3] canvas -> frame. at: canvas points [n, 2]; slope: the still picture's slopes there [n, 2]; start: its
    grey levels [n]. values: float32 [T, n], what each frame shows at H[t](at); weight: [T, n] in 0..1, 0 where it does
    not show the point or shows something else. units: frame_units of the canvas. Frame `ref` stays. Returns (H, bits
    that the step should save if every point is one observation).
    """
    mean, robust, sigma = consensus(values, weight, start, cap)
    robust = robust / (sigma[:, None] ** 2).astype(np.float32)
    total = robust.sum(0)  # by the same weights as the steps: else what is left over pushes a long pan apart
    mean = np.where(total > 0, (robust * values).sum(0) / np.maximum(total, 1e-9), mean).astype(np.float32)
    v = velocities(apply(units, at), dof) / units[0, 0]
    jac = (v[:, 0] * slope[:, :1] + v[:, 1] * slope[:, 1:]).astype(np.float32)
    normal = couplings(robust, jac)
    right = (robust * (values - mean)) @ jac
    count = len(H)
    free = np.arange(count) != ref
    a = normal[free][:, :, free].reshape((count - 1) * dof, -1)
    scale = np.maximum(np.diag(a).reshape(-1, dof).mean(0), 1e-12)
    a[np.diag_indices(len(a))] += DAMPING * np.tile(scale, count - 1)
    delta = np.zeros((count, dof))
    delta[free] = np.linalg.solve(a, right[free].ravel()).reshape(-1, dof)
    each = float(weight.sum()) / max(int((weight > 0).sum()), 1)
    saved = float((delta * right).sum()) / each / (2 * np.log(2))
    delta *= np.minimum(1, LARGEST_STEP / np.maximum(np.abs(delta).max(1), 1e-12))[:, None]
    back = np.linalg.inv(units)
    out = np.stack([np.linalg.inv(back @ step(d) @ units @ np.linalg.inv(m)) for d, m in zip(delta, H, strict=True)])
    return out / out[:, 2:3, 2:3], saved
