"""Tiny cartoon clips with known truth, drawn for the tests of the whole engine."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from toondecompose.io.png import write_png


def painted(width: int, height: int, seed: int) -> np.ndarray:
    """A painted-looking background -> uint8 RGB: smooth colour patches with outlined shapes on them."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 220, (max(2, height // 24), max(2, width // 24), 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(width * height // 900):
        corner = rng.integers(0, (width, height))
        size = rng.integers(8, 26, 2)
        colour = tuple(int(c) for c in rng.integers(30, 240, 3))
        cv2.rectangle(picture, corner.tolist(), (corner + size).tolist(), colour, -1)
        cv2.rectangle(picture, corner.tolist(), (corner + size).tolist(), (35, 25, 30), 1)
    return picture


def figure(pose: int, size: int = 88) -> np.ndarray:
    """A flat, outlined figure whose arm moves with the pose -> RGBA uint8 [size, size, 4], anti-aliased."""
    big = 4 * size
    rgba = np.zeros((big, big, 4), np.uint8)
    arm = [(big // 2, big // 2), (int(big * (.12 + .25 * pose)), int(big * (.2 + .2 * pose)))]
    for width, colour in ((big // 6, (30, 20, 30, 255)), (big // 10, (230, 170, 130, 255))):
        cv2.line(rgba, arm[0], arm[1], colour, width)
    cv2.ellipse(rgba, (big // 2, int(big * .62)), (int(big * .26), int(big * .32)), 0, 0, 360, (30, 20, 30, 255), -1)
    cv2.ellipse(rgba, (big // 2, int(big * .62)), (int(big * .23), int(big * .29)), 0, 0, 360, (210, 60, 70, 255), -1)
    cv2.circle(rgba, (big // 2, int(big * .24)), int(big * .17), (30, 20, 30, 255), -1)
    cv2.circle(rgba, (big // 2, int(big * .24)), int(big * .14), (250, 215, 180, 255), -1)
    return cv2.resize(rgba, (size, size), interpolation=cv2.INTER_AREA)


def walking_clip(frames: int = 8, size: tuple[int, int] = (320, 192), seed: int = 3) -> dict[str, np.ndarray]:
    """A figure on twos with two drawings, over a panning plate -> frames [T, h, w, 3], alpha, drawing."""
    width, height = size
    plate = painted(width + 6 * frames, height, seed)
    out = np.empty((frames, height, width, 3), np.uint8)
    alpha = np.zeros((frames, height, width), np.uint8)
    drawing = (np.arange(frames) // 2) % 2
    for t in range(frames):
        frame = plate[:, 6 * t:6 * t + width].astype(np.float32)
        cel = figure(int(drawing[t]))
        y, x = height - 96, width // 3 + 2 * (t // 2)
        a = cel[..., 3:].astype(np.float32) / 255
        region = frame[y:y + 88, x:x + 88]
        frame[y:y + 88, x:x + 88] = region * (1 - a) + cel[..., :3] * a
        alpha[t, y:y + 88, x:x + 88] = cel[..., 3]
        out[t] = np.round(frame)
    return {"frames": out, "alpha": alpha, "drawing": drawing}


def write_frames(folder: Path, frames: np.ndarray) -> list[str]:
    """Write frames as folder/0000.png ... -> their paths."""
    paths = []
    for t, frame in enumerate(frames):
        paths.append(str(folder / f"{t:04d}.png"))
        write_png(paths[-1], frame)
    return paths
