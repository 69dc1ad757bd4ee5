"""Writing that is all or nothing, conventions, and that the formats need nothing heavy."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from toondecompose.formats import conventions, files
from toondecompose.formats.errors import UserError, sentence_for_os_error


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "a.json"
    files.write_atomic(target, b"old")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="disk is full"):
        files.write_atomic(target, b"new")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that this user cannot write")
def test_a_read_only_folder_gives_a_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="permission"):
        files.write_atomic(tmp_path / "a.json", b"x")


def test_a_missing_folder_gives_a_sentence(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        files.write_atomic(tmp_path / "no" / "a.json", b"x")


def test_written_files_are_as_readable_as_others(tmp_path):
    files.write_atomic(tmp_path / "a", b"x")
    (tmp_path / "b").write_bytes(b"x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_json_is_the_same_data_and_refuses_nan():
    value = {"ä": [1, 2.5, None, True], "H": [[[0.1, 2, 3]] * 3] * 5, "deep": [{"a": {}}, []], "empty": {}, "s": "“\n"}
    assert json.loads(files.json_bytes(value)) == value
    with pytest.raises(ValueError):
        files.json_bytes({"a": float("nan")})


def test_sentences_for_the_operating_system_say_what_to_do():
    full = sentence_for_os_error(OSError(errno.ENOSPC, "No space left", "/out/a.png"), "written")
    assert full.startswith("“/out/a.png” cannot be written: the disk is full; free some space") and full.endswith(".")
    assert "read-only" in sentence_for_os_error(OSError(errno.EROFS, "x"), "written", "/out")
    assert "the system says: odd" in sentence_for_os_error(OSError(9999, "odd"), "written", "/out")


def test_edge_and_centre_conventions_are_half_a_pixel_apart():
    # doubling a picture: edge coordinates double; the first centre moves from 0 to .5
    double = conventions.centre_from_edge(np.diag([2.0, 2.0, 1.0]))
    assert np.allclose(double, [[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])
    H = np.array([[[1.1, 0.1, 3], [0.02, 0.9, -4], [1e-4, -2e-4, 1]]] * 4)
    assert np.allclose(conventions.edge_from_centre(conventions.centre_from_edge(H)), H, atol=1e-12)
    point = np.array([[10.0, 20.0]])
    by_edge = conventions.map_points(H[0], point + 0.5) - 0.5
    assert np.allclose(by_edge, conventions.map_points(conventions.centre_from_edge(H[0]), point))


def test_formats_need_only_numpy_and_the_standard_library():
    code = ("import sys; from toondecompose.formats import job, messages, result, files, conventions, png_header; "
            "import toondecompose.worker.__main__; "
            "print([m for m in ('torch', 'cv2', 'bpy', 'imageio', 'PIL', 'scipy') if m in sys.modules])")
    backend = Path(__file__).parents[2] / "backend"
    env = {**os.environ, "PYTHONPATH": str(backend)}
    found = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
