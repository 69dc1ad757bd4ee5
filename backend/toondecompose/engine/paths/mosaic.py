"""The still picture behind a motion: frames laid on the layer's canvas, per pixel the value most of them agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .groups import apply

MODE_REACH = 36  # grey levels: values closer than this vote for each other (drawn fills differ by more)
AWAY = 1e6  # grey levels: a sample so far off agrees with none
LARGEST = 6_000_000  # px: a canvas beyond this means a path that has run away,
PAN = 0.25  # of a frame per frame: unless it pans so fast all the way


@dataclass
class Mosaic:
    """value: float32 [h, w] grey. seen: uint16 [h, w] frames that show the pixel. agree: float32 [h, w], the share of
    them (of the kept samples) that agree with value. origin: (x, y) of the top-left corner, canvas px."""

    value: np.ndarray
    seen: np.ndarray
    agree: np.ndarray
    origin: tuple[int, int]


Box = tuple[int, int, int, int]


def canvas_box(H: np.ndarray, size: tuple[int, int], within: Box | None = None) -> Box | None:
    """Bounds (x0, y0, x1, y1) on the canvas of all frames of `size` under H [n, 3, 3]; None if it has run away.

    within: bounds of what is of interest on the canvas, if that is known."""
    w, h = size
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64)
    boxes = []
    for g in np.linalg.inv(H):
        if (corners @ g[2, :2] + g[2, 2]).min() < 0.05:  # a corner is at or behind the horizon
            return None
        boxes.append(apply(g, corners))
    low, high = np.floor(np.min(boxes, (0, 1))), np.ceil(np.max(boxes, (0, 1)))
    if within is not None:
        low, high = np.maximum(low, within[:2]), np.minimum(high, within[2:])
        if (high <= low).any():
            return None
    if np.prod(high - low) > max(LARGEST, max(4, PAN * len(H)) * w * h):
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _shift(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def lay(frame: np.ndarray, H: np.ndarray, box: Box,
        allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, tuple[slice, slice]] | None:
    """One frame on the canvas: (grey uint8, valid uint8 0/1, where in the canvas box), or None if it falls outside."""
    h, w = frame.shape
    g = np.linalg.inv(H)
    corners = apply(g, np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64))
    x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int), box[:2])
    x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int), box[2:])
    if x1 <= x0 or y1 <= y0:
        return None
    m = _shift(-0.5 - x0, -0.5 - y0) @ g @ _shift(0.5, 0.5)
    size = (int(x1 - x0), int(y1 - y0))
    slid = np.array_equal(g[:2, :2], np.eye(2)) and not g[2, :2].any()
    # of a shift both give the same bits, the simpler one sooner
    warp, motion = (cv2.warpAffine, m[:2]) if slid else (cv2.warpPerspective, m)
    value = warp(frame, motion, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    # a pixel half outside the frame repeats the border: it is still a sample of the border pixel
    if allowed is None and slid:
        x, y = np.arange(x0, x1) + 0.5 - g[0, 2], np.arange(y0, y1) + 0.5 - g[1, 2]
        valid = ((y > 0) & (y < h))[:, None] & ((x > 0) & (x < w))
    else:
        mask = np.full((h, w), 1, np.uint8) if allowed is None else allowed
        valid = cv2.warpPerspective(mask, m, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT) > 0
    return value, valid.view(np.uint8), (slice(y0 - box[1], y1 - box[1]), slice(x0 - box[0], x1 - box[0]))


def build_mosaic(frames: Sequence[np.ndarray], H: np.ndarray, present: np.ndarray, samples: int = 16,
                 allowed: Sequence[np.ndarray] | None = None, fine: float = 12.0,
                 within: Box | None = None) -> Mosaic | None:
    """Temporal-mode mosaic of grey frames uint8 [T, h, w] under H [T, 3, 3] (canvas -> frame px).

    present: bool [T], frames that take part. samples: how many values per pixel are kept (a reservoir, so memory does
    not grow with the clip). allowed: per frame uint8 [h, w], not 0 where the pixel may be used. fine: grey levels,
    the kernel of the last mean-shift steps. within: the only part of the canvas that is wanted. None if the canvas has
    run away.
    """
    use = np.flatnonzero(present)
    if not len(use):
        return None
    h, w = frames[0].shape
    box = canvas_box(H[use], (w, h), within)
    if box is None:
        return None
    cw, ch = box[2] - box[0], box[3] - box[1]
    samples = min(samples, len(use))
    stack = np.zeros((samples, ch, cw), np.uint8)
    seen = np.zeros((ch, cw), np.uint8 if len(use) < 256 else np.uint16)
    # reservoir sampling: the c-th value of a pixel replaces a kept one with probability samples / (c + 1)
    slots = np.arange(len(use) + 1)
    later = np.random.default_rng(0).integers(0, np.maximum(slots, 1) + 1)
    slots = np.where(slots < samples, slots, later)
    for t in use:
        laid = lay(frames[t], H[t], box, None if allowed is None else allowed[t])
        if laid is None:
            continue
        value, valid, where = laid
        n = seen[where]
        for c in range(int(n.min()), int(n.max()) + 1):  # a handful: masked copies beat numbered ones by far
            if slots[c] < samples:
                cv2.copyTo(value, (n == c).view(np.uint8) & valid, stack[slots[c]][where])
        n += valid
    stack = stack.reshape(samples, -1)
    value, agree = temporal_mode(stack, np.minimum(seen.ravel(), samples), fine)
    return Mosaic(value.reshape(ch, cw), seen.astype(np.uint16), agree.reshape(ch, cw), box[:2])


def temporal_mode(stack: np.ndarray, kept: np.ndarray, fine: float) -> tuple[np.ndarray, np.ndarray]:
    """Per column of stack uint8 [s, n], of which the first kept [n] rows count: (mode [n], agreeing share [n])."""
    s, n = stack.shape
    value, agree = np.zeros(n, np.float32), np.zeros(n, np.float32)
    votes_type = np.uint8 if (s - 1) * MODE_REACH < 256 else np.uint16
    size = 1 << 14  # columns at a time: stays in the cache
    for a in range(0, n, size):
        block = stack[:, a : a + size]
        counted = np.arange(s)[:, None] < kept[a : a + size]
        far = counted * np.uint8(MODE_REACH)  # how far samples vote: those that do not count reach none
        votes = np.zeros(block.shape, votes_type)
        for k in range(1, s):  # every sample with the k-th one after it
            near = cv2.subtract(far[k:], cv2.absdiff(block[:-k], block[k:]))
            near = near.astype(votes_type, copy=False)  # sums of two types cost many times as much
            votes[:-k] += near
            votes[k:] += near
        votes *= counted
        best, most = block[0].copy(), votes[0].copy()  # numpy's own argmax down the rows takes several times as long
        for i in range(1, s):
            np.copyto(best, block[i], where=votes[i] > most)
            np.maximum(most, votes[i], out=most)
        m = best.astype(np.float32)
        values = block.astype(np.float32)
        values += ~counted * np.float32(AWAY)
        w = np.empty_like(values)
        for reach in (MODE_REACH, 0.5 * (MODE_REACH + fine), fine, fine):
            np.abs(np.subtract(values, m, out=w), out=w)
            w /= np.float32(reach)
            cv2.threshold(np.subtract(1, w, out=w), 0, 0, cv2.THRESH_TOZERO, dst=w)
            total = w.sum(0)
            w *= values
            m = np.where(total > 0, w.sum(0) / np.maximum(total, 1e-6), m)
        value[a : a + size] = m
        np.abs(np.subtract(values, m, out=w), out=w)
        agree[a : a + size] = (w < fine).sum(0, dtype=np.uint8) / np.maximum(kept[a : a + size], 1)
    return value, agree
