"""The frames on which a sprite has all but left the picture, or only begins to enter it.

Of so thin a sliver no stage before can tell whose it is. But the sprite's drawings and its way are known by now: where
its motion, continued by one frame, puts it, the frame must look as if it were there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np

from .clip import FrameSource
from .drawings.remnants import likely
from .types import SolvedLayer
from .visible import layer_alpha, picture_behind, to_opencv

WAY = 4  # frames from which the speed at a run's end is taken: drawings on twos or threes do not move on every frame
MOST = 2  # frames by which a run is continued
SLIVER = 0.25  # of the drawing: more than that would have been found by the masks
STRAY = 0.3  # of the speed, and
LEAST_STRAY, MOST_STRAY = 3, 12  # px: how far from where it is expected the sliver is looked for
STEP = 3  # px between the places that are tried first
EXPLAINS = 0.5  # of what the frame differs from the picture without the sprite must be explained
# grey levels squared, summed over px and channels: 20 px of a sprite that stands out by 20 levels
CLEAR = 20 * 3 * 20.0**2
# How much a drawing counts that is neither held nor in turn: what little is seen of it looks nearly alike in others.
OUT_OF_TURN = 0.9
AROUND = 4  # px around the sliver in which the frame is compared as well


def continue_runs(source: FrameSource, layers: Sequence[SolvedLayer]) -> int:
    """Lengthen every sprite's runs of exposures by the slivers of it at their ends, in place.

    source: the shot's frames. layers: finished, back to front. Returns how many exposures were added."""
    added = 0
    for k, layer in enumerate(layers):
        if layer.kind == "background" or (layer.exposure >= 0).all():
            continue
        for edge, step in _ends(layer.exposure):
            for _ in range(MOST):
                t = edge + step
                if not 0 <= t < source.count or layer.exposure[t] >= 0:
                    break
                found = _continued(source, layers, k, edge, step)
                if found is None:
                    break
                layer.exposure[t], layer.H[t] = found
                layer.opacity[t] = layer.opacity[edge]
                added, edge = added + 1, t
    return added


def _ends(exposure: np.ndarray) -> list[tuple[int, int]]:
    """The first and last frames of every run of at least two frames, each with the direction that leads out of it."""
    shown = np.concatenate([[False], exposure >= 0, [False]])
    starts, stops = np.flatnonzero(shown[1:] & ~shown[:-1]), np.flatnonzero(~shown[1:] & shown[:-1])
    return [end for a, b in zip(starts, stops, strict=True) if b - a > 1 for end in ((int(a), -1), (int(b) - 1, 1))]


def _neighbours(exposure: np.ndarray, edge: int, step: int) -> list[int]:
    """The drawing at a run's end, and those that come there elsewhere in the shot."""
    own = int(exposure[edge])
    at = np.flatnonzero(exposure == own) + step
    at = at[(at >= 0) & (at < len(exposure))]
    return list(dict.fromkeys([own, *(int(d) for d in exposure[at] if d >= 0)]))


def _speeds(layer: SolvedLayer, edge: int, step: int) -> list[np.ndarray]:
    """How the sprite moves out of its run, [2] px a frame: over one frame, and over up to WAY."""
    corners = np.array([[0, 0, 1.0], [*layer.drawings.size, 1.0]]).mean(0)
    place = lambda t: (layer.H[t] @ corners)[:2] / (layer.H[t] @ corners)[2]  # noqa: E731
    out, count = [], len(layer.exposure)
    for back in (1, WAY):
        inner = edge
        while abs(edge - inner) < back and 0 <= inner - step < count and layer.exposure[inner - step] >= 0:
            inner -= step
        out.append((place(edge) - place(inner)) / max(1, abs(edge - inner)))
    return out if np.hypot(*(out[0] - out[1])) > 1 else out[:1]


def _continued(source: FrameSource, layers: Sequence[SolvedLayer], k: int, edge: int, step: int
               ) -> tuple[int, np.ndarray] | None:
    """The drawing and the place of a sprite one frame beyond its run, or None if nothing of it is seen there."""
    layer, t, size = layers[k], edge + step, source.size
    frame, without, through = None, None, None
    best, best_worth = None, 0.0
    costs = likely(layer.exposure, t)
    for drawing in _neighbours(layer.exposure, edge, step):
        rgba = layer.drawings[drawing]
        alpha = rgba[..., 3].astype(np.float32) / 255
        colour = cv2.merge([*(rgba[..., i].astype(np.float32) * alpha for i in range(3)), alpha])
        whole = float(alpha.sum())
        for speed in _speeds(layer, edge, step):
            expected = np.eye(3)
            expected[:2, 2] = speed
            expected = expected @ layer.H[edge]
            reach = float(np.clip(STRAY * np.hypot(*speed), LEAST_STRAY, MOST_STRAY))
            box = _box(expected, alpha, size, reach + AROUND)
            if box is None:
                continue
            if frame is None:
                frame = source.read(t).astype(np.float32)
                without = picture_behind(layers, len(layers), size)(t)[0].astype(np.float32)
                through = np.ones(size[::-1], np.float32)
                for front in layers[k + 1 :]:
                    through *= 1 - layer_alpha(front, t, size, size)
            cut = (slice(box[1], box[3]), slice(box[0], box[2]))
            missing = frame[cut] - without[cut]
            if float(np.square(missing).sum()) < CLEAR:
                continue

            gain = partial(_gain, expected, colour, box, missing, without[cut], through[cut], SLIVER * whole)
            tried = np.arange(-reach, reach + STEP, STEP)
            top = max(((gain(dx, dy)[0], dx, dy) for dx in tried for dy in tried), key=lambda g: g[0])
            fine = range(1 - STEP, STEP)
            value, H = max((gain(top[1] + dx, top[2] + dy) for dx in fine for dy in fine), key=lambda g: g[0])
            worth = value * (OUT_OF_TURN if costs.get(drawing, 1.0) > 0 else 1.0)
            if value > CLEAR and worth > best_worth:
                best, best_worth = (drawing, H), worth
    return best


def _gain(expected: np.ndarray, colour: np.ndarray, box: tuple[int, int, int, int], missing: np.ndarray,
          without: np.ndarray, through: np.ndarray, most: float, dx: float, dy: float) -> tuple[float, np.ndarray]:
    """How much better a drawing [ch, cw, 4], premultiplied, at a place (dx, dy) px beside the expected one explains a
    box of the frame than the picture without it, grey levels squared -> (0 if not clearly, its transform)."""
    H = np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]]) @ expected
    to_box = np.array([[1, 0, -box[0]], [0, 1, -box[1]], [0, 0, 1.0]]) @ H
    placed = cv2.warpPerspective(colour, to_opencv(to_box), (box[2] - box[0], box[3] - box[1])) * through[..., None]
    if placed[..., 3].sum() > most:
        return 0.0, H
    change = placed[..., :3] - placed[..., 3:] * without
    here = placed[..., 3] > 0.02
    before = np.square(missing[here]).sum()
    after = np.square(missing[here] - change[here]).sum()
    return float(before - after) if before - after > EXPLAINS * before else 0.0, H


def _box(H: np.ndarray, alpha: np.ndarray, size: tuple[int, int], margin: float) -> tuple[int, int, int, int] | None:
    """The part of the frame that a drawing may reach, or None."""
    x, y, w, h = cv2.boundingRect((alpha > 0.02).astype(np.uint8))
    corners = H @ np.array([[x, y, 1.0], [x + w, y, 1], [x, y + h, 1], [x + w, y + h, 1]]).T
    if w == 0 or (corners[2] <= 0).any():
        return None
    low, high = (corners[:2] / corners[2]).min(1) - margin, (corners[:2] / corners[2]).max(1) + margin
    x0, y0 = (int(v) for v in np.floor(np.maximum(low, 0)))
    x1, y1 = (int(v) for v in np.ceil(np.minimum(high, size)))
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None
