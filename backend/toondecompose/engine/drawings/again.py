"""Drawings that come back turned or at another size, which no shift and no chain of good pairs finds."""

from __future__ import annotations

import numpy as np

from .cluster import average_linkage
from .match import Book, match
from .mirror import flip, mirrored_patch
from .turn import best_turn, likeness, turned_start, turning

GROWN_NEAREST, GROWN_PAIRS = 3, 2  # groups asked about their likest ones, over so many pairs
# Likeness (turn.py) of one drawing's pictures at two sizes: above .99. Of two poses of a walk: below .97.
MUCH_ALIKE = 0.975
# Part of a pair's pixels that agree, and part of the colour range that three quarters of the textured ones are off:
# where one drawing lies on itself the latter is about .06.
MOSTLY, OFF = 0.98, 0.12


def turned(book: Book, pairs: list[tuple[int, int]], dofs: tuple[int, ...]) -> None:
    """Compare pairs that look different once more, turned and scaled so that their silhouettes agree."""
    for i, j in pairs:
        if book.score[i, j] < 1:
            continue
        compare(book, i, j, dofs, False)


def grown(book: Book, group: np.ndarray, dofs: tuple[int, ...], mirror: bool = False) -> None:
    """Compare groups that look alike but for a turn and their size: a drawing that comes back nearer or farther.

    A shift does not find it, and no chain of good pairs leads there. Each group is asked about its likest ones, by the
    members of the most similar size. mirror: compare one of the two left-right mirrored: a bird that flies back.
    """
    members = [np.flatnonzero(group == g) for g in range(int(group.max()) + 1)]
    whole = [book.patches[max(m, key=lambda k: book.patches[k].area)] for m in members]
    spectra = [turning(p) for p in whole]
    others = [turning(mirrored_patch(p)) for p in whole] if mirror else spectra
    for g, mine in enumerate(members):
        alike = sorted((-best_turn(others[g], spectra[f])[1], f) for f in range(len(members)) if f != g)
        for _, f in alike[:GROWN_NEAREST]:
            pairs = sorted((abs(np.log(book.patches[i].area / book.patches[j].area)), min(i, j), max(i, j))
                           for i in mine for j in members[f])
            for _, i, j in pairs[:GROWN_PAIRS]:
                if book.score[i, j] < 1:
                    continue
                compare(book, int(i), int(j), dofs, mirror)


def resized(book: Book, dofs: tuple[int, ...], mirrors: bool) -> bool:
    """Compare groups that are much alike but for their size or a turn, of a sprite that only slides while a drawing is
    held: who comes nearer on twos jumps to the next size when the drawing changes. Says whether any show one drawing.

    mirrors: also left-right mirrored: who skates through, and back at another distance.
    """
    group = average_linkage(book.score, book.share, book.fit)
    whole = [max(np.flatnonzero(group == g), key=lambda k: book.patches[k].area) for g in range(int(group.max()) + 1)]
    spectra = [turning(book.patches[k]) for k in whole]
    found = False
    for mirror in (False, True) if mirrors else (False,):
        others = [turning(mirrored_patch(book.patches[k])) for k in whole] if mirror else spectra
        for f, g in zip(*np.nonzero(np.triu(likeness(others, spectra) > MUCH_ALIKE, 1)), strict=True):
            i, j = int(whole[f]), int(whole[g])
            if not book.score[i, j] < 1:
                compare(book, i, j, dofs, mirror)
                found |= bool(book.score[i, j] < 1)
    return found


def compare(book: Book, i: int, j: int, dofs: tuple[int, ...], mirror: bool) -> None:
    """Compare two patches laid on each other by centre, size and the turn that fits best; mirror: one mirrored."""
    one, two = book.patches[i], book.patches[j]
    start = turned_start(mirrored_patch(one) if mirror else one, two)
    if start is not None:
        start = start @ flip(one.inside.shape[1]) if mirror else start
        match(book, i, j, start, tuple(d for d in dofs if d > 2), 1.0)


def misplaced(book: Book, dofs: tuple[int, ...]) -> bool:
    """Compare pairs that agree nearly everywhere, but lie on each other badly, once more in richer motions: neighbours
    hardly show by how little a rigid motion is off, frames far apart do. Says whether any show one drawing.
    """
    found = False
    for i, j in sorted(book.link):
        if i < j and book.score[i, j] >= 1 and book.fit[i, j] > MOSTLY and book.deviation[i, j] > OFF:
            match(book, i, j, book.link[i, j], tuple(d for d in dofs if d > 2), 1.0)
            found |= bool(book.score[i, j] < 1)
    return found
