"""Starting a child in a group of its own, and ending the whole group."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from toondecompose.formats.errors import UserError


def start(command: list[str], folder: Path, environment: Mapping[str, str], log: BinaryIO) -> subprocess.Popen[bytes]:
    """A child with pipes on stdin and stdout and its stderr in the log. No shell, no console window on Windows."""
    options: dict[str, object] = {"start_new_session": True}
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=folder,
                                env=dict(environment), bufsize=0, **options)  # type: ignore[call-overload]
    except FileNotFoundError as error:
        raise UserError(f"The backend's Python “{command[0]}” does not exist; choose another in ToonDecompose's "
                        "preferences.") from error
    except OSError as error:
        raise UserError(f"“{command[0]}” cannot be started ({error.strerror or error}); choose the backend's Python in "
                        "ToonDecompose's preferences.") from error


def end_group(process: subprocess.Popen[bytes], force: bool) -> None:
    """Ask (or, with force, make) the child and everything it started to end. Nothing happens if they are gone."""
    if sys.platform == "win32":
        if force:
            subprocess.run(["taskkill", "/PID", str(process.pid), "/T", "/F"], check=False, capture_output=True,
                           creationflags=subprocess.CREATE_NO_WINDOW)
        elif process.poll() is None:
            process.terminate()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # the child leads its session, so its group's number is its own
        os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
