"""A layer's canvas: the frames gathered on it, and its mosaic back in a frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import torch

from ..tiles import strips
from ..warp import grid_for, sample

RESAMPLING = 0.2  # px of registration and resampling error: what a mosaic's own slope excuses
COUNT_STEPS = 256  # counts of frames are read to this part of one
# on the canvas one frame may be this many frames across: a homography can send a corner to the horizon
MAX_FRAMES_ACROSS = 8.0

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 px


@dataclass
class Mosaic:
    """What the frames agree on, on a box of the layer's canvas.

    colour float32 [3, hc, wc], 0..255. votes float32 [hc, wc], weight of the frames that agree with it; seen, weight of
    all frames that show the point. slope float32 [hc, wc], |gradient|, levels per px. excused float32 [hc, wc], the
    deviation, levels rms, that resampling, registration and noise excuse (`excuse`). origin: edge coordinates of the
    box's corner.
    """

    colour: torch.Tensor
    votes: torch.Tensor
    seen: torch.Tensor
    slope: torch.Tensor
    excused: torch.Tensor
    origin: tuple[float, float]


def canvas_box(H: np.ndarray, present: np.ndarray, size: tuple[int, int]) -> Box:
    """The smallest whole-pixel box (x0, y0, x1, y1) on the canvas that holds every present frame of size (w, h)."""
    lo, hi = _extents(H[present], size)
    return _whole(lo.min(0), hi.max(0))


def frame_boxes(H: np.ndarray, size: tuple[int, int]) -> list[Box]:
    """`canvas_box` of every frame by itself. H: [n, 3, 3]."""
    return [_whole(lo, hi) for lo, hi in zip(*_extents(H, size), strict=True)]


def _extents(H: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Each frame's least and largest x and y on the canvas, 2 x [n, 2]."""
    w, h = size
    corner = np.array([[w / 2, h / 2, 1], [0, 0, 1], [w, 0, 1], [w, h, 1], [0, h, 1]], np.float64)
    points = np.einsum("tij,nj->tni", np.linalg.inv(H), corner)
    ok = points[..., 2] > 1e-6
    xy = points[..., :2] / np.where(ok, points[..., 2], 1.0)[..., None]
    # each frame around its own centre: a long pan goes as far as it goes
    centre = np.where(ok[:, :1, None], xy[:, :1], np.array([w, h]) / 2)
    reach = np.array([w, h]) * MAX_FRAMES_ACROSS / 2
    xy = np.clip(xy, centre - reach, centre + reach)
    return np.where(ok[..., None], xy, np.inf).min(1), np.where(ok[..., None], xy, -np.inf).max(1)


def _whole(lo: np.ndarray, hi: np.ndarray) -> Box:
    lo, hi = np.floor(lo + 1e-6).astype(int), np.ceil(hi - 1e-6).astype(int)
    return int(lo[0]), int(lo[1]), int(hi[0]), int(hi[1])


def overlap(a: Box, b: Box) -> Box | None:
    """What two boxes have in common, or None."""
    x0, y0, x1, y1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def columns_of(box: Box, width: int) -> list[tuple[int, int]]:
    """A canvas box in columns of half a frame's width: a long pan's canvas is many frames wide, and each part of it is
    shown by few of them."""
    across = max(1, round(2 * (box[2] - box[0]) / width)) if box[2] - box[0] > 1.2 * width else 1
    return list(pairwise(box[0] + (box[2] - box[0]) * i // across for i in range(across + 1)))


def whole_picture(frames: torch.Tensor) -> torch.Tensor:
    """uint8 pictures [..., 3, h, w], however they lie in memory, as float32 planes that lie one behind the other."""
    return frames.to(torch.float32, memory_format=torch.contiguous_format)


def slope(pictures: torch.Tensor) -> torch.Tensor:
    """|gradient| of [..., 3, h, w], levels per px, largest channel; one-sided differences on the border."""
    h = pictures.shape[-2]
    out = pictures.new_empty(*pictures.shape[:-3], *pictures.shape[-2:])
    for rows in strips(pictures.shape):
        here = pictures[..., rows, :]
        dx, dy = torch.empty_like(here), torch.empty_like(here)
        torch.sub(here[..., 2:], here[..., :-2], out=dx[..., 1:-1])
        # rows that have neighbours on both sides
        top, bottom = max(1, rows.start), min(h - 1, rows.stop)
        inner = dy[..., top - rows.start : bottom - rows.start, :]
        torch.sub(pictures[..., top + 1 : bottom + 1, :], pictures[..., top - 1 : bottom - 1, :], out=inner)
        dx *= 0.5
        dy *= 0.5
        dx[..., :1], dx[..., -1:] = here[..., 1:2] - here[..., :1], here[..., -1:] - here[..., -2:-1]
        if rows.start == 0:
            dy[..., :1, :] = pictures[..., 1:2, :] - pictures[..., :1, :]
        if rows.stop == h:
            dy[..., -1:, :] = pictures[..., -1:, :] - pictures[..., -2:-1, :]
        torch.sqrt(dx.square_().add_(dy.square_()).amax(-3), out=out[..., rows, :])
    return out


def excuse(steep: torch.Tensor, scatter: torch.Tensor) -> torch.Tensor:
    """How far off a mosaic may be, levels rms: by what a fraction of a pixel of misplacement makes of its slope
    (`steep`, levels per px), and by the rms difference `scatter` between it and the frames that made it."""
    return ((RESAMPLING * steep).square_() + scatter.square()).sqrt_()


def _centred(H: np.ndarray, origin: tuple[float, float]) -> np.ndarray:
    """Edge-coordinate transform of pixels counted from `origin` -> the same for pixel centres, as OpenCV counts."""
    there = np.array([[1, 0, origin[0] + 0.5], [0, 1, origin[1] + 0.5], [0, 0, 1]])
    M = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]]) @ H @ there
    return M / M[2, 2] if M[2, 2] else M


def _shift_into(pictures: list[np.ndarray], x: float, y: float, size: tuple[int, int], out: list[np.ndarray]) -> None:
    """Pictures of one size, [h, w] or [h, w, c <= 4], moved by (x, y) px into `out` of `size` (w, h) and of any dtype,
    bilinear, their edge repeated: many times faster than a warp, and exact where that rounds positions to 1/32 px."""
    (w, h), (rows, columns) = size, pictures[0].shape[:2]
    x, y = min(max(x, -w), columns - 1.0), min(max(y, -h), rows - 1.0)  # beyond the edge all is alike
    left, top = math.floor(x), math.floor(y)
    window = slice(max(0, top), top + h + 1), slice(max(0, left), left + w + 1)
    margins = max(0, -top), max(0, top + h + 1 - rows), max(0, -left), max(0, left + w + 1 - columns)
    down, right = y - top, x - left
    for picture, moved in zip(pictures, out, strict=True):
        part = picture[window] if picture.dtype == moved.dtype else picture[window].astype(moved.dtype)
        if any(margins):
            part = cv2.copyMakeBorder(part, *margins, cv2.BORDER_REPLICATE)
        if down and right:
            part = cv2.addWeighted(part[:-1], 1 - down, part[1:], down, 0)
            cv2.addWeighted(part[:, :-1], 1 - right, part[:, 1:], right, 0, dst=moved)
        elif down:
            cv2.addWeighted(part[:-1, :-1], 1 - down, part[1:, :-1], down, 0, dst=moved)
        elif right:
            cv2.addWeighted(part[:-1, :-1], 1 - right, part[:-1, 1:], right, 0, dst=moved)
        else:
            moved[:] = part[:-1, :-1]


def _is_shift(M: np.ndarray) -> bool:
    (a, b, _), (c, d, _), (e, f, _) = M.tolist()
    return max(abs(a - 1), abs(b), abs(c), abs(d - 1)) < 1e-9 and max(abs(e), abs(f)) < 1e-12


def _warped(picture: np.ndarray, M: np.ndarray, size: tuple[int, int], nearest: bool = False) -> np.ndarray:
    """A picture [h, w] or [h, w, c <= 4] at M(x), pixel centres, for every x of a picture of `size` (w, h)."""
    how = (cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    beyond = cv2.BORDER_CONSTANT if nearest else cv2.BORDER_REPLICATE
    if np.abs(M[2, :2]).max() < 1e-12:
        return cv2.warpAffine(picture, M[:2], size, flags=how, borderMode=beyond)
    return cv2.warpPerspective(picture, M, size, flags=how, borderMode=beyond)


def _inside(M: np.ndarray, shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """uint8 [h, w]: 1 where M(x) lies inside a picture of `shape` (h, w), 0 elsewhere."""
    h, w = shape
    x, y = np.arange(size[0]), np.arange(size[1])
    if _is_shift(M):
        column, row = x + M[0, 2] + 0.5, y + M[1, 2] + 0.5
        return np.multiply.outer((row >= 0) & (row <= h), (column >= 0) & (column <= w)).view(np.uint8)
    out = _warped(np.ones((h, w), np.uint8), M, size, nearest=True)
    if np.abs(M[2, :2]).max() >= 1e-12:  # what lies behind the horizon is not there
        out[(M[2, 0] * x[None] + M[2, 1] * y[:, None] + M[2, 2]) <= 1e-9] = 0
    return out


def sample_planes(planes: torch.Tensor | list[torch.Tensor], H: np.ndarray, size: tuple[int, int],
                  origin: tuple[float, float] = (0.0, 0.0)) -> tuple[torch.Tensor, torch.Tensor]:
    """Planes float32 [c, h, w], or c x [h, w], at H(x) for every pixel x of a picture of `size` (w, h) whose corner is
    at `origin`.

    H: output px -> px of the planes, edge coordinates. Bilinear; the planes' edge repeats. Returns (float32 [c, ...],
    1 where the point lies inside the planes and 0 elsewhere, float32).
    """
    return plane_values(planes, H, size, origin), _inside_of(planes[0], H, size, origin)


def _inside_of(plane: torch.Tensor, H: np.ndarray, size: tuple[int, int], origin: tuple[float, float]) -> torch.Tensor:
    """Float32 [...], 1 where H(x) lies inside a plane [h, w] and 0 elsewhere."""
    h, w = plane.shape
    if plane.device.type != "cpu":
        points = grid_for(H, size, origin, plane.device)
        return ((points >= 0).all(-1) & (points[..., 0] <= w) & (points[..., 1] <= h)).to(torch.float32)
    return torch.from_numpy(_inside(_centred(H, origin), (h, w), size).astype(np.float32))


def plane_values(planes: torch.Tensor | list[torch.Tensor], H: np.ndarray, size: tuple[int, int],
                 origin: tuple[float, float] = (0.0, 0.0)) -> torch.Tensor:
    """What `sample_planes` finds, without where; of planes of any dtype."""
    if planes[0].device.type != "cpu":
        planes = planes if isinstance(planes, torch.Tensor) else torch.stack(planes)
        return sample(planes.to(torch.float32), grid_for(H, size, origin, planes.device), border="border")
    # the same, many times faster on the host
    M = _centred(H, origin)
    out = np.empty((len(planes), size[1], size[0]), np.float32)
    if _is_shift(M):
        _shift_into([plane.numpy() for plane in planes], M[0, 2], M[1, 2], size, list(out))
    else:
        for i in range(0, len(planes), 4):  # four at once cost hardly more than one
            some = [np.ascontiguousarray(p.numpy(), np.float32) for p in planes[i : i + 4]]
            got = _warped(cv2.merge(some) if len(some) > 1 else some[0], M, size)
            cv2.split(got, list(out[i : i + 4]))
    return torch.from_numpy(out)


def _all_inside(H: np.ndarray, shape: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether it is plain that all of a picture of `size` (w, h) that H shifts lies inside one of `shape` (h, w)."""
    M = _centred(H, (0.0, 0.0))
    x, y = M[0, 2] + 0.5, M[1, 2] + 0.5
    return _is_shift(M) and min(x, y) >= 0 and size[0] - 1 + x <= shape[1] and size[1] - 1 + y <= shape[0]


def gather(layers: torch.Tensor, H: np.ndarray, frames: list[int], box: tuple[int, int, int, int]) -> torch.Tensor:
    """Frames' pictures on a box of the canvas.

    layers: [T, c, h, w] (any dtype; bilinear in float32). Returns float32 [n, c + 1, hb, wb]; the last channel is
    1 inside the frame and 0 outside.
    """
    (x0, y0, x1, y1), c = box, layers.shape[1]
    out = torch.empty(len(frames), c + 1, y1 - y0, x1 - x0, device=layers.device)
    for i, t in enumerate(frames):
        out[i, :c], out[i, c] = sample_planes(layers[t].to(torch.float32), H[t], (x1 - x0, y1 - y0),
                                              (float(x0), float(y0)))
    return out


def on_canvas(plane: torch.Tensor, H: np.ndarray, box: Box) -> torch.Tensor:
    """A frame's plane [h, w] of any dtype on a box of the canvas, float32 [hb, wb]; beyond it its edge repeats."""
    return plane_values(plane[None], H, (box[2] - box[0], box[3] - box[1]), (float(box[0]), float(box[1])))[0]


def sample_bytes(pictures: torch.Tensor, H: np.ndarray, box: Box) -> tuple[torch.Tensor, torch.Tensor]:
    """`sample_planes` of uint8 [c <= 4, h, w] on a box: (uint8 [c, hb, wb] rounded, inside uint8 [hb, wb]).

    Whole levels are a fraction of any noise, and take a quarter of the time and of the memory."""
    size, origin = (box[2] - box[0], box[3] - box[1]), (float(box[0]), float(box[1]))
    if pictures.device.type != "cpu":
        got, inside = sample_planes(pictures.to(torch.float32), H, size, origin)
        return got.round().to(torch.uint8), inside.to(torch.uint8)
    M = _centred(H, origin)
    picture = pictures.permute(1, 2, 0).contiguous().numpy()
    if _is_shift(M):
        got = np.empty((size[1], size[0], len(pictures)), np.uint8)
        _shift_into([picture], M[0, 2], M[1, 2], size, [got])
    else:
        got = _warped(picture, M, size)
    out = np.empty((len(pictures), size[1], size[0]), np.uint8)
    cv2.split(got, list(out))
    return torch.from_numpy(out), torch.from_numpy(_inside(M, picture.shape[:2], size))


def _shown(mosaic: Mosaic, back: np.ndarray, size: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns of a mosaic that a frame of `size` (w, h) shows; None if none. A long pan's canvas is large.
    back: [3, 3] frame -> canvas."""
    h, w = mosaic.votes.shape
    corners = np.array([[x, y, 1.0] for x in (0, size[0]) for y in (0, size[1])]) @ back.T
    if corners[:, 2].min() < 1e-6:  # the horizon: some of everything
        return slice(0, h), slice(0, w)
    at = corners[:, :2] / corners[:, 2:] - mosaic.origin
    low = np.maximum(np.floor(at.min(0)) - 2, 0).astype(int)
    high = np.minimum(np.ceil(at.max(0)) + 2, (w, h)).astype(int)
    return (slice(low[1], high[1]), slice(low[0], high[0])) if (low < high).all() else None


def render(mosaic: Mosaic, H: np.ndarray, size: tuple[int, int], colour: bool = True) -> torch.Tensor:
    """The mosaic in a frame: float32 [5, h, w] = colour (3), votes, excused; 0 beyond the canvas.

    colour: False takes votes and seen: float32 [2, h, w].
    """
    back = np.linalg.inv(H)
    part = _shown(mosaic, back, size)
    if part is None:
        return torch.zeros(5 if colour else 2, size[1], size[0], device=mosaic.votes.device)
    rows, columns = part
    left, top = mosaic.origin[0] + columns.start, mosaic.origin[1] + rows.start
    planes = [*mosaic.colour, mosaic.votes, mosaic.excused] if colour else [mosaic.votes, mosaic.seen]
    planes = [plane[part] for plane in planes]
    there = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]]) @ back
    got = plane_values(planes, there, size)
    if not _all_inside(there, planes[0].shape, size):
        inside = _inside_of(planes[0], there, size, (0.0, 0.0))
        if not inside.all():
            got *= inside
    counted = got[3] if colour else got
    # three frames must be three on every device, not 2.9999998 on one: thresholds lie on whole numbers
    counted.mul_(COUNT_STEPS).round_().div_(COUNT_STEPS)
    return got
