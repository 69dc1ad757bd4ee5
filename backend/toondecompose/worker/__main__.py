"""The child process: `python -m toondecompose.worker JOB.json`. Messages on stdout, orders on stdin, log on stderr."""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from .. import __version__
from ..formats import messages
from ..formats.errors import UserError
from ..formats.job import Job, read_job
from ..formats.messages import Message
from . import hardware
from .events import Events
from .failures import sentence_for
from .lock import OutputLock
from .run import DONE, FAILED, engine_named, run_job
from .stopping import CANCELLED, Stop, leave
from .streams import cancel_on_signals, claim_stdout, end_with_parent, sender, watch_orders
from .threads import use_one_core


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m toondecompose.worker", description=__doc__)
    parser.add_argument("job", nargs="?", help="job file (job.json)")
    parser.add_argument("--hello", action="store_true", help="only say hello: tests an installation")
    parser.add_argument("--fresh", action="store_true", help="do not read what an interrupted run left")
    parser.add_argument("--engine", choices=("pipeline", "dummy"), default="pipeline")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long the dummy engine takes")
    arguments = parser.parse_args()
    if not arguments.hello and arguments.job is None:
        parser.error("a job file is needed")
    return arguments


def main() -> int:
    """Run the child -> exit code: 0 done, 1 failed, 130 cancelled."""
    arguments = _arguments()
    use_one_core()
    wire = claim_stdout()
    faulthandler.enable()
    end_with_parent()
    held: list[OutputLock] = []

    def gone() -> None:
        for lock in held:
            lock.release()
        os._exit(CANCELLED)  # at once: threads in C code cannot be asked, and nobody listens any more

    send = sender(wire, gone)
    with Events(send) as events:
        stop = Stop(lambda: leave(events, held))
        cancel_on_signals(stop.ask)
        watch_orders(0, stop.ask, gone)
        try:
            job = _greet(send, arguments)
        except Exception as error:
            if not isinstance(error, UserError):
                traceback.print_exc(file=sys.stderr)
            events.last(messages.error(sentence_for(error, "Starting")))
            return FAILED
        if job is None:
            events.last(messages.done("", {}))
            return DONE
        folder = Path(arguments.job).resolve().parent
        lock = OutputLock(job.output_folder(folder))
        held.append(lock)
        if job.engine_version not in ("", __version__):
            events.warning(f"The job was made for version {job.engine_version}, but this backend is {__version__}.")
        engine = engine_named(arguments.engine, resume=not arguments.fresh, seconds=arguments.seconds)
        return run_job(job, folder, events, stop.asked, engine, lock)


def _greet(send: Callable[[Message], None], arguments: argparse.Namespace) -> Job | None:
    """Read the job and say hello. Hello comes first even when the job or the device is refused."""
    job, problem = None, None
    device, name, memory = "cpu", hardware.cpu_name(), hardware.memory_mb()
    try:
        job = read_job(arguments.job) if arguments.job else None
        if arguments.engine != "dummy":
            device, name, memory = hardware.device_for(job.device if job else "auto")
    except (UserError, ImportError) as error:
        problem = error
    send(messages.hello(__version__, device, name, memory, os.getpid()))
    if problem is not None:
        raise problem
    return job


if __name__ == "__main__":
    sys.exit(main())
