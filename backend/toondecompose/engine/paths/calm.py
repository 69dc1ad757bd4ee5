"""Grain makes a measured path tremble by hundredths of a pixel; where the camera moves evenly, its neighbours know
better. How even the motion is and how much of the trembling is measurement is estimated from the path itself."""

from __future__ import annotations

import numpy as np

from .groups import apply, frame_units

TREMBLE = 0.12  # px: more than this is not grain but the camera's own shake
LEAST_FRAMES = 8  # fewer say nothing about how even a motion is
OUTLIER = 4.0  # standard deviations: a jerk that the even motion does not predict
RATIOS = np.logspace(-6, 3, 40)  # variance of the acceleration over that of the measurement


def calmed(H: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """H [T, 3, 3] without the trembling that measuring on grain leaves; unchanged if it is none, or a real shake.

    size: (width, height) px of the frames that H is in.
    Maximum likelihood of a random walk of the speed plus white measurement noise, per parameter."""
    count = len(H)
    if count < LEAST_FRAMES:
        return H
    units = frame_units(size)
    m = units @ H @ np.linalg.inv(units)
    entries = (m / m[:, 2:3, 2:3]).reshape(count, 9)
    second = np.diff(np.eye(count), 2, axis=0)
    values, vectors = np.linalg.eigh(second @ second.T)
    out = entries.copy()
    for k in range(8):
        if np.ptp(entries[:, k]) < 1e-9:
            continue
        out[:, k] = _even(entries[:, k], second, values, vectors)
    even = np.linalg.inv(units) @ out.reshape(count, 3, 3) @ units
    w, h = size
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64)
    moved = np.array([np.abs(apply(a, corners) - apply(b, corners)) for a, b in zip(even, H, strict=True)])
    moved = moved.reshape(count, -1)
    tremble = np.sqrt((moved**2).mean(0))
    if tremble.max() > TREMBLE or (moved.max(0) > OUTLIER * np.maximum(tremble, 1e-9)).any():
        return H
    return even / even[:, 2:3, 2:3]


def _even(y: np.ndarray, second: np.ndarray, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Series y [T] smoothed as far as its likelihood says."""
    z = (vectors.T @ (second @ y)) ** 2
    spread = RATIOS[:, None] + values
    likelihood = -len(z) * np.log((z / spread).mean(1) + 1e-24) - np.log(spread).sum(1)
    ratio = RATIOS[likelihood.argmax()]
    return np.linalg.solve(np.eye(len(y)) + second.T @ second / ratio, y)
