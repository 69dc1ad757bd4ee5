"""One job from start to last message: the same for the worker and for the command line."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from ..formats import messages
from ..formats.errors import Cancelled, UserError
from ..formats.job import Job
from ..formats.result import read_result
from .events import Events
from .failures import sentence_for
from .lock import OutputLock
from .stopping import CANCELLED

# exit codes of the worker and of the command line, beside CANCELLED
DONE, FAILED = 0, 1

Engine = Callable[[Job, Path, Events, Callable[[], bool]], Path]


def engine_named(name: str, resume: bool = True, seconds: float = 2.0) -> Engine:
    """The engine ('pipeline' or 'dummy') as a function of (job, job_folder, events, cancelled) -> result.json's path.

    resume: read the finished stages of an interrupted run. seconds: how long the dummy takes.
    """
    if name == "dummy":
        from . import dummy

        return lambda job, folder, events, cancelled: dummy.decompose(job, folder, events, cancelled, seconds)

    def run(job: Job, folder: Path, events: Events, cancelled: Callable[[], bool]) -> Path:
        from ..engine import pipeline  # imports torch: seconds on a cold disk

        return pipeline.decompose(job, folder, events, cancelled, resume=resume)

    return run


def run_job(job: Job, job_folder: Path, events: Events, cancelled: Callable[[], bool], engine: Engine,
            lock: OutputLock, log: Path | None = None) -> int:
    """Run a job under its folder's lock and send the last message -> exit code. Never raises for what a job can do.

    log: file for the trace of an unexpected failure; None writes it to stderr.
    """
    try:
        with lock:
            if cancelled():
                raise Cancelled
            path = engine(job, job_folder, events, cancelled)
            metrics = read_result(path, with_files=False).metrics
        events.last(messages.done(str(path), metrics))
        return DONE
    except Cancelled:
        events.last(messages.cancelled(events.finished_stages()))
        return CANCELLED
    except Exception as error:
        if not isinstance(error, UserError):
            _keep_trace(log)
        last_line = None if isinstance(error, UserError) else traceback.format_exception_only(error)[-1].strip()
        events.last(messages.error(sentence_for(error, events.label), last_line))
        return FAILED


def _keep_trace(log: Path | None) -> None:
    """Write the trace of the exception at hand to a file, or to stderr where there is none or it cannot be written."""
    trace = traceback.format_exc()
    if log is not None:
        with contextlib.suppress(OSError):
            log.write_text(trace, encoding="utf-8", errors="backslashreplace")
            return
    print(trace, file=sys.stderr)
