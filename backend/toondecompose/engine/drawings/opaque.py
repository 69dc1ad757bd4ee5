"""Where a drawing is proven to hide the background: what lies behind has changed between frames, its colour has not.

Two exposures of one drawing give C_i - C_k = b (B_i - B_k), b the share of the background that is seen: triangulation
with two views (Smith and Blinn, 1996). An eye that has changed by the time the drawing is shown again can look as if
the background, which has changed too, were seen through it. Frames next to each other show the same eye: they tell.
"""

from __future__ import annotations

import cv2
import numpy as np

from .compare import BARE
from .gaps import ALIKE
from .match import Book, match
from .patches import OTHER, Patch
from .pixels import place

SHOWS = 0.15  # of the background's change: a pixel that changes less shows none of it, whatever noise did
GLIMPSE = 0.22  # the same of the pixel around that changes most: a gap as narrow as a hair is not averaged away
AROUND = 3  # px across over which changes are taken together


def proven(a: Patch, b: Patch, H: np.ndarray) -> np.ndarray:
    """uint8 0/1 [h, w], pixels of a that hide the background, as b shows. H: 3x3, a's px -> b's px."""
    size, back = a.inside.shape[::-1], np.linalg.inv(H)
    seen = (place(b.valid * np.uint8(255), back, size) >= 254) & (a.body > 0) & (a.valid > 0)
    out = np.zeros(a.inside.shape, np.uint8)
    if not seen.any() or len(a.plates) != len(b.plates):
        return out
    other = place(b.smooth, back, size, repeat=True)
    changed, most = _energy(other, a.smooth), _energy(other, a.smooth, True)
    told, clear = np.zeros(seen.shape, bool), np.ones(seen.shape, bool)
    for (here, known), (there, known_there) in zip(a.plates, b.plates, strict=True):
        there = place(there, back, size, repeat=True)
        behind = _energy(there, here)
        known = (known > 0) & (place((known_there > 0) * np.uint8(255), back, size) >= 254)
        # a plate may be wrong in one of the frames; background then looks like it in the other one
        bare = (_energy(a.smooth, here) < BARE**2) | (_energy(other, there) < BARE**2)
        enough = known & ~bare & (behind > OTHER**2)
        told |= enough
        hides = (changed < SHOWS**2 * behind) & (most < GLIMPSE**2 * behind)
        clear &= ~known | (enough & hides)  # which of several planes lies behind is not known
    out[seen & told & clear] = 1
    return out


def _energy(one: np.ndarray, two: np.ndarray, most: bool = False) -> np.ndarray:
    """Mean, or the most, over the surroundings of the squared difference of two pictures, summed over channels, float32
    [h, w]."""
    d = cv2.absdiff(one, two).astype(np.float32)
    d = cv2.transform(d * d, np.ones((1, 3), np.float32))
    return cv2.dilate(d, np.ones((AROUND, AROUND))) if most else cv2.boxFilter(d, -1, (AROUND, AROUND))


def prove_opaque(book: Book, pairs: list[tuple[int, int]]) -> None:
    """Note in every patch where it is proven opaque, and compare those of the pairs again that differed anywhere.

    pairs: neighbours in time that have been compared."""
    alike = [(i, j) for i, j in pairs if (i, j) in book.link and book.fit[i, j] > ALIKE]
    for i, j in alike:
        for k, other, H in ((i, j, book.link[i, j]), (j, i, book.link[j, i])):
            p = book.patches[k]
            mask = proven(p, book.patches[other], H)
            p.opaque = mask if p.opaque is None else p.opaque | mask
    for i, j in alike:
        if book.differing[i, j] > 0:
            dof = book.dof[i, j]
            book.score[i, j] = book.score[j, i] = np.nan
            match(book, i, j, book.link[i, j], (0,))
            book.dof[i, j] = book.dof[j, i] = dof
