"""Renders what a strip shows into PNG files, through a throw-away copy of its scene.

The copy carries everything that shapes the strip (retiming, modifiers, flips, colour), so nothing has to be rebuilt by
hand. `Standard` view and no dither keep the pixels: a PNG strip comes out bit-exact; AgX would be off by 19 of 255.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError, sentence_for_os_error

from . import versions
from .strips import StripClip, check_frames, movie_file, read_strip, source_frames

# Blender refuses to render smaller pictures
_SMALLEST = 4


def frames_of_strip(scene: Any, strip: Any, folder: Path) -> StripClip:
    """The clip with a file per frame: the strip's own, or rendered into the folder. UserError says what is wrong."""
    clip = checked_strip(scene, strip)
    return render_strip(scene, strip, clip, folder) if clip.rendered else clip


def checked_strip(scene: Any, strip: Any) -> StripClip:
    """What a strip shows, after a look at all its files. Those of a strip that must be rendered are not in `frames`."""
    clip = read_strip(scene, strip)
    if not clip.rendered:
        return check_frames(clip)
    if clip.kind == "IMAGE":
        return replace(check_frames(replace(clip, frames=source_frames(strip))), frames=())
    if not movie_file(strip).is_file():
        raise UserError(f"The movie of “{clip.name}” is missing: there is no “{movie_file(strip)}”; put it back, or "
                        "choose another file for the strip.")
    return clip


def render_strip(scene: Any, strip: Any, clip: StripClip, folder: Path) -> StripClip:
    """The clip with frames rendered to folder/000001.png, ... The scene is as before, whatever happens."""
    if versions.top_strips(scene.sequence_editor).get(strip.name) is None:
        raise UserError(f"“{clip.name}” is inside a meta strip; take it out (Ungroup Strips) to decompose it.")
    size = clip.size or _size_of_media(strip)
    if min(size) < _SMALLEST:
        raise UserError(f"“{clip.name}” is {size[0]} x {size[1]} px, too small to be rendered.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "written", folder)) from error
    with _scene_copy(scene) as copy:
        _isolate(copy, strip.name, strip.channel, 1 - clip.frame_start)
        _settings(copy, size, clip.frame_count, folder)
        bpy.ops.render.render(animation=True, scene=copy.name)
        frames = tuple(Path(copy.render.frame_path(frame=t + 1)) for t in range(clip.frame_count))
    for t, path in enumerate(frames):
        if not path.is_file():
            raise UserError(f"Frame {clip.frame_start + t} of “{clip.name}” could not be rendered to “{path}”; "
                            "check the disk and the strip.")
    return replace(clip, frames=frames, size=size)


@contextmanager
def _scene_copy(scene: Any) -> Iterator[Any]:
    images = set(bpy.data.images)
    copy = scene.copy()
    try:
        yield copy
    finally:
        bpy.data.scenes.remove(copy)
        for image in set(bpy.data.images) - images:  # the first render of a session makes a “Render Result”
            bpy.data.images.remove(image)


def _isolate(copy: Any, name: str, channel: int, shift: int) -> None:
    """Leave one strip, at its own size and place, starting at frame 1 (Blender renders no negative frames)."""
    copy.animation_data_clear()
    editor = copy.sequence_editor
    for other in versions.top_strips(editor):
        other.mute = other.name != name
    editor.channels[channel].mute = False
    strip = versions.top_strips(editor)[name]
    if shift:
        versions.move_strip(strip, shift)
    transform, crop = strip.transform, strip.crop
    transform.offset_x = transform.offset_y = transform.rotation = 0
    transform.scale_x = transform.scale_y = 1
    transform.filter = "NEAREST"
    crop.min_x = crop.max_x = crop.min_y = crop.max_y = 0
    strip.blend_type, strip.blend_alpha = "REPLACE", 1.0


def _settings(copy: Any, size: tuple[int, int], count: int, folder: Path) -> None:
    copy.frame_start, copy.frame_end, copy.frame_step = 1, count, 1
    render = copy.render
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1
    render.use_sequencer, render.use_compositing = True, False
    render.use_border = render.use_multiview = render.use_stamp = render.use_placeholder = False
    render.use_overwrite = render.use_file_extension = True
    render.use_lock_interface = False
    render.dither_intensity = 0
    render.filepath = versions.literal_path(str(folder / "######"))
    versions.set_png_output(copy)
    copy.display_settings.display_device = "sRGB"
    view = copy.view_settings
    view.view_transform, view.look = "Standard", "None"
    view.exposure, view.gamma, view.use_curve_mapping = 0.0, 1.0, False


def _size_of_media(strip: Any) -> tuple[int, int]:
    for element in strip.elements:
        if element.orig_width and element.orig_height:
            return element.orig_width, element.orig_height
    raise UserError(f"“{strip.name}” cannot be read; play it in the Sequencer once, or choose another file.")
