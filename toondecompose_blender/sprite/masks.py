"""Mask data-blocks as hints: their splines, filled, as grey pictures. numpy and stdlib only, apart from what is
read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

# points per spline segment: a hint is completed to the picture's own edges, so a little corner does no harm
_STEPS = 12


def outline(points: list[tuple[Any, Any, Any]], cyclic: bool, size: tuple[int, int]) -> np.ndarray:
    """A spline's outline in frame px (edge coordinates): float64 [n, 2].

    points: (left handle, point, right handle), each (x, y) in mask coordinates: the frame's longer side is 0..1, the
    frame's middle is (0.5, 0.5), y up. Cubic Bezier segments, as Blender fills them.
    """
    p = np.array([[tuple(v)[:2] for v in point] for point in points], np.float64)
    longer = max(size)
    p = np.stack([(p[..., 0] - 0.5) * longer + size[0] / 2, size[1] / 2 - (p[..., 1] - 0.5) * longer], -1)
    after = np.roll(p, -1, 0) if cyclic else np.concatenate([p[1:], p[-1:]])
    t = (np.arange(_STEPS) / _STEPS)[None, :, None]
    start, out, into, end = (v[:, None] for v in (p[:, 1], p[:, 2], after[:, 0], after[:, 1]))
    curve = (1 - t) ** 3 * start + 3 * t * (1 - t) ** 2 * out + 3 * t**2 * (1 - t) * into + t**3 * end
    return curve.reshape(-1, 2)


def fill(outlines: Iterable[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Pixels whose centres lie inside (even-odd per outline, outlines together): uint8 [h, w], 0 or 255."""
    w, h = size
    inside = np.zeros((h, w), bool)
    x = np.arange(w) + 0.5
    for ring in outlines:
        ends = np.roll(ring, -1, 0)
        for j in range(h):
            y = j + 0.5
            crosses = (ring[:, 1] <= y) != (ends[:, 1] <= y)
            a, b = ring[crosses], ends[crosses]
            at = a[:, 0] + (y - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
            inside[j] |= (at[None, :] < x[:, None]).sum(1) % 2 == 1
    return np.where(inside, 255, 0).astype(np.uint8)


def mask_pictures(mask: Any, sprites: list[str], size: tuple[int, int]) -> dict[int, np.ndarray]:
    """A mask data-block's layers that are named after sprites -> {index of the sprite: uint8 [h, w]}."""
    found = {}
    for index, sprite in enumerate(sprites):
        layer = next((layer for layer in mask.layers if layer.name.strip().casefold() == sprite.casefold()), None)
        if layer is not None and len(layer.splines):
            rings = [outline([(p.handle_left, p.co, p.handle_right) for p in spline.points], spline.use_cyclic, size)
                     for spline in layer.splines if len(spline.points) > 1]
            found[index] = fill(rings, size)
    return found


def grey_png(picture: np.ndarray) -> bytes:
    """uint8 [h, w] -> the bytes of a PNG file."""
    h, w = picture.shape

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = np.concatenate([np.zeros((h, 1), np.uint8), picture], 1).tobytes()
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
