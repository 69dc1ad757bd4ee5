"""Do two pictures show the same drawing? Decided by connected blobs of difference, not by a mean or a quantile.

A mouth that closes is less than 2 % of a character: any average hides it. But it is one connected blob whose difference
no shift of a fraction of a pixel, no grain and no resampling can explain.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .align import project, sample
from .patches import Patch

# Misregistration and resampling that are forgiven: this share of the colour range around the pixel (3x3 where sharp)
# (a ramp of g grey levels per px has the range 2 g, so .25 forgives about half a pixel) ...
FORGIVEN = 0.25
# ... or, where most of the drawing's textured pixels deviate more (motion blur, residual misplacement), this
# multiple of
# what three quarters of them show: such deviation lies along all lines, a changed mouth in one place.
TYPICAL_SHARE, TYPICAL_FACTOR, MOST_FORGIVEN = 0.75, 2.0, 0.8
WITNESSES = (2, 6, 12)  # frames away: where background that the sprite hides in the other frame may be seen
APART = 8.0  # working px by which a plane must have moved against the sprite to tell them apart
MOSTLY = 0.25  # of the pixels differ: another drawing, no need to ask what is background
THICK = 5  # working px: thinner differences count only deep inside the masks
TEXTURED = 16.0  # grey levels of range from which a pixel tells about misplacement
LEAST_LEVELS = 10.0  # grey levels of difference below which nobody sees a change in place
NOISE_SIGMAS = 5.0  # of the difference of two blurred noisy pictures
BLOB = 300.0  # grey levels x working px^2: the size of the smallest blob that makes another drawing


@dataclass
class Difference:
    """blob: the largest connected difference, sum of grey levels over its pixels. common: pixels compared.
    share: part of the larger cut-out's sure pixels that both show. fit: part of the compared pixels without excess."""

    blob: float
    common: float
    share: float
    fit: float


def strongest(picture: np.ndarray) -> np.ndarray:
    """Largest of the three channels, [h, w] (numpy's own max over a short last axis is ten times slower)."""
    return np.maximum(np.maximum(picture[..., 0], picture[..., 1]), picture[..., 2])


def local_range(smooth: np.ndarray, reach: int = 1) -> np.ndarray:
    """Largest minus smallest colour within `reach` px (square), per channel."""
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return cv2.dilate(smooth, kernel) - cv2.erode(smooth, kernel)


def excess(a: np.ndarray, b: np.ndarray, range_a: np.ndarray, range_b: np.ndarray, region: np.ndarray, noise: float
           ) -> np.ndarray:
    """Difference of two aligned blurred pictures beyond noise and resampling, float32 [h, w], grey levels.

    region: bool [h, w], pixels that are compared (they tell how well the pictures lie on each other on the whole).
    """
    d, spread = cv2.absdiff(a, b), np.maximum(range_a, range_b)
    told = region & (strongest(spread) > TEXTURED)
    forgiven = FORGIVEN
    if np.count_nonzero(told) > 50:
        ratio = strongest(d[told] / np.maximum(spread[told], TEXTURED))
        rank = int(TYPICAL_SHARE * (len(ratio) - 1))
        forgiven = float(np.clip(TYPICAL_FACTOR * np.partition(ratio, rank)[rank], FORGIVEN, MOST_FORGIVEN))
    return strongest(d - np.float32(forgiven) * spread) - max(LEAST_LEVELS, NOISE_SIGMAS * noise)


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


def place(picture: np.ndarray, H: np.ndarray, size: tuple[int, int], repeat: bool = False) -> np.ndarray:
    """picture warped by H (picture px -> output px, edge coordinates), bilinear; outside it is 0, or the edge
    repeats."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centre = np.linalg.inv(half) @ H @ half
    return cv2.warpPerspective(picture, centre, size, flags=cv2.INTER_LINEAR,
                               borderMode=cv2.BORDER_REPLICATE if repeat else cv2.BORDER_CONSTANT)


def place_mask(mask: np.ndarray, H: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """0/1 mask warped by H -> 0/1; a pixel is 1 only if all that it is made of is."""
    return (place(mask * np.uint8(255), H, size) >= 254).astype(np.uint8)


def opacity_leak(a: np.ndarray, b: np.ndarray, plate_a: np.ndarray, plate_b: np.ndarray, region: np.ndarray) -> float:
    """How much of the background shows through a drawing, 0..1: the slope of the drawing's change over its plate's.

    a, b: float32 [h, w, 3], aligned pictures; plates likewise; region: bool [h, w]. Robust least squares (Tukey).
    """
    change, behind = (a - b)[region], (plate_a - plate_b)[region]
    tell = strongest(np.abs(behind)) > LEAST_LEVELS
    if np.count_nonzero(tell) < 50:
        return 0.0
    change, behind = change[tell].astype(np.float64), behind[tell].astype(np.float64)
    leak = 0.0
    for cut in (60.0, 40.0, 25.0, 25.0):  # grey levels: pixels further off show something else
        error = strongest(np.abs(change - leak * behind))
        weight = np.clip(1 - (error / cut) ** 2, 0, None)[:, None] ** 2
        leak = float((weight * change * behind).sum() / max(1e-9, float((weight * behind * behind).sum())))
    return float(np.clip(leak, 0.0, 1.0))


@dataclass
class Backdrop:
    """What moves behind the sprite. pictures: frame -> blurred working frame, uint8 RGB [hs, ws, 3]. motions: per plane
    float64 [T, 3, 3], canvas -> frame, working px. centres: frame -> [2], about where the sprite is. Pixels that repeat
    under a plane's motion, and do not move with the sprite, are background whatever the sprite's mask says."""

    pictures: dict[int, np.ndarray]
    motions: list[np.ndarray]
    centres: dict[int, np.ndarray]

    def explains(self, frame: int, other: int, xy: np.ndarray) -> np.ndarray:
        """bool [n]: do the colours at points xy [n, 2] (edge coordinates) of a frame repeat in `other`, or in a frame
        near, where a plane's motion takes them (far from where the sprite's motion would)?"""
        picture = self.pictures[frame]
        h, w = picture.shape[:2]
        colour = sample(picture, xy).astype(np.float32)
        out = np.zeros(len(xy), bool)
        for u in [other, *(frame + s * k for k in WITNESSES for s in (1, -1))]:
            if u not in self.pictures or u == frame:
                continue
            along = self.centres[u] - self.centres[frame]
            for H in self.motions:
                at = project(H[u] @ np.linalg.inv(H[frame]), xy)
                use = (at[:, 0] > 0.5) & (at[:, 1] > 0.5) & (at[:, 0] < w - 0.5) & (at[:, 1] < h - 0.5)
                use &= np.abs(at - xy - along).max(1) > APART
                error = np.abs(sample(self.pictures[u], np.where(use[:, None], at, 0.0)) - colour)
                out |= use & (strongest(error) < 1.5 * LEAST_LEVELS)
        return out


@dataclass
class Overlay:
    """Two patches brought into one coordinate system (the coarser one's px). region: bool [h, w], what can be compared;
    deep: bool [h, w], the part of it that no error of a mask's edge reaches."""

    one: np.ndarray
    two: np.ndarray
    plates: tuple[np.ndarray, np.ndarray] | None
    region: np.ndarray
    deep: np.ndarray
    common: float
    first: Patch
    second: Patch
    H: np.ndarray


def deep_of(patch: Patch) -> np.ndarray:
    """Where no error of the mask's edge reaches (all of the sure pixels, if nothing else is known)."""
    return patch.inside if patch.deep is None else patch.deep


def overlay(a: Patch, b: Patch, H: np.ndarray) -> Overlay:
    """Lay patch b over patch a. H: 3x3, a's px -> b's px.

    A pixel counts where one picture surely shows the sprite and the other one can be seen there, whatever its mask
    says:
    a hole in a mask costs evidence, not truth. Pixels where both show just their plates do not count.
    """
    if abs(np.linalg.det(H[:2, :2])) < 0.8:  # compare at the coarser of the two scales
        a, b, H = b, a, np.linalg.inv(H)
    h, w = a.inside.shape
    inverse = np.linalg.inv(H)
    scale = float(np.sqrt(abs(np.linalg.det(H[:2, :2]))))

    def bring(picture: np.ndarray) -> np.ndarray:
        if scale > 1.25:  # b is larger: blur away what a cannot show
            picture = cv2.GaussianBlur(picture, (0, 0), 0.5 * np.sqrt(scale**2 - 1))
        return place(picture, inverse, (w, h), repeat=True)

    one, two = a.smooth, bring(b.smooth)
    inside, valid = place_mask(b.inside, inverse, (w, h)), place_mask(b.valid, inverse, (w, h))
    region = ((a.inside > 0) & (valid > 0)) | ((inside > 0) & (a.valid > 0))
    plates = None
    if a.plate is not None and b.plate is not None:
        known = (a.plate_known > 0) & (place_mask(b.plate_known, inverse, (w, h)) > 0)
        plate = np.where(known[..., None], bring(b.plate), a.plate)
        bare = strongest(cv2.absdiff(one, a.plate)) < LEAST_LEVELS
        bare &= strongest(cv2.absdiff(two, plate)) < LEAST_LEVELS
        # beside bare background lies a rim that is a mixture of it and the sprite
        region &= cv2.dilate((bare & known).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
        plates = (a.plate, plate)
    deep = region & ((deep_of(a) | place_mask(deep_of(b), inverse, (w, h))) > 0)
    return Overlay(one, two, plates, region, deep, float(np.count_nonzero((a.inside > 0) & (inside > 0))),
                   a, b, H)


def background_pixels(both: Overlay, hot: np.ndarray, backdrop: Backdrop) -> np.ndarray:
    """bool [h, w]: differing pixels at which both frames just show background (and the mixed rim beside them)."""
    ys, xs = np.nonzero(hot)
    at = np.stack([xs + 0.5, ys + 0.5], 1)
    one = backdrop.explains(both.first.frame, both.second.frame, at + both.first.origin)
    two = backdrop.explains(both.second.frame, both.first.frame, project(both.H, at) + both.second.origin)
    bare = np.zeros(hot.shape, np.uint8)
    bare[ys, xs] = one & two
    return cv2.dilate(bare, np.ones((5, 5), np.uint8)) > 0


def compare_drawings(a: Patch, b: Patch, H: np.ndarray, noise: float, backdrop: Backdrop | None = None) -> Difference:
    """Compare two pictures of a sprite on what both show.

    H: 3x3, a's px -> b's px. noise: deviation of the noise in the blurred pictures, grey levels.
    Translucent sprites: compare them without their background (patches.without_background).
    """
    both = overlay(a, b, H)
    one, two, region = both.one, both.two, both.region
    reach = max(a.reach, b.reach)
    e = excess(one, two, local_range(one, reach), local_range(two, reach), region, noise * np.sqrt(2))
    hot = (e > 0) & region
    blob, region = judged(e, hot, region, both.deep)
    if backdrop is not None and blob > BLOB / 2 and np.count_nonzero(hot) < MOSTLY * np.count_nonzero(region):
        bare = background_pixels(both, hot, backdrop)
        blob, region = judged(e, hot & ~bare, region & ~bare, both.deep)
    fit = 1 - np.count_nonzero((e > 0) & region) / max(1, np.count_nonzero(region))
    return Difference(blob, both.common, both.common / max(1.0, a.area, b.area), fit)


def judged(e: np.ndarray, hot: np.ndarray, region: np.ndarray, deep: np.ndarray) -> tuple[float, np.ndarray]:
    """Largest blob of difference, and the region it was looked for in. Along the masks' edges background comes in
    as thin
    slivers, so there only thick differences count (a moved limb is thicker)."""
    thick = cv2.morphologyEx(hot.astype(np.uint8), cv2.MORPH_OPEN, np.ones((THICK, THICK), np.uint8))
    region = region & (deep | (thick > 0))
    return largest_blob(e, hot & region), region
