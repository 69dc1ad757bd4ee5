"""What lies behind a sprite before anything is matted: each plane's picture, gathered from frames along its motion.

Masks of a first segmentation hold background (gaps between limbs, strips along hair). Compared between two frames it
looks like a changed drawing; with the background's own picture at hand it is known for what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..segment.canvas import canvas_box
from ..tiles import strips
from ..types import LayerPath
from .pixels import as_bytes, pixels_of, place

Window = tuple[int, int, int, int]  # (x0, y0, x1, y1) px

MOST_FRAMES = 48  # of the clip gathered into a plane's picture: enough to see behind a sprite, whatever the length
SAME = 18.0  # grey levels within which two samples are one colour
COVERED = 0.25  # weight of a sample near a mask's edge, where masks hold strips of background; deeper ones have none
RIM = 8  # working px: how near
CLEAR = 1.0  # and from which it was seen outside the masks, or often
SEEN = 128  # mask level from which a plane is what a pixel shows
SURELY = 252  # of 255: all that a pixel is made of is known
KNOWN = 0.5  # summed weight from which a colour is believed: one clear sample, or two near a mask's edge


@dataclass
class Plane:
    """A plane's picture being gathered: two candidate colours per canvas pixel and how much weight each has.

    motion: float64 [T, 3, 3], canvas -> frame, working px. present: bool [T]. box: (x0, y0, x1, y1), canvas px.
    colour: float32 RGB [2, hc, wc, 3]. weight: float32 [2, hc, wc].
    """

    motion: np.ndarray
    present: np.ndarray
    box: tuple[int, int, int, int]
    colour: np.ndarray
    weight: np.ndarray


def start_planes(paths: Sequence[LayerPath], full: tuple[int, int], working: tuple[int, int],
                 asked: dict[int, Window] | None = None) -> list[Plane]:
    """Empty pictures for the planes' motions. full, working: (width, height) of the frames and of the masks. asked: the
    only windows of the frames behind which anybody will look, or None."""
    size = np.diag([working[0] / full[0], working[1] / full[1], 1.0])
    planes = []
    for path in paths:
        if not path.present.any():
            continue
        motion = size @ path.H @ np.linalg.inv(size)
        box = canvas_box(motion, path.present, working)
        if asked is not None:
            box = asked_part(box, motion, {t: window for t, window in asked.items() if path.present[t]})
        h, w = box[3] - box[1], box[2] - box[0]
        planes.append(Plane(motion, path.present, box, np.zeros((2, h, w, 3), np.float32),
                            np.zeros((2, h, w), np.float32)))
    return planes


def asked_part(box: Window, motion: np.ndarray, asked: dict[int, Window]) -> Window:
    """The part of a canvas box that frames show in the windows `asked`; at least a pixel of it.

    motion: float64 [T, 3, 3], canvas -> frame, px of the windows."""
    corners = []
    for t, (x0, y0, x1, y1) in asked.items():
        at = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]], np.float64) @ np.linalg.inv(motion[t]).T
        if (at[:, 2] < 1e-6).any():  # the horizon is in the window
            return box
        corners.append(at[:, :2] / at[:, 2:])
    if not corners:
        return box[0], box[1], box[0] + 1, box[1] + 1
    points = np.concatenate(corners)
    low = np.clip(np.floor(points.min(0)).astype(int) - 1, box[:2], np.array(box[2:]) - 1)
    high = np.clip(np.ceil(points.max(0)).astype(int) + 1, low + 1, box[2:])
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def gather(plane: Plane, frame: np.ndarray, covered: np.ndarray, t: int) -> None:
    """Add frame t to a plane's picture: a vote for the candidate of its colour, or against the weaker one.

    Source: the two-counter frequent-items summary (Misra and Gries, 1982), with weights.
    frame: uint8 RGB [hs, ws, 3]. covered: uint8 0/1 [hs, ws], where sprites are thought to be.
    """
    if not plane.present[t]:
        return
    hs, ws = frame.shape[:2]
    back = np.linalg.inv(plane.motion[t])
    corners = np.array([[0, 0, 1], [ws, 0, 1], [ws, hs, 1], [0, hs, 1]], np.float64) @ back.T
    if (corners[:, 2] < 1e-6).any():  # the horizon is in the frame
        return
    corners = corners[:, :2] / corners[:, 2:]
    x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int), plane.box[:2])
    x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int), plane.box[2:])
    if x1 <= x0 or y1 <= y0:
        return
    to_box = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1.0]]) @ back
    size = (int(x1 - x0), int(y1 - y0))
    colour = place(frame, to_box, size, repeat=True).astype(np.float32)
    # what a sprite covers is no sample, or a slow sprite would become its own background
    rim = covered & ~cv2.erode(covered, np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8))
    weight = place(np.where(covered > 0, np.float32(COVERED) * rim, np.float32(1)), to_box, size)
    weight[place(np.full((hs, ws), 255, np.uint8), to_box, size) < 250] = 0
    where = (slice(y0 - plane.box[1], y1 - plane.box[1]), slice(x0 - plane.box[0], x1 - plane.box[0]))
    colours, weights = (of[(slice(None), *where)] for of in (plane.colour, plane.weight))
    for rows in strips(weight.shape):
        _vote(colour[rows], weight[rows], *colours[:, rows], *weights[:, rows])


def _vote(colour: np.ndarray, weight: np.ndarray, first: np.ndarray, second: np.ndarray, strong: np.ndarray,
          weak: np.ndarray) -> None:
    """Add samples `colour` [h, w, 3] of a weight [h, w] to the candidates first and second, in place, of which strong
    and weak are the weights; all float32."""
    one = (like(colour, first) > 0) & (strong > 0)
    two = (like(colour, second) > 0) & (weak > 0) & ~one
    for mine, total, hit in ((first, strong, one), (second, weak, two)):
        add = weight * hit
        mean = cv2.blendLinear(colour, np.ascontiguousarray(mine), add, np.ascontiguousarray(total))
        put(mean, add > 0, mine)
        total += add
    other = ~(one | two)
    lost = other & (weak < weight)
    put(colour, lost, second)
    np.copyto(weak, np.where(lost, weight - weak, np.where(other, weak - weight, weak)))
    swap = pixels_of(weak > strong)
    first[swap], second[swap] = second[swap], first[swap]
    strong[swap], weak[swap] = weak[swap], strong[swap]


def like(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """uint8 [h, w], not 0 where two pictures float32 RGB [h, w, 3] show one colour."""
    below = float(np.nextafter(np.float32(SAME), np.float32(0)))
    return cv2.inRange(cv2.absdiff(one, two), (0.0,) * 3, (below,) * 3)


def put(source: np.ndarray, where: np.ndarray, target: np.ndarray) -> None:
    """Copy the pixels of `source` [h, w, 3] that `where` (bool [h, w]) names into `target`."""
    pixels = np.flatnonzero(where)
    if 4 * len(pixels) < where.size:
        y, x = np.divmod(pixels, where.shape[1])
        target[y, x] = source.reshape(-1, source.shape[2])[pixels]
    else:
        target[:] = cv2.copyTo(source, where.astype(np.uint8), np.ascontiguousarray(target))


def elsewhere(shown: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 0/1 [h, w] of `size` (width, height): where something else than the plane is seen. shown: uint8."""
    if shown.shape[::-1] != size:
        shown = cv2.resize(shown, size, interpolation=cv2.INTER_LINEAR)
    return (shown < SEEN).astype(np.uint8)


@dataclass
class Backdrop:
    """A plane's picture as gathered. motion, present, box: as in Plane. colour: uint8 RGB [hc, wc, 3]. known: uint8
    0/255 [hc, wc, 2], where the colour is believed, and where it was seen clear of masks."""

    motion: np.ndarray
    present: np.ndarray
    box: Window
    colour: np.ndarray
    known: np.ndarray


def gathered(plane: Plane) -> Backdrop:
    """The stronger candidate of every pixel."""
    weight = plane.weight[0]
    known = np.dstack([weight >= KNOWN, weight >= CLEAR]) * np.uint8(255)
    return Backdrop(plane.motion, plane.present, plane.box, as_bytes(plane.colour[0]), known)


def crop(plane: Backdrop, t: int, origin: np.ndarray, size: tuple[int, int], larger: int = 1
         ) -> tuple[np.ndarray, np.ndarray]:
    """The plane in a window of frame t -> (uint8 RGB [h, w, 3], known uint8 0..2 [h, w], 2 = seen clear of masks).

    origin: the window's corner. size: (width, height); both in px of which a working px has `larger`.
    """
    w, h = size
    if not plane.present[t]:
        return np.zeros((h, w, 3), np.uint8), np.zeros((h, w), np.uint8)
    to = np.array([[larger, 0, -origin[0]], [0, larger, -origin[1]], [0, 0, 1.0]]) @ plane.motion[t] @ np.array(
        [[1, 0, plane.box[0]], [0, 1, plane.box[1]], [0, 0, 1.0]])
    believed, clear = ((known > SURELY).view(np.uint8) for known in cv2.split(place(plane.known, to, size)))
    return place(plane.colour, to, size, repeat=True), believed + clear


def plate_at(plate, t: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The plate of frame t at (width, height) `size` -> (uint8 RGB, known uint8 0..255)."""
    picture, known = plate(t, size)
    picture = np.asarray(picture)
    if picture.dtype != np.uint8:
        picture = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    known = np.asarray(known).astype(np.uint8)
    known = known * np.uint8(255) if known.max(initial=0) <= 1 else known
    if picture.shape[1::-1] != size:
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        known = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    return picture, known
