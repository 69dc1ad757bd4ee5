"""One writer per output folder. A lock that a dead process left behind is broken."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
from pathlib import Path
from typing import Any

from ..formats.errors import UserError, sentence_for_os_error
from .processes import is_alive, start_time

LOCK_FILE = ".toondecompose.lock"
# how often a stale lock is broken again when another process is doing the same at this moment
_ATTEMPTS = 5


class OutputLock:
    """Holds an output folder for this process; use it with `with`. Makes the folder where it is missing.

    UserError when another process holds it, or when the folder cannot be written.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.path = self.folder / LOCK_FILE
        self._text = json.dumps({"pid": os.getpid(), "process_start": start_time(os.getpid()),
                                 "host": socket.gethostname(), "time": time.time(), "token": secrets.token_hex(8)})

    def __enter__(self) -> OutputLock:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for _ in range(_ATTEMPTS):
                if self._create():
                    return self
                self._break_if_stale()
        except OSError as error:
            raise UserError(sentence_for_os_error(error, "written", self.folder)) from error
        raise self._held("another ToonDecompose")

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the folder back, if it is ours."""
        with contextlib.suppress(OSError):
            if self.path.read_text(encoding="utf-8") == self._text:
                self.path.unlink()

    def _create(self) -> bool:
        try:
            handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(self._text)
        return True

    def _break_if_stale(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return  # given back just now
        holder = _parse(text)
        if holder is not None and _runs(holder):
            raise self._held(f"process {holder['pid']} on {holder['host']}")
        if holder is None and time.time() - self.path.stat().st_mtime < 1.0:
            time.sleep(0.2)  # created a moment ago by a process that has not written into it yet
            return
        # Rename first: only one of two processes that both found it stale gets hold of this very file.
        aside = self.folder / f"{LOCK_FILE}.{secrets.token_hex(4)}"
        with contextlib.suppress(FileNotFoundError):
            os.rename(self.path, aside)
            if aside.read_text(encoding="utf-8", errors="replace") != text:  # a new one came in between: put it back
                os.replace(aside, self.path)
            else:
                aside.unlink()

    def _held(self, who: str) -> UserError:
        return UserError(f"“{self.folder}” is being written by {who}; wait for it, stop it, or choose another folder.")


def _parse(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    if not isinstance(data, dict) or not isinstance(data.get("pid"), int) or not isinstance(data.get("host"), str):
        return None
    return data


def _runs(holder: dict[str, Any]) -> bool:
    if holder["host"] != socket.gethostname():
        return True  # a shared folder: that computer's processes cannot be seen from here
    if not is_alive(holder["pid"]):
        return False
    now = start_time(holder["pid"])
    return now is None or holder.get("process_start") in (None, now)
