"""The child process as a parent sees it: order of messages, noise, cancel, death on either side."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from backend.result_maker import picture

from toondecompose.formats import messages
from toondecompose.formats.job import Job, write_job
from toondecompose.formats.result import read_result
from toondecompose.worker.dummy import png_bytes
from toondecompose.worker.lock import LOCK_FILE

BACKEND = Path(__file__).parents[2] / "backend"
DUMMY = ("-m", "toondecompose.worker", "--engine", "dummy")
# an engine put in the dummy's place: the real one's misbehaviours in a few lines
HARNESS = """
import sys
from toondecompose.worker import dummy
exec({code!r})
dummy.decompose = decompose
from toondecompose.worker.__main__ import main
sys.exit(main())
"""


def environment(**changes):
    return {**os.environ, "PYTHONPATH": str(BACKEND), "PYTHONUTF8": "1", **changes}


@pytest.fixture
def job(tmp_path):
    frames = []
    for t in range(3):
        path = tmp_path / f"frame ä {t}.png"
        path.write_bytes(png_bytes(picture(32, 24, 3, seed=t)))
        frames.append(path.name)
    write_job(tmp_path / "job.json", Job(frames=frames, output="out", name="small"))
    return tmp_path / "job.json"


def start(job, *options, code=None, log=None):
    """The child with pipes; code: source of a `decompose` that replaces the engine."""
    program = DUMMY if code is None else ("-c", HARNESS.format(code=code), "--engine", "dummy")
    with open(log or os.devnull, "wb") as stderr:
        return subprocess.Popen([sys.executable, *program, str(job), *options], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=stderr, env=environment())


def finish(child, timeout=20):
    """All messages to the end, checked one by one -> (messages, exit code)."""
    found = []
    deadline = time.monotonic() + timeout
    for line in child.stdout:
        found.append(messages.decode(line))
        assert time.monotonic() < deadline
    code = child.wait(timeout=timeout)
    child.stdin.close()
    assert found[0]["type"] == "hello"
    assert [m["type"] in messages.LAST_TYPES for m in found] == [False] * (len(found) - 1) + [True]
    return found, code


def wait_for(child, kind):
    for line in child.stdout:
        message = messages.decode(line)
        if message["type"] == kind:
            return message
    raise AssertionError(f"the child ended without {kind}")


def test_a_run_goes_from_hello_to_done(job):
    begin = time.monotonic()
    child = start(job, "--seconds", "3")
    found, code = finish(child)
    assert code == 0
    hello = found[0]
    assert hello["protocol"] == 1 and hello["pid"] == child.pid and hello["memory_mb"] > 0
    stages = [m for m in found if m["type"] == "stage"]
    assert [m["index"] for m in stages] == list(range(stages[0]["count"]))
    fractions = [m["fraction"] for m in found if m["type"] == "progress"]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert any(m["type"] == "preview" and (job.parent / "out" / m["path"]).exists() for m in found)
    # a person's display, not a flood: at most five messages a second, and the few that frame them
    assert len(found) - len(stages) - 2 <= 5 * (time.monotonic() - begin) + 1
    result = read_result(found[-1]["result"])
    assert result.clip.frame_count == 3 and result.sprites[0].exposure == [0, 0, 0] and result.clip.name == "small"
    assert not (job.parent / "out" / LOCK_FILE).exists()


def test_noise_on_stdout_lands_in_the_log(job, tmp_path):
    code = """
import os, subprocess, ctypes
real = dummy.decompose
def decompose(job, folder, events, cancelled, seconds):
    print("python says hi")
    sys.stdout.write("no line feed")
    os.write(1, b"C library says hi\\n")
    ctypes.CDLL(None).puts(b"stdio says hi")
    ctypes.CDLL(None).fflush(None)
    subprocess.run(["echo", "child says hi"])
    return real(job, folder, events, cancelled, 0.1)
"""
    found, code = finish(start(job, code=code, log=tmp_path / "log"))
    assert code == 0 and found[-1]["type"] == "done"
    log = (tmp_path / "log").read_text()
    for who in ("python", "C library", "stdio", "child"):
        assert f"{who} says hi" in log


def test_cancel_stops_a_running_job(job):
    child = start(job, "--seconds", "60")
    wait_for(child, "progress")
    begin = time.monotonic()
    child.stdin.write(b"some noise\ncan")
    child.stdin.flush()
    child.stdin.write(b"cel\r\n")
    child.stdin.flush()
    message = wait_for(child, "cancelled")
    assert child.wait(timeout=10) == 130
    assert time.monotonic() - begin < 3
    assert message["kept"] == []
    assert not (job.parent / "out" / "result.json").exists()
    assert not (job.parent / "out" / LOCK_FILE).exists()


def test_cancel_before_the_first_stage_is_heard(job):
    child = start(job, "--seconds", "60")
    child.stdin.write(b"cancel\n")
    child.stdin.flush()
    found, code = finish(child)
    assert found[-1]["type"] == "cancelled" and code == 130


def test_an_engine_that_does_not_listen_is_left_within_ten_seconds(job):
    code = """
import time
def decompose(job, folder, events, cancelled, seconds):
    events.stage("paths", "Finding motions", 0, 1)
    time.sleep(60)
"""
    child = start(job, code=code)
    wait_for(child, "stage")
    begin = time.monotonic()
    child.stdin.write(b"cancel\n")
    child.stdin.flush()
    assert wait_for(child, "cancelled")["kept"] == []
    assert child.wait(timeout=5) == 130
    assert time.monotonic() - begin < 10
    assert not (job.parent / "out" / LOCK_FILE).exists()


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_ask_to_stop(job, number):
    child = start(job, "--seconds", "60")
    wait_for(child, "progress")
    child.send_signal(number)
    wait_for(child, "cancelled")
    assert child.wait(timeout=5) == 130


def test_a_quiet_engine_still_gives_news(job):
    code = """
import time
real = dummy.decompose
def decompose(job, folder, events, cancelled, seconds):
    events.stage("paths", "Finding motions", 0, 1)
    events.progress(0.25)
    time.sleep(6)
    return real(job, folder, events, cancelled, 0.1)
"""
    child = start(job, code=code)
    wait_for(child, "progress")
    begin = time.monotonic()
    assert wait_for(child, "progress")["fraction"] == 0.25
    assert time.monotonic() - begin <= messages.HEARTBEAT_SECONDS
    finish_rest = [messages.decode(line)["type"] for line in child.stdout]
    assert finish_rest[-1] == "done"
    child.wait(timeout=5)


def test_the_end_of_stdin_ends_the_child(job):
    child = start(job, "--seconds", "60")
    wait_for(child, "progress")
    begin = time.monotonic()
    child.stdin.close()
    child.wait(timeout=5)
    assert time.monotonic() - begin < 2
    assert not (job.parent / "out" / LOCK_FILE).exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("keep_stdin_open", [False, True])
def test_a_killed_parent_takes_the_child_along(job, keep_stdin_open, tmp_path):
    # with stdin kept open by somebody else only the kernel can tell
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    parent_code = """
import os, subprocess, sys, time
stdin = os.open(sys.argv[1], os.O_RDWR) if sys.argv[1] else subprocess.PIPE
child = subprocess.Popen(sys.argv[2:], stdin=stdin, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""
    keeper = os.open(fifo, os.O_RDWR)
    parent = subprocess.Popen([sys.executable, "-c", parent_code, str(fifo) if keep_stdin_open else "", sys.executable,
                               *DUMMY, str(job), "--seconds", "60"], stdout=subprocess.PIPE, env=environment())
    pid = int(parent.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _runs(pid):
        time.sleep(0.05)
    os.close(keeper)
    assert not _runs(pid)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_killed_child_leaves_no_result_and_no_lasting_lock(job):
    child = start(job, "--seconds", "60")
    wait_for(child, "progress")
    child.kill()
    child.wait(timeout=5)
    assert not (job.parent / "out" / "result.json").exists()
    assert (job.parent / "out" / LOCK_FILE).exists()
    found, code = finish(start(job, "--seconds", "0.1"))
    assert code == 0 and found[-1]["type"] == "done"


def test_a_folder_in_use_is_refused(job):
    first = start(job, "--seconds", "60")
    wait_for(first, "progress")
    found, code = finish(start(job, "--seconds", "0.1"))
    assert code == 1 and found[-1]["type"] == "error"
    assert str(first.pid) in found[-1]["message"] and "wait for it" in found[-1]["message"]
    first.stdin.close()
    first.wait(timeout=5)


@pytest.mark.parametrize(("line", "words"), [
    ("raise ZeroDivisionError('x')", "Something unexpected failed in “Finding motions”; the log has the details."),
    ("raise MemoryError()", "The computer ran out of memory in “Finding motions”"),
    ("raise RuntimeError('CUDA out of memory. Tried to allocate 2 GiB')", "The GPU ran out of memory"),
    ("raise RuntimeError('DefaultCPUAllocator: can\\'t allocate memory')", "The computer ran out of memory"),
    ("raise OSError(28, 'No space', '/out/a.png')", "“/out/a.png” cannot be read or written: the disk is full"),
    ("raise OSError(30, 'Read-only file system', '/out/a.png')", "read-only"),
    ("raise ModuleNotFoundError('no', name='cv2')", "no module “cv2”"),
    ("raise dummy.UserError('Frame 3 is missing.')", "Frame 3 is missing."),
])
def test_whatever_fails_becomes_one_sentence(job, tmp_path, line, words):
    code = f"""
def decompose(job, folder, events, cancelled, seconds):
    events.stage("paths", "Finding motions", 0, 1)
    {line}
"""
    found, code = finish(start(job, code=code, log=tmp_path / "log"))
    assert code == 1 and found[-1]["type"] == "error"
    assert words in found[-1]["message"] and "\n" not in found[-1]["message"]
    trace = (tmp_path / "log").read_text()
    assert ("Traceback" in trace) == ("UserError" not in line)


@pytest.mark.parametrize(("content", "words"), [
    (b"{}", "schema"), (b"not json", "not valid JSON"),
    (json.dumps({"schema": "toondecompose.job/1", "frames": ["gone.png"], "output": "out"}).encode(), "gone.png"),
])
def test_a_bad_job_is_an_error_after_hello(tmp_path, content, words):
    (tmp_path / "job.json").write_bytes(content)
    found, code = finish(start(tmp_path / "job.json"))
    assert code == 1 and words in found[-1]["message"]


def test_hello_alone_tests_an_installation():
    child = subprocess.Popen([sys.executable, *DUMMY, "--hello"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             env=environment())
    found, code = finish(child)
    assert [m["type"] for m in found] == ["hello", "done"] and code == 0


def test_nothing_is_left_when_nobody_reads(job):
    child = start(job, "--seconds", "60")
    wait_for(child, "progress")
    child.stdout.close()
    assert child.wait(timeout=5) == 130
