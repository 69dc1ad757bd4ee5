"""A result's sprites as strips: placed frames, each sprite on a channel of its own above the strip they came from.

Strips carry custom properties that say what they show, so that hide, solo and a second Add find them again, also after
the file was saved and opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toondecompose.formats.errors import UserError
from toondecompose.formats.result import Result

from . import folders, versions
from .strips import KINDS, RESULT_KEY, is_sprite

# what the backend's place command leaves in the result's folder
PLACED = "placed"
COMPLETE = "transforms.json"
# custom property: the sprite's place in the result
SPRITE_KEY = "td_sprite"
_CHANNELS = 128


@dataclass(frozen=True)
class Layer:
    """One sprite's placed frames. index: its place in the result, 0 = farthest."""

    index: int
    name: str
    kind: str
    files: tuple[Path, ...]


def placed_folder(folder: Path) -> Path:
    """Where a result's placed frames are."""
    return folder / PLACED


def is_placed(folder: Path) -> bool:
    """Whether all placed frames are there, newer than the result."""
    marker, result = placed_folder(folder) / COMPLETE, folder / "result.json"
    return marker.is_file() and result.is_file() and marker.stat().st_mtime >= result.stat().st_mtime


def layers_of(folder: Path, result: Result) -> list[Layer]:
    """The placed frames of every sprite, back to front. UserError when one is missing."""
    layers = []
    for index, sprite in enumerate(result.sprites):
        own = placed_folder(folder) / "sprites" / str(index)
        files = tuple(own / f"{t:04d}.png" for t in range(result.clip.frame_count))
        for t, path in enumerate(files):
            if not path.is_file():
                raise UserError(f"The placed frame {t} of “{sprite.name}” is missing: there is no “{path}”; add it "
                                "to the Sequencer again.")
        layers.append(Layer(index, sprite.name, sprite.kind, files))
    return layers


def add_layers(scene: Any, layers: list[Layer], stored: str, title: str, start: int, source: Any | None) -> list[Any]:
    """New image strips, back to front on neighbouring free channels above the source, with the source's trims.

    stored: the result's folder as the .blend remembers it. start: scene frame of the first placed frame.
    """
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = versions.top_strips(editor)
    count = len(layers[0].files)
    left, right = (start, start + count) if source is None else _common(versions.strip_handles(source), start, count)
    channel = free_channels(strips, source.channel + 1 if source is not None else 1, len(layers), left, right)
    made = []
    for offset, layer in enumerate(layers):
        strip = strips.new_image(name=f"{title} {layer.name}", filepath=str(layer.files[0]), channel=channel + offset,
                                 frame_start=start, fit_method="ORIGINAL")
        for path in layer.files[1:]:
            strip.elements.append(path.name)
        strip.directory = folders.relative(layer.files[0].parent) + "/"
        versions.set_strip_handles(strip, left, right)
        strip.blend_type = "ALPHA_OVER"
        strip.alpha_mode = "STRAIGHT"
        strip[RESULT_KEY], strip[SPRITE_KEY] = stored, layer.index
        strip.select = False
        if source is not None:
            copy_placing(source, strip)
        made.append(strip)
    return made


def _common(handles: tuple[int, int], start: int, count: int) -> tuple[int, int]:
    left, right = max(handles[0], start), min(handles[1], start + count)
    return (left, right) if left < right else (start, start + count)


def copy_placing(source: Any, strip: Any) -> None:
    """Sprites sit where the source's picture sits."""
    for name in ("offset_x", "offset_y", "scale_x", "scale_y", "rotation", "filter"):
        setattr(strip.transform, name, getattr(source.transform, name))
    strip.transform.origin = tuple(source.transform.origin)
    for name in ("min_x", "max_x", "min_y", "max_y"):
        setattr(strip.crop, name, getattr(source.crop, name))


def free_channels(strips: Iterable[Any], lowest: int, count: int, left: int, right: int) -> int:
    """The first of `count` neighbouring channels, from `lowest` up, with nothing between the frames left and right."""
    used = {strip.channel for strip in strips if (handles := versions.strip_handles(strip))[0] < right
            and handles[1] > left}
    for channel in range(max(1, lowest), _CHANNELS + 2 - count):
        if not used & set(range(channel, channel + count)):
            return channel
    raise UserError(f"There are no {count} free channels next to each other above the strip; make room in the "
                    "Sequencer.")


def source_strip(scene: Any, entry: Any) -> Any | None:
    """The strip that a result was made from, if it is still there."""
    editor = scene.sequence_editor
    strip = versions.all_strips(editor).get(entry.strip) if editor else None
    return strip if strip is not None and strip.type in KINDS and not is_sprite(strip) else None


def start_frame(entry: Any, source: Any | None) -> int:
    """Scene frame of the result's first frame; it follows the source when that was moved since."""
    if source is None:
        return entry.frame_start
    return entry.frame_start + versions.strip_content(source)[0] - entry.content_start


def sprite_strips(scene: Any, stored: str) -> dict[int, list[Any]]:
    """The strips of a result's sprites, by the sprite's index."""
    found: dict[int, list[Any]] = {}
    for strip in versions.all_strips(scene.sequence_editor) if scene.sequence_editor else ():
        if strip.get(RESULT_KEY) == stored and SPRITE_KEY in strip:
            found.setdefault(int(strip[SPRITE_KEY]), []).append(strip)
    return found


def move_strips(strips: dict[int, list[Any]], stored: str, folder: Path) -> None:
    """Point a result's strips at the folder where it is now. stored: that folder as the .blend remembers it."""
    for index, group in strips.items():
        for strip in group:
            strip.directory = folders.relative(placed_folder(folder) / "sprites" / str(index)) + "/"
            strip[RESULT_KEY] = stored


def toggle_hidden(strips: dict[int, list[Any]], index: int) -> None:
    """Hide a sprite's strips, or show them again."""
    hidden = all(strip.mute for strip in strips.get(index, ()))
    for strip in strips.get(index, ()):
        strip.mute = not hidden


def toggle_solo(strips: dict[int, list[Any]], index: int) -> None:
    """Show only one sprite; again: show all."""
    alone = is_solo(strips, index)
    for other, group in strips.items():
        for strip in group:
            strip.mute = not alone and other != index


def is_solo(strips: dict[int, list[Any]], index: int) -> bool:
    """Whether a sprite is shown and no other is."""
    return len(strips) > 1 and all(
        all(strip.mute == (other != index) for strip in group) for other, group in strips.items())
