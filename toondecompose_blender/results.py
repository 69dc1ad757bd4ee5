"""Finished decompositions in the scene's list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError
from toondecompose.formats.result import RESULT_FILE, Result, read_result

from . import folders, running, sequencer, versions
from .session.run import Origin, Run
from .session.state import Phase

# below this the sprite deserves a look; the engine's own scale, 0..1
LOW_CONFIDENCE = 0.5


def origin_of(scene: Any, strip_name: str) -> Origin:
    """What to remember of a strip's scene while a run goes on."""
    editor = scene.sequence_editor
    strip = versions.all_strips(editor).get(strip_name) if editor else None
    content = versions.strip_content(strip)[0] if strip is not None else 0
    return Origin(scene.name, scene.session_uid, strip_name, content, bpy.data.filepath)


def scene_of(origin: Origin | None) -> Any | None:
    """The scene a run came from, if it is still (or again) open."""
    if origin is None:
        return None
    for scene in bpy.data.scenes:
        if scene.session_uid == origin.scene_uid:
            return scene
    # the file was loaded again: other numbers, same names
    if origin.blend and bpy.data.filepath == origin.blend:
        return bpy.data.scenes.get(origin.scene)
    return None


def remember(scene: Any, folder: Path, origin: Origin, seconds: float = 0.0) -> Any:
    """Put a result at the end of the scene's list and make it the active one. UserError when it cannot be read.

    seconds: how long the run took, for the next one's estimate.
    """
    result = read_result(folder)
    settings = scene.toondecompose
    stored = folders.relative(folder)
    index = next((i for i, old in enumerate(settings.results) if old.folder == stored), None)
    if index is None:
        entry = settings.results.add()
        index = len(settings.results) - 1
    else:
        entry = settings.results[index]
    _fill(entry, result, stored, origin)
    entry.seconds = seconds
    settings.active_result = index
    return entry


def _fill(entry: Any, result: Result, stored: str, origin: Origin) -> None:
    clip = result.clip
    entry.name, entry.folder, entry.strip = clip.name, stored, origin.strip
    entry.content_start = origin.content_start
    entry.frame_start, entry.frame_count, entry.fps = clip.frame_start, clip.frame_count, clip.fps
    entry.width, entry.height = clip.size
    psnr = result.metrics.get("recomposition_psnr_mean")
    entry.psnr = psnr if isinstance(psnr, (int, float)) else 0.0
    entry.sprites.clear()
    # the nearest on top, as in every list of layers
    for sprite in reversed(result.sprites):
        item = entry.sprites.add()
        item.name, item.kind = sprite.name, sprite.kind
        item.drawings, item.confidence = len(sprite.drawings), sprite.confidence
        item.picture = sprite.drawings[most_exposed(sprite.exposure)]
    entry.active_sprite = 0


def most_exposed(exposure: Sequence[int | None]) -> int:
    """The drawing that is shown on most frames: the one that a sprite is known by."""
    counts = Counter(drawing for drawing in exposure if drawing is not None)
    return min(counts, key=lambda drawing: (-counts[drawing], drawing), default=0)


def expected_seconds(scene: Any, frames: int, size: tuple[int, int]) -> float | None:
    """How long a run will take, judged by the scene's last one: time goes with the number of pixels. None: no idea."""
    for entry in reversed(scene.toondecompose.results):
        work = entry.frame_count * entry.width * entry.height
        if entry.seconds > 0 and work > 0:
            return entry.seconds * frames * size[0] * size[1] / work
    return None


def active(scene: Any) -> Any | None:
    """The result chosen in the panel, or None."""
    settings = scene.toondecompose
    if 0 <= settings.active_result < len(settings.results):
        return settings.results[settings.active_result]
    return None


def folder_of(entry: Any) -> Path:
    """A result's folder, absolute."""
    return Path(bpy.path.abspath(entry.folder))


def same_folder(stored: str, folder: Path) -> bool:
    """Whether a path that the file remembers is that folder."""
    return bool(stored) and Path(bpy.path.abspath(stored)) == folder


def move(old: Path, new: Path) -> None:
    """A result was found in another folder: the lists and the strips of all scenes follow. Strips keep their trims."""
    for scene in bpy.data.scenes:
        for entry in scene.toondecompose.results:
            if same_folder(entry.folder, old):
                strips = sequencer.sprite_strips(scene, entry.folder)
                entry.folder = folders.relative(new)
                sequencer.move_strips(strips, entry.folder, new)


def is_there(entry: Any) -> bool:
    """Whether the result is still on disk."""
    return (folder_of(entry) / RESULT_FILE).is_file()


def note_end(run: Run) -> None:
    """A run ended: enter its result into its scene's list, as an undo step of its own."""
    running.board.notice = run.state.message if run.state.phase is Phase.FAILED else ""
    if run.state.phase is not Phase.DONE:
        return
    scene = scene_of(run.origin)
    if scene is None:
        where = f" of {Path(run.origin.blend).name}" if run.origin and run.origin.blend else ""
        running.board.notice = (f"The result of “{run.title}”{where} is in “{run.output}”; bring it in with File > "
                                "Import.")
        return
    try:
        remember(scene, run.output, run.origin, run.elapsed)
    except UserError as error:
        running.board.notice = error.sentence
        return
    running.undo_step("Decompose Strip")
    if scene.toondecompose.import_when_done:
        with running.in_a_window():
            _import(run.output)


def _import(folder: Path) -> None:
    try:
        bpy.ops.toondecompose.import_result(filepath=str(folder / RESULT_FILE))
    except RuntimeError as error:  # what the operator reported; it has left its sentence in the panel
        if not running.board.notice:
            running.board.notice = str(error)
