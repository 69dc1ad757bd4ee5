"""The artist's hints: scribbles, boxes, masks, and orders to merge, split, reorder or keep something out of the plate.

A hint is never needed. It works in two steps. `apply_hints` puts it into the segmentation of its own frame, where a
graph cut (GrabCut, Rother et al. 2004) completes a scribble or a box to the region that the picture's own colours and
edges suggest. `spread_hints` then carries the corrected region through the exposure sheet: every frame that shows
the same drawing gets the same correction, placed by the sprite's transforms. Paths and the first segmentation do not
depend on hints, so their checkpoints stay valid and only sheets and mattes are solved again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import cv2
import numpy as np

from ..formats.errors import UserError
from .clip import FrameSource
from .types import ExposureSheet, Segmentation, SegmentedLayer

REGION_KINDS = ("scribble", "box", "mask", "never_background")
STRUCTURE_KINDS = ("merge", "split", "order")
DEFAULT_RADIUS_PX = 4.0  # half the width of a scribble's stroke when the hint does not say
GRABCUT_ROUNDS = 4  # colour models settle within a few rounds on flat cartoon colours


def check_hints(hints: list[dict], frames: int) -> None:
    """Raise UserError with one sentence if a hint cannot be understood."""
    for i, hint in enumerate(hints):
        kind = hint.get("kind")
        if kind not in (*REGION_KINDS, *STRUCTURE_KINDS):
            raise UserError(f"Hint {i + 1} has the kind {kind!r}; it must be one of "
                            f"{', '.join((*REGION_KINDS, *STRUCTURE_KINDS))}.")
        if kind in REGION_KINDS:
            if not isinstance(hint.get("sprite"), int) or hint["sprite"] < 0:
                raise UserError(f"Hint {i + 1} ({kind}) must name its sprite as a whole number, 0 for the background.")
            if not isinstance(hint.get("frame"), int) or not 0 <= hint["frame"] < frames:
                raise UserError(f"Hint {i + 1} ({kind}) is on frame {hint.get('frame')!r}, but the clip has the frames "
                                f"0 to {frames - 1}.")
            if not any(key in hint for key in ("points", "box", "mask")):
                raise UserError(f"Hint {i + 1} ({kind}) has neither points nor a box nor a mask.")
        elif not isinstance(hint.get("sprites"), list) or not hint["sprites"] or not all(
                isinstance(s, int) and s >= 0 for s in hint["sprites"]):
            raise UserError(f"Hint {i + 1} ({kind}) must list its sprites as whole numbers.")


def shot_hints(hints: list[dict], start: int, stop: int) -> list[dict]:
    """The hints of the shot with the frames start..stop-1, frames counted from its own beginning. Hints about the
    layers' structure belong to the first shot unless they name a frame."""
    chosen = []
    for hint in hints:
        frame = hint.get("frame", 0)
        if start <= frame < stop:
            chosen.append({**hint, "frame": frame - start})
    return chosen


def hint_region(hint: dict, size: tuple[int, int], out_shape: tuple[int, int],
                read_mask: Callable[[str], np.ndarray]) -> np.ndarray:
    """The pixels a region hint marks -> bool [hs, ws] at working size.

    size: the frame's (w, h); hint coordinates are edge coordinates in full-resolution px.
    read_mask(name) -> uint8 [h, w] of a hint's mask file.
    """
    hs, ws = out_shape
    scale = np.array([ws / size[0], hs / size[1]])
    region = np.zeros(out_shape, np.uint8)
    if "mask" in hint:
        mask = read_mask(hint["mask"])
        region |= (cv2.resize(mask, (ws, hs), interpolation=cv2.INTER_AREA) > 127).astype(np.uint8)
    if "box" in hint:
        x0, y0, x1, y1 = np.asarray(hint["box"], float) * np.tile(scale, 2)
        region[max(0, round(y0)):max(0, round(y1)), max(0, round(x0)):max(0, round(x1))] = 1
    if "points" in hint:
        points = np.round(np.asarray(hint["points"], float).reshape(-1, 2) * scale - 0.5).astype(np.int32)
        width = max(1, round(2 * float(hint.get("radius", DEFAULT_RADIUS_PX)) * scale[0]))
        cv2.polylines(region, [points.reshape(-1, 1, 2)], False, 1, width)
        for x, y in points:
            cv2.circle(region, (int(x), int(y)), max(1, width // 2), 1, -1)
    return region.astype(bool)


def apply_hints(segmentation: Segmentation, hints: list[dict], source: FrameSource,
                read_mask: Callable[[str], np.ndarray], in_front: int = 0) -> tuple[Segmentation, list[dict]]:
    """Put every hint into the segmentation -> (segmentation, corrections).

    corrections: one {"layer", "frame"} per frame whose mask of that layer was decided by a hint, for spread_hints.
    in_front: how many layers the result will have in front of these, a shade or a light over the whole picture. They
    are counted where hints count sprites, but have neither outline nor place in the order.
    """
    layers = [replace(layer, masks=layer.masks.copy()) for layer in segmentation.layers]
    corrections, added = [], {}
    for hint in hints:
        if hint["kind"] in REGION_KINDS:
            k = _sprite(layers, hint, len(segmentation.layers), in_front, added)
            corrections.append(_apply_region(layers, k, hint, source, read_mask))
    for hint in hints:
        if hint["kind"] == "split":
            layers = _split(layers, hint["sprites"][0])
    for hint in hints:
        if hint["kind"] == "merge":
            layers = _merge(layers, hint["sprites"])
    for hint in hints:
        if hint["kind"] == "order":
            layers = _reorder(layers, hint["sprites"], in_front)
    keep = {id(layer.masks) for layer in layers}
    corrections = [c for c in corrections if id(c["layer"].masks) in keep]
    for correction in corrections:
        correction["layer"] = next(k for k, layer in enumerate(layers) if layer.masks is correction["layer"].masks)
    return replace(segmentation, layers=layers), corrections


def _sprite(layers: list[SegmentedLayer], hint: dict, found: int, in_front: int, added: dict[int, int]) -> int:
    """Which of the layers a region hint means. By its name, if it says one: a result's numbers are of all its shots,
    and of the order that the mattes found. A sprite that nothing found is added, once for each number.

    found: layers before any hint. added: number in the hints -> layer, of those that hints have added."""
    name, k = re.sub(r"^shot\d+ ", "", hint.get("name", "")), hint["sprite"]
    for known in (name, re.sub(r"( b)+$", "", name)):  # hints mark regions before they split: a piece is yet its whole
        named = [i for i, layer in enumerate(layers) if layer.name == known]
        if named:
            return named[0]
    if k < found:
        return k
    if k < found + in_front:
        raise UserError(f"A hint marks sprite {k}, which is a light or a shade over the whole picture and has no "
                        f"outline; the sprites are 1 to {found - 1}, and {found + in_front} is a new one.")
    if k not in added:
        taken = {layer.name for layer in layers}  # where a layer found no px, numbers are left out
        new = next(f"sprite {i}" for i in count(len(layers)) if f"sprite {i}" not in taken)
        layers.append(SegmentedLayer(new, "sprite", None, np.zeros_like(layers[0].masks), 1.0))
        added[k] = len(layers) - 1
    return added[k]


def _apply_region(layers: list[SegmentedLayer], k: int, hint: dict, source: FrameSource,
                  read_mask: Callable[[str], np.ndarray]) -> dict:
    t, shape = hint["frame"], layers[0].masks.shape[1:]
    region = hint_region(hint, source.size, shape, read_mask)
    if hint["kind"] == "mask":
        wanted = region
    elif not region.any() and not (layers[k].masks[t] > 127).any():
        raise UserError(f"A {hint['kind']} hint for sprite {hint['sprite']} marks nothing inside the frame.")
    else:
        picture = cv2.resize(source.read(t), shape[::-1], interpolation=cv2.INTER_AREA)
        wanted = complete_region(picture, region, layers[k].masks[t] > 127, hint["kind"] == "box")
    _assign(layers, k, t, wanted, whole=hint["kind"] == "mask")
    return {"layer": layers[k], "frame": t}


def complete_region(picture: np.ndarray, region: np.ndarray, current: np.ndarray, is_box: bool) -> np.ndarray:
    """What a stroke or box means in one picture -> bool [hs, ws].

    picture: uint8 RGB. A stroke's pixels are certain and pull in what looks like them and is not fenced off by an
    edge; a box says that everything outside it is certainly not part of what it adds.
    """
    marks = np.where(current, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    if is_box:
        marks[~region & ~current] = cv2.GC_BGD
        marks[region] = cv2.GC_PR_FGD
    else:
        # far from the stroke nothing changes: a stroke is a local remark
        radius = max(8, picture.shape[1] // 12)
        reach = cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=radius)
        marks[(reach == 0) & ~current] = cv2.GC_BGD
        marks[region] = cv2.GC_FGD
    if not ((marks == cv2.GC_BGD) | (marks == cv2.GC_PR_BGD)).any():
        return current | region
    cv2.setRNGSeed(0)  # GrabCut's colour clusters start at random
    cv2.grabCut(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), marks, None, np.zeros((1, 65)), np.zeros((1, 65)),
                GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    return (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD) | (region & (not is_box))


def _assign(layers: list[SegmentedLayer], k: int, t: int, wanted: np.ndarray, whole: bool) -> None:
    """Give `wanted` to layer k in frame t and take it from the others; `whole`: it has nothing else there."""
    if whole:
        freed = (layers[k].masks[t] > 127) & ~wanted
        layers[k].masks[t][~wanted] = 0
        if k:
            layers[0].masks[t][freed] = 255
    for j, layer in enumerate(layers):
        layer.masks[t][wanted] = 255 if j == k else 0


def spread_hints(layers: list[SegmentedLayer], corrections: list[dict], sheets: list[ExposureSheet | None],
                 scale: float) -> None:
    """Carry corrected masks to every other exposure of the same drawing, in place."""
    for correction in corrections:
        k, t = correction["layer"], correction["frame"]
        sheet = sheets[k]
        if sheet is None or sheet.drawing[t] < 0:
            continue
        decided = {c["frame"] for c in corrections if c["layer"] == k}
        zoom = np.diag([scale, scale, 1.0])
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        for u in np.flatnonzero(sheet.drawing == sheet.drawing[t]):
            if u in decided:
                continue
            move = zoom @ sheet.H[u] @ np.linalg.inv(sheet.H[t]) @ np.linalg.inv(zoom)
            placed = cv2.warpPerspective(layers[k].masks[t], np.linalg.inv(half) @ move @ half,
                                         layers[k].masks.shape[:0:-1])
            _assign(layers, k, int(u), placed > 127, whole=True)


def _merge(layers: list[SegmentedLayer], sprites: list[int]) -> list[SegmentedLayer]:
    chosen = sorted(set(sprites))
    if len(chosen) < 2 or chosen[-1] >= len(layers):
        raise UserError(f"The merge hint names the sprites {sprites}, but there are the sprites "
                        f"0 to {len(layers) - 1}.")
    masks = np.max([layers[k].masks for k in chosen], axis=0)
    first = layers[chosen[0]]
    merged = replace(first, masks=masks, path=first.path if chosen[0] == 0 else None)
    return [merged if k == chosen[0] else layer for k, layer in enumerate(layers) if k not in chosen[1:]]


def _split(layers: list[SegmentedLayer], k: int) -> list[SegmentedLayer]:
    """Two sprites that were taken for one: the largest separate piece stays, the rest becomes a sprite of its own."""
    if not 0 < k < len(layers):
        raise UserError(f"The split hint names sprite {k}, but there are the sprites 1 to {len(layers) - 1}.")
    largest = np.zeros_like(layers[k].masks)
    for t, mask in enumerate(layers[k].masks):
        pieces, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 127).astype(np.uint8))
        if pieces > 1:
            best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
            near = cv2.dilate((labels == best).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            largest[t][near] = mask[near]
    rest = np.where(largest > 0, 0, layers[k].masks).astype(np.uint8)
    both = [replace(layers[k], masks=largest, path=None),
            replace(layers[k], name=f"{layers[k].name} b", masks=rest, path=None)]
    return [*layers[:k], *both, *layers[k + 1:]]


def _reorder(layers: list[SegmentedLayer], order: list[int], in_front: int) -> list[SegmentedLayer]:
    above = list(range(len(layers), len(layers) + in_front))
    if above and order[-len(above):] == above:  # lights stay in front
        order = order[:-len(above)]
    if sorted(order) != list(range(len(layers))) or order[0] != 0:
        raise UserError(f"The order hint must list the sprites 0 to {len(layers) - 1} once each, the background first; "
                        f"it lists {order}.")
    return [layers[k] for k in order]
