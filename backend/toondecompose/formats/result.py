"""The result folder: result.json and the pictures beside it. Nothing in the reader trusts what the file says.

Pixels are in edge coordinates (conventions.py); drawings are straight-alpha sRGB PNGs; frames count from 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import checks, files
from .errors import UserError
from .job import MAX_FPS, MAX_FRAME, MAX_FRAMES, MAX_SEED, MIN_FPS, MIN_FRAME, MOTION_MODELS
from .png_header import read_png_size

SCHEMA_NAME, SCHEMA_VERSION = "toondecompose.result", 1
RESULT_FILE = "result.json"
# finished stages of a run, beside its result: a refined run starts from a copy of them
CHECKPOINT_FOLDER = ".work"
KINDS = ("background", "sprite")
MAX_SPRITES = 1024
# largest number in a transform: far beyond any picture, and its square is still exact enough in float64
_MAX_ELEMENT = 1e9
# the last element of a transform is 1 up to what other programs lose when they print numbers
_NORMALISED = 1e-6
# a canvas shrunk below a millionth of its area cannot be inverted meaningfully
_MIN_DETERMINANT = 1e-12

_RESULT_KEYS = ("schema", "engine", "seed", "versions", "input_hash", "clip", "sprites", "metrics", "report",
                "preview", "contact_sheet", "unresolved")
_CLIP_KEYS = ("name", "size", "fps", "frame_start", "frame_count", "cuts")
_SPRITE_KEYS = ("name", "order", "kind", "canvas_size", "drawings", "exposure", "transform", "opacity",
                "motion_model", "confidence", "seen")


@dataclass
class Clip:
    """The shot. size: (width, height) px. cuts: 0-based frames where a new shot begins. frame_start only labels."""

    name: str
    size: tuple[int, int]
    fps: float
    frame_start: int
    frame_count: int
    cuts: list[int] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Sprite:
    """One layer. drawings: relative PNG paths, all of canvas_size (width, height) px.

    exposure: per frame an index into drawings, or None where it is not shown. transform: float64 [T, 3, 3], canvas px
    -> frame px, edge coordinates, last elements 1. opacity: float64 [T], 0..1. order: 0 = farthest.
    kind: 'background' (a plane; the farthest is opaque) or 'sprite'. confidence: 0..1.
    seen: relative path of a grey PNG of canvas_size (255 seen, 128 recovered, 0 painted in), or None.
    """

    name: str
    order: int
    kind: str
    canvas_size: tuple[int, int]
    drawings: list[str]
    exposure: list[int | None]
    transform: np.ndarray
    opacity: np.ndarray
    motion_model: str = "homography"
    confidence: float = 1.0
    seen: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Result:
    """A finished decomposition. sprites: back to front."""

    clip: Clip
    sprites: list[Sprite]
    engine: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    versions: dict[str, Any] = field(default_factory=dict)
    input_hash: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    preview: str | None = None
    contact_sheet: str | None = None
    unresolved: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def _clip(data: Any, at: str) -> Clip:
    clip = checks.obj(data, at)
    count = checks.integer(checks.get(clip, "frame_count", at), f"{at}.frame_count", 1, MAX_FRAMES)
    cuts = [checks.integer(v, f"{at}.cuts[{i}]", 0, count - 1)
            for i, v in enumerate(checks.array(clip.get("cuts", []), f"{at}.cuts", 0, count))]
    return Clip(
        name=checks.text(clip.get("name", "shot"), f"{at}.name", 1, 200),
        size=checks.size(checks.get(clip, "size", at), f"{at}.size", files.MAX_SIDE, files.MAX_PIXELS),
        fps=checks.number(checks.get(clip, "fps", at), f"{at}.fps", MIN_FPS, MAX_FPS),
        frame_start=checks.integer(clip.get("frame_start", 1), f"{at}.frame_start", MIN_FRAME, MAX_FRAME),
        frame_count=count, cuts=cuts, extra=checks.unknown(clip, _CLIP_KEYS))


def _transform(value: Any, at: str) -> list[list[float]]:
    rows = checks.array(value, at, 3, 3)
    matrix = [[checks.number(v, f"{at}[{i}][{j}]", -_MAX_ELEMENT, _MAX_ELEMENT)
               for j, v in enumerate(checks.array(row, f"{at}[{i}]", 3, 3))] for i, row in enumerate(rows)]
    last = matrix[2][2]
    if abs(last - 1) > _NORMALISED:
        raise checks.wrong(last, f"{at}[2][2]", "1")
    (a, b, c), (d, e, f), (g, h, i) = matrix
    if abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)) < _MIN_DETERMINANT:
        raise UserError(f"{at} flattens the sprite to a line, but a transform that can be undone was expected.")
    return [[v / last for v in row] for row in matrix] if last != 1 else matrix


def _exposure(value: Any, at: str, drawings: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < drawings:
        raise checks.wrong(value, at, f"null or a drawing's index from 0 to {drawings - 1}")
    return value


def _sprite(data: Any, at: str, frame_count: int) -> Sprite:
    sprite = checks.obj(data, at)

    def required(key: str) -> Any:
        return checks.get(sprite, key, at)

    def per_frame(key: str, value: Any) -> list[tuple[str, Any]]:
        items = checks.array(value, f"{at}.{key}", frame_count, frame_count)
        return [(f"{at}.{key}[{t}]", item) for t, item in enumerate(items)]

    drawings = [files.checked_relative(v, f"{at}.drawings[{i}]")
                for i, v in enumerate(checks.array(required("drawings"), f"{at}.drawings", 1, MAX_FRAMES))]
    exposure = [_exposure(v, where, len(drawings)) for where, v in per_frame("exposure", required("exposure"))]
    transform = [_transform(v, where) for where, v in per_frame("transform", required("transform"))]
    opacity = [checks.number(v, where, 0, 1)
               for where, v in per_frame("opacity", sprite.get("opacity", [1.0] * frame_count))]
    return Sprite(
        name=checks.text(required("name"), f"{at}.name", 1, 200),
        order=checks.integer(required("order"), f"{at}.order", 0, MAX_SPRITES),
        kind=checks.choice(required("kind"), f"{at}.kind", KINDS),
        canvas_size=checks.size(required("canvas_size"), f"{at}.canvas_size", files.MAX_SIDE, files.MAX_PIXELS),
        drawings=drawings, exposure=exposure,
        transform=np.array(transform, np.float64), opacity=np.array(opacity, np.float64),
        motion_model=checks.choice(sprite.get("motion_model", "homography"), f"{at}.motion_model", MOTION_MODELS),
        confidence=checks.number(sprite.get("confidence", 1.0), f"{at}.confidence", 0, 1),
        seen=_optional_path(sprite, "seen", f"{at}.seen"), extra=checks.unknown(sprite, _SPRITE_KEYS))


def _optional_path(data: dict[str, Any], key: str, at: str) -> str | None:
    value = data.get(key)
    return None if value is None else files.checked_relative(value, at)


def result_from_dict(data: dict[str, Any], at: str = RESULT_FILE) -> Result:
    """A checked result, sprites sorted back to front. Says nothing about files; `read_result` does."""
    checks.schema(checks.obj(data, at), at, SCHEMA_NAME, SCHEMA_VERSION)
    clip = _clip(checks.get(data, "clip", at), f"{at}: clip")
    items = checks.array(checks.get(data, "sprites", at), f"{at}: sprites", 1, MAX_SPRITES)
    sprites = [_sprite(item, f"{at}: sprites[{k}]", clip.frame_count) for k, item in enumerate(items)]
    orders = [sprite.order for sprite in sprites]
    for k, order in enumerate(orders):
        if order in orders[:k]:
            raise UserError(f"{at}: sprites[{k}].order is {order}, but another sprite has that order already.")
    paths = [path for sprite in sprites for path in sprite.drawings]
    files.refuse_collisions(paths, f"{at}: drawings")
    return Result(
        clip=clip, sprites=sorted(sprites, key=lambda sprite: sprite.order),
        engine=checks.obj(data.get("engine", {}), f"{at}: engine"),
        seed=checks.integer(data.get("seed", 0), f"{at}: seed", 0, MAX_SEED),
        versions=checks.obj(data.get("versions", {}), f"{at}: versions"),
        input_hash=checks.text(data.get("input_hash", ""), f"{at}: input_hash", 0, 200),
        metrics=checks.obj(data.get("metrics", {}), f"{at}: metrics"),
        report=checks.obj(data.get("report", {}), f"{at}: report"),
        preview=_optional_path(data, "preview", f"{at}: preview"),
        contact_sheet=_optional_path(data, "contact_sheet", f"{at}: contact_sheet"),
        unresolved=_optional_path(data, "unresolved", f"{at}: unresolved"),
        extra=checks.unknown(data, _RESULT_KEYS))


def _sprite_to_dict(sprite: Sprite) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": sprite.name, "order": sprite.order, "kind": sprite.kind, "canvas_size": list(sprite.canvas_size),
        "drawings": list(sprite.drawings), "exposure": [None if v is None else int(v) for v in sprite.exposure],
        "transform": np.asarray(sprite.transform, np.float64).tolist(),
        "opacity": np.asarray(sprite.opacity, np.float64).tolist(),
        "motion_model": sprite.motion_model, "confidence": float(sprite.confidence)}
    if sprite.seen is not None:
        data["seen"] = sprite.seen
    return {**data, **sprite.extra}


def result_to_dict(result: Result) -> dict[str, Any]:
    """The result as JSON, unknown keys included."""
    clip = result.clip
    data: dict[str, Any] = {
        "schema": f"{SCHEMA_NAME}/{SCHEMA_VERSION}", "engine": result.engine, "seed": int(result.seed),
        "versions": result.versions, "input_hash": result.input_hash,
        "clip": {"name": clip.name, "size": list(clip.size), "fps": float(clip.fps), "frame_start": clip.frame_start,
                 "frame_count": clip.frame_count, "cuts": [int(t) for t in clip.cuts], **clip.extra},
        "sprites": [_sprite_to_dict(sprite) for sprite in result.sprites],
        "metrics": result.metrics, "report": result.report}
    for key in ("preview", "contact_sheet", "unresolved"):
        if getattr(result, key) is not None:
            data[key] = getattr(result, key)
    return {**data, **result.extra}


def check_files(result: Result, folder: str | Path, at: str = RESULT_FILE) -> None:
    """Every picture that the result needs is there, is a PNG, and has the size of its sprite's canvas."""
    for k, sprite in enumerate(result.sprites):
        named = [(path, f"{at}: sprites[{k}].drawings[{i}]") for i, path in enumerate(sprite.drawings)]
        if sprite.seen is not None:
            named.append((sprite.seen, f"{at}: sprites[{k}].seen"))
        for relative, where in named:
            size = read_png_size(files.existing_file(folder, relative, where))
            if size != sprite.canvas_size:
                canvas = f"{sprite.canvas_size[0]} x {sprite.canvas_size[1]}"
                raise UserError(f"{where}: {checks.shown(relative)} is {size[0]} x {size[1]} px, but the sprite's "
                                f"canvas is {canvas}.")


def result_folder(folder_or_json: str | Path) -> Path:
    """The folder of a result that was named by its folder or by its result.json."""
    path = Path(folder_or_json)
    return path.parent if path.name == RESULT_FILE or path.is_file() else path


def read_result(folder_or_json: str | Path, with_files: bool = True) -> Result:
    """Read and check a result; with_files also checks its pictures. UserError: one sentence for what is wrong."""
    path = Path(folder_or_json)
    folder = result_folder(path)
    manifest = path if path.is_file() else folder / RESULT_FILE
    if folder.is_dir() and not manifest.exists():
        raise UserError(f"“{folder}” has no {RESULT_FILE}: it is no finished result; decompose the shot again.")
    result = result_from_dict(checks.load_json(manifest, files.MAX_JSON_BYTES), manifest.name)
    if with_files:
        check_files(result, folder, manifest.name)
    return result


def write_result(folder: str | Path, result: Result) -> Path:
    """Check everything, then write result.json atomically; its presence means complete. Returns its path."""
    data = result_to_dict(result)
    check_files(result_from_dict(data), folder)
    path = Path(folder) / RESULT_FILE
    files.write_atomic(path, files.json_bytes(data))
    return path
