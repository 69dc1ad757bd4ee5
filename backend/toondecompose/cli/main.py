"""The command `toondecompose`: finds the command asked for, runs it, and turns what fails into one sentence."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence

from .. import __version__
from ..formats.errors import Cancelled, UserError
from ..worker.failures import sentence_for
from ..worker.run import FAILED
from ..worker.stopping import CANCELLED
from ..worker.threads import use_one_core
from . import decompose, demo_clip, doctor, inspect_result, place, recompose

COMMANDS = (decompose, inspect_result, place, recompose, doctor, demo_clip)


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands. Usage errors leave with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="toondecompose",
        description="Takes a finished cartoon shot apart into plates, drawings, exposures and moves.")
    parser.add_argument("--version", action="version", version=f"toondecompose {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands).set_defaults(run=command.run)
    return parser


def _log_trace() -> str:
    """Keep the trace of an unexpected failure in a file -> its path."""
    handle, path = tempfile.mkstemp(prefix="toondecompose-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        traceback.print_exc(file=stream)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command -> exit code: 0 fine, 1 failed (a sentence is on stderr), 2 wrong usage, 130 stopped."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no “ must not end a run
    use_one_core()
    parsed = build_parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except UserError as error:
        print(f"toondecompose: {error.sentence}", file=sys.stderr)
    except (KeyboardInterrupt, Cancelled):
        print("toondecompose: Stopped.", file=sys.stderr)
        return CANCELLED
    except BrokenPipeError:
        # the reader of our output went away, e.g. `| head`; nothing may be written to it at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        path = _log_trace()
        print(f"toondecompose: {sentence_for(error, parsed.command)} The log is “{path}”.", file=sys.stderr)
    return FAILED
