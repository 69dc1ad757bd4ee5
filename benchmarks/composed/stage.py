"""Cameras, poses and exposures of composed clips. A pose is a function from time in frames to a transform."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np
from drawn.layers import Layer, placed, shift

Pose = Callable[[float], np.ndarray]

SIZE = 640, 360  # px, of every clip but where it says otherwise
MIDDLE = 320.0, 180.0
STILL = 0.0, 0.0  # speed of a camera that stands
FOOT = 8  # px of the canvas from its lower edge up to where the feet are
SHUTTER_SAMPLES = 32  # positions of a drawing while the shutter is open


def painting(name: str, picture: np.ndarray, count: int, camera: Pose) -> Layer:
    """One picture for `count` frames: a background, or a plane in front of it."""
    return actor(name, [picture], [0] * count, camera)


def actor(name: str, drawings: list[np.ndarray], exposure: list[int], pose: Pose, hold: int = 1,
          shutter: float = 0.0) -> Layer:
    """Drawings by exposure sheet. hold: frames for which a pose is kept. shutter: part of a frame's time that it is
    open, around the frame's middle."""
    times = range(len(exposure))
    layer = Layer(name, drawings, exposure, np.array([pose(held(hold, t)) for t in times]))
    if shutter:
        within = shutter * ((np.arange(SHUTTER_SAMPLES) + 0.5) / SHUTTER_SAMPLES - 0.5)
        layer.blur = np.array([[pose(t + part) for part in within] for t in times])
    return layer


def cycle(drawings: int, hold: int, count: int) -> list[int]:
    """Exposure sheet of `count` frames: all drawings in turn, each for `hold` frames."""
    return [t // hold % drawings for t in range(count)]


def held(hold: int, t: float) -> float:
    """The time at which the exposure that is on screen at t began."""
    return t // hold * hold


def eased(part: float) -> float:
    """0..1 -> 0..1, slow at both ends."""
    return part * part * (3 - 2 * part)


def scaled(scale: float) -> np.ndarray:
    """3x3 scale about the origin."""
    return np.diag([scale, scale, 1.0])


def turned(degrees: float) -> np.ndarray:
    """3x3 turn about the origin, clockwise."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def truck(start: tuple[float, float], speed: tuple[float, float], scale: float) -> Pose:
    """Camera over a plate: where the scaled plate's corner lies in frame 0, and px that it moves per frame."""
    return lambda t: shift(start[0] + speed[0] * t, start[1] + speed[1] * t) @ scaled(scale)


def swivel(degrees: float, focal: float = 700.0) -> np.ndarray:
    """3x3 that a camera of focal length `focal` px, turning to the side, does to what stands before it."""
    lens = np.array([[focal, 0, MIDDLE[0]], [0, focal, MIDDLE[1]], [0, 0, 1]])
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return lens @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) @ np.linalg.inv(lens)


def on_feet(canvas: np.ndarray, x: float, y: float, scale: float, mirrored: bool = False) -> np.ndarray:
    """Puts the foot line's middle on frame point (x, y)."""
    height, width = canvas.shape[:2]
    return placed((width / 2, height - FOOT), (x, y), scale, mirrored=mirrored)


def centred(canvas: np.ndarray, x: float, y: float, scale: float, turn: float = 0.0,
            mirrored: bool = False) -> np.ndarray:
    """Puts the canvas's middle on frame point (x, y), turned by degrees, clockwise."""
    height, width = canvas.shape[:2]
    return placed((width / 2, height / 2), (x, y), scale, turn, mirrored)


def first_row(drawing: np.ndarray) -> int:
    """The first row of a plane in which something clearly shows."""
    return int(np.flatnonzero(drawing[..., 3].max(axis=1) > 100)[0])


def grain_and_jpeg(frames: Iterable[np.ndarray], seed: int, grain: float = 4.0, softness: float = 0.7,
                   quality: int = 85) -> list[np.ndarray]:
    """Frames as a worn copy shows them. grain: standard deviation in grey levels; softness: px of blur of the grain."""
    rng = np.random.default_rng(seed)
    out = []
    for frame in frames:
        noise = cv2.GaussianBlur(rng.normal(0, 1, frame.shape).astype(np.float32), (0, 0), softness)
        noisy = np.clip(np.round(frame + noise * (grain / noise.std())), 0, 255).astype(np.uint8)
        data = cv2.imencode(".jpg", noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        out.append(np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]))
    return out
