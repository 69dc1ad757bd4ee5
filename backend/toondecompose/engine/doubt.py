"""Says which sprites may be parts of something larger: what changes in place, and never moves against the background.

A mouth that talks and eyes that blink in a held drawing under a still camera differ from the plate, but nothing tells
whether they belong to a head, or where that head ends. They are kept as found, and reported as doubtful.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .types import Segmentation

# Such a sprite's confidence is at most this: it is there, but whether it is whole is anybody's guess.
DOUBTFUL = 0.4
# Working px by which the middle of a mouth wanders as it opens; a slide of a big sprite by as much could be measured.
SAME_PLACE = 3.0


def doubt_what_stays(segmentation: Segmentation) -> Segmentation:
    """Lower the confidence of sprites that only change in place, and mark their pixels as unresolved.

    The masks stay as they are. A sprite that moves against the background while it is shown, however little of the
    time, is not touched; nor is one that is never shown on two frames in succession: nothing can be said about it.
    """
    layers, notes = list(segmentation.layers), list(segmentation.notes)
    back = layers[0].path
    if back is None:
        return segmentation
    unresolved = segmentation.unresolved
    for k, layer in enumerate(layers):
        if layer.kind != "sprite" or layer.path is not None:  # what has a rigid path of its own moves by that path
            continue
        if not _stays(layer.masks > 127, back.H, segmentation.scale):
            continue
        layers[k] = replace(layer, confidence=min(layer.confidence, DOUBTFUL))
        notes.append(f"{layer.name} changes without moving against the background: it may be part of something larger")
        if unresolved is not None:
            unresolved = np.maximum(unresolved, np.where(layer.masks > 127, np.uint8(255), np.uint8(0)))
    return replace(segmentation, layers=layers, notes=notes, unresolved=unresolved)


def _stays(shown: np.ndarray, H: np.ndarray, scale: float) -> bool:
    """Whether a sprite, bool [T, h, w], stays in place on the background whenever it is shown.

    H: [T, 3, 3] the background's canvas -> frame, full-resolution px. scale: working px per full-resolution px.
    """
    area = shown.sum((1, 2))
    runs, run = [], []
    for t in range(len(shown) + 1):
        if t < len(shown) and area[t] > 0:
            ys, xs = np.nonzero(shown[t])
            at = np.linalg.inv(H[t]) @ [(xs.mean() + 0.5) / scale, (ys.mean() + 0.5) / scale, 1.0]
            run.append(at[:2] / at[2] * scale)
        elif run:
            runs.append(np.array(run))
            run = []
    runs = [r for r in runs if len(r) > 1]
    if not runs:
        return False
    return all(np.ptp(r, axis=0).max() <= SAME_PLACE for r in runs)
