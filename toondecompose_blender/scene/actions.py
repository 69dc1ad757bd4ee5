"""Writing and reading the curves of a sprite's action, fast: thousands of keys without one operator call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from .. import versions
from .channels import Channel

# what foreach_set wants for Keyframe.interpolation and handle types (checked on 4.2, 4.5 and 5.0)
_INTERPOLATION = {"CONSTANT": 0, "LINEAR": 1, "BEZIER": 2}
_AUTO_CLAMPED = 4


def new_action(datablock: Any, name: str, channels: Iterable[Channel]) -> Any:
    """Give a data-block a new action with these curves. Returns the action."""
    action = bpy.data.actions.new(name)
    versions.assign_action(datablock, action)
    for channel in channels:
        curve = versions.new_curve(datablock, action, channel.path, channel.index, channel.group)
        set_keys(curve, channel.frames, channel.values, channel.interpolation)
    return action


def set_keys(curve: Any, frames: np.ndarray, values: np.ndarray, interpolation: str | np.ndarray) -> None:
    """Replace all keys of a curve. frames must rise. interpolation: one name, or foreach codes [n] as read by
    get_keys."""
    points = curve.keyframe_points
    points.clear()
    count = len(frames)
    points.add(count)
    co = np.empty(2 * count, np.float32)
    co[0::2], co[1::2] = frames, values
    points.foreach_set("co", co)
    codes = _INTERPOLATION[interpolation] if isinstance(interpolation, str) else interpolation
    points.foreach_set("interpolation", np.broadcast_to(codes, count).astype(np.int32))
    # should somebody turn a line into a curve later, its handles are sensible
    handles = np.full(count, _AUTO_CLAMPED, np.int32)
    points.foreach_set("handle_left_type", handles)
    points.foreach_set("handle_right_type", handles)
    curve.update()


def get_keys(curve: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(frames, values, interpolation codes) of a curve's keys, in order of time."""
    points = curve.keyframe_points
    co = np.empty(2 * len(points), np.float32)
    points.foreach_get("co", co)
    codes = np.empty(len(points), np.int32)
    points.foreach_get("interpolation", codes)
    order = np.argsort(co[0::2], kind="stable")
    return co[0::2][order].astype(np.float64), co[1::2][order].astype(np.float64), codes[order]


def evaluate(curve: Any, frames: np.ndarray) -> np.ndarray:
    """The curve's values at frames, modifiers included."""
    return np.array([curve.evaluate(float(f)) for f in frames])
