"""The exposure sheet of one sprite: which frames show the same drawing, and where each exposure lies."""

from __future__ import annotations

import cv2
import numpy as np

from ..clip import FrameSource
from ..types import ExposureSheet, LayerPath
from .align import align, choose_points
from .canvas import Canvas, full_patch, refine, shift
from .cluster import average_linkage, renumber
from .compare import BLOB, compare_patches
from .correlate import coarse_pairs
from .gauge import common_canvas
from .patches import Patch, cut_patches

LEAST_AREA = 12.0  # sure working px: a smaller remnant says nothing about its drawing
NEAREST = 6  # candidates per frame that are compared finely, besides its neighbours in time
NEIGHBOURS = (1, 2)


def frame_from_patch(patch: Patch, size: tuple[int, int], working: tuple[int, int]) -> np.ndarray:
    """3x3: patch px -> full-resolution frame px."""
    sx, sy = size[0] / working[0], size[1] / working[1]
    return np.diag([sx, sy, 1.0]) @ shift(*patch.origin)


def candidate_pairs(distance: np.ndarray) -> list[tuple[int, int]]:
    """Pairs worth a fine comparison: neighbours in time, and every picture's best matches."""
    n = len(distance)
    both = np.minimum(distance, distance.T)
    pairs = {(i, i + k) for k in NEIGHBOURS for i in range(n - k)}
    for i in range(n):
        for j in np.argsort(both[i], kind="stable")[:NEAREST]:
            if np.isfinite(both[i, j]):
                pairs.add((min(i, int(j)), max(i, int(j))))
    return sorted(pairs)


def expose(source: FrameSource, masks: np.ndarray, scale: float, *, path: LayerPath | None = None,
           hidden: np.ndarray | None = None, motion_model: str = "auto", plate=None, seed: int = 0,
           device: str = "cpu", progress=None, cancelled=None) -> ExposureSheet:
    """Find one sprite's drawings and where they are exposed.

    masks: uint8 [T, hs, ws], the visible soft mask at working size. scale: working px per full px.
    path: the sprite's rigid motion if it has one. hidden: uint8 [T, hs, ws], where something in front may hide it.
    plate: callable t -> (RGB [h, w, 3], known [h, w]) background in frame t without the sprite, or None.
    progress: callable(fraction 0..1). cancelled: callable -> bool. Nothing is random; seed is kept for the contract.
    """
    count, hs, ws = masks.shape
    patches, noise = cut_patches(source, masks, hidden, plate, scale, progress, cancelled)
    use = [p for p in patches if p is not None and p.area >= LEAST_AREA]
    if not use:
        return ExposureSheet(np.full(count, -1), np.tile(np.eye(3), (count, 1, 1)), (1, 1), "translation")
    n = len(use)
    distance, shifts = coarse_pairs(use, False, device, cancelled)
    points = [choose_points(p.smooth, p.inside + np.float32(0.3) * (p.body & p.valid)) for p in use]
    score = np.full((n, n), np.nan)
    link: dict[tuple[int, int], np.ndarray] = {}
    for i, j in candidate_pairs(distance):
        H, _, _ = align(points[i], use[j].smooth, use[j].valid, shift(*shifts[i, j]), 2)
        found = compare_patches(use[i], use[j], H, 0.5 * noise)
        score[i, j] = score[j, i] = found.blob / (BLOB * (1 + noise))
        link[i, j], link[j, i] = H, np.linalg.inv(H)
    group = average_linkage(score)
    model = "translation"
    placed: list[np.ndarray] = [np.eye(3)] * n
    canvases: list[Canvas] = []
    to_frame = [frame_from_patch(p, source.size, (ws, hs)) for p in use]
    limit = (3 * source.size[0], 3 * source.size[1])
    for g in range(group.max() + 1):
        members = [int(k) for k in np.flatnonzero(group == g)]
        start = chain(members, score, link, to_frame, use)
        full = [full_patch(source, masks[use[k].frame], None if hidden is None else hidden[use[k].frame],
                           use[k].frame, noise) for k in members]
        H, canvas, _ = refine(full, start, model, limit)
        for k, m in zip(members, H, strict=True):
            placed[k] = m
        canvases.append(canvas)
    drawing = np.full(count, -1, np.int64)
    H_all = np.tile(np.eye(3), (count, 1, 1))
    frames = np.array([p.frame for p in use])
    drawing[frames] = group
    H_all[frames] = np.array(placed)
    H_all, canvas_size = common_canvas(drawing, H_all, canvases)
    return ExposureSheet(renumber(drawing), H_all, canvas_size, model)


def chain(members: list[int], score: np.ndarray, link: dict, to_frame: list[np.ndarray], use: list[Patch]
          ) -> list[np.ndarray]:
    """Canvas -> frame of a group's members; the canvas is the largest member's frame, the others are reached over
    the best-scored pairs (Prim's tree)."""
    root = members[int(np.argmax([use[k].area for k in members]))]
    to = {root: np.eye(3)}
    while len(to) < len(members):
        best = min(((score[i, j], i, j) for i in to for j in members if j not in to and (i, j) in link), default=None)
        if best is None:  # cannot happen for groups made by linkage; keep the rest at the root's place
            for k in members:
                to.setdefault(k, np.eye(3))
            break
        _, i, j = best
        to[j] = to_frame[j] @ link[i, j] @ np.linalg.inv(to_frame[i]) @ to[i]
    return [to[k] for k in members]
