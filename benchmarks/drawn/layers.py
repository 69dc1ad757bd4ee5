"""A drawn clip: its layers with their truth, rendered and written in the layout that the bench's scorer reads.

Transforms are in the bench's convention: integer coordinates are pixel centres, H maps canvas px to frame px.
A placed layer is sampled bicubically on a 4 times finer grid and averaged, as the scorer does with the background
plate, so that the written frames are exactly what the written truth recomposes to.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import imageio.v2 as imageio
import numpy as np

from toondecompose.demo.clip import composite, to_premultiplied, to_straight

SUBSAMPLES = 4  # per axis, of every placed layer
FPS = 24


@dataclass
class Layer:
    """One true layer.

    drawings: straight uint8 RGBA [h, w, 4], all of one size. exposure: per frame the index of its drawing, or None
    where it is not shown. H: [T, 3, 3] canvas px -> frame px. opacity: [T] 0..1, or None for 1 throughout.
    blur: [T, n, 3, 3] where the canvas lies while the shutter is open, for motion blur; or None.
    """

    name: str
    drawings: list[np.ndarray]
    exposure: list[int | None]
    H: np.ndarray
    opacity: np.ndarray | None = None
    blur: np.ndarray | None = None


@dataclass
class Scene:
    """A clip to be written: layers back to front (the first one opaque), size (w, h) px, what it is.

    sprites: the number of layers to ask the engine for, where that is not the number of layers (a clip with a cut).
    crf: quality of H.264 compression of the frames (smaller is better), or None for clean frames.
    grain: standard deviation of film grain, grey levels.
    film: anything else that happens to the finished frames: in words, and the function from frames to frames.
    """

    name: str
    about: str
    tags: list[str]
    size: tuple[int, int]
    layers: list[Layer]
    seed: int
    sprites: int | None = None
    crf: int | None = None
    grain: float = 0.0
    film: tuple[str, Callable[[list[np.ndarray]], list[np.ndarray]]] | None = None
    count: int = field(init=False)

    def __post_init__(self) -> None:
        self.count = len(self.layers[0].H)


def shift(x: float, y: float) -> np.ndarray:
    """3x3 translation, px."""
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def placed(anchor: tuple[float, float], at: tuple[float, float], scale: float = 1.0, turn: float = 0.0,
           mirrored: bool = False) -> np.ndarray:
    """Transform that puts a canvas's anchor on a frame point, scaled and turned (degrees, clockwise) about it."""
    c, s = np.cos(np.radians(turn)) * scale, np.sin(np.radians(turn)) * scale
    linear = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    flip = np.diag([-1.0 if mirrored else 1.0, 1, 1])
    return shift(*at) @ linear @ flip @ shift(-anchor[0], -anchor[1])


def warp(premultiplied: np.ndarray, H: np.ndarray, size: tuple[int, int], opaque: bool = False) -> np.ndarray:
    """Place a premultiplied float32 RGBA canvas into a frame of `size` -> premultiplied. opaque: its border repeats."""
    fine = np.array([[SUBSAMPLES, 0, (SUBSAMPLES - 1) / 2], [0, SUBSAMPLES, (SUBSAMPLES - 1) / 2], [0, 0, 1]])
    border = cv2.BORDER_REPLICATE if opaque else cv2.BORDER_CONSTANT
    low, high = np.zeros(2, int), np.array(size)
    if not opaque:  # only the part of the frame that the canvas reaches
        height, width = premultiplied.shape[:2]
        corners = np.array([[-2, -2, 1], [width + 1, -2, 1], [width + 1, height + 1, 1], [-2, height + 1, 1.0]]) @ H.T
        corners = corners[:, :2] / corners[:, 2:]
        low = np.clip(np.floor(corners.min(0)), 0, size).astype(int)
        high = np.clip(np.ceil(corners.max(0)) + 1, low, size).astype(int)
    out = np.zeros((size[1], size[0], 4), np.float32)
    part = int(high[0] - low[0]), int(high[1] - low[1])
    if not all(part):
        return out
    big = cv2.warpPerspective(premultiplied, fine @ shift(-low[0], -low[1]) @ H,
                              (part[0] * SUBSAMPLES, part[1] * SUBSAMPLES), flags=cv2.INTER_CUBIC, borderMode=border)
    small = np.clip(cv2.resize(big, part, interpolation=cv2.INTER_AREA), 0, 1)
    small[..., :3] = np.minimum(small[..., :3], small[..., 3:])
    out[low[1]:high[1], low[0]:high[0]] = small
    return out


def sprites_at(scene: Scene, t: int, canvases: list[list[np.ndarray]]) -> np.ndarray:
    """Every layer's whole content in frame t: straight uint8 RGBA [K, h, w, 4]. canvases: premultiplied drawings."""
    out = np.zeros((len(scene.layers), scene.size[1], scene.size[0], 4), np.uint8)
    for k, layer in enumerate(scene.layers):
        if layer.exposure[t] is None:
            continue
        canvas = canvases[k][layer.exposure[t]]
        if layer.blur is None:
            part = warp(canvas, layer.H[t], scene.size, opaque=k == 0)
        else:
            part = np.mean([warp(canvas, H, scene.size) for H in layer.blur[t]], axis=0)
        if layer.opacity is not None:
            part = part * np.float32(layer.opacity[t])
        out[k] = to_straight(part)
    return out


def compressed(frames: list[np.ndarray], crf: int, scratch: Path) -> list[np.ndarray]:
    """Frames uint8 RGB after H.264 compression (4:2:0) and decoding. Odd sizes lose their last row or column of blocks
    in that format, so sizes have to be even."""
    imageio.mimwrite(scratch, frames, fps=FPS, codec="libx264", macro_block_size=1,
                     pixelformat="yuv420p", ffmpeg_log_level="error",
                     output_params=["-crf", str(crf), "-threads", "1"])
    decoded = [np.asarray(f)[..., :3] for f in imageio.mimread(scratch, memtest=False)]
    scratch.unlink()
    if len(decoded) != len(frames):
        raise RuntimeError(f"{len(frames)} frames were encoded and {len(decoded)} decoded.")
    return decoded


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write uint8 grey, RGB or RGBA."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 6]):
        raise OSError(f"{path} could not be written.")


def write_scene(scene: Scene, folder: Path) -> Path:
    """Write frames, sprites, drawings, visible alphas, transforms.json and clip.json -> the clip's folder.

    flow.npz, which the scorer does not read, is left out.
    """
    clip = folder / scene.name
    canvases = [[to_premultiplied(drawing) for drawing in layer.drawings] for layer in scene.layers]
    frames = []
    for t in range(scene.count):
        sprites = sprites_at(scene, t, canvases)
        frame, visible = composite(sprites)
        frames.append(frame)
        for k in range(len(sprites)):
            write_png(clip / f"alpha_{k}/{t:04d}.png", np.round(visible[k] * 255).astype(np.uint8))
            if k > 0:
                write_png(clip / f"sprite_{k}/{t:04d}.png", sprites[k])
    held = [t > 0 and bool(np.array_equal(frames[t], frames[t - 1])) for t in range(scene.count)]
    if scene.grain > 0:
        rng = np.random.default_rng([scene.seed, 1])
        frames = [np.clip(np.round(f + rng.normal(0, scene.grain, f.shape)), 0, 255).astype(np.uint8) for f in frames]
    if scene.film is not None:
        frames = scene.film[1](frames)
    if scene.crf is not None:
        frames = compressed(frames, scene.crf, clip / "frames.mp4")
    for t, frame in enumerate(frames):
        write_png(clip / f"frames/{t:04d}.png", frame)
    for k, layer in enumerate(scene.layers):
        for i, drawing in enumerate(layer.drawings):
            write_png(clip / f"sprite_{k}/canvas/{i:02d}.png", drawing if k else drawing[..., :3])
    transforms = [{"name": layer.name, "canvas_size": list(layer.drawings[0].shape[1::-1]), "H": layer.H.tolist()}
                  for layer in scene.layers]
    (clip / "transforms.json").write_text(json.dumps({"sprites": transforms}), encoding="utf-8")
    (clip / "clip.json").write_text(json.dumps(_description(scene, held), indent=1), encoding="utf-8")
    return clip


def _description(scene: Scene, held: list[bool]) -> dict:
    layers = []
    for layer in scene.layers:
        shown = [d if d is not None else -1 for d in layer.exposure]
        layers.append({"name": layer.name, "drawing": shown, "shutter": 0.0 if layer.blur is None else 0.5,
                       "pose_held": [t > 0 and bool(np.array_equal(layer.H[t], layer.H[t - 1]))
                                     for t in range(scene.count)]})
    effects = [f"Grain of {scene.grain:g} levels."] * (scene.grain > 0)
    effects += [] if scene.film is None else [scene.film[0]]
    effects += [] if scene.crf is None else [f"H.264, crf {scene.crf}, 4:2:0."]
    return {"name": scene.name, "about": scene.about, "tags": scene.tags, "size": list(scene.size),
            "frames": scene.count, "K": len(scene.layers), "sprites": scene.sprites or len(scene.layers), "fps": FPS,
            "seed": scene.seed, "post_effect": " ".join(effects) or None, "layers": layers, "frame_held": held}
