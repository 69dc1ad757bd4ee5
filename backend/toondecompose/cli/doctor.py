"""`toondecompose doctor`: what is installed, on what it would compute, and what would be slow and why."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import platform
import shutil
import sys
import tempfile
from typing import Any

from .. import __version__
from ..worker import hardware

# distribution, module
_NEEDED = (("torch", "torch"), ("numpy", "numpy"), ("opencv-python-headless", "cv2"), ("imageio", "imageio"),
           ("imageio-ffmpeg", "imageio_ffmpeg"))
# a 200-frame shot in 1080p needs about this much, MB; measured runs stay below half of it
_COMFORTABLE_MB = 8000
_COMFORTABLE_GPU_MB = 7500
_COMFORTABLE_DISK_MB = 2000


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = commands.add_parser("doctor", help="say what is installed, and what would be slow and why")
    parser.add_argument("--json", action="store_true", help="for programs and bug reports")
    return parser


def _modules() -> tuple[dict[str, str | None], list[str]]:
    versions: dict[str, str | None] = {}
    problems = []
    for distribution, module in _NEEDED:
        try:
            version = getattr(importlib.import_module(module), "__version__", None)
            versions[distribution] = str(version or importlib.metadata.version(distribution))
        except (ImportError, OSError) as error:  # OSError: a library that it needs does not load
            versions[distribution] = None
            reason = (str(error).splitlines() or ["no reason given"])[0]
            problems.append(f"The module “{module}” does not load ({reason}); install the backend again.")
    return versions, problems


def _ffmpeg() -> str | None:
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_version()
    except (ImportError, RuntimeError, OSError):
        return None


def _devices() -> tuple[list[dict[str, Any]], int]:
    import torch

    devices = [{"device": "cpu", "name": hardware.cpu_name(), "memory_mb": hardware.memory_mb()}]
    for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(i)
        devices.append({"device": "cuda", "name": properties.name, "memory_mb": properties.total_memory // 2**20})
    if torch.backends.mps.is_available():
        devices.append({"device": "mps", "name": "Apple GPU", "memory_mb": hardware.memory_mb()})
    return devices, torch.get_num_threads()


def _slow(report: dict[str, Any]) -> list[str]:
    """Sentences about what would be slow on this computer, and why."""
    notes = []
    gpus = [d for d in report["devices"] if d["device"] == "cuda"]
    if not gpus and shutil.which("nvidia-smi"):
        notes.append("There is an NVIDIA GPU, but this PyTorch cannot use it, so the CPU computes: install a PyTorch "
                     "with CUDA, or update the graphics driver.")
    elif not gpus:
        notes.append("There is no CUDA GPU, so the CPU computes: seconds per frame instead of fractions of a second.")
    for gpu in gpus:
        if gpu["memory_mb"] < _COMFORTABLE_GPU_MB:
            notes.append(f"The GPU has {gpu['memory_mb']} MB: shots in 1080p may not fit; choose the CPU for those.")
    if 0 < report["memory_mb"] < _COMFORTABLE_MB:
        notes.append(f"There are {report['memory_mb']} MB of memory: long shots in 1080p may need more.")
    space = report["temporary_space_mb"]
    if space < _COMFORTABLE_DISK_MB:
        notes.append(f"The folder for temporary files has {space} MB left: videos are unpacked there.")
    return notes


def examine() -> dict[str, Any]:
    """Everything the command prints, as data."""
    versions, problems = _modules()
    report: dict[str, Any] = {
        "toondecompose": __version__, "python": platform.python_version(), "python_path": sys.executable,
        "system": platform.platform(), "versions": versions, "ffmpeg": _ffmpeg(), "devices": [], "threads": 0,
        "memory_mb": hardware.memory_mb(),
        "temporary_space_mb": shutil.disk_usage(tempfile.gettempdir()).free // 2**20, "problems": problems, "slow": []}
    if report["ffmpeg"] is None:
        problems.append("There is no ffmpeg, so videos can be neither read nor written; install imageio-ffmpeg.")
    if versions["torch"] is not None:
        report["devices"], report["threads"] = _devices()
        report["slow"] = _slow(report)
    return report


def run(arguments: argparse.Namespace) -> int:
    """Run the command -> exit code: 1 when something is missing."""
    report = examine()
    if arguments.json:
        print(json.dumps(report, indent=1))
    else:
        print(f"toondecompose {report['toondecompose']}, Python {report['python']}, {report['system']}")
        for name, version in {**report["versions"], "ffmpeg": report["ffmpeg"]}.items():
            print(f"  {name:24}{version or 'missing'}")
        for device in report["devices"]:
            print(f"  {device['device']:24}{device['name']}, {device['memory_mb']} MB")
        print(f"  {'threads':24}{report['threads']}")
        for note in report["slow"]:
            print(f"Slow: {note}")
        for problem in report["problems"]:
            print(f"Problem: {problem}")
        if not report["problems"]:
            print("Everything that is needed is here.")
    return 1 if report["problems"] else 0
