"""The layers of a result, placed frame by frame. Drawings are decoded when they are shown and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from ..formats.errors import UserError
from ..formats.files import existing_file
from ..formats.result import Result
from ..io.png import read_rgba
from .warping import Patch, over, premultiply, render


class LayerRenderer:
    """Renders any layer of a result at any frame.

    scale: 1 renders full frames; less renders smaller ones from shrunken drawings, for previews. size: (width, height)
    px of the frames it makes.
    """

    def __init__(self, folder: str | Path, result: Result, scale: float = 1.0, cache_mb: int = 400):
        self.folder, self.result = Path(folder), result
        width, height = result.clip.size
        self.size = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._scale = scale
        self._zoom = np.diag([self.size[0] / width, self.size[1] / height, 1.0])
        self._canvases: OrderedDict[str, np.ndarray] = OrderedDict()
        self._room = cache_mb * 2**20
        # what each layer showed last: held drawings are not rendered again
        self._held: dict[int, tuple[bytes, Patch | None]] = {}

    def is_background(self, k: int) -> bool:
        """Whether layer k is the farthest background, whose border goes on for ever and whose alpha is 1."""
        return k == 0 and self.result.sprites[0].kind == "background"

    def patch(self, k: int, t: int) -> Patch | None:
        """Layer k at frame t, without its opacity; None where it is not shown. Do not write into it."""
        sprite = self.result.sprites[k]
        drawing = sprite.exposure[t]
        if drawing is None:
            return None
        H = self._zoom @ np.asarray(sprite.transform[t], np.float64)
        key = drawing.to_bytes(8, "little") + H.tobytes()
        if k in self._held and self._held[k][0] == key:
            return self._held[k][1]
        canvas = self._canvas(sprite.drawings[drawing], sprite.canvas_size, f"sprites[{k}].drawings[{drawing}]")
        shrink = np.diag([sprite.canvas_size[0] / canvas.shape[1], sprite.canvas_size[1] / canvas.shape[0], 1.0])
        patch = render(canvas, H @ shrink, self.size, extend=self.is_background(k))
        self._held[k] = (key, patch)
        return patch

    def opacity(self, k: int, t: int) -> float:
        """Opacity of layer k at frame t, 0..1."""
        return float(self.result.sprites[k].opacity[t])

    def composite(self, t: int, layers: list[int], backdrop: tuple[float, float, float] | None) -> np.ndarray:
        """Layers (back to front) over a colour -> float32 [h, w, 3], 0..255.

        Without a colour: premultiplied [h, w, 4].
        """
        frame = np.zeros((self.size[1], self.size[0], 3 if backdrop is not None else 4), np.float32)
        if backdrop is not None:
            frame[:] = backdrop
        for k in layers:
            over(frame, self.patch(k, t), self.opacity(k, t))
        return frame

    def _canvas(self, relative: str, size: tuple[int, int], at: str) -> np.ndarray:
        if relative in self._canvases:
            self._canvases.move_to_end(relative)
            return self._canvases[relative]
        rgba = read_rgba(existing_file(self.folder, relative, at))
        if rgba.shape[1::-1] != size:
            raise UserError(f"{at}: “{relative}” is {rgba.shape[1]} x {rgba.shape[0]} px, but the sprite's canvas is "
                            f"{size[0]} x {size[1]}.")
        canvas = premultiply(rgba)
        if self._scale < 1:
            small = tuple(max(1, round(side * self._scale)) for side in size)
            canvas = cv2.resize(canvas, small, interpolation=cv2.INTER_AREA)
        self._canvases[relative] = canvas
        while len(self._canvases) > 1 and sum(c.nbytes for c in self._canvases.values()) > self._room:
            self._canvases.popitem(last=False)
        return canvas


def leading_backgrounds(result: Result) -> list[int]:
    """The planes behind all sprites: 0, 1, ... as long as they are backgrounds."""
    planes = []
    for k, sprite in enumerate(result.sprites):
        if sprite.kind != "background":
            break
        planes.append(k)
    return planes
