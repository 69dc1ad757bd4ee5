"""The demo clip: a pan along a street in three planes, a girl who runs, a cat that crosses her; and its truth.

`plan_clip` decides what stands where on each frame, `Clip.layers(t)` renders it, `draw_demo_clip` writes the folder:
frames, un-occluded sprites, visible alphas, drawings, exposure sheet and transforms, in the benchmark's layout. Its
transforms are in OpenCV's convention: integer coordinates are pixel centres.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from toondecompose.demo import cat, girl
from toondecompose.demo.far import PICTURE_UNITS, draw_hills, draw_sky
from toondecompose.demo.street import draw_street

FPS = 24
ON_TWOS = 2
SUBSAMPLES = 4  # per axis; a placed pixel is the mean of 4x4 bicubic samples
REACH = 3  # px that bicubic sampling and averaging look to each side
GRID_PX = 1 / 32  # placements lie on this grid, on which OpenCV's own bicubic tables are exact
CUBIC_A = -0.75  # OpenCV's bicubic

GIRL_SCALE = 2.75  # picture units per unit of hers: she is about half the picture high
GIRL_GROUND, CAT_GROUND = 456.0, 508.0  # picture units; the cat passes in front of her, along the kerb
CAT_SCALE = 2.3
RUN_SPEED = girl.STRIDE_UNITS * GIRL_SCALE / ON_TWOS  # picture units per frame that she covers on the ground
# The camera does not quite keep up with her: this share of her way she gains in the picture, and the street slides by
# the rest, so that her planted foot stands on it.
GAIN = 0.4
MOST_GAIN = 0.45  # of the picture's width over the whole clip, however long: she stays in it
PARALLAX = {"sky": 0.1, "hills": 0.38, "street": 1.0}  # share of the street's speed
PLATE_MARGIN = 8.0  # picture units beyond the pan, so that no plate ends inside the frame


@dataclass
class Layer:
    """One true layer. drawings: premultiplied float32 RGBA 0..1; offset: [T, 2] px, canvas (0, 0) -> frame."""

    name: str
    kind: str
    drawings: list[np.ndarray]
    exposure: list[int]
    offset: np.ndarray


@dataclass
class Clip:
    """The planned clip: layers back to front, size (w, h) px, frame count, seed."""

    layers: list[Layer]
    size: tuple[int, int]
    count: int
    seed: int

    def sprites(self, t: int) -> np.ndarray:
        """Every layer's whole content placed in frame t: uint8 RGBA [K, h, w, 4], straight alpha."""
        out = np.zeros((len(self.layers), self.size[1], self.size[0], 4), np.uint8)
        for k, layer in enumerate(self.layers):
            canvas, offset = layer.drawings[layer.exposure[t]], layer.offset[t]
            # only the part of the frame that the canvas can reach is worth computing
            low = np.clip(np.floor(offset) - REACH, 0, self.size).astype(int)
            high = np.clip(np.ceil(offset) + canvas.shape[1::-1] + REACH, low, self.size).astype(int)
            if (high > low).all():
                part = place(canvas, offset - low, tuple(high - low), opaque=k == 0)
                out[k, low[1]:high[1], low[0]:high[0]] = to_straight(part)
        return out


def to_straight(premultiplied: np.ndarray) -> np.ndarray:
    """Premultiplied float RGBA 0..1 -> straight uint8 RGBA, colour 0 where alpha is 0."""
    alpha = np.round(np.clip(premultiplied[..., 3], 0, 1) * 255)
    out = np.zeros(premultiplied.shape, np.uint8)
    out[..., 3] = alpha
    shown = alpha > 0
    colour = premultiplied[shown]
    out[shown, :3] = np.round(np.clip(colour[:, :3] / np.maximum(colour[:, 3:], 1e-6), 0, 1) * 255)
    return out


def to_premultiplied(straight: np.ndarray) -> np.ndarray:
    """Straight uint8 RGBA -> premultiplied float32 RGBA 0..1."""
    out = straight.astype(np.float32) / 255
    out[..., :3] *= out[..., 3:]
    return out


def _taps(fraction: float) -> np.ndarray:
    """The 7 weights at canvas px -3..3 for a picture pixel whose centre lies `fraction` (-0.5..0.5) px beside one."""
    x = np.abs(fraction + (np.arange(SUBSAMPLES) + 0.5)[:, None] / SUBSAMPLES - 0.5 - np.arange(-3, 4))
    a = CUBIC_A
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0)).mean(0)


def place(canvas: np.ndarray, offset: np.ndarray, size: tuple[int, int], opaque: bool = False) -> np.ndarray:
    """A canvas moved by `offset` (x, y) px into a frame of `size`.

    canvas: premultiplied float32 [h, w,
                                   4]. The same picture as a bicubic warp on a 4 times finer grid with area averaging,
    but a translation is separable and needs 7 taps per axis. opaque: the canvas's border repeats. Result premultiplied.
    """
    whole = np.round(offset).astype(int)
    fraction = whole - offset
    border = cv2.BORDER_REPLICATE if opaque else cv2.BORDER_CONSTANT
    height, width = canvas.shape[:2]
    x0, y0 = -whole[0] - REACH, -whole[1] - REACH
    x1, y1 = x0 + size[0] + 2 * REACH, y0 + size[1] + 2 * REACH
    inner = canvas[min(max(y0, 0), height):max(min(y1, height), 0), min(max(x0, 0), width):max(min(x1, width), 0)]
    if not inner.size:
        return np.zeros((size[1], size[0], 4), np.float32)
    pads = (max(-y0, 0), max(y1 - height, 0), max(-x0, 0), max(x1 - width, 0))
    pads = (min(pads[0], y1 - y0 - inner.shape[0]), min(pads[1], y1 - y0 - inner.shape[0]),
            min(pads[2], x1 - x0 - inner.shape[1]), min(pads[3], x1 - x0 - inner.shape[1]))
    window = cv2.copyMakeBorder(inner, *pads, border, value=(0, 0, 0, 0))
    moved = cv2.sepFilter2D(window, -1, _taps(fraction[0]), _taps(fraction[1]), borderType=cv2.BORDER_REPLICATE)
    moved = np.clip(moved[REACH:-REACH, REACH:-REACH], 0, 1)
    moved[..., :3] = np.minimum(moved[..., :3], moved[..., 3:])
    return moved


def composite(sprites: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Layers uint8 RGBA [K, h, w, 4], back to front -> frame uint8 RGB, visible alphas float32 [K, h, w] (sum 1)."""
    visible = sprites[..., 3].astype(np.float32) / 255
    through = np.ones_like(visible[0])
    for k in reversed(range(len(sprites))):
        clear = 1 - visible[k]
        visible[k] *= through
        through = through * clear
    frame = np.zeros((*through.shape, 3), np.float32)
    for alpha, sprite in zip(visible, sprites, strict=True):
        frame += alpha[..., None] * sprite[..., :3]
    return np.clip(np.round(frame), 0, 255).astype(np.uint8), visible


def _on_grid(px: np.ndarray) -> np.ndarray:
    return np.round(np.asarray(px, float) / GRID_PX) * GRID_PX


def _plate(name: str, size: tuple[int, int], count: int, seed: int, street_px: float) -> Layer:
    """One plane of the multiplane. street_px: how far the street slides per frame."""
    unit = size[1] / PICTURE_UNITS
    speed = street_px * PARALLAX[name]
    margin = PLATE_MARGIN * unit
    width = int(np.ceil(size[0] + speed * (count - 1) + 2 * margin))
    draw = {"sky": draw_sky, "hills": draw_hills, "street": draw_street}[name]
    # each plate has its own random stream, so that drawing one differently leaves the others as they are
    picture = draw((width, size[1]), unit, np.random.default_rng([seed, sorted(PARALLAX).index(name)]))
    x = -margin - speed * np.arange(count)
    offset = _on_grid(np.stack([x, np.zeros(count)], 1))
    return Layer(name, "background", [to_premultiplied(picture)], [0] * count, offset)


def _figure(name: str, drawings: list[np.ndarray], unit: float, anchor: tuple[float, float], feet: np.ndarray) -> Layer:
    """A character: `feet` [T, 2] px is where the canvas's anchor point (units) stands in the frame."""
    exposure = [(t // ON_TWOS) % len(drawings) for t in range(len(feet))]
    offset = _on_grid(feet - np.asarray(anchor) * unit)
    return Layer(name, "sprite", [to_premultiplied(d) for d in drawings], exposure, offset)


def plan_clip(size: tuple[int, int] = (960, 540), frames: int = 48, seed: int = 7) -> Clip:
    """Draw every plate and drawing, and decide where each stands. The same arguments give the same bytes.

    The girl runs on the spot of the moving camera, drawings and pose on twos; the cat's drawings change on twos while
    it moves on ones; the camera pans on ones. Errors: ValueError for a size below 64x48 or no frames.
    """
    if size[0] < 64 or size[1] < 48 or frames < 1:
        raise ValueError(f"The demo clip needs at least 64x48 pixels and 1 frame, not {size[0]}x{size[1]} "
                         f"and {frames}.")
    unit = size[1] / PICTURE_UNITS
    gain_px = min(GAIN * RUN_SPEED * unit, MOST_GAIN * size[0] / frames)
    street_px = RUN_SPEED * unit - gain_px
    layers = [_plate(name, size, frames, seed, street_px) for name in ("sky", "hills", "street")]

    t = np.arange(frames)
    held = t - t % ON_TWOS
    girl_unit = GIRL_SCALE * unit
    feet = np.stack([size[0] * 0.52 + gain_px * (held - frames / 2), np.full(frames, GIRL_GROUND * unit)], 1)
    layers.append(_figure("girl", [girl.draw_girl(k, girl_unit) for k in range(girl.DRAWINGS)], girl_unit,
                          girl.ORIGIN_UNITS, feet))

    cat_unit = CAT_SCALE * unit
    half = cat.CANVAS_UNITS[0] * cat_unit * 0.55
    at = (t + 0.5) / frames
    leap = np.clip(np.sin((at - 0.38) * np.pi / 0.24), 0, None) * ((at > 0.38) & (at < 0.62))
    feet = np.stack([size[0] + half - (size[0] + 2 * half) * at, (CAT_GROUND - 34.0 * leap) * unit], 1)
    anchor = (cat.CANVAS_UNITS[0] - cat.ORIGIN_UNITS[0], cat.ORIGIN_UNITS[1])
    layers.append(_figure("cat", [cat.draw_cat(k, cat_unit) for k in range(cat.DRAWINGS)], cat_unit, anchor, feet))
    return Clip(layers, size, frames, seed)


def _write_png(path: Path, picture: np.ndarray) -> None:
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    ok, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not ok:
        raise OSError(f"The picture {path.name} could not be encoded as PNG.")
    path.write_bytes(data.tobytes())


def _description(clip: Clip) -> dict:
    layers = []
    for layer in clip.layers:
        same = [t > 0 and layer.exposure[t] == layer.exposure[t - 1] and np.array_equal(layer.offset[t],
                                                                                        layer.offset[t - 1])
                for t in range(clip.count)]
        layers.append({"name": layer.name, "kind": layer.kind, "drawing": layer.exposure,
                       "pose_held": [bool(s) for s in same],
                       "shutter": 0.0})
    return {"name": "demo",
            "about": "Late for school: a pan along a street, a girl who runs on twos, a cat that crosses her.",
            "tags": ["pan", "multiplane", "twos", "run", "crossing"], "size": list(clip.size), "frames": clip.count,
            "K": len(clip.layers), "fps": FPS, "seed": clip.seed, "post_effect": None, "layers": layers,
            "frame_held": [False] * clip.count}


def _transforms(clip: Clip) -> dict:
    sprites = []
    for layer in clip.layers:
        h = np.tile(np.eye(3), (clip.count, 1, 1))
        h[:, :2, 2] = layer.offset
        height, width = layer.drawings[0].shape[:2]
        sprites.append({"name": layer.name, "canvas_size": [width, height], "H": h.tolist()})
    return {"convention": "H[t] maps canvas px (x, y, 1) to frame px; integer coordinates are pixel centres, "
                          "(0,0) the centre of the top-left pixel, x right, y down", "sprites": sprites}


def draw_demo_clip(folder: Path, size: tuple[int, int] = (960, 540), frames: int = 48, seed: int = 7,
                   truth: bool = True) -> Path:
    """Draw the clip into `folder` -> the path of its frames folder (frames/0000.png ...).

    truth: also write what the clip was made of (see the module's text). Existing files of the same names are replaced.
    """
    folder = Path(folder)
    clip = plan_clip(size, frames, seed)
    count = len(clip.layers)
    wanted = ["frames"]
    if truth:
        wanted += [f"alpha_{k}" for k in range(count)] + [f"sprite_{k}/canvas" for k in range(count)]
    for name in wanted:
        (folder / name).mkdir(parents=True, exist_ok=True)

    def frame(t: int) -> None:
        sprites = clip.sprites(t)
        picture, visible = composite(sprites)
        _write_png(folder / f"frames/{t:04d}.png", picture)
        for k in range(count if truth else 0):
            _write_png(folder / f"alpha_{k}/{t:04d}.png", np.round(visible[k] * 255).astype(np.uint8))
            if k > 0:
                _write_png(folder / f"sprite_{k}/{t:04d}.png", sprites[k])

    with ThreadPoolExecutor(2) as pool:  # OpenCV leaves Python's lock while it encodes
        list(pool.map(frame, range(frames)))
    if truth:
        for k, layer in enumerate(clip.layers):
            for i, drawing in enumerate(layer.drawings):
                straight = to_straight(drawing)
                _write_png(folder / f"sprite_{k}/canvas/{i:02d}.png", straight if k else straight[..., :3])
        (folder / "transforms.json").write_text(json.dumps(_transforms(clip)), encoding="utf-8")
        (folder / "clip.json").write_text(json.dumps(_description(clip), indent=1), encoding="utf-8")
    return folder / "frames"
