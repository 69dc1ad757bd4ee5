"""The child process from the parent's side: real processes, no Blender."""

from __future__ import annotations

import itertools
import json
import os
import signal
import stat
import struct
import sys
import time
import zlib
from pathlib import Path

import pytest

import toondecompose
from toondecompose.formats.errors import UserError
from toondecompose.formats.job import Job, write_job
from toondecompose.formats.result import read_result
from toondecompose_blender.session import backend, logs, pipes
from toondecompose_blender.session.client import Client, Limits
from toondecompose_blender.session.doctor import Doctor, finding
from toondecompose_blender.session.environment import child_environment
from toondecompose_blender.session.queue import Queue
from toondecompose_blender.session.run import Run
from toondecompose_blender.session.state import Phase, RunState

BACKEND = Path(__file__).resolve().parents[2] / "backend"
STAGES = ["read", "paths", "segment", "sheet", "matte", "write"]
HELLO = json.dumps({"type": "hello", "protocol": 1, "version": toondecompose.__version__, "device": "cpu",
                    "device_name": "x", "memory_mb": 1, "pid": 1})
FAST = Limits(hello=2.0, news=0.5, cancel=0.6, terminate=0.5, leave=0.6)

pytestmark = pytest.mark.filterwarnings("error::ResourceWarning")


def wait(step, until, seconds=30.0):
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "took too long"
        step()
        time.sleep(0.01)


def gone(pid):
    """Whether a process is gone, or dead and only waiting to be reaped by somebody else."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def python(tmp_path):
    """A Python that finds the backend although nothing of PYTHONPATH reaches it."""
    path = tmp_path / "py thon"
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{BACKEND}" exec "{sys.executable}" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def job(tmp_path):
    folder = tmp_path / "job"
    folder.mkdir()
    frames = []
    for i in range(3):
        path = folder / f"{i}.png"
        rows = (b"\0" + bytes([40 * i]) * 48) * 12

        def chunk(name, data):
            return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 12, 8, 2, 0, 0, 0))
                         + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
        frames.append(path.name)
    path = folder / "job.json"
    write_job(path, Job(frames=frames, output="out"))
    return path


def dummy(python, job, seconds=0.6):
    return [*backend.worker_command(python, job), "--engine", "dummy", "--seconds", str(seconds)]


def child(code, tmp_path, limits=FAST):
    """A client whose child is a piece of Python."""
    return Client([sys.executable, "-u", "-c", code], tmp_path, RunState(), os.environ, limits)


def test_a_run_to_its_end(python, job, tmp_path):
    run = Run(1, "shot", dummy(python, job), job.parent, job.parent / "out", limits=FAST)
    queue = Queue()
    queue.waiting.append(run)
    seen = []
    wait(lambda: (queue.step(), seen.append((run.state.stage, run.state.fraction))), lambda: run.finished)
    state = run.state
    assert state.phase is Phase.DONE, state.message
    assert [name for i, (name, _) in enumerate(seen) if name and (i == 0 or seen[i - 1][0] != name)] == STAGES
    assert all(b >= a for (_, a), (_, b) in itertools.pairwise(seen))
    assert state.fraction == 1 and state.device == "cpu" and state.preview_serial > 0
    assert run.result_file() == job.parent / "out" / "result.json"
    assert run.preview_file() == job.parent / "out" / "preview.png"
    assert read_result(run.output).clip.frame_count == 3
    assert gone(run.client.pid)


@pytest.mark.parametrize("stage", STAGES)
def test_killed_in_each_stage(python, job, stage):
    """kill -9: a sentence with the stage, no result, and the next run works in the same folder."""
    run = Run(1, "shot", dummy(python, job, 1.5), job.parent, job.parent / "out", limits=FAST)
    run.start()
    wait(run.step, lambda: run.state.stage == stage)
    os.kill(run.client.pid, signal.SIGKILL)
    wait(run.step, lambda: run.finished)
    assert run.state.phase is Phase.FAILED
    assert run.state.message == (
        f"The backend was stopped (signal 9) in the stage “{run.state.stage_label}”, often because memory ran out; "
        "finished stages are kept, press Decompose to go on from there.")
    assert run.result_file() is None and not (run.output / "result.json").exists()
    if stage == STAGES[0]:
        again = Run(2, "shot", dummy(python, job, 0.1), job.parent, job.parent / "out", limits=FAST)
        again.start()
        wait(again.step, lambda: again.finished)
        assert again.state.phase is Phase.DONE, again.state.message


def test_cancel_is_quick(python, job):
    run = Run(1, "shot", dummy(python, job, 30.0), job.parent, job.parent / "out")
    run.start()
    wait(run.step, lambda: run.state.stage == "read" and run.state.fraction > 0)
    run.cancel()
    assert run.state.phase is Phase.CANCELLING
    began = time.monotonic()
    wait(run.step, lambda: run.finished)
    assert time.monotonic() - began < 2.0
    assert run.state.phase is Phase.CANCELLED and run.state.message == "Cancelled; nothing was changed."
    assert not (run.output / "result.json").exists()


def test_a_child_that_ignores_cancel(tmp_path):
    """Asked, terminated, killed; its own child goes with it."""
    code = f"""
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)
deaf = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)'
inner = subprocess.Popen([sys.executable, '-c', deaf])
print({HELLO!r})
print('{{"type":"stage","name":"a","label":"A","index":0,"count":2}}')
print('{{"type":"warning","message":"%d"}}' % inner.pid)
time.sleep(60)
"""
    client = child(code, tmp_path)
    wait(client.poll, lambda: client.state.warnings)
    inner = int(client.state.warnings[0])
    client.cancel()
    began = time.monotonic()
    wait(client.poll, lambda: client.finished)
    assert FAST.cancel + FAST.terminate <= time.monotonic() - began < FAST.cancel + FAST.terminate + 2
    assert client.state.phase is Phase.CANCELLED
    wait(lambda: None, lambda: gone(client.pid) and gone(inner), 5)
    assert "killing it" in client.log_path.read_text()


def test_a_child_that_never_says_hello(tmp_path):
    client = child("import time; time.sleep(60)", tmp_path, Limits(hello=0.3))
    wait(client.poll, lambda: client.finished)
    assert client.state.phase is Phase.FAILED
    assert client.state.message.startswith("The backend never said hello in 0 s; see “")
    assert gone(client.pid)


def test_a_child_that_stops_before_its_hello(tmp_path):
    client = child("import sys; sys.exit('the disk is on fire')", tmp_path)
    wait(client.poll, lambda: client.finished)
    assert "before it said hello (exit code 1): the disk is on fire; the log is" in client.state.message


def test_a_python_without_the_backend(job, tmp_path):
    run = Run(1, "shot", backend.worker_command(Path(sys.executable), job), job.parent, job.parent / "out")
    installed = child("import toondecompose", tmp_path)
    wait(installed.poll, lambda: installed.finished)
    if "No module" not in installed.log_path.read_text():
        pytest.skip("the backend is installed in this Python")
    run.start()
    wait(run.step, lambda: run.finished)
    assert run.state.message == (
        f"“{sys.executable}” has no ToonDecompose backend; install it there, or choose another Python in "
        "ToonDecompose's preferences.")


def test_no_such_python(job, tmp_path):
    run = Run(1, "shot", [str(tmp_path / "nothing"), "x"], job.parent, job.parent / "out")
    run.start()
    assert run.finished and "does not exist" in run.state.message
    text = tmp_path / "text"
    text.write_text("no program")
    run = Run(1, "shot", [str(text)], job.parent, job.parent / "out")
    run.start()
    assert run.finished and "cannot be started" in run.state.message


@pytest.mark.parametrize(("key", "value"), [("version", "9.9.9"), ("protocol", 7)])
def test_another_version(tmp_path, key, value):
    hello = json.dumps({**json.loads(HELLO), key: value})
    client = child(f"print({hello!r}); import time; time.sleep(60)", tmp_path)
    wait(client.poll, lambda: client.finished)
    assert client.state.phase is Phase.FAILED
    assert f"{value}" in client.state.message and client.state.message.endswith("install the same version of both.")


def test_noise_on_the_wire(tmp_path):
    """Garbage, invalid UTF-8, a huge line, split and merged messages: all that are messages arrive."""
    code = f"""
import sys, time
w = sys.stdout.buffer
w.write({(HELLO + chr(10)).encode()!r}); w.write(b'\\xff\\xfe garbage\\n'); w.write(b'x' * 3_000_000 + b'\\n')
line = b'{{"type":"progress","stage":"a","fraction":0.5,"eta_s":null}}\\n'
w.write(line[:10]); w.flush(); time.sleep(0.2); w.write(line[10:] + line.replace(b'0.5', b'0.25')); w.flush()
w.write(b'{{"type":"unheard of"}}\\n{{"type":"error","message":"Enough.","detail":null}}'); w.flush()
"""
    client = child(code, tmp_path)
    wait(client.poll, lambda: client.finished)
    assert client.state.message == "Enough." and client.state.fraction == 0.5
    assert client.log_path.read_text().count("not a message") == 3


def test_nothing_waits_for_a_silent_child(tmp_path):
    client = child(f"print({HELLO!r}); import time; time.sleep(60)", tmp_path)
    wait(client.poll, lambda: client.state.phase is Phase.RUNNING)
    began = time.monotonic()
    for _ in range(100):
        client.poll()
    assert time.monotonic() - began < 0.2
    wait(client.poll, lambda: client.silence > 0)
    client.close()
    assert client.finished and gone(client.pid)


def test_a_grandchild_that_keeps_the_pipe(tmp_path):
    """The end is seen although somebody still holds the writing end; the group is ended with it."""
    code = f"""
import subprocess, sys, os
inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
print({HELLO!r}); print('{{"type":"warning","message":"%d"}}' % inner.pid); sys.stdout.flush(); os._exit(3)
"""
    client = child(code, tmp_path)
    wait(client.poll, lambda: client.finished)
    assert "exit code 3" in client.state.message
    wait(lambda: None, lambda: gone(int(client.state.warnings[0])), 5)


def test_a_child_that_stays_after_its_last_message(tmp_path):
    client = child(f"print({HELLO!r}); print('{{\"type\":\"done\",\"result\":\"\",\"metrics\":{{}}}}'); "
                   "import time; time.sleep(60)", tmp_path)
    wait(client.poll, lambda: client.finished)
    assert client.state.phase is Phase.DONE and gone(client.pid)


def test_the_parents_end_ends_the_child(python, job, tmp_path):
    """A Blender that is killed leaves no child behind."""
    code = f"""
import sys, time
sys.path[:0] = [{str(BACKEND)!r}, {str(BACKEND.parent)!r}]
from pathlib import Path
from toondecompose_blender.session.run import Run
run = Run(1, 'shot', {dummy(python, job, 60)!r}, Path({str(job.parent)!r}), Path({str(job.parent / 'out')!r}))
run.start()
while run.state.stage != 'read':
    run.step(); time.sleep(0.01)
print(run.client.pid, flush=True)
time.sleep(60)
"""
    import subprocess

    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.kill()
    wait(lambda: None, lambda: gone(pid), 5)


def test_queue_keeps_its_order(python, job):
    queue = Queue()
    folder = job.parent
    runs = [queue.add(lambda ident, k=k: Run(ident, f"{k}", dummy(python, job, 0.1), folder, folder / f"out{k}"))
            for k in range(4)]
    assert [run.ident for run in runs] == [1, 2, 3, 4]
    assert queue.move(4, -10) and queue.remove(2) and not queue.move(99, 1)
    assert runs[1].state.phase is Phase.CANCELLED
    ended = []
    wait(lambda: ended.extend(queue.step()[1]), lambda: not queue.busy)
    assert [run.title for run in ended] == ["3", "0", "2"]
    assert all(run.started_at >= before.ended_at for before, run in itertools.pairwise(ended))


def test_a_failure_does_not_stop_the_queue(python, job, tmp_path):
    queue = Queue()
    queue.add(lambda ident: Run(ident, "bad", [str(tmp_path / "nothing")], job.parent, job.parent / "a"))
    queue.add(lambda ident: Run(ident, "good", dummy(python, job, 0.1), job.parent, job.parent / "out"))
    wait(queue.step, lambda: not queue.busy)
    assert [run.state.phase for run in queue.finished] == [Phase.FAILED, Phase.DONE]
    queue.close()
    assert queue.finished == []


def test_environment():
    kept = child_environment({
        "PATH": "/bin", "HOME": "/h", "PYTHONPATH": "/x", "PYTHONHOME": "/x", "PYTHONSTARTUP": "x", "LD_PRELOAD": "x",
        "VIRTUAL_ENV": "/v", "LC_ALL": "C", "CUDA_VISIBLE_DEVICES": "0", "SECRET_TOKEN": "x"})
    assert kept == {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "CUDA_VISIBLE_DEVICES": "0", "PYTHONNOUSERSITE": "1",
                    "PYTHONUTF8": "1"}


def test_finding_the_python(tmp_path):
    with pytest.raises(UserError, match="No backend was found"):
        backend.find_python("", {"PATH": str(tmp_path)})
    with pytest.raises(UserError, match="does not exist"):
        backend.find_python(str(tmp_path / "no"), {})
    venv = tmp_path / "venv" / "bin"
    venv.mkdir(parents=True)
    for name in ("python3", "toondecompose"):
        (venv / name).write_text("#!/bin/sh\n")
        (venv / name).chmod(0o755)
    assert backend.find_python(str(venv.parent), {}) == venv / "python3"
    assert backend.find_python("", {"PATH": "", "TOONDECOMPOSE_PYTHON": str(venv / "python3")}) == venv / "python3"
    links = tmp_path / "links"
    links.mkdir()
    (links / "toondecompose").symlink_to(venv / "toondecompose")
    assert backend.find_python("", {"PATH": str(links)}) == venv / "python3"


def test_logs_rotate(tmp_path):
    for text in ("one", "two", "three", "four"):
        path, stream = logs.open_log(tmp_path)
        with stream:
            stream.write(text.encode() + b"\n" + b"." * 1_100_000 + b"\n" + text.encode())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["backend.log", "backend.log.1", "backend.log.2"]
    assert logs.last_lines(path)[-1] == "four"
    assert logs.last_lines(tmp_path / "backend.log.2")[-1] == "two"
    assert logs.last_lines(tmp_path / "nothing") == []


def test_reading_never_waits():
    read, write = os.pipe()
    pipes.prepare(read)
    assert pipes.read_available(read) == (b"", False)
    os.write(write, b"abc")
    assert pipes.read_available(read) == (b"abc", False)
    os.close(write)
    assert pipes.read_available(read) == (b"", True)
    os.close(read)


def test_a_preview_outside_is_not_shown(tmp_path):
    outside = tmp_path / "secret.png"
    outside.write_bytes(b"x")
    run = Run(1, "shot", [], tmp_path, tmp_path / "out")
    for path in ("../secret.png", str(outside), "C:/x.png", ""):
        run.state.preview = path
        assert run.preview_file() is None


def examine(doctor):
    doctor.start()
    wait(doctor.step, lambda: doctor.finished, 60)
    return doctor.finding


def test_the_doctor(python, tmp_path):
    """Complete or not, the backend in this Python describes itself."""
    found = examine(Doctor(python, tmp_path))
    assert any(line == f"ToonDecompose {toondecompose.__version__}, the same as the add-on" for line in found.lines)
    assert found.problem == "" or "install the backend again" in found.problem
    assert "does not exist" in examine(Doctor(tmp_path / "nothing", tmp_path)).problem


def script(tmp_path, text):
    path = tmp_path / "script"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_doctor_who_says_nothing_useful(tmp_path):
    assert "not valid JSON" in examine(Doctor(script(tmp_path, "echo hi"), tmp_path)).problem
    assert "exit code 4" in examine(Doctor(script(tmp_path, "echo oops >&2; exit 4"), tmp_path)).problem
    assert "gave no report" in examine(Doctor(script(tmp_path, "sleep 60"), tmp_path, longest=0.3)).problem


def test_the_doctors_report():
    found = finding({"toondecompose": toondecompose.__version__, "python": "3.12.1", "versions": {"torch": "2.13"},
                     "devices": [{"device": "cuda", "name": "Card", "memory_mb": 8192}], "slow": ["Slow."]})
    assert found.lines == ("CUDA (Card), 8.0 GB", f"ToonDecompose {toondecompose.__version__}, the same as the add-on",
                           "Python 3.12.1, torch 2.13")
    assert found.slow == ("Slow.",) and not found.problem
    assert "install the same version" in finding({"toondecompose": "9"}).problem
    assert finding({"toondecompose": toondecompose.__version__, "problems": ["No torch."]}).problem == "No torch."
