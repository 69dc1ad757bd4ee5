"""One drawing from all its exposures: the mean picture, and every exposure's place refined against it at full size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..clip import FrameSource
from .align import DOF, Points, align, choose_points, project, sample
from .backdrop import plate_at
from .fading import unfaded
from .patches import BODY, EDGE, Patch, cut_patch, without_background
from .pixels import place, reached, shift
from .softness import smoothing

RIM = 0.25  # of a sure pixel's weight in the mean: the rim takes part a little, so that outlines do in the alignment
FINE_CAPS = (12.0, 6.0, 5.0, 4.0, 4.0, 4.0)  # grey levels: the start is good, so outliers are cut at once
POINTS = 6000
STEEP = 2.0  # times as far off as its near end is a drawing's far end at most
LEAST_ERROR = 0.5  # grey levels: a placement this good cannot be bettered by a richer motion


@dataclass
class Canvas:
    """A drawing's mean over its exposures. smooth: float32 RGB [h, w, 3], blurred. weight: float32 [h, w], how many
    exposures surely show the pixel. origin: edge coordinates of its corner in the drawing's own canvas (full px).
    extent: (low, high) corners of what exposures show that are not in the mean, own canvas px, or None."""

    smooth: np.ndarray
    weight: np.ndarray
    origin: np.ndarray
    extent: tuple[np.ndarray, np.ndarray] | None = None


def full_patch(source: FrameSource, mask: np.ndarray, hidden: np.ndarray | None, t: int, noise: float,
               plate=None, leak: float = 0.0, compared: bool = False, opacity: float = 1.0, around: int = 0
               ) -> Patch | None:
    """Frame t's cut-out at full resolution. plate, leak: of a translucent sprite, whose background is taken off.
    opacity: of a sprite that fades, whose picture is brought back. compared: whether it is to be compared with a
    drawing, not only placed. around: px of the frame that are kept around the mask at least."""
    w, h = source.size
    frame = source.read(t)
    edge = EDGE
    if mask.shape != (h, w):
        edge = max(EDGE, round(EDGE * w / mask.shape[1]))
        if not (mask >= BODY).any():
            return None
        mask = cv2.resize(mask, (w, h), interpolation=cv2.INTER_LINEAR)
        hidden = None if hidden is None else cv2.resize(hidden, (w, h), interpolation=cv2.INTER_LINEAR)
    ys, xs = np.flatnonzero((mask >= BODY).any(1)), np.flatnonzero((mask >= BODY).any(0))
    if not len(ys):
        return None
    # only the sprite's surroundings are blurred; cut_patch cuts closer
    room = 8 + max(around, 8 + max(ys[-1] - ys[0], xs[-1] - xs[0]) // 8)
    y0, x0 = max(0, ys[0] - room), max(0, xs[0] - room)
    part = slice(y0, ys[-1] + room + 1), slice(x0, xs[-1] + room + 1)
    blur, behind = smoothing(noise), None
    if plate is not None and (leak > 0 or opacity < 1):
        picture, known = plate_at(plate, t, (w, h))
        behind = cv2.GaussianBlur(picture[part], (0, 0), blur), known[part]
    smooth = cv2.GaussianBlur(frame[part], (0, 0), blur)
    patch = cut_patch(smooth, mask[part], None if hidden is None else hidden[part], t, behind, edge, compared,
                      around)
    if patch is not None:
        patch.origin = patch.origin + [x0, y0]
    if patch is not None and opacity < 1:
        patch = unfaded(patch, opacity)
    return without_background(patch, leak)


def window(patches: list[Patch], H: list[np.ndarray], limit: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """Box that holds all the patches' sprites in the drawing's canvas -> (corner, (width, height)).

    H: canvas -> frame for each patch. limit: largest (width, height).
    """
    low, high = [], []
    for p, m in zip(patches, H, strict=True):
        outline = np.concatenate(cv2.findContours(p.body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0])
        hull = cv2.convexHull(outline)[:, 0].astype(np.float64) + 0.5 + p.origin
        q = np.concatenate([hull, np.ones((len(hull), 1))], 1) @ np.linalg.inv(m).T
        q = q[:, :2] / q[:, 2:]
        low.append(q.min(0))
        high.append(q.max(0))
    low, high = np.floor(np.min(low, 0)) - 4, np.ceil(np.max(high, 0)) + 4
    size = np.minimum(high - low, limit).astype(int)
    return low, (int(size[0]), int(size[1]))


def build(patches: list[Patch], H: list[np.ndarray], corner: np.ndarray, size: tuple[int, int], picture: bool = True
          ) -> Canvas:
    """Weighted mean of the patches placed in the drawing's canvas. picture: False for its weight alone."""
    total = np.zeros((size[1], size[0], 3), np.float32)
    weight = np.zeros((size[1], size[0]), np.float32)
    # of what is neither surely the sprite's nor its rim's, of its rim, and of what is its for sure
    worth = np.resize(np.float32([0, RIM, 1, 1]), 256)
    for p, m in zip(patches, H, strict=True):
        back = shift(*-corner) @ np.linalg.inv(m) @ shift(*p.origin)
        own = 2 * p.inside + (p.body & p.valid)
        x, y, w, h = cv2.boundingRect(own)
        x0, y0, x1, y1 = window = reached((x, y, x + w, y + h), back, size)
        if not w or x1 <= x0 or y1 <= y0:
            continue
        part = slice(y0, y1), slice(x0, x1)
        own = place(cv2.LUT(own, worth), back, size, window=window)
        if picture:
            cv2.accumulateProduct(place(p.smooth, back, size, window=window).astype(np.float32, copy=False),
                                  cv2.merge([own] * 3), total[part])
        weight[part] += own
    if picture:
        total /= cv2.merge([np.maximum(weight, np.float32(1e-6))] * 3)
    return Canvas(total, weight, corner)


def canvas_points(canvas: Canvas, limit: int = POINTS) -> Points:
    """Points of the mean picture that can be aligned, in canvas px (relative to the canvas' own corner)."""
    # where few exposures agree on showing anything the mean is a mixture of sprite and background
    sure = canvas.weight > 0.2 * canvas.weight.max(initial=1.0)
    sure = cv2.erode(sure.astype(np.uint8), np.ones((3, 3), np.uint8))
    return choose_points(canvas.smooth, sure.astype(np.float32), limit)


def place_on(canvas: Canvas, points: Points, patch: Patch, H: np.ndarray, model: str) -> np.ndarray:
    """Refine one exposure's place H (own canvas -> frame) against the drawing's mean."""
    start = shift(*-patch.origin) @ H @ shift(*canvas.origin)
    found, residual, agree = align(points, patch.smooth, patch.valid, start, DOF[model], FINE_CAPS)
    good = np.isfinite(residual) and agree > 0.3 and keeps_size(points, start, found)
    out = shift(*patch.origin) @ (found if good else start) @ shift(*-canvas.origin)
    return out / out[2, 2]


def keeps_size(points: Points, before: np.ndarray, after: np.ndarray) -> bool:
    """Whether points cover about as much after a placement was refined as before, are not mirrored, and lie hardly
    deeper at one end than at the other: on few points a rich motion explains anything by squeezing them together, or by
    looking at them from behind."""
    (x0, y0), (x1, y1) = points.bounds
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])

    def covered(H: np.ndarray) -> float:
        x, y = project(H, corners).T
        return 0.5 * float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())

    depth = after[2, :2] @ corners.T + after[2, 2]
    if not (np.isfinite(after).all() and 0 < depth.max() < STEEP * depth.min()):
        return False
    was, now = covered(before), covered(after)
    return was * now > 0 and 0.5 < now / was < 2


def refine(patches: list[Patch], H: list[np.ndarray], model: str, limit: tuple[int, int], rounds: int = 2,
           picture: bool = True) -> tuple[list[np.ndarray], Canvas]:
    """Refine every exposure's place against the drawing's mean, the mean against the places, `rounds` times.

    patches: full resolution. H: canvas -> frame (full px). The first patch with the most pixels stays where it is.
    picture: whether the mean over the final places is asked for, besides its weight. Returns (H, mean picture).
    """
    root = int(np.argmax([p.area for p in patches]))
    H = [m.copy() for m in H]
    for _ in range(rounds if len(H) > 1 else 0):
        corner, size = window(patches, H, limit)
        canvas = build(patches, H, corner, size)
        points = canvas_points(canvas)
        moved = [place_on(canvas, points, p, m, model) for p, m in zip(patches, H, strict=True)]
        # the canvas is free to drift with its exposures: hold it on the root
        drift = np.linalg.inv(moved[root]) @ H[root]
        H = [m @ drift for m in moved]
        H = [m / m[2, 2] for m in H]
    corner, size = window(patches, H, limit)
    return H, build(patches, H, corner, size, picture)


def placement_cost(points: Points, patch: Patch, H: np.ndarray) -> float:
    """Mean absolute colour error of points placed by H (their px -> patch px), each counted up to 30 levels."""
    xy = project(H, points.xy)
    h, w = patch.valid.shape
    seen = (xy[:, 0] > 0.5) & (xy[:, 1] > 0.5) & (xy[:, 0] < w - 0.5) & (xy[:, 1] < h - 0.5)
    cell = np.clip(xy, 0, [w - 1, h - 1]).astype(np.int64)
    seen &= patch.valid[cell[:, 1], cell[:, 0]] > 0
    error = np.abs(sample(patch.smooth, xy[seen]) - points.colour[seen])
    return float(np.minimum(error, 30.0).mean()) if seen.any() else 0.0


def motion_gain(patches: list[Patch], H: list[np.ndarray], canvas: Canvas, simple: str, richer: str
                ) -> list[tuple[float, float]]:
    """What a richer motion would gain for each exposure but the largest -> (share of the error saved, px it moves).

    patches: full resolution, placed by H (canvas -> frame) with the simple motion.
    """
    root = int(np.argmax([p.area for p in patches]))
    points = canvas_points(canvas, 3000)
    if len(points.xy) < 100:
        return []
    corners = np.array([[x[0], y[1]] for x in points.bounds for y in points.bounds])
    out = []
    for k, (p, m) in enumerate(zip(patches, H, strict=True)):
        if k == root:
            continue
        start = shift(*-p.origin) @ m @ shift(*canvas.origin)
        first, _, agree = align(points, p.smooth, p.valid, start, DOF[simple], FINE_CAPS)
        second, _, agree2 = align(points, p.smooth, p.valid, first, DOF[richer], FINE_CAPS)
        if min(agree, agree2) < 0.5:
            continue
        before, after = placement_cost(points, p, first), placement_cost(points, p, second)
        if before < LEAST_ERROR:
            out.append((0.0, 0.0))
            continue
        moved = float(np.linalg.norm(project(second, corners) - project(first, corners), axis=1).mean())
        out.append(((before - after) / before, moved))
    return out
