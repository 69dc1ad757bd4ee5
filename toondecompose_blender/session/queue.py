"""Runs one after another: in order, each can be moved, removed or cancelled, the others go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .run import Run
from .state import Phase

# finished runs that are remembered for the panel
_REMEMBERED = 20


@dataclass
class Queue:
    """current: the run with a child, or None. waiting: in order. finished: oldest first."""

    waiting: list[Run] = field(default_factory=list)
    current: Run | None = None
    finished: list[Run] = field(default_factory=list)
    _next_ident: int = 1

    @property
    def busy(self) -> bool:
        return self.current is not None or bool(self.waiting)

    def add(self, make: Callable[[int], Run]) -> Run:
        """Append the run that `make` returns for its number. It starts with the next step."""
        run = make(self._next_ident)
        self._next_ident += 1
        self.waiting.append(run)
        return run

    def find(self, ident: int) -> Run | None:
        """The run with that number, wherever it stands."""
        runs = [*self.waiting, *([self.current] if self.current else []), *self.finished]
        return next((run for run in runs if run.ident == ident), None)

    def move(self, ident: int, places: int) -> bool:
        """Move a waiting run up (negative) or down. False when it does not wait."""
        at = next((i for i, run in enumerate(self.waiting) if run.ident == ident), None)
        if at is None:
            return False
        run = self.waiting.pop(at)
        self.waiting.insert(min(max(at + places, 0), len(self.waiting)), run)
        return True

    def remove(self, ident: int) -> bool:
        """Take a waiting run out, or forget a finished one. False when it is neither."""
        for runs in (self.waiting, self.finished):
            for run in runs:
                if run.ident == ident:
                    run.cancel()
                    runs.remove(run)
                    return True
        return False

    def cancel(self) -> None:
        """Ask the current run to stop; the next one follows."""
        if self.current is not None:
            self.current.cancel()

    def step(self) -> tuple[bool, list[Run]]:
        """One tick: (something to show has changed, runs that ended with it)."""
        changed, ended = False, []
        if self.current is None and self.waiting:
            self.current = self.waiting.pop(0)
            self.current.start()
            changed = True
        if self.current is not None:
            changed = self.current.step() or changed
            if self.current.finished:
                ended.append(self.current)
                self.finished = [*self.finished, self.current][-_REMEMBERED:]
                self.current = None
                changed = True
        return changed, ended

    def close(self) -> None:
        """End everything now and forget it."""
        for run in [*self.waiting, *([self.current] if self.current else [])]:
            run.close()
        self.waiting, self.current, self.finished = [], None, []

    @property
    def last_failure(self) -> Run | None:
        """The newest finished run, if it failed."""
        if self.finished and self.finished[-1].state.phase is Phase.FAILED:
            return self.finished[-1]
        return None
