"""Strict readers for values that came from a file: each says which key, which value, and what was expected.

`at` names the value for the reader of the message, e.g. "result.json: sprites[2].opacity[7]".
All of them raise UserError.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import UserError, sentence_for_os_error

MISSING = object()
# longest piece of somebody's file that is repeated in a message, characters
_SHOWN = 60
# lone surrogates cannot be written back as UTF-8
_SURROGATES = range(0xD800, 0xE000)


def shown(value: Any) -> str:
    """A value as a message shows it, shortened."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    text = text.encode("utf-8", "backslashreplace").decode()  # lone surrogates cannot be printed
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def wrong(value: Any, at: str, expected: str) -> UserError:
    """The error for one wrong value, to be raised by the caller."""
    return UserError(f"{at} is {shown(value)}, but {expected} was expected.")


def get(mapping: Mapping[str, Any], key: str, at: str, default: Any = MISSING) -> Any:
    """mapping[key], or the default; without a default a missing key is an error."""
    if key in mapping:
        return mapping[key]
    if default is MISSING:
        raise UserError(f"{at} has no “{key}”, which is required.")
    return default


def obj(value: Any, at: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise wrong(value, at, "an object with named values")
    return value


def array(value: Any, at: str, low: int = 0, high: int = 1_000_000) -> list[Any]:
    """A list with low..high items."""
    if not isinstance(value, list):
        raise wrong(value, at, "a list")
    if not low <= len(value) <= high:
        expected = f"a list of {low}" if low == high else f"a list of {low} to {high}"
        raise wrong(value, at, expected)
    return value


def integer(value: Any, at: str, low: int, high: int) -> int:
    """A whole number in low..high. 3.0 is refused, and so are true and false."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise wrong(value, at, f"a whole number from {low} to {high}")
    return value


def number(value: Any, at: str, low: float, high: float) -> float:
    """A finite number in low..high. NaN and infinities are refused."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise wrong(value, at, f"a number from {low:g} to {high:g}")
    return float(value)


def boolean(value: Any, at: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise wrong(value, at, "true or false")
    return value


def text(value: Any, at: str, low: int = 0, high: int = 4096) -> str:
    """A string of low..high characters without control characters."""
    if not isinstance(value, str) or not low <= len(value) <= high:
        raise wrong(value, at, f"a text of {low} to {high} characters")
    if any(ord(c) < 32 or ord(c) == 127 or ord(c) in _SURROGATES for c in value):
        raise wrong(value, at, "a text without control characters")
    return value


def choice(value: Any, at: str, allowed: Iterable[str]) -> str:
    """One of a closed list of strings."""
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        raise wrong(value, at, "one of " + ", ".join(names))
    return value


def size(value: Any, at: str, max_side: int, max_pixels: int) -> tuple[int, int]:
    """[width, height] px, each 1..max_side, with at most max_pixels together."""
    pair = array(value, at, 2, 2)
    width, height = (integer(v, f"{at}[{i}]", 1, max_side) for i, v in enumerate(pair))
    if width * height > max_pixels:
        raise UserError(f"{at} is {width} x {height}, but at most {max_pixels} pixels are accepted.")
    return width, height


def unknown(mapping: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """What a newer version or another program added; it is kept when the file is written again."""
    return {key: value for key, value in mapping.items() if key not in known}


def schema(mapping: Mapping[str, Any], at: str, name: str, version: int) -> None:
    """Check "schema": "<name>/<version>". Newer versions get a sentence of their own."""
    found = get(mapping, "schema", at)
    if found == f"{name}/{version}":
        return
    prefix, _, number_text = found.rpartition("/") if isinstance(found, str) else ("", "", "")
    if prefix == name and number_text.isascii() and number_text.isdigit() and int(number_text[:9]) > version:
        raise UserError(f"{at} was written by a newer ToonDecompose ({shown(found)}); update ToonDecompose to open it.")
    raise wrong(found, f"{at}: schema", f"“{name}/{version}”")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        double = next(key for key in keys if keys.count(key) > 1)
        raise UserError(f"the key {shown(double)} is there twice")
    return found


def _finite(value: Any, at: str) -> None:
    """Refuse NaN and infinities anywhere, unknown keys included: they could not be written back as JSON."""
    stack = [(value, at)]
    while stack:
        item, name = stack.pop()
        if isinstance(item, float) and not math.isfinite(item):
            raise wrong(item, name, "a finite number")
        if isinstance(item, dict):
            stack += [(v, f"{name}.{k}" if name != at else f"{at}: {k}") for k, v in item.items()]
        elif isinstance(item, list):
            stack += [(v, f"{name}[{i}]") for i, v in enumerate(item) if isinstance(v, (dict, list, float))]


def parse_json(data: bytes, at: str) -> dict[str, Any]:
    """UTF-8 bytes -> a JSON object with finite numbers and no key twice."""
    try:
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_no_doubles)
    except UnicodeDecodeError as error:
        raise UserError(f"{at} is not UTF-8 text (byte {error.start}); it may be damaged.") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{at} is not valid JSON (line {error.lineno}: {error.msg}); it may be damaged.") from error
    except UserError as error:
        raise UserError(f"{at} is not valid: {error}.") from error
    except RecursionError as error:
        raise UserError(f"{at} is nested too deeply to be one of our files.") from error
    except ValueError as error:  # whole numbers of thousands of digits
        raise UserError(f"{at} has a number that is too long to read.") from error
    obj(value, at)
    _finite(value, at)
    return value


def load_json(path: str | Path, max_bytes: int) -> dict[str, Any]:
    """Read a JSON object from a file of at most max_bytes."""
    path = Path(path)
    try:
        with open(path, "rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "read", path)) from error
    if len(data) > max_bytes:
        raise UserError(f"“{path}” is larger than {max_bytes // 2**20} MB, too large to be one of our files.")
    return parse_json(data, path.name)
