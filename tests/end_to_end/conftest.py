"""The real zip, a tiny demo clip, and Blender in a process of its own with a throw-away user folder.

These tests run in the backend's environment, without bpy; each Blender runs in its own, without torch and OpenCV.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

BLENDERS = ("4.2", "4.5", "5.0")
# longest that Blender may take for one script, s; the slowest took a tenth
PATIENCE = 400


@pytest.fixture(scope="session")
def zip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension, built as for a release."""
    import build_addon

    return build_addon.build(tmp_path_factory.mktemp("dist"), build_addon.find_packer(None), index=True)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny demo clip with its truth -> its folder."""
    from toondecompose.demo.clip import draw_demo_clip

    return draw_demo_clip(tmp_path_factory.mktemp("clip"), (240, 136), 12).parent


@pytest.fixture(scope="session")
def dummy_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The backend's Python, with the dummy engine, which takes a moment and needs no torch."""
    path = tmp_path_factory.mktemp("dummy") / "python"
    path.write_text(f"""#!/bin/sh
case "$*" in
    *toondecompose.worker*) exec "{sys.executable}" "$@" --engine dummy --seconds 0.3 ;;
    *) exec "{sys.executable}" "$@" ;;
esac
""")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def blender_python(version: str) -> Path:
    """The Python of one Blender's environment."""
    path = ROOT / f".venv-bpy-{version}/bin/python"
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing; run `make .venv-bpy-{version}`.")
    return path


@pytest.fixture
def in_blender(tmp_path: Path) -> Callable[..., dict]:
    """Run a script of this folder in Blender: in_blender(version, script, orders) -> what it reports."""

    def run(version: str, script: str, orders: dict) -> dict:
        user, told, report = tmp_path / "user", tmp_path / "orders.json", tmp_path / "report.json"
        user.mkdir(exist_ok=True)
        told.write_text(json.dumps({**orders, "report": str(report)}), encoding="utf-8")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TOONDECOMPOSE"))}
        done = subprocess.run(
            [str(blender_python(version)), "-I", str(HERE / script), str(told)], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**environment, "BLENDER_USER_RESOURCES": str(user)}, check=False,
            timeout=PATIENCE)
        assert done.returncode == 0, f"Blender {version}, exit code {done.returncode}:\n{done.stdout[-4000:]}"
        return json.loads(report.read_text(encoding="utf-8"))

    return run
