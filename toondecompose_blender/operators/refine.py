"""Refine: decompose a result's shot again with annotation strokes as hints."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError, sentence_for_os_error
from toondecompose.formats.files import write_atomic
from toondecompose.formats.job import read_job, write_job
from toondecompose.formats.result import CHECKPOINT_FOLDER, read_result

from .. import folders, preferences, results, running, versions
from ..scene.naming import clip_camera, clip_root
from ..session import backend
from ..session.run import Run
from ..sprite import hints, masks
from ..sprite.drawings import result_folder
from .run_base import RunOperator


class TOONDECOMPOSE_OT_refine(RunOperator, bpy.types.Operator):
    bl_idname = "toondecompose.refine"
    bl_label = "Refine"
    bl_description = ("Decompose the shot again with your annotations as hints: strokes over the preview or the "
                      "camera's view, on annotation layers named after the sprites")
    bl_options = {"REGISTER"}

    mask: bpy.props.StringProperty(
        name="Mask", description="Mask data-block whose layers are named after sprites; it holds on the current frame")

    @classmethod
    def poll(cls, context: Any) -> bool:
        if _folder(context) is None:
            cls.poll_message_set("Decompose a strip first")
            return False
        if not annotations_in_view(context) and not bpy.data.masks:
            cls.poll_message_set("Draw annotations over the sprites first, on layers named after them")
            return False
        return True

    def queue(self, context: Any) -> Run:
        return queue_refinement(context, self.mask)


def _folder(context: Any) -> Path | None:
    """The result to refine: the active object's clip, else the one chosen in the Sequencer's panel."""
    root = clip_root(context.object)
    if root is not None:
        return result_folder(root)
    scene = versions.sequencer_scene(context)
    entry = results.active(scene) if scene is not None else None
    return results.folder_of(entry) if entry is not None else None


def annotations_in_view(context: Any) -> list[tuple[Any, str]]:
    """Annotations that may have strokes, with their usual display mode: of the Sequencer's previews, and of the scene,
    which is what the 3D view shows."""
    owners = [(space, "2DSPACE") for space in previews(context)] + [(context.scene, "3DSPACE")]
    found: dict[Any, str] = {}
    for owner, mode in owners:
        data = versions.annotation_of(owner)
        if data is not None and data.layers:
            found.setdefault(data, mode)
    return list(found.items())


def previews(context: Any) -> list[Any]:
    """The Sequencers' spaces of the window."""
    return [area.spaces.active for area in (context.screen.areas if context.screen else ())
            if area.type == "SEQUENCE_EDITOR"]


def layers_in_view(context: Any) -> list[tuple[Any, str]]:
    """Their layers, with the usual display mode."""
    return [(layer, mode) for data, mode in annotations_in_view(context) for layer in data.layers]


def queue_refinement(context: Any, mask: str = "") -> Run:
    """Write a job like the result's own with the hints added, and queue it. Nothing of the old result is touched.

    mask: name of a mask data-block that is a hint for the current frame; then annotations are not needed.
    """
    folder = _folder(context)
    job_file = folder / folders.JOB_FOLDER / folders.JOB_FILE
    result = read_result(folder, with_files=False)
    if not job_file.is_file():
        raise UserError(f"“{folder}” does not say how it was made, so it cannot be refined; decompose the strip again.")
    job = read_job(job_file)
    # masks of an earlier refinement lie beside that one's job
    for hint in job.hints:
        if "mask" in hint:
            hint["mask"] = str(job_file.parent / hint["mask"])
    pictures = _mask_pictures(context, mask, result) if mask else {}
    if annotations_in_view(context):
        job.hints = [*job.hints, *(_named(hint, result) for hint in collect(context, result))]
    job.frames = [str(path) for path in job.frame_paths(job_file.parent)]
    queue = running.board.queue
    taken = {run.output for run in [*queue.waiting, *([queue.current] if queue.current else [])]}
    output = folders.free_folder(folder.parent, job.name, taken)
    job.output = str(output)
    path = output / folders.JOB_FOLDER / folders.JOB_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "written", path.parent)) from error
    for (sprite, frame), picture in pictures.items():
        name = f"mask_{sprite:02d}_{frame:06d}.png"
        write_atomic(path.parent / name, masks.grey_png(picture))
        hint = {"kind": "mask", "sprite": sprite, "frame": frame, "mask": name}
        job.hints = [*job.hints, _named(hint, result)]
    write_job(path, job)
    _start_behind(folder, output)
    python = preferences.backend_python(context)
    scene = versions.sequencer_scene(context)
    return queue.add(lambda ident: Run(
        ident=ident, title=f"{job.name}, refined", command=backend.worker_command(python, path), folder=path.parent,
        output=output, origin=results.origin_of(scene, _strip_name(scene, folder)), on_end=results.note_end))


def _start_behind(folder: Path, output: Path) -> None:
    """Give a refined run the stages of the old one that no hint changes; the backend checks whether they fit."""
    kept, target = folder / CHECKPOINT_FOLDER, output / CHECKPOINT_FOLDER
    if kept.is_dir() and not target.exists():
        try:
            shutil.copytree(kept, target)
        except OSError as error:
            raise UserError(sentence_for_os_error(error, "written", target)) from error


def _named(hint: dict[str, Any], result: Any) -> dict[str, Any]:
    """A hint that also says its sprite's name: the sprites of several shots are counted in one list, and the order in
    which the backend finds them need not be the result's."""
    k = hint["sprite"]
    return {**hint, "name": result.sprites[k].name} if k < len(result.sprites) else hint


def _mask_pictures(context: Any, name: str, result: Any) -> dict[tuple[int, int], Any]:
    """{(sprite, clip frame): picture} of a mask data-block on the current frame."""
    clip, data = result.clip, bpy.data.masks.get(name)
    if data is None:
        raise UserError(f"There is no mask “{name}” in this file; choose another.")
    frame = (versions.sequencer_scene(context) or context.scene).frame_current - clip.frame_start
    if not 0 <= frame < clip.frame_count:
        raise UserError(f"The current frame is not in “{clip.name}”, which has the frames {clip.frame_start} to "
                        f"{clip.frame_start + clip.frame_count - 1}; go to the frame that the mask was drawn on.")
    names = [sprite.name for sprite in result.sprites]
    found = masks.mask_pictures(data, names, clip.size)
    if not found:
        raise UserError(f"No layer of the mask “{name}” has a sprite's name; rename one to "
                        f"{', '.join(f'“{sprite}”' for sprite in names)}.")
    return {(sprite, frame): picture for sprite, picture in found.items()}


def _strip_name(scene: Any, folder: Path) -> str:
    return next((entry.strip for entry in scene.toondecompose.results if results.same_folder(entry.folder, folder)), "")


def collect(context: Any, result: Any) -> list[dict[str, Any]]:
    """The hints of all annotations in view."""
    clip = result.clip
    root = clip_root(context.object)
    camera = clip_camera(root) if root is not None else None
    names = [sprite.name for sprite in result.sprites]
    scene = versions.sequencer_scene(context) or context.scene
    size = (scene.render.resolution_x, scene.render.resolution_y)
    preview = hints.preview_to_frame(size, clip.size)
    view = hints.camera_to_frame(context.scene, camera, clip.size) if camera is not None else preview

    def to_frame(co: tuple[float, float, float], mode: str) -> tuple[float, float] | None:
        return view(co, mode) if mode == "3DSPACE" else preview(co, mode)

    return hints.hints_from_layers(layers_in_view(context), names, clip.frame_start, clip.frame_count, to_frame)

register, unregister = bpy.utils.register_classes_factory((TOONDECOMPOSE_OT_refine,))
