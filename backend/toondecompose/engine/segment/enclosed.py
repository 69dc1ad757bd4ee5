"""Flat regions inside redrawn outlines: a shirt's white is no wall, however often the wall's place looks white.

Somebody in a plain shirt who walks along before a wall hides the same part of it all shot long. What shows there is
white in every frame, and a mosaic of the wall that believed it would explain the shirt ever after. But all lines around
the white are lines that no painting explains. Such a region tells nothing of what a painting looks like: where a
mosaic has nothing else, it is unknown, and whose the region is, its rim decides (regions.py).
"""

from __future__ import annotations

import numpy as np

from .regions import MIN_REGION, Regions

# Of the evidence on a region's rim must be of redrawn lines: a little of the wall's texture is within the rim's reach
# where an outline is soft.
ENCLOSED = 0.8
LEAST_EVIDENCE = 4.0  # px' worth: less on a rim is noise
# Of its outline at most lies on the frame's edge: a sky around somebody has his outline on its rim, too, but
# surrounds it.
AT_FRAME = 0.35


def enclosed(regions: Regions, mass: np.ndarray, rigid: int) -> np.ndarray:
    """Flat px of one frame that lie inside redrawn outlines, bool [h, w].

    mass: float32 [L, h, w], sure evidence for each layer, the first `rigid` of which are rigid."""
    label = regions.label
    got = (regions.rim @ mass.reshape(len(mass), -1).T).T
    total, redrawn = got.sum(0), got[rigid:].sum(0)
    inside = (total >= LEAST_EVIDENCE) & (redrawn >= ENCLOSED * total) & (regions.area >= MIN_REGION)
    inside[0] = False
    if not inside.any():
        return np.zeros(label.shape, bool)
    edge = np.zeros(label.shape, bool)
    edge[[0, -1]] = edge[:, [0, -1]] = True
    outline = edge.copy()
    across, down = label[:, 1:] != label[:, :-1], label[1:] != label[:-1]
    outline[:, 1:] |= across
    outline[:, :-1] |= across
    outline[1:] |= down
    outline[:-1] |= down
    count = len(inside)
    on_edge, around = (np.bincount(label[px], minlength=count) for px in (edge, outline))
    return (inside & (on_edge < AT_FRAME * around))[label]
