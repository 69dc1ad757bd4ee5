"""Soft skies behind a far plane: paintings without a line, that hardly move while everything before them slides.

Neither the search for motions nor votes over rates of sliding see them, for clouds differ by a few grey levels from
what is beside them. They are taken for a part of the farthest plane that has lines, and there they give themselves
away: what that plane should show there again does not repeat, by little but all over; under one slower rate it does.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from ..types import LayerPath
from .parallax import BLUR, EVERY, MOST_ASKED, STEP, difference_sums, rate, way, widest

GAPS = (7, 17, 29)  # frames: soft pictures tell only long ways apart
LEAST_SLIDE = 12.0  # px at labelling size that the plane slides on the sky between compared frames: a cloud's soft edge
RIM = BLUR // 2 + 1  # px along the frame's border, of which a difference looks at neighbours and interpolates
MARGIN = 7  # px across: other layers' outlines may be so wrong
LINE = 6  # grey levels from one px to the next: more is a line, which repeats nowhere but on itself
FAILS = 2.5  # grey levels, on average, and
FAILS_NOISE = 5.0  # times the noise from which on a picture does not repeat;
REPEATS = 0.5  # of that: up to there it does
MOST = 0.7  # of the pixels where the plane does not repeat that must repeat under one rate; of coincidences few do
LEAST_AREA = 0.005  # of all that is seen: patches of sky between roofs
LEAST_ASKED = 20  # px of a pair of frames
LEAST_PAIRS = 8  # of frames in which most repeat
CLEARER = 3.0  # times as many pixels of a part of the picture must be the sky's as the plane's, and
LEAST_SEEDS = 0.05  # of its area: much of a sky looks the same wherever it is
APART = 0.1  # of the way of the fastest plane, at least, between the plane and the sky
FINE = 0.01  # of that way: steps of the rate at last


def _there(mask: np.ndarray, move: np.ndarray) -> np.ndarray:
    """Which pixels of a frame another one's mask bool [h, w] covers when it is moved back."""
    back = np.float32([[1, 0, -move[0]], [0, 1, -move[1]]])
    return cv2.warpAffine(mask.astype(np.uint8), back, mask.shape[::-1], flags=cv2.INTER_NEAREST) > 0


def _steps(frame: np.ndarray) -> np.ndarray:
    """Grey levels from each pixel of a frame uint8 [h, w, 3] to the next ones: uint8 [h, w]."""
    wide = cv2.copyMakeBorder(frame, 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    red, green, blue = cv2.split(cv2.max(cv2.absdiff(frame, wide[1:, :-1]), cv2.absdiff(frame, wide[:-1, 1:])))
    return cv2.max(cv2.max(red, green), blue)


def _without_lines(frame: np.ndarray) -> np.ndarray:
    """Where a frame has no line near: bool [h, w]."""
    return cv2.dilate(_steps(frame), np.ones((BLUR, BLUR), np.uint8)) < LINE


def _failing(frames: np.ndarray, shift: np.ndarray, own: float, inner: np.ndarray, fails: float, every: int
             ) -> Iterator[tuple[int, int, np.ndarray]]:
    """Pairs of frames, and which pixels bool [h, w] of the first one do not repeat in the other one at the rate own."""
    for t in range(0, len(frames), every):
        for u in (t + side * gap for gap in GAPS for side in (-1, 1)):
            if not 0 <= u < len(frames):
                continue
            d = shift[u] - shift[t]
            if np.hypot(*d) * own < LEAST_SLIDE:
                continue
            here = inner[t] & _there(inner[u], own * d)
            if here.sum() >= LEAST_ASKED:
                here[here] = difference_sums(frames, t, u, own * d[None], here)[0] > fails
                yield t, u, here


def _repeating(frames: np.ndarray, d: np.ndarray, t: int, u: int, here: np.ndarray, inner: np.ndarray, r: float
               ) -> tuple[np.ndarray, np.ndarray]:
    """Which of the pixels `here` of frame t frame u would show of the same plane at the rate r, bool [h, w], and how
    much each of them differs (difference_sums)."""
    both = here & _there(inner[u], r * d)
    return both, difference_sums(frames, t, u, r * d[None], both)[0] if both.sum() >= LEAST_ASKED else np.empty(0)


def _grown(frame: np.ndarray, back: np.ndarray, sky: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """The parts of `back` between lines in which much was found to be the sky's and little the plane's: bool [h, w]."""
    _, part = cv2.connectedComponents((back & (_steps(frame) < LINE)).astype(np.uint8), connectivity=4)
    area, mine, other = (np.bincount(part[which], minlength=part.max() + 1) for which in (back, sky, plane))
    kept = (mine > CLEARER * other) & (mine > LEAST_SEEDS * area)
    kept[0] = False
    return kept[part]


def soft_sky(frames: np.ndarray, planes: list[LayerPath], scale: float, back: np.ndarray, noise: float
             ) -> tuple[LayerPath, np.ndarray] | None:
    """The sky that the farthest plane was given with its own -> (its path at full size, bool [T, h, w]: pixels that are
    surely the sky's), or None where there is none.

    frames: uint8 [T, h, w, 3] at labelling size; scale: that by full size. planes: their paths at full size, the
    farthest first. back: bool [T, h, w], what was given to that one. noise: of the frames, levels rms.
    """
    path = widest(planes)
    if path is None or planes[0].model != "translation":
        return None
    shift, own = way(path.H) * scale, rate(planes[0], path)
    fails = max(FAILS, FAILS_NOISE * noise) * BLUR**2
    inner = np.stack([(cv2.erode(one.astype(np.uint8), np.ones((MARGIN, MARGIN), np.uint8), borderValue=1) > 0)
                      & _without_lines(frame) for one, frame in zip(back, frames, strict=True)])
    # a difference at the border takes in what lies outside the other frame, and what is not seen repeats nowhere
    for side in (np.s_[:, :RIM], np.s_[:, -RIM:], np.s_[:, :, :RIM], np.s_[:, :, -RIM:]):
        inner[side] = False
    pairs = [pair for pair in _failing(frames, shift, own, inner, fails,
                                           max(EVERY, len(frames) // MOST_ASKED)) if pair[2].sum() >= LEAST_ASKED]
    if len(pairs) < LEAST_PAIRS:
        return None

    def asked(rates: np.ndarray) -> list[list[np.ndarray]]:
        return [[_repeating(frames, shift[u] - shift[t], t, u, here, inner, r)[1] for t, u, here in pairs]
                for r in rates]

    def share(sums: list[np.ndarray]) -> float:
        return float((np.concatenate(sums) < REPEATS * fails).mean()) if sum(map(len, sums)) else 0.0

    rates = np.arange(0.0, own - APART, STEP)
    if not len(rates):
        return None
    found = asked(rates)
    best = int(np.argmax([share(sums) for sums in found]))
    voters = sum(len(one) > 0 and (one < REPEATS * fails).mean() > MOST for one in found[best])
    if share(found[best]) < MOST or voters < LEAST_PAIRS:
        return None
    fine = rates[best] + np.arange(-STEP, STEP + FINE / 2, FINE)
    fine = fine[fine > -FINE / 2]
    sharp = float(fine[np.argmin([np.concatenate(sums).mean() for sums in asked(fine)])])
    seeds = np.zeros((2, *back.shape), bool)
    for side, (mine, other) in enumerate(((sharp, own), (own, sharp))):
        for t, u, here in _failing(frames, shift, other, inner, fails, 1):
            both, sums = _repeating(frames, shift[u] - shift[t], t, u, here, inner, mine)
            if len(sums):
                seeds[side, t][both] |= sums < REPEATS * fails
    sky = np.stack([_grown(*pair) for pair in zip(frames, back, *seeds, strict=True)])
    if sky.mean() < LEAST_AREA:
        return None
    moved = path.H.copy()
    moved[:, :2, 2] = sharp * (path.H[:, :2, 2] - path.H[path.ref, :2, 2])
    return LayerPath(moved, path.present.copy(), path.ref, "translation", path.gain * share(found[best])), sky
