"""From what a person writes on the command line to picture files in the order of their numbers."""

from __future__ import annotations

import glob
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from ..formats.errors import UserError, sentence_for_os_error

PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".tga"}
VIDEOS = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ogv", ".wmv", ".flv", ".mts", ".m2ts",
          ".mxf", ".gif", ".ts"}
_DIGITS = re.compile(r"(\d+)")
# shot.%04d.png and shot.####.png, as other programs write sequences
_PATTERN = re.compile(r"%0?\d*d|#+")
# how many missing numbers a warning lists
_LISTED = 5


def is_video(path: str | Path) -> bool:
    """Whether a file's name says that it is a video."""
    return Path(path).suffix.lower() in VIDEOS


def natural_key(name: str) -> tuple:
    """Sorting key under which frame 2 comes before frame 10, whatever the Unicode form and case of the names."""
    parts = _DIGITS.split(unicodedata.normalize("NFC", name).casefold())
    return tuple((int(part), part) if i % 2 else part for i, part in enumerate(parts))


def _sequence_of(path: Path) -> tuple[str, int | None]:
    """('shot.####.png', 12) for shot.0012.png: the last group of digits of the name is the frame's number."""
    digits = list(_DIGITS.finditer(path.stem))
    if not digits:
        return path.name, None
    last = digits[-1]
    return f"{path.stem[:last.start()]}#{path.stem[last.end():]}{path.suffix.lower()}", int(last.group())


def _folder(path: Path) -> list[Path]:
    try:
        files = [p for p in path.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith(".")]
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "read", path)) from error
    if not files:
        raise UserError(f"“{path}” holds no pictures (PNG, JPEG, TIFF, WebP or BMP); choose another folder.")
    names = sorted({_sequence_of(p)[0] for p in files if _sequence_of(p)[1] is not None})
    if len(names) > 1:
        starred = " or ".join(f"“{path / name.replace('#', '*')}”" for name in names[:3])
        raise UserError(f"“{path}” holds {len(names)} sequences; choose one of them with a pattern such as {starred}.")
    return sorted(files, key=lambda p: natural_key(p.name))


def _matching(text: str) -> list[Path]:
    # a folder may be called [draft]: only the marks of numbers are turned into wildcards there
    pattern = text if any(c in text for c in "*?[") else _PATTERN.sub("[0-9]*", glob.escape(text))
    files = [Path(p) for p in glob.glob(pattern) if not os.path.isdir(p)]
    if not files:
        raise UserError(f"No file matches “{text}”; check the folder and the name.")
    return sorted(files, key=lambda p: [natural_key(part) for part in p.parts])


def expand_frames(arguments: Sequence[str | Path]) -> tuple[list[Path], list[str]]:
    """FRAMES arguments (folders, patterns, files, one video) -> (absolute paths in order, warnings).

    A folder is sorted by numbers, a pattern too; a list of files keeps its order. UserError: nothing there, several
    sequences in one folder, a video beside pictures.
    """
    found: list[Path] = []
    warnings: list[str] = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            part = _folder(path)
        elif path.exists():
            part = [path]
        elif any(c in str(argument) for c in "*?[") or _PATTERN.search(str(argument)):
            part = _matching(str(argument))
        else:
            raise UserError(f"“{argument}” does not exist; check the path.")
        if len(part) > 1:
            warnings += gaps(part)
        found += part
    if not found:
        raise UserError("No frames were given; name a folder, a pattern, picture files or a video.")
    if len(found) > 1 and any(is_video(p) for p in found):
        raise UserError("A video was given together with other frames; give one video, or pictures only.")
    return [Path(os.path.abspath(p)) for p in found], warnings


def gaps(paths: Sequence[Path]) -> list[str]:
    """Warnings for numbers that are missing within sequences of files."""
    numbers: dict[str, set[int]] = {}
    for path in paths:
        name, number = _sequence_of(path)
        if number is not None:
            numbers.setdefault(name, set()).add(number)
    warnings = []
    for name, present in numbers.items():
        if max(present) - min(present) + 1 == len(present):
            continue
        if max(present) - min(present) > 1_000_000:  # not frame numbers but dates or the like
            continue
        missing = sorted(set(range(min(present), max(present))) - present)
        listed = ", ".join(map(str, missing[:_LISTED])) + ("" if len(missing) <= _LISTED else ", …")
        warnings.append(f"The sequence “{name}” lacks {len(missing)} of its numbers ({listed}); the frames that are "
                        "there are taken one after another.")
    return warnings
