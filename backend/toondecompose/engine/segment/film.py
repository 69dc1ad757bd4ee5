"""Arrays with a picture for every frame, out of memory in a long shot: labels, evidence, traces.

They lie on a shelf (shelf.py) and are looked at a few frames at a time; after so many bytes the memory of what was
looked at is given back. A short shot's are plain tensors: both are read and written with the same indices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from ..shelf import Shelf

HELD = 256 * 2**20  # bytes of them that stay in memory: a shot's of a few seconds; and
TOUCHED = 32 * 2**20  # that may be looked at before their memory is given back

_TYPES = {torch.float16: np.float16, torch.float32: np.float32, torch.uint8: np.uint8}


class Film:
    """A tensor on a shelf. What is taken from it by an index is a part of it, as of any tensor."""

    def __init__(self, data: torch.Tensor, touched: Callable[[int], None]):
        self._data, self._touched = data, touched
        self.shape, self.dtype, self.device, self.ndim = data.shape, data.dtype, data.device, data.ndim

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, where) -> torch.Tensor:
        part = self._data[where]
        self._touched(part.numel() * part.element_size())
        return part

    def __setitem__(self, where, value) -> None:
        self._data[where] = value
        part = self._data[where]
        self._touched(part.numel() * part.element_size())

    def __iter__(self) -> Iterator[torch.Tensor]:
        return (self[i] for i in range(len(self)))

    def numel(self) -> int:
        return self._data.numel()

    def permuted(self, *axes: int) -> Film:
        """The same, its axes in another order."""
        return Film(self._data.permute(*axes), self._touched)

    def at(self, i: int) -> Film:
        """Its part i, for looks at a few frames of that at a time."""
        return Film(self._data[i], self._touched)


Pictures = torch.Tensor | Film
Room = Callable[..., Pictures]  # (shape, dtype, device) -> zeros


def in_memory(shape: tuple[int, ...], dtype: torch.dtype = torch.float16, device: torch.device | str = "cpu"
              ) -> torch.Tensor:
    """Room for an array of zeros."""
    return torch.zeros(shape, dtype=dtype, device=device)


def room_on(shelf: Shelf | None) -> Room:
    """`in_memory`, but of arrays on the shelf as soon as that gives no memory any more."""

    def room(shape: tuple[int, ...], dtype: torch.dtype = torch.float16, device: torch.device | str = "cpu"
             ) -> Pictures:
        if shelf is not None and torch.device(device).type == "cpu":
            array = shelf.blank(tuple(shape), _TYPES[dtype])
            if array is not None:
                return Film(torch.from_numpy(array), shelf.touched)
        return in_memory(shape, dtype, device)

    return room


def part_of(x: Pictures, i: int) -> Pictures:
    """x[i], a film if x is one."""
    return x.at(i) if isinstance(x, Film) else x[i]


def copied(x: Pictures, room: Room, dtype: torch.dtype = torch.float16) -> Pictures:
    """A copy of pictures [L, T, h, w], frame by frame."""
    out = room(x.shape, dtype, x.device)
    for t in range(x.shape[1]):
        out[:, t] = x[:, t].to(dtype)
    return out


def as_array(x: Pictures) -> np.ndarray:
    """The same pictures as numpy's, where they lie."""
    return (x._data if isinstance(x, Film) else x).numpy()
