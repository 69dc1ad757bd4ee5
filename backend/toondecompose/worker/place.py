"""A child that places a result's layers in the picture: `python -m toondecompose.worker.place RESULT OUT`.

The add-on shows what it writes in Blender's Video Sequencer. It speaks the same protocol as the worker; transforms.json
is written last, so its presence means that all frames are there. No torch is needed.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from .. import __version__
from ..formats import messages
from ..formats.errors import Cancelled
from ..formats.result import read_result, result_folder
from . import hardware
from .events import Events
from .failures import sentence_for
from .lock import OutputLock
from .run import CANCELLED, DONE, FAILED
from .streams import cancel_on_signals, claim_stdout, end_with_parent, sender, watch_orders

COMPLETE = "transforms.json"


def main() -> int:
    """Run the child -> exit code: 0 done, 1 failed, 130 cancelled."""
    parser = argparse.ArgumentParser(prog="python -m toondecompose.worker.place", description=__doc__)
    parser.add_argument("result", type=Path, help="result folder")
    parser.add_argument("out", type=Path, help="folder for the placed frames")
    arguments = parser.parse_args()
    wire = claim_stdout()
    end_with_parent()
    cancel_flag = threading.Event()
    lock = OutputLock(arguments.out)

    def gone() -> None:
        lock.release()
        os._exit(CANCELLED)

    send = sender(wire, gone)
    with Events(send) as events:
        cancel_on_signals(cancel_flag.set)
        watch_orders(0, cancel_flag.set, gone)
        send(messages.hello(__version__, "cpu", hardware.cpu_name(), hardware.memory_mb(), os.getpid()))

        def report(fraction: float) -> None:
            if cancel_flag.is_set():
                raise Cancelled
            events.progress(fraction)

        try:
            with lock:
                _place(arguments.result, arguments.out, events, report)
        except Cancelled:
            events.last(messages.cancelled([]))
            return CANCELLED
        except Exception as error:
            events.last(messages.error(sentence_for(error, events.label)))
            return FAILED
        events.last(messages.done(str(arguments.out / COMPLETE), {}))
        return DONE


def _place(path: Path, out: Path, events: Events, report: Callable[[float], None]) -> None:
    from ..output.place import write_placed  # imports OpenCV

    events.stage("place", "Placing sprites", 0, 1)
    result = read_result(path)
    (out / COMPLETE).unlink(missing_ok=True)
    write_placed(result_folder(path), result, out, report=report)


if __name__ == "__main__":
    sys.exit(main())
