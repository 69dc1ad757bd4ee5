"""The exposure sheet of one sprite: which frames show the same drawing, and where each exposure lies."""

from __future__ import annotations

import numpy as np

from ..clip import FrameSource
from ..types import ExposureSheet, LayerPath
from .align import DOF
from .canvas import Canvas, full_patch, refine, shift
from .cluster import renumber
from .gauge import common_canvas
from .match import Book
from .patches import Patch, cut_patches
from .sheet import find_groups, trees

LEAST_AREA = 12.0  # sure working px: a smaller remnant says nothing about its drawing


def patch_frame(patch: Patch, size: tuple[int, int], working: tuple[int, int]) -> np.ndarray:
    """3x3: patch px -> full-resolution frame px."""
    sx, sy = size[0] / working[0], size[1] / working[1]
    return np.diag([sx, sy, 1.0]) @ shift(*patch.origin)


def expose(source: FrameSource, masks: np.ndarray, scale: float, *, path: LayerPath | None = None,
           hidden: np.ndarray | None = None, motion_model: str = "auto", plate=None, seed: int = 0,
           device: str = "cpu", progress=None, cancelled=None) -> ExposureSheet:
    """Find one sprite's drawings and where they are exposed.

    masks: uint8 [T, hs, ws], the visible soft mask at working size. scale: working px per full px.
    path: the sprite's rigid motion if it has one. hidden: uint8 [T, hs, ws], where something in front may hide it.
    motion_model: 'auto' (the simplest with evidence) or the most that is allowed.
    plate: callable t -> (RGB [h, w, 3], known [h, w]) background in frame t without the sprite, or None.
    progress: callable(fraction 0..1). cancelled: callable -> bool. Nothing is random; seed is kept for the contract.
    """
    count, hs, ws = masks.shape
    patches, noise = cut_patches(source, masks, hidden, plate, scale, progress, cancelled)
    use = [p for p in patches if p is not None and p.area >= LEAST_AREA]
    if not use:
        return ExposureSheet(np.full(count, -1), np.tile(np.eye(3), (count, 1, 1)), (1, 1), "translation")
    to_frame = [patch_frame(p, source.size, (ws, hs)) for p in use]
    known = [np.linalg.inv(f) @ path.H[p.frame] if path is not None and path.present[p.frame] else None
             for p, f in zip(use, to_frame, strict=True)]
    dofs = tuple(d for d in (2, 4) if motion_model == "auto" or d <= DOF[motion_model])
    book = Book(use, noise)
    group = find_groups(book, dofs, known, motion_model != "translation", device, progress, cancelled)
    model = motion(book, group, path)
    within = np.where(group[:, None] == group[None], book.score, np.nan)
    _, chained = trees(_restricted(book, within), np.inf)
    placed: list[np.ndarray] = [np.eye(3)] * len(use)
    canvases: list[Canvas] = []
    limit = (3 * source.size[0], 3 * source.size[1])
    for g in range(group.max() + 1):
        members = [int(k) for k in np.flatnonzero(group == g)]
        root = members[int(np.argmax([use[k].area for k in members]))]
        start = [to_frame[k] @ chained[k] @ np.linalg.inv(to_frame[root] @ chained[root]) for k in members]
        if all(known[k] is not None for k in members):  # one canvas for all drawings of a rigid sprite
            start = [to_frame[k] @ known[k] for k in members]
        full = [full_patch(source, masks[use[k].frame], None if hidden is None else hidden[use[k].frame],
                           use[k].frame, noise) for k in members]
        H, canvas = refine(full, start, model, limit)
        for k, m in zip(members, H, strict=True):
            placed[k] = m
        canvases.append(canvas)
    drawing = np.full(count, -1, np.int64)
    H_all = np.tile(np.eye(3), (count, 1, 1))
    frames = np.array([p.frame for p in use])
    drawing[frames] = group
    H_all[frames] = np.array(placed)
    H_all, canvas_size = common_canvas(drawing, H_all, canvases, rigid=all(k is not None for k in known))
    return ExposureSheet(renumber(drawing), H_all, canvas_size, model)


def _restricted(book: Book, score: np.ndarray) -> Book:
    """The book with other scores (same patches and links)."""
    other = Book(book.patches, book.noise, book.leak)
    other.score, other.link = score, book.link
    return other


def motion(book: Book, group: np.ndarray, path: LayerPath | None) -> str:
    """The simplest motion with evidence: the path's, or the one that most pairs of equal drawings needed."""
    if path is not None:
        return path.model
    need = [d for (i, j), d in book.dof.items() if i < j and group[i] == group[j] and book.score[i, j] < 1]
    return "similarity" if need and np.mean(np.array(need) > 2) > 0.2 else "translation"
