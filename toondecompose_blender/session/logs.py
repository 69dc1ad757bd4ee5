"""The child's log file: stderr goes there, never into a pipe that nobody reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from toondecompose.formats.errors import UserError, sentence_for_os_error

LOG_NAME = "backend.log"
# a log that has grown beyond this is put aside; bytes
_ROTATE_AT = 1024 * 1024
_KEPT = 2
_TAIL = 16 * 1024


def open_log(folder: Path, name: str = LOG_NAME) -> tuple[Path, BinaryIO]:
    """Open the folder's log for appending, after putting a large one aside as backend.log.1, .2."""
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _ROTATE_AT:
            for number in range(_KEPT, 0, -1):
                older = path if number == 1 else path.with_name(f"{name}.{number - 1}")
                if older.exists():
                    os.replace(older, path.with_name(f"{name}.{number}"))
        return path, open(path, "ab")
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "written", path)) from error


def last_lines(path: Path, start: int = 0, count: int = 20) -> list[str]:
    """The newest non-empty lines after byte `start`, oldest first. Empty when the log cannot be read."""
    try:
        with open(path, "rb") as stream:
            end = stream.seek(0, os.SEEK_END)
            stream.seek(max(start, end - _TAIL))
            text = stream.read(_TAIL).decode("utf-8", "replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]
