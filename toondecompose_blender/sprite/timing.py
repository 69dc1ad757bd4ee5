"""Where a sprite's curves live, and what scene time means for them: in its action, or in NLA strips that re-time it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from toondecompose.formats.errors import UserError

from .. import versions
from ..scene import actions
from ..scene.channels import DRAWING
from .sheet import Sheet

_STRIP_END = 1e-3  # frames; a strip's ends are float32
_HAIR = 1e-4  # frames


@dataclass(frozen=True)
class Source:
    """An action that animates a sprite, and the NLA strip that plays it (None: it plays at its own speed)."""

    action: Any
    slot: Any
    strip: Any

    def curve(self, path: str, index: int = 0) -> Any:
        """One f-curve, or None."""
        home = versions.curve_home(self.action, self.slot)
        return home.fcurves.find(path, index=index) if home else None

    def action_frame(self, frame: float) -> float:
        """The action's frame that a scene frame plays."""
        strip = self.strip
        if strip is None:
            return frame
        frame = min(max(frame, strip.frame_start), strip.frame_end)
        if strip.use_animated_time:
            curve = strip.fcurves.find("strip_time")
            return curve.evaluate(frame) if curve else strip.strip_time
        # a repeated strip starts again, but its very last frame belongs to its end
        length = (strip.action_frame_end - strip.action_frame_start) * strip.scale
        offset = frame - strip.frame_start
        if length > 0 and offset > length + _STRIP_END:
            offset = offset % length or length
        offset /= strip.scale
        return strip.action_frame_end - offset if strip.use_reverse else strip.action_frame_start + offset

    def playhead(self, frame: float) -> int:
        """The action's whole frame that a scene frame plays; keys are float32, so it may be a hair before it."""
        return math.floor(self.action_frame(frame) + _HAIR)


def sources(sprite: Any) -> Iterator[Source]:
    """Everything that animates a sprite: its action first, then its NLA strips."""
    data = sprite.animation_data
    if data is None:
        return
    action, slot = versions.own_action(data)
    if action is not None:
        yield Source(action, slot, None)
    for track in data.nla_tracks:
        for strip in track.strips:
            if strip.action is not None and not track.mute and not strip.mute:
                yield Source(strip.action, getattr(strip, "action_slot", None), strip)


def source_of(sprite: Any, path: str = DRAWING, index: int = 0) -> Source:
    """What animates one property of a sprite. UserError when nothing does."""
    for source in sources(sprite):
        if source.curve(path, index) is not None:
            return source
    what = "exposure sheet" if path == DRAWING else "keys"
    raise UserError(f"“{sprite.name}” has no {what}; its action was removed, so import the result again.")


def read_sheet(source: Source) -> Sheet:
    """The exposure sheet, in the action's own frames."""
    frames, numbers, _ = actions.get_keys(source.curve(DRAWING))
    return Sheet(frames, np.round(numbers).astype(np.int64))


def write_sheet(source: Source, sheet: Sheet) -> None:
    """Replace the exposure sheet's keys."""
    actions.set_keys(source.curve(DRAWING), sheet.frames, sheet.numbers, "CONSTANT")


def exposures(sprite: Any, first: float, last: float) -> list[tuple[float, int]]:
    """(scene frame where an exposure begins, drawing) from the one shown at `first` up to `last`, as the sprite is
    timed now. A re-timed sprite's begin on whole frames. UserError when it has no sheet."""
    source = source_of(sprite)
    sheet = read_sheet(source)
    if source.strip is None:
        begins = [f for f in sheet.frames if first < f <= last]
        return [(float(f), sheet.at(f)) for f in [first, *begins]]
    frames = np.arange(np.floor(first), np.floor(last) + 1)
    numbers = [sheet.at(source.action_frame(float(f))) for f in frames]
    return [(float(f), number) for i, (f, number) in enumerate(zip(frames, numbers, strict=True))
            if i == 0 or number != numbers[i - 1]]
