"""Night and gloom: a dark shot is looked at as if it were lit.

How far a motion or a mosaic misses is judged in grey levels, and in a shot that has only the darkest third of them a
whole plane of grass before a night sky differs by less than grain may. So motions and layers are looked for in frames
that reach as far up as a shot by day; drawings and mattes are made of the frames as they are.
"""

from __future__ import annotations

import cv2
import numpy as np

from .clip import FrameSource

LOOKS = 12  # frames, evenly spread
LOOK_WIDTH = 160  # px across: lights, not lines
BRIGHT = 0.95  # share of the pixels below a shot's bright ones: a moon or a lit window lights nothing else
LIT = 200.0  # grey levels that the bright pixels of a lit shot reach
DARK = 125.0  # grey levels that those of a dark one do not: the nearest shot by day has 170


def darkness(source: FrameSource) -> float:
    """By how much a shot's light is to be multiplied before anything is looked for in it; 1 for a lit one."""
    some = np.unique(np.linspace(0, source.count - 1, LOOKS).round().astype(int))
    size = tuple(max(1, round(LOOK_WIDTH / source.size[0] * side)) for side in source.size)
    frames = [cv2.resize(source.read(int(t)), size, interpolation=cv2.INTER_AREA).max(-1) for t in some]
    level = float(np.quantile(np.stack(frames), BRIGHT))
    return LIT / max(level, 1.0) if level <= DARK else 1.0


def lit(source: FrameSource, gain: float) -> FrameSource:
    """The frames with `gain` times the light; what is brighter than the bright pixels keeps some of its steps."""
    table = np.rint(np.interp(np.arange(256), [0, LIT / gain, 255], [0, LIT, 255])).astype(np.uint8)
    return source.changed(lambda frame: cv2.LUT(frame, table))
