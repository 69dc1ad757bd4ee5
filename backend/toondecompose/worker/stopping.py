"""Asking a run to stop, and leaving an engine that does not listen."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable

from ..formats import messages
from .events import Events
from .lock import OutputLock

# exit code of a run that was stopped, as shells give it after Ctrl-C
CANCELLED = 130

# An engine that has not come back this long after it was asked is left to itself, s: a parent uses force at 10 s.
GRACE = 7.0


class Stop:
    """A flag that many may set: orders, signals, Ctrl-C. give_up() is called when the run did not end in time."""

    def __init__(self, give_up: Callable[[], None], grace: float = GRACE):
        self._flag = threading.Event()
        self._give_up, self._grace = give_up, grace

    def asked(self) -> bool:
        """Whether the run should stop; what the engine looks at."""
        return self._flag.is_set()

    def ask(self) -> None:
        """Ask to stop. Safe in a signal handler; asking again changes nothing."""
        if not self._flag.is_set():
            self._flag.set()
            timer = threading.Timer(self._grace, self._give_up)
            timer.daemon = True
            timer.start()


def leave(events: Events, locks: Iterable[OutputLock]) -> None:
    """End this process at once: say `cancelled`, give the folders back, and do not wait for anybody."""
    # in a thread of its own: a parent that reads nothing any more, or this very thread, may hold the events up
    last = threading.Thread(target=lambda: events.last(messages.cancelled(events.finished_stages())), daemon=True)
    last.start()
    last.join(timeout=1.0)
    for lock in locks:
        lock.release()
    os._exit(CANCELLED)
