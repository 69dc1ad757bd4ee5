"""What each finished layer shows in each frame: its alpha where nothing in front hides it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from ..formats.conventions import translation
from .types import ExposureSheet, SolvedLayer

FAINTEST = 0.02  # opacity below which nothing of a layer is seen


def to_opencv(H: np.ndarray) -> np.ndarray:
    """Edge coordinates -> OpenCV's pixel centres."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    return np.linalg.inv(half) @ H @ half


def layer_alpha(layer: SolvedLayer, t: int, size: tuple[int, int], out_size: tuple[int, int]) -> np.ndarray:
    """Alpha of a layer placed in frame t, before anything hides it -> float32 [hs, ws] in 0..1.

    size: the frame's (w, h) px at full resolution; out_size: (ws, hs) of the answer.
    """
    if layer.exposure[t] < 0:
        return np.zeros(out_size[::-1], np.float32)
    scale = np.diag([out_size[0] / size[0], out_size[1] / size[1], 1.0])
    rgba, corner = layer.drawings.part(layer.exposure[t])
    alpha = cv2.extractChannel(rgba, 3)
    place = to_opencv(scale @ layer.H[t] @ translation(*corner))
    placed = cv2.warpPerspective(alpha, place, out_size, flags=cv2.INTER_LINEAR)
    return placed.astype(np.float32) / 255 * np.float32(layer.opacity[t])


def visible_masks(layers: Sequence[SolvedLayer], size: tuple[int, int], out_shape: tuple[int, int], count: int,
                  keep: Callable[[np.ndarray], np.ndarray] = lambda array: array) -> list[np.ndarray]:
    """Visible alpha of every layer, back to front -> one uint8 [T, hs, ws] per layer. keep: an array -> the same one
    where it is kept.

    They sum to 255 per pixel, except where a layer fades: its mask tells where it is, however little it shows there.
    """
    hs, ws = out_shape
    masks = [keep(np.zeros((count, hs, ws), np.uint8)) for _ in layers]
    for t in range(count):
        through = np.ones((hs, ws), np.float32)
        for k in range(len(layers) - 1, 0, -1):
            visible = through * layer_alpha(layers[k], t, size, (ws, hs))
            opacity = float(layers[k].opacity[t])
            masks[k][t] = np.round(np.minimum(visible / max(opacity, FAINTEST), 1) * 255)
            through -= visible
        masks[0][t] = np.round(through * 255)
    return masks


def shown_as(layer: SolvedLayer, sheet: ExposureSheet) -> SolvedLayer:
    """A layer's drawings shown as a later exposure sheet has them: frames that, it says, show one drawing show the
    picture that most of them had, each at its measured place. A drawing known in part from one frame becomes whole.

    layer: of an earlier sheet, whose canvas is another one."""
    exposure, H = layer.exposure.copy(), layer.H.copy()
    for d in sorted({int(x) for x in sheet.drawing if x >= 0}):
        frames = np.flatnonzero(sheet.drawing == d)
        before = layer.exposure[frames]
        shown, count = np.unique(before[before >= 0], return_counts=True)
        if len(shown) == 0:
            continue
        most = int(shown[np.argmax(count)])
        like = frames[before == most]
        for t in frames[before != most]:
            u = like[np.argmin(np.abs(like - t))]
            exposure[t], H[t] = most, sheet.H[t] @ np.linalg.inv(sheet.H[u]) @ layer.H[u]
    return replace(layer, exposure=exposure, H=H)


def sprites_behind(layers: Sequence[SolvedLayer], k: int, size: tuple[int, int],
                   sheets: Sequence[ExposureSheet | None] = ()) -> Callable[[int, tuple[int, int]], np.ndarray]:
    """Where sprites that are redrawn may be behind layer k -> a function of the frame and of the (width, height) to
    answer in: uint8 [h, w], not 0 as far as any of their drawings reaches. Which one is shown behind what hides it was
    guessed from the frames around.

    size: the frame's (w, h) px. sheets: of layers, the sheets that tell how their drawings lie to each other; where
    there is none, they lie as on the layer's canvas."""
    pictures: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}  # alpha, and its place on the canvas

    def places(i: int, t: int) -> list[np.ndarray | None]:
        """Of every drawing of layer i, where it would be in frame t, 3x3; None where nobody knows."""
        layer, sheet = layers[i], sheets[i] if i < len(sheets) else None
        if sheet is None or sheet.drawing[t] < 0:
            return [layer.H[t]] * len(layer.drawings)
        shown = [np.flatnonzero((layer.exposure == d) & (sheet.drawing >= 0)) for d in range(len(layer.drawings))]
        like = [None if len(some) == 0 else some[len(some) // 2] for some in shown]
        return [None if u is None else sheet.H[t] @ np.linalg.inv(sheet.H[u]) @ layer.H[u] for u in like]

    def render(t: int, into: tuple[int, int]) -> np.ndarray:
        scale = np.diag([into[0] / size[0], into[1] / size[1], 1.0])
        out = np.zeros(into[::-1], np.uint8)
        for i, layer in enumerate(layers[:k]):
            if layer.kind != "sprite" or len(layer.drawings) < 2 or layer.exposure[t] < 0:
                continue
            if i not in pictures:
                parts = (layer.drawings.part(d) for d in range(len(layer.drawings)))
                pictures[i] = [(cv2.extractChannel(part, 3), translation(*corner)) for part, corner in parts]
            for (alpha, corner), place in zip(pictures[i], places(i, t), strict=True):
                if place is not None:
                    placed = to_opencv(scale @ place @ corner)
                    np.maximum(out, cv2.warpPerspective(alpha, placed, into), out=out)
        return out

    return render


def picture_behind(layers: Sequence[SolvedLayer], k: int,
                   size: tuple[int, int]) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """What lies behind layer k -> a function of the frame: (uint8 RGB [h, w, 3], known uint8 [h, w], 255 = known).

    size: the frame's (w, h) px; the function takes another one to answer in, as a second argument. Known is what some
    frame shows: painted-in parts of the farthest plate are not.
    """
    shrunk: dict[tuple, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def pictures(i: int, d: int, fx: float, fy: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Layer i's drawing d at a scale -> (colour, alpha 0..1, seen 0..1); each layer's last one is kept."""
        if (i, d, fx, fy) in shrunk:
            return shrunk[i, d, fx, fy]
        for other in [key for key in shrunk if key[0] == i and key[2:] == (fx, fy)]:
            del shrunk[other]
        drawing, seen = layers[i].drawings[d], layers[i].seen
        alpha = drawing[..., 3].astype(np.float32) / 255
        seen = alpha if seen is None else (seen > 0).astype(np.float32)
        out = np.ascontiguousarray(drawing[..., :3]), alpha, seen
        if fx < 1 or fy < 1:
            small = max(1, round(fx * alpha.shape[1])), max(1, round(fy * alpha.shape[0]))
            out = tuple(cv2.resize(p, small, interpolation=cv2.INTER_AREA) for p in out)
        shrunk[i, d, fx, fy] = out
        return out

    def render(t: int, into: tuple[int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        w, h = into or size
        fx, fy = w / size[0], h / size[1]
        frame = np.zeros((h, w, 3), np.float32)
        known = np.zeros((h, w), np.float32)
        for i, layer in enumerate(layers[:k]):
            if layer.exposure[t] < 0:
                continue
            colour, alpha, seen = pictures(i, int(layer.exposure[t]), fx, fy)
            place = to_opencv(np.diag([fx, fy, 1.0]) @ layer.H[t] @ np.diag(
                [layer.drawings.size[0] / alpha.shape[1], layer.drawings.size[1] / alpha.shape[0], 1.0]))
            own = cv2.warpPerspective(alpha, place, (w, h)) * np.float32(layer.opacity[t])
            colour = cv2.warpPerspective(colour, place, (w, h), borderMode=cv2.BORDER_REPLICATE)
            frame += own[..., None] * (colour - frame)
            seen = own if layer.seen is None else cv2.warpPerspective(seen, place, (w, h))
            known = known * (1 - own) + seen * own
        return np.round(frame).astype(np.uint8), np.round(known * 255).astype(np.uint8)

    return render
