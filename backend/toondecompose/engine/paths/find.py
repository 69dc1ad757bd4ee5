"""Finding every coherent rigid motion of a shot: camera, parallax planes, rigid sprites.

Method: textured points and dense flow (field), following one coherent layer after another (follow), a temporal-mode
mosaic per layer and Gauss-Newton of every frame to it (mosaic, align), saved bits as the one currency that decides
between seeds, motion models and layers (search), and a last Gauss-Newton near full resolution (refine).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toondecompose.formats.errors import UserError

from ..clip import FrameSource
from ..types import LayerPath
from .candidate import Candidate, measured
from .even import NEAR, evened
from .exchange import rejoined
from .field import Field, build_field
from .flow import Flow, flow_between
from .groups import MODELS, NAMES
from .refine import GrayFrames, final_width, ownership, recanvassed, refined
from .search import followed_on, pruned, search, simplest, together, whole

ONCE_MORE = 2  # times at most that a straightened path is measured again, on the mosaic that it makes
FIELD_PART, SEARCH_PART = 0.2, 0.6  # shares of the progress bar; the rest is the refinement


def find_paths(source: FrameSource, count: int | None, *, motion_model: str = "auto", seed: int = 0,
               device: str = "cpu", progress: Callable[[float], None] | None = None,
               cancelled: Callable[[], bool] | None = None, flow: Flow = flow_between) -> list[LayerPath]:
    """All coherent rigid motions of a shot, the one that explains most first; at least one.

    source: the shot's frames. count: number of layers asked for (background included) or None; only bounds the search.
    motion_model: 'auto' (the simplest that explains) or the model that every path gets. device: accepted for symmetry
    with the other stages; this stage runs on the host. progress: called with 0..1. cancelled: asked often; when it
    says True the search stops and what was found so far is returned unrefined. flow: DIS flow, or a learned one.

    Paths may be motions of one drawing or a coincidence as well as planes: LayerPath.gain is the share of the clip's
    texture bits that a path's mosaic saves, and a later stage decides. Same bytes for the same input and seed.
    """
    if motion_model != "auto" and motion_model not in MODELS:
        raise UserError(f"Motion model {motion_model!r} is not one of auto, {', '.join(MODELS)}.")
    stop = cancelled or (lambda: False)

    def tick(part: float) -> None:
        if progress:
            progress(part)

    field = build_field(source, seed, keep=final_width(source.size), tick=lambda f: tick(FIELD_PART * f), flow=flow)
    found = search(field, count, motion_model, np.random.default_rng(seed),
                   lambda f: tick(FIELD_PART + SEARCH_PART * f), stop)
    if not found:
        return [_still(field, motion_model)]
    found = [found[k] for k in pruned(found, field)]
    if not stop():
        found = followed_on(found, field)
    if motion_model == "auto" and not stop():
        found = [simplest(c, found[:k] + found[k + 1 :], field) for k, c in enumerate(found)]
    if not stop():
        found = rejoined(found, field, together)
    paths = _final(found, source, field, seed, motion_model == "auto", tick, stop)
    # in a shot of one frame nothing is followed, and so nothing present
    return [path for path in paths if path.present.any()] or [_still(field, motion_model)]


def _still(field: Field, motion_model: str) -> LayerPath:
    """What is assumed where there is nothing to see: one picture, or no texture at all."""
    return LayerPath(np.tile(np.eye(3), (field.count, 1, 1)), np.ones(field.count, bool), field.count // 2,
                     "translation" if motion_model == "auto" else motion_model, 0.0)


def _even(H: np.ndarray, c: Candidate, owned: list[np.ndarray], frames: GrayFrames, field: Field, seed: int
          ) -> tuple[np.ndarray, Candidate]:
    """A translation H [T, 3, 3] (full-size px) and what it saves, on an even line where that saves more; and on the
    line that its frames then lie on, for the mosaic of a path that wandered was blurred."""
    shrink = np.diag([field.scale, field.scale, 1.0])

    def straightened(H: np.ndarray, c: Candidate, near: float) -> tuple[np.ndarray, Candidate] | None:
        line = evened(H, c.present, c.ref, near)
        even = None if line is None else measured(shrink @ line @ np.linalg.inv(shrink), c.ref, c.dof, field, box=c.box)
        return (line, even) if even is not None and even.gain >= c.gain else None

    for near in NEAR:
        found = straightened(H, c, near)
        for left in reversed(range(1 + ONCE_MORE)):
            if found is None:
                break
            H, c = found
            if left:
                found = straightened(refined(c, owned, frames, field, seed)[0], c, near)
    return H, c


def _final(found: list[Candidate], source: FrameSource, field: Field, seed: int, choose_model: bool,
           tick: Callable[[float], None], stop: Callable[[], bool]) -> list[LayerPath]:
    """Refines the paths near full resolution and drops those that turn out to be one motion."""
    found = [recanvassed(c, field) for c in found]
    frames = GrayFrames(source, final_width(source.size), field)
    owned = ownership(found, field)
    shrink = np.diag([field.scale, field.scale, 1.0])
    grow = np.linalg.inv(shrink)
    final, full = [], []
    for k, c in enumerate(found):
        H, dof = (grow @ c.H @ shrink, c.dof) if stop() else refined(c, owned[k], frames, field, seed, choose_model)
        checked = measured(shrink @ H @ grow, c.ref, dof, field, box=c.box)
        if checked and dof == 2:
            H, checked = _even(H, checked, owned[k], frames, field, seed)
        final.append(checked or c)
        full.append(H if checked else grow @ c.H @ shrink)
        tick(FIELD_PART + SEARCH_PART + (1 - FIELD_PART - SEARCH_PART) * (k + 1) / len(found))
    total = whole(field)
    out = []
    for k in sorted(pruned(final, field), key=lambda k: -final[k].gain):
        c = final[k]
        out.append(LayerPath(full[k], c.present, c.ref, NAMES[c.dof], c.gain / total))
    return out
