"""The still picture behind a motion: frames laid on the layer's canvas, per pixel the value most of them agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .groups import apply

MODE_REACH = 36  # grey levels: values closer than this vote for each other (drawn fills differ by more)
ALIKE = 0.5  # of the finest kernel: samples that differ by no more all vote for each other
LARGEST = 6_000_000  # px: a canvas beyond this means a path that has run away,
SHARPNESS = -0.75  # of OpenCV's bicubic interpolation
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
    for m in H:
        g = np.linalg.inv(m)
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


@dataclass
class _Laid:
    """Where one frame of `shape` [h, w] lies on a canvas box.

    to: frame px -> px of its part, from centres, or the part's corner in frame px if it is merely moved. size: (w, h)
    of the part. where: the part in the box."""

    to: np.ndarray | tuple[float, float]
    size: tuple[int, int]
    where: tuple[slice, slice]
    shape: tuple[int, int]

    def valid(self, allowed: np.ndarray | None) -> np.ndarray:
        """uint8 of the part: 1 where the frame shows it (and allows it), else 0."""
        h, w = self.shape
        # a pixel half outside the frame repeats the border: it is still a sample of the border pixel
        if allowed is None and isinstance(self.to, tuple):
            x, y = (np.arange(n) + 0.5 + at for n, at in zip(self.size, self.to, strict=True))
            out = np.zeros(self.size[::-1], np.uint8)
            out[np.ix_((y > 0) & (y < h), (x > 0) & (x < w))] = 1
            return out
        mask = np.ones((h, w), np.uint8) if allowed is None else cv2.min(allowed, 1)
        return cv2.warpPerspective(mask, self._matrix(), self.size, flags=cv2.INTER_NEAREST,
                                   borderMode=cv2.BORDER_CONSTANT)

    def value(self, frame: np.ndarray) -> np.ndarray:
        """A frame uint8 [h, w] on the part."""
        if isinstance(self.to, tuple):
            return _shifted(frame, *self.to, self.size)
        return cv2.warpPerspective(frame, self._matrix(), self.size, flags=cv2.INTER_CUBIC,
                                   borderMode=cv2.BORDER_REPLICATE)

    def _matrix(self) -> np.ndarray:
        return _shift(-self.to[0], -self.to[1]) if isinstance(self.to, tuple) else self.to


def lay(shape: tuple[int, int], H: np.ndarray, box: Box) -> _Laid | None:
    """Where a frame of `shape` [h, w] lies on the canvas box, or None if it falls outside."""
    h, w = shape
    g = np.linalg.inv(H)
    corners = apply(g, np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64))
    x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int), box[:2])
    x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int), box[2:])
    if x1 <= x0 or y1 <= y0:
        return None
    moved = np.array_equal(g[:2, :2], np.eye(2)) and not g[2, :2].any()
    to = ((float(x0 - g[0, 2]), float(y0 - g[1, 2])) if moved
          else _shift(-0.5 - x0, -0.5 - y0) @ g @ _shift(0.5, 0.5))
    where = slice(y0 - box[1], y1 - box[1]), slice(x0 - box[0], x1 - box[0])
    return _Laid(to, (int(x1 - x0), int(y1 - y0)), where, shape)


def _shifted(frame: np.ndarray, x: float, y: float, size: tuple[int, int]) -> np.ndarray:
    """The part of `size` (w, h) of a picture uint8 whose corner is at x, y px, at most one px beyond it: bicubic as
    OpenCV's warps, of which a mere shift needs a fifth of the time."""
    kernels, corner = [], []
    for at in (x, y):
        whole = int(np.floor(at))
        corner.append(whole + 1)  # of the picture with its rim
        far = np.abs(np.arange(-1, 3) - (at - whole))
        kernels.append(np.where(far < 1, ((SHARPNESS + 2) * far - (SHARPNESS + 3)) * far * far + 1,
                                SHARPNESS * (((far - 5) * far + 8) * far - 4)).astype(np.float32))
    rim = cv2.copyMakeBorder(frame, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    out = cv2.sepFilter2D(rim, cv2.CV_8U, *kernels, anchor=(1, 1), borderType=cv2.BORDER_REPLICATE)
    return out[corner[1] : corner[1] + size[1], corner[0] : corner[0] + size[0]]


def build_mosaic(frames: Sequence[np.ndarray], H: np.ndarray, present: np.ndarray, samples: int = 16,
                 allowed: Sequence[np.ndarray] | None = None, fine: float = 12.0,
                 within: Box | None = None) -> Mosaic | None:
    """Temporal-mode mosaic of grey frames uint8 [T, h, w] under H [T, 3, 3] (canvas -> frame px).

    present: bool [T], frames that take part. samples: how many values per pixel are kept (a reservoir, so memory does
    not grow with the clip). allowed: per frame uint8 [h, w], not 0 where the pixel may be used. fine: grey
    levels, the kernel of the last mean-shift steps. within: the only part of the canvas that is wanted. None if the
    canvas has run away.
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
    seen = np.zeros((ch, cw), np.uint8)  # no more than 255: nobody asks for more
    # reservoir sampling: the c-th value of a pixel replaces a kept one with probability samples / (c + 1)
    slots = np.arange(len(use) + 1)
    later = np.random.default_rng(0).integers(0, np.maximum(slots, 1) + 1)
    slots = np.where(slots < samples, slots, later)
    for t in use:
        laid = lay((h, w), H[t], box)
        if laid is None:
            continue
        valid = laid.valid(None if allowed is None else allowed[t])
        n = seen[laid.where]
        counts = [c for c in range(int(n.min()), min(int(n.max()), 254) + 1) if slots[c] < samples]
        value = laid.value(frames[t]) if counts else None
        for c in counts:  # a handful: masked copies beat numbered ones by far
            cv2.copyTo(value, cv2.compare(n, c, cv2.CMP_EQ) & (valid * 255), stack[slots[c]][laid.where])
        seen[laid.where] = cv2.add(n, valid)
    value, agree = temporal_mode(stack.reshape(samples, -1), np.minimum(seen.ravel(), samples), fine)
    return Mosaic(value.reshape(ch, cw), seen, agree.reshape(ch, cw), box[:2])


def temporal_mode(stack: np.ndarray, kept: np.ndarray, fine: float) -> tuple[np.ndarray, np.ndarray]:
    """Per column of stack uint8 [s, n], of which the first kept [n] rows count: (mode [n], agreeing share [n])."""
    s, n = stack.shape
    value, agree = np.zeros(n, np.float32), np.zeros(n, np.float32)
    size = 1 << 14  # columns at a time: stays in the cache
    for a in range(0, n, size):
        block, number = stack[:, a : a + size], kept[a : a + size]
        live = (np.arange(s)[:, None] < number).astype(np.uint8) * np.uint8(255)
        low, high = (block | ~live).min(0), (block & live).max(0)
        # where all of them are alike, as in most of a still picture, their mean is what they agree on
        alike = (number > 0) & (high - low <= ALIKE * fine)
        total = (block & live).sum(0, dtype=np.uint16)
        value[a : a + size] = total / np.maximum(number, 1).astype(np.float32)
        agree[a : a + size] = number > 0
        unlike = np.flatnonzero(~alike & (number > 0))
        if len(unlike):
            unlike = np.resize(unlike, max(8, len(unlike)))  # OpenCV takes a row of four for one colour
            found = _mode(block.take(unlike, 1), live.take(unlike, 1), fine)  # in rows, as indexing leaves none
            value[a + unlike], agree[a + unlike] = found
    return value, agree


def _mode(block: np.ndarray, live: np.ndarray, fine: float) -> tuple[np.ndarray, np.ndarray]:
    """`temporal_mode` of columns of block uint8 [s, n], of which the samples count where live uint8 [s, n] is 255."""
    s = len(block)
    votes_type = np.uint8 if (s - 1) * MODE_REACH < 256 else np.uint16
    votes = np.zeros(block.shape, votes_type)
    for i in range(s):
        for j in range(i + 1, s):
            near = cv2.subtract(MODE_REACH, cv2.absdiff(block[i], block[j])).ravel()
            near &= live[j]
            near = near.astype(votes_type, copy=False)  # sums of two types cost many times as much
            votes[i] += near
            votes[j] += near
    mode, most = block[0].copy(), votes[0].copy()
    for i in range(1, s):
        more = cv2.bitwise_and(cv2.compare(votes[i], most, cv2.CMP_GT), live[i]).ravel()
        cv2.copyTo(block[i], more, mode)
        cv2.copyTo(votes[i], more, most)
    m, values = mode.astype(np.float32), block.astype(np.float32)
    values[live == 0] = np.inf  # farther than any kernel reaches
    w = np.empty_like(values)
    for reach in (MODE_REACH, 0.5 * (MODE_REACH + fine), fine, fine):
        np.abs(np.subtract(values, m, out=w), out=w)
        w *= np.float32(-1 / reach)
        w += 1
        np.maximum(0, w, out=w)
        total = w.sum(0)
        m = np.einsum("ij,ij->j", w, block) / np.maximum(total, 1e-6)
    near = np.abs(np.subtract(values, m, out=w), out=w) < fine
    return m, near.view(np.uint8).sum(0, dtype=np.uint8) / np.maximum((live >> 7).sum(0, dtype=np.uint8), 1)
