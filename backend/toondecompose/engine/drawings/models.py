"""The simplest motion with evidence that a sprite's exposures need."""

from __future__ import annotations

import numpy as np

from .align import DOF
from .canvas import motion_gain, refine
from .match import Book
from .patches import Patch
from .turn import GROWN, TURNED

OFTEN = 0.2  # of the pairs of one drawing
EVIDENCE = 24  # exposures asked about a richer motion
LEAST_SAVED, LEAST_MOVED = 0.05, 0.06  # share of the colour error, full px: below it a richer motion only fits noise
TURNING = 1 / 3  # of the exposures must have both: those of a hold have nothing to turn by


def chosen(members: list[int], use: list[Patch], most: int) -> list[int]:
    """Positions in `members` of the exposures that make the drawing's mean: the largest, and others evenly in time."""
    count = len(members)
    if count <= most:
        return list(range(count))
    largest = max(range(count), key=lambda k: use[members[k]].area)
    return sorted({largest, *(int(k) for k in np.linspace(0, count - 1, most - 1))})


def choose_model(members: list[list[int]], start: list[list[np.ndarray]], use: list[Patch], model: str,
                 allowed: list[str], limit: tuple[int, int], most: int, scale: float) -> str:
    """The simplest motion beyond which no richer one has evidence, judged on the most exposed drawings.

    start: canvas -> frame for each drawing's exposures, working px. scale: working px per full px.
    """
    asked, count = [], 0
    for g in sorted(range(len(members)), key=lambda g: (-len(members[g]), g)):
        if len(members[g]) > 1 and count < EVIDENCE:
            keep = chosen(members[g], use, most)
            asked.append((g, keep))
            count += len(keep) - 1
    while True:
        # an affine motion may gain little where perspective does
        richer = [m for m in allowed if DOF[m] > DOF[model]][:2]
        saved: dict[str, list[tuple[float, float]]] = {m: [] for m in richer}
        for g, keep in asked if richer else []:
            cuts = [use[members[g][k]] for k in keep]
            places, canvas = refine(cuts, [start[g][k] for k in keep], model, limit)
            for m in richer:
                saved[m] += motion_gain(cuts, places, canvas, model, m)
        better = next((m for m in richer if worth(saved[m], scale)), None)
        if better is None:
            return model
        model = better


def needed(book: Book, group: np.ndarray) -> str:
    """The motion without which many exposures of one drawing did not fit each other at all.

    A pair that was laid on each other along a chain of others may need a similarity for which nobody looked again."""
    same = [(i, j) for i, j in sorted(book.dof) if i < j and group[i] == group[j] and book.score[i, j] < 1]
    dof = [max(book.dof[p], DOF["similarity"] * resizes(book.link[p])) for p in same]
    for model in ("homography", "similarity"):
        if dof and np.mean(np.array(dof) >= DOF[model]) > OFTEN:
            return model
    return "translation"


def resizes(link: np.ndarray) -> bool:
    """Whether a pair's motion (3x3) turns a picture or changes its size beyond what an alignment may be off."""
    m = link[:2, :2]
    det = np.linalg.det(m)
    turn = np.arctan2(m[1, 0] - m[0, 1], m[0, 0] + m[1, 1]) if det > 0 else 0.0
    return bool(abs(np.log(abs(det))) > 2 * GROWN or abs(turn) > np.radians(TURNED))


def worth(gains: list[tuple[float, float]], scale: float) -> bool:
    """Is there evidence for a richer motion: does it save errors and move the picture visibly in a third of exposures?

    gains: (share of the error saved, working px moved). scale: working px per full px.
    """
    if not gains:
        return False
    saved, moved = np.quantile(np.array(gains), 1 - TURNING, axis=0)
    return bool(saved > LEAST_SAVED and moved > LEAST_MOVED * scale)
