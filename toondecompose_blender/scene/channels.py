"""From a sprite of a result to the curves of its action: which channel has which keys. numpy only, no bpy.

One action holds everything that is timed: location, rotation, scale, shear, opacity and the exposed drawing, so that
scaling keys, NLA strips and Stepped modifiers re-time the drawings together with the motion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import homography as hg

# custom properties; their names are what the Dope Sheet and the Graph Editor call the channels
DRAWING_NAME, OPACITY_NAME, SHEAR_NAME = "Drawing", "Opacity", "Shear"
DRAWING, OPACITY, SHEAR = (f'["{name}"]' for name in (DRAWING_NAME, OPACITY_NAME, SHEAR_NAME))
EMPTY_CEL = 0  # the drawing number that shows nothing; drawings count from 1, as on paper X-sheets
STILL_PX = 1e-3  # corners that move less than this, in frame px, stand still
_SAME = 1e-9  # below this, in units and radians, a channel is constant: float64 dust of the decomposition


@dataclass(frozen=True)
class Channel:
    """One f-curve: RNA path and array index, its group in the Dope Sheet, keys (frame, value), one interpolation."""

    path: str
    index: int
    group: str
    frames: np.ndarray
    values: np.ndarray
    interpolation: str  # 'CONSTANT' | 'LINEAR'


MOTION = [("location", i) for i in range(3)] + [("rotation_euler", i) for i in range(3)] + [
    ("scale", 0), ("scale", 1), (SHEAR, 0)]


def as_table(p: hg.Placement) -> np.ndarray:
    """A placement as float64 [T, 9], columns in the order of MOTION."""
    return np.concatenate([p.location, p.rotation, p.scale[:, :2], p.shear[:, None]], 1)


def from_table(table: np.ndarray) -> hg.Placement:
    """The inverse of as_table()."""
    scale = np.concatenate([table[:, 6:8], np.ones((len(table), 1))], 1)
    return hg.Placement(table[:, :3], table[:, 3:6], scale, table[:, 8])


def exposure_channel(exposure: Sequence[int | None], frame_start: float) -> Channel:
    """The exposure sheet as CONSTANT keys of drawing numbers; a key only where another drawing begins."""
    numbers = np.array([EMPTY_CEL if d is None else d + 1 for d in exposure], np.float64)
    keep = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    return Channel(DRAWING, 0, "Drawing", frame_start + keep, numbers[keep], "CONSTANT")


def opacity_channel(opacity: np.ndarray, frame_start: float) -> Channel:
    """Opacity, without the keys that lie on the line between their neighbours."""
    value = np.asarray(opacity, np.float64)
    bend = np.abs(value[:-2] - 2 * value[1:-1] + value[2:]) > 1e-6
    keep = np.flatnonzero(np.concatenate([[True], bend, [True]])) if len(value) > 1 else np.array([0])
    if np.ptp(value) < 1e-6:
        keep = keep[:1]
    return Channel(OPACITY, 0, "Opacity", frame_start + keep, value[keep], "LINEAR")


def steps_with_drawings(H: np.ndarray, numbers: np.ndarray, canvas: tuple[int, int]) -> bool:
    """Whether a sprite moves only when its drawing changes, and holds in between, as animation on twos does.

    Its keys must then hold too: a line drawn between two of them would slide a drawing through places that it never
    had.
    """
    if len(H) < 2:
        return False
    moved = hg.corner_error(H[1:], H[:-1], canvas) > STILL_PX
    changed = numbers[1:] != numbers[:-1]
    return bool(moved.any() and not (moved & ~changed).any() and (~moved & ~changed).any())


def motion_channels(table: np.ndarray, frames: np.ndarray, interpolation: str) -> list[Channel]:
    """Curves for the motion [n, 9] at the given frames; constant channels get a single key, an unused shear none."""
    out = []
    for column, (path, index) in enumerate(MOTION):
        values = table[:, column]
        still = np.ptp(values) < _SAME
        if path == SHEAR and still and abs(values[0]) < _SAME:
            continue
        keep = slice(0, 1) if still else slice(None)
        out.append(Channel(path, index, "Motion", frames[keep], values[keep], interpolation))
    return out


def sprite_channels(H: np.ndarray, exposure: Sequence[int | None], opacity: np.ndarray, canvas: tuple[int, int],
                    camera: hg.CameraModel, frame_start: float, simplify_px: float = 0.0) -> list[Channel]:
    """All curves of one sprite. H float64 [T, 3, 3]; exposure: 0-based drawing or None; opacity [T].

    simplify_px: fewest keys whose motion stays within this many px, at the canvas's corners; 0 keeps every frame's key.
    Frames on which the sprite is not shown say nothing about its motion and get no keys.
    Raises ValueError (args[1] = index of the frame) as homography.columns() does.
    """
    shown = np.array([t for t, d in enumerate(exposure) if d is not None], np.int64)
    if not len(shown):
        shown = np.array([0])
    numbers = np.array([EMPTY_CEL if exposure[t] is None else exposure[t] + 1 for t in shown])
    try:
        table = as_table(hg.decompose(H[shown], canvas, camera))
    except ValueError as error:
        raise ValueError(error.args[0], int(shown[error.args[1]])) from error
    if steps_with_drawings(H[shown], numbers, canvas):
        still = hg.corner_error(H[shown][1:], H[shown][:-1], canvas) <= STILL_PX
        keys, interpolation = np.flatnonzero(np.concatenate([[True], ~still])), "CONSTANT"
    elif simplify_px > 0:
        keys, table = simplified(table, shown.astype(np.float64), canvas, camera, simplify_px)
        interpolation = "LINEAR"
    else:
        keys, interpolation = np.arange(len(shown)), "LINEAR"
    return [*motion_channels(table[keys], frame_start + shown[keys], interpolation),
            opacity_channel(opacity, frame_start), exposure_channel(exposure, frame_start)]


def simplified(table: np.ndarray, frames: np.ndarray, canvas: tuple[int, int], camera: hg.CameraModel,
               tolerance_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Few keys for the motion [n, 9] given at frames [n]: (indices of the kept keys, the table that they hold).

    Between kept keys every channel runs in a straight line, and no canvas corner strays more than tolerance_px
    (frame px) from where the motion puts it. Each key reaches as far as it can, found by doubling and bisection.
    Channels that may stand still within the tolerance do.
    """
    target = hg.compose(from_table(table), canvas, camera)

    def error(part: slice, values: np.ndarray) -> float:
        return float(hg.corner_error(hg.compose(from_table(values), canvas, camera), target[part], canvas).max())

    table = table.copy()
    for column in range(table.shape[1]):
        # half the tolerance is for channels that stand still, half for the lines: both together stay within it
        trial = table.copy()
        trial[:, column] = (table[:, column].min() + table[:, column].max()) / 2
        if error(slice(None), trial) <= tolerance_px / 2:
            table = trial

    def fits(i: int, j: int) -> bool:
        u = ((frames[i:j + 1] - frames[i]) / (frames[j] - frames[i]))[:, None]
        return error(slice(i, j + 1), table[i] + u * (table[j] - table[i])) <= tolerance_px

    keys, last = [0], len(frames) - 1
    while keys[-1] < last:
        i, step = keys[-1], 1
        while i + step < last and fits(i, min(i + 2 * step, last)):
            step = min(2 * step, last - i)
        good, bad = min(i + step, last), min(i + 2 * step, last)
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if fits(i, middle) else (good, middle)
        keys.append(good)
    if len(keys) == 2 and np.abs(table[0] - table[-1]).max() < _SAME:
        keys = keys[:1]
    return np.array(keys), table
