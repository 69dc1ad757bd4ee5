"""preview.mp4: the source, its recomposition, and the sprites alone over magenta, side by side."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from ..engine.clip import FrameSource
from ..formats.errors import UserError, sentence_for_os_error
from ..formats.result import Result
from ..io.video import VideoWriter
from .layers import LayerRenderer

# the colour behind sprites: rare in drawings, so halos and holes show
MAGENTA = (255.0, 0.0, 255.0)
# width of one panel, px: three of them fit a 1920 px screen
PANEL_WIDTH = 640
# what the engine calls layers that lie over the whole picture (shade.py, lights.py); of several shots "shot1 light"
OVER_ALL = ("shade", "light")


def sprites_of(result: Result) -> list[int]:
    """Layers that are no background planes, nor lie over the whole picture: a fade to white would hide all others."""
    return [k for k, sprite in enumerate(result.sprites)
            if sprite.kind != "background" and sprite.name.split(" ")[-1] not in OVER_ALL]


class PreviewWriter:
    """Writes preview.mp4 frame by frame, for somebody who has every frame's recomposition. Use it with `with`: the file
    appears when all is well.

    with_source: there is a panel with the source's frames.
    """

    def __init__(self, path: Path, result: Result, with_source: bool):
        self.path = path
        self._part = path.with_name(f".{path.stem}.part{path.suffix}")
        width, height = result.clip.size
        scale = min(1.0, PANEL_WIDTH / width)
        self._size = (max(1, round(width * scale)), max(1, round(height * scale)))
        panels = 3 if with_source else 2
        try:
            self._video = VideoWriter(self._part, (panels * self._size[0], self._size[1]), result.clip.fps)
        except OSError as error:
            raise UserError(sentence_for_os_error(error, "written", path)) from error

    def __enter__(self) -> PreviewWriter:
        return self

    def add(self, recomposed: np.ndarray, alone: np.ndarray, frame: np.ndarray | None) -> None:
        """Add a frame. recomposed; alone: the sprites over magenta; frame: the source's, if there is that panel. uint8
        RGB [h, w, 3], full size."""
        row = [recomposed, alone]
        if frame is not None:
            row.insert(0, frame)
        try:
            self._video.add(np.hstack([cv2.resize(p, self._size, interpolation=cv2.INTER_AREA) for p in row]))
        except OSError as error:
            raise UserError(sentence_for_os_error(error, "written", self.path)) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        try:
            self._video.__exit__(kind, error, trace)
            if error is None:
                os.replace(self._part, self.path)
        except OSError as failure:
            raise UserError(sentence_for_os_error(failure, "written", self.path)) from failure
        finally:
            self._part.unlink(missing_ok=True)


def write_preview(folder: str | Path, result: Result, source: FrameSource | None = None,
                  path: str | Path | None = None) -> Path:
    """Write FOLDER/preview.mp4 (or `path`) -> its path. Without the source frames that panel is left out."""
    path = Path(path) if path is not None else Path(folder) / "preview.mp4"
    renderer = LayerRenderer(folder, result)
    layers, sprites = list(range(len(result.sprites))), sprites_of(result)
    with PreviewWriter(path, result, source is not None) as preview:
        for t in range(result.clip.frame_count):
            preview.add(renderer.frame(t, layers, (0, 0, 0)), renderer.frame(t, sprites, MAGENTA),
                        None if source is None else source.read(t))
    return path
