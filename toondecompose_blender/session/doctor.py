"""Test Backend: one child that describes its installation as JSON, read without waiting."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import toondecompose
from toondecompose.formats import checks
from toondecompose.formats.errors import UserError

from . import logs, pipes, process
from .backend import doctor_command
from .client import start_sentence
from .environment import child_environment

# a cold disk and an old computer take this long to load torch, s
_LONGEST = 120.0
# its report is a few kB; more is not a report
_MOST_BYTES = 2**20
LOG_NAME = "test.log"


@dataclass(frozen=True)
class Finding:
    """What is known about a backend. problem: a sentence when it cannot be used. lines: device, memory, versions.
    slow: sentences about what would be slow and why."""

    problem: str = ""
    lines: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()


@dataclass
class Doctor:
    """finding: None until the child has answered or given up."""

    python: Path
    folder: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    longest: float = _LONGEST
    clock: Callable[[], float] = time.monotonic
    finding: Finding | None = None
    _process: subprocess.Popen[bytes] | None = None
    _text: bytes = b""
    _started_at: float = 0.0

    @property
    def finished(self) -> bool:
        return self.finding is not None

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self._started_at

    def start(self) -> None:
        """Start the child; a failure becomes the finding."""
        self._started_at = self.clock()
        try:
            self._log_path, log = logs.open_log(self.folder, LOG_NAME)
            with log:
                self._log_start = log.tell()
                self._process = process.start(doctor_command(self.python), self.folder,
                                              child_environment(self.environ), log)
        except UserError as error:
            self.finding = Finding(error.sentence)
            return
        pipes.prepare(self._process.stdout.fileno())

    def step(self) -> bool:
        """Take in what was said. True when the finding has come."""
        if self.finished or self._process is None:
            return False
        data, ended = pipes.read_available(self._process.stdout.fileno())
        self._text += data
        if len(self._text) > _MOST_BYTES or self.elapsed > self.longest:
            self._end(Finding(f"“{self.python}” gave no report in {self.elapsed:.0f} s; choose the backend's Python in "
                              "ToonDecompose's preferences."))
        elif ended and self._process.poll() is not None:
            self._end(self._read(self._process.returncode))
        return self.finished

    def close(self) -> None:
        """End the child now."""
        if self._process is not None and not self.finished:
            self._end(Finding("The test was stopped."))

    def _read(self, code: int) -> Finding:
        try:
            return finding(checks.parse_json(self._text, "The backend's report"))
        except UserError as error:
            if self._text:
                return Finding(error.sentence)
            lines = logs.last_lines(self._log_path, self._log_start)
            return Finding(start_sentence(str(self.python), code, lines, self._log_path))

    def _end(self, result: Finding) -> None:
        process.end_group(self._process, force=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=3.0)
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        self.finding = result


def finding(report: dict[str, Any]) -> Finding:
    """The doctor's report in words. UserError when it is none."""
    ours = toondecompose.__version__
    version = checks.text(checks.get(report, "toondecompose", "The backend's report"), "toondecompose", 1, 100)
    if version != ours:
        return Finding(f"The backend is version {version}, but the add-on is {ours}; install the same version of both.")
    problems = checks.array(report.get("problems", []), "problems")
    lines = []
    for item in checks.array(report.get("devices", []), "devices"):
        device = checks.obj(item, "devices")
        memory = checks.number(device.get("memory_mb", 0), "memory_mb", 0, 1e9) / 1024
        name = f" ({device['name']})" if device.get("name") else ""
        lines.append(f"{str(device.get('device', '?')).upper()}{name}" + (f", {memory:.1f} GB" if memory else ""))
    versions = checks.obj(report.get("versions", {}), "versions")
    named = [f"Python {report.get('python', '?')}"]
    named += [f"{name} {number}" for name, number in versions.items() if number and name in ("torch", "numpy")]
    lines += [f"ToonDecompose {version}, the same as the add-on", ", ".join(named)]
    slow = tuple(str(note) for note in checks.array(report.get("slow", []), "slow"))
    return Finding(str(problems[0]) if problems else "", tuple(lines), slow)
