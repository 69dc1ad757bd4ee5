"""Exposure sheets as numbers: pure Python and numpy, no bpy.

A sheet is two arrays: the frames where a drawing begins (rising) and the drawings' numbers (0 shows nothing). Each
drawing is held until the next key. Operations take a sheet and give a new one; outside the frames that they name,
what is shown stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..scene.channels import EMPTY_CEL

# Blender takes a frame this close before a key for the key's own
_ON_KEY = 1e-4


@dataclass(frozen=True)
class Sheet:
    """frames float64 [n] rising, numbers int64 [n]."""

    frames: np.ndarray
    numbers: np.ndarray

    def at(self, frame: float) -> int:
        """The drawing shown at a frame; before the first key it is the first key's."""
        if not len(self.frames):
            return EMPTY_CEL
        k = int(np.searchsorted(self.frames, frame + _ON_KEY, side="right")) - 1
        return int(self.numbers[max(k, 0)])

    def between(self, first: int, last: int) -> np.ndarray:
        """int64 [last - first + 1]: the drawings on whole frames, both ends included."""
        return np.array([self.at(f) for f in range(first, last + 1)], np.int64)

    def exposure_of(self, frame: float) -> tuple[float, float | None]:
        """(frame where the drawing at `frame` begins, frame where the next one does or None)."""
        k = max(0, int(np.searchsorted(self.frames, frame + _ON_KEY, side="right")) - 1)
        return float(self.frames[k]), float(self.frames[k + 1]) if k + 1 < len(self.frames) else None


def splice(sheet: Sheet, first: int, numbers: np.ndarray) -> Sheet:
    """Put drawings on the frames first, first + 1, ...; what was shown after them begins again behind."""
    numbers = np.asarray(numbers, np.int64)
    if not len(numbers):
        return sheet
    after = first + len(numbers)
    changes = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    before, later = sheet.frames < first - _ON_KEY, sheet.frames > after + _ON_KEY
    frames = np.concatenate([sheet.frames[before], first + changes, [after], sheet.frames[later]])
    shown = np.concatenate([sheet.numbers[before], numbers[changes], [sheet.at(after)], sheet.numbers[later]])
    return tidy(Sheet(frames.astype(np.float64), shown.astype(np.int64)), keep=float(first))


def tidy(sheet: Sheet, keep: float | None = None) -> Sheet:
    """Without keys that repeat the drawing before them; the key at frame `keep` stays."""
    wanted = np.concatenate([[True], sheet.numbers[1:] != sheet.numbers[:-1]])
    if keep is not None:
        wanted |= np.abs(sheet.frames - keep) < _ON_KEY
    return Sheet(sheet.frames[wanted], sheet.numbers[wanted])


def expose(sheet: Sheet, frame: int, number: int, length: int = 0) -> Sheet:
    """Show a drawing from a frame on: for `length` frames, or (0) until the next key."""
    if length:
        return splice(sheet, frame, np.full(length, number))
    here = np.abs(sheet.frames - frame) < _ON_KEY
    frames = np.concatenate([sheet.frames[~here], [frame]])
    order = np.argsort(frames, kind="stable")
    return Sheet(frames[order], np.concatenate([sheet.numbers[~here], [number]])[order])


def hold(sheet: Sheet, frame: int, length: int, push: bool) -> Sheet:
    """Hold the drawing at a frame for `length` frames from there. push: later drawings move later instead of being
    covered."""
    number = sheet.at(frame)
    if not push:
        return splice(sheet, frame, np.full(length, number))
    end = sheet.exposure_of(frame)[1]
    if end is None:
        return sheet
    moved = sheet.frames >= end - _ON_KEY
    return Sheet(np.where(moved, sheet.frames + (frame + length - end), sheet.frames), sheet.numbers)


def restep(sheet: Sheet, first: int, last: int, step: int) -> Sheet:
    """Put the frames first..last on ones, twos, threes, ...: each step keeps the drawing of its first frame."""
    dense = sheet.between(first, last)
    return splice(sheet, first, dense[np.arange(len(dense)) // step * step])


def reverse(sheet: Sheet, first: int, last: int) -> Sheet:
    """Play the frames first..last backwards."""
    return splice(sheet, first, sheet.between(first, last)[::-1])


def loop(sheet: Sheet, first: int, last: int, until: int) -> Sheet:
    """Repeat the cycle first..last behind itself, up to and including frame `until`."""
    cycle = sheet.between(first, last)
    count = until - last
    return splice(sheet, last + 1, np.resize(cycle, count)) if count > 0 else sheet


def swap(sheet: Sheet, one: int, other: int, first: int | None = None, last: int | None = None) -> Sheet:
    """Exchange two drawings, everywhere or on the frames first..last."""
    def exchanged(numbers: np.ndarray) -> np.ndarray:
        return np.where(numbers == one, other, np.where(numbers == other, one, numbers))

    if first is None or last is None:
        return Sheet(sheet.frames, exchanged(sheet.numbers))
    return splice(sheet, first, exchanged(sheet.between(first, last)))


def replace(sheet: Sheet, old: int, new: int) -> Sheet:
    """Show another drawing wherever `old` is shown."""
    return Sheet(sheet.frames, np.where(sheet.numbers == old, new, sheet.numbers))
