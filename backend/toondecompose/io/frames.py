"""A shot's files as a FrameSource, checked before a minute of work goes into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..engine.clip import FrameSource
from ..formats.errors import UserError
from .picture_size import picture_size
from .png import read_rgb
from .sequences import is_video
from .video import open_video

LEAST_SIDE = 8  # px: smaller pictures have nothing that could be followed


def open_frames(paths: Sequence[str | Path], check: Callable[[], None] = lambda: None) -> FrameSource:
    """Pictures in order, or one video -> a FrameSource that decodes on demand.

    Every header is looked at now: UserError names the first frame (counted from 1) that is missing, empty, cut off, no
    picture, or of another size. A picture whose pixels are damaged is reported when it is read. Grey, palette, 16 bit
    and transparency (over black) are turned into 8-bit RGB. check() is called per frame; it may raise to stop.
    """
    files = [Path(path) for path in paths]
    if not files:
        raise UserError("There are no frames; choose a strip or a folder with pictures.")
    if len(files) == 1 and is_video(files[0]):
        return open_video(files[0], check)
    size = None
    for t, path in enumerate(files):
        check()
        if not path.is_file():
            raise UserError(f"Frame {t + 1} (“{path}”) is missing; render it again, or shorten the strip.")
        if is_video(path):
            raise UserError(f"Frame {t + 1} (“{path}”) is a video; give one video, or pictures only.")
        try:
            found = picture_size(path)
        except UserError as error:
            raise UserError(f"Frame {t + 1}: {error}") from error
        if size is not None and found != size:
            raise UserError(f"Frame {t + 1} (“{path.name}”) is {found[0]} x {found[1]} px, but the first frame is "
                            f"{size[0]} x {size[1]}; all frames must have one size.")
        size = found

    def read(t: int) -> np.ndarray:
        try:
            picture = read_rgb(files[t])
        except UserError as error:
            raise UserError(f"Frame {t + 1}: {error}") from error
        if picture.shape[1::-1] != size:
            raise UserError(f"Frame {t + 1} (“{files[t]}”) changed while it was used; run again.")
        return picture

    return FrameSource(read, len(files), size)


def check_large_enough(size: tuple[int, int]) -> None:
    """UserError for frames (w, h) in which nothing can be followed."""
    if min(size) < LEAST_SIDE:
        raise UserError(f"The frames are {size[0]} x {size[1]} px; a shot needs at least {LEAST_SIDE} x {LEAST_SIDE}.")
