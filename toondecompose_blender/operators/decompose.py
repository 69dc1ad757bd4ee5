"""Decompose: the selected strips go to the backend, one after another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

import toondecompose
from toondecompose.formats.errors import UserError, sentence_for_os_error
from toondecompose.formats.job import Job, write_job

from .. import folders, preferences, results, running, strips, versions
from ..session import backend
from ..session.run import Run
from ..session.state import Phase
from ..strip_render import checked_strip, render_strip
from ..strips import StripClip

_PACKAGE = __package__.rpartition(".")[0]


class TOONDECOMPOSE_OT_decompose(bpy.types.Operator):
    bl_idname = "toondecompose.decompose"
    bl_label = "Decompose Strip"
    bl_description = ("Take the selected strips apart into backgrounds, sprites, drawings and timing. "
                      "The work is done by the backend; Blender stays usable")
    # no UNDO: starting changes nothing in the file; the result is an undo step when it comes
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        reason = strips.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return reason is None

    def execute(self, context: Any) -> set[str]:
        running.board.notice = ""
        if context.window is not None:
            context.window.cursor_modal_set("WAIT")  # movies are rendered first, which holds the window up
        try:
            runs = queue_strips(context)
        except UserError as error:
            running.board.notice = error.sentence
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        finally:
            if context.window is not None:
                context.window.cursor_modal_restore()
        running.go()
        if not bpy.app.background:
            return {"FINISHED"}
        running.wait()
        return self._outcome(runs)

    def _outcome(self, runs: list[Run]) -> set[str]:
        """After a blocking run: report, and FINISHED only if every strip came out."""
        for run in runs:
            if run.state.phase is not Phase.DONE:
                self.report({"ERROR" if run.state.phase is Phase.FAILED else "WARNING"}, run.state.message)
        if running.board.notice and all(run.state.phase is Phase.DONE for run in runs):
            self.report({"ERROR"}, running.board.notice)
            return {"CANCELLED"}
        return {"FINISHED"} if all(run.state.phase is Phase.DONE for run in runs) else {"CANCELLED"}


def queue_strips(context: Any) -> list[Run]:
    """Check all chosen strips, then queue them all; UserError, and nothing queued, when one of them is wrong."""
    scene = versions.sequencer_scene(context)
    python = preferences.backend_python(context)
    base = folders.base_folder(scene, preferences.of(context).cache_folder, _PACKAGE)
    queue = running.board.queue
    taken = {run.output for run in [*queue.waiting, *([queue.current] if queue.current else [])]}
    prepared = []
    for strip, clip in [(strip, checked_strip(scene, strip)) for strip in strips.chosen(context)]:
        output = folders.free_folder(base, strip.name, taken)
        taken.add(output)
        prepared.append(_prepare(scene, strip, clip, output))
    return [queue.add(lambda ident, job=job, title=title, output=output: Run(
        ident=ident, title=title, command=backend.worker_command(python, job), folder=job.parent, output=output,
        origin=results.origin_of(scene, title), on_end=results.note_end)) for title, job, output in prepared]


def _prepare(scene: Any, strip: Any, clip: StripClip, output: Path) -> tuple[str, Path, Path]:
    """Render the strip's frames where that is needed, write its job file -> (strip's name, job file, output folder)."""
    folder = output / folders.JOB_FOLDER
    if clip.rendered:
        clip = render_strip(scene, strip, clip, folder / folders.RENDERED)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "written", folder)) from error
    path = folder / folders.JOB_FILE
    write_job(path, job_of(scene.toondecompose, clip, output))
    return strip.name, path, output


def job_of(settings: Any, clip: StripClip, output: Path) -> Job:
    """The job that a strip and the panel's settings describe."""
    return Job(
        frames=[str(path) for path in clip.frames], output=str(output), fps=clip.fps, frame_start=clip.frame_start,
        sprites="auto" if settings.count_mode == "auto" else settings.count, motion_model=settings.motion_model,
        quality=settings.quality, device=settings.device, seed=settings.seed, diagnostics=settings.diagnostics,
        flow_weights=bpy.path.abspath(settings.flow_weights), name=clip.name, engine_version=toondecompose.__version__)

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_decompose,))
