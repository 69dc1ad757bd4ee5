"""Re-timing without touching a key: the sprite's action plays in an NLA strip, which is scaled, reversed or warped.

Drawings and motion share the action, so they stay together; for the drawings alone the exposure sheet moves to an
action of its own first. A strip plays the whole clip, with the last frame held as long as every other one.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from toondecompose.formats.errors import UserError

from .. import versions
from ..scene import actions
from ..scene.channels import DRAWING
from ..scene.naming import clip_root
from .timing import Source, source_of, sources

SPEED_RANGE = (1.0, 10000.0)  # percent


def clip_range(sprite: Any) -> tuple[int, int]:
    """(first, last) frame of the sprite's clip, at its own speed."""
    root = clip_root(sprite)
    if root is None:
        raise UserError(f"“{sprite.name}” belongs to no imported clip; keep it parented to its clip's empty.")
    first = int(root["td_frame_start"])
    return first, first + int(root["td_frame_count"]) - 1


def set_speed(sprite: Any, percent: float, drawings_only: bool, backwards: bool = False) -> None:
    """Play a sprite at percent of its speed, from the clip's first frame on. 100 and forwards is its own timing, for
    which it needs no strip."""
    if percent == 100 and not backwards and not drawings_only:
        restore(sprite)
        return
    strip = _strip(sprite, drawings_only)
    strip.use_animated_time = False
    first, last = clip_range(sprite)
    scale = 100.0 / percent
    strip.use_reverse = backwards
    strip.repeat = 1.0
    strip.action_frame_start = first
    # each frame lasts `scale` frames, the last one too: the strip's last frame shows the last of it
    strip.action_frame_end = max(first + 1e-3, last + 1 - 1 / scale)
    strip.scale = scale


def fit(sprite: Any, frames: int, drawings_only: bool, backwards: bool = False) -> None:
    """Play the sprite's clip in this many frames."""
    first, last = clip_range(sprite)
    set_speed(sprite, 100.0 * (last - first + 1) / frames, drawings_only, backwards)


def time_curve(sprite: Any, drawings_only: bool) -> Any:
    """Let an f-curve say which frame of its action a sprite plays at each scene frame; it starts as the timing of now.

    The artist edits it in the Graph Editor (the NLA strip's Animated Strip Time). Returns the curve.
    """
    strip = _strip(sprite, drawings_only)
    if strip.use_animated_time and len(strip.fcurves):
        return strip.fcurves[0]
    source = next(s for s in sources(sprite) if s.strip == strip)
    ends = (float(strip.frame_start), float(strip.frame_end))
    values = [source.action_frame(frame) for frame in ends]
    strip.use_animated_time = True
    for frame, value in zip(ends, values, strict=True):
        strip.strip_time = value
        strip.keyframe_insert("strip_time", frame=frame)
    curve = strip.fcurves.find("strip_time")
    actions.set_keys(curve, np.array(ends), np.array(values), "LINEAR")
    return curve


def set_time_keys(sprite: Any, keys: list[tuple[float, float]], drawings_only: bool) -> Any:
    """Set the time curve: (scene frame, action frame) pairs, straight lines between them. Returns the curve."""
    curve = time_curve(sprite, drawings_only)
    frames, values = np.array(sorted(keys), np.float64).T
    actions.set_keys(curve, frames, values, "LINEAR")
    strip = next(s.strip for s in sources(sprite) if s.strip is not None and curve in list(s.strip.fcurves))
    strip.frame_end = max(float(frames[-1]), strip.frame_start + 1)
    return curve


def set_time_key(sprite: Any, frame: float, plays: float) -> None:
    """Key one point of a sprite's time curve: at this scene frame it plays that frame of its action."""
    strip = next((source.strip for source in sources(sprite)
                  if source.strip is not None and source.strip.use_animated_time), None)
    if strip is None:
        raise UserError(f"“{sprite.name}” has no time curve yet; add one first.")
    curve = strip.fcurves.find("strip_time")
    frames, values, codes = actions.get_keys(curve)
    others = np.abs(frames - frame) > 1e-3
    kind = codes[0] if len(codes) else 1
    order = np.argsort(np.append(frames[others], frame))
    actions.set_keys(curve, np.append(frames[others], frame)[order], np.append(values[others], plays)[order],
                     np.append(codes[others], kind)[order])
    strip.frame_end = max(strip.frame_end, frame)


def restore(sprite: Any) -> bool:
    """Give a sprite back its own timing. Keys were never touched, so everything done to them stays. False: it has
    it."""
    leave_tweak_mode(sprite)
    every = list(sources(sprite))
    if all(source.strip is None for source in every):
        return False
    main = next((s for s in every if s.curve("location", 0) is not None), every[0])
    action, slot = main.action, main.slot
    alone = next((s for s in every if s.action != action and s.curve(DRAWING) is not None), None)
    keys = actions.get_keys(alone.curve(DRAWING)) if alone else None
    ours = {action, alone.action} if alone else {action}
    tracks = sprite.animation_data.nla_tracks
    for track in list(tracks):
        if any(strip.action in ours for strip in track.strips):
            tracks.remove(track)
    versions.assign_action(sprite, action, slot)
    if alone:
        curve = versions.new_curve(sprite, action, DRAWING, 0, "Drawing")
        actions.set_keys(curve, keys[0], keys[1], "CONSTANT")
        if not alone.action.users:
            bpy.data.actions.remove(alone.action)
    return True


def leave_tweak_mode(sprite: Any) -> None:
    """Blender holds on to a strip that is being tweaked; it can be changed only afterwards."""
    if sprite.animation_data is not None and sprite.animation_data.use_tweak_mode:
        sprite.animation_data.use_tweak_mode = False


def _strip(sprite: Any, drawings_only: bool) -> Any:
    """The strip that plays the drawings alone, or everything; made when there is none."""
    leave_tweak_mode(sprite)
    source = source_of(sprite)
    together = source.curve("location", 0) is not None
    if drawings_only and together:
        source = _split_drawings(sprite, source)
    elif not drawings_only and not together:
        restore(sprite)
        source = source_of(sprite)
    return source.strip or _push_down(sprite, source)


def _push_down(sprite: Any, source: Source) -> Any:
    data = sprite.animation_data
    track = data.nla_tracks.new()
    track.name = source.action.name
    strip = track.strips.new(source.action.name, clip_range(sprite)[0], source.action)
    versions.set_strip_slot(strip, source.slot)
    strip.extrapolation, strip.blend_type = "HOLD", "REPLACE"
    if data.action == source.action:
        data.action = None
    return strip


def _split_drawings(sprite: Any, source: Source) -> Source:
    """Move the exposure sheet to an action and a strip of its own; the rest keeps its timing."""
    frames, numbers, _ = actions.get_keys(source.curve(DRAWING))
    action = bpy.data.actions.new(f"{sprite.name} drawings")
    main = sprite.animation_data.action
    main_slot = getattr(sprite.animation_data, "action_slot", None)
    versions.assign_action(sprite, action)
    curve = versions.new_curve(sprite, action, DRAWING, 0, "Drawing")
    actions.set_keys(curve, frames, numbers, "CONSTANT")
    home = versions.curve_home(source.action, source.slot)
    home.fcurves.remove(source.curve(DRAWING))
    own = Source(action, getattr(sprite.animation_data, "action_slot", None), None)
    strip = _push_down(sprite, own)
    if main is not None:
        versions.assign_action(sprite, main, main_slot)
    return Source(action, own.slot, strip)
