"""The background's panorama: every pixel's temporal mode over the frames that show it.

Two streamed passes, so memory is one canvas and not one clip: weighted moments first; then, only for canvas px whose
samples disagree, the samples themselves and a vote among them (integer votes, so the result does not depend on the
order of additions). Weights come from the mattes in front: 1 - 4 alpha, no wide margin, or most of what a sprite
uncovers would be lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.enough import ENOUGH, GRID, spread, wanting, wanting_parts
from toondecompose.engine.matte.marks import middle_of, places_of, taken
from toondecompose.engine.matte.resample import Box, footprint, local_scale, map_points, resample, translation
from toondecompose.engine.matte.votes import mode_vote
from toondecompose.engine.tiles import TILE
from toondecompose.engine.warp import sample

if TYPE_CHECKING:  # weights are made from the layers' states, which hold plates
    from toondecompose.engine.matte.weights import Weight, WeightOf

MAX_CANVAS = 48_000_000  # px; larger panoramas are made coarser
MAX_SHARPNESS = 2.0
DISAGREE = 6.0  # levels rms per channel beyond noise above which a px's samples are taken apart
QUIET = 1.5  # levels; rounding and interpolation leave this much in the cleanest clip
ELECTED = 0.0375  # of a tile: px whose samples are held at a time, and
VOTERS = 10  # times as many samples that are compared at a time: bounds the memory of a vote
KERNEL = 3  # px around a point that sampling reads
SCATTERED = 0.6  # share of the box around them from which parts of a frame are looked at in one


@dataclass
class Plate:
    """colour: float32 [3, h, w] 0..255. weight: float32 [h, w], sum of sample weights (0 = never seen). best: float32
    [h, w], weight of the best sample. H: float64 [T, 3, 3], plate px -> frame px. spread: float32 [h, w], rms deviation
    of the samples, levels."""

    colour: torch.Tensor
    weight: torch.Tensor
    H: np.ndarray
    spread: torch.Tensor
    best: torch.Tensor

    @cached_property
    def seen(self) -> torch.Tensor:
        """uint8 [h, w]: 255 where any frame shows the plate."""
        return (self.weight > 0).to(torch.uint8) * 255


def panorama_gauge(H: np.ndarray, frames: Iterable[int], size: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """A canvas that covers everything a plane's transforms see, as sharp as the sharpest frame.

    Returns (G, (w, h)): G maps new canvas px to the given canvas px; H @ G are the new transforms. Translations keep
    their whole-px phase, so that whole-px moves stay exact."""
    w, h = size
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h], [w / 2, h / 2]], float)
    frames = list(frames)
    inverse = {t: np.linalg.inv(H[t]) for t in frames}
    points = np.concatenate([map_points(inverse[t], corners) for t in frames])
    points = points[np.isfinite(points).all(1)]
    finest = max(1 / max(local_scale(inverse[t], w / 2, h / 2), 1e-6) for t in frames)
    sharp = float(np.clip(finest, 0.5, MAX_SHARPNESS)) if abs(finest - 1) > 0.02 else 1.0
    lo, hi = points.min(0), points.max(0)
    sharp *= min(1.0, np.sqrt(MAX_CANVAS / max(1.0, np.prod((hi - lo) * sharp))))
    return gauge(H, [min(frames, key=lambda t: local_scale(inverse[t], w / 2, h / 2))], (*lo, *hi), sharp)


def gauge(H: np.ndarray, ref: list[int], box: tuple[float, float, float, float],
          sharp: float) -> tuple[np.ndarray, tuple[int, int]]:
    """Canvas coordinates for a box (edge coordinates, given canvas px), `sharp` px per px.

    Where the first of `ref` frames only translates the new canvas, its px grid falls on that frame's px grid, so that
    the frame's px are copied untouched. Returns (G, (w, h)) as panorama_gauge."""
    S = np.diag([1 / sharp, 1 / sharp, 1.0])
    M = H[ref[0]] @ S
    M = M / M[2, 2]
    phase = np.zeros(2)
    if np.abs(M[:2, :2] - np.eye(2)).max() < 1e-3 and np.abs(M[2, :2]).max() < 1e-9:
        phase = -M[:2, 2] - np.floor(-M[:2, 2])
    lo = np.floor(np.array(box[:2]) * sharp - phase + 1e-6) + phase
    hi = np.ceil(np.array(box[2:]) * sharp - 1e-6)
    size = np.maximum(1, np.ceil(hi - lo - 1e-6).astype(int))
    return S @ translation(lo[0], lo[1]), (int(size[0]), int(size[1]))


def frame_tensor(frame: np.ndarray, device: str) -> torch.Tensor:
    """uint8 [h, w, 3] -> float32 [3, h, w] 0..255."""
    return frame_bytes(frame, device).float()


def frame_bytes(frame: np.ndarray, device: str) -> torch.Tensor:
    """uint8 [h, w, 3] -> uint8 [3, h, w]."""
    planes = np.empty((3, *frame.shape[:2]), np.uint8)
    cv2.split(frame, list(planes))  # into place
    return torch.from_numpy(planes).to(device)


def solve_plate(source: FrameSource, H: np.ndarray, canvas: tuple[int, int], weight_of: WeightOf,
                frames: list[int], noise: float, device: str = "cpu",
                tick: Callable[[float], None] | None = None, tile: int = TILE, enough: float = ENOUGH) -> Plate:
    """The opaque panorama of a plane.

    weight_of: how surely the plane is what a frame's px show. noise: levels (rms).
    tile: canvas px worked on at once. enough: weight from which a px need not be seen again (inf: all frames count).
    """
    cw, ch = canvas
    total = torch.zeros((ch, cw), device=device)
    first = torch.zeros((3, ch, cw), device=device)
    second = torch.zeros((ch, cw), device=device)
    best = torch.zeros((ch, cw), device=device)
    boxes: dict[int, list[Box]] = {}
    whole = (0, 0, *source.size)
    for n, t in enumerate(spread(frames, enough)):
        shown = footprint(np.linalg.inv(H[t]), whole, (0, 0, cw, ch))
        if shown is None or wanting(total[_within(shown)], shown, enough=enough) is None:
            continue
        if weight_of.glimpse is None:
            squares = weight_of(t, whole).shows(H[t], shown)
        else:
            coarse, to_lattice = weight_of.glimpse(t)
            squares = coarse.shows(to_lattice @ H[t], shown)
        parts = wanting_parts(total[_within(shown)], shown, enough, squares)
        if not parts:
            continue
        looks = _looks(weight_of, t, [_read_for(H[t], part, source.size) for part in parts])
        for box, weights in zip(parts, looks, strict=True):
            weight = weights.seen_from(H[t], box, source.size, device)
            part = wanting(total[_within(box)], box, weight, enough)
            if part is None:
                continue
            weight = weight[part[1] - box[1]:part[3] - box[1], part[0] - box[0]:part[2] - box[0]]
            boxes.setdefault(t, []).append(part)
            read, at = _read_for(H[t], part, source.size), _within(part)
            frame = frame_bytes(source.read(t)[_within(read)], device)
            colour = resample(frame, translation(-read[0], -read[1]) @ H[t], part)
            total[at].add_(weight)
            highest = best[at]
            torch.maximum(highest, weight, out=highest)
            for sums, plane in zip(first, colour, strict=True):
                weighted = plane * weight
                sums[at].add_(weighted)
                second[at].addcmul_(weighted, plane)
        if tick:
            tick(0.6 * n / len(frames))
    seen = total > 0.01  # less is a sliver of one frame's weight, no observation
    mean = first / total.clamp(min=1e-6)
    variance = (second / total.clamp(min=1e-6) - (mean * mean).sum(0)).clamp(min=0) / 3
    del first, second
    # sub-pixel interpolation alone makes samples at strong edges differ
    edge = _gradient(mean)
    doubt = seen & (variance > (DISAGREE + 1.5 * noise + 0.12 * edge) ** 2)
    _elect(mean, doubt, source, H, boxes, weight_of, device, max(1, int(ELECTED * tile)))
    return Plate(mean.clamp_(0, 255), torch.where(seen, total, torch.zeros_like(total)), H, variance.sqrt(),
                 best)


def _looks(weight_of: WeightOf, t: int, reads: list[Box]) -> Iterable[Weight]:
    """The weights of frame t in each of the boxes: of all of them at once where they fill what they lie in."""
    low, high = np.array(reads)[:, :2].min(0), np.array(reads)[:, 2:].max(0)
    if len(reads) > 1 and _area(reads) < SCATTERED * np.prod(high - low):
        return (weight_of(t, read) for read in reads)
    return [weight_of(t, (*low.tolist(), *high.tolist()))] * len(reads)


def _read_for(H: np.ndarray, part: Box, size: tuple[int, int]) -> Box:
    """The px of a frame of `size` (w, h) that sampling it for a part of a canvas reads. H: canvas -> frame."""
    x0, y0, x1, y1 = footprint(H, part) or (0, 0, *size)
    box = (max(0, x0 - KERNEL), max(0, y0 - KERNEL), min(size[0], x1 + KERNEL), min(size[1], y1 + KERNEL))
    return box if box[2] > box[0] and box[3] > box[1] else (0, 0, *size)


def _within(box: Box) -> tuple[slice, slice]:
    """Rows and columns of a box."""
    return slice(box[1], box[3]), slice(box[0], box[2])


def noise_of(plate: Plate) -> float:
    """The clip's noise, levels rms per channel: how much one place's samples differ where the picture is smooth."""
    calm = (plate.weight > 2.5) & (_gradient(plate.colour) < 6)
    if int(calm.sum()) < 500:
        return QUIET
    # half the px, so that what moved without being masked does not count; a median is a sort: same on every device
    places = places_of(calm)
    rms, n = (middle_of(taken(x, places)) for x in (plate.spread, plate.weight))
    return max(QUIET, rms * (n / (n - 1)) ** 0.5)


def _gradient(colour: torch.Tensor) -> torch.Tensor:
    """Largest colour step to the four neighbours, levels. float32 [h, w]."""
    grey = colour.mean(0)
    out = torch.zeros_like(grey)
    for dim in (0, 1):
        step = grey.diff(dim=dim).abs()
        n = grey.shape[dim]
        out.narrow(dim, 0, n - 1).copy_(torch.maximum(out.narrow(dim, 0, n - 1), step))
        out.narrow(dim, 1, n - 1).copy_(torch.maximum(out.narrow(dim, 1, n - 1), step))
    return out


def _elect(mean: torch.Tensor, doubt: torch.Tensor, source: FrameSource, H: np.ndarray, boxes: dict[int, list[Box]],
           weight_of: WeightOf, device: str, chunk: int) -> None:
    """Replace `mean` where samples disagree by the sample that most weight agrees with, refined by its neighbours."""
    ys, xs = torch.nonzero(doubt, as_tuple=True)
    if doubt.shape[1] > doubt.shape[0]:  # chunks along the longer side: few frames of a long pan reach each of them
        by_column = torch.argsort(xs, stable=True)
        ys, xs = ys[by_column], xs[by_column]
    for start in range(0, len(ys), chunk):
        y, x = ys[start:start + chunk], xs[start:start + chunk]
        low, high = (int(x.min()), int(y.min())), (int(x.max()), int(y.max()))
        colours, weights = [], []
        for t, parts in boxes.items():
            if not any(high[1] >= y0 and low[1] < y1 and high[0] >= x0 and low[0] < x1 for x0, y0, x1, y1 in parts):
                continue
            point = _project(H[t], x, y)
            w, h = source.size
            ok = (point[:, 0] > 0) & (point[:, 0] < w) & (point[:, 1] > 0) & (point[:, 1] < h)
            ok &= weight_of.may_show(t, point)
            open_ = torch.nonzero(ok)[:, 0]
            if not len(open_):
                continue
            point = point[open_]
            part = _around(point, (w, h))
            corner = torch.tensor(part[:2], dtype=point.dtype, device=point.device)
            groups = _groups(point, (w, h))
            frame = _some_of(source.read(t), part, [box for _, box in groups], device)
            colour = sample(frame, point - corner, "bicubic", "border")
            weight = _weights_at(weight_of, t, point, part, groups)
            colours.append(_spread_out(colour.clamp_(0, 255).round_().to(torch.uint8), open_, len(y)))
            weights.append(_spread_out((weight * 64).ceil_().to(torch.uint8), open_, len(y)))
        if not colours:
            continue
        votes, step = torch.empty((3, len(y)), device=device), max(1, VOTERS * chunk // len(colours))
        for at in range(0, len(y), step):
            part = slice(at, at + step)
            votes[:, part] = mode_vote(torch.stack([c[:, part].to(torch.int16) for c in colours]),
                                       torch.stack([w[part].to(torch.int32) for w in weights]))
        mean[:, y, x] = votes


def _groups(points: torch.Tensor, size: tuple[int, int]) -> list[tuple[torch.Tensor, Box]]:
    """Points [n, 2] of a frame of `size` (w, h) by runs of squares of GRID px that hold any: their indices, and what is
    read around them."""
    x, y = torch.div(points, GRID, rounding_mode="floor").int().cpu().numpy().T
    columns = -(-size[0] // GRID) + 1  # an empty square parts the rows
    used, of = np.unique(y * columns + x, return_inverse=True)
    run = np.concatenate([[0], np.cumsum(np.diff(used) > 1)])[of]
    groups = [torch.from_numpy(np.flatnonzero(run == k)).to(points.device) for k in range(run.max() + 1)]
    return [(group, _around(points[group], size)) for group in groups]


def _some_of(frame: np.ndarray, part: Box, boxes: list[Box], device: str) -> torch.Tensor:
    """A part of a frame, uint8 [h, w, 3] -> float32 [3, h, w], of which only some boxes are there: what lies around
    scattered points is mostly never read."""
    x0, y0, x1, y1 = part
    if _area(boxes) > SCATTERED * _area([part]):
        return frame_tensor(frame[y0:y1, x0:x1], device)
    out = torch.empty((3, y1 - y0, x1 - x0), device=device)
    for left, top, right, bottom in boxes:
        out[:, top - y0:bottom - y0, left - x0:right - x0] = frame_bytes(frame[top:bottom, left:right], device)
    return out


def _weights_at(weight_of: WeightOf, t: int, points: torch.Tensor, whole: Box,
                groups: list[tuple[torch.Tensor, Box]]) -> torch.Tensor:
    """Weights [n] of frame t at points [n, 2], of _groups: around each of these, where together they are much less than
    the box around all of them."""
    if len(groups) == 1 or _area([box for _, box in groups]) > SCATTERED * _area([whole]):
        return weight_of(t, whole).at(points)
    out = torch.empty_like(points[:, 0])
    for group, box in groups:
        out[group] = weight_of(t, box).at(points[group])
    return out


def _area(boxes: list[Box]) -> int:
    return sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes)


def _spread_out(values: torch.Tensor, at: torch.Tensor, count: int) -> torch.Tensor:
    """[..., n] -> [..., count]: values at their places, 0 elsewhere."""
    out = torch.zeros((*values.shape[:-1], count), dtype=values.dtype, device=values.device)
    return out.index_copy_(-1, at, values)


def _around(points: torch.Tensor, size: tuple[int, int]) -> Box:
    """The part of a frame of `size` (w, h) that sampling at points [n, 2] reads."""
    low, high = (bound.tolist() for bound in torch.aminmax(points, dim=0))
    first = [max(0, min(n - 1, math.floor(v) - KERNEL)) for n, v in zip(size, low, strict=True)]
    last = [max(a + 1, min(n, math.ceil(v) + KERNEL)) for n, v, a in zip(size, high, first, strict=True)]
    return first[0], first[1], last[0], last[1]


def _project(M: np.ndarray, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Canvas px (indices) -> frame points float32 [n, 2]."""
    m = np.asarray(M, np.float64)
    px, py = x.double() + 0.5, y.double() + 0.5
    z = (m[2, 0] * px + m[2, 1] * py + m[2, 2]).clamp(min=1e-9)
    return torch.stack([(m[0, 0] * px + m[0, 1] * py + m[0, 2]) / z,
                        (m[1, 0] * px + m[1, 1] * py + m[1, 2]) / z], -1).float()
