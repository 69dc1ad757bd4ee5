"""Checkpoints: what a stage gave, kept under a key that changes whenever the answer could.

A key hashes the frames, the parameters and the engine's own source, chained through the stages. So a resumed run
reads exactly what an uninterrupted one would have computed, and a changed input redoes only what depends on it.
Files are .npz without pickle plus a JSON outline; nothing in them is executed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..formats.result import CHECKPOINT_FOLDER
from . import types
from .matte.types import MatteResult
from .memory import give_back

PACKING = 1  # zlib's level
# what a stage may give besides arrays and plain values; reading back makes nothing else
_RECORDS = {record.__name__: record for record in (
    types.LayerPath, types.SegmentedLayer, types.Segmentation, types.PairsTold, types.ExposureSheet, types.Drawings,
    types.SolvedLayer, MatteResult)}


def code_hash() -> str:
    """sha256 of the engine's own source files: a changed engine never reads an older engine's checkpoints."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def files_hash(paths: Sequence[str | Path], check: Callable[[], None] = lambda: None) -> str:
    """sha256 over the frames' bytes in order (names do not matter: the same pictures give the same result)."""
    digest = hashlib.sha256()
    for path in paths:
        check()
        data = Path(path).read_bytes()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def chain(*parts: Any) -> str:
    """A key from any JSON-able parts, in order."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class Checkpoints:
    """The checkpoint folder of one output folder. `enabled=False` neither reads nor writes (fresh runs in tests)."""

    def __init__(self, output: Path, enabled: bool = True):
        self.folder = output / CHECKPOINT_FOLDER
        self.enabled = enabled
        self.rest: Callable[[], None] = lambda: None  # gives the memory of arrays back that lie on a shelf
        self.packed: Sequence[str] = ()  # stages whose checkpoints stay with the result: packed as they are written
        self.kept: list[str] = []

    def stage(self, name: str, key: str, compute: Callable[[], Any]) -> Any:
        """The stage's answer: read back if this key was finished before, else computed and stored."""
        path = self.folder / f"{name}-{key[:16]}.npz"
        if self.enabled and path.exists():
            value = _load(path)
        else:
            value = compute()
            if self.enabled:
                self.folder.mkdir(parents=True, exist_ok=True)
                for old in self.folder.glob(f"{name}-*.npz"):
                    old.unlink()
                _save(path, value, self.rest, _stage_of(path) in self.packed)
            give_back()
        self.kept.append(name)
        return value

    def clear(self, keep: Sequence[str] = ()) -> None:
        """Remove the checkpoints of a complete result, but for those of the stages in `keep`, which are packed (if they
        are not yet): a run with other hints goes on from them."""
        for path in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            if path.suffix != ".npz" or _stage_of(path) not in keep:
                path.unlink()
            elif not _is_packed(path):
                with np.load(path, allow_pickle=False) as data:
                    _write(path, partial(_store, packed=True), dict(data))
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def _stage_of(path: Path) -> str:
    """paths, of shot1-paths-0123abcd.npz."""
    return path.stem.rsplit("-", 1)[0].rsplit("-", 1)[-1]


def _is_packed(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return all(part.compress_type == zipfile.ZIP_DEFLATED for part in archive.infolist())


def _save(path: Path, value: Any, rest: Callable[[], None] = lambda: None, packed: bool = False) -> None:
    arrays: dict[str, np.ndarray] = {}
    outline = _flatten(value, arrays)
    arrays["outline"] = np.frombuffer(json.dumps(outline).encode(), np.uint8)
    _write(path, partial(_store, rest=rest, packed=packed), arrays)


def _store(file: BinaryIO, arrays: dict[str, np.ndarray], rest: Callable[[], None] = lambda: None,
           packed: bool = False) -> None:
    """np.savez, array by array. packed: masks shrink to a fortieth at zlib's fastest; its usual level takes off another
    fifth of that in more than twice the time."""
    how = (zipfile.ZIP_DEFLATED, True, PACKING) if packed else (zipfile.ZIP_STORED,)
    with zipfile.ZipFile(file, "w", *how) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as part:
                np.lib.format.write_array(part, array, allow_pickle=False)
            rest()


def _write(path: Path, save: Callable[[BinaryIO, dict[str, np.ndarray]], None], arrays: dict[str, np.ndarray]) -> None:
    """Write an archive in one piece: an interrupted write leaves only a .part file, which is never read."""
    part = path.with_suffix(".part")
    with part.open("wb") as f:
        save(f, arrays)
    part.replace(path)


def _load(path: Path) -> Any:
    with np.load(path, allow_pickle=False) as data:
        outline = json.loads(data["outline"].tobytes().decode())
        return _restore(outline, data)


def _flatten(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value):
        fields = {f.name: _flatten(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
        return {"record": type(value).__name__, "fields": fields}
    if isinstance(value, tuple | list):
        return {"list" if isinstance(value, list) else "tuple": [_flatten(v, arrays) for v in value]}
    if isinstance(value, dict):
        return {"dict": {k: _flatten(v, arrays) for k, v in value.items()}}
    if isinstance(value, np.generic):
        return {"value": value.item()}
    return {"value": value}


def _restore(outline: Any, data: Any) -> Any:
    (kind, content), *rest = outline.items()
    if kind == "array":
        return data[content]
    if kind == "record":
        return _RECORDS[content](**{k: _restore(v, data) for k, v in dict(rest)["fields"].items()})
    if kind == "list":
        return [_restore(v, data) for v in content]
    if kind == "tuple":
        return tuple(_restore(v, data) for v in content)
    if kind == "dict":
        return {k: _restore(v, data) for k, v in content.items()}
    return content
