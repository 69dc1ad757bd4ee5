"""What lies apart from a drawing and was hardly there: left over where the layers behind explain the frames badly."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.state import LayerState

# All shares of opacity are of the drawing's own, so that a ghost's wisps are judged like a wall's.
UNSEEN = 0.12  # peak opacity below which nobody sees a piece over whatever background
THIN = 0.4  # mean opacity: a drawn line or dot is its own colour in its middle, so even a px wide line has more
APART = 0.02  # of the frame's diagonal: hair tips, sparks and drops that belong to a drawing are nearer
FIRM = 0.5  # peak opacity of what is surely drawn, from which the distance counts
HOLLOW = 0.55  # mean opacity of a piece's middle: what is drawn is its own colour there, and only rims are soft
RIM = 2.0  # px: how wide the soft rim of what is drawn is; a thinner piece has no middle to judge
BIG = 0.02  # of the largest piece's mass (opacity times px), from which a piece is part of the drawing in any case


def residue(alpha: np.ndarray, size: tuple[int, int], apart: bool = True) -> np.ndarray:
    """Where a drawing holds specks that nobody sees and, with `apart`, thin veils far from everything that is drawn.

    alpha: uint8 [h, w] of a drawing. size: frame's (w, h), px. -> bool [h, w].

    A matte explains what no layer behind it does, also a gap between two planes that slide over each other: a veil
    somewhere, in one drawing and not in the next.
    """
    drawn = (alpha > 0).view(np.uint8)
    count, label, stats, _ = cv2.connectedComponentsWithStats(drawn, connectivity=8)
    out = np.zeros(alpha.shape, bool)
    if count < 3:  # what is clear, and one piece
        return out
    body = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    levels = np.bincount(alpha[label == body], minlength=256)
    own = _median_from(levels, UNSEEN * 255)
    at = np.flatnonzero((label != body).view(np.uint8) & drawn)  # the other pieces, few px
    of, opacity = label.reshape(-1)[at], alpha.reshape(-1)[at]
    mass = np.bincount(of, opacity.astype(np.float64), count)
    peak = np.zeros(count)
    np.maximum.at(peak, of, opacity)
    big = mass >= BIG * float(levels @ np.arange(256.0))
    big[[0, body]] = True
    gone = (peak < UNSEEN * own) & ~big
    if not apart:
        out.reshape(-1)[at] = gone[of]
        return out
    veil = (mass < THIN * own * stats[:, cv2.CC_STAT_AREA]) | (_middles(drawn, at, of, opacity, count) < HOLLOW * own)
    veil &= ~big & ~gone
    if veil.any():
        firm = (peak >= FIRM * own) & ~veil
        firm[body] = True
        away = cv2.distanceTransform((~firm).view(np.uint8).take(label), cv2.DIST_L2, 5)
        nearest = np.full(count, np.inf)
        np.minimum.at(nearest, of, away.reshape(-1)[at])
        gone |= veil & (nearest > APART * np.hypot(*size))
    out.reshape(-1)[at] = gone[of]
    return out


def _middles(drawn: np.ndarray, at: np.ndarray, of: np.ndarray, opacity: np.ndarray, count: int) -> np.ndarray:
    """Mean opacity of each piece without its rim, float [count], 0..255; full where a piece is no more than rim.

    drawn: uint8 [h, w], not 0 where any piece is. at: flat places of px; of: their pieces' numbers; opacity: theirs."""
    inner = cv2.distanceTransform(drawn, cv2.DIST_L2, 5).reshape(-1)[at] > RIM
    px = np.bincount(of[inner], minlength=count)
    mass = np.bincount(of[inner], opacity[inner].astype(np.float64), count)
    return np.where(px > 0, mass / np.maximum(px, 1), 255.0)


def drop_residue(state: LayerState, source: FrameSource) -> None:
    """Clear the residue of a layer's drawings. Planes keep what lies apart: a painting may have gaps of any width."""
    for drawing in state.drawings.values():
        gone = residue(drawing.picture[3].cpu().numpy(), source.size, apart=state.given.kind == "sprite")
        if gone.any():
            drawing.picture = drawing.picture * torch.from_numpy(~gone).to(drawing.picture.device)
            drawing.crop()
            drawing.shelve(source)


def _median_from(levels: np.ndarray, least: float) -> float:
    """The median of 8-bit values above some level, or that level where there are none. levels: how many of each."""
    levels = np.where(np.arange(256) > least, levels, 0).cumsum()
    return float(np.searchsorted(levels, levels[-1] / 2)) if levels[-1] else least
