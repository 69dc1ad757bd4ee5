"""Do two pictures show the same drawing? Decided by connected blobs of difference, not by a mean or a quantile.

A mouth that closes is less than 2 % of a character: any average hides it. But it is one connected blob whose difference
no shift of a fraction of a pixel, no grain, no resampling and no background shining through can explain.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..components import label_type
from .align import project, sample
from .overlay import Overlay, overlay, plates_at
from .patches import Patch
from .pixels import pixels_of, strongest, values_at

# Misregistration and resampling that are forgiven: this share of the colour range around the pixel (3x3 where sharp)
# (a ramp of g grey levels per px has the range 2 g, so .25 forgives about half a pixel) ...
FORGIVEN = 0.25
# ... or, where most of the drawing's textured pixels deviate more (motion blur, residual misplacement), this
# multiple of what three quarters of them show: such deviation lies along all lines, a changed mouth in one place.
# (Another pose deviates all over too. So no pair is forgiven more than the sprite's held drawings show: Book.forgiven.)
TYPICAL_SHARE, TYPICAL_FACTOR, MOST_FORGIVEN = 0.75, 2.0, 0.8
TELLING = 4000  # textured pixels that are asked about it
# Another drawing at a glance: of every third pixel this share is off by more than rims and gaps ever are on the whole.
GLANCE, MOSTLY, GLARING = 3, 0.25, 40.0
THICK = 5  # working px: thinner differences count only deep inside the masks
TEXTURED = 16.0  # grey levels of range from which a pixel tells about misplacement
LEAST_LEVELS = 10.0  # grey levels of difference below which nobody sees a change in place
NOISE_SIGMAS = 5.0  # of the difference of two blurred noisy pictures
# The smallest blob that makes another drawing, grey levels x working px^2: a mouth's. It grows with the figure, as
# mouths do, and as the length of rims where masks and plates may be off.
BLOB, BLOB_SHARE = 300.0, 0.02
BARE = 15.0  # grey levels from its plate within which a pixel is background: the plate is registered and resampled too
# Times what three quarters of a pair's pixels are off at most: what noise and compression do is less.
FAR_BEYOND = 4.0
GAP_WIDTH = 9  # working px: what is seen of another sprite through a gap is narrower


@dataclass
class Difference:
    """blob: the largest connected difference, sum of grey levels over its pixels. common: pixels compared.
    share: part of the larger cut-out's sure pixels that both show. fit: part of the compared pixels without excess.
    inner: as blob, of what is so deep inside both masks that no background comes in there.
    deviation: of three quarters of the textured pixels, in parts of the colour range around them; nan if not looked at.
    differing: pixels that differ before the background is asked.
    """

    blob: float
    common: float
    share: float
    fit: float
    inner: float
    deviation: float = np.nan
    differing: int = 0


def excess(both: Overlay, noise: float, most: float = MOST_FORGIVEN) -> np.ndarray:
    """Difference of two aligned blurred pictures beyond noise and resampling, float32 [h, w], grey levels.

    The pixels that can be compared tell how well the pictures lie on each other on the whole. most: share of the colour
    range that is forgiven at most.
    """
    d, spread = cv2.absdiff(both.one, both.two), both.ranges(max(both.first.reach, both.second.reach))
    told = np.flatnonzero(both.region & (strongest(spread) > TEXTURED))
    forgiven, both.deviation = FORGIVEN, 0.0
    if len(told) > 50:
        told = told[:: max(1, len(told) // TELLING)]
        ratio = strongest(d.reshape(-1, 3)[told] / np.maximum(spread.reshape(-1, 3)[told], np.float32(TEXTURED)))
        rank = int(TYPICAL_SHARE * (len(ratio) - 1))
        both.deviation = float(np.partition(ratio, rank)[rank])
        forgiven = float(np.clip(TYPICAL_FACTOR * both.deviation, FORGIVEN, most))
    left = strongest(cv2.subtract(d, cv2.convertScaleAbs(spread, alpha=forgiven)))
    return left - np.float32(max(LEAST_LEVELS, NOISE_SIGMAS * noise))


def largest_blob(excess_levels: np.ndarray, region: np.ndarray) -> float:
    """Sum of levels in the largest connected (8-neighbour) set of pixels with excess > 0 inside region."""
    hot = excess_levels > 0
    hot &= region if region.dtype == bool else region > 0
    x, y, w, h = cv2.boundingRect(hot.view(np.uint8))
    if not w:
        return 0.0
    part = slice(y, y + h), slice(x, x + w)
    hot, excess_levels = np.ascontiguousarray(hot[part]), np.ascontiguousarray(excess_levels[part])
    _, labels = cv2.connectedComponents(hot.view(np.uint8), connectivity=8, ltype=label_type(hot.shape))
    use = np.flatnonzero(hot)
    sums = np.bincount(labels.ravel().take(use), weights=excess_levels.ravel().take(use) + LEAST_LEVELS)
    return float(sums.max())


def opacity_leak(a: np.ndarray, b: np.ndarray, plate_a: np.ndarray, plate_b: np.ndarray) -> float:
    """How much of the background shows through a drawing, 0..1: the slope of the drawing's change over its plate's.

    a, b: float32 [n, 3], colours of the same points of a drawing in two frames; plates likewise. Starts at the weighted
    median of the points' own slopes (background inside a mask has the slope 1), then robust least squares (Tukey).
    """
    change, behind = (a - b).astype(np.float64), (plate_a - plate_b).astype(np.float64)
    tell = strongest(np.abs(behind)) > LEAST_LEVELS
    if np.count_nonzero(tell) < 50:
        return 0.0
    change, behind = change[tell], behind[tell]
    weight = (behind * behind).sum(1)
    slope = (change * behind).sum(1) / weight
    order = np.argsort(slope, kind="stable")
    leak = float(slope[order][np.searchsorted(np.cumsum(weight[order]), 0.5 * weight.sum())])
    for cut in (40.0, 25.0, 25.0):  # grey levels: pixels further off show something else
        error = strongest(np.abs(change - leak * behind))
        robust = np.clip(1 - (error / cut) ** 2, 0, None)[:, None] ** 2
        leak = float((robust * change * behind).sum() / max(1e-9, float((robust * behind * behind).sum())))
    return float(np.clip(leak, 0.0, 1.0))


def unclaimed(both: Overlay, ys: np.ndarray, xs: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """bool [n]: window pixels (ys, xs) that one mask takes for the sprite though they show the background, and the
    other mask does not, though what lies behind is not known there. Neither picture shows the drawing.

    spread: float32 [n], grey levels up to which a pixel shows the background.
    """
    a, b = both.first, both.second
    out = np.zeros(len(ys), bool)
    if len(a.plates) != len(b.plates) or not a.plates:
        return out
    here = np.stack([xs + 0.5, ys + 0.5], 1)
    for one, other, xy, there, seen in ((a, b, here + both.corner, project(both.H, here), both.one),
                                        (b, a, project(both.H, here), here + both.corner, both.two)):
        asked = np.flatnonzero((sample(one.inside, xy)[:, 0] > 0) & (sample(other.body, there)[:, 0] == 0))
        if not len(asked):
            continue
        colour = values_at(seen, ys[asked], xs[asked]).astype(np.float32)
        for (picture, known), (_, known2) in zip(one.plates, other.plates, strict=True):
            off = strongest(np.abs(colour - sample(picture, xy[asked]).astype(np.float32)))
            told = (sample(known, xy[asked])[:, 0] > 0) & (sample(known2, there[asked])[:, 0] == 0)
            out[asked] |= told & (off < spread[asked])
    return out


def covered(both: Overlay, hot: np.ndarray) -> np.ndarray:
    """bool [h, w]: which of the differing pixels `hot` hide the background for certain in one of the pictures (in the
    other one too, if both show one drawing), and differ far more than the pictures do on the whole: what a codec does
    to a pixel goes with the background, too."""
    a, b = both.first.opaque, both.second.opaque
    out = np.zeros(hot.shape, bool)
    if (a is None and b is None) or not hot.any():
        return out
    far = strongest(cv2.absdiff(both.one, both.two))
    usual = np.percentile(far[both.sure], 100 * TYPICAL_SHARE) if both.sure.any() else 0.0
    ys, xs = pixels_of(hot & (far > FAR_BEYOND * usual))
    told = np.zeros(len(ys), bool) if a is None else a[both.window][ys, xs] > 0
    if b is not None:
        told |= sample(b, project(both.H, np.stack([xs + 0.5, ys + 0.5], 1)))[:, 0] > 0.999
    out[ys, xs] = told
    return out


def foreign_at(both: Overlay, ys: np.ndarray, xs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool [n] each: are window pixels (ys, xs) of the two pictures near another sprite?"""
    a, b = both.first.foreign, both.second.foreign
    nowhere = np.zeros(len(ys), bool)
    first = nowhere if a is None else a[both.window][ys, xs] > 0
    return first, nowhere if b is None else sample(b, project(both.H, np.stack([xs + 0.5, ys + 0.5], 1)))[:, 0] > 0


def shining(both: Overlay, e: np.ndarray, hot: np.ndarray, noise: float, opaque: np.ndarray
            ) -> tuple[np.ndarray, np.ndarray]:
    """What is left of a difference once the background that shows in both pictures is accounted for.

    One drawing whose pixels let a share b of the background through differs by exactly b times what the background
    differs by: b = 1 in a gap, between in hair, rims, glows and shadows, the same all over a translucent sprite, 0
    where the drawing covers. So the best b is taken and what it explains is taken off. (An opaque drawing that has
    changed is not explained by it: its change is not along the background's. Fitting b over 3 or 5 px across instead
    decides the same pairs.)

    e: float32 [h, w], levels of difference; hot: bool [h, w], where they count; opaque: bool [h, w], where no
    background can be seen. Returns (levels left float32 [h, w],
    bool [h, w]: one frame shows background and the other one does not, so the outline has changed).
    """
    ys, xs = pixels_of(hot)
    one, two = (values_at(picture, ys, xs).astype(np.float32) for picture in (both.one, both.two))
    least = max(BARE, NOISE_SIGMAS * noise)
    # a gap of a few px is nowhere quite free of the lines around it
    spread = np.float32(least) + FORGIVEN * strongest(values_at(both.ranges(), ys, xs))
    left, outline = values_at(e, ys, xs), np.zeros(len(ys), bool)
    change = one - two
    for first, second, level in plates_at(both, ys, xs):
        unexplained = beyond_plates(change, first - second, least, both.first.leak) - spread
        left = np.where(level > 0, np.minimum(left, unexplained), left)
        bare_one, bare_two = (strongest(np.abs(q)) < spread for q in (one - first, two - second))
        outline |= (level > 0) & (bare_one ^ bare_two)
    hiding = values_at(opaque, ys, xs)
    np.copyto(left, values_at(e, ys, xs), where=hiding)
    still = np.flatnonzero((left > 0) & ~hiding)
    left[still[unclaimed(both, ys[still], xs[still], spread[still])]] = 0.0
    foreign_one, foreign_two = foreign_at(both, ys, xs)
    if foreign_one.any() or foreign_two.any():  # what is seen of another sprite through a gap is narrow
        wide = cv2.morphologyEx(hot.astype(np.uint8), cv2.MORPH_OPEN, np.ones((GAP_WIDTH, GAP_WIDTH), np.uint8))
        left = np.where((foreign_one | foreign_two) & (wide[ys, xs] == 0), np.float32(0), left)
    out, changed = e.copy(), np.zeros(hot.shape, bool)
    out[ys, xs], changed[ys, xs] = left, outline & (left > 0)
    return out, changed


def beyond_plates(change: np.ndarray, behind: np.ndarray, least: float, leak: float) -> np.ndarray:
    """Strongest channel of what is left of colour changes after the best share 0..1 of the background's, float32 [n].

    change, behind: float32 [n, 3]. least: grey levels of background change that tell something. leak: share of the
    background that was taken off both pictures before (of the plates too), so that it may have been too much.
    """
    share = _summed(change * behind) / (_summed(behind * behind) + np.float32(least * least))
    left = np.repeat(np.clip(share, -leak / (1 - leak), 1.0), 3).reshape(-1, 3) * behind
    return strongest(np.abs(np.subtract(change, left, out=left), out=left))


def _summed(colours: np.ndarray) -> np.ndarray:
    """Sum of the three channels [n, 3] of each pixel (numpy's own over so short an axis takes several times as long,
    with the same result)."""
    return colours[:, 0] + colours[:, 1] + colours[:, 2]


def glance(both: Overlay) -> Difference | None:
    """Pictures that are different all over, seen on a coarse grid; None if a closer look is needed."""
    grid = slice(None, None, GLANCE), slice(None, None, GLANCE)
    seen = both.region[grid]
    far = strongest(cv2.absdiff(np.ascontiguousarray(both.one[grid]), np.ascontiguousarray(both.two[grid])))
    count = np.count_nonzero(seen)
    if np.count_nonzero((far > GLARING) & seen) <= MOSTLY * max(1, count):
        return None
    ys, xs = pixels_of(seen)
    far = far[ys, xs].astype(np.float32)
    ys, xs = GLANCE * ys, GLANCE * xs
    change = values_at(both.one, ys, xs).astype(np.float32) - values_at(both.two, ys, xs)
    for first, second, level in plates_at(both, ys, xs):
        far = np.where(level > 0, np.minimum(far, beyond_plates(change, first - second, BARE, both.first.leak)), far)
    far -= np.float32(GLARING)
    different = far > 0
    if np.count_nonzero(different) <= MOSTLY * max(1, count):
        return None
    common = float(np.count_nonzero(both.sure))
    blob = GLANCE**2 * float(far[different].sum())
    return Difference(blob, common, common / max(1.0, both.first.area, both.second.area),
                      1 - np.count_nonzero(different) / count, blob, differing=int(np.count_nonzero(different)))


def compare_drawings(a: Patch, b: Patch, H: np.ndarray, noise: float, most: float = MOST_FORGIVEN,
                     certain: float = np.inf) -> Difference:
    """Compare two pictures of a sprite on what both show.

    H: 3x3, a's px -> b's px. noise: deviation of the noise in the blurred pictures, grey levels. most: share of the
    colour range around a pixel by which it may deviate because the pictures do not lie on each other well; how much of
    the pictures agrees is told without it, so that gaps are still looked for where a part has changed. certain: a blob
    of that size tells two drawings for certain, and nobody asks how much larger it is if less is forgiven.
    Translucent sprites: compare them without their background (patches.without_background).
    """
    both = overlay(a, b, H)
    told = glance(both)
    if told is not None:
        return told
    e = excess(both, noise * np.sqrt(2))
    differing = int(np.count_nonzero((e > 0) & both.region))
    blob, inner, fit = unexplained(both, e, noise)
    if blob < certain and min(TYPICAL_FACTOR * both.deviation, MOST_FORGIVEN) > max(FORGIVEN, most):
        blob, inner, _ = unexplained(both, excess(both, noise * np.sqrt(2), most), noise)
    common = float(np.count_nonzero(both.sure))
    return Difference(blob, common, common / max(1.0, a.area, b.area), fit, inner, both.deviation, differing)


def compare_strictly(a: Patch, b: Patch, H: np.ndarray, noise: float, most: float) -> tuple[float, float]:
    """`blob` and `inner` of pictures that were compared there before (see `compare_drawings`), if less is forgiven."""
    both = overlay(a, b, H)
    blob, inner, _ = unexplained(both, excess(both, noise * np.sqrt(2), most), noise)
    return blob, inner


def unexplained(both: Overlay, e: np.ndarray, noise: float) -> tuple[float, float, float]:
    """The largest blob of levels `e` that no background explains, the largest one deep inside, and the part of the
    pixels that agree."""
    hot = (e > 0) & both.region
    if not hot.any():
        return 0.0, 0.0, 1.0
    sure = covered(both, hot)
    deep = both.deep | sure
    blob, counted = judged(e, hot, both.region, deep)
    if both.first.plates:
        e, outline = shining(both, e, hot, noise, sure)
        hot &= e > 0
        blob, counted = judged(e, hot, both.region, deep | outline)
    inner = largest_blob(e, hot & deep) if blob > 0 else 0.0
    return blob, inner, 1 - np.count_nonzero((e > 0) & counted) / max(1, np.count_nonzero(counted))


def judged(e: np.ndarray, hot: np.ndarray, region: np.ndarray, trusted: np.ndarray) -> tuple[float, np.ndarray]:
    """Largest blob of difference, and the region it was looked for in. Along the masks' edges background comes in as
    thin slivers, so there only thick differences count (a moved limb is thicker), unless the background is known.
    trusted: bool [h, w], where thin differences count."""
    thick = cv2.morphologyEx(hot.astype(np.uint8), cv2.MORPH_OPEN, np.ones((THICK, THICK), np.uint8))
    region = region & (trusted | (thick > 0))
    return largest_blob(e, hot & region), region
