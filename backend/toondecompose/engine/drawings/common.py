"""One canvas for all drawings of a sprite: where each drawing's own canvas lies on it, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from .align import DOF, Points, project
from .canvas import Canvas, canvas_points
from .gauge import Transition, choose_gauge
from .match import Book
from .patches import Patch
from .pixels import as_bytes, shift

MARGIN = 8  # full px around the drawings: room for soft edges
FEW = 3000  # points that a remnant is placed by


@dataclass
class Kept:
    """What is kept of a drawing once its exposures are placed: float pictures of hundreds of drawings fill memory.

    box: corners of what it covers, in its own canvas' px. picture: its mean, 8 bits, as a patch that frames are
    compared with, and points: those that they are placed by; both None where no frame is left to be placed.
    seen: callable (points of the own canvas [n, 2]) -> bool [n], whether any of its exposures shows what is there, the
    drawing or none of it; None: everywhere.
    """

    box: tuple[np.ndarray, np.ndarray]
    picture: Patch | None = None
    points: Points | None = None
    seen: Callable[[np.ndarray], np.ndarray] | None = None


def kept(canvas: Canvas, compared: bool, seen: Callable[[np.ndarray], np.ndarray] | None = None) -> Kept:
    """What is kept of a drawing. compared: frames are left that may show it. seen: see Kept."""
    if not compared:
        return Kept(box(canvas))
    inside = (canvas.weight >= 0.75).astype(np.uint8)
    body = (canvas.weight > 0.1).astype(np.uint8)
    return Kept(box(canvas), Patch(-1, canvas.origin, as_bytes(canvas.smooth), inside, body, body),
                canvas_points(canvas, FEW), seen)


def box(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Corners of what a drawing covers, in its own canvas' px."""
    x, y, w, h = cv2.boundingRect((canvas.weight > 0.5).view(np.uint8))
    if not w:
        return canvas.origin, canvas.origin + 1
    low, high = np.array([x, y]) + canvas.origin, np.array([x + w, y + h]) + canvas.origin
    if canvas.extent is not None:
        low, high = np.minimum(low, canvas.extent[0]), np.maximum(high, canvas.extent[1])
    return low, high


def common_canvas(drawing: np.ndarray, H: np.ndarray, drawings: list[Kept], changes: list[Transition], model: str,
                  rigid: bool) -> tuple[np.ndarray, list[np.ndarray]]:
    """Put all drawings on one canvas whose origin is the sprite's anchor.

    Returns (H common canvas -> frame, per drawing 3x3: common canvas -> own canvas).
    """
    boxes = [d.box for d in drawings]
    if rigid:
        middle = (np.min([b[0] for b in boxes], 0) + np.max([b[1] for b in boxes], 0)) / 2
        gauge = [shift(*middle) for _ in drawings]
    else:
        gauge = choose_gauge(drawing, H, np.array([(b[0] + b[1]) / 2 for b in boxes]), changes, DOF[model] >= 4)
    out = H.copy()
    for t in np.flatnonzero(drawing >= 0):
        out[t] = H[t] @ gauge[drawing[t]]
        out[t] /= out[t][2, 2]
    return out, gauge


def fit_canvas(H: np.ndarray, drawings: list[Kept], gauge: list[np.ndarray]) -> tuple[np.ndarray, tuple[int, int]]:
    """Move the common canvas' origin to the corner of the box that holds all drawings -> (H, (width, height))."""
    corners = []
    for d, g in zip(drawings, gauge, strict=True):
        low, high = d.box
        corners.append(project(np.linalg.inv(g), np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]],
                                                           [low[0], high[1]]], np.float64)))
    points = np.concatenate(corners)
    low, high = np.floor(points.min(0)) - MARGIN, np.ceil(points.max(0)) + MARGIN
    out = H @ shift(*low)
    return out / out[:, 2:, 2:], (int(high[0] - low[0]), int(high[1] - low[1]))


def transitions(book: Book, group: np.ndarray, to_frame: list[np.ndarray]) -> list[Transition]:
    """How the matching parts moved where the drawing changes."""
    out = []
    for (i, j), link in sorted(book.link.items()):
        a, b = book.patches[i].frame, book.patches[j].frame
        if i < j and group[i] != group[j] and b - a <= 2 and np.linalg.det(link) > 0:
            out.append(Transition(a, b, to_frame[j] @ link @ np.linalg.inv(to_frame[i]), float(book.fit[i, j])))
    return out
