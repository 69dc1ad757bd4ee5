"""The layers of a result, placed frame by frame. Drawings are decoded when they are shown and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..formats.conventions import translation
from ..formats.errors import UserError
from ..formats.files import existing_file
from ..formats.result import Result
from ..io.png import read_rgba
from .patches import CACHED_ROWS, Patch, Slide
from .warping import over, premultiply, render

# px around what a drawing shows that its kept part has, so that no kernel sees where it was cut
_RIM = 4


@dataclass
class Part:
    """The part of a drawing that shows anything: straight RGBA uint8 [h, w, 4], its top-left px at (x, y) of a canvas
    of `size` (width, height) px."""

    x: int
    y: int
    size: tuple[int, int]
    rgba: np.ndarray


def shown_part(rgba: np.ndarray, whole: bool = False) -> Part:
    """What a drawing, straight RGBA uint8 [ch, cw, 4], shows, with a clear rim as far as its canvas goes; all of it
    with `whole`."""
    size = (rgba.shape[1], rgba.shape[0])
    x, y, w, h = (0, 0, *size) if whole else cv2.boundingRect(cv2.extractChannel(rgba, 3))
    x0, y0 = max(0, x - _RIM), max(0, y - _RIM)
    return Part(x0, y0, size, np.ascontiguousarray(rgba[y0:max(y + h + _RIM, 1), x0:max(x + w + _RIM, 1)]))


class LayerRenderer:
    """Renders any layer of a result at any frame.

    scale: 1 renders full frames; less renders smaller ones from shrunken drawings, for previews. size: (width, height)
    px of the frames it makes. parts: drawings that need not be read, by their file's name in the result.
    """

    def __init__(self, folder: str | Path, result: Result, scale: float = 1.0, cache_mb: int = 200,
                 parts: Mapping[str, Part] | None = None):
        self.folder, self.result = Path(folder), result
        width, height = result.clip.size
        self.size = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._scale = scale
        self._zoom = np.diag([self.size[0] / width, self.size[1] / height, 1.0])
        self._parts = parts or {}
        # drawings ready to be placed, and where their own top-left px lies on the canvas
        self._canvases: OrderedDict[str, tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self._room = cache_mb * 2**20
        # what each layer showed last: held drawings are not rendered again
        self._held: dict[int, tuple[bytes, Patch | Slide | None]] = {}
        # of layers over a colour, what they showed last, and the picture of it
        self._shown_last: dict[tuple, tuple[list[tuple[Patch | Slide, float]], np.ndarray]] = {}

    def is_background(self, k: int) -> bool:
        """Whether layer k is the farthest background, whose border goes on for ever and whose alpha is 1."""
        return k == 0 and self.result.sprites[0].kind == "background"

    def patch(self, k: int, t: int) -> Patch | Slide | None:
        """Layer k at frame t, without its opacity; None where it is not shown. Do not write into it."""
        sprite = self.result.sprites[k]
        drawing = sprite.exposure[t]
        if drawing is None:
            return None
        H = self._zoom @ np.asarray(sprite.transform[t], np.float64)
        key = drawing.to_bytes(8, "little") + H.tobytes()
        held = k in self._held and self._held[k][0] == key
        if held:
            patch = self._held[k][1]
        else:
            canvas, place = self._canvas(k, drawing)
            patch = render(canvas, H @ place, self.size, extend=self.is_background(k))
            self._held[k] = (key, patch)
        if patch is not None and (held or sprite.kind != "background"):  # sprites are shown by themselves, too
            patch.keep()
        return patch

    def opacity(self, k: int, t: int) -> float:
        """Opacity of layer k at frame t, 0..1."""
        return float(self.result.sprites[k].opacity[t])

    def frame(self, t: int, layers: list[int], backdrop: tuple[float, float, float]) -> np.ndarray:
        """Layers (back to front) over a colour -> uint8 RGB [h, w, 3], rounded. Do not write into it."""
        shown = [(patch, self.opacity(k, t)) for k in layers if (patch := self.patch(k, t)) is not None]
        width, height = self.size
        which = (tuple(layers), backdrop)
        before, out = self._shown_last.pop(which, ([], None))
        if out is None or len(before) != len(shown):
            new = [patch for patch, _ in [*before, *shown]]
            out = np.empty((height, width, 3), np.uint8)
            out.reshape(height, -1)[:] = np.tile(np.rint(backdrop), width)
        else:  # only what is not as it was in the last frame is composited again
            new = [patch for was, now in zip(before, shown, strict=True) if was[0] is not now[0] or was[1] != now[1]
                   for patch, _ in (was, now)]
            out = out.copy()
        self._shown_last[which] = shown, out
        if not new:
            return out
        ends = np.array([(p.x, p.y, p.x + p.size[0], p.y + p.size[1]) for p in new])
        (x0, y0), (x1, y1) = ends[:, :2].min(0).tolist(), ends[:, 2:].max(0).tolist()
        # some rows at a time: all layers of them find the sums still in the processor's cache
        rows = np.empty((3, min(CACHED_ROWS, y1 - y0), x1 - x0), np.float32)
        for top in range(y0, y1, CACHED_ROWS):
            part = rows[:, :y1 - top]
            part[:] = np.float32(backdrop)[:, None, None]  # beyond the layers there is but the colour
            for patch, opacity in shown:
                over(part, patch, opacity, (x0, top))
            # nothing here is negative, so that the absolute value that OpenCV takes is the value
            out[top:top + part.shape[1], x0:x1] = cv2.merge([cv2.convertScaleAbs(plane) for plane in part])
        return out

    def composite(self, t: int, layers: list[int], backdrop: tuple[float, float, float] | None) -> np.ndarray:
        """Layers (back to front) over a colour -> float32 [h, w, 3], 0..255.

        Without a colour: premultiplied [h, w, 4].
        """
        frame = np.zeros((3 if backdrop is not None else 4, self.size[1], self.size[0]), np.float32)
        for plane, value in zip(frame, backdrop or (), strict=False):
            plane[:] = value
        for k in layers:
            over(frame, self.patch(k, t), self.opacity(k, t))
        return cv2.merge(list(frame))

    def part(self, k: int, drawing: int) -> Part:
        """Layer k's drawing as its file holds it. Do not write into it."""
        sprite = self.result.sprites[k]
        relative, at = sprite.drawings[drawing], f"sprites[{k}].drawings[{drawing}]"
        if relative in self._parts:
            return self._parts[relative]
        rgba = read_rgba(existing_file(self.folder, relative, at))
        if rgba.shape[1::-1] != sprite.canvas_size:
            raise UserError(f"{at}: “{relative}” is {rgba.shape[1]} x {rgba.shape[0]} px, but the sprite's canvas is "
                            f"{sprite.canvas_size[0]} x {sprite.canvas_size[1]}.")
        return shown_part(rgba, self.is_background(k))

    def _canvas(self, k: int, drawing: int) -> tuple[np.ndarray, np.ndarray]:
        """A drawing ready to be placed -> (premultiplied planes, their px -> canvas px)."""
        relative = self.result.sprites[k].drawings[drawing]
        if relative in self._canvases:
            self._canvases.move_to_end(relative)
            return self._canvases[relative]
        part = self.part(k, drawing)
        planes = premultiply(part.rgba)
        if self.is_background(k) and bool((planes[3] == 255).all()):
            planes = planes[:3].copy()
        place = translation(part.x, part.y)
        if self._scale < 1:
            height, width = planes.shape[1:]
            small = tuple(max(1, round(side * self._scale)) for side in (width, height))
            planes = np.stack([cv2.resize(plane, small, interpolation=cv2.INTER_AREA) for plane in planes])
            place = place @ np.diag([width / small[0], height / small[1], 1.0])
        self._canvases[relative] = planes, place
        while len(self._canvases) > 1 and sum(c.nbytes for c, _ in self._canvases.values()) > self._room:
            self._canvases.popitem(last=False)
        return planes, place


def leading_backgrounds(result: Result) -> list[int]:
    """The planes behind all sprites: 0, 1, ... as long as they are backgrounds."""
    planes = []
    for k, sprite in enumerate(result.sprites):
        if sprite.kind != "background":
            break
        planes.append(k)
    return planes
