"""Pacing, estimates and locks, with a clock of our own."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from toondecompose.formats.errors import UserError
from toondecompose.worker.events import MIN_INTERVAL, Eta, Events
from toondecompose.worker.lock import LOCK_FILE, OutputLock
from toondecompose.worker.processes import is_alive, start_time


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def recorded(clock=None):
    sent = []
    return Events(sent.append, clock or Clock()), sent


def test_progress_is_thinned_out_and_never_goes_back():
    clock = Clock()
    events, sent = recorded(clock)
    for step in range(1000):
        clock.now += 0.01
        events.progress(step / 1000 if step % 10 else 0)
    shown = [m["fraction"] for m in sent]
    assert 10 / MIN_INTERVAL * 0.8 <= len(shown) <= 10 / MIN_INTERVAL + 1
    assert shown == sorted(shown)


def test_of_many_previews_the_last_is_shown():
    clock = Clock()
    events, sent = recorded(clock)
    for i in range(5):
        events.preview(f"{i}.png", "x")
    assert sent == []
    clock.now += 1
    events.progress(0.5)
    assert [m.get("path") for m in sent] == ["4.png"]


def test_a_warning_is_said_once_and_never_floods():
    events, sent = recorded()
    for i in range(500):
        events.warning("the same")
        events.warning(f"number {i}")
    assert len(sent) == 100 and sent[0]["message"] == "the same"


def test_nothing_follows_the_last_message_and_nothing_is_lost_before_it():
    events, sent = recorded()
    events.stage("read", "Reading", 0, 2)
    events.progress(0.9)
    events.preview("a.png", "x")
    events.stage("write", "Writing", 1, 2)
    events.last({"type": "cancelled", "kept": events.finished_stages()})
    events.stage("late", "Late", 1, 2)
    events.progress(1.0)
    events.last({"type": "done", "result": "x", "metrics": {}})
    assert [m["type"] for m in sent] == ["stage", "stage", "preview", "progress", "cancelled"]
    assert sent[-1]["kept"] == ["read"]


def test_a_steady_job_is_estimated_well():
    eta = Eta(0.0)
    assert eta.seconds(0.5) is None
    for second in range(1, 50):
        eta.update(float(second), second / 100)
    assert eta.seconds(49.0) == pytest.approx(51, rel=0.02)
    assert eta.seconds(59.0) == pytest.approx(41, rel=0.02)  # without news it runs down like a clock
    assert eta.seconds(1000.0) == 0


def test_a_job_that_slows_down_is_estimated_from_its_recent_pace_too():
    eta = Eta(0.0)
    for second in range(1, 11):
        eta.update(float(second), 0.05 * second)  # half of it in 10 s ...
    for second in range(11, 41):
        eta.update(float(second), 0.5 + 0.005 * (second - 10))  # ... then ten times slower
    assert 20 < eta.seconds(40.0) < 75


def test_a_job_that_stands_still_gives_no_nonsense():
    eta = Eta(0.0)
    for second in range(1, 100):
        eta.update(float(second), 0.5)
    assert eta.seconds(99.0) is None or eta.seconds(99.0) >= 0


def test_events_may_come_from_any_thread():
    lines = []
    with Events(lines.append) as events:
        threads = [threading.Thread(target=lambda: [events.progress(i / 100) for i in range(100)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        events.last({"type": "cancelled", "kept": []})
    assert lines[-1]["type"] == "cancelled"


def test_a_lock_keeps_others_out_until_it_is_given_back(tmp_path):
    folder = tmp_path / "deep" / "out"
    with OutputLock(folder):
        assert (folder / LOCK_FILE).exists()
        with pytest.raises(UserError, match="being written by process"), OutputLock(folder):
            pass
        assert (folder / LOCK_FILE).exists()
    assert not (folder / LOCK_FILE).exists()


@pytest.mark.parametrize("kind", ["dead", "reused number", "garbage", "empty"])
def test_a_stale_lock_is_broken(tmp_path, kind):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    holder = {"pid": int(dead.stdout), "process_start": "x", "host": socket.gethostname(), "time": 0}
    if kind == "reused number":
        if start_time(os.getpid()) is None:
            pytest.skip("start times are unknown here")
        holder["pid"] = os.getppid()
    text = {"garbage": "\0\0", "empty": ""}.get(kind, json.dumps(holder))
    (tmp_path / LOCK_FILE).write_text(text)
    os.utime(tmp_path / LOCK_FILE, (0, 0))
    with OutputLock(tmp_path):
        assert str(os.getpid()) in (tmp_path / LOCK_FILE).read_text()
    assert list(tmp_path.iterdir()) == []


def test_another_computers_lock_is_respected(tmp_path):
    (tmp_path / LOCK_FILE).write_text(json.dumps({"pid": 1, "process_start": None, "host": "elsewhere", "time": 0}))
    with pytest.raises(UserError, match="elsewhere"), OutputLock(tmp_path):
        pass


def test_only_one_of_many_gets_the_lock(tmp_path):
    (tmp_path / LOCK_FILE).write_text("stale")
    os.utime(tmp_path / LOCK_FILE, (0, 0))
    code = """
import sys, time
from toondecompose.formats.errors import UserError
from toondecompose.worker.lock import OutputLock
try:
    with OutputLock(sys.argv[1]):
        print("mine", flush=True)
        time.sleep(3)
except UserError:
    pass
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, env=env)
                for _ in range(6)]
    assert [c.communicate()[0].strip() for c in children].count(b"mine") == 1


def test_a_file_in_the_folders_place_gives_a_sentence(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(UserError, match="out"), OutputLock(tmp_path / "out"):
        pass


def test_processes():
    assert is_alive(os.getpid()) and not is_alive(0) and not is_alive(-5)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not is_alive(child.pid)


def test_nothing_is_repeated_before_the_first_stage(monkeypatch):
    """Loading torch may take longer than the heartbeat's pause, and hello must be the first message."""
    monkeypatch.setattr("toondecompose.worker.events._REPEAT_AFTER", 0.0)
    lines = []
    with Events(lines.append) as events:
        time.sleep(2.5 * MIN_INTERVAL)
        assert lines == []
        events.stage("read", "Reading frames", 0, 1)
        time.sleep(2.5 * MIN_INTERVAL)
    assert [line["type"] for line in lines][:2] == ["stage", "progress"]
