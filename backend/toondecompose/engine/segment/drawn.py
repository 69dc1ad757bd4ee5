"""Which frames of a moving layer show the same drawing: told on its canvas, where its motion is undone."""

from __future__ import annotations

import numpy as np
import torch
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from .canvas import gather, slope, whole_picture
from .film import Pictures

SAME_LEVELS = 12.0  # grey levels within which two samples of one flat colour agree (compression, rounding)
SAME_SLOPE = 0.35  # px of misplacement that a slope excuses
CHANGED = 0.2  # share of the compared pixels that differ: another drawing, not a mouth (0.05) and not an edge (0.1)
LEAST_PIXELS = 30  # at labelling size; fewer commonly visible ones say nothing
FARTHEST = 40  # frames apart that are compared; a cycle returns sooner
MOST_PIXELS = 1500  # compared per pair: a share to a few hundredths needs no more


def same_drawing(frames: Pictures, H: np.ndarray, present: np.ndarray, shown: Pictures, hidden: Pictures,
                 region: torch.Tensor, origin: tuple[float, float], noise: float) -> np.ndarray:
    """Group the frames in which a layer shows one drawing.

    frames: uint8 [T, 3, h, w]. H: [T, 3, 3] canvas -> frame in these pixels. shown, hidden: float32 [T, h, w], how
    surely the layer may be what is seen, and something in front of it. region: bool [hc, wc] on the canvas from origin,
    where the layer ever is.
    Returns int [T]: the group, or -1 where the drawing is on a single frame, or the layer is not present.
    """
    group = np.full(len(frames), -1)
    use = [int(t) for t in np.flatnonzero(present)]
    rows, columns = torch.nonzero(region, as_tuple=True)
    if len(use) < 2 or len(rows) < LEAST_PIXELS:
        group[use] = 0
        return group
    x, y = int(origin[0]), int(origin[1])
    box = (x + int(columns.min()), y + int(rows.min()), x + int(columns.max()) + 1, y + int(rows.max()) + 1)
    inside = region[box[1] - y : box[3] - y, box[0] - x : box[2] - x].reshape(-1)
    at = torch.nonzero(inside)[:, 0]
    at = at[:: max(1, len(at) // MOST_PIXELS)]
    colour, may, tolerance = [], [], []
    for t in use:
        got = gather(frames, H, [t], box)[0].flatten(1)[:, at]
        more = gather(torch.stack([shown[t], hidden[t]])[None], H[t : t + 1], [0], box)[0].flatten(1)[:, at]
        steep = gather(slope(whole_picture(frames[t]))[None, None], H[t : t + 1], [0], box)[0, 0].reshape(-1)[at]
        colour.append(got[:3])
        free = (got[3] > 0.5) & (more[1] < 0.3)
        may.append(torch.stack([free, free & (more[0] > 0.5)]))
        tolerance.append(SAME_LEVELS + 2 * noise + SAME_SLOPE * steep)
    colour, may, tolerance = torch.stack(colour), torch.stack(may), torch.stack(tolerance)
    n = len(use)
    apart = np.full((n, n), 2 * CHANGED)
    np.fill_diagonal(apart, 0.0)
    for i in range(n - 1):
        last = min(n, i + 1 + FARTHEST)
        others = slice(i + 1, last)
        both = may[i, 0] & may[others, 0] & (may[i, 1] | may[others, 1])
        far = (colour[i] - colour[others]).abs().amax(1) > torch.maximum(tolerance[i], tolerance[others])
        count = both.sum(1)
        share = (far & both).sum(1) / count.clamp_min(1)
        share = torch.where(count >= min(LEAST_PIXELS, len(at) // 4), share, torch.full_like(share, 2 * CHANGED))
        apart[i, i + 1 : last] = apart[i + 1 : last, i] = share.cpu().numpy()
    label = fcluster(linkage(squareform(apart, checks=False), "average"), CHANGED, "distance")
    number = 0
    for value in sorted(set(label), key=lambda v: int(np.flatnonzero(label == v)[0])):
        members = np.flatnonzero(label == value)
        if len(members) > 1:
            group[[use[m] for m in members]] = number
            number += 1
    return group
