"""Small result folders for tests, written with numpy and the standard library alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from toondecompose.formats.result import Clip, Result, Sprite, write_result
from toondecompose.worker.dummy import png_bytes


def picture(width: int, height: int, channels: int = 4, seed: int = 0) -> np.ndarray:
    """Noise, uint8 [h, w, channels]; straight alpha with some fully transparent and some opaque px."""
    out = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    if channels == 4:
        out[: height // 3, :, 3] = 0
        out[2 * height // 3:, :, 3] = 255
    return out


def shifts(offsets: list[tuple[float, float]]) -> np.ndarray:
    """[T, 3, 3] translations."""
    out = np.tile(np.eye(3), (len(offsets), 1, 1))
    out[:, :2, 2] = offsets
    return out


def small_result(folder: Path, count: int = 4, size: tuple[int, int] = (64, 48)) -> Result:
    """A background that pans and a sprite with two drawings that comes and goes, written into a folder."""
    width, height = size
    background = picture(width + 16, height, 4, seed=1)
    background[..., 3] = 255
    names = {"sprites/00_background/drawings/0001.png": background,
             "sprites/01_girl/drawings/0001.png": picture(16, 24, seed=2),
             "sprites/01_girl/drawings/0002.png": picture(16, 24, seed=3)}
    for name, pixels in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png_bytes(pixels))
    paths = list(names)
    plate = Sprite("background", 0, "background", (width + 16, height), paths[:1], [0] * count,
                   shifts([(-4.0 * t, 0.0) for t in range(count)]), np.ones(count), "translation")
    girl = Sprite("girl", 1, "sprite", (16, 24), paths[1:], [None if t == count - 1 else t % 2 for t in range(count)],
                  shifts([(10.0 + 3 * t, 8.0) for t in range(count)]), np.ones(count), "translation")
    result = Result(Clip("small", size, 24.0, 1, count), [plate, girl], engine={"name": "test", "version": "0"})
    write_result(folder, result)
    return result
