"""The last step: every path on a mosaic at (nearly) full resolution, to hundredths of a pixel."""

from __future__ import annotations

import cv2
import numpy as np

from ..clip import FrameSource, working_scale
from .align import Sampler, align_frame, canvas_units, sampler
from .bundle import adjust, cubic
from .calm import calmed
from .candidate import Candidate, anchored, enough_frames
from .field import CELL, SLOPE_BLUR, TEXTURE, Field, choose, contrast_weights, gray_of
from .groups import apply, grid_points
from .mosaic import build_mosaic

FINAL_WIDTH = 640  # px; larger clips are refined at half their size, at most at LARGEST_FINAL
LARGEST_FINAL = 1280
FIRST_POINTS = 4000  # per frame, for the pull onto the mosaic
FINAL_POINTS = 20_000  # of the canvas, for the joint adjustment
ALL_SAMPLES = 1_000_000  # points times frames of a joint adjustment: long clips get fewer points
FINAL_SAMPLES = 12  # values kept per mosaic pixel
PULL_CAP, PULL_BLUR = 6.0, 0.7  # grey levels of residual spread that is believed, px: every frame onto the mosaic
JOINT_CAP, JOINT_BLUR = 3.0, 0.6  # the same for all frames at once
FAINT = 1.0  # grey levels per px: the mosaic has less noise than a frame, so weaker slopes count
ROUNDS = 6  # joint steps at most
REBUILT = (0, 2)  # before these steps the mosaic is built anew
SETTLED = 0.004  # px: most frames have moved less than this
FOREIGN = 3.0  # times the expected residual: such a pixel shows something else
FOREIGN_RIM = 7  # px across: an occluder's soft edge and its interpolated neighbours
MISPLACED = 0.3  # px: what a path may still be off before the joint adjustment
OWNED = 0.3  # least share of what is explained in a cell that makes it a path's


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

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) px of the frames."""
        first = self[0]
        return first.shape[1], first.shape[0]


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
    rng = np.random.default_rng(seed)
    H = _pulled(H, c, owned, frames, field, rng)
    H = _adjusted(H, c, owned, frames, field, rng)
    if field.blur > 0 and c.present.all():
        H = anchored(calmed(H, frames.size), c.ref)
    full = np.diag([frames.scale, frames.scale, 1.0])
    return anchored(np.linalg.inv(full) @ H @ full, c.ref)


def _pulled(H: np.ndarray, c: Candidate, owned: list[np.ndarray], frames: GrayFrames, field: Field,
            rng: np.random.Generator) -> np.ndarray:
    """Every present frame pulled onto the mosaic that all of them make."""
    size = frames.size
    mosaic = build_mosaic(frames, H, _mosaic_frames(H, size, c.present), FINAL_SAMPLES)
    if mosaic is None:
        return H
    target, moved = sampler(mosaic, PULL_BLUR, len(frames)), H.copy()
    for t in np.flatnonzero(c.present):
        x, y, weight = _points(frames[t], owned[t], frames.scale / field.scale, field.noise, rng)
        soft = cv2.GaussianBlur(frames[t].astype(np.float32), (0, 0), PULL_BLUR)
        moved[t] = align_frame(H[t], np.stack([x, y], -1) + 0.5, soft[y, x], weight, target, c.dof,
                               canvas_units(size), PULL_CAP, field.noise, rounds=6)
    return anchored(moved, c.ref)


def _adjusted(H: np.ndarray, c: Candidate, owned: list[np.ndarray], frames: GrayFrames, field: Field,
              rng: np.random.Generator) -> np.ndarray:
    """All present frames moved together until they settle."""
    size, ratio = frames.size, frames.scale / field.scale
    units, grid = canvas_units(size), grid_points(frames.size, 5)
    present = np.flatnonzero(c.present)
    if len(present) < 2:
        return H
    ref = int(np.abs(present - c.ref).argmin())
    cap = max(JOINT_CAP, 1.5 * field.noise)
    for k in range(ROUNDS):
        if k in REBUILT:
            mosaic = build_mosaic(frames, H, _mosaic_frames(H, size, c.present), FINAL_SAMPLES)
            if mosaic is None:
                break
            target = sampler(mosaic, JOINT_BLUR, len(frames))
            at, slope, start, share = _canvas_points(target, size, len(present), rng)
            if len(at) < 6 * c.dof:
                break
            usable = [_usable(target, H[t], frames[t], field.noise) for t in present]
        values = np.zeros((len(present), len(at)), np.float32)
        weight = np.zeros_like(values)
        for i, t in enumerate(present):
            there = apply(H[t], at)
            inside = np.flatnonzero(((there > 1) & (there < np.array(size) - 1)).all(1))
            soft = cv2.GaussianBlur(frames[t].astype(np.float32), (0, 0), JOINT_BLUR)
            cell = (there[inside] / ratio / CELL).astype(np.int64)
            mine = owned[t][cell[:, 1].clip(0, owned[t].shape[0] - 1), cell[:, 0].clip(0, owned[t].shape[1] - 1)]
            pixel = there[inside].astype(np.int64)
            mine = mine * (mine > OWNED) * usable[i][pixel[:, 1], pixel[:, 0]]
            values[i, inside] = cubic(soft, there[inside])
            weight[i, inside] = share[inside] * mine
        moved = H.copy()
        moved[present] = adjust(H[present], ref, c.dof, at, slope, start, values, weight, units, cap)
        moved = anchored(moved, c.ref)
        change = [float(np.linalg.norm(apply(m, grid) - grid, axis=1).mean())
                  for m in (moved @ np.linalg.inv(H))[present]]
        H = moved
        if np.quantile(change, 0.8) < SETTLED and k >= REBUILT[-1]:
            break
    return H


def _canvas_points(target: Sampler, size: tuple[int, int], count: int,
                   rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Textured points of the canvas: (at [n, 2], slope [n, 2], grey level [n], pixels that each stands for [n])."""
    gy, gx = np.gradient(target.value) if min(target.value.shape) > 1 else np.zeros((2, *target.value.shape))
    texture = (np.hypot(gx, gy) > FAINT) & (target.trust > 0.5)
    texture[:2] = texture[-2:] = texture[:, :2] = texture[:, -2:] = False
    # each frame sees a part of a large canvas, so that needs more points
    parts = np.clip(target.value.size / (size[0] * size[1]), 1, 4)
    y, x, share = choose(texture, int(parts * np.clip(ALL_SAMPLES // count, 3000, FINAL_POINTS)), rng)
    at = np.stack([x, y], -1) + 0.5 + np.array(target.origin)
    return at, np.stack([gx[y, x], gy[y, x]], -1), target.value[y, x], share.astype(np.float32)


def _usable(target: Sampler, H: np.ndarray, grey: np.ndarray, noise: float) -> np.ndarray:
    """uint8 [h, w], 1 where frame `grey` shows the mosaic and nothing foreign is near."""
    h, w = grey.shape
    half, origin = np.eye(3), np.eye(3)
    half[:2, 2], origin[:2, 2] = 0.5, -0.5 - np.array(target.origin)
    there = origin @ np.linalg.inv(H) @ half  # frame pixel -> mosaic pixel, both counted from centres
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shown = cv2.warpPerspective(target.value, there, (w, h), flags=how, borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), JOINT_BLUR)
    slope = np.hypot(*(cv2.Sobel(shown, cv2.CV_32F, i, 1 - i, ksize=3, scale=1 / 8) for i in (1, 0)))
    expected = np.sqrt(max(1.5, noise) ** 2 + (MISPLACED * slope) ** 2)
    foreign = (cv2.blur(np.abs(soft - shown) / expected, (3, 3)) > FOREIGN).astype(np.uint8)
    return 1 - cv2.dilate(foreign, np.ones((FOREIGN_RIM, FOREIGN_RIM), np.uint8))


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
    texture = (slope > max(TEXTURE / max(1.0, ratio) / 2, 2 * noise)) & (mine > OWNED)
    texture[:2] = texture[-2:] = texture[:, :2] = texture[:, -2:] = False
    y, x, share = choose(texture, FIRST_POINTS, rng)
    return x, y, share * mine[y, x]


def final_width(size: tuple[int, int]) -> int:
    """Width of the pictures of the last step for a clip of this size."""
    return int(np.clip(size[0] // 2, FINAL_WIDTH, LARGEST_FINAL))
