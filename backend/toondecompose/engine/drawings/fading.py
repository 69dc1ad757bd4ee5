"""A sprite that fades in or out: how opaque it is on each frame, and its cut-outs as if it were not fading.

A faded frame shows plate + opacity x (drawing - plate). With the plate known, the contrast of sprite against plate
tells the opacity, and the drawing itself can be brought back, so that faded exposures find their drawing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .patches import Patch

LEAST_FADED = 0.6  # a fade begins or ends at less than this share of the sprite's usual contrast ...
SETTLED = 0.9  # ... and is over where this share is reached
WHOLE = 0.97  # from here nobody sees that something is missing
SHORTEST = 4  # frames: a fade takes longer than a sprite takes to come out from behind something
CROOKED = 0.08  # rms of the opacity's way off a straight line: fades are straight, chance is not
FAINTEST = 0.12  # below this opacity a picture brought back is mostly noise
TELLING = 50  # sure working px on a known plate that tell about contrast
LEFT = 0.75  # of the usual visible area: a sprite that is cut more may have another contrast than the whole


def contrast(patch: Patch) -> float:
    """How far a sprite is from its plate on the average, grey levels; nan where it cannot be told."""
    if len(patch.plates) != 1:  # with several planes behind it cannot be said which one shines through where
        return np.nan
    picture, known = patch.plates[0]
    use = np.flatnonzero((patch.inside > 0) & (known > 0))
    if len(use) < TELLING:
        return np.nan
    mine, other = (colour.reshape(-1, 3).take(use, 0).astype(np.float32) for colour in (patch.smooth, picture))
    far = mine - other
    return float(np.sqrt((far * far).mean()))


def fades(patches: list[Patch], cut: np.ndarray | None = None) -> np.ndarray:
    """Opacity of each cut-out, float64 [n], 1 where the sprite does not fade.

    patches: in the order of frames. cut: bool [n], those that the frame's edge or something in front cuts; where they
    are cut much, their contrast says nothing. Only straight fades at the beginning or the end of the sprite's presence
    count: its contrast rises from near nothing over several frames to what it then keeps, whatever the background.
    """
    level = np.array([contrast(p) for p in patches])
    area = np.array([p.area for p in patches])
    if cut is not None and len(area):
        level[cut & (area < LEFT * np.percentile(area, 90))] = np.nan
    opacity = np.ones(len(patches))
    if np.isnan(level).mean() > 0.5 or len(patches) < 2 * SHORTEST:
        return opacity
    usual = float(np.nanpercentile(level, 75))
    if usual <= 0:
        return opacity
    for order in (1, -1):
        found = ramp(level[::order] / usual)
        opacity[::order][: len(found)] = np.minimum(opacity[::order][: len(found)], found)
    return opacity


def ramp(share: np.ndarray) -> np.ndarray:
    """The straight rise at a series' beginning, cut at 1; empty if there is none. share: of the usual contrast."""
    settled = np.flatnonzero(share >= SETTLED)
    count = int(settled[0]) if len(settled) else len(share)
    if count < SHORTEST or count > len(share) // 2 or np.isnan(share[:count]).any() or share[0] > LEAST_FADED:
        return np.zeros(0)
    t = np.arange(count)
    slope, start = np.polyfit(t, share[:count], 1)
    line = start + slope * t
    if slope <= 0 or np.sqrt(np.mean((line - share[:count]) ** 2)) > CROOKED:
        return np.zeros(0)
    while count < len(share) and max(share[count], start + slope * count) < WHOLE:  # the last steps of the fade
        count += 1
    return np.clip(start + slope * np.arange(count), 0.01, 1.0)


def unfaded(patch: Patch, opacity: float) -> Patch:
    """A faded sprite's cut-out as if it were opaque, where the plate is known."""
    if opacity >= 1 or not patch.plates:
        return patch
    picture, known = patch.plates[0]
    colour = patch.smooth.astype(np.float32)
    colour = picture + (colour - picture) / np.float32(max(opacity, FAINTEST))
    if patch.smooth.dtype == np.uint8:
        colour = np.clip(np.rint(colour), 0, 255).astype(np.uint8)
    return replace(patch, smooth=colour, valid=patch.valid & (known > 0), inside=patch.inside & (known > 0))
