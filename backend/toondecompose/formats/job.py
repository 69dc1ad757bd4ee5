"""The job: everything that changes pixels, in one file. The add-on or the command line writes it, the child reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from . import checks, files
from .errors import UserError

SCHEMA_NAME, SCHEMA_VERSION = "toondecompose.job", 1
MOTION_MODELS = ("translation", "similarity", "affine", "homography")
QUALITIES = ("preview", "standard", "best")
DEVICES = ("auto", "cpu", "cuda", "mps")
HINT_KINDS = ("scribble", "box", "mask", "merge", "split", "order", "never_background")

MAX_FRAMES = 1_000_000
MAX_SPRITES = 256
MAX_HINTS = 100_000
MIN_FPS, MAX_FPS = 0.01, 1000.0
# Blender's range of frame numbers
MIN_FRAME, MAX_FRAME = -1_048_574, 1_048_574
# numpy's seeds
MAX_SEED = 2**32 - 1
# largest coordinate or radius of a hint, px
_MAX_COORDINATE = 1e6
_MAX_PATH = 32_767  # longest path that Windows knows, characters

_KEYS = ("schema", "frames", "fps", "frame_start", "sprites", "motion_model", "quality", "device", "seed", "hints",
         "diagnostics", "flow_weights", "name", "engine_version", "output")


@dataclass
class Job:
    """One run. frames: paths of pictures in order, or of one video; absolute, or relative to the job file's folder.

    sprites: the number of layers including the background, or 'auto'. output: folder, as frames.
    flow_weights: a file of RAFT's weights, as frames; '' for flow without learning.
    """

    frames: list[str]
    output: str
    fps: float = 24.0
    frame_start: int = 1
    sprites: int | Literal["auto"] = "auto"
    motion_model: str = "auto"
    quality: str = "standard"
    device: str = "auto"
    seed: int = 0
    hints: list[dict[str, Any]] = field(default_factory=list)
    diagnostics: bool = False
    flow_weights: str = ""
    name: str = "shot"
    engine_version: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def frame_paths(self, job_folder: str | Path) -> list[Path]:
        """The frames' paths, made absolute."""
        return [Path(job_folder, name) for name in self.frames]

    def output_folder(self, job_folder: str | Path) -> Path:
        """The result's folder, made absolute. It may not exist yet."""
        return Path(job_folder, self.output)


def _hint(value: Any, at: str) -> dict[str, Any]:
    hint = checks.obj(value, at)
    checks.choice(checks.get(hint, "kind", at), f"{at}.kind", HINT_KINDS)
    for key, high in (("sprite", MAX_SPRITES), ("frame", MAX_FRAMES)):
        if key in hint:
            checks.integer(hint[key], f"{at}.{key}", 0, high)
    if "radius" in hint:
        checks.number(hint["radius"], f"{at}.radius", 0, _MAX_COORDINATE)
    if "box" in hint:
        for i, v in enumerate(checks.array(hint["box"], f"{at}.box", 4, 4)):
            checks.number(v, f"{at}.box[{i}]", -_MAX_COORDINATE, _MAX_COORDINATE)
    for i, point in enumerate(checks.array(hint.get("points", []), f"{at}.points")):
        for v in checks.array(point, f"{at}.points[{i}]", 2, 2):
            checks.number(v, f"{at}.points[{i}]", -_MAX_COORDINATE, _MAX_COORDINATE)
    for key in ("mask", "name"):
        if key in hint:
            checks.text(hint[key], f"{at}.{key}", 1, _MAX_PATH)
    return hint


def hints_from_list(value: Any, at: str) -> list[dict[str, Any]]:
    """Checked hints; unknown keys are kept."""
    return [_hint(item, f"{at}[{i}]") for i, item in enumerate(checks.array(value, at, 0, MAX_HINTS))]


def _path(value: Any, at: str) -> str:
    path = checks.text(value, at, 1, _MAX_PATH)
    if not path.strip():
        raise checks.wrong(value, at, "a path")
    return path


def job_from_dict(data: dict[str, Any], at: str = "job.json") -> Job:
    """A checked job; UserError names the key, the value and what was expected. `at` names the file in messages."""
    checks.schema(checks.obj(data, at), at, SCHEMA_NAME, SCHEMA_VERSION)

    def value(key: str, default: Any = checks.MISSING) -> Any:
        return checks.get(data, key, at, default)

    def name(key: str) -> str:
        return f"{at}: {key}"

    frames = checks.array(value("frames"), name("frames"), 0, MAX_FRAMES)
    if not frames:
        raise UserError(f"{at}: the list of frames is empty; choose a strip or a folder with pictures.")
    sprites = value("sprites", "auto")
    counted = isinstance(sprites, int) and not isinstance(sprites, bool) and 1 <= sprites <= MAX_SPRITES
    if sprites != "auto" and not counted:
        raise checks.wrong(sprites, name("sprites"), f"“auto” or a whole number from 1 to {MAX_SPRITES}")
    return Job(
        frames=[_path(item, f"{at}: frames[{i}]") for i, item in enumerate(frames)],
        output=_path(value("output"), name("output")),
        fps=checks.number(value("fps", 24.0), name("fps"), MIN_FPS, MAX_FPS),
        frame_start=checks.integer(value("frame_start", 1), name("frame_start"), MIN_FRAME, MAX_FRAME),
        sprites=sprites,
        motion_model=checks.choice(value("motion_model", "auto"), name("motion_model"), ("auto", *MOTION_MODELS)),
        quality=checks.choice(value("quality", "standard"), name("quality"), QUALITIES),
        device=checks.choice(value("device", "auto"), name("device"), DEVICES),
        seed=checks.integer(value("seed", 0), name("seed"), 0, MAX_SEED),
        hints=hints_from_list(value("hints", []), name("hints")),
        diagnostics=checks.boolean(value("diagnostics", False), name("diagnostics")),
        flow_weights=checks.text(value("flow_weights", ""), name("flow_weights"), 0, _MAX_PATH),
        name=checks.text(value("name", "shot"), name("name"), 1, 200),
        engine_version=checks.text(value("engine_version", ""), name("engine_version"), 0, 100),
        extra=checks.unknown(data, _KEYS),
    )


def job_to_dict(job: Job) -> dict[str, Any]:
    """The job as JSON, unknown keys included."""
    known = {key: getattr(job, key) for key in _KEYS if key != "schema"}
    if not job.flow_weights:  # a job without it reads as it did before the key was known
        del known["flow_weights"]
    return {"schema": f"{SCHEMA_NAME}/{SCHEMA_VERSION}", **known, **job.extra}


def read_job(path: str | Path) -> Job:
    """Read and check a job file."""
    return job_from_dict(checks.load_json(path, files.MAX_JSON_BYTES), Path(path).name)


def write_job(path: str | Path, job: Job) -> None:
    """Check and write a job file, atomically."""
    data = job_to_dict(job)
    job_from_dict(data, Path(path).name)
    files.write_atomic(path, files.json_bytes(data))
