"""Frames that show only a little of the sprite (entering, leaving, mostly hidden): which drawing, and where."""

from __future__ import annotations

import numpy as np

from .align import DOF, align
from .canvas import FINE_CAPS, Canvas, canvas_points, shift
from .compare import Difference, compare_drawings
from .patches import Patch

WEAK = 0.35  # of the usual visible area: less, and cut by the frame's edge or by something in front, is a remnant
STRAY = 4.0  # px: further off its path a remnant's measured place is not believed
ELSEWHEN = 0.3  # score that a drawing costs which neither the frame before nor the one after shows


def weak_frames(patches: list[Patch], size: tuple[int, int], hidden: bool) -> np.ndarray:
    """bool [n]: cut-outs too small to compare because the frame's edge, or something in front, cuts them.

    size: working (width, height). hidden: whether something in front is known of.
    """
    area = np.array([p.area for p in patches])
    usual = float(np.percentile(area, 90)) if len(area) else 0.0
    cut = np.array([touches(p, size) or (hidden and not p.valid.all()) for p in patches], bool)
    return cut & (area < WEAK * usual)


def touches(patch: Patch, size: tuple[int, int]) -> bool:
    """Does the sprite touch the frame's edge?"""
    x, y = (int(v) for v in patch.origin)
    h, w = patch.body.shape
    return bool((x == 0 and patch.body[:, 0].any()) or (y == 0 and patch.body[0].any())
                or (x + w == size[0] and patch.body[:, -1].any()) or (y + h == size[1] and patch.body[-1].any()))


def canvas_patch(canvas: Canvas) -> Patch:
    """A drawing's mean picture as a patch (to be compared with a frame)."""
    inside = (canvas.weight >= 0.75).astype(np.uint8)
    body = (canvas.weight > 0.1).astype(np.uint8)
    return Patch(-1, canvas.origin, np.zeros((0, 0, 3), np.uint8), canvas.smooth, inside, body, body)


def place_remnant(patch: Patch, canvases: list[Canvas], start: list[np.ndarray], near: set[int], model: str,
                  noise: float, threshold: float) -> tuple[int, np.ndarray]:
    """The drawing that explains a remnant best, and its place -> (index, canvas' own px -> frame px).

    patch: the frame's cut-out at full resolution. start: per drawing, own canvas -> frame, from the sprite's path.
    near: drawings shown just before or after.
    """
    best = (np.inf, min(near, default=0), start[min(near, default=0)])
    for d, canvas in enumerate(canvases):
        corner = canvas.origin
        H = shift(*-patch.origin) @ start[d] @ shift(*corner)
        picture = canvas_patch(canvas)
        tried = [H]
        points = canvas_points(canvas, 3000)
        # a few pixels cannot tell a turn or a change of size: only the shift is measured
        found, residual, agree = align(points, patch.smooth, patch.valid, H, min(2, DOF[model]), FINE_CAPS)
        centre = np.array([canvas.weight.shape[1] / 2, canvas.weight.shape[0] / 2, 1.0])
        moved = np.linalg.norm((found @ centre)[:2] / (found @ centre)[2] - (H @ centre)[:2] / (H @ centre)[2])
        if np.isfinite(residual) and agree > 0.3 and moved < STRAY:
            tried.insert(0, found)
        for m in tried:
            seen: Difference = compare_drawings(picture, patch, m, 0.5 * noise)
            score = seen.blob / threshold + (0.0 if d in near else ELSEWHEN)
            if score < best[0] - 1e-9:
                best = (score, d, shift(*patch.origin) @ m @ shift(*-corner))
    return best[1], best[2] / best[2][2, 2]
