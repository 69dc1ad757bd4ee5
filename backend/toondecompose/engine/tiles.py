"""How much of a canvas is worked on at once, and what to do when a GPU has no room for it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import torch

Answer = TypeVar("Answer")

# px of a canvas worked on at once: about four hundred bytes each while a matte is solved. Drawings are mostly smaller;
# the planes of a long pan are not.
TILE = 1_000_000
SMALLER = 8  # times fewer px where that was too much
# px that a chain of px-by-px steps takes at once: a dozen planes of them nearly fit into a processor's cache, where a
# step takes a third of the time that it takes from memory
STRIP = 48_000


def with_smaller_tiles(work: Callable[[int], Answer], tile: int = TILE) -> Answer:
    """work(tile), once more with smaller tiles if the GPU runs out of memory; what fails then is for the user to know.

    work must start anew each time it is called."""
    try:
        return work(tile)
    except RuntimeError as error:  # CUDA has its own kind of error, other backends only say so
        if not no_memory(error):
            raise
    # only here, where the failed call's tensors are gone with its traceback, is there anything to give back
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return work(max(1, tile // SMALLER))


def or_on_the_host(work: Callable[[str], Answer], device: str) -> Answer:
    """work(device), once more on the CPU if the GPU runs out of memory: for stages that hold a whole shot at working
    size, which no tile makes smaller. work must start anew each time it is called, and gives the same on both."""
    try:
        return work(device)
    except RuntimeError as error:
        if device == "cpu" or not no_memory(error):
            raise
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return work("cpu")


def no_memory(error: BaseException) -> bool:
    """Whether a device had too little memory."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "out of memory" in str(error).lower())


def tiles_of(box: tuple[int, int, int, int], tile: int,
             apron: int) -> list[tuple[tuple[int, int, int, int], tuple[int, int, int, int]]]:
    """A box (x0, y0, x1, y1) in pieces of at most about `tile` px: [(piece, the same with `apron` px around it, as far
    as the box goes)]. A box of up to `tile` px stays whole."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    if w * h <= tile:
        return [(box, box)]
    side = max(2 * apron, int(tile**0.5))
    # a long strip is cut along its length only
    columns, rows = (-(-n // side) if n > 1.5 * side else 1 for n in (w, h))
    xs = [x0 + w * i // columns for i in range(columns + 1)]
    ys = [y0 + h * i // rows for i in range(rows + 1)]
    out = []
    for top, bottom in pairwise(ys):
        for left, right in pairwise(xs):
            out.append(((left, top, right, bottom), (max(x0, left - apron), max(y0, top - apron),
                                                     min(x1, right + apron), min(y1, bottom + apron))))
    return out


def strips(shape: tuple[int, ...]) -> list[slice]:
    """The rows of a picture [..., h, w] in strips of about STRIP px, for work that looks at each px by itself: the same
    result, strip by strip, without a way to memory and back after every step."""
    height, width = shape[-2:]
    step = max(1, STRIP // max(1, width))
    return [slice(top, min(height, top + step)) for top in range(0, height, step)]
