"""One decomposition from the queue to its end: where it came from, where it goes, and its child while it has one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from toondecompose.formats import files
from toondecompose.formats.errors import UserError
from toondecompose.formats.result import RESULT_FILE

from .client import DEFAULT_LIMITS, Client, Limits
from .state import Phase, RunState


@dataclass(frozen=True)
class Origin:
    """The scene a run belongs to. Names and numbers only: no pointer into Blender survives an undo or a file load.

    scene_uid: the scene's session_uid; it survives undo, not the loading of a file. content_start: scene frame of the
    strip's first picture then; it tells how far the strip was moved since.
    """

    scene: str
    scene_uid: int
    strip: str
    content_start: int = 0
    blend: str = ""


@dataclass
class Run:
    """ident: unique in this session. output: the folder it writes. folder: job file and log.

    on_end: called once by whoever drives the queue, after the end.
    """

    ident: int
    title: str
    command: list[str]
    folder: Path
    output: Path
    origin: Origin | None = None
    on_end: Callable[[Run], None] | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    limits: Limits = DEFAULT_LIMITS
    clock: Callable[[], float] = time.monotonic
    state: RunState = field(default_factory=RunState)
    client: Client | None = None
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def finished(self) -> bool:
        return self.state.phase.final and (self.client is None or self.client.finished)

    @property
    def elapsed(self) -> float:
        """Seconds since the child was started, up to the end."""
        if self.started_at is None:
            return 0.0
        return (self.ended_at if self.ended_at is not None else self.clock()) - self.started_at

    def start(self) -> None:
        """Start the child. A failure is this run's end, not the caller's."""
        self.started_at = self.clock()
        try:
            self.client = Client(self.command, self.folder, self.state, self.environ, self.limits, self.clock)
        except UserError as error:
            self.state.end(Phase.FAILED, error.sentence)

    def step(self) -> bool:
        """Take in news. True when something changed that a panel shows."""
        news = bool(self.client.poll()) if self.client is not None else False
        if self.finished and self.ended_at is None:
            self.ended_at = self.clock()
            news = True
        return news

    def cancel(self) -> None:
        """Ask the child to stop, or never start it."""
        if self.client is not None:
            self.client.cancel()
        else:
            self.state.end(Phase.CANCELLED, "Removed from the queue before it began.")

    def close(self) -> None:
        """End the child now."""
        if self.client is not None:
            self.client.close()
        self.cancel()

    def result_file(self) -> Path | None:
        """result.json of a finished run, or None."""
        path = self.output / RESULT_FILE
        return path if self.state.phase is Phase.DONE and path.is_file() else None

    def preview_file(self) -> Path | None:
        """The newest preview picture, or None. A path that leaves the output folder is not followed."""
        if not self.state.preview:
            return None
        try:
            return files.existing_file(self.output, self.state.preview, "preview")
        except UserError:
            return None
