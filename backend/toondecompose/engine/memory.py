"""Memory: what is given back to the system (glibc keeps what small and middling arrays leave behind, for hundreds of
MB), and what is never asked for again."""

from __future__ import annotations

import ctypes
import gc
import sys


def keep_for_good() -> None:
    """Let the collector look no more through what is there now: modules and their classes, half a million records that
    every full collection walked over, live as long as the process."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Return freed heap to the system, between stages that each make many large arrays. Elsewhere than with glibc the
    system's allocator does so by itself, and this does nothing."""
    gc.collect()  # records that refer to each other hold arrays too
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return  # another C library (musl)
