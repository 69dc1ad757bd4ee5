"""The sprite-from-sprite loop: mattes weigh the panoramas, the panoramas are the mattes' known backgrounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch

from toondecompose.engine.clip import FrameSource
from toondecompose.engine.matte.alpha import Cutout, cut_out
from toondecompose.engine.matte.complete import complete_drawings
from toondecompose.engine.matte.enough import ENOUGH, enough_for, spread
from toondecompose.engine.matte.fill import fill_unseen
from toondecompose.engine.matte.finish import solved_plate, solved_sprite
from toondecompose.engine.matte.gaps import Region, judge, motion_odds
from toondecompose.engine.matte.marks import above, below, middle_of, places_of, taken
from toondecompose.engine.matte.moments import Exposure, Moments, View, add, asked_parts, empty_moments, exposure
from toondecompose.engine.matte.objective import description_length, order_votes, voted_order
from toondecompose.engine.matte.opacity import fit_opacity
from toondecompose.engine.matte.plates import QUIET, noise_of, panorama_gauge, solve_plate
from toondecompose.engine.matte.prediction import figures, nothing_predicted, sharpen_guesses, withheld_frames
from toondecompose.engine.matte.prepare import fill_pinholes, prepare_sprite
from toondecompose.engine.matte.resample import Box
from toondecompose.engine.matte.residue import drop_residue
from toondecompose.engine.matte.scenery import paint_plate
from toondecompose.engine.matte.settled import is_settled, plate_changes
from toondecompose.engine.matte.sharpen import sharpen_drawing, sharpen_plate
from toondecompose.engine.matte.siblings import lend, siblings, silhouettes
from toondecompose.engine.matte.state import Drawing, LayerState, view_around
from toondecompose.engine.matte.types import LayerToSolve, MatteResult
from toondecompose.engine.matte.walls import close_walls
from toondecompose.engine.matte.weights import WeightOf, by_masks, by_mattes, open_squares
from toondecompose.engine.tiles import TILE

# back-projection steps after the last round: the first gains most of it, more amplify noise
SHARPEN_STEPS = {"preview": 0, "standard": 1, "best": 2}
MASK_ERROR = 1.5  # working px by which the segmentation's outlines may be wrong
FADES = 5.0  # residual variance inside a drawing, relative to the noise, from which its opacity may change over time
FADE_STEPS = 3
# Exposures from which gaps are followed once more behind a draft, which has followed what its masks had closed: what
# finer outlines tell beyond it is no news where one or two exposures show them, and costs as much again.
FOLLOWED_FROM = 3
WORTH_A_ROUND = 0.02  # share of the description length that the last round must have saved for another one


@dataclass
class Loop:
    """What the rounds share. layers and states: back to front. frames: those that may be looked at.
    scale: working px per full-resolution px. noise: levels. enough: looks at a plane's px. tile: canvas px worked on at
    once. draft: no draft went before. withheld: frames that are to be predicted. guesses: of the states by their
    number, the drawings that they show, solved without them."""

    source: FrameSource
    layers: list[LayerToSolve]
    states: list[LayerState]
    frames: list[int]
    scale: float
    device: str
    tick: Callable[[float], None]
    tile: int = TILE
    draft: bool = True
    withheld: Sequence[int] = ()
    noise: float = QUIET
    enough: float = ENOUGH
    guesses: dict[int, dict[int, Drawing]] = field(default_factory=dict)


def solve(source: FrameSource, layers: list[LayerToSolve], *, scale: float, rounds: int = 3, quality: str = "standard",
          seed: int = 0, device: str = "cpu", progress: Callable[[float], None] | None = None,
          cancelled: Callable[[], bool] | None = None, tile: int = TILE, predict: bool = False,
          noise: float | None = None, light: np.ndarray | None = None, ordered: bool = False) -> MatteResult:
    """Solve every layer's pictures.

    layers: back to front; layers[0] is the opaque background. scale: working px per full-resolution px of the masks.
    rounds: most rounds of the sprite-from-sprite loop (one with quality 'preview'); it stops when a round no longer
    shortens the description of the clip. seed is not used: nothing here is random. progress(fraction 0..1).
    cancelled() is asked between frames; when it says yes, InterruptedError is raised. tile: canvas px that are
    worked on at once. predict: report how well drawings that were solved without some of their exposures predict them
    ("held_out", see prediction.py). noise: of the frames at the masks' size, levels rms, if it was measured.
    light: float32 [h, w] 0..1, what a shade in front leaves of their levels. ordered: the order given is certain."""
    rounds = 1 if quality == "preview" else rounds
    everything = list(range(source.count))
    loop, order, objective, votes, predicted = run_rounds(
        source, layers, everything, scale, rounds, device, progress, cancelled, tile,
        withheld_frames(layers) if predict else (), noise, SHARPEN_STEPS[quality], light, ordered)
    steps = SHARPEN_STEPS[quality]
    if steps:
        if len(objective) == rounds:  # the last mattes have not weighed the panorama yet
            _solve_background(loop, None)
        sharpen_plate(source, loop.states[0], _background_weight(loop, None), steps, device, loop.tick)
        for index, state in enumerate(loop.states[1:], 1):
            for drawing in state.drawings.values():
                sharpen_drawing(source, state, drawing, _scene(loop, index, None), steps, device)
                loop.tick(1.0)
    if quality != "preview":  # a draft only weighs masks
        for state in loop.states[1:]:
            drop_residue(state, source)
        close_walls(loop.states, source, source.rest)
    completed = [complete_drawings(state, source.size, source.rest) for state in loop.states[1:]]
    if quality == "preview":  # nobody looks at it, and a soft guess hides nothing from what is solved next
        plate = loop.states[0].plate
        plate.colour = fill_unseen(plate.colour, plate.weight > 0)
    else:
        paint_plate(loop.states, source.size, source.rest)
    stds = [d.std for state in loop.states[1:] for d in state.drawings.values() if d.std > 0]
    alpha_std = round(float(np.median(stds)), 4) if stds else None
    solved = [solved_plate(loop.states[0])] + [solved_sprite(state, source.shelve) for state in loop.states[1:]]
    report = {"noise": round(loop.noise, 3), "order_votes": votes.tolist(), "completed_px": completed,
              "alpha_std": alpha_std}
    if predict:
        report["held_out"] = predicted
    return MatteResult(solved, order, objective, report)


def run_rounds(source: FrameSource, layers: list[LayerToSolve], frames: list[int], scale: float, rounds: int,
               device: str, progress: Callable[[float], None] | None, cancelled: Callable[[], bool] | None,
               tile: int = TILE, withheld: Sequence[int] = (), noise: float | None = None, steps: int = 0,
               light: np.ndarray | None = None, ordered: bool = False
               ) -> tuple[Loop, list[int], list[float], np.ndarray, dict]:
    """The loop itself -> (final state, depth order of `layers`, objective per round, order votes, how well withheld
    frames were predicted by drawings sharpened in so many steps, in the levels that `light` leaves)."""
    parts, done = rounds * len(layers) + 1, 0

    def tick(fraction: float) -> None:
        if cancelled and cancelled():
            raise InterruptedError("cancelled")
        if progress:
            progress(min(1.0, (done + fraction) / parts))

    layers = [layers[0], *(replace(layer, masks=source.shelve(fill_pinholes(layer.masks))) for layer in layers[1:])]
    G, canvas = panorama_gauge(layers[0].H, range(source.count), source.size)
    states = [LayerState(layers[0], layers[0].H @ G, canvas, 1.0, opacity=np.ones(source.count))]
    states += [prepare_sprite(layer, source.size, None, _in_front(layers, k)) for k, layer in enumerate(layers) if k]
    loop = Loop(source, list(layers), states, frames, scale, device, tick, tile, not steps, withheld)
    if noise is not None:  # averaging to the masks' size has taken away at most so much of it
        loop.enough = enough_for(max(QUIET, noise / scale))
    predicted = nothing_predicted()
    order = list(range(len(layers)))
    objective: list[float] = []
    votes = np.zeros((len(layers), len(layers)), np.int64)
    for number in range(rounds):
        before = states[0].plate
        _solve_background(loop, _masks_in_front(loop, 0) if number == 0 else None)
        changes = None if before is None else plate_changes(before, states[0].plate)
        done += 1
        for index in range(1, len(loop.states)):
            _solve_layer(loop, index, _masks_in_front(loop, index) if number == 0 else None, changes)
            done += 1
        objective.append(description_length(source, loop.states, loop.noise, device))
        if number == 0:
            votes = order_votes(source, loop.states, device, draft=loop.draft)
            order = order if ordered else voted_order(votes)
            loop.layers = [layers[k] for k in order]
            loop.states = [states[k] for k in order]
            if withheld:
                guesses = [loop.guesses.get(k, {}) for k in order]
                guessed = [replace(s, drawings={**s.drawings, **g}) for s, g in zip(loop.states, guesses, strict=True)]
                sharpen_guesses(source, guessed, guesses, steps, device)
                predicted = figures(source, guessed, withheld, device, light)
                loop.withheld = ()
                loop.guesses.clear()
        if number and objective[-1] > objective[-2] * (1 - WORTH_A_ROUND):
            break
    return loop, order, objective, votes, predicted


def _masks_in_front(loop: Loop, index: int) -> np.ndarray | None:
    """What the layers in front cover by their masks, uint8 [T, hs, ws], grown by one working px; None for no layers."""
    covered = _in_front(loop.layers, index)
    if covered is None:
        return None
    kernel = np.ones((3, 3), np.uint8)
    return np.stack([cv2.dilate(mask, kernel) for mask in covered])


def _in_front(layers: list[LayerToSolve], index: int) -> np.ndarray | None:
    """uint8 [T, hs, ws]: what the layers in front of one cover by their masks; None where it is the foremost."""
    in_front = layers[index + 1:]
    if not in_front:
        return None
    covered = in_front[0].masks.copy()
    for layer in in_front[1:]:
        np.maximum(covered, layer.masks, out=covered)
    return covered


def _background_weight(loop: Loop, hidden: np.ndarray | None) -> WeightOf:
    """How surely a frame's px show the background: from the masks `hidden`, or else from the mattes."""
    if hidden is not None:
        return by_masks(hidden, loop.source.size, loop.device)
    return by_mattes(loop.states, loop.source.size, loop.device)


def _solve_background(loop: Loop, hidden: np.ndarray | None) -> None:
    state = loop.states[0]
    plate = solve_plate(loop.source, state.H, state.size, _background_weight(loop, hidden), loop.frames, loop.noise,
                        loop.device, loop.tick, loop.tile, loop.enough)
    loop.noise = noise_of(plate)
    plate.colour = fill_unseen(plate.colour, plate.weight > 0)
    state.plate = plate


def _scene(loop: Loop, index: int, hidden: np.ndarray | None) -> Callable[[int, Box], View]:
    def scene(t: int, box: Box) -> View:
        return view_around(loop.states, index, t, box, None if hidden is None else hidden[t], loop.source.size,
                           loop.device)

    return scene


def _solve_layer(loop: Loop, index: int, hidden: np.ndarray | None, changes: np.ndarray | None = None) -> None:
    """Solve a layer's drawings. changes: where the plate is new since they were solved last, or None for the first
    time; the drawings that this does not touch stay as they are."""
    state = loop.states[index]
    scene = _scene(loop, index, hidden)
    usable = set(loop.frames)
    mask_px = MASK_ERROR / loop.scale * state.sharp
    # planes count as panorama: all their frames are one drawing
    sprite = state.given.kind == "sprite"
    withheld = set(loop.withheld) if sprite else set()
    enough = ENOUGH if sprite else loop.enough

    def exposures(drawing: Drawing, frames: list[int], known: Moments | None = None
                  ) -> Iterator[tuple[int, Exposure]]:
        for t in frames:
            if t not in usable:
                continue
            parts: list[Box | None] = [None]
            if known is not None:  # all that is shown, or only what is not yet known well enough
                shows = None if sprite else open_squares(loop.states[index:], hidden, t, loop.source.size)
                parts[:] = asked_parts(state.H[t], drawing.box, loop.source.size, known.n, enough, not sprite, shows)
            for part in parts:
                seen = exposure(loop.source, t, state.H[t], drawing.box, state.given.masks[t], scene, loop.device, part)
                if seen is not None:
                    yield t, seen

    def pooled(d: int, fraction: float) -> Cutout:
        drawing = state.drawings[d]
        moments = empty_moments(drawing.box, loop.device)
        borrowed = None
        cut = lambda: cut_out(moments, loop.noise, mask_px, tile=loop.tile, lined=sprite, borrowed=borrowed,  # noqa: E731
                              follow=loop.draft or moments.count >= FOLLOWED_FROM, firm=not loop.draft)
        later = [t for t in drawing.frames if t in withheld]
        for frames in ([t for t in drawing.frames if t not in withheld], later):
            if frames is later and later:
                guess = Drawing(drawing.box, [t for t in drawing.frames if t not in withheld])
                if moments.count:
                    guess.keep(cut())
                    guess.crop()
                    guess.shelve(loop.source)
                loop.guesses.setdefault(index, {})[d] = guess
            for t, seen in exposures(drawing, spread(frames, enough), moments):
                add(moments, seen, float(state.opacity[t]))
                loop.tick(fraction)
        for frames in siblings(state, shapes, d) if sprite else ():
            more = empty_moments(drawing.box, loop.device)
            for t, seen in exposures(drawing, frames, more):
                add(more, seen, float(state.opacity[t]))
            borrowed = lend(moments, more, loop.noise, 2 * mask_px + 4)
        return cut()

    shapes = silhouettes(state, loop.source.size) if sprite and len(state.drawings) > 1 else {}
    asked: list[tuple[Drawing, Region, Box, float]] = []
    for done, (d, drawing) in enumerate(state.drawings.items()):
        if changes is not None and is_settled(loop.states, index, drawing, changes):
            continue
        cut = pooled(d, done / len(state.drawings))
        if cut.misfit > FADES:  # the same drawing, but not equally visible on all its frames
            for _ in range(FADE_STEPS):
                state.opacity[drawing.frames] = fit_opacity(cut, exposures(drawing, drawing.frames), drawing.frames,
                                                            state.opacity)
                cut = pooled(d, done / len(state.drawings))
        elif cut.through:  # translucent throughout: opaque paint whose opacity is less
            state.opacity[drawing.frames] *= 1 - cut.through
            cut = pooled(d, done / len(state.drawings))
        drawing.keep(cut)
        seen = [t for t in drawing.frames if t in usable]
        plane = loop.states[0].H
        asked += [(drawing, q, drawing.box,
                   motion_odds(loop.source, q, drawing.box, seen, state.H, plane, cut.spread)) for q in cut.questions]
        drawing.crop()
        open_px = places_of(above(cut.alpha, 0.02) & below(cut.alpha, 0.98))
        drawing.std = middle_of(taken(cut.std, open_px)) if len(open_px) else 0.0
        drawing.shelve(loop.source)
    for (drawing, region, box, _), gap in zip(asked, judge([q[1:] for q in asked]), strict=True):
        if gap:
            _open(drawing, region, box)


def _open(drawing: Drawing, region: Region, box: Box) -> None:
    """Clear a region of a drawing and the blends at its rim. box: the drawing's when the region was found."""
    mask = cv2.dilate(np.pad(region.mask, 1).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    left = box[0] + region.corner[0] - 1 - drawing.box[0]
    top = box[1] + region.corner[1] - 1 - drawing.box[1]
    _, h, w = drawing.picture.shape
    x0, y0, x1, y1 = max(0, left), max(0, top), min(w, left + mask.shape[1]), min(h, top + mask.shape[0])
    if x1 > x0 and y1 > y0:
        part = torch.from_numpy(mask[y0 - top:y1 - top, x0 - left:x1 - left]).to(drawing.picture.device)
        drawing.picture[:, y0:y1, x0:x1] *= ~part
