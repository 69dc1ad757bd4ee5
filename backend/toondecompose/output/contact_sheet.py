"""contact_sheet.png: one picture that tells how a decomposition went.

Rows: frames of the source, the sprites over magenta, every drawing, the completed backgrounds.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..engine.clip import FrameSource
from ..formats.files import existing_file
from ..formats.result import Result, Sprite
from ..io.png import read_rgba, write_png
from .layers import LayerRenderer
from .preview import MAGENTA, sprites_of
from .recompose import to_frame
from .warping import over, premultiply, render

WIDTH = 1920  # px of the whole sheet
COLUMNS = 6  # frames in a row
_GAP = 8  # px between pictures
_LABEL = 24  # px, height of a line of text
_DRAWING_HEIGHT = 200  # px
_MAX_DRAWINGS = 48  # per sprite; long sheets say how many are left out
_PAPER, _INK = 32, 220  # grey values of the sheet and its text


def _label(text: str) -> np.ndarray:
    strip = np.full((_LABEL, WIDTH, 3), _PAPER, np.uint8)
    # OpenCV's letters are ASCII only
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(strip, plain, (_GAP, _LABEL - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (_INK,) * 3, 1, cv2.LINE_AA)
    return strip


def _rows(pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Pictures laid out in lines of the sheet's width."""
    lines: list[list[np.ndarray]] = [[]]
    x = _GAP
    for picture in pictures:
        if x + picture.shape[1] + _GAP > WIDTH and lines[-1]:
            lines.append([])
            x = _GAP
        lines[-1].append(picture)
        x += picture.shape[1] + _GAP
    strips = []
    for line in lines:
        strip = np.full((max((p.shape[0] for p in line), default=0) + _GAP, WIDTH, 3), _PAPER, np.uint8)
        x = _GAP
        for picture in line:
            width = min(picture.shape[1], WIDTH - x)
            strip[:picture.shape[0], x:x + width] = picture[:, :width]
            x += picture.shape[1] + _GAP
        strips.append(strip)
    return strips


def _thumbnail(rgba: np.ndarray, width: int, height: int) -> np.ndarray:
    """Straight RGBA -> RGB over magenta, fitted into width x height px, never enlarged."""
    scale = min(1.0, width / rgba.shape[1], height / rgba.shape[0])
    size = (max(1, round(rgba.shape[1] * scale)), max(1, round(rgba.shape[0] * scale)))
    frame = np.empty((size[1], size[0], 3), np.float32)
    frame[:] = MAGENTA
    small = cv2.resize(premultiply(rgba), size, interpolation=cv2.INTER_AREA)
    over(frame, render(small, np.eye(3), size))
    return to_frame(frame)


def _drawings(folder: Path, sprite: Sprite, k: int) -> list[np.ndarray]:
    paths = [existing_file(folder, p, f"sprites[{k}].drawings") for p in sprite.drawings[:_MAX_DRAWINGS]]
    return [_thumbnail(read_rgba(path), WIDTH // 3, _DRAWING_HEIGHT) for path in paths]


def _summary(sprite: Sprite) -> str:
    shown = sum(d is not None for d in sprite.exposure)
    left_out = max(0, len(sprite.drawings) - _MAX_DRAWINGS)
    more = f" ({left_out} not shown here)" if left_out else ""
    return (f"{sprite.name}: {len(sprite.drawings)} drawings{more} on {shown} frames, {sprite.motion_model}, "
            f"confidence {sprite.confidence:.2f}")


def write_contact_sheet(folder: str | Path, result: Result, source: FrameSource | None = None,
                        path: str | Path | None = None) -> Path:
    """Write FOLDER/contact_sheet.png (or `path`) -> its path. Without the source frames that row is left out."""
    folder = Path(folder)
    path = Path(path) if path is not None else folder / "contact_sheet.png"
    clip = result.clip
    frames = sorted({round(t) for t in np.linspace(0, clip.frame_count - 1, COLUMNS)})
    scale = min(1.0, ((WIDTH - _GAP) / COLUMNS - _GAP - 1) / clip.size[0])
    renderer = LayerRenderer(folder, result, max(scale, 1 / min(clip.size)))
    numbers = ", ".join(str(clip.frame_start + t) for t in frames)
    strips = []
    if source is not None:
        small = [cv2.resize(source.read(t), renderer.size, interpolation=cv2.INTER_AREA) for t in frames]
        strips += [_label(f"{clip.name}: frames {numbers}"), *_rows(small)]
    layers = list(range(len(result.sprites)))
    whole = [to_frame(renderer.composite(t, layers, (0, 0, 0))) for t in frames]
    strips += [_label("Recomposed"), *_rows(whole)]
    mattes = [to_frame(renderer.composite(t, sprites_of(result), MAGENTA)) for t in frames]
    strips += [_label("Sprites over magenta"), *_rows(mattes)]
    for kind in ("sprite", "background"):
        for k, sprite in enumerate(result.sprites):
            if sprite.kind == kind:
                strips.append(_label(_summary(sprite)))
                if kind == "sprite":
                    strips += _rows(_drawings(folder, sprite, k))
                else:
                    for relative in sprite.drawings[:_MAX_DRAWINGS]:
                        rgba = read_rgba(existing_file(folder, relative, f"sprites[{k}].drawings"))
                        strips += _rows([_thumbnail(rgba, WIDTH - 2 * _GAP, WIDTH // 2)])
    write_png(path, np.vstack(strips), compression=6)
    return path
