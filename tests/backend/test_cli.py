"""The command line as a person uses it: by subprocess where signals and streams matter, else by calling main."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from backend.result_maker import picture, small_result

from toondecompose.cli.bar import bar, duration
from toondecompose.cli.inspect_result import exposure_text
from toondecompose.cli.main import main
from toondecompose.formats import messages
from toondecompose.formats.job import read_job
from toondecompose.formats.result import read_result
from toondecompose.io.png import write_png

BACKEND = Path(__file__).parents[2] / "backend"


@pytest.fixture
def frames(tmp_path):
    for t in range(3):
        write_png(tmp_path / "shot ä" / f"f{t + 1}.png", picture(32, 24, 3, seed=t))
    return tmp_path / "shot ä"


@pytest.fixture(autouse=True)
def signals_restored():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def call(capsys, *arguments):
    """main -> (exit code, stdout, stderr)."""
    code = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def start(*arguments, **options):
    env = {**os.environ, "PYTHONPATH": str(BACKEND), "PYTHONUTF8": "1"}
    return subprocess.Popen([sys.executable, "-m", "toondecompose", *map(str, arguments)], env=env,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_decompose_writes_a_result_and_the_job_that_made_it(capsys, frames, tmp_path):
    out = tmp_path / "out"
    code, said, log = call(capsys, "decompose", frames, "--engine", "dummy", "--sprites", "2", "--fps", "12",
                           "--seed", "5", "--motion-model", "affine", "--quality", "best", "--name", "scene",
                           "--out", out)
    assert code == 0 and str(out) in said and "Finding layers (3 of 6" in log
    assert read_result(out).clip.fps == 12
    job = read_job(out / "job.json")
    assert (job.sprites, job.seed, job.motion_model, job.quality, job.name) == (2, 5, "affine", "best", "scene")
    assert [Path(p).name for p in job.frames] == ["f1.png", "f2.png", "f3.png"]
    # the same job again, elsewhere
    code, _, _ = call(capsys, "decompose", "--job", out / "job.json", "--engine", "dummy", "--out", tmp_path / "again")
    assert code == 0
    assert (tmp_path / "again/result.json").read_bytes() == (out / "result.json").read_bytes()


def test_missing_numbers_are_noted(capsys, frames, tmp_path):
    (frames / "f2.png").unlink()
    code, _, log = call(capsys, "decompose", frames, "--engine", "dummy", "--out", tmp_path / "out")
    assert code == 0 and "lacks 1 of its numbers (2)" in log


@pytest.mark.parametrize(("arguments", "words"), [
    (["decompose", "nowhere", "--out", "out"], "does not exist"),
    (["decompose", "--job", "no.json"], "does not exist"),
    (["decompose", "{frames}", "--out", "{frames}/f1.png"], "f1.png"),
    (["decompose", "{frames}", "--out", "out", "--fps", "nan"], "fps is NaN"),
    (["decompose", "{frames}", "--out", "out", "--seed", "-4"], "seed is -4"),
    (["decompose", "{frames}", "--out", "out", "--hint", "{frames}/f1.png"], "f1.png"),
    (["inspect", "nowhere"], "does not exist"),
    (["inspect", "{frames}"], "no result.json"),
    (["place", "{frames}", "--out", "out"], "no result.json"),
    (["recompose", "{frames}", "--out", "out"], "no result.json"),
])
def test_what_fails_is_one_sentence_and_exit_code_1(capsys, frames, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    arguments = [a.format(frames=frames) for a in arguments]
    code, _, log = call(capsys, *arguments, *(["--engine", "dummy"] if arguments[0] == "decompose" else []))
    last = log.splitlines()[-1]
    assert code == 1 and last.startswith("toondecompose: ") and words in last and last.endswith(".")


@pytest.mark.parametrize("arguments", [
    [], ["dance"], ["decompose"], ["decompose", "frames"], ["decompose", "frames", "--job", "j.json", "--out", "o"],
    ["decompose", "frames", "--out", "o", "--sprites", "0"], ["decompose", "frames", "--out", "o", "--sprites", "two"],
    ["decompose", "frames", "--out", "o", "--resume", "--fresh"], ["place", "r"], ["demo-clip", "d", "--size", "big"],
])
def test_wrong_usage_is_exit_code_2(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_hints_come_from_a_file(capsys, frames, tmp_path):
    (tmp_path / "h.json").write_text('[{"kind": "box", "sprite": 1, "frame": 0, "box": [1, 2, 3, 4]}]')
    call(capsys, "decompose", frames, "--engine", "dummy", "--hint", tmp_path / "h.json", "--out", tmp_path / "out")
    assert read_job(tmp_path / "out/job.json").hints[0]["box"] == [1, 2, 3, 4]
    (tmp_path / "h.json").write_text('{"hints": [{"kind": "box", "box": [1, 2]}]}')
    code, _, log = call(capsys, "decompose", frames, "--engine", "dummy", "--hint", tmp_path / "h.json", "--out",
                        tmp_path / "out")
    assert code == 1 and "h.json: hints[0].box" in log


def test_the_unexpected_is_a_sentence_and_a_log(capsys, frames, tmp_path, monkeypatch):
    monkeypatch.setattr("toondecompose.worker.dummy.decompose", lambda *a: 1 / 0)
    code, _, log = call(capsys, "decompose", frames, "--engine", "dummy", "--out", tmp_path / "out")
    assert code == 1 and "Something unexpected failed" in log
    assert "ZeroDivisionError" in (tmp_path / "out/toondecompose.log").read_text()
    monkeypatch.setattr("toondecompose.cli.inspect_result.read_result", lambda path: 1 / 0)
    code, _, log = call(capsys, "inspect", "x")
    path = Path(log.split("“")[-1].split("”")[0])
    assert code == 1 and "ZeroDivisionError" in path.read_text()
    path.unlink()


def run_with_engine(source, frames, out):
    """`toondecompose decompose` with another engine: source of `decompose(job, folder, events, cancelled, seconds)`."""
    code = (f"import sys, time; from toondecompose.worker import dummy; real = dummy.decompose\n{source}\n"
            "dummy.decompose = decompose\nfrom toondecompose.cli.main import main; sys.exit(main())")
    env = {**os.environ, "PYTHONPATH": str(BACKEND), "PYTHONUTF8": "1"}
    return subprocess.Popen([sys.executable, "-c", code, "decompose", frames, "--engine", "dummy", "--out", out],
                            stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=env)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_stops_with_a_sentence(frames, tmp_path):
    child = run_with_engine("def decompose(*a): return real(*a[:4], 60.0)", frames, tmp_path / "out")
    assert b"Reading frames" in child.stderr.readline()
    begin = time.monotonic()
    child.send_signal(signal.SIGINT)
    said = child.stderr.read().decode()
    assert child.wait(timeout=10) == 130 and time.monotonic() - begin < 5
    assert said.strip() == "toondecompose: Stopped."
    assert not (tmp_path / "out/result.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_second_ctrl_c_does_not_wait_for_the_engine(frames, tmp_path):
    source = "def decompose(job, folder, events, *a): events.stage('x', 'Deaf', 0, 1); time.sleep(60); time.sleep(60)"
    child = run_with_engine(source, frames, tmp_path / "out")
    assert b"Deaf" in child.stderr.readline()
    begin = time.monotonic()
    child.send_signal(signal.SIGINT)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=10) == 130 and time.monotonic() - begin < 4
    assert child.stderr.read().decode().strip() == "toondecompose: Stopped."
    assert not (tmp_path / "out/.toondecompose.lock").exists()


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo terminal")
def test_a_terminal_gets_one_live_line(frames, tmp_path):
    import pty

    parent, terminal = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(BACKEND), "PYTHONUTF8": "1", "COLUMNS": "70"}
    child = subprocess.Popen([sys.executable, "-m", "toondecompose", "decompose", frames, "--engine", "dummy", "--out",
                              tmp_path / "out"], stderr=terminal, stdout=subprocess.PIPE, env=env)
    os.close(terminal)
    shown = b""
    try:
        while data := os.read(parent, 4096):
            shown += data
    except OSError:  # how Linux says that the other end is closed
        pass
    assert child.wait(timeout=20) == 0
    os.close(parent)
    text = shown.decode()
    assert "█" in text and "%" in text and "Finding" in text  # a slow machine skips a stage
    assert text.count("\n") == 0 and all(len(line) < 70 for line in text.split("\r"))


def test_messages_speaks_the_wire_protocol(frames, tmp_path):
    child = start("decompose", frames, "--messages", "--engine", "dummy", "--out", tmp_path / "out",
                  stdin=subprocess.DEVNULL)
    said, log = child.communicate(timeout=60)
    found = [messages.decode(line) for line in said.splitlines()]
    assert found[0]["type"] == "hello" and found[-1]["type"] == "done" and child.returncode == 0
    assert log == b""


def test_inspect_says_what_is_in_a_result(capsys, tmp_path):
    small_result(tmp_path)
    code, said, _ = call(capsys, "inspect", tmp_path)
    assert code == 0
    assert "4 frames of 64 x 48 px at 24 fps" in said
    assert "girl (sprite): 2 drawings of 16 x 24 px, on ones" in said and "1×1 2×1 1×1 -×1" in said
    code, said, _ = call(capsys, "inspect", tmp_path / "result.json", "--json")
    assert json.loads(said)["clip"]["frame_count"] == 4


def test_inspect_into_a_closed_pipe_is_quiet(tmp_path):
    small_result(tmp_path)
    child = start("inspect", tmp_path, "--json")
    child.stdout.close()
    assert b"Traceback" not in child.stderr.read()
    child.wait(timeout=20)


def test_place_and_recompose_write_frames(capsys, tmp_path):
    small_result(tmp_path / "r")
    code, said, _ = call(capsys, "place", tmp_path / "r", "--out", tmp_path / "placed")
    assert code == 0 and "2 layers of 4 frames" in said
    assert (tmp_path / "placed/sprites/1/0003.png").exists() and (tmp_path / "placed/transforms.json").exists()
    code, said, _ = call(capsys, "recompose", tmp_path / "r/result.json", "--out", tmp_path / "frames")
    assert code == 0 and len(list((tmp_path / "frames").iterdir())) == 4


def test_doctor_knows_this_computer(capsys):
    code, said, _ = call(capsys, "doctor", "--json")
    report = json.loads(said)
    assert code == 0 and report["problems"] == []
    assert report["devices"][0]["device"] == "cpu" and report["memory_mb"] > 100 and report["versions"]["torch"]
    code, said, _ = call(capsys, "doctor")
    assert code == 0 and "Everything that is needed is here." in said


def test_doctor_names_what_is_missing(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    code, said, _ = call(capsys, "doctor")
    assert code == 1 and "The module “cv2” does not load" in said


def test_the_demo_clip_is_drawn(capsys, tmp_path):
    code, said, _ = call(capsys, "demo-clip", tmp_path / "demo", "--size", "160x90", "--frames", "2")
    assert code == 0 and "demo" in said
    assert len(list((tmp_path / "demo" / "frames").glob("*.png"))) == 2


def test_the_command_starts_quickly_and_knows_its_version():
    code = "import sys, toondecompose.cli.main; print([m for m in ('torch', 'cv2', 'scipy') if m in sys.modules])"
    env = {**os.environ, "PYTHONPATH": str(BACKEND)}
    found = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    child = start("--version")
    assert b"toondecompose 0." in child.communicate()[0]


def test_bars_and_durations():
    assert bar(0, "utf-8").strip() == "" and bar(1, "utf-8") == "█" * 24 and len(bar(0.3, "utf-8")) == 24
    assert bar(0.5, "ascii") == "#" * 12 + "-" * 12
    assert [duration(s) for s in (0.4, 59, 61, 3725)] == ["0 s", "59 s", "1:01", "1:02:05"]
    assert exposure_text([0, 0, 1, None, None]) == "1×2 2×1 -×2"
    assert np.all([len(bar(f, "utf-8")) == 24 for f in np.linspace(0, 1, 97)])
