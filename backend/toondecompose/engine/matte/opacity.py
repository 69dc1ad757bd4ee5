"""One opacity per exposure of a drawing: fades in and out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from toondecompose.engine.matte.alpha import Cutout
from toondecompose.engine.matte.moments import Exposure

SOLID = 0.9  # alpha from which a px counts
FAINT = 0.03  # below this opacity an exposure tells nothing
STEADY = 0.04  # opacities that all lie this close to 1 are 1


def fit_opacity(cut: Cutout, exposures: Iterable[tuple[int, Exposure]], frames: list[int],
                before: np.ndarray) -> np.ndarray:
    """Opacity of a drawing on each of `frames`, relative to its most visible one (which gets 1).

    Exposure k shows B_k + o_k (P - alpha B_k), so o_k is a least-squares projection over the drawing's solid px.
    before: float [T], the opacities the cutout was solved with; kept where an exposure shows too little to tell.
    """
    solid = (cut.alpha > SOLID) & cut.known
    found = {}
    for t, seen in exposures:
        use = solid[seen.at] & (seen.weight > 0.5)
        if int(use.sum()) < 30:
            continue
        colour, alpha = cut.colour[(slice(None), *seen.at)], cut.alpha[seen.at]
        gap = ((colour - seen.behind) * alpha)[:, use].double().cpu().numpy()
        change = (seen.colour - seen.behind)[:, use].double().cpu().numpy()
        power = float((gap * gap).sum())
        if power > 0:
            found[t] = float((gap * change).sum()) / power
    if not found:
        return before[frames]
    top = max(found.values())
    out = np.array([np.clip(found[t] / top, FAINT, 1.0) if t in found else before[t] for t in frames])
    return np.ones(len(frames)) if out.min() > 1 - STEADY else out
