"""Which exposures are kept back from a drawing, and how well the drawings then predict them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.moments import View
from toondecompose.engine.matte.objective import recompose
from toondecompose.engine.matte.plates import frame_tensor
from toondecompose.engine.matte.resample import Box
from toondecompose.engine.matte.sharpen import sharpen_drawing
from toondecompose.engine.matte.state import Drawing, LayerState, place, view_around
from toondecompose.engine.matte.types import LayerToSolve

EVERY = 3  # every third exposure of a drawing is withheld
# Of them are enough for a figure: twice as many move it by a few tenths of a dB. Each costs solving its drawings.
MAX_FRAMES = 4
EDGE_BAND = 7  # px
NAMES = ("foreground", "edge_band", "frame")


def withheld_frames(layers: list[LayerToSolve]) -> list[int]:
    """Frames to keep back: every third exposure of each drawing that has three, at most MAX_FRAMES of them, spread over
    the shot; at least two of each drawing stay."""
    kept_back: set[int] = set()
    for layer in layers[1:]:
        if layer.kind == "background":
            continue
        for d in sorted({int(x) for x in layer.drawing if x >= 0}):
            frames = [t for t in range(len(layer.drawing)) if layer.drawing[t] == d and layer.masks[t].any()]
            if len(frames) < EVERY:
                continue
            free = [t for t in frames if t not in kept_back]
            for t in frames[1::EVERY]:
                if t not in kept_back and len(free) > 2:
                    kept_back.add(t)
                    free.remove(t)
    every = sorted(kept_back)
    if len(every) > MAX_FRAMES:
        every = [every[int(k)] for k in np.linspace(0, len(every) - 1, MAX_FRAMES).round()]
    return every


def nothing_predicted() -> dict:
    """The figures of a shot of which nothing could be withheld."""
    return {"frames": 0, **dict.fromkeys(NAMES)}


def sharpen_guesses(source: FrameSource, states: list[LayerState], guesses: Sequence[dict[int, Drawing]], steps: int,
                    device: str) -> None:
    """Sharpen what was solved without the withheld frames as the shot's own drawings are in the end, in place.

    states: back to front. guesses: for each of them, those of its drawings that were solved so."""
    for index, drawings in enumerate(guesses):
        def scene(t: int, box: Box, index: int = index) -> View:
            return view_around(states, index, t, box, None, source.size, device)

        for guess in drawings.values():
            if guess.picture is not None:
                sharpen_drawing(source, states[index], guess, scene, steps, device)


def figures(source: FrameSource, states: list[LayerState], back: Sequence[int], device: str,
            light: np.ndarray | None = None) -> dict:
    """How well layers, back to front, predict the frames `back`.

    light: float32 [h, w] 0..1, what a shade in front of them leaves of every px' levels; None: there is none.
    Returns {"frames": number of withheld frames, "foreground": dB over px the sprites cover, "edge_band": dB within
    7 px of their outlines, "frame": dB over all px}."""
    box = (0, 0, *source.size)
    error, count = dict.fromkeys(NAMES, 0.0), dict.fromkeys(NAMES, 0)
    for t in back:
        alpha = torch.zeros((source.size[1], source.size[0]), device=device)
        for state in states[1:]:
            top = place(state, t, box, device) if state.given.kind != "background" else None
            if top is not None:
                alpha = torch.maximum(alpha, top[3])
        body = (alpha > 0.5).float()
        near = torch.nn.functional.avg_pool2d(body[None, None], EDGE_BAND, 1, EDGE_BAND // 2)[0, 0]
        where = {"foreground": body > 0, "edge_band": (near > 0) & (near < 1), "frame": torch.ones_like(body) > 0}
        miss = (frame_tensor(source.read(t), device) - recompose(states, t, box, device).clamp(0, 255)).square()
        miss = miss.mean(0).cpu().numpy().astype(np.float64) * (1 if light is None else light**2)
        for name in NAMES:
            m = where[name].cpu().numpy()
            error[name] += float(miss[m].sum())
            count[name] += int(m.sum())
    psnr = {n: round(10 * math.log10(255**2 / max(error[n] / count[n], 1e-6)), 2) if count[n] else None for n in NAMES}
    return {"frames": len(back), **psnr}
