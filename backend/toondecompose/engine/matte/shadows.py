"""Cast shadows: soft, dark parts that hang on to a drawing and let the background show through."""

from __future__ import annotations

import cv2
import numpy as np

from toondecompose.engine.matte.areas import contrasts, label_type
from toondecompose.engine.matte.moments import GREY

FLAT = 2.0  # levels (L2 over RGB) per px, besides the noise, that are no edge
SLOWEST_EDGE = 4.0  # px; what takes longer to come up to its contrast is a fade, unless all the drawing is that soft
FAINTEST = 4.0  # contrast (L2 over RGB) relative to the noise from which a fade counts
LEAST_FADED = 200  # px
OPEN_RIM = 0.2  # share of a shadow's rim where it runs out into the background; the rest touches what casts it
SHINES_THROUGH = 0.5  # share of the texture that a shadow of that strength lets through which must really show
UNSURE = 0.1  # of the noise's power: by so much the texture's may be misjudged
DETAIL = 9  # px; what is finer than this is texture
VEIL_MASK = 0.04  # of a pooled mask, from which the segmentation means a veil and not nothing
LEAST_VEIL = 7  # px across; a hair or a line is no veil
_SQUARE = np.ones((3, 3), np.uint8)


def veiled(change: np.ndarray, mask: np.ndarray, far: np.ndarray, noise: float) -> np.ndarray:
    """What the segmentation calls partly covered, well away from any outline, and is darker than the background.

    change: float32 [3, h, w], levels from the background to what is seen. mask: float32 [h, w] 0..1. far: bool [h, w],
    px that no outline's error reaches. noise: levels rms per channel. Returns bool [h, w]."""
    veil = (mask > VEIL_MASK) & far
    for plane in change if veil.any() else ():
        veil &= plane < noise
    return cv2.morphologyEx(veil.view(np.uint8), cv2.MORPH_OPEN, np.ones((LEAST_VEIL, LEAST_VEIL), np.uint8)) > 0


def faded(c: np.ndarray, behind: np.ndarray, outside: np.ndarray, noise: float, width: float) -> np.ndarray:
    """Px darker than the background that fade into it without an edge and let its picture through.

    Opaque paint ends in an edge as wide as the drawing's others. Where one can walk in from the plain background
    without ever crossing a slope like that, alpha itself is what changes; an opaque shade that by chance runs out
    into just the background's colour would be a coincidence.
    c, behind: float32 [3, h, w], what is seen and the background, levels relative to GREY. outside: bool [h, w], px
    that certainly are background. noise: levels rms per channel. width: px in which the drawing's edges reach their
    full contrast. Returns bool [h, w]."""
    means = [cv2.blur(seen - plain, (3, 3), borderType=cv2.BORDER_REPLICATE)
             for seen, plain in zip(c, behind, strict=True)]
    contrast2, slope2 = contrasts(means)
    lightest = np.maximum(np.maximum(means[0], means[1], out=means[1]), means[2], out=means[2])
    contrast, darker = np.sqrt(contrast2), lightest < noise
    calm = darker & (np.sqrt(slope2) < np.maximum(FLAT + noise, contrast / max(SLOWEST_EDGE, 2.5 * width)))
    # a line's ridge is flat as well: the way in must be wider than that
    calm = cv2.morphologyEx(calm.astype(np.uint8), cv2.MORPH_OPEN, _SQUARE)
    _, label = cv2.connectedComponents(calm, connectivity=4)
    ours = np.zeros(label.max() + 1, bool)
    ours[label[outside]] = True
    ours[0] = False
    inwards = ours.take(label)
    found = cv2.morphologyEx((inwards & (contrast > FAINTEST * noise)).astype(np.uint8), cv2.MORPH_OPEN, _SQUARE)
    if not found.any():
        return found.astype(bool)
    _, label, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=4, ltype=label_type(found))
    keep = stats[:, cv2.CC_STAT_AREA] >= LEAST_FADED
    keep[0] = False
    if not keep.any():
        return np.zeros(found.shape, bool)
    plain = (inwards & (found == 0)).astype(np.uint8)
    for index in np.nonzero(keep)[0]:
        x, y, w, h, _ = stats[index]
        at = (slice(max(0, y - 2), y + h + 2), slice(max(0, x - 2), x + w + 2))
        part = (label[at] == index).astype(np.uint8)
        ring = cv2.dilate(part, _SQUARE) > part
        runs_out = (cv2.dilate(plain[at], _SQUARE) > 0)[ring].mean()
        keep[index] = runs_out >= OPEN_RIM and _lets_through(c[:, at[0], at[1]], behind[:, at[0], at[1]], part, noise)
    return keep[label]


def _lets_through(c: np.ndarray, behind: np.ndarray, part: np.ndarray, noise: float) -> bool:
    """Does the background's texture show in a part of the picture, as faintly as its darkness lets expect?"""
    inner = cv2.erode(part, _SQUARE) > 0
    if not inner.any():
        return False
    fine_c, fine_b = (np.stack([plane - cv2.blur(plane, (DETAIL, DETAIL), borderType=cv2.BORDER_REPLICATE)
                                for plane in picture])[:, inner] for picture in (c, behind))
    through = float(np.clip((c + GREY)[:, inner].sum() / max(1.0, (behind + GREY)[:, inner].sum()), 0, 1))
    return bool((fine_c * fine_b).mean() > SHINES_THROUGH * through * np.square(fine_b).mean() - UNSURE * noise**2)
