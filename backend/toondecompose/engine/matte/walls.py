"""Planes go on behind the figures that stand before them all shot long.

What no frame shows of a plane, or a frame or two through a gap in somebody's hair, is no part of its solved picture:
the plane has a hole there, and whatever is far behind it shows once the figure is taken away. But nobody has ever seen
something farther away there. A hole that a plane surrounds, and through which nothing was seen to speak of, is painted
like the plane.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.scenery import OPAQUE, STRIDE, placed_alpha, seen_through
from toondecompose.engine.matte.state import LayerState
from toondecompose.engine.matte.unseen import paint_unseen
from toondecompose.engine.unhidden import whole_walls
from toondecompose.formats.conventions import centre_from_edge

# Frames that must have shown a place before anything is told of it, unless it was in the picture for few in all: a
# matte that is wrong beside a figure is wrong for as long as one drawing is held, two to four frames.
TOLD, TOLD_SHARE = 4.0, 0.25
FIRM = 240  # alpha of what is surely the plane: a matte may half believe in a gap
SHOWN = 0.5  # of a frame: what was seen this well has a colour
RIM = 2  # px around a hole that were mixed with what is behind it
CLEAR = 0.95  # of a frame's px past what is in front: less is mixed with somebody's outline
CONTEXT = 48  # px around a hole from which it is painted


def close_walls(states: list[LayerState], source: FrameSource, rest: Callable[[], None] = lambda: None) -> int:
    """Paint, in place, what planes lack behind figures -> how many px.

    states: back to front, the opaque background first, whose px that only such a hole has shown become unknown. rest:
    called between frames, to give the memory of the drawings that were looked at back."""
    total = 0
    for k in range(len(states) - 1, 0, -1):
        drawing = states[k].drawings.get(0)
        if states[k].given.kind == "background" and drawing is not None and drawing.picture is not None:
            total += _close(states, k, source, rest)
    return total


def _close(states: list[LayerState], k: int, source: FrameSource, rest: Callable[[], None]) -> int:
    """Paint a plane's holes by what few frames show of them and by what is around -> how many px; and forget what the
    background has of them."""
    drawing = states[k].drawings[0]
    maybe = _unseen(states, k, source.size, rest)
    if not maybe.any():
        return 0
    picture, known = drawing.picture.cpu().numpy().copy(), drawing.known.cpu().numpy().copy()
    whole = np.zeros(maybe.shape, np.uint8)
    for x, y, w, h, _ in cv2.connectedComponentsWithStats(cv2.dilate(maybe.view(np.uint8), _square(CONTEXT)))[2][1:]:
        part = np.s_[y:y + h, x:x + w]
        open_, shown, weight, colour = _looks(states, k, (drawing.box[0] + x, drawing.box[1] + y, w, h), source, rest)
        alpha, told = picture[3][part], _told(open_, shown)
        told &= ~_outlines(told & (alpha < OPAQUE), ~told & (alpha < FIRM))
        empty = (open_ >= SHOWN) & (alpha < FIRM) & ~told
        hole = whole_walls((alpha >= OPAQUE) & ~empty, told & (alpha < OPAQUE), empty)
        if not hole.any():
            continue
        mixed = (cv2.dilate(hole.view(np.uint8), _square(RIM)) > 0) & (alpha < 255) & (open_ >= SHOWN) & (hole | ~told)
        seen = mixed & (weight >= SHOWN)
        patch = picture[(slice(None), *part)].transpose(1, 2, 0).copy()
        patch[seen, :3], patch[seen, 3] = colour[seen], 255
        patch = paint_unseen(patch, (known[part] & ~mixed) | seen, mixed)
        patch[mixed, 3] = 255
        picture[(slice(None), *part)][:, mixed] = patch[mixed].T
        known[part][mixed] = seen[mixed]
        whole[part][mixed] = 255
    if not whole.any():
        return 0
    drawing.picture = torch.from_numpy(picture).to(drawing.picture.device)
    drawing.painted = torch.from_numpy((whole > 0) & ~known)
    drawing.known = torch.from_numpy(known | (whole > 0)).to(drawing.known.device)
    drawing.shelve(source)
    _forget(states, k, whole, source.size, rest)
    return np.count_nonzero(whole)


def _told(open_: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Whether enough frames showed a place. open_, shown: float32 [h, w], how many had it in the picture with no nearer
    plane before it, and with nothing at all before it."""
    return (shown >= TOLD) | (shown >= np.maximum(TOLD_SHARE * open_, 1))


def _outlines(told: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """The part of bool [h, w] that is no more than a soft outline beside `empty`, which hides half of what is there."""
    thin = told & ~(cv2.morphologyEx(told.view(np.uint8), cv2.MORPH_OPEN, _square(1)) > 0)
    return thin & (cv2.dilate(empty.view(np.uint8), _square(RIM)) > 0)


def _unseen(states: list[LayerState], k: int, size: tuple[int, int], rest: Callable[[], None]) -> np.ndarray:
    """Where a plane may have holes that are none, looked at coarsely: bool [h, w] of its drawing's box."""
    state, (w, h) = states[k], size
    drawing = state.drawings[0]
    own = drawing.picture[3].cpu().numpy() >= FIRM
    fit = np.diag([STRIDE, STRIDE, 1.0])
    corner = np.array([[1.0, 0, drawing.box[0]], [0, 1, drawing.box[1]], [0, 0, 1]])
    small, canvas = (-(-w // STRIDE), -(-h // STRIDE)), tuple(-(-side // STRIDE) for side in own.shape[::-1])
    open_, shown = np.zeros(canvas[::-1], np.float32), np.zeros(canvas[::-1], np.float32)
    for t in np.flatnonzero(state.given.drawing >= 0):
        rest()
        back = np.linalg.inv(fit) @ np.linalg.inv(state.H[t] @ corner) @ fit
        free, clear = (np.full(small[::-1], 255, np.uint8) for _ in range(2))
        for front in states[k + 1:]:
            alpha = placed_alpha(front, t, small)
            if alpha is not None:
                np.minimum(clear, 255 - alpha, out=clear)
                if front.given.kind == "background":
                    np.minimum(free, 255 - alpha, out=free)
        open_ += seen_through(free, back, canvas) >= OPAQUE
        shown += seen_through(clear, back, canvas) >= OPAQUE
    maybe = (open_ > 0) & ~_told(open_, shown)
    return (cv2.resize(maybe.view(np.uint8), own.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0) & ~own


def _looks(states: list[LayerState], k: int, box: tuple[int, int, int, int], source: FrameSource,
           rest: Callable[[], None]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What frames show in a box (x, y, w, h) of a plane's canvas: in how many it is in the picture with no nearer plane
    before it, with hardly anything before it, and with nothing at all, float32 [h, w]; and the mean colour of the
    last, uint8 [h, w, 3]."""
    x, y, w, h = box
    colour = [np.zeros((h, w), np.float32) for _ in range(3)]
    open_, shown, weight = (np.zeros((h, w), np.float32) for _ in range(3))
    corners = np.array([[x, y, 1.0], [x + w, y, 1], [x, y + h, 1], [x + w, y + h, 1]]).T
    for t in np.flatnonzero(states[k].given.drawing >= 0):
        rest()
        H = states[k].H[t]
        at = H @ corners
        low, high = (at[:2] / at[2]).min(1), (at[:2] / at[2]).max(1)
        x0, y0 = (int(v) for v in np.floor(np.maximum(low - 1, 0)))
        x1, y1 = (int(v) for v in np.ceil(np.minimum(high + 1, source.size)))
        if x1 <= x0 or y1 <= y0:
            continue
        place = np.array([[1.0, 0, -x0], [0, 1, -y0], [0, 0, 1]])
        free, clear = (np.full((y1 - y0, x1 - x0), 1, np.float32) for _ in range(2))
        for front in states[k + 1:]:
            alpha = placed_alpha(front, t, clear.shape[::-1], place)
            if alpha is not None:
                through = 1 - alpha.astype(np.float32) / 255
                clear *= through
                if front.given.kind == "background":
                    free *= through
        back = centre_from_edge(np.array([[1.0, 0, -x], [0, 1, -y], [0, 0, 1]]) @ np.linalg.inv(place @ H))
        laid = lambda mask, back=back: cv2.warpPerspective(mask.astype(np.float32), back, (w, h))  # noqa: E731
        open_ += laid(free >= SHOWN)
        shown += laid(clear >= SHOWN)
        if (clear >= CLEAR).any():
            seen = laid(clear >= CLEAR)
            frame = np.ascontiguousarray(source.read(t)[y0:y1, x0:x1])
            frame = cv2.warpPerspective(frame, back, (w, h), borderMode=cv2.BORDER_REPLICATE)
            for total, plane in zip(colour, cv2.split(frame), strict=True):
                total += seen * plane
            weight += seen
    mass = np.maximum(weight, 1e-6)
    return open_, shown, weight, cv2.merge([np.rint(total / mass).astype(np.uint8) for total in colour])


def _forget(states: list[LayerState], k: int, whole: np.ndarray, size: tuple[int, int], rest: Callable[[], None]
            ) -> None:
    """Take from the background what was only ever seen through holes that are none, uint8 [h, w] of a plane's box."""
    plate, canvas, drawing = states[0].plate, states[0].size, states[k].drawings[0]
    through, open_ = np.zeros(canvas[::-1], bool), np.zeros(canvas[::-1], bool)
    corner = np.array([[1.0, 0, drawing.box[0]], [0, 1, drawing.box[1]], [0, 0, 1]])
    for t in np.flatnonzero(states[k].given.drawing >= 0):
        move = np.linalg.inv(states[0].H[t]) @ states[k].H[t] @ corner
        through |= seen_through(whole, move, canvas) > 0
    if not through.any():
        return
    x, y, w, h = cv2.boundingRect(through.view(np.uint8))
    place = np.array([[1.0, 0, -x], [0, 1, -y], [0, 0, 1]])
    for t in range(len(states[0].H)):
        rest()
        free = np.full(size[::-1], 255, np.uint8)
        for state in states[1:]:
            alpha = placed_alpha(state, t, size, np.eye(3))
            if alpha is not None:
                np.minimum(free, 255 - alpha, out=free)
        open_[y:y + h, x:x + w] |= seen_through(free, place @ np.linalg.inv(states[0].H[t]), (w, h)) >= OPAQUE
    gone = torch.from_numpy(through & ~open_).to(plate.weight.device)
    plate.weight = torch.where(gone, torch.zeros_like(plate.weight), plate.weight)


def _square(radius: int) -> np.ndarray:
    return np.ones((2 * radius + 1,) * 2, np.uint8)
