"""A drawing's exposures laid over one another: its paints and lines stand still, what is behind it moves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.resample import inside, map_points, translation, unit_translation
from toondecompose.engine.matte.types import LayerToSolve
from toondecompose.engine.shift import RENDERED, moved
from toondecompose.formats.conventions import centre_from_edge

LOOKS = 12  # exposures that are laid over one another
AROUND = 16  # px around a silhouette, in which the background is seen clearly
PAIRS = 24  # of exposures that are compared along the background's motion
LEAST_MOVE, MOST_MOVE = 0.5, 24.0  # px between the two motions in which they are
LEAST_SEEN = 12  # px of a region that must have changed in place
ROUNDING2 = 0.1  # squared levels; the least two 8-bit samples of one thing differ
CHANGES = 6.0  # variance, relative to the drawing's own, from which a px does not belong to it
KEEPS = 3.0  # times less must a px that changes in place change along the background's motion
EXPLAINED = 0.75  # of them must do so
MOSTLY = 0.75  # of a silhouette is the drawing
SAME = 20.0  # levels by which one line may differ between two frames
SQUARE = np.ones((3, 3), np.uint8)


@dataclass
class Stack:
    """Exposures brought onto one of them, with some px around the silhouette.

    frames: their numbers; best: the index of the one that they were brought onto. pictures: float32 [n, h, w, 3];
    inside: bool [n, h, w], where their frames reach; to_frame: float64 [n, 3, 3], px of the stack -> frame. body: bool
    [h, w], the silhouette by the mask of the best. mean: float32 [h, w, 3]; varies: float32 [h, w], the exposures' mean
    squared deviation from it, per channel. usual: more
    than that of most of the silhouette; compression's errors change from place to place. least: that of half of it.
    """

    frames: list[int]
    best: int
    pictures: np.ndarray
    inside: np.ndarray
    to_frame: np.ndarray
    body: np.ndarray
    mean: np.ndarray
    varies: np.ndarray
    usual: float
    least: float

    def onto(self, H: np.ndarray, t: int) -> np.ndarray:
        """3x3, px of the stack -> frame t. H: float64 [T, 3, 3], the sprite's canvas -> frame."""
        return H[t] @ np.linalg.inv(H[self.frames[self.best]]) @ self.to_frame[self.best]


def lay_over(source: FrameSource, layer: LayerToSolve, frames: list[int]) -> Stack | None:
    """Lay the exposures of a drawing over the one that shows most of it; None if there is but one."""
    if len(frames) < 2:
        return None
    best = max(frames, key=lambda t: int((layer.masks[t] >= 128).sum()))
    if len(frames) > LOOKS:
        frames = sorted({frames[int(k)] for k in np.linspace(0, len(frames) - 1, LOOKS).round()} | {best})
    body = layer.masks[best] >= 128
    x, y, w, h = cv2.boundingRect(body.astype(np.uint8))
    x0, y0 = max(0, x - AROUND), max(0, y - AROUND)
    x1, y1 = min(body.shape[1], x + w + AROUND), min(body.shape[0], y + h + AROUND)
    to_frame = np.stack([layer.H[t] @ np.linalg.inv(layer.H[best]) @ translation(x0, y0) for t in frames])
    seen = [brought(source.read(t), M, (x1 - x0, y1 - y0)) for t, M in zip(frames, to_frame, strict=True)]
    pictures, inside = np.stack([p for p, _ in seen]), np.stack([there for _, there in seen])
    if inside.all():
        n = np.float32(len(seen))
        mean = sum(pictures) / n
        varies = sum(_mean_square(p - mean) for p in pictures) / n
    else:
        n = np.maximum(inside.sum(0), 1).astype(np.float32)
        mean = sum(p * there[..., None] for p, there in seen) / n[..., None]
        varies = sum(_mean_square(p - mean) * there for p, there in seen) / n
    body = body[y0:y1, x0:x1]
    own = varies.reshape(-1)[np.flatnonzero(body)]
    least, usual = (max(ROUNDING2, float(q)) for q in np.quantile(own, [0.5, MOSTLY]))
    return Stack(frames, frames.index(best), pictures, inside, to_frame, body, mean, varies, usual, least)


def _mean_square(x: np.ndarray) -> np.ndarray:
    """Mean square over the channels: [h, w, 3], which is changed, -> [h, w]."""
    return cv2.transform(np.multiply(x, x, out=x), np.full((1, 3), 1 / 3, np.float32))


def moves_with(stack: Stack, carried: np.ndarray, region: np.ndarray) -> bool:
    """Does a region, bool [h, w], keep its colours along the plane's motion, and not in place?

    Compared are px that the plane has carried from one exposure to another within the region, or between it and what
    lies clearly outside the drawing; asked are those px that change in place. carried: by the plane, of carried_by."""
    inner = cv2.erode(region.astype(np.uint8), SQUARE, borderValue=0) > 0
    inner = inner if np.count_nonzero(inner) >= LEAST_SEEN else region
    ys, xs = np.nonzero(inner)
    points = np.stack([xs, ys], 1) + 0.5
    background = inner | (cv2.dilate(stack.body.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0)
    changed = explained = 0
    for i, j in _pairs(carried, *points.mean(0)):
        there = map_points(carried[i, j], points)
        at = np.floor(there).astype(int)
        use = (at >= 0).all(1) & (at[:, 0] < region.shape[1]) & (at[:, 1] < region.shape[0])
        use[use] = background[at[use, 1], at[use, 0]] & stack.inside[j][at[use, 1], at[use, 0]]
        use &= stack.inside[i][ys, xs] & stack.inside[j][ys, xs]
        here, other = (stack.pictures[k][ys[use], xs[use]] for k in (i, j))
        in_place = np.square(other - here).mean(-1)
        along = np.square(sampled(stack.pictures[j], there[use]) - here).mean(-1)
        changes = in_place > CHANGES * stack.usual
        changed += int(np.count_nonzero(changes))
        explained += int(np.count_nonzero(changes & (KEEPS * along < in_place)))
    return changed >= LEAST_SEEN and explained > EXPLAINED * changed


def carried_by(stack: Stack, plane: np.ndarray) -> np.ndarray:
    """float64 [n, n, 3, 3]: where on the stack a plane has carried by exposure j what exposure i shows.
    plane: float64 [T, 3, 3], plate -> frame."""
    to_plate = np.linalg.inv(plane[stack.frames]) @ stack.to_frame
    return np.linalg.inv(to_plate)[None] @ to_plate[:, None]


def _pairs(carried: np.ndarray, x: float, y: float) -> list[tuple[int, int]]:
    """Exposures between which the plane has moved against the drawing at a point, from the least move to the largest,
    as far as they are compared."""
    end = carried @ np.array([x, y, 1.0])
    move = np.hypot(end[..., 0] / end[..., 2] - x, end[..., 1] / end[..., 2] - y)
    i, j = np.nonzero((move >= LEAST_MOVE) & (move <= MOST_MOVE) & (end[..., 2] > 0))
    some = np.lexsort((j, i, move[i, j].round(6)))
    if len(some) > PAIRS:
        some = some[np.linspace(0, len(some) - 1, PAIRS).round().astype(int)]
    return [(int(i[k]), int(j[k])) for k in some]


def agrees(picture: np.ndarray, M: np.ndarray, stack: Stack, places: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """float32 [k], by how many levels a frame differs from the drawing at some of its px, as far as the frame reaches.
    M: px of the stack -> frame. places: rows and columns of those px."""
    ys, xs = places
    at = map_points(M, np.stack([xs, ys], 1) + 0.5)
    use = ((at >= 0) & (at < picture.shape[1::-1])).all(1)
    return np.abs(sampled(picture, at[use]) - stack.mean[ys[use], xs[use]]).max(-1)


def lines_around(region: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the px around a region, bool [h, w], beyond its own rim."""
    near = cv2.dilate(region.astype(np.uint8), SQUARE)
    return np.nonzero(cv2.dilate(near, SQUARE) > near)


def same_around(picture: np.ndarray, M: np.ndarray, stack: Stack, lines: tuple[np.ndarray, np.ndarray]) -> bool:
    """Does a frame show the lines around a region of the drawing? M: px of the stack -> frame. lines: of
    lines_around."""
    away = agrees(picture, M, stack, lines)
    return away.size > 0 and float(away.mean()) < SAME


def sampled(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A picture's values float32 [n, c] at edge-coordinate points [n, 2]. In rows: cv2 remaps no very long pictures."""
    n, c = len(points), 1 if picture.ndim == 2 else picture.shape[2]
    if not n:
        return np.zeros((0, c), np.float32)
    rows = -(-n // 1024)
    at = np.zeros((rows * 1024, 2), np.float32)
    at[:n] = points - 0.5
    out = cv2.remap(picture, at.reshape(rows, 1024, 2), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return out.reshape(-1, c)[:n].astype(np.float32)


def placed(region: np.ndarray, M: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A region of the stack on a picture of `size` (w, h): bool. M: px of the stack -> picture px."""
    return cv2.warpPerspective(region.astype(np.float32), centre_from_edge(M), size) > 0.5


def brought(picture: np.ndarray, M: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A picture seen from a box of `size` (w, h): float32 [h, w, c] levels, and bool [h, w], where the picture reaches.
    M: box px -> picture px, edge coordinates."""
    if unit_translation(M / M[2, 2]):
        return shifted(picture, M / M[2, 2], size)
    M = centre_from_edge(M)
    out = cv2.warpPerspective(picture.astype(np.float32), M, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
                              borderMode=cv2.BORDER_REPLICATE)
    there = cv2.warpPerspective(np.ones(picture.shape[:2], np.uint8), M, size,
                                flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    return out, there > 0


def shifted(picture: np.ndarray, M: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """As `brought`, for an M that only moves, in a third of the time."""
    out = moved(cv2.split(picture), picture.shape[1::-1], (float(M[0, 2]), float(M[1, 2])), (0, 0, *size), RENDERED)
    return cv2.merge([*out]), inside(M, (0, 0, *size), picture.shape[1::-1]).numpy()
