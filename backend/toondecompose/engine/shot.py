"""One shot (the frames between two cuts) through the stages: paths -> segment -> sheets -> mattes -> layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from .backdrop import flat_ground, ground_stands, painted_ground, shows_ground
from .checkpoints import Checkpoints, chain
from .clip import FrameSource
from .crumbs import drop_crumbs
from .dim import darkness, lit
from .doubt import doubt_what_stays
from .drawings.draft import expose_draft
from .drawings.expose import expose
from .empty import without_empty
from .hints import apply_hints, spread_hints
from .light_layer import light_layer
from .lights import find_lights, held_paths, without_lights
from .matte.draft import solve_draft
from .matte.solve import solve
from .matte.types import LayerToSolve, MatteResult
from .paths.find import find_paths
from .paths.flow import Flow, flow_between
from .segment import segment
from .shade import factor, find_shade, shade_layer, without_shade
from .slivers import continue_runs
from .strands import add_strands
from .tiles import or_on_the_host, with_smaller_tiles
from .types import ExposureSheet, LayerPath, Segmentation, SegmentedLayer, SolvedLayer
from .unhidden import keep_walls_whole
from .visible import picture_behind, shown_as, sprites_behind, visible_masks
from .whole import TOO_SHORT, recomposes, whole_frames

# A second pass over the sheet sees draft mattes instead of coarse masks; a third one has never changed a sheet.
SHEET_PASSES = 2
# Rounds of the last pass. The draft's mattes already weigh its panorama, so that a second round changes little.
ROUNDS = {"preview": 1, "standard": 1, "best": 2}
HELD = 48 * 2**20  # bytes of visible masks that stay in memory; a long shot's others lie on a shelf
# Of all pixels of a shot; below it a layer is a few specks: in a shot of 48 frames of 640 x 360, 4 x 5 px a frame.
LEAST_SHARE = 1e-4


@dataclass
class ShotSettings:
    """Everything that changes a shot's pixels besides its frames."""

    count: int | None
    motion_model: str = "auto"
    quality: str = "standard"
    seed: int = 0
    device: str = "cpu"
    hints: list[dict] = field(default_factory=list)
    read_mask: Callable[[str], np.ndarray] | None = None  # reads a hint's mask file -> uint8 [h, w]
    flow: Flow = flow_between
    flow_hash: str | None = None  # of the learned flow's weights


@dataclass
class ShotResult:
    """A shot's finished layers back to front, `unresolved` uint8 [hs, ws] or None, the report of its stages, and the
    grain of its frames, levels rms."""

    layers: list[SolvedLayer]
    unresolved: np.ndarray | None
    report: dict
    grain: float = 0.0


Stage = Callable[[str], Callable[[float], None]]


class Previews(Protocol):
    """Who is shown what is known so far (pipeline.py)."""

    def glimpse(self, source: FrameSource) -> None: ...
    def masks(self, source: FrameSource, segmentation: Segmentation) -> None: ...


def decompose_shot(source: FrameSource, settings: ShotSettings, checkpoints: Checkpoints, key: str, label: str,
                   stage: Stage, previews: Previews) -> ShotResult:
    """Run every stage. key: hash of frames and code. label: prefix of the checkpoints' names ('shot1-').

    stage(name) announces a stage and returns its progress function, which raises Cancelled once the job is cancelled.
    """
    common, given = {"seed": settings.seed, "device": settings.device}, source
    key = chain(key, settings.motion_model, settings.seed, settings.count, settings.flow_hash)
    report_paths = stage("paths")
    seen = without_empty(source, lambda fraction: report_paths(0.0))
    gain = darkness(seen)
    ground = flat_ground(seen, lambda fraction: report_paths(0.0))

    def looked_at(frames: FrameSource) -> FrameSource:
        """What motions and layers are looked for in."""
        frames = frames if ground is None else painted_ground(frames, ground, lights and lights.stands)
        return lit(frames, gain) if gain > 1 else frames

    lights = None
    seen = looked_at(seen)

    def paths_found() -> list[LayerPath]:
        previews.glimpse(source)
        return find_paths(seen, settings.count, motion_model=settings.motion_model, progress=report_paths,
                          flow=settings.flow, **common)

    paths: list[LayerPath] = checkpoints.stage(f"{label}paths", key, paths_found)
    even = None if ground is None else shows_ground(source, ground, lambda fraction: report_paths(1.0))
    lights = find_lights(source, paths, lambda fraction: report_paths(1.0), even)
    if lights is not None:
        source, paths = without_lights(source, lights, paths), held_paths(paths, lights)
        gain = darkness(source)
        seen = looked_at(source)
    steady = source  # in an even light
    shade = checkpoints.stage(f"{label}shade", key, lambda: find_shade(seen, paths))
    light = None if shade is None else factor(shade, source.size)
    if shade is not None:
        source = without_shade(source, shade)
        seen = looked_at(source)
    report_segment = stage("segment")
    segmentation: Segmentation = checkpoints.stage(
        f"{label}segment", key, lambda: or_on_the_host(
            lambda device: segment(seen, paths, settings.count, seed=settings.seed, device=device,
                                   progress=report_segment), settings.device))
    paths.clear()  # what the layers use of them they hold themselves
    if seen is not source:
        seen.close()
        segmentation = replace(segmentation, noise=segmentation.noise and segmentation.noise / gain)
    segmentation = _without_empty_layers(segmentation)
    corrections: list[dict] = []
    if settings.hints:
        segmentation, corrections = apply_hints(segmentation, settings.hints, source, settings.read_mask,
                                                (shade is not None) + (lights is not None))
    else:  # who says by hints what belongs together is not doubted
        segmentation = doubt_what_stays(segmentation)
    if ground is not None:
        segmentation = ground_stands(segmentation, source.size)
    previews.masks(source, segmentation)
    ordered = any(hint["kind"] == "order" for hint in settings.hints)  # who says it is not outvoted
    unresolved = segmentation.unresolved
    if unresolved is not None:  # where in a frame is enough from here on
        unresolved = unresolved.max(0)
        segmentation = replace(segmentation, unresolved=None)

    key = chain(key, settings.hints, settings.quality)
    masks = [layer.masks for layer in segmentation.layers]
    shelf = source.another_shelf(HELD)
    keep = (lambda array: array) if shelf is None else shelf.put
    sheets: list[ExposureSheet | None] = []
    solved = None
    for sheet_pass in range(SHEET_PASSES):
        report_sheet = stage("sheet")
        sheets = checkpoints.stage(
            f"{label}sheet{sheet_pass}", key,
            lambda found=segmentation, masks=masks, solved=solved, report=report_sheet, first=sheets: _expose_all(
                source, found, masks, solved, settings, report, first))
        if corrections and sheet_pass == 0:
            spread_hints(segmentation.layers, corrections, sheets, segmentation.scale)
        to_solve = [_layer_to_solve(layer, sheet, m)
                    for layer, sheet, m in zip(segmentation.layers, sheets, masks, strict=True)]
        report_matte = stage("matte")
        if sheet_pass + 1 < SHEET_PASSES:
            solved = checkpoints.stage(
                f"{label}matte{sheet_pass}", key,
                lambda layers=to_solve, noise=segmentation.noise, report=report_matte: with_smaller_tiles(
                    lambda tile: solve_draft(source, layers, progress=report, tile=tile, noise=noise, ordered=ordered,
                                             **common)))
        else:
            solved = None  # the draft has done its work; drawings are large
            solved = checkpoints.stage(
                f"{label}matte{sheet_pass}", key,
                lambda layers=to_solve, scale=segmentation.scale, noise=segmentation.noise,
                report=report_matte: with_smaller_tiles(
                    lambda tile: solve(source, layers, scale=scale, rounds=ROUNDS[settings.quality],
                                       quality=settings.quality, progress=report, tile=tile, predict=True,
                                       noise=noise, light=light, ordered=ordered, **common)))
        if solved.order != list(range(len(sheets))):  # votes in the overlaps found another depth order
            segmentation = replace(segmentation, layers=[segmentation.layers[k] for k in solved.order])
            sheets = [sheets[k] for k in solved.order]
        if sheet_pass + 1 < SHEET_PASSES:
            masks = visible_masks(solved.layers, source.size, masks[0].shape[1:], source.count, keep)
            redrawn = [k for k, layer in enumerate(segmentation.layers) if layer.kind == "sprite" and not layer.still]
            keep_walls_whole(solved.layers, [layer.masks for layer in segmentation.layers], masks,
                             [k for k in range(len(masks)) if k not in redrawn], source.size, source.rest)
            for mend in (drop_crumbs, add_strands):
                mend(source, solved.layers, masks, redrawn, lambda report=report_matte: report(1.0))
            # the coarse masks have done their work, and a long shot's are large
            to_solve.clear()
            segmentation = replace(segmentation, layers=[replace(layer, masks=mask) for layer, mask
                                                         in zip(segmentation.layers, masks, strict=True)])
    continue_runs(source, solved.layers)
    layers = [layer for k, layer in enumerate(solved.layers) if k == 0 or (layer.exposure >= 0).any()]
    notes = list(segmentation.notes)
    few = source.count <= TOO_SHORT and settings.count is None
    alone = len(layers) == 1 and settings.count != 1
    # layers that are asked for are given as well as they are found; but one plate alone is no layers at all
    grain = (segmentation.noise or 0.0) / segmentation.scale
    if (few or alone) and not recomposes(source, layers, grain):
        layers, unresolved = [whole_frames(source)], np.full(masks[0].shape[1:], 255, np.uint8)
        notes.append(f"{source.count} frames are too few to tell layers apart by motion; the shot is one layer"
                     if source.count <= TOO_SHORT else
                     "nothing in these frames moves as a whole; the shot is one layer, with its frames as drawings")
    if shade is not None:
        layers.append(shade_layer(shade, source.size, source.count))
        darkest = 1 - factor(shade, source.size).min()
        notes.append(f"a shade stays with the frame, like a vignette, up to {darkest:.0%} dark: a layer in front")
    if lights is not None:
        light_in_front = light_layer(lights, given, steady, lambda fraction: report_matte(1.0))
        if len(light_in_front.drawings):
            layers.append(light_in_front)
            notes.append(f"the light of the whole picture changes in {(light_in_front.exposure >= 0).sum()} frames: a "
                         "layer in front")
    if source is not given:
        source.close()
    report = {"objective_per_round": solved.objective_per_round, "notes": notes, **solved.report}
    return ShotResult(layers, unresolved, report, grain)


def _without_empty_layers(segmentation: Segmentation) -> Segmentation:
    """A layer that is the likelier one nowhere has nothing to solve; a note tells that something was looked for.

    The farthest plane goes too if a nearer plane covers it in every frame: a plate that no frame shows is black.
    """
    layers = segmentation.layers
    kept = [layer for layer in layers if (layer.masks > 127).mean() >= LEAST_SHARE]
    if not kept or kept[0].kind != "background":
        kept = [layers[0], *(layer for layer in kept if layer is not layers[0])]
    dropped = len(layers) - len(kept)
    notes = segmentation.notes + ([f"{dropped} layer(s) found no pixels of their own"] if dropped else [])
    return replace(segmentation, layers=kept, notes=notes)


def _expose_all(source: FrameSource, segmentation: Segmentation, masks: list[np.ndarray], solved: MatteResult | None,
                settings: ShotSettings, report: Callable[[float], None], first: list[ExposureSheet | None]
                ) -> list[ExposureSheet | None]:
    """The exposure sheet of every sprite; None for planes and set pieces, which are one drawing on a path.

    solved: the layers of the pass before, whose plates tell what shines through a translucent sprite. first: the sheets
    of the pass before.
    """
    sheets: list[ExposureSheet | None] = []
    layers = segmentation.layers
    known_layers = [] if solved is None else list(solved.layers)
    for k, layer in enumerate(layers):
        if layer.kind == "background" or layer.still:
            sheets.append(None)
            continue
        hidden = np.zeros_like(masks[k])
        for in_front in range(k + 1, len(layers)):
            np.maximum(hidden, masks[in_front], out=hidden)
        behind = [i for i, other in enumerate(layers) if other.path is not None and other.path.present.any()
                  and (other.kind == "background" or (i < k and (other.still or _one_drawing(sheets[i]))))]
        known = dict(path=layer.path, hidden=hidden, planes=[layers[i].path for i in behind],
                     shown=[masks[i] for i in behind], motion_model=settings.motion_model,
                     seed=settings.seed, noise=segmentation.noise,
                     progress=lambda f, k=k: report((k + f) / len(layers)))
        if solved is None:
            sheets.append(or_on_the_host(
                lambda device, k=k, known=known: expose_draft(source, masks[k], device=device, **known),
                settings.device))
        else:
            plate = picture_behind(known_layers, k, source.size)
            unsure = sprites_behind(known_layers, k, source.size, sheets)
            told = first[k] and first[k].told
            sheets.append(or_on_the_host(
                lambda device, k=k, known=known, plate=plate, told=told, unsure=unsure: expose(
                    source, masks[k], segmentation.scale, plate=plate, told=told, unsure=unsure, device=device,
                    **known),
                settings.device))
            known_layers[k] = shown_as(known_layers[k], sheets[k])
    return sheets


def _one_drawing(sheet: ExposureSheet | None) -> bool:
    """Whether a sheet that was found shows one drawing throughout: a plane that is painted, whatever its name."""
    return sheet is not None and len(np.unique(sheet.drawing[sheet.drawing >= 0])) == 1


def _layer_to_solve(layer: SegmentedLayer, sheet: ExposureSheet | None, masks: np.ndarray) -> LayerToSolve:
    if sheet is None:
        path = layer.path
        shown = np.zeros(len(path.H), int)
        if layer.kind != "background":
            shown[~path.present] = -1
        return LayerToSolve(name=layer.name, kind=layer.kind, H=path.H, drawing=shown,
                            canvas_size=None, masks=masks, model=path.model, confidence=layer.confidence)
    return LayerToSolve(name=layer.name, kind=layer.kind, H=sheet.H, drawing=sheet.drawing,
                        canvas_size=sheet.canvas_size, masks=masks, model=sheet.model, confidence=layer.confidence)
