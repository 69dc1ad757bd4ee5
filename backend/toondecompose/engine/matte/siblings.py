"""Drawings that are the same but for a part: a figure that is held and talks, whose faces are drawings of their own.

A face that is shown for three frames has three backgrounds behind its outline, and perhaps all of its arm's colour. The
rest of the figure was shown in front of many more, on the other drawings: where two drawings' pictures agree, what one
of them shows around its outline tells about the other one's alpha, too.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.moments import Moments
from toondecompose.engine.matte.resample import translation
from toondecompose.engine.matte.state import LayerState

FEW = 6  # exposures; a drawing that has more is told well enough by its own
BORROWED = 8  # exposures of another drawing that are looked at, at most
SILHOUETTES = 0.92  # of both drawings' silhouettes together that both have
STEP = 4  # canvas px; silhouettes are compared on so coarse a grid
DIFFERS, BARE = 20.0, 6.0  # grey levels: from here on paint is another one; background differs enough to tell a share
ALIKE = 0.1  # of the figure may be another picture, lines that do not lie on each other included
AROUND = 13  # px around what differs that are not borrowed either

Shapes = dict[int, tuple[np.ndarray, np.ndarray]]


def silhouettes(state: LayerState, size: tuple[int, int]) -> Shapes:
    """Every drawing's silhouette in one of its exposures, and what that shows of the canvas: bool each, on a grid of
    STEP px. size: of the frames (w, h)."""
    boxes = np.array([drawing.box for drawing in state.drawings.values()])
    x0, y0 = boxes[:, :2].min(0).tolist()
    x1, y1 = boxes[:, 2:].max(0).tolist()
    out = {}
    for d, drawing in state.drawings.items():
        t = drawing.frames[len(drawing.frames) // 2]
        mask = state.given.masks[t]
        there = np.diag([mask.shape[1] / size[0], mask.shape[0] / size[1], 1.0]) @ state.H[t]
        there = there @ translation(x0, y0) @ np.diag([STEP, STEP, 1.0])
        out[d] = tuple(cv2.warpPerspective(one, there, ((x1 - x0) // STEP, (y1 - y0) // STEP),
                                           flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP) > 127
                       for one in (np.ascontiguousarray(mask), np.full_like(mask, 255)))
    return out


def siblings(state: LayerState, shapes: Shapes, d: int) -> list[list[int]]:
    """Exposures of drawings that may be the same as drawing d but for a part: those of the most exposed ones."""
    if len(state.drawings[d].frames) >= FEW:
        return []
    alike = []
    for other, (shape, shown) in shapes.items():
        together = shown & shapes[d][1]
        both = np.count_nonzero(shape & shapes[d][0] & together)
        if other != d and both > SILHOUETTES * np.count_nonzero((shape | shapes[d][0]) & together):
            alike.append(state.drawings[other].frames)
    most = max(alike, key=len, default=[])
    if len(most) <= len(state.drawings[d].frames):
        return []
    return [[most[k] for k in np.unique(np.linspace(0, len(most) - 1, BORROWED).round().astype(int))]]


def lend(mine: Moments, other: Moments, noise: float, reach: float) -> torch.Tensor | None:
    """Pool what another drawing's exposures show along the outline into a drawing's own, in place, where both are one
    -> bool [h, w], where that is; None for nowhere.

    noise: levels rms. reach: canvas px from the masks' outline in which alpha is open.
    """
    seen = (mine.n > 0.5) & (other.n > 0.5)
    n, m = mine.n.clamp(min=1e-6), other.n.clamp(min=1e-6)
    change, behind = mine.c / n - other.c / m, mine.b / n - other.b / m
    share = ((change * behind).sum(0) / ((behind * behind).sum(0) + BARE**2)).clamp(0, 1)
    left = (change - share * behind).abs().amax(0)  # one drawing changes by a share of its background's change
    body = (((mine.mask / n > 0.5) | (other.mask / m > 0.5)) & seen).cpu().numpy()
    differs = (left > DIFFERS + 5 * noise).cpu().numpy() & body
    if not body.any() or np.count_nonzero(differs) > ALIKE * np.count_nonzero(body):
        return None
    whole = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    same = cv2.dilate(whole, np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8)) == 0
    wide = np.ones((2 * round(reach) + 1,) * 2, np.uint8)
    figure = body.astype(np.uint8)
    rim = (cv2.dilate(figure, wide) > 0) & (cv2.erode(figure, wide) == 0)
    where = torch.from_numpy(same & rim).to(seen.device) & seen
    for name in ("n", "c", "b", "cb", "bb", "cc", "mask", "sure"):
        getattr(mine, name).add_(getattr(other, name) * where)
    mine.count += other.count
    return where
