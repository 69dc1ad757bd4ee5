"""The light of the whole picture, where it changes in time: a fade from black, a fade to white, lightning.

A film's optical printer, and a compositor after it, lay one light over the finished picture, so that frame t shows

    I_t = g_t J_t + o_t   (a gain g and an offset o for each channel, cut off at 0 and 255)

of the picture J_t that the other frames have. No plate and no drawing agrees with such frames: all of them would be a
sprite. Where a shot's light is seen to change, each frame is compared along the motion paths with frames of the usual
light, the change is taken off for all stages that follow, and a layer in front of everything lays it on again: one
colour that covers as much as the light hides, or a picture of it (light_layer.py). What is too dark, or burnt out,
cannot be had back: such a frame holds the nearest one that can be seen, and the layer in front covers it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..formats.conventions import centre_from_edge
from .clip import FrameSource, working_source
from .empty import SEEN, empty_frames, grey_looks, nearest
from .paths.light import CLIPPED, lighting
from .shade import same_paint
from .types import LayerPath

LOOK_WIDTH = 320  # px across at which frames are compared: a light has no lines
NEAR = 5  # px at LOOK_WIDTH, around what is cut off
SOFT = 1.0  # px at LOOK_WIDTH: half a pixel of misplacement stays out of the comparison
USUAL = 4.0  # grey levels within which a frame has the light that most of the shot has
SMALLEST = 1.0  # grey levels: less than that is left in a frame
BESIDE = 3  # frames of the usual light, on either side, that a frame is compared with
PATHS = 3  # the best paths that are asked where two frames show the same paint
ENOUGH = 0.02  # of the frame: fewer px of the same paint are accidents
DARKEST = 0.15  # of a channel's contrast: a darker one has more rounding than picture
BURNT = 0.35  # of a frame's values: with more of them cut off too little is left to tell layers by
ROUNDS, OUTLIER = 6, 3.0  # of the robust fit; grey levels from which px count little
WINDOW = 15  # px at full size: surroundings by which the paint of what is burnt out is chosen
DECILES = np.arange(0.1, 1, 0.1)


@dataclass
class Lights:
    """gain, offset: float64 [T, 3], what each frame's channels were multiplied with and raised by (1 and 0: usual).
    stands: int [T], the frame whose picture stands for each: itself, or the nearest one that can be seen.
    usual: int [n], frames of the usual light. hidden: float64 [T] and colour: uint8 [T, 3], how much of the picture
    the light covers, 0..1, and with what."""

    gain: np.ndarray
    offset: np.ndarray
    stands: np.ndarray
    usual: np.ndarray
    hidden: np.ndarray
    colour: np.ndarray


def _in_centres(H: np.ndarray, scale: float) -> np.ndarray:
    """A transform between frames in full-resolution edge coordinates, as OpenCV takes it at another size."""
    S = np.diag([scale, scale, 1.0])
    return centre_from_edge(S @ H @ np.linalg.inv(S))


def _between(path: LayerPath, s: int, t: int) -> np.ndarray | None:
    """Frame t's px -> frame s's along a path, edge coordinates; None where it was not followed."""
    return path.H[s] @ np.linalg.inv(path.H[t]) if path.present[s] and path.present[t] else None


def _along(paths: list[LayerPath], s: int, t: int) -> list[np.ndarray]:
    """Ways from frame t to frame s: the paths', and standing still."""
    ways = [_between(path, s, t) for path in paths[:PATHS]]
    return [way for way in ways if way is not None] + [np.eye(3)]


def _laid_on(picture: np.ndarray, M: np.ndarray, size: tuple[int, int], beyond: float) -> np.ndarray:
    return cv2.warpPerspective(picture, M, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                               borderValue=(beyond,) * 3)


def _cut_off(frame: np.ndarray) -> np.ndarray:
    """Where a frame uint8 [h, w, 3] has lost what it showed, or lies so near to it that softness mixes them."""
    lost = ((frame <= CLIPPED[0]) | (frame >= CLIPPED[1])).astype(np.uint8)
    return cv2.dilate(lost, np.ones((NEAR, NEAR), np.uint8)) > 0


def _same(frames: FrameSource, s: int, t: int, ways: list[np.ndarray], scale: float
          ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Px of the same paint in frames s and t: its colours in each, float64 [n, 3], and where they tell of the light.
    frames: at LOOK_WIDTH."""
    h, w = frames[t].shape[:2]
    there, here = (cv2.GaussianBlur(frames[i].astype(np.float32), (0, 0), SOFT) for i in (s, t))
    lost, lost_there = _cut_off(frames[t]), _cut_off(frames[s]).astype(np.float32)
    best = np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3), bool)
    for way in ways:
        M = _in_centres(way, scale)
        moved = _laid_on(there, M, (w, h), -1e4)
        inside = moved.min(-1) >= 0
        same = same_paint(np.where(inside, moved.mean(-1), 0), here.mean(-1)) & inside
        if same.sum() > len(best[0]):
            told = ~lost[same] & (_laid_on(lost_there, M, (w, h), 1.0)[same] == 0)
            best = moved[same].astype(np.float64), here[same].astype(np.float64), told
    return best


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Gain and offset of the line through levels x -> y [n], by reweighted least squares. Levels that are all the same
    but for grain tell no gain: then it is 1."""
    weight = np.ones(len(x))
    g, o = 1.0, 0.0
    for _ in range(ROUNDS):
        mx, my = (weight @ x) / weight.sum(), (weight @ y) / weight.sum()
        spread = weight @ (x - mx) ** 2
        g = (weight @ ((x - mx) * (y - my))) / spread if spread > OUTLIER**2 * weight.sum() else 1.0
        o = my - g * mx
        weight = 1 / (1 + ((y - g * x - o) / OUTLIER) ** 2) ** 2
    return float(g), float(o)


def _stirred(gray: np.ndarray) -> bool:
    """Whether any frame's levels are so far from most of the shot's that its light may have changed."""
    levels = np.stack([np.quantile(g, DECILES) for g in gray])
    off = np.abs(levels - np.median(levels, 0))
    # a light acts on all levels, or much on the light ones; what a camera passes by, on some
    return bool(((off.max(1) >= SEEN) & (off.mean(1) >= SEEN * 2 / 3) | (off.max(1) >= 2 * SEEN)).any())


def find_lights(source: FrameSource, paths: list[LayerPath], progress: Callable[[float], None] | None = None,
                even: np.ndarray | None = None) -> Lights | None:
    """How the whole picture's light changes; None where it does not. paths: the clip's motions, best first. even:
    bool [T], frames of which it is known that they have the shot's light."""
    report = progress or (lambda fraction: None)
    if source.count < 4 or not paths:
        return None
    count = source.count
    frames, scale = working_source(source, LOOK_WIDTH)
    gray = grey_looks(source, lambda fraction: report(0.5 * fraction))
    empty = empty_frames(gray)
    seen = np.flatnonzero(~empty)
    gray = gray[[nearest(seen, t) for t in range(count)]]
    tables = lighting(gray) if _stirred(gray) else None
    if tables is None:
        if not empty.any():
            return None
        tables = np.tile(np.arange(256, dtype=np.uint8), (count, 1))
    marks = np.quantile(gray, (0.1, 0.9), axis=(1, 2)).T.round().astype(int)
    change = np.array([max(abs(int(table[k]) - int(k)) for k in at) for table, at in zip(tables, marks, strict=True)])
    # a black frame has no marks to tell by: it is as far off as the shot's usual levels are
    change = np.maximum(change, [np.abs(at - np.median(marks, 0)).max() if at.max() < DARKEST * 255 else 0
                                 for at in marks])
    change[empty] = 255
    if even is not None:
        change[even] = 0
    usual = np.flatnonzero(change < USUAL)
    if change.max() < SEEN or len(usual) < 2:
        return None
    gain, offset, stands = np.ones((count, 3)), np.zeros((count, 3)), np.arange(count)
    for t in (int(t) for t in np.flatnonzero(change >= SMALLEST)):
        report(0.5 + 0.3 * t / count)
        if empty[t]:
            stands[t] = -1
            continue
        beside = [*usual[usual < t][-BESIDE:], *usual[usual > t][:BESIDE]]
        pairs = [_same(frames, int(s), t, _along(paths, int(s), t), scale) for s in beside]
        x, y, told = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        if told.sum(0).min() < ENOUGH * frames[t][..., 0].size * len(pairs) or (frames[t] >= CLIPPED[1]).mean() > BURNT:
            stands[t] = -1 if change[t] >= SEEN else t
            continue
        lines = [_line(x[told[:, c], c], y[told[:, c], c]) for c in range(3)]
        if min(g for g, _ in lines) < DARKEST:  # a channel is flat, as under a coloured lamp: its picture is lost
            stands[t] = -1
            continue
        at = np.quantile(frames[t], (0.1, 0.9), axis=(0, 1))
        if max(np.abs((g - 1) * (at[:, c] - o) / g + o).max() for c, (g, o) in enumerate(lines)) < SMALLEST:
            continue
        gain[t], offset[t] = np.array(lines).T
    seen = np.flatnonzero(stands >= 0)
    for t in np.flatnonzero(stands < 0):
        stands[t] = nearest(seen, t)
        gain[t], offset[t] = 1, 0
    lights = Lights(gain, offset, stands, usual, np.zeros(count), np.zeros((count, 3), np.uint8))
    if max(_change(lights, t, frames[t]) for t in range(count)) < SEEN:
        return None
    even = without_lights(source, lights, paths)
    small = even.resized(frames.size)
    for t in range(count):
        report(0.8 + 0.2 * t / count)
        if changed(lights, t):
            lights.hidden[t], lights.colour[t] = _cover(small.read(t).astype(np.float64), frames[t].astype(np.float64))
    even.close()
    return lights


def changed(lights: Lights, t: int) -> bool:
    """Whether frame t is shown in another light, or as another frame, than it has."""
    return bool(lights.stands[t] != t or (lights.gain[t] != 1).any() or (lights.offset[t] != 0).any())


def _change(lights: Lights, t: int, frame: np.ndarray) -> float:
    """By how many levels the light changes a frame's dark or light parts."""
    if lights.stands[t] != t:
        return 255.0
    at = np.quantile(frame, (0.1, 0.9), axis=(0, 1))
    return float(np.abs((at - lights.offset[t]) / lights.gain[t] - at).max())


def _cover(under: np.ndarray, frame: np.ndarray) -> tuple[float, np.ndarray]:
    """The layer of one colour that turns the picture `under` into the frame, both float64 [h, w, 3]: how much of the
    picture it hides, 0..1, and its colour uint8 [3]."""
    x, y = under.reshape(-1, 3), frame.reshape(-1, 3)
    lines = np.array([_line(x[:, c], y[:, c]) for c in range(3)])
    told = x.std(0) > OUTLIER
    share = float(np.clip(1 - lines[told if told.any() else slice(None), 0].mean(), 0, 1))
    own = np.clip(lines[:, 1] / max(share, 1e-3), 0, 255)
    best = None
    for colour in (np.zeros(3), np.full(3, 255.0), own):
        way = colour - x
        share = float(np.clip((way * (y - x)).sum() / max((way * way).sum(), 1e-6), 0, 1))
        miss = float(np.abs(x + share * way - y).mean())
        if best is None or miss < best[0] - 0.25:  # a light of its own colour only where that tells
            best = miss, share, colour.round().astype(np.uint8)
    return best[1], best[2]


def without_lights(source: FrameSource, lights: Lights, paths: list[LayerPath]) -> FrameSource:
    """The frames in the light that most of the shot has. paths: the clip's motions, best first."""
    levels, paths = np.arange(256.0), list(paths)

    def look(t: int) -> np.ndarray:
        stands = int(lights.stands[t])
        frame = source.read(stands)
        if not changed(lights, stands):
            return frame
        g, o = lights.gain[stands], lights.offset[stands]
        table = np.rint(np.clip((levels[:, None] - o) / g, 0, 255)).astype(np.uint8)
        out = cv2.LUT(frame, table[:, None])
        burnt = (frame >= CLIPPED[1]) & (table[CLIPPED[1]] < 250)
        out = np.where(burnt, table[CLIPPED[1]], out)  # at least so light
        return _refilled(source, lights, paths, stands, out, burnt) if burnt.any() else out

    return source.made_of(look)


def _refilled(source: FrameSource, lights: Lights, paths: list[LayerPath], t: int, out: np.ndarray,
              burnt: np.ndarray) -> np.ndarray:
    """Frame t with what the light has burnt out taken from the nearest frame of the usual light, along the path, or
    standing, on which the surroundings fit best. out: uint8 [h, w, 3]; where burnt, bool [h, w, 3], the least that it
    can have been."""
    s = nearest(lights.usual, t)
    beside, size = source.read(s), source.size
    box = lambda x: cv2.boxFilter(x, cv2.CV_32F, (WINDOW, WINDOW))  # noqa: E731
    some = burnt.any(-1)
    whole = (~some).astype(np.float32)
    near = np.maximum(box(whole), 1e-3)
    least, filled = None, out.copy()
    for way in _along(paths, s, t):
        M = _in_centres(way, 1.0)
        moved = _laid_on(beside, M, size, 0)
        inside = cv2.warpPerspective(np.ones(size[::-1], np.uint8), M, size,
                                     flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP) > 0
        off = np.where(some, np.maximum(out.astype(np.float32) - moved, 0).mean(-1),
                       np.abs(moved.astype(np.float32) - out).mean(-1))
        miss = np.where(inside, box(off * whole) / near + off * some, 1e6)
        take = some & inside & (miss < (np.inf if least is None else least))
        filled[take] = np.where(burnt[take], np.maximum(moved[take], out[take]), out[take])
        least = miss if least is None else np.minimum(least, miss)
    return filled


def held_paths(paths: list[LayerPath], lights: Lights) -> list[LayerPath]:
    """The paths of the frames as they are now: one that holds another frame is where that one is."""
    stands = lights.stands
    return [replace(path, H=path.H[stands], present=path.present[stands],
                    support=None if path.support is None else path.support[stands]) for path in paths]
