"""What operators share that have the backend do one thing: they queue it, and wait for it where there is no window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError

from .. import folders, preferences, running, sequencer
from ..session import backend
from ..session.run import Origin, Run
from ..session.state import Phase


class RunOperator:
    """Subclasses write `queue(context)`, which gives a queued run, or None when nothing is left to wait for. It may
    raise UserError."""

    def execute(self, context: Any) -> set[str]:
        running.board.notice = ""
        try:
            run = self.queue(context)
        except UserError as error:
            running.board.notice = error.sentence
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        if run is None:
            return {"FINISHED"}
        running.go()
        if not bpy.app.background:
            return {"FINISHED"}
        running.wait()
        if run.state.phase is not Phase.DONE or running.board.notice:
            self.report({"ERROR"}, running.board.notice or run.state.message)
            return {"CANCELLED"}
        return {"FINISHED"}


def queue_placing(context: Any, title: str, folder: Path, origin: Origin, then: Callable[[Run], None]) -> Run:
    """Have the backend write a result's placed frames. then(run): what follows when it has; may raise UserError."""
    python = preferences.backend_python(context)
    out = sequencer.placed_folder(folder)
    return running.board.queue.add(lambda ident: Run(
        ident=ident, title=title, command=backend.place_command(python, folder, out),
        folder=folder / folders.JOB_FOLDER, output=out, origin=origin, on_end=partial(_placed, then=then)))


def _placed(run: Run, then: Callable[[Run], None]) -> None:
    running.board.notice = run.state.message if run.state.phase is Phase.FAILED else ""
    if run.state.phase is Phase.DONE:
        try:
            then(run)
        except UserError as error:
            running.board.notice = error.sentence
