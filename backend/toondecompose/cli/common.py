"""What several commands share: a result to open, a folder to write, and a progress line."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from ..worker.events import Events
from .bar import ProgressDisplay


def add_result(parser: argparse.ArgumentParser) -> None:
    """The argument RESULT."""
    parser.add_argument("result", metavar="RESULT", type=Path, help="a result folder, or its result.json")


def add_out(parser: argparse.ArgumentParser, what: str) -> None:
    """The option --out."""
    parser.add_argument("--out", type=Path, required=True, help=f"folder for {what} (made where missing)")


@contextlib.contextmanager
def progress_line(label: str) -> Iterator[Callable[[float], None]]:
    """A live line for a short task -> its progress function (0..1)."""
    display = ProgressDisplay()
    try:
        with Events(display) as events:
            events.stage(label, label, 0, 1)
            yield events.progress
    finally:
        display.clear()
