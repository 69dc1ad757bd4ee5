"""Operations on a sprite's motion curves: hold in steps, play backwards, fewest keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from toondecompose.formats.errors import UserError

from ..scene import actions
from ..scene import homography as hg
from ..scene.channels import MOTION, OPACITY, simplified
from ..scene.naming import clip_camera, clip_root
from .timing import Source, source_of

_CONSTANT = 0  # interpolation code, see scene/actions.py


def motion_curves(source: Source) -> list[Any]:
    """All curves of a sprite but the exposure sheet."""
    found = (source.curve(path, index) for path, index in [*MOTION, (OPACITY, 0)])
    return [curve for curve in found if curve is not None]


def step_motion(source: Source, step: int, first: int) -> None:
    """Hold the motion in steps (on twos, threes, ...) counted from a frame, without touching keys: a Stepped modifier.
    Step 1 takes it away."""
    for curve in motion_curves(source):
        for modifier in [m for m in curve.modifiers if m.type == "STEPPED"]:
            curve.modifiers.remove(modifier)
        if step > 1:
            modifier = curve.modifiers.new("STEPPED")
            modifier.frame_step, modifier.frame_offset = step, first
        curve.update()


def reverse_motion(source: Source, first: int, last: int) -> None:
    """Play the motion of the frames first..last backwards; outside, it stays."""
    frames = np.arange(first, last + 1, dtype=np.float64)
    for curve in motion_curves(source):
        old_frames, old_values, codes = actions.get_keys(curve)
        if len(old_frames) < 2:
            continue
        values = actions.evaluate(curve, frames)[::-1]
        outside = (old_frames < first) | (old_frames > last)
        edges = actions.evaluate(curve, np.array([first - 1.0, last + 1.0]))
        all_frames = np.concatenate([old_frames[outside], frames, [first - 1.0, last + 1.0]])
        all_values = np.concatenate([old_values[outside], values, edges])
        inside = np.full(len(frames) + 2, _CONSTANT if not codes.any() else codes.max())
        all_codes = np.concatenate([codes[outside], inside])
        all_frames, unique = np.unique(all_frames, return_index=True)
        actions.set_keys(curve, all_frames, all_values[unique], all_codes[unique])


def simplify_motion(sprite: Any, tolerance_px: float) -> tuple[int, int]:
    """Fewest keys that keep the sprite's corners within tolerance_px. Returns (keys before, keys after).

    Works on whatever the curves are now, hand-edits included; each whole frame between first and last key is kept.
    Motion that holds (CONSTANT keys) has its fewest keys already.
    """
    source = source_of(sprite, "location", 0)
    curves = [source.curve(path, index) for path, index in MOTION]
    present = [curve for curve in curves if curve is not None]
    keys = {id(curve): actions.get_keys(curve) for curve in present}
    before = sum(len(k[0]) for k in keys.values())
    if all(not k[2].any() for k in keys.values()):
        return before, before
    first = min(k[0][0] for k in keys.values())
    last = max(k[0][-1] for k in keys.values())
    frames = np.arange(np.floor(first), np.ceil(last) + 1)
    table = np.zeros((len(frames), len(MOTION)))
    for column, (curve, (path, index)) in enumerate(zip(curves, MOTION, strict=True)):
        table[:, column] = actions.evaluate(curve, frames) if curve else _still_value(sprite, path, index)
    kept, table = simplified(table, frames, tuple(sprite["td_canvas"]), clip_model(sprite), tolerance_px)
    for column, curve in enumerate(curves):
        if curve is not None:
            values = table[kept, column]
            some = slice(0, 1) if np.ptp(values) == 0 else slice(None)
            actions.set_keys(curve, frames[kept][some], values[some], "LINEAR")
    return before, sum(len(curve.keyframe_points) for curve in present)


def _still_value(sprite: Any, path: str, index: int) -> float:
    if path.startswith("["):
        return float(sprite.get(path[2:-2], 0.0))
    return float(getattr(sprite, path)[index])


def clip_model(sprite: Any) -> hg.CameraModel:
    """The camera that a sprite's motion was made for, as numbers."""
    root = clip_root(sprite)
    camera = clip_camera(root) if root else None
    if camera is None:
        raise UserError(f"“{sprite.name}” has lost its clip's camera; undo its removal or import the result again.")
    return hg.camera_for(tuple(root["td_size"]), camera.data.type == "PERSP")
