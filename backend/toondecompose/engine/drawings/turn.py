"""How a cut-out has turned and grown since another one: circular correlation in polar coordinates about their centres.

Source of the idea: the Fourier-Mellin transform (Reddy and Chatterji, 1996). Here the silhouettes give centre and size,
so that only the angle is searched for.
"""

from __future__ import annotations

import cv2
import numpy as np

from .patches import Patch

ANGLES, RINGS = 120, 24  # 3 degrees apart: the alignment that follows catches several times that
FARTHEST = 1.6  # radius of the outermost ring, in radii of a disk of the silhouette's area
TURNED = 6.0  # degrees: less is found without
GROWN = 0.06  # of the size: less is found without


def centre_and_radius(patch: Patch) -> tuple[np.ndarray, float]:
    """Centre of the silhouette and radius of a disk of its area, patch px (edge coordinates)."""
    m = cv2.moments(patch.body, binaryImage=True)
    return np.array([m["m10"], m["m01"]]) / max(m["m00"], 1e-9) + 0.5, float(np.sqrt(max(m["m00"], 1.0) / np.pi))


def polar(patch: Patch) -> np.ndarray:
    """float32 [ANGLES, RINGS, 4]: premultiplied colour less middle grey, and silhouette, by angle and distance."""
    centre, radius = centre_and_radius(patch)
    own = patch.body.astype(np.float32)
    picture = cv2.merge([*((plane.astype(np.float32) - 128.0) * own for plane in cv2.split(patch.smooth)), own * 128.0])
    soft = cv2.GaussianBlur(picture, (0, 0), max(0.8, 0.05 * radius))
    return cv2.warpPolar(soft, (RINGS, ANGLES), tuple(float(v) for v in centre - 0.5), FARTHEST * radius,
                         cv2.WARP_POLAR_LINEAR | cv2.WARP_FILL_OUTLIERS | cv2.INTER_LINEAR)


def turning(patch: Patch) -> np.ndarray:
    """Spectrum by angle of a cut-out in polar coordinates about its centre, of norm 1, complex [n, RINGS, 4]."""
    rings = np.sqrt(np.arange(RINGS, dtype=np.float32) + 0.5)[None, :, None]  # outer rings have more pixels
    picture = polar(patch) * rings
    return np.fft.rfft(picture / max(1e-9, float(np.linalg.norm(picture))), axis=0)


def turned_start(a: Patch, b: Patch) -> np.ndarray | None:
    """Similarity that lays a on b by centre, size and the angle that fits best; None if it hardly turns or grows.

    Returns 3x3, a's px -> b's px. Both silhouettes should be whole.
    """
    angle, _ = best_turn(turning(a), turning(b))
    (ca, ra), (cb, rb) = centre_and_radius(a), centre_and_radius(b)
    scale = rb / ra
    if np.cos(angle) > np.cos(np.radians(TURNED)) and abs(np.log(scale)) < GROWN:
        return None
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    out = np.eye(3)
    out[:2, :2] = turn
    out[:2, 2] = cb - turn @ ca
    return out


def best_turn(one: np.ndarray, two: np.ndarray) -> tuple[float, float]:
    """Angle (radians) by which one has turned into two, and how alike they are then, -1..1. Spectra of `turning`."""
    score = np.fft.irfft((np.conj(one) * two).sum((1, 2)), ANGLES)
    best = int(np.argmax(score))
    return 2 * np.pi * best / ANGLES, float(score[best])


def likeness(ones: list[np.ndarray], twos: list[np.ndarray]) -> np.ndarray:
    """How alike cut-outs are at the angle that fits best, each of `ones` with each of `twos`: float [n, m], -1..1.

    ones, twos: spectra of `turning`."""
    one, two = (np.stack([s.reshape(len(s), -1) for s in some], 1) for some in (ones, twos))  # [frequencies, n, ...]
    return np.fft.irfft(np.conj(one) @ two.transpose(0, 2, 1), ANGLES, axis=0).max(0)
