"""Background inside a sprite's rough masks, told by which of the two motions keeps a px's colour.

A gap between arm and body may be open on no frame of a slow pan, so that no panorama shows what lies behind it. But
what shows in the gap keeps its colour along the background's motion and changes along the sprite's.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.passing import between_lines
from toondecompose.engine.matte.resample import translation, unit_translation
from toondecompose.engine.matte.stack import shifted
from toondecompose.engine.matte.types import LayerToSolve
from toondecompose.formats.conventions import centre_from_edge

LEAST_MOVE, BEST_MOVE, MOST_MOVE = 2.5, 6.0, 16.0  # px between the two motions in which frames are compared
SLIP = 0.15  # px; registration error, turned into levels by the gradient
ROUNDING = 0.6  # levels rms; the least two 8-bit samples of one thing differ
REFUTED, UPHELD = 6.0, 2.0  # squared deviation, relative to the expected one, that refutes or upholds a motion
SAME = 0.96  # share of the sprite's px that must look the same in another drawing for it to serve (a held body)
WINDOW = 5  # px over which the deviations are averaged
LEAST_HOLE = 24  # px; smaller gaps come by matting
OUTSIDE = -1000.0  # level of what lies outside a picture: like nothing inside
THIRDS = np.full((1, 3), 1 / 3, np.float32)


def open_holes(source: FrameSource, layers: list[LayerToSolve]) -> list[LayerToSolve]:
    """The same layers with the sprites' masks cleared where the farthest plane shows through. `source` has the masks'
    size and H lead to its px."""
    plane = layers[0].H
    return [layers[0], *(replace(layer, masks=_opened(source, layer, plane)) if layer.kind == "sprite" else layer
                         for layer in layers[1:])]


def _opened(source: FrameSource, layer: LayerToSolve, plane: np.ndarray) -> np.ndarray:
    masks = between_lines(source, layer, plane)
    for t in range(source.count):
        body = layer.masks[t] >= 128
        if layer.drawing[t] < 0 or int(body.sum()) < LEAST_HOLE:
            continue
        x, y, w, h = cv2.boundingRect(body.astype(np.uint8))
        at = (slice(y, y + h), slice(x, x + w))
        hole = _background_in(source, layer, plane, t, body[at], (x, y))
        if hole is not None:
            masks[t][at][hole] = 0
    return masks


def _background_in(source: FrameSource, layer: LayerToSolve, plane: np.ndarray, t: int,
                   body: np.ndarray, corner: tuple[int, int]) -> np.ndarray | None:
    """Px of a sprite's mask on frame t that move with the plane: bool [h, w], or None where no frame tells.

    body: bool [h, w], the mask within the box whose top left px is `corner` (x, y)."""
    x, y = corner
    frame = source.read(t)[y:y + body.shape[0], x:x + body.shape[1]].astype(np.float32)
    box = translation(x, y)
    slope = np.zeros(body.shape, np.float32)
    for dx, dy in ((1, 0), (0, 1)):
        d = cv2.Sobel(frame, cv2.CV_32F, dx, dy, ksize=1, scale=0.5)
        slope += cv2.transform(d * d, THIRDS)
    mean = lambda x: cv2.blur(x, (WINDOW, WINDOW), borderType=cv2.BORDER_REPLICATE)  # noqa: E731
    slope = mean(slope)
    found, own = np.zeros(body.shape, bool), np.flatnonzero(body)
    for other in _partners(layer, plane, t, body, corner):
        picture = source.read(other)
        along_sprite = layer.H[other] @ np.linalg.inv(layer.H[t]) @ box
        along_plane = plane[other] @ np.linalg.inv(plane[t]) @ box
        there = _brought(picture, along_sprite, frame.shape)
        sprite2 = _mean_square(there, frame)
        in_frame = cv2.erode((there[..., 0] > OUTSIDE / 2).astype(np.uint8), np.ones((WINDOW, WINDOW), np.uint8)) > 0
        usual = float(np.median(sprite2.reshape(-1)[own]))
        allowed = max(ROUNDING**2, 2 * usual) + SLIP**2 * slope
        refuted = mean(sprite2) > REFUTED * allowed
        explained = mean(_difference2(picture, frame, along_plane)) < UPHELD * allowed
        if layer.drawing[other] != layer.drawing[t]:
            if (sprite2 < REFUTED * allowed).reshape(-1)[own].mean() < SAME:
                continue
            # another drawing may differ here; if it does not, the plane also brings what it shows here from elsewhere
            back = np.linalg.inv(along_plane) @ along_sprite
            explained &= mean(_difference2(frame, there, back)) < UPHELD * allowed
        found |= body & in_frame & refuted & explained
    found = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, label, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] >= LEAST_HOLE
    large[0] = False
    return large[label] if count > 1 and large.any() else None


def _partners(layer: LayerToSolve, plane: np.ndarray, t: int, body: np.ndarray, corner: tuple[int, int]) -> list[int]:
    """The best earlier and later frames to compare with, by a small and by a larger move between the two motions."""
    ys, xs = np.nonzero(body)
    centre = np.array([xs.mean() + 0.5 + corner[0], ys.mean() + 0.5 + corner[1], 1.0])
    ends = [H @ (np.linalg.inv(H[t]) @ centre) for H in (layer.H, plane)]  # [frames, 3]
    ends = [end[:, :2] / np.where(end[:, 2:] > 1e-9, end[:, 2:], np.nan) for end in ends]
    moves = np.linalg.norm(ends[0] - ends[1], axis=1)
    asked = (layer.drawing >= 0) & (moves >= LEAST_MOVE) & (moves <= MOST_MOVE)
    best: dict[tuple[bool, bool], tuple[float, int]] = {}
    for other in np.flatnonzero(asked).tolist():
        if other == t:
            continue
        move = float(moves[other])
        far = move > BEST_MOVE
        cost = (0 if layer.drawing[other] == layer.drawing[t] else MOST_MOVE) + abs(move - BEST_MOVE)
        side = (other > t, far)
        if side not in best or cost < best[side][0]:
            best[side] = cost, other
    return [other for _, other in sorted(best.values())]


def _difference2(other: np.ndarray, frame: np.ndarray, M: np.ndarray) -> np.ndarray:
    """Mean squared difference over the channels between a box of a frame and another frame brought onto it.
    M: box px -> other frame's px, edge coordinates."""
    return _mean_square(_brought(other, M, frame.shape), frame)


def _mean_square(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean squared difference over the channels: [h, w, 3] twice -> [h, w]."""
    d = a - b
    return cv2.transform(np.multiply(d, d, out=d), THIRDS)


def _brought(picture: np.ndarray, M: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A picture seen from a box, float32 [h, w, 3] levels, OUTSIDE beyond its edge.
    M: box px -> picture px, edge coordinates."""
    if unit_translation(M / M[2, 2]):
        out, there = shifted(picture, M / M[2, 2], shape[1::-1])
        if not there.all():
            out.reshape(-1, 3)[np.flatnonzero(~there)] = OUTSIDE
        return out
    return cv2.warpPerspective(picture.astype(np.float32), centre_from_edge(M), shape[1::-1],
                               borderMode=cv2.BORDER_CONSTANT, borderValue=(OUTSIDE,) * 3,
                               flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
