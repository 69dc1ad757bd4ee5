"""The last step: every path on a mosaic at (nearly) full resolution, to hundredths of a pixel."""

from __future__ import annotations

import cv2
import numpy as np

from ..clip import FrameSource, working_scale
from .align import align_frame, canvas_units, sampler
from .candidate import Candidate, anchored, enough_frames
from .field import CELL, SLOPE_BLUR, TEXTURE, Field, choose, contrast_weights, gray_of
from .groups import apply, grid_points
from .mosaic import build_mosaic

FINAL_WIDTH = 640  # px; larger clips are refined at half their size, at most at LARGEST_FINAL
LARGEST_FINAL = 1280
FINAL_POINTS = 4000  # per frame
FINAL_SAMPLES = 12  # values kept per mosaic pixel
ROUNDS = ((6.0, 0.7), (3.0, 0.5))  # (believed residual spread in grey levels, blur in px), coarse to fine
MORE_ROUNDS = 3  # of the last kind, while
SETTLED = 0.03  # px: most frames have moved less than this


class GrayFrames:
    """Grey frames at the final size, taken from what the field kept or made when asked for."""

    def __init__(self, source: FrameSource, width: int, field: Field):
        self.scale = working_scale(source.size, width)
        self._source, self._kept = source, field.kept
        self._blur = field.blur / field.scale * self.scale
        self._weights = contrast_weights(source).astype(np.float32).reshape(1, 3)

    def __getitem__(self, t: int) -> np.ndarray:
        grey = gray_of(self._source.read(t), self.scale, self._weights) if self._kept is None else self._kept[t]
        return cv2.GaussianBlur(grey, (0, 0), self._blur) if self._blur >= 0.4 else grey

    def __len__(self) -> int:
        return self._source.count


def ownership(chosen: list[Candidate], field: Field) -> list[list[np.ndarray]]:
    """Per path and frame a float32 map [rows, columns] of CELL-sized cells: which share of what any path explains
    there this path explains; 0 where nobody explains anything."""
    columns, rows = -(-field.size[0] // CELL), -(-field.size[1] // CELL)
    out: list[list[np.ndarray]] = [[] for _ in chosen]
    for t, pts in enumerate(field.points):
        c = (pts.at / CELL).astype(int)
        cell = c[:, 1] * columns + c[:, 0]
        best = np.max([k.bits[t] for k in chosen], 0)
        around = [cv2.boxFilter(np.bincount(cell, b, minlength=rows * columns).reshape(rows, columns), -1, (3, 3))
                  for b in [best, *(np.where(k.bits[t] >= best - 0.5 * pts.share, k.bits[t], 0) for k in chosen)]]
        for k in range(len(chosen)):
            out[k].append((around[k + 1] / np.maximum(around[0], 1e-6)).astype(np.float32))
    return out


def refined(c: Candidate, owned: list[np.ndarray], frames: GrayFrames, field: Field, seed: int) -> np.ndarray:
    """The path's H [T, 3, 3] in FULL-resolution px, frame `ref` as canvas, settled at the frames' size."""
    ratio = frames.scale / field.scale
    d = np.diag([ratio, ratio, 1.0])
    H = d @ c.H @ np.linalg.inv(d)
    first = frames[c.ref]
    size = (first.shape[1], first.shape[0])
    units = canvas_units(size)
    present = c.present
    rng = np.random.default_rng(seed)
    picks = []
    for t in range(len(frames)):
        picks.append(_points(frames[t], owned[t], ratio, field.noise, rng))
    more = MORE_ROUNDS if c.dof > 2 else 0  # two parameters are pinned down by any texture
    for cap, blur in (*ROUNDS, *[ROUNDS[-1]] * more):
        mosaic = build_mosaic(frames, H, _mosaic_frames(H, size, present), FINAL_SAMPLES)
        if mosaic is None:
            break
        target = sampler(mosaic, blur, len(frames))
        moved = H.copy()
        for t in np.flatnonzero(present):
            x, y, weight = picks[t]
            soft = cv2.GaussianBlur(frames[t].astype(np.float32), (0, 0), blur)
            at = np.stack([x, y], -1) + 0.5
            moved[t] = align_frame(H[t], at, soft[y, x], weight, target, c.dof, units, cap, field.noise, rounds=6)
        moved = anchored(moved, c.ref)
        grid = grid_points(size, 5)
        change = [float(np.linalg.norm(apply(m, grid) - grid, axis=1).mean()) for m in moved @ np.linalg.inv(H)]
        H = moved
        # frames and mosaic pull each other along: a layer with few edges needs more turns
        if np.quantile(change, 0.8) < SETTLED and cap == ROUNDS[-1][0]:
            break
    full = np.diag([frames.scale, frames.scale, 1.0])
    return anchored(np.linalg.inv(full) @ H @ full, c.ref)


def _mosaic_frames(H: np.ndarray, size: tuple[int, int], present: np.ndarray) -> np.ndarray:
    """bool [T]: enough of the frames in which the path is present."""
    chosen = present & enough_frames(H, size)
    return chosen if chosen.sum() >= min(8, present.sum()) else present


def _points(grey: np.ndarray, owned: np.ndarray, ratio: float, noise: float,
            rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Textured pixels that the path owns: (x, y, weight) [n]."""
    g = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), SLOPE_BLUR)
    slope = np.hypot(*(cv2.Sobel(g, cv2.CV_32F, i, 1 - i, ksize=3, scale=1 / 8) for i in (1, 0)))
    h, w = grey.shape
    mine = owned[(np.arange(h) / ratio / CELL).astype(int).clip(0, owned.shape[0] - 1)]
    mine = mine[:, (np.arange(w) / ratio / CELL).astype(int).clip(0, owned.shape[1] - 1)]
    texture = (slope > max(TEXTURE / max(1.0, ratio) / 2, 2 * noise)) & (mine > 0.3)
    texture[:2] = texture[-2:] = texture[:, :2] = texture[:, -2:] = False
    y, x, share = choose(texture, FINAL_POINTS, rng)
    return x, y, share * mine[y, x]


def final_width(size: tuple[int, int]) -> int:
    """Width of the pictures of the last step for a clip of this size."""
    return int(np.clip(size[0] // 2, FINAL_WIDTH, LARGEST_FINAL))
