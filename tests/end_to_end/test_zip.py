"""The extension's zip: the same bytes every time, accepted by every Blender's own packer, nothing needless in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
from conftest import BLENDERS, ROOT, blender_python

import build_addon


def test_the_same_bytes_twice(tmp_path, monkeypatch):
    packer = build_addon.find_packer(None)
    builds = []
    for n in range(2):  # from two copies, made at two moments, in two folders
        copy = tmp_path / f"copy{n}"
        for name in ("backend", "toondecompose_blender"):
            shutil.copytree((tmp_path / "copy0" if n else ROOT) / name, copy / name, ignore=build_addon.LEFT_OUT)
        for name in (build_addon.MANIFEST, "LICENSE"):
            (copy / name).write_bytes((ROOT / name).read_bytes())
        for path in copy.rglob("*.py"):
            path.touch()
        monkeypatch.setattr(build_addon, "ROOT", copy)
        builds.append(build_addon.build(tmp_path / f"dist{n}", packer, index=False).read_bytes())
    assert builds[0] == builds[1]


@pytest.mark.parametrize("version", BLENDERS)
def test_each_blender_accepts_it(version, zip_file):
    (packer,) = blender_python(version).parent.parent.glob(f"lib/python3*/site-packages/bpy/*/{build_addon.PACKER}")
    done = subprocess.run([sys.executable, "-I", str(packer), "validate", str(zip_file)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_in_it(zip_file):
    with zipfile.ZipFile(zip_file) as packed:
        names = packed.namelist()
        manifest = tomllib.loads(packed.read("blender_manifest.toml").decode())
    assert {"__init__.py", "LICENSE", "blender_manifest.toml"} <= set(names)
    (wheel,) = [n for n in names if n.endswith(".whl")]
    assert manifest["wheels"] == [f"./{wheel}"]
    assert manifest["blender_version_min"] == "4.2.0"
    assert not [n for n in names if n.split("/")[0] in ("tests", "backend", "tools") or n.endswith(".pyc")]


def test_the_wheel_is_the_whole_backend(zip_file, tmp_path):
    with zipfile.ZipFile(zip_file) as packed:
        (wheel,) = [n for n in packed.namelist() if n.endswith(".whl")]
        packed.extract(wheel, tmp_path)
    with zipfile.ZipFile(tmp_path / wheel) as inner:
        inside = {n for n in inner.namelist() if n.startswith("toondecompose/")}
    sources = {p.relative_to(ROOT / "backend").as_posix() for p in (ROOT / "backend/toondecompose").rglob("*.py")}
    assert inside == sources


def test_the_repository_index(zip_file):
    index = json.loads((zip_file.parent / "index.json").read_text())
    (entry,) = index["data"]
    assert entry["id"] == "toondecompose" and entry["archive_url"] == f"./{zip_file.name}"


def test_versions_must_agree(tmp_path, monkeypatch):
    monkeypatch.setattr(build_addon, "ROOT", tmp_path)
    (tmp_path / "backend/toondecompose").mkdir(parents=True)
    (tmp_path / build_addon.MANIFEST).write_text('version = "1.2.3"\n')
    (tmp_path / "backend/toondecompose/__init__.py").write_text('__version__ = "1.2.4"\n')
    with pytest.raises(build_addon.BuildError, match=r"1\.2\.3.*1\.2\.4"):
        build_addon.versions_agree()


def test_a_missing_packer_is_one_sentence(tmp_path, capsys):
    assert build_addon.main(["--blender-ext", str(tmp_path / "none.py"), "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err.strip()
    assert said.startswith("build_addon: ") and "--blender-ext" in said and "\n" not in said
