"""Quality figures that need no truth."""

from __future__ import annotations

import cv2
import numpy as np

PERFECT_DB = 99.0  # reported for an exact match, so that means stay finite
ROUGHLY_DB = 30.0  # below this every eye sees that the layers are not the shot
GRAIN, MOST_GRAIN = 1.5, 12.0  # times the measured grain that a frame may be missed by; levels of it at most
NAMED = 6  # stretches of frames that a sentence names; of more it says how many


def frame_psnr(a: np.ndarray, b: np.ndarray, where: np.ndarray | None = None) -> float:
    """PSNR in dB of two uint8 pictures [h, w, 3], over the pixels of the bool map `where` [h, w] if given."""
    if where is not None:
        a, b = a[where], b[where]
    if a.size == 0:
        return PERFECT_DB
    error = cv2.norm(a, b, cv2.NORM_L2SQR) / a.size  # of bytes: an exact sum
    return PERFECT_DB if error == 0 else min(PERFECT_DB, 10 * np.log10(255**2 / error))


def least_level(grain: float, times: float = GRAIN) -> float:
    """From what PSNR on, dB, layers give a frame back at least roughly. grain: of the frames, levels rms; no layer has
    it, and a frame may be missed by so many `times` of it."""
    return min(ROUGHLY_DB, 20 * np.log10(255 / max(times * min(grain, MOST_GRAIN), 1.0)))


def low_frames(levels: list[float], first: int, grain: float = 0.0) -> str | None:
    """A sentence that names the frames that the layers do not give back; None if they give back all of them.

    levels: recomposition in dB, by frame. first: the first frame's number. grain: of the frames, levels rms."""
    low = [t for t, level in enumerate(levels) if level < least_level(grain)]
    if not low:
        return None
    runs = [[low[0], low[0]]]
    for t in low[1:]:
        if t > runs[-1][1] + 1:
            runs.append([t, t])
        runs[-1][1] = t
    names = [f"{first + a}" if a == b else f"{first + a} to {first + b}" for a, b in runs]
    if len(names) > NAMED:
        names[NAMED - 1:] = [f"{sum(b - a + 1 for a, b in runs[NAMED - 1:])} more"]
    which = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    one = len(low) == 1
    return (f"{'Frame' if one else 'Frames'} {which} {'is' if one else 'are'} not given back by the layers "
            f"({min(levels):.0f} dB at worst); look there first.")
