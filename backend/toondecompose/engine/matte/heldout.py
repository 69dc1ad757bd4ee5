"""Solving a shot anew without some of its exposures, to see whether it predicts them: the plain way.

`solve` gives nearly the same figures for a fraction of the time, from its own sums (predict=True); its panorama has
seen the withheld frames, while its drawings have not. Tests compare the two.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.prediction import figures, nothing_predicted, sharpen_guesses, withheld_frames
from toondecompose.engine.matte.solve import SHARPEN_STEPS, run_rounds
from toondecompose.engine.matte.types import LayerToSolve
from toondecompose.engine.tiles import TILE


def _needed(layer: LayerToSolve, back: list[int]) -> LayerToSolve:
    """The layer with only those drawings that the withheld frames show: masks alone keep the others off the plate."""
    wanted = {int(layer.drawing[t]) for t in back}
    return replace(layer, drawing=np.where(np.isin(layer.drawing, list(wanted)), layer.drawing, -1))


def predict_withheld(source: FrameSource, layers: list[LayerToSolve], *, scale: float, device: str = "cpu",
                     tile: int = TILE, steps: int = SHARPEN_STEPS["standard"]) -> dict:
    """Solve panoramas and drawings without some of the exposures and predict those frames, in one round; steps: of
    sharpening the drawings.

    Returns the figures of prediction.figures; dB are None where nothing could be withheld. The placements,
    exposure sheet and masks are those of the whole clip.
    """
    back = withheld_frames(layers)
    if not back or source.count - len(back) < 2:
        return nothing_predicted()
    frames = [t for t in range(source.count) if t not in set(back)]
    layers = [layers[0], *(_needed(layer, back) for layer in layers[1:])]
    loop, *_ = run_rounds(source, layers, frames, scale, 1, device, None, None, tile)
    for state in loop.states[1:]:
        for drawing in state.drawings.values():
            drawing.frames = [t for t in drawing.frames if t in frames]
    sharpen_guesses(source, loop.states, [{}, *(state.drawings for state in loop.states[1:])], steps, device)
    return figures(source, loop.states, back, device)
