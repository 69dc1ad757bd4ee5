"""A first exposure sheet, found on small frames alone: enough for draft mattes, which a second sheet starts from."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..clip import CACHE_MB, FrameSource
from ..types import ExposureSheet, LayerPath
from .expose import expose
from .small import compared_size, resized


def expose_draft(source: FrameSource, masks: np.ndarray, *, path: LayerPath | None, hidden: np.ndarray | None,
                 planes: list[LayerPath], **settings) -> ExposureSheet:
    """As `expose` does, but placed on frames of the size at which drawings are compared: to a tenth of their px."""
    working = source.resized(masks.shape[2:0:-1])
    size = min(working.size, compared_size(masks))
    small = working if size == working.size else working.seen_as(
        lambda t: cv2.resize(working.read(t), size, interpolation=cv2.INTER_AREA), size, CACHE_MB)
    shrink = np.diag([size[0] / source.size[0], size[1] / source.size[1], 1.0])
    grow = np.linalg.inv(shrink)

    def moved(q: LayerPath) -> LayerPath:
        return replace(q, H=shrink @ q.H @ grow)

    sheet = expose(small, resized(masks, size), 1.0, path=None if path is None else moved(path),
                   hidden=resized(hidden, size), planes=[moved(q) for q in planes], **settings)
    canvas = np.ceil(sheet.canvas_size / np.diag(shrink)[:2]).astype(int)
    told = sheet.told and replace(sheet.told, H=grow @ sheet.told.H @ shrink)
    return replace(sheet, H=grow @ sheet.H @ shrink, told=told, canvas_size=(int(canvas[0]), int(canvas[1])))
