"""preview.mp4: the source, its recomposition, and the sprites alone over magenta, side by side."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from ..engine.clip import FrameSource
from ..formats.errors import UserError, sentence_for_os_error
from ..formats.result import Result
from ..io.video import VideoWriter
from .layers import LayerRenderer
from .recompose import to_frame

# the colour behind sprites: rare in drawings, so halos and holes show
MAGENTA = (255.0, 0.0, 255.0)
# width of one panel, px: three of them fit a 1920 px screen
PANEL_WIDTH = 640


def sprites_of(result: Result) -> list[int]:
    """Layers that are no background planes."""
    return [k for k, sprite in enumerate(result.sprites) if sprite.kind != "background"]


def write_preview(folder: str | Path, result: Result, source: FrameSource | None = None,
                  path: str | Path | None = None) -> Path:
    """Write FOLDER/preview.mp4 (or `path`) -> its path. Without the source frames that panel is left out."""
    path = Path(path) if path is not None else Path(folder) / "preview.mp4"
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    scale = min(1.0, PANEL_WIDTH / result.clip.size[0])
    renderer = LayerRenderer(folder, result, scale)
    width, height = renderer.size
    layers, sprites = list(range(len(result.sprites))), sprites_of(result)
    panels = 3 if source is not None else 2
    try:
        with VideoWriter(part, (panels * width, height), result.clip.fps) as video:
            for t in range(result.clip.frame_count):
                row = [to_frame(renderer.composite(t, layers, (0, 0, 0))),
                       to_frame(renderer.composite(t, sprites, MAGENTA))]
                if source is not None:
                    row.insert(0, cv2.resize(source.read(t), renderer.size, interpolation=cv2.INTER_AREA))
                video.add(np.hstack(row))
        os.replace(part, path)
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "written", path)) from error
    finally:
        part.unlink(missing_ok=True)
    return path
