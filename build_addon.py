#!/usr/bin/env python3
"""Builds the Blender extension: the backend's wheel and the add-on in one zip, checked by Blender's own packer.

    python build_addon.py [--out dist] [--index] [--blender-ext PATH]

Needs Python 3.11 with `build` and `setuptools` (`make .venv` gives them), and `blender_ext.py`, which every Blender and
every bpy wheel carry. The same sources give the same bytes: SOURCE_DATE_EPOCH is honoured, and set where it is missing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
MANIFEST = "blender_manifest.toml"
# the first moment that a zip can hold; a build says nothing about when it was made
EARLIEST_ZIP_TIME = "315532800"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", "build", "dist", ".*")
PACKER = "scripts/addons_core/bl_pkg/cli/blender_ext.py"


class BuildError(Exception):
    """One sentence that says what is wrong and what to do."""


def find_packer(chosen: str | None) -> Path:
    """Blender's `blender_ext.py`: the chosen one, else the newest bpy wheel's of the environments here."""
    if chosen:
        path = Path(chosen)
        if not path.is_file():
            raise BuildError(f"Blender's packer {path} does not exist; give another with --blender-ext.")
        return path
    found = sorted(ROOT.glob(f".venv-bpy-*/lib/python3*/site-packages/bpy/*/{PACKER}"))
    if not found:
        raise BuildError("Blender's packer blender_ext.py was not found; run `make .venv-bpy-5.0` first, or give the "
                         "path to the one in your Blender with --blender-ext.")
    return found[-1]


def run(command: list[str], what: str, **options) -> str:
    """Run a child; its output is shown only when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode:
        raise BuildError(f"{what} failed (exit code {done.returncode}):\n{done.stdout.strip()}")
    return done.stdout


def versions_agree() -> str:
    """The one version of add-on and backend."""
    manifest = tomllib.loads((ROOT / MANIFEST).read_text(encoding="utf-8"))["version"]
    said = re.search(r'^__version__ = "([^"]+)"',
                     (ROOT / "backend/toondecompose/__init__.py").read_text(encoding="utf-8"), re.M)
    backend = said.group(1) if said else None
    if manifest != backend:
        raise BuildError(f"{MANIFEST} says version {manifest}, backend/toondecompose/__init__.py says {backend}; "
                         "set both alike.")
    return manifest


def build_wheel(work: Path) -> Path:
    """The backend's wheel, built from a copy so that the sources stay clean."""
    source = work / "backend"
    shutil.copytree(ROOT / "backend", source, ignore=LEFT_OUT)
    out = work / "wheel"
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)],
        "Building the wheel")
    (wheel,) = out.glob("*.whl")
    return wheel


def stage(work: Path, wheel: Path) -> Path:
    """The extension's folder as Blender wants it: manifest and package at the top, the wheel beside them."""
    folder = work / "extension"
    shutil.copytree(ROOT / "toondecompose_blender", folder, ignore=LEFT_OUT)
    (folder / "wheels").mkdir()
    shutil.copy(wheel, folder / "wheels" / wheel.name)
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE")
    manifest = (ROOT / MANIFEST).read_text(encoding="utf-8")
    if "wheels" in tomllib.loads(manifest):
        raise BuildError(f"{MANIFEST} names wheels; leave that line out, the build writes it.")
    first_table = re.search(r"^\[(?!\[)", manifest, re.M)
    at = first_table.start() if first_table else len(manifest)
    line = f'wheels = ["./wheels/{wheel.name}"]\n\n'
    (folder / MANIFEST).write_text(manifest[:at] + line + manifest[at:], encoding="utf-8")
    return folder


def repack(source: Path, target: Path) -> None:
    """The same files in sorted order, of one time and mode: nothing of the machine that packed them stays."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for name in sorted(n for n in old.namelist() if not n.endswith("/")):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = 0o100644 << 16
            new.writestr(entry, old.read(name))


def build(out: Path, packer: Path, index: bool) -> Path:
    """Build, pack and validate -> the zip's path. The wheel, for the backend's environment, lies beside it."""
    version = versions_agree()
    os.environ.setdefault("SOURCE_DATE_EPOCH", EARLIEST_ZIP_TIME)
    blender = [sys.executable, "-I", str(packer)]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="toondecompose-build-") as made:
        work = Path(made)
        wheel = build_wheel(work)
        folder = stage(work, wheel)
        run([*blender, "validate", str(folder)], "Blender's check of the add-on's folder")
        packed = work / "packed.zip"
        run([*blender, "build", "--source-dir", str(folder), "--output-filepath", str(packed)], "Blender's packing")
        done = out / f"toondecompose-{version}.zip"
        repack(packed, work / "final.zip")
        run([*blender, "validate", str(work / "final.zip")], "Blender's check of the zip")
        shutil.move(work / "final.zip", done)
        shutil.move(wheel, out / wheel.name)
    if index:
        run([*blender, "server-generate", "--repo-dir", str(out)], "Writing the repository's index.json")
    return done


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the zip (default: dist)")
    parser.add_argument("--index", action="store_true",
                        help="also write index.json: the folder becomes an extension repository")
    parser.add_argument("--blender-ext", metavar="PATH", help="blender_ext.py of the Blender that checks and packs")
    options = parser.parse_args(arguments)
    try:
        done = build(options.out, find_packer(options.blender_ext), options.index)
    except BuildError as error:
        print(f"build_addon: {error}", file=sys.stderr)
        return 1
    digest = hashlib.sha256(done.read_bytes()).hexdigest()
    print(f"{done}  {done.stat().st_size / 1024:.0f} KiB  sha256:{digest}")
    if options.index:
        print(f"{options.out / 'index.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
