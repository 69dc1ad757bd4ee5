"""The wire: whatever the bytes are and however they are cut, messages come out whole and nothing is raised."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toondecompose.formats import messages
from toondecompose.formats.errors import UserError
from toondecompose.formats.messages import MessageReader

BASELINE = Path(__file__).parent / "baselines" / "messages_1.jsonl"
EXAMPLES = [
    messages.hello("0.1.0", "cpu", "a processor", 16000, 12), messages.stage("read", "Reading “frames”", 0, 6),
    messages.progress("read", 0.5, None), messages.progress("read", 1, 3.5), messages.preview("a.png", "First"),
    messages.warning("Line one\nline two"), messages.done("/r/result.json", {"psnr": 40.0}),
    messages.error("It failed.", None), messages.cancelled(["read"]),
]


def read_in_pieces(data, sizes):
    reader, found, at = MessageReader(), [], 0
    for size in sizes:
        found += reader.feed(data[at:at + size])
        at += size
    return found + reader.feed(data[at:]) + reader.close(), reader


def test_messages_of_version_1_keep_reading():
    found, reader = read_in_pieces(BASELINE.read_bytes(), [])
    assert [m["type"] for m in found] == [json.loads(line)["type"] for line in BASELINE.read_text().splitlines()]
    assert reader.problems == []


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda m: m["type"])
def test_every_message_makes_the_round_trip_on_one_line(message):
    line = messages.encode(message)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert messages.decode(line) == message


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), max_size=40))
def test_messages_survive_any_cutting(sizes):
    data = b"".join(messages.encode(m) for m in EXAMPLES)
    found, reader = read_in_pieces(data, sizes)
    assert found == EXAMPLES and reader.problems == []


LINES = [messages.encode(m) for m in EXAMPLES]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from(LINES)), max_size=12),
       st.lists(st.integers(1, 50), max_size=20))
def test_garbage_between_messages_is_skipped(pieces, sizes):
    # a line feed on both sides: garbage that runs into a message spoils that line, which is right
    data = b"".join(b"\n" + piece + b"\n" for piece in pieces)
    expected = [json.loads(p) for p in pieces if p.endswith(b"}\n")]
    found, reader = read_in_pieces(data, sizes)
    assert [m for m in found if m in EXAMPLES] == expected
    assert len(reader.problems) <= 100


@pytest.mark.parametrize("line", [
    b"null", b"[]", b"{}", b'{"type": "hallo"}', b'{"type": 1}', b"Using device: cuda", b"\xff\xfe",
    b'{"type": "stage"}',
    b'{"type": "progress", "stage": "a", "fraction": 1.5, "eta_s": null}',
    b'{"type": "progress", "stage": "a", "fraction": NaN, "eta_s": null}',
    b'{"type": "progress", "stage": "a", "fraction": 0.5, "eta_s": -1}',
    b'{"type": "done", "result": 3, "metrics": {}}', b'{"type": "cancelled", "kept": "read"}',
    b'{"type": "hello", "protocol": 1, "version": "1", "device": "cpu", "device_name": "", "memory_mb": 1, "pid": -1}',
], ids=repr)
def test_a_line_that_is_no_message_is_a_problem_not_an_exception(line):
    with pytest.raises(UserError):
        messages.decode(line)
    found, reader = read_in_pieces(line + b"\n" + messages.encode(EXAMPLES[0]), [3])
    assert found == EXAMPLES[:1] and len(reader.problems) == 1


def test_a_newer_childs_extra_keys_are_kept():
    assert messages.decode(b'{"type": "warning", "message": "x", "frame": 12}')["frame"] == 12


def test_an_endless_line_costs_no_memory_and_the_next_one_is_read():
    reader = MessageReader()
    for _ in range(400):
        assert reader.feed(b"x" * 100_000) == []
        assert sum(map(len, reader._pieces)) <= messages.MAX_LINE
    assert reader.feed(b"\n" + messages.encode(EXAMPLES[0])) == EXAMPLES[:1]
    assert len(reader.problems) == 1 and "skipped" in reader.problems[0]


def test_a_last_line_without_line_feed_is_read_at_the_end():
    reader = MessageReader()
    assert reader.feed(messages.encode(EXAMPLES[-1])[:-1]) == []
    assert reader.close() == EXAMPLES[-1:]
    assert reader.close() == []


def test_what_is_not_on_the_list_is_never_sent():
    for message in ({"type": "chat"}, {"type": "done"}, {"type": "done", "result": "x", "metrics": {"a": float("nan")}},
                    {"type": "done", "result": "x", "metrics": {"a": object()}},
                    {"type": "warning", "message": "x" * 2_000_000}):
        with pytest.raises(UserError):
            messages.encode(message)
