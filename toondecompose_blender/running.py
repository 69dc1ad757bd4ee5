"""The one queue of this Blender session, and the timer that drives it.

An app timer, not a modal operator: Blender postpones auto-save for as long as any modal operator runs, and cancels
modal operators when a file is loaded; a job may take half an hour. The jobs belong to the session, not to the file:
they go on through undo and file load, and end with the add-on or with Blender.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import bpy

from .session.doctor import Doctor
from .session.queue import Queue

# seconds between two looks at the child in a window, and in a blocking wait
_TICK, _WAIT = 0.1, 0.02
# elapsed time in the panel is redrawn this often without news, s
_REDRAW = 1.0
_AREAS = {"SEQUENCE_EDITOR", "PREFERENCES"}


@dataclass
class Board:
    """What operators leave for the panels. notice: a sentence about the last thing that went wrong."""

    queue: Queue = field(default_factory=Queue)
    doctor: Doctor | None = None
    notice: str = ""
    redrawn_at: float = 0.0


board = Board()


def go() -> None:
    """See to it that what is queued happens: by a timer in a window; in background the caller must `wait`."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        # persistent: loading a file removes other timers
        bpy.app.timers.register(_tick, first_interval=0.0, persistent=True)


def wait() -> None:
    """Run everything that is queued to its end, here and now. Ctrl-C cancels."""
    try:
        while step():
            time.sleep(_WAIT)
    except KeyboardInterrupt:
        for run in list(board.queue.waiting):
            board.queue.remove(run.ident)
        board.queue.cancel()
        while step():
            time.sleep(_WAIT)


def step() -> bool:
    """One look at the children. True while there is more to do."""
    changed, ended = board.queue.step()
    doctor = board.doctor
    if doctor is not None and not doctor.finished:
        changed = doctor.step() or changed
    for run in ended:
        if run.on_end is not None:
            run.on_end(run)
    now = time.monotonic()
    if changed or now - board.redrawn_at > _REDRAW:
        board.redrawn_at = now
        redraw()
    return board.queue.busy or (board.doctor is not None and not board.doctor.finished)


def in_a_window() -> AbstractContextManager[object]:
    """A context with a window, for operators that are called from the timer: there Blender gives none."""
    windows = [window for manager in bpy.data.window_managers for window in manager.windows]
    if bpy.context.window is not None or not windows:
        return nullcontext()
    return bpy.context.temp_override(window=windows[0])


def undo_step(message: str) -> None:
    """Make what the timer has changed an undo step; else undoing something else would take it away unseen."""
    if not bpy.app.background:
        with in_a_window():
            bpy.ops.ed.undo_push(message=message)


def redraw() -> None:
    """Have the panels drawn again."""
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            for area in window.screen.areas:
                if area.type in _AREAS:
                    area.tag_redraw()


def stop() -> None:
    """End the children and the timer; nothing is left behind."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    board.queue.close()
    if board.doctor is not None:
        board.doctor.close()
    board.doctor, board.notice = None, ""


def _tick() -> float | None:
    return _TICK if step() else None
