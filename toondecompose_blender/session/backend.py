"""Which Python runs the backend, and with which arguments."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from toondecompose.formats.errors import UserError

# no user site packages, no buffering, and the working folder is no place to import from (Python 3.11)
_PYTHON_OPTIONS = ("-s", "-u", "-P")
_VARIABLE = "TOONDECOMPOSE_PYTHON"


def find_python(chosen: str, environ: Mapping[str, str] = os.environ) -> Path:
    """The backend's Python: the one in the preferences, else TOONDECOMPOSE_PYTHON, else the one of an installed
    `toondecompose` command (uv tool, pipx, a virtual environment on the PATH). UserError when there is none."""
    if chosen:
        path = Path(chosen).expanduser()
        if path.is_dir():
            path = _python_in(path) or path
        if not path.is_file():
            raise UserError(f"The backend's Python “{path}” does not exist; choose another in ToonDecompose's "
                            "preferences.")
        return path
    if environ.get(_VARIABLE):
        return find_python(environ[_VARIABLE], {})
    command = shutil.which("toondecompose", path=environ.get("PATH"))
    if command:
        # uv and pipx put a link on the PATH; the command itself lies beside its Python
        python = _python_in(Path(command).resolve().parent)
        if python:
            return python
    raise UserError("No backend was found; install it (see the README) and choose its Python in ToonDecompose's "
                    "preferences.")


def _python_in(folder: Path) -> Path | None:
    """A Python in a folder or in a virtual environment's folder."""
    names = ("python3", "python", "bin/python3", "bin/python")
    if os.name == "nt":
        names = ("python.exe", "Scripts/python.exe")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def worker_command(python: Path, job: Path) -> list[str]:
    """The child that works on one job and speaks the protocol."""
    return [str(python), *_PYTHON_OPTIONS, "-m", "toondecompose.worker", str(job)]


def place_command(python: Path, result: Path, out: Path) -> list[str]:
    """The child that writes a result's layers, placed in the picture, and speaks the protocol."""
    return [str(python), *_PYTHON_OPTIONS, "-m", "toondecompose.worker.place", str(result), str(out)]


def doctor_command(python: Path) -> list[str]:
    """The child that describes its installation, as JSON on its standard output."""
    return [str(python), *_PYTHON_OPTIONS, "-m", "toondecompose", "doctor", "--json"]
