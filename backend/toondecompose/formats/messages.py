"""What the child says on its standard output: one JSON object per line, from a closed list.

The parent feeds whatever bytes it got to a MessageReader; split, merged, oversized and damaged lines are its business.
The parent says one thing on the child's standard input: the line `cancel`. The end of that stream means: stop at once.
"""

from __future__ import annotations

import json
from typing import Any

from . import checks
from .errors import UserError

PROTOCOL = 1
CANCEL_LINE = b"cancel\n"
# a parent that hears nothing for this long may tell its user so; the child speaks at least this often
HEARTBEAT_SECONDS = 5.0
# longest line that is accepted, bytes; our own are below 10 kB
MAX_LINE = 2**20
LAST_TYPES = ("done", "error", "cancelled")

Message = dict[str, Any]


def hello(version: str, device: str, device_name: str, memory_mb: int, pid: int) -> Message:
    """First message. device: 'cpu' | 'cuda' | 'mps'; memory_mb: what that device has."""
    return {"type": "hello", "protocol": PROTOCOL, "version": version, "device": device, "device_name": device_name,
            "memory_mb": memory_mb, "pid": pid}


def stage(name: str, label: str, index: int, count: int) -> Message:
    """A stage starts. label: for people; index: 0..count-1."""
    return {"type": "stage", "name": name, "label": label, "index": index, "count": count}


def progress(stage_name: str, fraction: float, eta_s: float | None) -> Message:
    """How far the whole job is, 0..1; eta_s: seconds left, None while unknown."""
    return {"type": "progress", "stage": stage_name, "fraction": fraction, "eta_s": eta_s}


def preview(path: str, label: str) -> Message:
    """A picture to look at. path: PNG, relative to the output folder."""
    return {"type": "preview", "path": path, "label": label}


def warning(text: str) -> Message:
    """A sentence that the person should read."""
    return {"type": "warning", "message": text}


def done(result: str, metrics: dict[str, Any]) -> Message:
    """Last message: the result is complete. result: path of result.json."""
    return {"type": "done", "result": result, "metrics": metrics}


def error(text: str, detail: str | None = None) -> Message:
    """Last message: it failed. text: one sentence; detail: where to read more, or None."""
    return {"type": "error", "message": text, "detail": detail}


def cancelled(kept: list[str]) -> Message:
    """Last message: stopped as asked. kept: names of finished stages that a new run will not repeat."""
    return {"type": "cancelled", "kept": kept}


def _text(high: int) -> Any:
    # not checks.text: sentences may have line breaks
    def check(value: Any, at: str) -> None:
        if not isinstance(value, str) or len(value) > high:
            raise checks.wrong(value, at, f"a text of at most {high} characters")
    return check


def _or_null(check: Any) -> Any:
    def checked(value: Any, at: str) -> None:
        if value is not None:
            check(value, at)
    return checked


def _texts(value: Any, at: str) -> None:
    for i, item in enumerate(checks.array(value, at, 0, 1000)):
        _text(1000)(item, f"{at}[{i}]")


def _range(check: Any, low: float, high: float) -> Any:
    return lambda value, at: check(value, at, low, high)


_LONG, _SHORT = _text(100_000), _text(4096)
_COUNT = _range(checks.integer, 0, 2**53)
FIELDS: dict[str, dict[str, Any]] = {
    "hello": {"protocol": _COUNT, "version": _SHORT, "device": _SHORT, "device_name": _SHORT, "memory_mb": _COUNT,
              "pid": _COUNT},
    "stage": {"name": _SHORT, "label": _SHORT, "index": _COUNT, "count": _COUNT},
    "progress": {"stage": _SHORT, "fraction": _range(checks.number, 0, 1),
                 "eta_s": _or_null(_range(checks.number, 0, 1e9))},
    "preview": {"path": _SHORT, "label": _SHORT},
    "warning": {"message": _LONG},
    "done": {"result": _LONG, "metrics": checks.obj},
    "error": {"message": _LONG, "detail": _or_null(_LONG)},
    "cancelled": {"kept": _texts},
}


def check_message(message: Any) -> Message:
    """The message, checked against the closed list. Unknown keys are kept; UserError says what is wrong."""
    at = "message"
    checks.obj(message, at)
    kind = checks.choice(checks.get(message, "type", at), "message: type", FIELDS)
    for key, check in FIELDS[kind].items():
        check(checks.get(message, key, f"{kind} message"), f"{kind} message: {key}")
    return message


def encode(message: Message) -> bytes:
    """One line, UTF-8, with its line feed. UserError for a message that is not on the list or too long."""
    try:
        line = json.dumps(check_message(message), ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"
    except (TypeError, ValueError) as problem:
        raise UserError(f"A message cannot be written as JSON: {problem}.") from problem
    if len(line) > MAX_LINE:
        raise UserError(f"A {message['type']} message is {len(line)} bytes long, more than a line may have.")
    return line


def decode(line: bytes) -> Message:
    """One line (with or without its line feed) -> a checked message. UserError for anything else."""
    if len(line) > MAX_LINE:
        raise UserError(f"A line of {len(line)} bytes is longer than a message may be.")
    return check_message(checks.parse_json(line, "message"))


class MessageReader:
    """Turns a stream of bytes, in pieces of any size, into messages. Never raises for what it is fed.

    Lines that are no messages go to `problems` (the newest 100 sentences), for the log.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._pieces: list[bytes] = []
        self._length = 0
        self._skipping = False

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete with this piece. Memory stays bounded by MAX_LINE whatever comes."""
        found: list[Message] = []
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._hold(line)
            self._finish(found)
        self._hold(rest)
        return found

    def close(self) -> list[Message]:
        """The stream ended: what a last line without line feed held."""
        found: list[Message] = []
        if self._length or self._skipping:
            self._finish(found)
        return found

    def _hold(self, piece: bytes) -> None:
        if self._skipping or not piece:
            return
        self._length += len(piece)
        if self._length > MAX_LINE:
            self._pieces, self._skipping = [], True
        else:
            self._pieces.append(piece)

    def _finish(self, found: list[Message]) -> None:
        line, too_long = b"".join(self._pieces), self._skipping
        self._pieces, self._length, self._skipping = [], 0, False
        if too_long:
            self._problem(f"A line longer than {MAX_LINE} bytes was skipped.")
        elif line.strip():
            try:
                found.append(decode(line))
            except UserError as problem:
                self._problem(f"{problem} The line was: {line[:200]!r}")

    def _problem(self, sentence: str) -> None:
        self.problems = [*self.problems[-99:], sentence]
