"""The child's three streams: messages out, orders in, everything else to the log."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

from ..formats.messages import CANCEL_LINE, Message, encode

# longest order that is read, bytes; what is longer is noise
_MAX_ORDER = 1024


def claim_stdout() -> int:
    """Take file descriptor 1 for messages alone -> its new number.

    Afterwards descriptor 1 is the log (descriptor 2), so what Python prints and what C libraries write lands there.
    """
    sys.stdout.flush()
    wire = os.dup(1)
    os.dup2(2, 1)
    if os.name == "nt":
        import msvcrt

        msvcrt.setmode(wire, os.O_BINARY)
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    return wire


def sender(wire: int, gone: Callable[[], None]) -> Callable[[Message], None]:
    """A function that writes messages to a descriptor, one line at a time; gone() is called when nobody reads."""
    lock = threading.Lock()

    def send(message: Message) -> None:
        data = memoryview(encode(message))
        try:
            with lock:
                while data:
                    data = data[os.write(wire, data):]
        except (BrokenPipeError, ConnectionResetError):
            gone()

    return send


def watch_orders(descriptor: int, cancel: Callable[[], None], gone: Callable[[], None]) -> threading.Thread:
    """Read orders in a thread of their own: the line `cancel` calls cancel(), the end of the stream calls gone()."""

    def read() -> None:
        # os.read, not a buffered stream: its lock would still be held when the interpreter shuts down
        rest = b""
        while data := os.read(descriptor, _MAX_ORDER):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[-_MAX_ORDER:]
            if any(line.strip() == CANCEL_LINE.strip() for line in lines):
                cancel()
        gone()

    thread = threading.Thread(target=read, name="orders", daemon=True)
    thread.start()
    return thread


def cancel_on_signals(cancel: Callable[[], None]) -> None:
    """Ctrl-C, SIGTERM and Ctrl-Break ask to stop, as the line `cancel` does."""
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, lambda *_: cancel())


def end_with_parent() -> None:
    """Linux: ask the kernel to end this process when its parent dies, even while it is deep in C code."""
    if not sys.platform.startswith("linux"):
        return  # the end of stdin says the same there
    import ctypes

    set_parent_death_signal = 1  # PR_SET_PDEATHSIG, linux/prctl.h
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL, 0, 0, 0)
