"""Finished pictures in a file instead of memory: a long 1080p shot has hundreds of drawings of millions of px.

A picture that is put on the shelf stays an ordinary array. Its px lie in a nameless file that is mapped into memory;
`rest` gives their memory back, and the next look at them reads them again, from the system's cache as long as it has
room. A short shot's pictures stay in memory.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from pathlib import Path

import numpy as np

ROOM = 384 * 2**20  # bytes of pictures that stay in memory
TOUCHED = 128 * 2**20  # bytes of pictures put since the last rest
LOOKS = 16  # looks at frames between two rests; each brings a picture or two of every layer back


class Shelf:
    """A place for pictures in `folder`; it goes with the pictures. room: bytes of them that stay in memory. touched:
    bytes put since the last rest that make another one."""

    def __init__(self, folder: Path, room: int = ROOM, touched: int = TOUCHED):
        self._folder, self._room, self._most = folder, room, touched
        self._file = None
        self._end = self._touched = self._looks = 0
        self._maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()

    def another(self, room: int, touched: int | None = None) -> Shelf:
        """A shelf with room and a file of its own, which rests when this one does."""
        other = Shelf(self._folder, room, room if touched is None else touched)
        other._maps = self._maps
        return other

    def put(self, picture: np.ndarray) -> np.ndarray:
        """The same picture, on the shelf; itself where there is memory enough, or no room on the disk."""
        self._room -= picture.nbytes
        if self._room >= 0 or not picture.nbytes or not hasattr(mmap.mmap, "madvise"):
            return picture
        try:
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 (closed with the shelf)
            self._file.seek(self._end)
            # written, not only mapped: a disk that is full says so here, and not when a px is changed
            data = memoryview(np.ascontiguousarray(picture)).cast("B")
            if self._file.write(data) != picture.nbytes:
                return picture
            place = mmap.mmap(self._file.fileno(), picture.nbytes, offset=self._end)
        except OSError:
            return picture  # memory is what is left
        self._end += -(-picture.nbytes // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        self._maps.add(place)
        self.touched(picture.nbytes)
        return np.frombuffer(place, picture.dtype).reshape(picture.shape)

    def blank(self, shape: tuple[int, ...], dtype: type) -> np.ndarray | None:
        """Room for an array of zeros on the shelf, in a file of its own that goes with it; None where there is memory
        enough for it, or no room on the disk."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._room -= size
        if self._room >= 0 or not size or not hasattr(mmap.mmap, "madvise"):
            return None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._folder, buffering=0) as file:
                _reserve(file, size)
                place = mmap.mmap(file.fileno(), size)
        except OSError:
            return None
        self._maps.add(place)
        return np.frombuffer(place, dtype).reshape(shape)

    def touched(self, size: int) -> None:
        """So many bytes of arrays on the shelf were looked at: now and then their memory is given back."""
        self._touched += size
        if self._touched > self._most:
            self.rest()

    def looked(self) -> None:
        """A frame was looked at: now and then the memory of what was looked at with it is given back."""
        self._looks += 1
        if self._looks >= LOOKS:
            self.rest()

    def rest(self) -> None:
        """Give back the memory of the pictures on the shelf. What they show stays as it is."""
        self._touched = self._looks = 0
        for place in self._maps:
            place.madvise(mmap.MADV_DONTNEED)


def _reserve(file, size: int) -> None:
    """Make an empty file `size` bytes of zeros long, if the disk has room: one that is full says so here, and not when
    a px is changed. Raises OSError."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    piece = bytes(min(size, 2**20))
    for start in range(0, size, len(piece)):
        if file.write(piece[: size - start]) != len(piece[: size - start]):
            raise OSError("the disk is full")
