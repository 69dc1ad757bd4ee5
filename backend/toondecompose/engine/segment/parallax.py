"""Planes that slide with the camera at another rate than the background: far roofs, clouds.

They have no path of their own when they show too little texture for motion search, and would be left over as pieces of
sprites. What gives them away: under a fixed fraction of the background's slide they repeat over long gaps, where a
redrawn sprite does not. (Votes over the fraction, as the far planes of multiplane pans were found in practice.)
"""

from __future__ import annotations

import cv2
import numpy as np

from ..types import LayerPath

GAPS = (5, 11)  # frames; primes, so that cycles of drawings do not repeat at both
RATES = np.arange(0.1, 0.96, 0.05)
LEAST_SLIDE = 8.0  # px at labelling size between the compared frames, so that rates can be told apart
SAME = 9.0  # grey levels: repeats
OTHER = 14.0  # grey levels worse: does not repeat as background, or as standing still
LEAST_VOTES = 0.002  # of the frame's area, and
CLEAR_PEAK = 10  # times any other rate: coincidences spread over all rates
EVERY = 3  # frames: enough of them vote


def _shift(H: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """How the frame's centre moves, [T, 2] px."""
    centre = np.array([size[0] / 2, size[1] / 2, 1.0])
    middle = np.linalg.inv(H[len(H) // 2]) @ centre
    q = H @ middle
    return q[:, :2] / q[:, 2:]


def _errors(frames: np.ndarray, t: int, u: int, moves: np.ndarray) -> np.ndarray:
    """Blurred differences of frame t and frame u moved back by each of moves [n, 2] -> float32 [n, h, w]."""
    h, w = frames.shape[1:3]
    out = []
    for dx, dy in moves:
        there = cv2.warpAffine(frames[u], np.float32([[1, 0, -dx], [0, 1, -dy]]), (w, h), flags=cv2.INTER_LINEAR,
                               borderMode=cv2.BORDER_CONSTANT, borderValue=(255, 0, 255))
        red, green, blue = cv2.split(cv2.absdiff(frames[t], there))
        out.append(cv2.blur(cv2.max(cv2.max(red, green), blue).astype(np.float32), (5, 5)))
    return np.stack(out)


def _votes(frames: np.ndarray, shift: np.ndarray, loose: np.ndarray, rates: np.ndarray,
           gaps: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """Pixels of `loose` bool [T, h, w] that repeat at each rate, and how many could have voted."""
    votes = np.zeros(len(rates))
    asked = 0
    tried = np.concatenate([[0.0, 1.0], rates])
    for t in range(0, len(frames), EVERY):
        if loose[t].sum() < 20:
            continue
        for side in (-1, 1):
            at = [t + side * g for g in gaps]
            if min(at) < 0 or max(at) >= len(frames) or np.hypot(*(shift[at[0]] - shift[t])) < LEAST_SLIDE:
                continue
            e = np.maximum.reduce([_errors(frames, t, u, tried[:, None] * (shift[u] - shift[t])) for u in at])
            e = e[:, loose[t]]
            asked += e.shape[1]
            best = e[2:].argmin(0)
            good = (e[2:].min(0) < SAME) & (np.minimum(e[0], e[1]) > e[2:].min(0) + OTHER)
            votes += np.bincount(best[good], minlength=len(rates))
    return votes, asked


def parallax_paths(frames: np.ndarray, path: LayerPath, H: np.ndarray, left_over: np.ndarray) -> list[LayerPath]:
    """Planes that slide at a fixed fraction of the background's translation.

    frames: uint8 [T, h, w, 3] at labelling size. path: the background's, full size; H: the same at labelling size.
    left_over: bool [T, h, w], texture that no rigid layer explains. Returns paths at full size, or [].
    """
    if path.model != "translation" or len(frames) < 2 * GAPS[-1]:
        return []
    shift = _shift(H, frames.shape[2:0:-1])
    votes, asked = _votes(frames, shift, left_over, RATES, GAPS)
    if asked == 0:
        return []
    near = np.convolve(votes, [1, 1, 1], "same")
    peak = int(near.argmax())
    elsewhere = np.delete(votes, slice(max(0, peak - 2), peak + 3))
    if near[peak] < max(LEAST_VOTES * left_over[0].size, CLEAR_PEAK * elsewhere.max()):
        return []
    rate = float((RATES * votes)[max(0, peak - 1) : peak + 2].sum() / votes[max(0, peak - 1) : peak + 2].sum())
    fine = rate + np.arange(-0.04, 0.041, 0.01)
    counts, _ = _votes(frames, shift, left_over, fine, GAPS)
    counts = np.convolve(counts, [0.5, 1, 0.5], "same")
    rate = float(fine[counts.argmax()])
    moved = path.H.copy()
    moved[:, :2, 2] = rate * (path.H[:, :2, 2] - path.H[path.ref, :2, 2])
    return [LayerPath(moved, path.present.copy(), path.ref, "translation", path.gain * near[peak] / asked)]
