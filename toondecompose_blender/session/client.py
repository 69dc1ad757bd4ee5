"""One child process that works on one job: messages in, a cancel out, and an end that always comes.

`poll` never waits. Clocks: hello within 60 s, cancel asked -> 10 s -> terminate -> 3 s -> kill of the whole group.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import toondecompose
from toondecompose.formats import messages

from . import logs, pipes, process
from .environment import child_environment
from .state import Phase, RunState, cancelled_sentence


@dataclass(frozen=True)
class Limits:
    """Seconds. news: silence after which the panel says so (the child speaks every 5 s); leave: from the last message
    to the end of the process."""

    hello: float = 60.0
    news: float = 60.0
    cancel: float = 10.0
    terminate: float = 3.0
    leave: float = 10.0


DEFAULT_LIMITS = Limits()


class Client:
    """Starts the child at once; UserError when that fails."""

    def __init__(self, command: list[str], folder: Path, state: RunState, environ: Mapping[str, str] = os.environ,
                 limits: Limits = DEFAULT_LIMITS, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = state
        self._limits, self._clock = limits, clock
        self._reader = messages.MessageReader()
        self._problems_seen = 0
        self._greeted = self._at_end = self._closed = False
        self._asked_at: float | None = None
        self._terminated_at: float | None = None
        self._ended_at: float | None = None
        self._python = command[0]
        self.log_path, self._log = logs.open_log(folder)
        self._log_start = self._log.tell()
        try:
            self._process = process.start(command, folder, child_environment(environ), self._log)
        except BaseException:
            self._log.close()
            raise
        assert self._process.stdout is not None
        self._out = self._process.stdout.fileno()
        pipes.prepare(self._out)
        self._started_at = self._news_at = clock()
        state.phase = Phase.STARTING

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def finished(self) -> bool:
        """The state is final and the process is gone."""
        return self._closed

    @property
    def silence(self) -> float:
        """Seconds without news beyond what is normal, or 0."""
        quiet = self._clock() - self._news_at
        return quiet if quiet > self._limits.news and not self.state.phase.final else 0.0

    def poll(self) -> list[dict[str, Any]]:
        """Take in what the child said, and keep the clocks. Returns the new messages."""
        if self._closed:
            return []
        found = self._read()
        for message in found:
            self._take(message)
        now = self._clock()
        gone = self._process.poll() is not None
        if self.state.phase.final:
            self._leave(now, gone)
        elif gone and self._at_end:
            self._stopped_by_itself()
        elif self._asked_at is not None:
            self._press(now)
        elif not self._greeted and now - self._started_at > self._limits.hello:
            self._fail(f"The backend never said hello in {self._limits.hello:.0f} s; see “{self.log_path}”, or try "
                       "Test Backend in ToonDecompose's preferences.")
        return found

    def cancel(self) -> None:
        """Ask the child to stop; `poll` sees to it that it does."""
        if self.state.phase.final or self._asked_at is not None:
            return
        self.state.phase = Phase.CANCELLING
        self._asked_at = self._clock()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it may have gone this moment; poll will see that
                self._process.stdin.write(messages.CANCEL_LINE)
                self._process.stdin.flush()

    def close(self) -> None:
        """End everything now: for a disabled add-on or a closing Blender."""
        if self._closed:
            return
        process.end_group(self._process, force=True)
        self.state.end(Phase.CANCELLED, cancelled_sentence(len(self.state.finished_stages)))
        self._clean_up()

    def _read(self) -> list[dict[str, Any]]:
        if self._at_end:
            return []
        data, self._at_end = pipes.read_available(self._out)
        found = self._reader.feed(data)
        if self._at_end:
            found += self._reader.close()
        elif self._process.poll() is not None and not data:
            # a grandchild may hold the pipe open for ever after the child has gone
            self._at_end = True
        if data:
            self._news_at = self._clock()
        for problem in self._reader.problems[self._problems_seen:]:
            self._note(f"not a message: {problem}")
        self._problems_seen = len(self._reader.problems)
        return found

    def _take(self, message: dict[str, Any]) -> None:
        if self.state.phase.final:
            return
        if message["type"] == "hello":
            self._greeted = True
            problem = _handshake_problem(message)
            if problem:
                self._fail(problem)
                return
        elif not self._greeted and message["type"] != "error":
            self._fail("The backend spoke before it said hello; install the backend and the add-on of one version.")
            return
        self.state.apply(message)

    def _leave(self, now: float, gone: bool) -> None:
        """After the last message: the child has a moment to go by itself."""
        if self._ended_at is None:
            self._ended_at = now
            with contextlib.suppress(OSError):
                if self._process.stdin is not None:
                    self._process.stdin.close()
        if gone or now - self._ended_at > self._limits.leave:
            process.end_group(self._process, force=True)
            self._clean_up()

    def _press(self, now: float) -> None:
        """A cancel was asked for: terminate, then kill, when its time is over."""
        assert self._asked_at is not None
        if self._terminated_at is None and now - self._asked_at > self._limits.cancel:
            self._terminated_at = now
            self._note("the child did not stop when it was asked; terminating it")
            process.end_group(self._process, force=False)
        elif self._terminated_at is not None and now - self._terminated_at > self._limits.terminate:
            self._note("the child did not stop when it was terminated; killing it")
            process.end_group(self._process, force=True)
            self.state.end(Phase.CANCELLED, cancelled_sentence(len(self.state.finished_stages)))
            self._clean_up()

    def _stopped_by_itself(self) -> None:
        code = self._process.returncode
        if self._asked_at is not None:
            self.state.end(Phase.CANCELLED, cancelled_sentence(len(self.state.finished_stages)))
        else:
            self.state.end(Phase.FAILED, self._stop_sentence(code))
        process.end_group(self._process, force=True)
        self._clean_up()

    def _stop_sentence(self, code: int) -> str:
        if not self._greeted:
            return start_sentence(self._python, code, logs.last_lines(self.log_path, self._log_start), self.log_path)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        where = f" in the stage “{self.state.stage_label}”" if self.state.stage_label else ""
        why = ", often because memory ran out" if code == -getattr(signal, "SIGKILL", 9) else ""
        return (f"The backend was stopped ({how}){where}{why}; finished stages are kept, press Decompose to go on from "
                "there.")

    def _fail(self, sentence: str) -> None:
        self.state.end(Phase.FAILED, sentence)
        process.end_group(self._process, force=True)
        self._clean_up()

    def _note(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._log.write(f"[add-on] {text}\n".encode("utf-8", "replace"))
            self._log.flush()

    def _clean_up(self) -> None:
        """Reap the child and close the pipes; the group has been ended before."""
        self._closed = True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=self._limits.terminate)
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _handshake_problem(hello: dict[str, Any]) -> str | None:
    ours = toondecompose.__version__
    if hello["protocol"] != messages.PROTOCOL or hello["version"] != ours:
        return (f"The backend is version {hello['version']} (protocol {hello['protocol']}), but the add-on is {ours} "
                f"(protocol {messages.PROTOCOL}); install the same version of both.")
    return None


def start_sentence(python: str, code: int, lines: list[str], log_path: Path) -> str:
    """Why a child ended before its hello, from what it left in the log."""
    text = "\n".join(lines)
    if "No module named" in text and "toondecompose" in text:
        return (f"“{python}” has no ToonDecompose backend; install it there, or choose another Python in "
                "ToonDecompose's preferences.")
    if "nknown option: -P" in text:
        return f"“{python}” is too old; the backend needs Python 3.11 or newer."
    last = f": {lines[-1]}" if lines else ""
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"The backend stopped before it said hello ({how}){last}; the log is “{log_path}”."
