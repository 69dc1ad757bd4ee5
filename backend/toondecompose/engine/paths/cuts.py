"""Where a clip changes from one shot to another."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from ..clip import FrameSource

# Pictures are compared this small: a shot's layout survives, its lines and grain do not.
WIDTH = 64
# Two pictures of one shot keep most of their colours; a new shot brings others. Share of pixels, 0..1.
COLOURS_CHANGED = 0.35
# Correlation of the layouts at the best shift: one shot stays above it even in a fast pan, two shots lie below.
LAYOUT_KEPT = 0.75
# A cut is a single jump: this many times the change that is usual around it (fast action changes a lot all the time).
ABOVE_USUAL = 2.5
USUAL_REACH = 6  # frames to both sides
# A flash or a smear shorter than this many frames is part of its shot.
FLASH_FRAMES = 2
_COLOUR_BINS = 6  # per channel


def _thumbnail(frame: np.ndarray) -> np.ndarray:
    height = max(8, round(WIDTH * frame.shape[0] / frame.shape[1]))
    return cv2.resize(frame, (WIDTH, min(height, 2 * WIDTH)), interpolation=cv2.INTER_AREA)


def _colours(small: np.ndarray) -> np.ndarray:
    """Share of pixels per colour cell, blurred over neighbouring cells so that a fade's small change stays small."""
    bins = [_COLOUR_BINS] * 3
    count = cv2.calcHist([small], [0, 1, 2], None, bins, [0, 256] * 3).reshape(bins)
    for axis in range(3):
        padded = np.concatenate([count.take([0], axis), count, count.take([-1], axis)], axis)
        middle, low, high = (np.arange(_COLOUR_BINS) + o for o in (1, 0, 2))
        count = .5 * padded.take(middle, axis) + .25 * (padded.take(low, axis) + padded.take(high, axis))
    return count / max(count.sum(), 1e-9)


def _layout(small: np.ndarray) -> np.ndarray:
    """Spectrum of the picture without its mean, padded so that shifts do not wrap."""
    grey = small.astype(np.float64)
    grey -= grey.mean((0, 1))
    h, w = grey.shape[:2]
    return np.fft.rfft2(grey, (2 * h, 2 * w), axes=(0, 1))


def _layout_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Highest normalised correlation of two layouts over all shifts, 0..1; flat pictures count as equal."""
    size = (a.shape[0], 2 * (a.shape[1] - 1))
    product = np.fft.irfft2(a * b.conj(), size, axes=(0, 1)).sum(-1).max()
    energy = [np.fft.irfft2(x * x.conj(), size, axes=(0, 1))[0, 0].sum() for x in (a, b)]
    if min(energy) < 1.0:
        return 1.0
    return float(np.clip(product / np.sqrt(energy[0] * energy[1]), 0, 1))


def picture_change(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """How different two thumbnails are, uint8 RGB -> (share of colours changed, layout correlation)."""
    colours = 1.0 - float(np.minimum(_colours(a), _colours(b)).sum())
    return colours, _layout_correlation(_layout(a), _layout(b))


def _is_jump(change: tuple[float, float]) -> bool:
    colours, layout = change
    return layout < LAYOUT_KEPT and colours > COLOURS_CHANGED * (0.5 + layout)


def find_cuts(source: FrameSource) -> list[int]:
    """First frames (0-based) of every shot but the first.

    A cut changes colours and layout at once, much more than is usual around it, and for good: a flash returns.
    """
    small = [_thumbnail(source.read(t)) for t in range(source.count)]
    changes = [(0.0, 1.0)] + [picture_change(a, b) for a, b in pairwise(small)]
    strength = np.array([colours * (1 - layout) for colours, layout in changes])
    cuts: list[int] = []
    for t in range(1, len(small)):
        around = [strength[u] for u in range(max(1, t - USUAL_REACH), min(len(small), t + USUAL_REACH + 1)) if u != t]
        usual = float(np.median(around)) if around else 0.0
        if not _is_jump(changes[t]) or strength[t] < ABOVE_USUAL * usual:
            continue
        if any(not _is_jump(picture_change(small[t - 1], small[u]))
               for u in range(t + 1, min(len(small), t + FLASH_FRAMES + 1))):
            continue  # the old shot comes back
        if cuts and t - cuts[-1] <= FLASH_FRAMES and not _is_jump(picture_change(small[cuts[-1] - 1], small[t])):
            cuts.pop()  # the frames between were a flash
            continue
        cuts.append(t)
    return cuts
