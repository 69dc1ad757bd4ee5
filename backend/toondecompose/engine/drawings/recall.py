"""What the first look at a sprite's frames has told for certain, so that the second one does not ask it again.

The second look has better masks. They decide where a mouth has changed, or where background in a gap looked like a
change; two poses that differ all over differ in any mask that is about the same.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..types import PairsTold
from .match import Book
from .patches import BODY

CLEAR_SCORE, CLEAR_FIT = 4.0, 0.85  # a pair with a higher score, of which less agrees, shows two drawings for certain
CELLS = 160  # across a frame: masks are compared so coarsely
CHANGED = 0.05  # of a mask: if more of it is new or gone, its frame is looked at again


def cells(mask: np.ndarray, rows: int | None = None) -> np.ndarray:
    """How much of each cell of the frame a sprite covers, uint8 0..255 [rows, CELLS]. mask: uint8 [h, w]. rows: None
    for as many as keep the mask's proportions (those of two sizes of one frame may differ by a row: px are whole)."""
    h, w = mask.shape
    rows = max(1, round(CELLS * h / w)) if rows is None else rows
    body = (mask >= BODY).astype(np.uint8) * np.uint8(255)
    return cv2.resize(body, (CELLS, rows), interpolation=cv2.INTER_AREA)


def certain(book: Book, masks: np.ndarray, to_frame: list[np.ndarray], opacity: np.ndarray) -> PairsTold | None:
    """The pairs of a book that show two drawings for certain; None if the sprite's pictures were not compared as they
    are. masks: uint8 [T, h, w]. to_frame: per patch 3x3, its px -> frame px. opacity: float64 [T]."""
    if book.leak > 0:
        return None
    clear = [(i, j) for i, j in sorted(book.link)
             if i < j and book.score[i, j] > CLEAR_SCORE and book.fit[i, j] < CLEAR_FIT
             and min(opacity[book.patches[i].frame], opacity[book.patches[j].frame]) >= 1]
    told = [(book.score[p], book.share[p], book.fit[p], book.inner[p], book.deviation[p], book.differing[p])
            for p in clear]
    return PairsTold(
        np.array([(book.patches[i].frame, book.patches[j].frame) for i, j in clear], np.int64).reshape(-1, 2),
        np.array([to_frame[j] @ book.link[i, j] @ np.linalg.inv(to_frame[i]) for i, j in clear]).reshape(-1, 3, 3),
        np.array(told, np.float64).reshape(-1, 6), np.array([book.dof[p] for p in clear], np.int64),
        np.stack([cells(m) for m in masks]))


def recall(book: Book, told: PairsTold | None, masks: np.ndarray, to_frame: list[np.ndarray], opacity: np.ndarray
           ) -> None:
    """Note in a new book what an earlier one was certain of, where both masks are about as they were.

    masks, to_frame, opacity: of now, as `certain` takes them."""
    if told is None:
        return
    same = {}
    for k, p in enumerate(book.patches):
        before = told.cells[p.frame]
        now = cells(masks[p.frame], len(before))
        off = cv2.morphologyEx((cv2.absdiff(now, before) > 127).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2)))
        if opacity[p.frame] >= 1 and np.count_nonzero(off) <= CHANGED * np.count_nonzero(now > 127):
            same[p.frame] = k
    for (a, b), H, values, dof in zip(told.frames.tolist(), told.H, told.judged, told.dof.tolist(), strict=True):
        if a not in same or b not in same:
            continue
        i, j = same[a], same[b]
        link = np.linalg.inv(to_frame[j]) @ H @ to_frame[i]
        names = ("score", "share", "fit", "inner", "deviation", "differing")
        for name, value in zip(names, values, strict=True):
            array = getattr(book, name)
            array[i, j] = array[j, i] = value
        book.link[i, j], book.link[j, i] = link, np.linalg.inv(link)
        book.dof[i, j] = book.dof[j, i] = dof
