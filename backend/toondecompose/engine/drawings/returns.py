"""Drawings that are shown again where their sprite comes back on its other side or at another size, and that their own
pictures do not tell, as when the frame's edge cuts them.

A sprite comes back as a whole: the drawings that are seen whole tell how, and those shown around them come back in the
same way. So only the shift is left to be searched for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .align import project
from .correlate import coarse_pairs
from .match import Book, match
from .patches import Patch
from .pixels import place, place_mask, shift
from .turn import GROWN

SAME = 0.7  # score up to which a pair tells how a sprite comes back
RETURNS = 2  # likest drawings that one is compared with


def comes_back(link: np.ndarray) -> bool:
    """Whether a pair's motion (3x3) mirrors a picture or changes its size."""
    det = float(np.linalg.det(link[:2, :2]))
    return det < 0 or abs(np.log(det)) > 2 * GROWN


def carried(patch: Patch, linear: np.ndarray) -> tuple[Patch, np.ndarray]:
    """A cut-out's picture and silhouette after a linear map (2x2), to be looked at only, and how its px go there
    (3x3)."""
    h, w = patch.inside.shape
    motion = np.eye(3)
    motion[:2, :2] = linear
    corners = project(motion, np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64))
    motion = shift(*-corners.min(0)) @ motion
    size = tuple(int(v) for v in np.maximum(1, np.rint(np.ptp(corners, axis=0))))
    body, inside, valid = (place_mask(m, motion, size) for m in (patch.body, patch.inside, patch.valid))
    return replace(patch, smooth=place(patch.smooth, motion, size), body=body, inside=inside, valid=valid), motion


def returned(book: Book, component: np.ndarray, dofs: tuple[int, ...], device: str, cancelled) -> None:
    """Compare each drawing that has not come back with the others as those shown nearest to both have come back.

    component: int [n], which patches show one drawing by the pairs known so far.
    """
    told = [(i, j) for i, j in sorted(book.link) if book.score[i, j] < SAME and comes_back(book.link[i, j])]
    if not told:
        return
    frame = np.array([p.frame for p in book.patches])
    one, two = np.array(told).T
    found = set(component[one].tolist())
    whole = [max(np.flatnonzero(component == c), key=lambda k: (book.patches[k].area, -k))
             for c in np.unique(component)]
    for i in (k for k in whole if component[k] not in found):
        if cancelled is not None and cancelled():
            return
        likest = []
        for j in (k for k in whole if k != i):
            nearest = int(np.argmin(np.abs(frame[one] - frame[i]) + np.abs(frame[two] - frame[j])))
            picture, motion = carried(book.patches[i], book.link[told[nearest]][:2, :2])
            distance, by = coarse_pairs([picture, book.patches[j]], False, device, cancelled)
            if np.isfinite(distance[0, 1]):
                likest.append((float(distance[0, 1]), int(j), shift(*by[0, 1]) @ motion))
        for _, j, start in sorted(likest, key=lambda one: one[:2])[:RETURNS]:
            match(book, int(i), j, start, dofs, 1.0)
