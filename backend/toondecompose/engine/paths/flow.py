"""Dense optical flow between two grey pictures, also where a whip pan moves it by a large part of its width."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]  # as flow_between, or learned (engine/flow)

LOOK_WIDTH = 160  # px: a pan of the whole picture is seen at thumbnail size
FAR = 0.05  # of the width: what optical flow finds by itself
PATCH = 7  # px across: the neighbourhood that says which of two flows is right


def flow_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Optical flow (DIS) from grey picture uint8 [h, w] a to b -> float32 [h, w, 2] px.

    Where the whole picture has jumped, the flow is also taken from the jump, and each pixel keeps what suits it."""
    h, w = a.shape
    if min(h, w) < 24 or np.array_equal(a, b):  # DIS needs a few patches; and holds are many
        return np.zeros((h, w, 2), np.float32)
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    near = dis.calc(a, b, None)
    jump = _jump(a, b)
    if np.hypot(*jump) < FAR * w:
        return near
    x, y = jump
    moved = cv2.warpAffine(b, np.float32([[1, 0, -x], [0, 1, -y]]), (w, h), borderMode=cv2.BORDER_REPLICATE)
    far = dis.calc(a, moved, None) + np.float32([x, y])
    return np.where((_error(a, b, far) < _error(a, b, near))[..., None], far, near)


def _jump(a: np.ndarray, b: np.ndarray) -> tuple[int, int]:
    """By how many whole px most of the picture has moved from a to b (phase correlation of thumbnails)."""
    scale = min(1.0, LOOK_WIDTH / a.shape[1])
    small = [cv2.resize(p, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32) for p in (a, b)]
    fine = [p - cv2.GaussianBlur(p, (0, 0), 5) for p in small]
    window = cv2.createHanningWindow(small[0].shape[::-1], cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(fine[0], fine[1], window)
    return round(x / scale), round(y / scale)


def _error(a: np.ndarray, b: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """How much b at the flow's ends differs from a around each pixel, grey levels; beyond b's border nobody knows."""
    h, w = a.shape
    there = flow + np.stack(np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)), -1)
    found = cv2.remap(b, there, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    off = cv2.absdiff(a, found).astype(np.float32)
    off[(there < 0).any(2) | (there > [w - 1, h - 1]).any(2)] = 64
    return cv2.blur(off, (PATCH, PATCH))
