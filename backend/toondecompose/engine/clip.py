"""Frames as the engine reads them: one at a time at full size, or all of them at a small working size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import cv2
import numpy as np


class FrameSource:
    """A shot's frames, decoded on demand with a small cache, so memory does not grow with the clip's length.

    reader(t) returns uint8 RGB [h, w, 3]. Every frame must have the same size.
    """

    def __init__(self, reader: Callable[[int], np.ndarray], count: int, size: tuple[int, int], cache_mb: int = 256):
        self._reader = reader
        self._cache: OrderedDict[int, np.ndarray] = OrderedDict()
        self.count = count
        self.size = size
        # enough for the neighbours that a stage looks at, never for a whole long clip
        self._keep = max(8, int(cache_mb * 2**20 / (3 * size[0] * size[1])))

    def read(self, t: int) -> np.ndarray:
        """Frame t (0-based), uint8 RGB [h, w, 3]. Do not write into it: it is shared."""
        if t in self._cache:
            self._cache.move_to_end(t)
            return self._cache[t]
        frame = self._reader(t)
        frame.setflags(write=False)
        self._cache[t] = frame
        while len(self._cache) > self._keep:
            self._cache.popitem(last=False)
        return frame

    def part(self, start: int, stop: int) -> FrameSource:
        """The frames start..stop-1 as a source of their own (one shot between two cuts)."""
        return FrameSource(lambda t: self.read(start + t), stop - start, self.size, cache_mb=0)


def source_from_array(frames: Sequence[np.ndarray]) -> FrameSource:
    """A source over frames that are in memory, uint8 RGB [T, h, w, 3] (tests, short clips)."""
    height, width = frames[0].shape[:2]
    return FrameSource(lambda t: np.array(frames[t]), len(frames), (width, height))


def source_from_files(paths: Sequence[str]) -> FrameSource:
    """A source over 8-bit picture files of one size. Trusts the files; io/frames.py is the one that checks."""

    def read(t: int) -> np.ndarray:
        data = np.fromfile(paths[t], np.uint8)  # not cv2.imread: it cannot open Unicode names on every system
        return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

    height, width = read(0).shape[:2]
    return FrameSource(read, len(paths), (width, height))


def working_scale(size: tuple[int, int], max_width: int) -> float:
    """Working px per full-resolution px for a working size of at most max_width px across; never enlarges."""
    return min(1.0, max_width / size[0])


def working_frames(source: FrameSource, max_width: int) -> tuple[np.ndarray, float]:
    """All frames at working size -> (uint8 RGB [T, hs, ws, 3], scale). Area-averaged, so edge coordinates scale exactly
    by (ws / w, hs / h); scale is ws / w."""
    width, height = source.size
    scale = working_scale(source.size, max_width)
    ws, hs = max(1, round(width * scale)), max(1, round(height * scale))
    out = np.empty((source.count, hs, ws, 3), np.uint8)
    for t in range(source.count):
        frame = source.read(t)
        out[t] = frame if (ws, hs) == (width, height) else cv2.resize(frame, (ws, hs), interpolation=cv2.INTER_AREA)
    return out, ws / width
