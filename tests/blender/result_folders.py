"""Small result folders for tests, and the plain reference for what Blender must show of them. numpy and stdlib only."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np


def write_png(path, picture):
    """uint8 [h, w, 3 or 4] -> PNG file."""
    picture = np.ascontiguousarray(picture, np.uint8)
    h, w, c = picture.shape
    rows = np.concatenate([np.zeros((h, 1), np.uint8), picture.reshape(h, w * c)], 1).tobytes()

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", w, h, 8, {3: 2, 4: 6}[c], 0, 0, 0)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")
    )


def read_png(path):
    """8-bit PNG file -> uint8 [h, w, c], by imageio."""
    import imageio.v3

    return np.asarray(imageio.v3.imread(path))


def drawing(size, number, seed=0, soft=6.0):
    """A drawing: coloured blob with a dark line, soft edge, and a white bar that tells its number. Straight RGBA."""
    w, h = size
    y, x = np.mgrid[0:h, 0:w] + 0.5
    r = np.hypot((x - w / 2) / (w / 2 - 2), (y - h / 2) / (h / 2 - 2)) * (
        1 + 0.08 * np.sin(5 * np.arctan2(y - h / 2, x - w / 2) + number)
    )
    a = np.clip((0.92 - r) * min(w, h) / soft, 0, 1)
    rng = np.random.default_rng(100 * seed + number)
    picture = np.empty((h, w, 4))
    picture[..., :3] = rng.uniform(60, 230, 3) + 20 * np.sin(x / 7 + number)[..., None]
    picture[(r > 0.75) & (r < 0.9), :3] = 20
    picture[int(h * 0.4) : int(h * 0.55), int(w * 0.3) : int(w * 0.3) + 4 * number, :3] = 250
    picture[..., 3] = a * 255
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def plate(size, seed=0):
    """An opaque background with edges in it."""
    w, h = size
    y, x = np.mgrid[0:h, 0:w]
    picture = np.stack(
        [
            120 + 60 * np.sin(x / 9 + seed),
            140 + 50 * np.cos(y / 6),
            np.full((h, w), 90 + 30 * seed),
            np.full((h, w), 255),
        ],
        -1,
    )
    picture[(x // 12 + y // 12) % 4 == 0, :3] *= 0.6
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def shift(x, y):
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def sprite(name, order, pictures, exposure, transform, opacity=None, kind="sprite", model="homography", **extra):
    """A sprite for make_result: pictures are uint8 RGBA [n][h, w, 4], exposure 0-based or None, transform [T, 3, 3]."""
    T = len(exposure)
    return dict(
        name=name,
        order=order,
        kind=kind,
        pictures=pictures,
        exposure=list(exposure),
        transform=np.broadcast_to(np.asarray(transform, float), (T, 3, 3)),
        opacity=np.ones(T) if opacity is None else np.broadcast_to(np.asarray(opacity, float), (T,)),
        motion_model=model,
        confidence=1.0,
        **extra,
    )


def make_result(folder, sprites, size=(160, 90), fps=24.0, frame_start=1, name="shot", **extra):
    """Write a result folder. Returns the folder."""
    folder = Path(folder)
    listed = []
    for s in sprites:
        s = dict(s)
        paths = []
        for i, picture in enumerate(s.pop("pictures")):
            paths.append(f"sprites/{s['order']:02d}_{s['name']}/drawings/{i + 1:04d}.png")
            write_png(folder / paths[-1], picture)
            canvas = [picture.shape[1], picture.shape[0]]
        listed.append(
            {
                **s,
                "canvas_size": canvas,
                "drawings": paths,
                "transform": s["transform"].tolist(),
                "opacity": s["opacity"].tolist(),
            }
        )
    data = {
        "schema": "toondecompose.result/1",
        "engine": {"name": "by hand", "version": "0"},
        "seed": 0,
        "versions": {},
        "input_hash": "",
        "clip": {
            "name": name,
            "size": list(size),
            "fps": fps,
            "frame_start": frame_start,
            "frame_count": len(sprites[0]["exposure"]),
            "cuts": [],
        },
        "sprites": listed,
        "metrics": {},
        "report": {},
        **extra,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps(data))
    return folder


def warp(picture, H, size):
    """What Blender shows of a drawing: bilinear at pixel centres, premultiplied, clamped at the canvas's edge, and only
    where the pixel's centre lies on the canvas. uint8 RGBA straight -> float64 premultiplied [h, w, 4], 0..1."""
    w, h = size
    f = picture.astype(np.float64) / 255
    f[..., :3] *= f[..., 3:]
    y, x = np.mgrid[0:h, 0:w] + 0.5
    p = np.einsum("ij,jhw->ihw", np.linalg.inv(H), np.stack([x, y, np.ones_like(x)]))
    u, v = p[0] / p[2], p[1] / p[2]
    ch, cw = picture.shape[:2]
    on = (u >= 0) & (u <= cw) & (v >= 0) & (v <= ch) & (p[2] > 0)
    i, j = np.floor(u - 0.5), np.floor(v - 0.5)
    a, b = (u - 0.5 - i)[..., None], (v - 0.5 - j)[..., None]
    at = lambda jj, ii: f[np.clip(jj, 0, ch - 1).astype(int), np.clip(ii, 0, cw - 1).astype(int)]  # noqa: E731
    out = (1 - b) * ((1 - a) * at(j, i) + a * at(j, i + 1)) + b * ((1 - a) * at(j + 1, i) + a * at(j + 1, i + 1))
    return out * on[..., None]


def reference(sprites, t, size=(160, 90)):
    """Frame t of the sprites, composited: float64 premultiplied [h, w, 4], 0..255."""
    out = np.zeros((size[1], size[0], 4))
    for s in sprites:
        if s["exposure"][t] is None:
            continue
        top = warp(s["pictures"][s["exposure"][t]], s["transform"][t], size) * s["opacity"][t]
        out = top + out * (1 - top[..., 3:])
    return out * 255


def premultiplied(picture):
    """uint8 straight RGBA -> float64 premultiplied, 0..255."""
    p = picture.astype(np.float64)
    p[..., :3] *= p[..., 3:] / 255
    return p
