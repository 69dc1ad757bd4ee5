"""What the matting stage takes and gives. Plain records of arrays; no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from toondecompose.engine.types import SolvedLayer


@dataclass
class LayerToSolve:
    """One layer whose place on every frame is known and whose picture is wanted. Listed back to front.

    kind: 'background' (a plane; the first one is opaque) or 'sprite'.
    H: float64 [T, 3, 3], canvas -> frame, edge coordinates, full-resolution px.
    drawing: int [T], index of the distinct drawing, -1 where the layer is not shown; all 0 for a plane.
    masks: uint8 [T, hs, ws] at working size, how surely the layer is the VISIBLE one there (255 = sure).
    canvas_size: (width, height) px, only a hint: the solved canvas covers what the layer shows.
    sharpness: canvas px per px of the given canvas (2 = twice as fine), or None for the stage's own choice.
    """

    name: str
    kind: str
    H: np.ndarray
    drawing: np.ndarray
    masks: np.ndarray
    canvas_size: tuple[int, int] | None = None
    model: str = "homography"
    confidence: float = 1.0
    sharpness: float | None = None


@dataclass
class MatteResult:
    """The solved layers, back to front in `order` (indices into the list that was given), and how the solving went.

    objective_per_round: description length of the clip, bits per pixel, after each round (lower is better).
    report: plain numbers for the quality report.
    """

    layers: list[SolvedLayer]
    order: list[int]
    objective_per_round: list[float]
    report: dict = field(default_factory=dict)
