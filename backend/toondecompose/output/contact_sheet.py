"""contact_sheet.png: one picture that tells how a decomposition went.

Rows: frames of the source, the sprites over magenta, every drawing, the completed backgrounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from ..engine.clip import FrameSource
from ..formats.result import Clip, Result, Sprite
from ..io.png import write_png
from .layers import LayerRenderer, Part
from .preview import MAGENTA, sprites_of

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


def _thumbnail(part: Part, width: int, height: int) -> np.ndarray:
    """A drawing's whole canvas -> RGB over magenta, fitted into width x height px, never enlarged."""
    scale = min(1.0, width / part.size[0], height / part.size[1])
    size = (max(1, round(part.size[0] * scale)), max(1, round(part.size[1] * scale)))
    canvas = np.zeros((part.size[1], part.size[0], 4), np.uint8)
    h, w = part.rgba.shape[:2]
    alpha = cv2.extractChannel(part.rgba, 3)
    # 8 bits are enough for a thumbnail, and several times faster
    canvas[part.y:part.y + h, part.x:part.x + w] = cv2.multiply(
        part.rgba, cv2.merge([alpha, alpha, alpha, np.full_like(alpha, 255)]), scale=1 / 255)
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.rint(small[..., :3] + np.array(MAGENTA, np.float32) * (1 - small[..., 3:] / 255)).astype(np.uint8)


def _drawings(renderer: LayerRenderer, k: int, width: int, height: int) -> list[np.ndarray]:
    count = min(_MAX_DRAWINGS, len(renderer.result.sprites[k].drawings))
    return [_thumbnail(renderer.part(k, i), width, height) for i in range(count)]


def _summary(sprite: Sprite) -> str:
    shown = sum(d is not None for d in sprite.exposure)
    left_out = max(0, len(sprite.drawings) - _MAX_DRAWINGS)
    more = f" ({left_out} not shown here)" if left_out else ""
    return (f"{sprite.name}: {len(sprite.drawings)} drawings{more} on {shown} frames, {sprite.motion_model}, "
            f"confidence {sprite.confidence:.2f}")


def sheet_frames(clip: Clip) -> list[int]:
    """The frames that the sheet shows, evenly spaced."""
    return sorted({round(t) for t in np.linspace(0, clip.frame_count - 1, COLUMNS)})


def frame_thumbnail(picture: np.ndarray, clip: Clip) -> np.ndarray:
    """A frame, uint8 RGB, as small as the sheet shows it."""
    scale = max(min(1.0, ((WIDTH - _GAP) / COLUMNS - _GAP - 1) / clip.size[0]), 1 / min(clip.size))
    size = (max(1, round(clip.size[0] * scale)), max(1, round(clip.size[1] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def write_contact_sheet(folder: str | Path, result: Result, source: FrameSource | None = None,
                        path: str | Path | None = None, renderer: LayerRenderer | None = None,
                        shown: Mapping[int, Sequence[np.ndarray]] | None = None) -> Path:
    """Write FOLDER/contact_sheet.png (or `path`) -> its path. Without the source frames that row is left out.

    renderer: one for full frames that is there already. shown: of sheet_frames, those that need not be rendered:
    thumbnails of the recomposed frame and of the sprites over magenta.
    """
    path = Path(path) if path is not None else Path(folder) / "contact_sheet.png"
    renderer = renderer or LayerRenderer(folder, result)
    clip = result.clip
    frames, shown = sheet_frames(clip), shown or {}
    numbers = ", ".join(str(clip.frame_start + t) for t in frames)
    layers, sprites = list(range(len(result.sprites))), sprites_of(result)
    rows: dict[str, list[np.ndarray]] = {f"{clip.name}: frames {numbers}": [], "Recomposed": [],
                                         "Sprites over magenta": []}
    for t in frames:
        pictures = shown.get(t) or [frame_thumbnail(renderer.frame(t, *what), clip)
                                    for what in ((layers, (0, 0, 0)), (sprites, MAGENTA))]
        first = None if source is None else frame_thumbnail(source.read(t), clip)
        for row, picture in zip(rows.values(), [first, *pictures], strict=True):
            if picture is not None:
                row.append(picture)
    strips = [strip for label, row in rows.items() if row for strip in (_label(label), *_rows(row))]
    for kind in ("sprite", "background"):
        for k, sprite in enumerate(result.sprites):
            if sprite.kind == kind:
                strips.append(_label(_summary(sprite)))
                if kind == "sprite":
                    strips += _rows(_drawings(renderer, k, WIDTH // 3, _DRAWING_HEIGHT))
                else:
                    for thumbnail in _drawings(renderer, k, WIDTH - 2 * _GAP, WIDTH // 2):
                        strips += _rows([thumbnail])
    write_png(path, np.vstack(strips))
    return path
