"""The child that places a result's layers: protocol, marker last, a sentence for what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from toondecompose.formats.messages import decode  # noqa: E402
from toondecompose.formats.result import Clip, Result, Sprite, write_result  # noqa: E402

BACKEND = Path(__file__).resolve().parents[2] / "backend"


def make(folder: Path, frames: int = 4) -> Path:
    path = folder / "sprites" / "a" / "0001.png"
    path.parent.mkdir(parents=True)
    cv2.imwrite(str(path), np.full((8, 16, 4), (10, 20, 30, 255), np.uint8))
    H = np.tile(np.eye(3), (frames, 1, 1))
    H[:, 0, 2] = np.arange(frames)
    sprite = Sprite("girl", 0, "sprite", (16, 8), ["sprites/a/0001.png"], [0, 0, None, 0], H, np.ones(frames))
    write_result(folder, Result(Clip("shot", (32, 16), 24.0, 1, frames), [sprite]))
    return folder


def run(folder: Path, out: Path) -> tuple[int, list[dict]]:
    """(exit code, messages). stdin stays open meanwhile: its end would mean that the parent is gone."""
    read, write = os.pipe()
    with subprocess.Popen([sys.executable, "-m", "toondecompose.worker.place", str(folder), str(out)], stdin=read,
                          stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(BACKEND)}) as child:
        said = [decode(line) for line in child.stdout]
    os.close(read)
    os.close(write)
    return child.returncode, said


def test_frames_then_the_marker(tmp_path):
    out = tmp_path / "out"
    code, said = run(make(tmp_path / "r"), out)
    assert code == 0
    assert [said[0]["type"], said[1]["type"], said[-1]["type"]] == ["hello", "stage", "done"]
    assert json.loads((out / "transforms.json").read_text())["drawing"][1] == [0, 0, None, 0]
    shifted = cv2.imread(str(out / "sprites" / "1" / "0001.png"), cv2.IMREAD_UNCHANGED)
    assert shifted.shape == (16, 32, 4)
    assert shifted[4, 0, 3] == 0 and shifted[4, 8].tolist() == [10, 20, 30, 255]


def test_no_result(tmp_path):
    code, said = run(tmp_path, tmp_path / "out")
    assert code == 1
    assert said[-1]["type"] == "error" and "no finished result" in said[-1]["message"]
    assert not (tmp_path / "out" / "transforms.json").exists()
