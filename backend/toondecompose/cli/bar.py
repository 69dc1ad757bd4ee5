"""What a run shows on a terminal: one line that is drawn over; plain lines when stderr is a file or a pipe."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

from ..formats.messages import Message

_BAR = 24  # characters
_BLOCKS = " ▏▎▍▌▋▊▉"


def duration(seconds: float) -> str:
    """'12 s', '3:05', '1:02:03'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def bar(fraction: float, encoding: str) -> str:
    """A bar of fixed width, in blocks where the terminal has them."""
    try:
        "▏█".encode(encoding)
    except (LookupError, UnicodeEncodeError):
        full = round(fraction * _BAR)
        return "#" * full + "-" * (_BAR - full)
    eighths = round(fraction * _BAR * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (_BLOCKS[part] if part else "")).ljust(_BAR)


class ProgressDisplay:
    """Shows messages to a person. Use it as the `send` of Events."""

    def __init__(self, stream: TextIO | None = None):
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._label = "Starting"
        self._start = time.monotonic()
        self._drawn = 0

    def __call__(self, message: Message) -> None:
        """Show one message."""
        kind = message["type"]
        if kind == "stage":
            self._label = message["label"]
            if not self._live:
                passed = duration(time.monotonic() - self._start)
                self._line(f"{self._label} ({message['index'] + 1} of {message['count']}, after {passed})")
        elif kind == "progress" and self._live:
            self._draw(message["fraction"], message["eta_s"])
        elif kind == "warning":
            self._line(f"Note: {message['message']}")

    def clear(self) -> None:
        """Take the live line away, before something else is printed."""
        if self._drawn:
            self._stream.write("\r" + " " * self._drawn + "\r")
            self._stream.flush()
            self._drawn = 0

    def _line(self, text: str) -> None:
        self.clear()
        print(text, file=self._stream, flush=True)

    def _draw(self, fraction: float, eta_s: float | None) -> None:
        left = f"{duration(eta_s)} left" if eta_s is not None else ""
        head = f"{fraction:4.0%} {bar(fraction, self._stream.encoding or 'ascii')} "
        width = shutil.get_terminal_size().columns - 1
        text = f"{head}{self._label}  {left}".rstrip()[:width]
        self._stream.write("\r" + text.ljust(self._drawn)[:width])
        self._stream.flush()
        self._drawn = len(text)
