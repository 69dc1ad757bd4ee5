"""Reading from a child's pipe without ever waiting for it, and without threads."""

from __future__ import annotations

import os
import sys

# read at most this much at a time, so that a chatty child cannot freeze the window; bytes
_CHUNK = 64 * 1024
_CHUNKS_PER_READ = 16


def prepare(fd: int) -> None:
    """Make a pipe's reading end non-blocking where that is how it is done (POSIX)."""
    if sys.platform != "win32":
        os.set_blocking(fd, False)


def read_available(fd: int) -> tuple[bytes, bool]:
    """(what has arrived, True once the other end is closed and all was read)."""
    pieces: list[bytes] = []
    for _ in range(_CHUNKS_PER_READ):
        piece = _read_once(fd)
        if piece is None:
            return b"".join(pieces), False
        if not piece:
            return b"".join(pieces), True
        pieces.append(piece)
    return b"".join(pieces), False


if sys.platform != "win32":

    def _read_once(fd: int) -> bytes | None:
        """None: nothing there yet. Empty: the end."""
        try:
            return os.read(fd, _CHUNK)
        except BlockingIOError:
            return None

else:
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _peek = ctypes.WinDLL("kernel32", use_last_error=True).PeekNamedPipe
    _peek.argtypes = (wintypes.HANDLE, wintypes.LPVOID, wintypes.DWORD, ctypes.POINTER(wintypes.DWORD),
                      ctypes.POINTER(wintypes.DWORD), ctypes.POINTER(wintypes.DWORD))
    _peek.restype = wintypes.BOOL

    def _read_once(fd: int) -> bytes | None:
        """None: nothing there yet. Empty: the end. os.set_blocking knows Windows' pipes from Python 3.12 on only."""
        waiting = wintypes.DWORD(0)
        if not _peek(msvcrt.get_osfhandle(fd), None, 0, None, ctypes.byref(waiting), None):
            return b""
        return os.read(fd, min(waiting.value, _CHUNK)) if waiting.value else None
