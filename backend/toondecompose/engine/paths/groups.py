"""Motion groups: translation, similarity, affine, homography, and the step that moves inside each of them.

A transform is a 3x3 matrix with last element 1. Steps are composed from the left, exp(sum of d_i * G_i) @ M, so that a
translation stays a translation and a similarity stays a similarity however many steps are made.
"""

from __future__ import annotations

import numpy as np

MODELS = {"translation": 2, "similarity": 4, "affine": 6, "homography": 8}
NAMES = {dof: name for name, dof in MODELS.items()}


def _generators() -> np.ndarray:
    g = np.zeros((8, 3, 3))
    g[0, 0, 2] = g[1, 1, 2] = 1  # shift in x, in y
    g[2, 0, 0] = g[2, 1, 1] = 1  # growth
    g[3, 0, 1], g[3, 1, 0] = -1, 1  # turn
    g[4, 0, 0], g[4, 1, 1] = 1, -1  # stretch along the axes
    g[5, 0, 1] = g[5, 1, 0] = 1  # stretch along the diagonals
    g[6, 2, 0] = g[7, 2, 1] = 1  # perspective
    return g


_GENERATORS = _generators()  # ordered so that the first 2, 4, 6, 8 span the four groups
_FLAT = _GENERATORS.reshape(8, 9)


def velocities(points: np.ndarray, dof: int) -> np.ndarray:
    """How points [n, 2] move per unit of each of the group's first `dof` generators: float64 [n, 2, dof]."""
    x, y = points[:, 0], points[:, 1]
    out = np.zeros((len(points), 2, dof))
    out[:, 0, 0] = out[:, 1, 1] = 1
    rows = [(x, y), (-y, x), (x, -y), (y, x), (-x * x, -x * y), (-x * y, -y * y)]
    for i, (u, v) in enumerate(rows[: dof - 2]):
        out[:, 0, i + 2], out[:, 1, i + 2] = u, v
    return out


def slopes(a: np.ndarray, b: np.ndarray, x: np.ndarray, y: np.ndarray, dof: int) -> np.ndarray:
    """How a x + b y of points x, y [n] changes with each of the group's first `dof` generators: what
    `velocities` tell, float64 [n, dof]."""
    out = np.empty((len(x), dof))
    out[:, 0], out[:, 1] = a, b
    if dof > 2:
        ax, ay, bx, by = a * x, a * y, b * x, b * y
        out[:, 2], out[:, 3] = ax + by, bx - ay
    if dof > 4:
        out[:, 4], out[:, 5] = ax - by, ay + bx
    if dof > 6:
        xy = x * y
        out[:, 6], out[:, 7] = -(a * (x * x) + b * xy), -(a * xy + b * (y * y))
    return out


def step(delta: np.ndarray) -> np.ndarray:
    """exp of the generator combination delta [dof] -> [3, 3] with last element 1."""
    a = (delta @ _FLAT[: len(delta)]).reshape(3, 3)
    out = np.eye(3) + a
    term, k = a, 2
    while len(delta) > 2 and k < 12:  # a shift ends here; other steps are far below 1 and converge at once
        term = term @ a / k
        out += term
        if np.abs(term).max() < 1e-17:
            break
        k += 1
    return out / out[2, 2]


def frame_units(size: tuple[int, int]) -> np.ndarray:
    """[3, 3] that maps a picture of `size` to centred units of its half width: generators then move points alike."""
    w, h = size
    s = 2.0 / w
    return np.array([[s, 0, -s * w / 2], [0, s, -s * h / 2], [0, 0, 1.0]])


def apply(m: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transform points [n, 2] by m [3, 3]. Column by column: NumPy takes ten times as long over rows of two."""
    if not m[2, 0] and not m[2, 1]:
        if m[0, 0] == m[1, 1] == 1 and not m[0, 1] and not m[1, 0]:  # many are shifts
            out = np.empty(points.shape)
            np.add(points[:, 0], m[0, 2], out=out[:, 0])
            np.add(points[:, 1], m[1, 2], out=out[:, 1])
        else:
            out = points @ m[:2, :2].T
            out[:, 0] += m[0, 2]
            out[:, 1] += m[1, 2]
        return out if m[2, 2] == 1 else out / m[2, 2]
    z = points @ m[2, :2]
    z += m[2, 2]
    near = np.abs(z) < 1e-9
    if near.any():
        z[near] = 1e-9
    out = points @ m[:2, :2].T
    for i in (0, 1):
        out[:, i] += m[i, 2]
        out[:, i] /= z
    return out


def normalised(m: np.ndarray) -> np.ndarray:
    """m [..., 3, 3] with the last element of each matrix 1."""
    return m / m[..., 2:3, 2:3]


def project(m: np.ndarray, dof: int, points: np.ndarray) -> np.ndarray:
    """The transform of the smaller group that moves points [n, 2] most like m does (least squares)."""
    if dof >= 8:
        return normalised(m)
    target = apply(m, points)
    if dof == 2:
        shift = (target - points).mean(0)
        return np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1.0]])
    centre, middle = points.mean(0), target.mean(0)
    p, q = points - centre, target - middle
    if dof == 4:
        norm = (p * p).sum()
        a = (p * q).sum() / norm
        b = (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum() / norm
        linear = np.array([[a, -b], [b, a]])
    else:
        linear = np.linalg.lstsq(p, q, rcond=None)[0].T
    out = np.eye(3)
    out[:2, :2] = linear
    out[:2, 2] = middle - linear @ centre
    return out


def grid_points(size: tuple[int, int], n: int = 9) -> np.ndarray:
    """n x n points spread over a picture of `size` -> [n * n, 2]."""
    x, y = np.meshgrid(np.linspace(0, size[0], n), np.linspace(0, size[1], n))
    return np.stack([x.ravel(), y.ravel()], -1)
