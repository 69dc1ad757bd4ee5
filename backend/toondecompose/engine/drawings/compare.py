"""Do two pictures show the same drawing? Decided by connected blobs of difference, not by a mean or a quantile.

A mouth that closes is less than 2 % of a character: any average hides it. But it is one connected blob whose difference
no shift of a fraction of a pixel, no grain and no resampling can explain.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

# Misregistration and resampling that are forgiven: this share of the colour range in the 3x3 neighbourhood
# (a ramp of g grey levels per px has the range 2 g, so .25 forgives about half a pixel).
FORGIVEN = 0.25
LEAST_LEVELS = 10.0  # grey levels of difference below which nobody sees a change in place
NOISE_SIGMAS = 5.0  # of the difference of two blurred noisy pictures
BLOB = 300.0  # grey levels x working px^2: the size of the smallest blob that makes another drawing


@dataclass
class Difference:
    """blob: the largest connected difference, sum of grey levels over its pixels. common: pixels compared.
    share: part of the smaller cut-out's sure pixels that was compared. mean: mean difference of the compared, levels."""

    blob: float
    common: float
    share: float
    mean: float


def local_range(smooth: np.ndarray) -> np.ndarray:
    """Largest minus smallest colour in each 3x3 neighbourhood, per channel."""
    kernel = np.ones((3, 3), np.uint8)
    return cv2.dilate(smooth, kernel) - cv2.erode(smooth, kernel)


def excess(a: np.ndarray, b: np.ndarray, range_a: np.ndarray, range_b: np.ndarray, noise: float) -> np.ndarray:
    """Difference of two aligned blurred pictures beyond noise and resampling, float32 [h, w], grey levels."""
    d = np.abs(a - b) - FORGIVEN * np.maximum(range_a, range_b)
    return d.max(2) - max(LEAST_LEVELS, NOISE_SIGMAS * noise)


def largest_blob(excess_levels: np.ndarray, region: np.ndarray) -> float:
    """Sum of levels in the largest connected (8-neighbour) set of pixels with excess > 0 inside region."""
    hot = ((excess_levels > 0) & (region > 0)).astype(np.uint8)
    if not hot.any():
        return 0.0
    count, labels = cv2.connectedComponents(hot, connectivity=8)
    where = labels.ravel()
    use = where > 0
    sums = np.bincount(where[use], weights=excess_levels.ravel()[use] + LEAST_LEVELS, minlength=count)
    return float(sums.max())


def compare_pictures(a: np.ndarray, b: np.ndarray, inside_a: np.ndarray, inside_b: np.ndarray,
                     valid_a: np.ndarray, valid_b: np.ndarray, noise: float,
                     range_a: np.ndarray | None = None) -> Difference:
    """Compare two aligned pictures on what both frames show.

    a, b: float32 RGB [h, w, 3], blurred, in one coordinate system. inside_*: 0/1 [h, w], surely the sprite in
    that picture. valid_*: 0/1 [h, w], comparable in that picture. noise: deviation of a blurred picture's noise, levels.
    A pixel counts where one picture surely shows the sprite and the other one can be seen, whatever its mask says:
    holes in a mask cost evidence, not truth.
    """
    region = ((inside_a > 0) & (valid_b > 0)) | ((inside_b > 0) & (valid_a > 0))
    smaller = max(1.0, min(float(inside_a.sum()), float(inside_b.sum())))
    common = float(((inside_a > 0) & (inside_b > 0)).sum())
    e = excess(a, b, local_range(a) if range_a is None else range_a, local_range(b), noise * np.sqrt(2))
    mean = float(np.abs(a - b).max(2)[region].mean()) if region.any() else 0.0
    return Difference(largest_blob(e, region), common, common / smaller, mean)


def place(picture: np.ndarray, H: np.ndarray, size: tuple[int, int], linear: bool = True) -> np.ndarray:
    """picture warped by H (picture px -> output px, edge coordinates); outside is 0."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centre = np.linalg.inv(half) @ H @ half
    return cv2.warpPerspective(picture, centre, size, flags=cv2.INTER_LINEAR if linear else cv2.INTER_NEAREST)


def compare_patches(a, b, H: np.ndarray, noise: float) -> Difference:
    """Compare two patches (patches.Patch); H maps a's px to b's px. The comparison happens in a's pixels."""
    h, w = a.inside.shape
    inverse = np.linalg.inv(H)
    other = place(b.smooth, inverse, (w, h))
    inside = place(b.inside, inverse, (w, h), False)
    valid = cv2.erode(place(b.valid, inverse, (w, h), False), np.ones((3, 3), np.uint8), borderValue=0)
    return compare_pictures(a.smooth, other, a.inside, inside, a.valid, valid, noise)
