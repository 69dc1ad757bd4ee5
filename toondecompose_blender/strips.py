"""A strip of the Video Sequencer as plain data: which pictures it shows, from which scene frame on, at which rate.

An image strip's own files are used wherever they are what the Sequencer shows; whatever changes pixels (flips, colour,
speed) and every movie is rendered by Blender first (`strip_render.py`), so that the artist gets what the artist sees.
Placing (offset, scale, rotation, crop, opacity, blending) is left out: the whole picture, at its own size,
is taken apart.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError

from . import versions
from .pictures import READ_DIRECTLY, picture_size

KINDS = ("IMAGE", "MOVIE")
# custom property of strips that show a result's sprite: the result's folder, as the file remembers it
RESULT_KEY = "td_result"
_TYPE_NAMES = {"META": "a meta strip", "SCENE": "a scene strip", "SOUND": "a sound strip", "MASK": "a mask strip",
               "MOVIECLIP": "a movie clip strip", "TEXT": "a text strip", "COLOR": "a colour strip"}
# how many missing files are named before "and N more"
_NAMED_FILES = 3
_NEUTRAL = 1e-6


@dataclass(frozen=True)
class StripClip:
    """What a strip shows. frames: one absolute path per frame, empty until a strip with `rendered` has been rendered.

    frame_start: scene frame of the first one. size: (width, height) px, or None while unknown. rendered: why Blender
    renders the strip first (empty: its files are read as they are). honoured, ignored: short phrases for the panel.
    """

    name: str
    kind: str
    frames: tuple[Path, ...]
    frame_start: int
    frame_count: int
    fps: float
    size: tuple[int, int] | None
    rendered: tuple[str, ...] = ()
    honoured: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def editor_of(context: Any) -> Any:
    """The sequence editor in view, or None."""
    scene = versions.sequencer_scene(context)
    return scene.sequence_editor if scene else None


def why_not(context: Any) -> str | None:
    """Why there is nothing to decompose: a sentence without a period, or None when there is."""
    editor = editor_of(context)
    if editor is None or not len(versions.all_strips(editor)):
        return "Add the shot to the Sequencer first, as an image sequence or a movie"
    if not chosen(context):
        strip = editor.active_strip
        if strip is not None and is_sprite(strip):
            return f"“{strip.name}” shows a sprite already; select the shot"
        if strip is not None and strip.type not in KINDS:
            name = _TYPE_NAMES.get(strip.type, "an effect strip")
            return f"“{strip.name}” is {name}; select an image or movie strip"
        return "Select an image or movie strip"
    return None


def chosen(context: Any) -> list[Any]:
    """The image and movie strips to decompose, in the order of time: the selected ones, or else the active one."""
    editor = editor_of(context)
    if editor is None:
        return []
    shots = [strip for strip in versions.all_strips(editor) if strip.type in KINDS and not is_sprite(strip)]
    selected = [strip for strip in shots if strip.select] or [s for s in shots if s == editor.active_strip]
    return sorted(selected, key=lambda strip: (versions.strip_handles(strip)[0], strip.channel))


def is_sprite(strip: Any) -> bool:
    """Whether the add-on made a strip, from a result."""
    return RESULT_KEY in strip


def picture_index(frame: int, start: int, count: int, reverse: bool, strobe: int) -> int:
    """Index (after the animation offset) of the picture that an image strip shows on a scene frame.

    start, count: the strip's content. Beyond it the first or last picture stays. Checked against renders of numbered
    pictures on 4.2 and 5.0.
    """
    index = min(max(frame - start, 0), count - 1)
    if reverse:
        index = count - 1 - index
    return index - index % strobe if strobe > 1 else index


def read_strip(scene: Any, strip: Any) -> StripClip:
    """What a strip shows, file by file unless it must be rendered. `check_frames` looks whether they are there."""
    clip = describe_strip(scene, strip)
    return clip if clip.rendered else replace(clip, frames=source_frames(strip))


def describe_strip(scene: Any, strip: Any) -> StripClip:
    """What a strip shows, without its list of files: cheap enough for every redraw of a panel. Touches the disk for at
    most one picture's size. UserError when it shows nothing."""
    left, right = versions.strip_handles(strip)
    count = right - left
    if count < 1:
        raise UserError(f"“{strip.name}” is empty: it shows no frame; pull its handles apart.")
    if strip.type == "IMAGE" and not any(element.filename for element in strip.elements):
        raise UserError(f"“{strip.name}” is empty: it has no pictures; add them again.")
    render = scene.render
    clip = StripClip(
        name=strip.name, kind=strip.type, frames=(), frame_start=left, frame_count=count,
        fps=render.fps / render.fps_base, size=_known_size(strip), rendered=_reasons_to_render(strip),
        honoured=_honoured(strip, count), ignored=_ignored(strip))
    if strip.type == "IMAGE" and clip.size is None:
        first = _files(strip, left, left + 1)[0]
        clip = replace(clip, size=picture_size(first) if first.is_file() else None)
    return clip


def check_frames(clip: StripClip) -> StripClip:
    """The clip with its size, after a look at every file: all there, all of one size. UserError names the frame."""
    missing = [(t, path) for t, path in enumerate(clip.frames) if not path.is_file()]
    if missing:
        raise UserError(_missing_sentence(clip, missing))
    sizes: dict[Path, tuple[int, int]] = {}
    first: tuple[int, tuple[int, int]] | None = None
    for t, path in enumerate(clip.frames):
        if path not in sizes:
            sizes[path] = picture_size(path) or _size_by_blender(path)
        if first is None:
            first = (t, sizes[path])
        elif sizes[path] != first[1]:
            (w0, h0), (w, h) = first[1], sizes[path]
            raise UserError(
                f"Frame {clip.frame_start + t} of “{clip.name}” (“{path.name}”) is {w} x {h} px, but frame "
                f"{clip.frame_start + first[0]} is {w0} x {h0}; all pictures of a strip must have one size.")
    return replace(clip, size=first[1]) if first else clip


def source_frames(strip: Any) -> tuple[Path, ...]:
    """The files that an image strip shows, one per frame, absolute; retiming is not looked at."""
    return _files(strip, *versions.strip_handles(strip))


def movie_file(strip: Any) -> Path:
    """The file of a movie strip, absolute."""
    return Path(_absolute(strip.filepath, strip))


def _absolute(path: str, strip: Any) -> str:
    # library-aware: a strip of a linked scene has paths relative to its own file
    return bpy.path.abspath(path, library=strip.id_data.library)


def _files(strip: Any, left: int, right: int) -> tuple[Path, ...]:
    start, _ = versions.strip_content(strip)
    before, after = versions.content_trims(strip)
    names = [element.filename for element in strip.elements]
    count = len(names) - before - after
    if count < 1:
        raise UserError(f"“{strip.name}” is empty: it has no pictures; add them again.")
    folder = Path(_absolute(strip.directory, strip))
    return tuple(
        folder / names[before + picture_index(frame, start, count, strip.use_reverse_frames, int(strip.strobe))]
        for frame in range(left, right))


def _known_size(strip: Any) -> tuple[int, int] | None:
    element = strip.elements[0] if len(strip.elements) else None
    if element is None or element.orig_width < 1 or element.orig_height < 1:
        return None
    return element.orig_width, element.orig_height


def _reasons_to_render(strip: Any) -> tuple[str, ...]:
    """Phrases for what changes pixels or time in ways that the strip's files alone do not show."""
    reasons = []
    if strip.type == "MOVIE":
        reasons.append("movie")
        if strip.use_reverse_frames:
            reasons.append("reversed")
    flips = [axis for axis, on in (("X", strip.use_flip_x), ("Y", strip.use_flip_y)) if on]
    if flips:
        reasons.append(f"flip {' and '.join(flips)}")
    if versions.retiming_count(strip):
        reasons.append("speed")
    if abs(strip.color_multiply - 1) > _NEUTRAL or abs(strip.color_saturation - 1) > _NEUTRAL:
        reasons.append("colour")
    if any(not modifier.mute for modifier in strip.modifiers):
        reasons.append("modifiers")
    if strip.use_deinterlace:
        reasons.append("deinterlace")
    if strip.type == "IMAGE":
        if strip.colorspace_settings.name not in ("sRGB", ""):
            reasons.append(f"colour space {strip.colorspace_settings.name}")
        suffixes = {os.path.splitext(element.filename)[1].lower() for element in strip.elements} - READ_DIRECTLY
        if suffixes:
            reasons.append(f"{', '.join(sorted(suffix.lstrip('.').upper() or '?' for suffix in suffixes))} pictures")
    return tuple(reasons)


def _honoured(strip: Any, count: int) -> tuple[str, ...]:
    _, content = versions.strip_content(strip)
    notes = []
    if count < content and not versions.retiming_count(strip):
        notes.append(f"trim ({count} of {content})")
    elif count > content and not versions.retiming_count(strip):
        notes.append(f"still frames ({count - content})")
    if strip.use_reverse_frames and strip.type == "IMAGE":
        notes.append("reversed")
    if strip.strobe > 1:
        notes.append(f"strobe {int(strip.strobe)}")
    return tuple(notes)


def _ignored(strip: Any) -> tuple[str, ...]:
    notes = []
    transform, crop = strip.transform, strip.crop
    moved = any(abs(v) > _NEUTRAL for v in (transform.offset_x, transform.offset_y, transform.rotation))
    if moved or abs(transform.scale_x - 1) > _NEUTRAL or abs(transform.scale_y - 1) > _NEUTRAL:
        notes.append("transform")
    if any((crop.min_x, crop.max_x, crop.min_y, crop.max_y)):
        notes.append("crop")
    if strip.blend_alpha < 1 - _NEUTRAL:
        notes.append("opacity")
    return tuple(notes)


def _missing_sentence(clip: StripClip, missing: list[tuple[int, Path]]) -> str:
    paths = list(dict.fromkeys(path for _, path in missing))
    t, path = missing[0]
    if len(paths) == 1:
        return (f"Frame {clip.frame_start + t} of “{clip.name}” is missing: there is no “{path.name}” in "
                f"“{path.parent}”; put it back, or trim the strip.")
    names = ", ".join(f"“{p.name}”" for p in paths[:_NAMED_FILES])
    more = f" and {len(paths) - _NAMED_FILES} more" if len(paths) > _NAMED_FILES else ""
    return (f"{len(paths)} pictures of “{clip.name}” are missing from “{path.parent}”, the first on frame "
            f"{clip.frame_start + t}: {names}{more}; put them back, or trim the strip.")


def _size_by_blender(path: Path) -> tuple[int, int]:
    """For pictures whose header we do not read, such as TIFF."""
    image = bpy.data.images.load(str(path), check_existing=False)
    try:
        width, height = image.size
    finally:
        bpy.data.images.remove(image)
    if not width or not height:
        raise UserError(f"“{path}” cannot be read as a picture; render or copy that frame again.")
    return width, height
