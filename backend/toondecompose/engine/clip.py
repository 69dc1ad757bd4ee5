"""Frames as the engine reads them: one at a time at full size, or all of them at a small working size."""

from __future__ import annotations

import mmap
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from .shelf import Shelf

# of decoded frames in memory: enough for the neighbours that a stage looks at, never for a whole long clip
CACHE_MB = 64
FEWEST_CACHED = 8
BESIDE_FILE_MB = 16  # the same where all frames lie decoded in a file: the system keeps what it has room for of that
# of the free disk space that decoded frames may take; where that is too little they are decoded again and again
SCRATCH_SHARE = 0.5


class FrameSource:
    """A shot's frames, decoded on demand with a small cache, so memory does not grow with the clip's length.

    reader(t) returns uint8 RGB [h, w, 3]. Every frame must have the same size. Once `keep_decoded` was called, frames
    are decoded once and lie in a nameless file from then on, which is read many times faster than a PNG.
    """

    def __init__(self, reader: Callable[[int], np.ndarray], count: int, size: tuple[int, int],
                 cache_mb: int = CACHE_MB):
        self._reader = reader
        self._cache: OrderedDict[int, np.ndarray] = OrderedDict()
        self.count = count
        self.size = size
        self._bytes = 3 * size[0] * size[1]  # of a frame
        self._keep = max(FEWEST_CACHED, int(cache_mb * 2**20 / self._bytes))
        self._folder: Path | None = None
        self._scratch: Scratch | None = None
        self._smaller: dict[tuple[int, int], FrameSource] = {}
        self._others: list[FrameSource] = []
        self._shelf: Shelf | None = None

    def keep_decoded(self, folder: Path) -> None:
        """Keep decoded frames in a scratch file in `folder`, as far as the disk has room; it goes with `close`."""
        self._folder = folder
        self._shelf = self._shelf or Shelf(folder)
        beside = min(self._keep, max(FEWEST_CACHED, int(BESIDE_FILE_MB * 2**20 / self._bytes)))
        if self.count > beside:
            self._scratch = Scratch.open(folder, self.count, (self.size[1], self.size[0], 3))
        if self._scratch is not None:
            self._keep = beside

    def close(self) -> None:
        """Give scratch files back; frames are decoded again from here on."""
        for source in [*self._smaller.values(), *self._others]:
            source.close()
        if self._scratch is not None:
            self._scratch.close()
        self._scratch = self._folder = self._shelf = None

    def shelve(self, picture: np.ndarray) -> np.ndarray:
        """The same picture, out of memory if there are many (see shelf.py)."""
        return picture if self._shelf is None else self._shelf.put(picture)

    def rest(self) -> None:
        """Give back the memory of pictures on the shelf that were looked at."""
        if self._shelf is not None:
            self._shelf.rest()

    def scratch(self, shape: tuple[int, ...]) -> Scratch | None:
        """A place on disk for one uint8 array of `shape` per frame; None where there is none, or no room."""
        return None if self._folder is None else Scratch.open(self._folder, self.count, shape)

    def read(self, t: int) -> np.ndarray:
        """Frame t (0-based), uint8 RGB [h, w, 3]. Do not write into it: it is shared."""
        if self._shelf is not None:
            self._shelf.looked()
        if t in self._cache:
            self._cache.move_to_end(t)
            return self._cache[t]
        frame = self._scratch.look(t) if self._scratch is not None else None
        if frame is None:
            frame = self._reader(t)
            if self._scratch is not None:
                self._scratch.write(t, frame)
        frame.setflags(write=False)
        self._cache[t] = frame
        while len(self._cache) > self._keep:
            gone, _ = self._cache.popitem(last=False)
            if self._scratch is not None:
                self._scratch.rest(gone)
        return frame

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, t: int) -> np.ndarray:
        return self.read(t)

    def part(self, start: int, stop: int) -> FrameSource:
        """The frames start..stop-1 as a source of their own (one shot between two cuts)."""
        part = FrameSource(lambda t: self.read(start + t), stop - start, self.size, cache_mb=0)
        part._shelf = self._shelf
        part._folder = self._folder  # for smaller versions; the frames themselves are kept by this source
        return part

    def changed(self, change: Callable[[np.ndarray], np.ndarray]) -> FrameSource:
        """The frames after `change`, uint8 RGB [h, w, 3] -> the same, as a source of their own."""
        return self.made_of(lambda t: change(self.read(t)))

    def made_of(self, look: Callable[[int], np.ndarray]) -> FrameSource:
        """Frames made of this source's, look(t) -> uint8 RGB [h, w, 3], as a source of their own."""
        other = FrameSource(look, self.count, self.size)
        other._shelf = self._shelf
        if self._folder is not None:
            other.keep_decoded(self._folder)
        self._others.append(other)
        return other

    def seen_as(self, look: Callable[[int], np.ndarray], size: tuple[int, int], cache_mb: int = 0) -> FrameSource:
        """Another look at the same shot that is not worth keeping: look(t) -> uint8 RGB [h, w, 3] of `size` (w, h)."""
        other = FrameSource(look, self.count, size, cache_mb)
        other._shelf, other._folder = self._shelf, self._folder
        return other

    def another_shelf(self, room: int, touched: int | None = None) -> Shelf | None:
        """A shelf of its own for what one step needs, beyond `room` bytes; None where there is no place for one."""
        return None if self._shelf is None else self._shelf.another(room, touched)

    def resized(self, size: tuple[int, int]) -> FrameSource:
        """The same frames, area-averaged to `size` (w, h) px: made once for all stages that ask for this size."""
        if size == self.size:
            return self
        if size not in self._smaller:
            smaller = FrameSource(lambda t: cv2.resize(self.read(t), size, interpolation=cv2.INTER_AREA), self.count,
                                  size)
            smaller._shelf = self._shelf
            if self._folder is not None:
                smaller.keep_decoded(self._folder)
            self._smaller[size] = smaller
        return self._smaller[size]


class Scratch:
    """Frames in a file without a name: it vanishes with the process, however that ends."""

    def __init__(self, file: BinaryIO, count: int, shape: tuple[int, ...]):
        self._file = file
        self._shape = shape
        self._bytes = int(np.prod(shape))
        self._written = np.zeros(count, bool)
        self._full = False
        self._map = None
        with suppress(OSError):  # no more than a faster way to read
            if hasattr(mmap.mmap, "madvise"):
                file.truncate(count * self._bytes)
                self._map = mmap.mmap(file.fileno(), count * self._bytes, access=mmap.ACCESS_READ)

    @staticmethod
    def open(folder: Path, count: int, shape: tuple[int, ...]) -> Scratch | None:
        """A scratch file in `folder` for `count` frames uint8 of `shape`; None where the disk has no room for it."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if count * int(np.prod(shape)) > SCRATCH_SHARE * shutil.disk_usage(folder).free:
                return None
            return Scratch(tempfile.TemporaryFile(dir=folder, buffering=0), count, shape)
        except OSError:
            return None  # frames are decoded again instead

    def read(self, t: int) -> np.ndarray | None:
        """Frame t, or None if it is not here."""
        if not self._written[t]:
            return None
        frame = np.empty(self._shape, np.uint8)
        self._file.seek(t * self._bytes)
        return frame if self._file.readinto(memoryview(frame).cast("B")) == self._bytes else None

    def look(self, t: int) -> np.ndarray | None:
        """Frame t as it lies in the file, not to be written into, or None if it is not here: nothing is copied, and of
        a frame of which some rows are looked at only those are read."""
        if self._map is None or not self._written[t]:
            return self.read(t)
        return np.frombuffer(self._map, np.uint8, self._bytes, t * self._bytes).reshape(self._shape)

    def rest(self, t: int) -> None:
        """Give back the memory of a frame that was looked at. It stays as it is."""
        if self._map is not None:
            start = t * self._bytes // mmap.PAGESIZE * mmap.PAGESIZE
            self._map.madvise(mmap.MADV_DONTNEED, start, (t + 1) * self._bytes - start)

    def write(self, t: int, frame: np.ndarray) -> None:
        """Keep frame t; a disk that has become full in the meantime keeps no more."""
        self._written[t] = False
        if self._full:
            return
        try:
            self._file.seek(t * self._bytes)
            data = memoryview(np.ascontiguousarray(frame)).cast("B")
            self._written[t] = self._file.write(data) == self._bytes
        except OSError:
            self._full = True

    def close(self) -> None:
        self._file.close()


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


def working_source(source: FrameSource, max_width: int) -> tuple[FrameSource, float]:
    """The frames at working size, and its scale. Area-averaged, so edge coordinates scale exactly by (ws / w, hs / h);
    scale is ws / w."""
    width, height = source.size
    scale = working_scale(source.size, max_width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return source.resized(size), size[0] / width
