"""The sprite-from-sprite loop: mattes weigh the panoramas, the panoramas are the mattes' known backgrounds."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.alpha import cut_out
from toondecompose.engine.matte.finish import solved_plate, solved_sprite
from toondecompose.engine.matte.moments import View, add, empty_moments, exposure
from toondecompose.engine.matte.plates import QUIET, fill_unseen, noise_of, panorama_gauge, solve_plate
from toondecompose.engine.matte.resample import Box, resample
from toondecompose.engine.matte.sharpen import sharpen_drawing, sharpen_plate
from toondecompose.engine.matte.state import HIDES, LayerState, place, prepare_sprite, view_around
from toondecompose.engine.matte.types import LayerToSolve, MatteResult

# back-projection steps in the last round: the first gains most of it, more amplify noise
SHARPEN_STEPS = {"preview": 0, "standard": 1, "best": 2}
# weight of what is seen right beside a matte: enough where no frame shows it better, too little to matter elsewhere
BESIDE = 0.04
MASK_ERROR = 1.5  # working px by which the segmentation's outlines may be wrong


def hidden_by(masks: list[np.ndarray]) -> np.ndarray | None:
    """What a set of layers covers, uint8 [T, hs, ws], grown by one working px; None for no layers."""
    if not masks:
        return None
    kernel = np.ones((3, 3), np.uint8)
    return np.stack([cv2.dilate(np.maximum.reduce([m[t] for m in masks]), kernel) for t in range(len(masks[0]))])


def solve(source: FrameSource, layers: list[LayerToSolve], *, scale: float, rounds: int = 3, quality: str = "standard",
          seed: int = 0, device: str = "cpu", progress: Callable[[float], None] | None = None,
          cancelled: Callable[[], bool] | None = None) -> MatteResult:
    """Solve every layer's pictures.

    layers: back to front; layers[0] is the opaque background. scale: working px per full-resolution px of the masks.
    rounds: rounds of the sprite-from-sprite loop (fewer with quality 'preview'). progress(fraction 0..1). cancelled()
    is asked between frames; when it says yes, InterruptedError is raised.
    """
    rounds = 1 if quality == "preview" else rounds
    size, T = source.size, source.count
    H0 = layers[0].H
    G, canvas = panorama_gauge(H0, range(T), size)
    states = [LayerState(layers[0], H0 @ G, canvas, 1.0, opacity=np.ones(T))]
    states += [prepare_sprite(layer, size, None) for layer in layers[1:]]
    noise = QUIET
    steps = rounds * len(layers)
    done = 0

    def tick(fraction: float) -> None:
        if cancelled and cancelled():
            raise InterruptedError("cancelled")
        if progress:
            progress(min(1.0, (done + fraction) / steps))

    for number in range(rounds):
        sharpen = SHARPEN_STEPS[quality] if number == rounds - 1 else 0
        _solve_background(source, states, layers, number, noise, sharpen, device, tick)
        noise = noise_of(states[0].plate)
        done += 1
        for index in range(1, len(states)):
            hidden = hidden_by([layer.masks for layer in layers[index + 1:]]) if number == 0 else None
            _solve_layer(source, states, index, hidden, noise, scale, sharpen, device, tick)
            done += 1
    solved = [solved_plate(states[0])] + [solved_sprite(state) for state in states[1:]]
    return MatteResult(solved, list(range(len(layers))), [], {"noise": noise})


def _solve_background(source: FrameSource, states: list[LayerState], layers: list[LayerToSolve], number: int,
                      noise: float, sharpen: int, device: str, tick: Callable[[float], None]) -> None:
    size = source.size
    whole = (0, 0, *size)
    hidden = hidden_by([layer.masks for layer in layers[1:]]) if number == 0 else None

    def weight_of(t: int) -> torch.Tensor:
        if hidden is not None:
            hs, ws = hidden.shape[1:]
            small = torch.from_numpy(hidden[t].astype(np.float32) / 255).to(device)[None]
            cover = resample(small, np.diag([ws / size[0], hs / size[1], 1.0]), whole, smooth=False)[0]
        else:
            through = torch.ones((size[1], size[0]), device=device)
            for state in states[1:]:
                top = place(state, t, whole, device)
                if top is not None:
                    through = through * (1 - top[3])
            tight = (1 - HIDES * (1 - through)).clamp(0, 1)
            grown = -torch.nn.functional.max_pool2d(-tight[None, None], 3, 1, 1)[0, 0]
            return grown + BESIDE * (tight - grown)
        return (1 - HIDES * cover).clamp(0, 1)

    plate = solve_plate(source, states[0].H, states[0].size, weight_of, list(range(source.count)), noise, device, tick)
    states[0].plate = plate
    if sharpen:
        sharpen_plate(source, states[0], weight_of, sharpen, device, tick)
    plate.colour = fill_unseen(plate.colour, plate.weight > 0)


def _solve_layer(source: FrameSource, states: list[LayerState], index: int, hidden: np.ndarray | None, noise: float,
                 scale: float, sharpen: int, device: str, tick: Callable[[float], None]) -> None:
    state = states[index]

    def scene(t: int, box: Box) -> View:
        return view_around(states, index, t, box, None if hidden is None else hidden[t], source.size, device)

    for done, drawing in enumerate(state.drawings.values()):
        moments = empty_moments(drawing.box, device)
        for t in drawing.frames:
            view = exposure(source, t, state.H[t], drawing.box, state.given.masks[t], scene, device)
            if view is not None:
                add(moments, view)
            tick(done / len(state.drawings))
        cut = cut_out(moments, noise, MASK_ERROR / scale * state.sharp)
        drawing.cutout = cut
        drawing.premult = torch.cat([cut.colour * cut.alpha, cut.alpha[None]])
        if sharpen:
            sharpen_drawing(source, state, drawing, scene, sharpen, device)
