"""The 2022 system's own outputs, under its names, from our result (Sprite-from-Sprite, SIGGRAPH Asia 2022).

    DIR/flow/N.D.npy        float32 [h, w, 2] optical flow from frame N to frame N+D, D in -3, -1, 1, 3 (clipped), px
    DIR/flow/N.D.png        the same in normal-ball colours: one scale for every picture
    DIR/label/N.png         which layer is on top, one colour per layer
    DIR/homography/K.npy    float64 [T, 3, 3] canvas -> frame, edge coordinates
    DIR/position.K.mp4      sin pattern of the canvas coordinates, the frame beside it
    DIR/N.img.png  N.homo.png  N.obj.K.png    frame, position pattern of the layers on top, every layer's picture (RGBA)
    DIR/vis.mp4             everything tiled
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import imageio.v2 as imageio
import numpy as np

from ..engine.clip import FrameSource
from ..engine.paths.flow import Flow, flow_between
from ..formats.result import Result
from ..io.png import write_png
from .layers import LayerRenderer
from .warping import straighten

FLOW_STEPS = (-3, -1, 1, 3)
FLOW_BALL_PX = 32.0  # a flow of this length lies on the ball's rim
PATTERN_PERIOD_PX = 40.0  # of the position pattern, in canvas px: a few stripes per limb


def optical_flow(source: FrameSource, t: int, step: int, flow: Flow = flow_between) -> np.ndarray:
    """Flow from frame t to frame t + step, clipped to the clip -> float32 [h, w, 2] px. flow: what finds it between
    two grey pictures, as in the search for motions."""
    other = min(max(t + step, 0), source.count - 1)
    if other == t:
        return np.zeros((*source.read(t).shape[:2], 2), np.float32)
    grey = [cv2.cvtColor(source.read(i), cv2.COLOR_RGB2GRAY) for i in (t, other)]
    return flow(*grey)


def normal_ball(flow: np.ndarray) -> np.ndarray:
    """Flow [h, w, 2] px as colours of a ball's normals -> uint8 RGB: (x/32, y/32) on the unit sphere."""
    xy = flow / FLOW_BALL_PX
    xy = xy / np.maximum(1.0, np.linalg.norm(xy, axis=-1, keepdims=True))
    z = np.sqrt(np.maximum(0.0, 1.0 - (xy**2).sum(-1, keepdims=True)))
    return np.round((np.concatenate([xy, z], -1) + 1) * 127.5).astype(np.uint8)


def position_pattern(transform: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Sin pattern of canvas coordinates seen through a transform (canvas -> frame) -> uint8 RGB [h, w, 3]."""
    width, height = size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    point = np.einsum("ij,jhw->ihw", np.linalg.inv(transform), np.stack([x, y, np.ones_like(x)]))
    canvas = point[:2] / point[2:]
    wave = np.sin(canvas * (2 * np.pi / PATTERN_PERIOD_PX))
    return np.round(np.stack([wave[0], wave[1], wave[0] * wave[1]], -1) * 127 + 128).astype(np.uint8)


def layer_colours(count: int) -> np.ndarray:
    """One clearly different colour per layer -> uint8 RGB [count, 3]."""
    hues = (np.arange(count) * 137.508 % 180).astype(np.uint8)  # the golden angle: neighbours never look alike
    hsv = np.stack([hues, np.full(count, 200, np.uint8), np.full(count, 255, np.uint8)], -1)
    return cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]


def write_diagnostics(folder: Path, result_folder: Path, result: Result, source: FrameSource,
                      check: Callable[[], None] = lambda: None, flow: Flow = flow_between) -> None:
    """Write everything named above. check() raises when the job is cancelled. flow: as in optical_flow."""
    for name in ("flow", "label", "homography"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    colours = layer_colours(len(result.sprites))
    for k, sprite in enumerate(result.sprites):
        np.save(folder / "homography" / f"{k}.npy", np.asarray(sprite.transform))
    fps = result.clip.fps
    videos = [imageio.get_writer(folder / f"position.{k}.mp4", fps=fps, macro_block_size=2, quality=8)
              for k in range(len(result.sprites))]
    renderer = LayerRenderer(result_folder, result)
    tiled = imageio.get_writer(folder / "vis.mp4", fps=fps, macro_block_size=2, quality=8)
    try:
        for t in range(source.count):
            check()
            frame = source.read(t)
            for step in FLOW_STEPS:
                field = optical_flow(source, t, step, flow)
                np.save(folder / "flow" / f"{t:04d}.{step:+d}.npy", field)
                write_png(folder / "flow" / f"{t:04d}.{step:+d}.png", normal_ball(field))
            label = np.zeros((*frame.shape[:2], 3), np.float32)
            homo = np.zeros_like(label)
            tiles = [frame]
            for k, sprite in enumerate(result.sprites):
                placed = straighten(renderer.composite(t, [k], None))
                alpha = placed[..., 3:].astype(np.float32) / 255
                pattern = position_pattern(np.asarray(sprite.transform[t]), result.clip.size)
                label = label * (1 - alpha) + colours[k] * alpha
                homo = homo * (1 - alpha) + pattern * alpha
                write_png(folder / f"{t:04d}.obj.{k}.png", placed)
                videos[k].append_data(_even(np.hstack([frame, pattern])))
                tiles.append(np.round(placed[..., :3] * alpha + np.array([255, 0, 255]) * (1 - alpha)).astype(np.uint8))
            label, homo = np.round(label).astype(np.uint8), np.round(homo).astype(np.uint8)
            write_png(folder / "label" / f"{t:04d}.png", label)
            write_png(folder / f"{t:04d}.img.png", frame)
            write_png(folder / f"{t:04d}.homo.png", homo)
            tiled.append_data(_even(_tile([*tiles, label, homo])))
    finally:
        for video in (*videos, tiled):
            video.close()


def _tile(pictures: list[np.ndarray]) -> np.ndarray:
    columns = int(np.ceil(np.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    pictures = pictures + [np.zeros_like(pictures[0])] * (rows * columns - len(pictures))
    return np.vstack([np.hstack(pictures[r * columns:(r + 1) * columns]) for r in range(rows)])


def _even(picture: np.ndarray) -> np.ndarray:
    """H.264 with 4:2:0 wants even sides: repeat the last row or column."""
    return np.pad(picture, ((0, picture.shape[0] % 2), (0, picture.shape[1] % 2), (0, 0)), mode="edge")
