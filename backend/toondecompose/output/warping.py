"""Placing one drawing in the picture: the quality renderer behind `place`, `recompose` and the metrics.

Pictures here are float32 [4, h, w], premultiplied, colour and alpha both 0..255: planes, because sums and products over
them are several times faster than over px of four channels.

Moves by whole px are exact copies, other moves are read through an exact separable kernel. Everything else is sampled
bicubically once per px; where the drawing shrinks, several times per px and averaged. Sampling several times where it
does not shrink was measured on drawings taken from frames and costs 1 to 5 dB: they are as soft as a px already.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..engine.shift import RENDERED, WHOLE_PX, Box, moved
from ..formats.conventions import centre_from_edge, corners, map_points, translation
from .patches import CACHED_ROWS, Patch, Slide, bounded

# canvas px per frame px from which a drawing counts as shrinking
SHRINKS = 1.25
# most samples per px and axis; drawings shrunk further alias a little
MAX_SAMPLES = 8
# rows of fine samples that are computed at a time: bounds memory, and stays in the processor's cache
_FINE_ROWS = 128
# the bicubic kernel reaches two px beyond the last one, and bleeds one px over an edge
_REACH = 2


def premultiply(rgba: np.ndarray) -> np.ndarray:
    """Straight RGBA uint8 [h, w, 4] -> premultiplied float32 [4, h, w], 0..255."""
    out = np.empty((4, *rgba.shape[:2]), np.float32)
    for plane, values in zip(out, cv2.split(rgba), strict=True):
        plane[:] = values
    share = out[3] / 255
    for plane in out[:3]:
        plane *= share
    return out


def straighten(pixels: np.ndarray) -> np.ndarray:
    """Premultiplied float32 [h, w, 4], 0..255 -> straight RGBA uint8; colour is 0 where alpha rounds to 0."""
    *colour, alpha = cv2.split(pixels)
    gain = 255 / np.maximum(alpha, 1e-3)
    alpha = np.rint(np.clip(alpha, 0, 255))
    shown = alpha > 0
    return cv2.merge([*((np.rint(np.clip(plane * gain, 0, 255)) * shown).astype(np.uint8) for plane in colour),
                      alpha.astype(np.uint8)])


def _shift(H: np.ndarray, canvas_size: tuple[int, int]) -> np.ndarray | None:
    """By how many px (x, y) H moves every px of a canvas; None where it does more than that."""
    points = corners(canvas_size)
    # not only the corners' places: a canvas turned by 180 degrees must not pass either, hence all four
    steps = map_points(H, points) - points
    return steps.mean(0) if np.ptp(steps, axis=0).max() < WHOLE_PX else None


def _depths(H: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ H[2, :2] + H[2, 2]


def _samples(H: np.ndarray, box: Box) -> int:
    """Samples per px and axis so that no canvas px is skipped anywhere in a box of the frame."""
    inverse = np.linalg.inv(H)
    x0, y0, x1, y1 = box
    most = 1.0
    for x, y in ((x0, y0), (x1, y0), (x0, y1), (x1, y1), ((x0 + x1) / 2, (y0 + y1) / 2)):
        p = inverse @ np.array([x, y, 1.0])
        if p[2] <= 1e-9:
            continue  # p[2] is 1 / depth: beyond the horizon
        jacobian = (inverse[:2, :2] - np.outer(p[:2] / p[2], inverse[2, :2])) / p[2]
        most = max(most, float(np.linalg.norm(jacobian, 2)))
    return 1 if most <= SHRINKS else min(MAX_SAMPLES, int(np.ceil(most)))


def _box(H: np.ndarray, canvas_size: tuple[int, int], size: tuple[int, int], extend: bool) -> Box:
    """The part of the frame that the canvas can touch; possibly empty."""
    width, height = size
    points = corners(canvas_size)
    if extend or _depths(H, points).min() <= 1e-9:
        return 0, 0, width, height
    mapped = map_points(H, points)
    low = np.clip(np.floor(mapped.min(0)) - _REACH, 0, [width, height]).astype(int)
    high = np.clip(np.ceil(mapped.max(0)) + _REACH, 0, [width, height]).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _shifted(canvas: np.ndarray, shift: np.ndarray, size: tuple[int, int], extend: bool) -> Patch | Slide | None:
    """A canvas that moves by `shift` px (x, y): copied where those are whole px."""
    (width, height), (ch, cw) = size, canvas.shape[1:]
    whole = np.rint(shift)
    rim = 0 if np.abs(shift - whole).max() < WHOLE_PX else _REACH
    dx, dy = (int(v) for v in (whole if rim == 0 else np.floor(shift)))
    box = (0, 0, width, height)
    if not extend:
        box = (max(0, dx - rim), max(0, dy - rim), min(width, cw + dx + rim + 1), min(height, ch + dy + rim + 1))
        if rim == 0:
            box = (box[0], box[1], min(width, cw + dx), min(height, ch + dy))
    if box[2] <= box[0] or box[3] <= box[1]:
        return None
    if rim == 0 and not extend:
        return Patch(box[0], box[1], canvas[:, box[1] - dy:box[3] - dy, box[0] - dx:box[2] - dx].copy())
    if not extend and not _clear_edge(canvas):  # beyond its edge there is nothing, and the kernel reaches there
        canvas = np.pad(canvas, ((0, 0), (rim, rim), (rim, rim)))
        shift = shift - rim
    if rim:
        return Slide(canvas, (float(-shift[0]), float(-shift[1])), box)
    back = (float(-whole[0]), float(-whole[1]))
    return Patch(box[0], box[1], moved(canvas, canvas.shape[:0:-1], back, box, RENDERED))


def _clear_edge(canvas: np.ndarray) -> bool:
    alpha = canvas[-1]
    return len(canvas) == 4 and not any(edge.any() for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))


def _sampled(canvas: np.ndarray, H: np.ndarray, box: Box, samples: int, extend: bool) -> np.ndarray:
    x0, y0, x1, y1 = box
    out = np.empty((len(canvas), y1 - y0, x1 - x0), np.float32)
    border = cv2.BORDER_REPLICATE if extend else cv2.BORDER_CONSTANT
    step = max(1, _FINE_ROWS // samples) if samples > 1 else y1 - y0
    zoom = np.diag([samples, samples, 1.0])
    for y in range(y0, y1, step):
        rows = min(step, y1 - y)
        M = centre_from_edge(zoom @ translation(-x0, -y) @ H)
        for plane, result in zip(canvas, out, strict=True):
            fine = cv2.warpPerspective(plane, M, ((x1 - x0) * samples, rows * samples), flags=cv2.INTER_CUBIC,
                                       borderMode=border)
            result[y - y0:y - y0 + rows] = fine if samples == 1 else cv2.resize(fine, (x1 - x0, rows),
                                                                                interpolation=cv2.INTER_AREA)
    return out


def render(canvas: np.ndarray, H: np.ndarray, size: tuple[int, int], extend: bool = False,
           samples: int | None = None) -> Patch | Slide | None:
    """Place a drawing in a frame -> the part that it touches, or None.

    canvas: premultiplied float32 [4, ch, cw], 0..255, or [3, ch, cw] where it is opaque throughout and goes on for
    ever. H: [3, 3], canvas px -> frame px, edge coordinates. size: (width, height) px of the frame. extend: repeat the
    canvas's border outwards (the farthest background). samples: samples per px and axis; None chooses by how much the
    drawing shrinks.
    """
    H = np.asarray(H, np.float64)
    canvas_size = (canvas.shape[2], canvas.shape[1])
    shift = _shift(H, canvas_size) if samples is None else None
    if shift is not None:
        return _shifted(canvas, shift, size, extend)
    box = _box(H, canvas_size, size, extend)
    x0, y0, x1, y1 = box
    if x1 <= x0 or y1 <= y0:
        return None
    pixels = _sampled(canvas, H, box, samples or _samples(H, box), extend)
    _hide_beyond_horizon(pixels, H, x0, y0)
    for top in range(0, pixels.shape[1], CACHED_ROWS):
        bounded(pixels[:, top:top + CACHED_ROWS])
    return Patch(x0, y0, pixels)


def _hide_beyond_horizon(pixels: np.ndarray, H: np.ndarray, x0: int, y0: int) -> None:
    """Clear the px that see the canvas from behind, where a strong perspective looks past the horizon."""
    row = np.linalg.inv(H)[2]  # its value at a frame px is 1 / depth
    height, width = pixels.shape[1:]
    ends = np.array([[x0, y0], [x0 + width, y0], [x0, y0 + height], [x0 + width, y0 + height]], np.float64)
    if (ends @ row[:2] + row[2]).min() > 0:
        return
    x, y = np.arange(width) + x0 + 0.5, np.arange(height) + y0 + 0.5
    pixels[:, (row[0] * x[None] + (row[1] * y + row[2])[:, None]) <= 0] = 0


def over(frame: np.ndarray, patch: Patch | Slide | None, opacity: float = 1.0,
         corner: tuple[int, int] = (0, 0)) -> None:
    """Composite a patch onto a frame, or a part of one whose top-left px is `corner` (x, y), in place: float32
    [3 or 4, h, w], premultiplied, 0..255, sRGB values."""
    if patch is None or opacity <= 0:
        return
    x, y = patch.x - corner[0], patch.y - corner[1]
    left, top, (bottom, right) = max(0, x), max(0, y), frame.shape[1:]
    planes = patch.rows(top - y, max(0, bottom - y))[:, :, left - x:max(0, right - x)]
    height, width = planes.shape[1:]
    if not height or not width:
        return
    part = frame[:, top:top + height, left:left + width]
    if len(planes) == 3 and opacity == 1:
        part[:3], part[3:] = planes, 255
        return
    black = len(frame) == 3 and patch.black
    for top in range(0, height, CACHED_ROWS):
        rows = slice(top, top + CACHED_ROWS)
        alpha = planes[3, rows] if len(planes) == 4 else np.float32(255)
        through = 1 - alpha * np.float32(opacity / 255)
        for k, plane in enumerate(part[:, rows]):
            plane *= through
            if black:
                continue
            colour = planes[k, rows] if k < len(planes) else alpha
            plane += colour if opacity == 1 else colour * np.float32(opacity)
