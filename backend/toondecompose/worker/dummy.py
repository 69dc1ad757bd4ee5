"""A stand-in for the engine: a trivial but valid result at a chosen pace, with neither torch nor OpenCV.

With it the add-on's whole loop (job, progress, preview, cancel, import) runs where no engine is installed.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from .. import __version__
from ..formats.errors import Cancelled, UserError, sentence_for_os_error
from ..formats.files import write_atomic
from ..formats.job import Job
from ..formats.png_header import read_png_size
from ..formats.result import Clip, Result, Sprite, write_result

STAGES = (("read", "Reading frames"), ("paths", "Finding motions"), ("segment", "Finding layers"),
          ("sheet", "Reading the exposure sheet"), ("matte", "Solving drawings and plates"),
          ("write", "Writing drawings"))
# how often a waiting stage looks whether it was cancelled, s
_STEP = 0.05
_PREVIEW_SIZE = (160, 90)


class Reports(Protocol):
    def stage(self, name: str, label: str, index: int, count: int) -> None: ...
    def progress(self, fraction: float) -> None: ...
    def preview(self, path: str, label: str) -> None: ...
    def warning(self, text: str) -> None: ...


def png_bytes(picture: np.ndarray) -> bytes:
    """uint8 RGB or RGBA [h, w, 3 or 4] -> a PNG file, with the standard library alone."""
    height, width, channels = picture.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each row starts with its filter: 0, none
    rows[:, 1:] = picture.reshape(height, -1)
    colour_type = {3: 2, 4: 6}[channels]

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 1))
            + chunk(b"IEND", b""))


def _progress_picture(fraction: float) -> np.ndarray:
    width, height = _PREVIEW_SIZE
    picture = np.full((height, width, 3), 40, np.uint8)
    picture[:, : round(width * fraction)] = (230, 140, 60)
    return picture


def decompose(job: Job, job_folder: Path, events: Reports, cancelled: Callable[[], bool],
              seconds: float = 2.0) -> Path:
    """The whole shot as one plane that shows its first frame -> path of result.json. The frames must be PNG files.

    seconds: how long to take, spread evenly over the stages.
    """
    paths = job.frame_paths(job_folder)
    folder = job.output_folder(job_folder)
    sizes = None
    reached = 0.0
    for index, (name, label) in enumerate(STAGES):
        events.stage(name, label, index, len(STAGES))
        if name == "read":
            sizes = [read_png_size(path) for path in paths]
            for path, (width, height) in zip(paths, sizes, strict=True):
                if (width, height) != sizes[0]:
                    raise UserError(f"“{path.name}” is {width} x {height} px, but the first frame is {sizes[0][0]} x "
                                    f"{sizes[0][1]}; all frames must have one size.")
        until = time.monotonic() + seconds / len(STAGES)
        begin = time.monotonic()
        while (now := time.monotonic()) < until:
            if cancelled():
                raise Cancelled
            inner = (now - begin) / (until - begin)
            events.progress((index + inner) / len(STAGES))
            time.sleep(_STEP)
        reached = (index + 1) / len(STAGES)
        events.progress(reached)
        preview = folder / "preview.png"
        write_atomic(preview, png_bytes(_progress_picture(reached)))
        events.preview(preview.name, label)
    return _write(job, folder, paths, sizes[0])


def _write(job: Job, folder: Path, paths: list[Path], size: tuple[int, int]) -> Path:
    drawing = "sprites/00_background/drawings/0001.png"
    try:
        (folder / drawing).parent.mkdir(parents=True, exist_ok=True)
        first = paths[0].read_bytes()
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "read or written")) from error
    write_atomic(folder / drawing, first)
    count = len(paths)
    background = Sprite(name="background", order=0, kind="background", canvas_size=size, drawings=[drawing],
                        exposure=[0] * count, transform=np.tile(np.eye(3), (count, 1, 1)), opacity=np.ones(count),
                        motion_model="translation", confidence=0.0)
    clip = Clip(name=job.name, size=size, fps=job.fps, frame_start=job.frame_start, frame_count=count)
    result = Result(clip=clip, sprites=[background], engine={"name": "dummy", "version": __version__}, seed=job.seed,
                    metrics={"recomposition_psnr_mean": None})
    return write_result(folder, result)
