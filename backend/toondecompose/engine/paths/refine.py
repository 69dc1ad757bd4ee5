"""The last step: every path on a mosaic at (nearly) full resolution, to hundredths of a pixel."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..clip import FrameSource, working_scale
from ..tiles import strips
from .align import Sampler, canvas_units, sampler
from .bundle import adjust, cubic
from .calm import calmed
from .candidate import Candidate, anchored, enough_frames, moved_box, sharpest, sizes
from .field import CELL, Field, choose, contrast_weights, gray_of
from .groups import apply, project
from .mosaic import build_mosaic

FINAL_WIDTH = 640  # px; larger clips are refined at half their size, at most at LARGEST_FINAL
LARGEST_FINAL = 1280
FINAL_POINTS = 20_000  # of the canvas
ALL_SAMPLES = 400_000  # points times frames: long clips get fewer points
SOFT_PIXELS = 40_000_000  # px of blurred frames kept, 4 bytes each
FINAL_SAMPLES = 12  # values kept per mosaic pixel
STAGES = ((6.0, 1.5, 0.25, 2), (3.0, 0.6, 1.0, 4))  # believed residual in grey levels, blur in px, points, steps
FAINT = 1.0  # grey levels per px: the mosaic has less noise than a frame, so weaker slopes count
SETTLED = 0.004  # px: most frames have moved less than this
STRAYED = 2.0  # px: a path that moves so far had no drawing of its own, only motion
LARGEST_GROWTH = 4.0  # times the smallest appearance of a layer: a wider blur leaves nothing of a drawing
OTHER_DRAWING = 0.25  # of a path's points: a frame that shows fewer of them as they should be is left where it is
MATTERS = 0.06  # px: motion models that differ by less are one
SAME_DRAWING = 0.55  # of a path's points: layers that are redrawn say nothing about richer motion models
SHARPENS = 1.5  # times: a layer that grows so much gets sharper, which looks like a richer motion
PARAMETER_BITS = 6.0  # per parameter and frame
INDEPENDENT = 4.0  # points, of which only one is an independent observation
FOREIGN = 3.0  # times the expected residual: such a pixel shows something else
CLEARLY = 1e-5  # of that: rounding changes it by less
FOREIGN_RIM = 7  # px across: an occluder's soft edge and its interpolated neighbours
MISPLACED = 0.3  # px: what a path may still be off before the joint adjustment
OWNED = 0.3  # least share of what is explained in a cell that makes it a path's


class GrayFrames:
    """Grey frames at the final size, taken from what the field kept, or made when first asked for and kept on disk."""

    def __init__(self, source: FrameSource, width: int, field: Field):
        self.scale = working_scale(source.size, width)
        self._source, self._kept, self._light = source, field.kept, field.light
        self._blur = field.blur / field.scale * self.scale
        self._soft: dict[int, dict[float, np.ndarray]] = {}
        self._weights = contrast_weights(source).astype(np.float32).reshape(1, 3)
        shape = gray_of(source.read(0), self.scale, self._weights).shape
        self.size = (shape[1], shape[0])  # (width, height) px of the frames
        # how many blurs of each frame are kept in memory: every path asks for those of all STAGES
        self._kept_blurs = min(len(STAGES), SOFT_PIXELS // (len(self) * shape[0] * shape[1]))
        self._grey_file = None if self._kept is not None else source.scratch(shape)
        self._soft_file = None if self._kept_blurs else source.scratch((*shape, 4))
        self._soft_blur: dict[int, float] = {}

    def __getitem__(self, t: int) -> np.ndarray:
        if self._kept is not None:
            grey = self._kept[t]
        else:
            grey = self._grey_file.read(t) if self._grey_file else None
            if grey is None:
                grey = gray_of(self._source.read(t), self.scale, self._weights)
                grey = grey if self._light is None else cv2.LUT(grey, self._light[t])
                if self._grey_file:
                    self._grey_file.write(t, grey)
        return cv2.GaussianBlur(grey, (0, 0), self._blur) if self._blur >= 0.4 else grey

    def soft(self, t: int, blur: float) -> np.ndarray:
        """Frame t as float32 [h, w], blurred by sigma px; the last of each frame are kept."""
        known = self._soft.setdefault(t, {})
        if blur in known:
            return known[blur]
        if self._soft_file and self._soft_blur.get(t) == blur:
            kept = self._soft_file.read(t)
            if kept is not None:
                return kept.view(np.float32)[..., 0]
        grey = cv2.GaussianBlur(self[t].astype(np.float32), (0, 0), blur)
        if self._kept_blurs:
            while len(known) >= self._kept_blurs:
                del known[next(iter(known))]
            known[blur] = grey
        elif self._soft_file:
            self._soft_file.write(t, grey.view(np.uint8))
            self._soft_blur[t] = blur
        return grey

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


def recanvassed(c: Candidate, field: Field) -> Candidate:
    """The same path with a frame as canvas that shows the layer large, where its size changes."""
    ref = sharpest(layer_sizes(c, field), c.present, c.ref) if c.dof > 2 else c.ref
    return c if ref == c.ref else replace(c, H=anchored(c.H, ref), ref=ref, box=moved_box(c.box, c.H[ref]))


def refined(c: Candidate, owned: list[np.ndarray], frames: GrayFrames, field: Field, seed: int,
            choose_model: bool = False) -> tuple[np.ndarray, int]:
    """The path's H [T, 3, 3] in FULL-resolution px, frame `c.ref` as canvas, settled at the frames' size; its dof.

    choose_model: whether the motion model may still be changed: near full resolution it is seen more clearly."""
    ratio = frames.scale / field.scale
    d = np.diag([ratio, ratio, 1.0])
    H = d @ c.H @ np.linalg.inv(d)
    H, better = _adjusted(H, c, owned, frames, field, np.random.default_rng(seed))
    if choose_model and better != c.dof:
        c = replace(c, dof=better)
        H, _ = _adjusted(H, c, owned, frames, field, np.random.default_rng(seed))
    H = _bridged(H, c.present)
    if field.blur > 0 and c.present.all():
        H = anchored(calmed(H, frames.size), c.ref)
    full = np.diag([frames.scale, frames.scale, 1.0])
    return anchored(np.linalg.inv(full) @ H @ full, c.ref), c.dof


def _adjusted(H: np.ndarray, c: Candidate, owned: list[np.ndarray], frames: GrayFrames, field: Field,
              rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """All present frames moved together, coarse to fine, until they settle: (H, dof of the model that suits them)."""
    size, ratio = frames.size, frames.scale / field.scale
    units, given = canvas_units(size), H
    present = np.flatnonzero(c.present)
    if len(present) < 2:
        return H, c.dof
    ref = int(np.abs(present - c.ref).argmin())
    grown = layer_sizes(c, field) if c.dof > 2 else np.ones(len(H))
    # larger appearances are blurred as much on the canvas: a layer that grows is otherwise sharp in one frame and soft
    # in the other, and its edges agree nowhere
    grown = np.clip(grown / grown[present].min(), 1, LARGEST_GROWTH)
    for cap, blur, part, steps in STAGES:
        mosaic = build_mosaic(frames, H, _mosaic_frames(H, size, c.present), FINAL_SAMPLES,
                              within=moved_box(c.box, np.diag([ratio, ratio, 1.0]), 2))
        if mosaic is None:
            return given, c.dof
        target = sampler(mosaic, blur * float(grown[present[ref]]), len(frames))
        at, slope, start, share = _canvas_points(target, size, len(present), part, rng)
        if len(at) < 6 * c.dof:
            return given, c.dof
        blurs = blur * grown
        parts = [_weights(target, at, H[t], frames.soft(t, blurs[t]), owned[t], ratio, field.noise) for t in present]
        moving = np.array([fits for _, fits in parts]) > OTHER_DRAWING
        if moving.sum() < 2 or not moving[ref]:
            return given, c.dof
        weight = np.stack([w * share for w, _ in parts])[moving]
        moving = present[moving]
        shared = (weight > 0).sum(0) > 1
        at, slope, start, weight = at[shared], slope[shared], start[shared], weight[:, shared]
        for _ in range(steps):
            values = np.zeros_like(weight)
            for i, t in enumerate(moving):
                used = np.flatnonzero(weight[i])
                values[i, used] = cubic(frames.soft(t, blurs[t]), apply(H[t], at.take(used, 0)))
            moved = H.copy()
            still = int(np.searchsorted(moving, present[ref]))
            moved[moving], _ = adjust(H[moving], still, c.dof, at, slope, start, values, weight, units,
                                      max(cap, 1.5 * field.noise))
            moved = anchored(moved, c.ref)
            change = _apart(moved[moving], H[moving], at, weight)
            H = moved
            if change < SETTLED:
                break
    if _apart(H[moving], given[moving], at, weight) > STRAYED * max(ratio, 1):
        return given, c.dof
    for dof in (d for d in (2, 4, 6) if d < c.dof):
        simple = np.stack([project(m, dof, at[w > 0]) if (w > 0).sum() > dof else m
                           for m, w in zip(H[moving], weight, strict=True)])
        if _apart(simple, H[moving], at, weight) < MATTERS:
            plain = H.copy()
            plain[moving] = simple
            return anchored(plain, c.ref), dof
    if np.median([fits for _, fits in parts]) < SAME_DRAWING or grown[present].max() > SHARPENS:
        return H, c.dof
    for dof in (d for d in (4, 6, 8) if d > c.dof):
        richer, saved = adjust(H[moving], still, dof, at, slope, start, values, weight, units,
                               max(cap, 1.5 * field.noise))
        cost = PARAMETER_BITS * (dof - c.dof) * (len(moving) - 1)
        if saved / INDEPENDENT > cost and _apart(richer, H[moving], at, weight) > 2 * MATTERS:
            plain = H.copy()
            plain[moving] = richer
            return anchored(plain, c.ref), dof
    return H, c.dof


def _bridged(H: np.ndarray, present: np.ndarray) -> np.ndarray:
    """H [T, 3, 3] with an even motion through the frames where the path was not seen (darkness, something in front)."""
    seen = np.flatnonzero(present)
    if len(seen) < 2 or len(seen) == len(H):
        return H
    out = H.copy()
    for t in np.flatnonzero(~present):
        after = int(np.clip(np.searchsorted(seen, t), 1, len(seen) - 1))
        a, b = seen[after - 1], seen[after]
        out[t] = H[a] + (H[b] - H[a]) * ((t - a) / (b - a))
    return out / out[:, 2:3, 2:3]


def layer_sizes(c: Candidate, field: Field) -> np.ndarray:
    """[T]: how large each frame shows the layer beside its canvas; 1 where it is not present."""
    where = np.zeros((len(c.H), 2))
    for t in np.flatnonzero(c.present):
        where[t] = np.median(field.points[t].at[c.bits[t] > 0], 0)
    return np.where(c.present, sizes(c.H, where), 1.0)


def _apart(a: np.ndarray, b: np.ndarray, at: np.ndarray, weight: np.ndarray) -> float:
    """How far two paths [T, 3, 3] lie apart at the canvas points [n, 2] that each frame shows (weight [T, n]), in four
    of five frames, px."""
    off = [0.0]
    for m, n, w in zip(a, b, weight, strict=True):
        there = at.take(np.flatnonzero(w > 0)[::50], 0)
        if len(there):
            off.append(float(np.linalg.norm(apply(m, there) - apply(n, there), axis=1).mean()))
    return float(np.quantile(off, 0.8))


def _canvas_points(target: Sampler, size: tuple[int, int], count: int,
                   part: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Textured points of the canvas: (at [n, 2], slope [n, 2], grey level [n], pixels that each stands for [n])."""
    gy, gx = np.gradient(target.value) if min(target.value.shape) > 1 else np.zeros((2, *target.value.shape))
    texture = (np.hypot(gx, gy) > FAINT) & (target.trust > 0.5)
    texture[:2] = texture[-2:] = texture[:, :2] = texture[:, -2:] = False
    # each frame sees a part of a large canvas, so that needs more points
    parts = np.clip(target.value.size / (size[0] * size[1]), 1, 4)
    y, x, share = choose(texture, int(part * parts * np.clip(ALL_SAMPLES // count, 3000, FINAL_POINTS)), rng)
    at = np.stack([x, y], -1) + 0.5 + np.array(target.origin)
    return at, np.stack([gx[y, x], gy[y, x]], -1), target.value[y, x], share.astype(np.float32)


def _weights(target: Sampler, at: np.ndarray, H: np.ndarray, grey: np.ndarray, owned: np.ndarray, ratio: float,
             noise: float) -> tuple[np.ndarray, float]:
    """How surely frame `grey` shows the path at canvas points [n, 2]: float32 [n] in 0..1, 0 where the frame ends,
    where other paths explain it better and near what the mosaic does not explain; and which share of
    the points that are the path's by what was explained before remains."""
    h, w = grey.shape
    there = apply(H, at)
    x, y = there[:, 0], there[:, 1]
    inside = np.flatnonzero((x > 1) & (x < w - 1) & (y > 1) & (y < h - 1))
    there = there.take(inside, 0)
    cell, pixel = (there / ratio / CELL).astype(np.int64), there.astype(np.int64)
    mine = owned[cell[:, 1].clip(0, owned.shape[0] - 1), cell[:, 0].clip(0, owned.shape[1] - 1)]
    out = np.zeros(len(at), np.float32)
    mine = mine * (mine > OWNED)
    out[inside] = mine * _usable(target, H, grey, noise)[pixel[:, 1], pixel[:, 0]]
    return out, float(out.sum() / max(mine.sum(), 1e-6))


def _usable(target: Sampler, H: np.ndarray, grey: np.ndarray, noise: float) -> np.ndarray:
    """uint8 [h, w], 1 where frame `grey` (blurred like the mosaic) shows the mosaic and nothing foreign is near."""
    h, w = grey.shape
    half, origin = np.eye(3), np.eye(3)
    half[:2, 2], origin[:2, 2] = 0.5, -0.5 - np.array(target.origin)
    there = origin @ np.linalg.inv(H) @ half  # frame pixel -> mosaic pixel, both counted from centres
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shown = cv2.warpPerspective(target.value, there, (w, h), flags=how, borderMode=cv2.BORDER_REPLICATE)
    slope = [cv2.Sobel(shown, cv2.CV_32F, i, 1 - i, ksize=3, scale=1 / 8) for i in (1, 0)]
    off, least = cv2.absdiff(grey, shown), max(1.5, noise) ** 2
    beyond = np.empty_like(shown)
    for rows in strips(shown.shape):
        expected = cv2.magnitude(slope[0][rows], slope[1][rows])
        expected *= MISPLACED
        expected *= expected
        expected += least
        np.divide(off[rows], np.sqrt(expected, out=expected), out=beyond[rows])
    near = cv2.blur(beyond, (3, 3))
    foreign, surely = near > FOREIGN * (1 - CLEARLY), near > FOREIGN * (1 + CLEARLY)
    # OpenCV's lengths are a last bit off the exact ones, which take twenty times as long: asked only where it matters
    doubtful = np.flatnonzero(foreign != surely)
    if len(doubtful):
        y, x = (v[:, None] + step for v, step in zip(np.divmod(doubtful, w), np.indices((3, 3)).reshape(2, 1, 9) - 1,
                                                     strict=True))
        y, x = (np.where(v < 0, -v, np.where(v >= n, 2 * n - 2 - v, v)).clip(0, n - 1) for v, n in ((y, h), (x, w)))
        expected = np.sqrt(least + (MISPLACED * np.hypot(slope[0][y, x], slope[1][y, x])) ** 2)
        mean = ((off[y, x] / expected).sum(1, dtype=np.float64) * (1 / 9)).astype(np.float32)
        foreign.ravel()[doubtful] = mean > FOREIGN
    return 1 - cv2.dilate(foreign.view(np.uint8), np.ones((FOREIGN_RIM, FOREIGN_RIM), np.uint8))


def _mosaic_frames(H: np.ndarray, size: tuple[int, int], present: np.ndarray) -> np.ndarray:
    """bool [T]: enough of the frames in which the path is present."""
    chosen = present & enough_frames(H, size)
    return chosen if chosen.sum() >= min(8, present.sum()) else present


def final_width(size: tuple[int, int]) -> int:
    """Width of the pictures of the last step for a clip of this size."""
    return int(np.clip(size[0] // 2, FINAL_WIDTH, LARGEST_FINAL))
