"""Paths that are never trusted, and writing that is all or nothing."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .checks import shown
from .errors import UserError, sentence_for_os_error

# largest file of ours that is read as JSON: 64 sprites x 20000 frames of transforms need about 250 MB
MAX_JSON_BYTES = 512 * 2**20
# largest side and area of a picture, px; a decoded RGBA picture stays below 1 GB
MAX_SIDE = 65_535
MAX_PIXELS = 2**28
# longest relative path in a result, characters
_MAX_RELATIVE = 1000

_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"} | {
    f"{kind}{digit}" for kind in ("com", "lpt") for digit in "0123456789¹²³"}
# not allowed in file names on Windows; a colon would also name an alternate data stream
_FORBIDDEN = set('\\:*?"<>|')


def checked_relative(value: Any, at: str) -> str:
    """A path from a manifest that is safe on every system: relative, downwards, no device, no tricks."""
    if not isinstance(value, str) or not value or len(value) > _MAX_RELATIVE:
        raise UserError(f"{at} is {shown(value)}, but a relative path inside the folder was expected.")
    problem = _problem(value)
    if problem:
        raise UserError(f"{at} is {shown(value)}, which is refused: {problem}.")
    return value


def _problem(path: str) -> str | None:
    if path.startswith("/"):
        return "paths must be relative to the folder"
    if any(ord(c) < 32 or ord(c) == 127 or 0xD800 <= ord(c) < 0xE000 for c in path):
        return "it has control characters"
    if _FORBIDDEN & set(path):
        return 'it has one of the characters \\ : * ? " < > |'
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "it must go straight down into the folder"
        if part[-1] in ". ":
            return "a name ends with a dot or a space"
        if part.split(".")[0].rstrip(" ").lower() in _DEVICES:
            return "it names a device"
    return None


def _is_link(path: Path) -> bool:
    is_junction = getattr(os.path, "isjunction", None)  # Python 3.12; junctions exist on Windows only
    return path.is_symlink() or (is_junction is not None and is_junction(path))


def inside(folder: str | Path, relative: Any, at: str) -> Path:
    """The file `relative` of `folder`, every component checked: no way out, no symbolic link. It need not exist."""
    path = Path(folder)
    for part in checked_relative(relative, at).split("/"):
        path = path / part
        if _is_link(path):
            raise UserError(f"{at} is {shown(relative)}, which is refused: “{part}” is a link.")
    return path


def existing_file(folder: str | Path, relative: Any, at: str) -> Path:
    """Like `inside`, and the file must exist and be an ordinary file."""
    path = inside(folder, relative, at)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise UserError(f"{at}: the file {shown(relative)} is missing from “{folder}”.") from error
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "read", path)) from error
    if not stat.S_ISREG(mode):
        raise UserError(f"{at}: {shown(relative)} is not an ordinary file.")
    return path


def refuse_collisions(paths: Iterable[str], at: str) -> None:
    """Refuse different paths that are one file where names ignore case or Unicode form (Windows, macOS)."""
    seen: dict[str, str] = {}
    for path in paths:
        key = unicodedata.normalize("NFC", path).casefold()
        if seen.setdefault(key, path) != path:
            raise UserError(f"{at} names both {shown(seen[key])} and {shown(path)}, the same file on some systems.")


def write_atomic(path: str | Path, data: bytes) -> None:
    """Write a file so that readers see the old content or the new one, never a part. UserError when that fails."""
    path = Path(path)
    temporary = None
    try:
        name = path.parent / f".{secrets.token_hex(8)}.tmp"
        # not mkstemp: its files can be read by their owner only, and a result is often for the whole studio
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        temporary = name
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "written", path)) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where the system lets folders be synchronised."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems refuse fsync on folders
            os.fsync(handle)
    finally:
        os.close(handle)


def json_bytes(value: dict[str, Any]) -> bytes:
    """JSON for people: one line per key and per row of numbers. Floats keep all their digits; NaN is a ValueError."""
    return (_text(value, 0) + "\n").encode("utf-8")


def _depth(value: Any) -> int:
    """Nesting of lists; objects count as deep, so that they are never put on one line inside a list."""
    if isinstance(value, dict):
        return 99 if value else 0
    if isinstance(value, list):
        return 1 + max((_depth(v) for v in value), default=0)
    return 0


def _text(value: Any, level: int) -> str:
    pad = "\n" + " " * (level + 1)
    end = "\n" + " " * level
    if isinstance(value, dict) and value:
        rows = [f"{json.dumps(str(k), ensure_ascii=False)}: {_text(v, level + 1)}" for k, v in value.items()]
        return "{" + pad + ("," + pad).join(rows) + end + "}"
    # a row of numbers, or one 3x3 matrix, is one line
    if isinstance(value, list) and (_depth(value) > 2 or (_depth(value) == 2 and len(value) > 3)):
        return "[" + pad + ("," + pad).join(_text(v, level + 1) for v in value) + end + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
