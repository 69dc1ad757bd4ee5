"""The one place where new drawings enter a sprite's exposure sheet between two that it has.

Slow motion holds drawings. An in-betweening engine asks `gaps` where a movement has room for more, draws them, and
hands the files to `insert_drawings`; nothing else in the add-on needs to know where drawings come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from toondecompose.formats.errors import UserError

from ..scene.channels import EMPTY_CEL
from .drawings import add_drawing
from .retime import clip_range
from .sheet import Sheet
from .timing import read_sheet, source_of, write_sheet


@dataclass(frozen=True)
class Gap:
    """Two drawings that follow each other. frame: scene frame where the first is exposed; frames: how long it is
    held."""

    frame: int
    frames: int
    drawing: int
    following: int


def gaps(sprite: Any, last: int) -> list[Gap]:
    """Where a sprite, as it is timed now, holds a drawing for more than one frame before another, up to frame
    `last`."""
    source = source_of(sprite)
    exposed = read_sheet(source)
    first = clip_range(sprite)[0]
    shown = np.array([exposed.at(source.action_frame(f)) for f in range(first, last + 1)])
    starts = np.flatnonzero(np.concatenate([[True], shown[1:] != shown[:-1]]))
    found = []
    for start, end in pairwise(starts):
        if end - start > 1 and EMPTY_CEL not in (shown[start], shown[end]):
            found.append(Gap(first + int(start), int(end - start), int(shown[start]), int(shown[end])))
    return found


def insert_drawings(sprite: Any, gap: Gap, pictures: Sequence[str | Path]) -> list[int]:
    """Add in-between drawings (PNGs of the sprite's canvas, in order) and spread them evenly over a gap.

    Returns their numbers. In a slowed sprite their keys fall between the frames of its own time, where they belong:
    they show again at any speed that is slow enough.
    """
    if len(pictures) >= gap.frames:
        raise UserError(f"A drawing that is held for {gap.frames} frames has room for {gap.frames - 1} in-betweens, "
                        f"but {len(pictures)} were given.")
    source = source_of(sprite)
    frames = np.array([source.action_frame(gap.frame + i) for i in range(gap.frames)])
    if not (np.diff(frames) > 0).all():
        raise UserError(f"“{sprite.name}” does not play forwards on the frames {gap.frame} to "
                        f"{gap.frame + gap.frames - 1}; add the in-betweens before you reverse it.")
    numbers = [add_drawing(sprite, picture) for picture in pictures]
    order = np.array([gap.drawing, *numbers])
    spread = order[np.arange(gap.frames) * len(order) // gap.frames]
    begins = np.flatnonzero(np.concatenate([[False], spread[1:] != spread[:-1]]))
    old = read_sheet(source)
    every = np.concatenate([old.frames, frames[begins]])
    ranks = np.argsort(every, kind="stable")
    write_sheet(source, Sheet(every[ranks], np.concatenate([old.numbers, spread[begins]])[ranks]))
    return numbers
