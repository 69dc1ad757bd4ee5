"""The main job: a job file's frames in, a result folder out. Everything else in the engine is called from here."""

from __future__ import annotations

import platform
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch

from .. import __version__
from ..formats.errors import Cancelled
from ..formats.job import Job
from ..formats.result import CHECKPOINT_FOLDER, RESULT_FILE, Clip, Result, write_result
from ..io.frames import check_large_enough, open_frames
from ..io.png import read_rgba
from ..output.diagnostics import write_diagnostics
from .checkpoints import Checkpoints, chain, code_hash, files_hash
from .clip import FrameSource
from .devices import choose_device, make_deterministic
from .flow.estimate import raft_flow
from .glimpse import glimpse
from .hints import check_hints, shot_hints
from .memory import give_back, keep_for_good
from .paths.cuts import find_cuts
from .shot import ShotResult, ShotSettings, decompose_shot
from .types import Segmentation
from .writing import merge_shots, write_layers, write_pictures

# Each stage's share of the whole job's time, measured on 24- to 78-frame shots; it only paces the progress bar.
STAGES = {"read": ("Reading frames", 0.03), "paths": ("Finding motions", 0.22), "segment": ("Finding layers", 0.20),
          "sheet": ("Reading the exposure sheet", 0.12), "matte": ("Solving drawings and plates", 0.33),
          "write": ("Writing drawings", 0.10)}
TINT = np.array([255, 0, 255], np.float32)  # over sprites in previews
# Stages that no hint changes: their checkpoints stay with the result, and a refined run starts behind them.
BEFORE_HINTS = ("cuts", "paths", "shade", "segment")


class Events(Protocol):
    """Where the pipeline reports to (worker/events.py, the command line's progress bar, or a test)."""

    def stage(self, name: str, label: str, index: int, count: int) -> None: ...
    def progress(self, fraction: float) -> None: ...
    def preview(self, path: str, label: str) -> None: ...
    def warning(self, message: str) -> None: ...


class Pacer:
    """Turns the stages' own progress into the job's, and stops the job at the next report once it is cancelled."""

    def __init__(self, events: Events, cancelled: Callable[[], bool], shots: int = 1):
        self._events, self._cancelled = events, cancelled
        self.shots, self.shot = shots, 0
        self._reached = 0.0

    def check(self) -> None:
        if self._cancelled():
            raise Cancelled()

    def stage(self, name: str) -> Callable[[float], None]:
        """Announce a stage -> its progress function (0..1 within the stage)."""
        self.check()
        names = list(STAGES)
        label, share = STAGES[name]
        before = sum(STAGES[n][1] for n in names[: names.index(name)])
        if self.shots > 1 and name not in ("read", "write"):
            label = f"{label} (shot {self.shot + 1} of {self.shots})"
        self._events.stage(name, label, names.index(name), len(names))

        def report(fraction: float) -> None:
            self.check()
            inner = before + share * min(1.0, max(0.0, fraction))
            if name not in ("read", "write"):  # the shots divide the middle of the job among themselves
                low, high = STAGES["read"][1], 1 - STAGES["write"][1]
                inner = low + (high - low) * (self.shot + (inner - low) / (high - low)) / self.shots
            self._reached = max(self._reached, inner)  # a second sheet pass never moves the bar back
            self._events.progress(self._reached)

        report(0.0)
        return report


def decompose(job: Job, job_folder: Path, events: Events, cancelled: Callable[[], bool], *,
              resume: bool = True) -> Path:
    """Decompose a job's shot -> the path of its result.json.

    job_folder: relative paths in the job start there. resume: read finished stages of an earlier, interrupted run.
    Raises UserError with a sentence (bad frames, no such device), Cancelled when cancelled() turns true.
    """
    pace = Pacer(events, cancelled)
    device = choose_device(job.device)
    make_deterministic(job.seed, device)
    keep_for_good()
    output = job.output_folder(job_folder)
    reading = pace.stage("read")
    files = job.frame_paths(job_folder)
    source = open_frames(files, pace.check)
    check_large_enough(source.size)
    check_hints(job.hints, source.count)
    try:
        source.keep_decoded(output / CHECKPOINT_FOLDER)
        with torch.inference_mode():  # nothing is learnt: a tensor that keeps no books of its changes is made faster
            return _run(job, job_folder, source, files, output, device, events, pace, reading, resume)
    finally:
        source.close()


def _run(job: Job, job_folder: Path, source: FrameSource, files: list[Path], output: Path, device: str, events: Events,
         pace: Pacer, reading: Callable[[float], None], resume: bool) -> Path:
    """Every stage of an opened job -> the path of its result.json. reading: the first stage's progress."""
    input_hash = files_hash(files, pace.check)
    reading(0.5)
    checkpoints = Checkpoints(output, resume)
    checkpoints.rest, checkpoints.packed = source.rest, BEFORE_HINTS
    key = chain(input_hash, code_hash(), torch.__version__, cv2.__version__)
    cuts = checkpoints.stage("cuts", key, lambda: find_cuts(source))
    reading(1.0)
    starts = [0, *cuts, source.count]
    pace.shots = len(starts) - 1
    settings = ShotSettings(count=None if job.sprites == "auto" else int(job.sprites), motion_model=job.motion_model,
                            quality=job.quality, seed=job.seed, device=device,
                            read_mask=lambda name: read_rgba(job_folder / name)[..., 0])
    if job.flow_weights:
        weights = job_folder / job.flow_weights
        settings.flow, settings.flow_hash = raft_flow(weights, device), files_hash([weights])
    shots = []
    for i, (start, stop) in enumerate(pairwise(starts)):
        pace.shot = i
        settings.hints = [{**hint, "mask_hash": files_hash([job_folder / hint["mask"]])} if "mask" in hint else hint
                          for hint in shot_hints(job.hints, start, stop)]
        part = source if pace.shots == 1 else source.part(start, stop)
        label = "" if pace.shots == 1 else f"shot{i + 1}-"
        shots.append(decompose_shot(part, settings, checkpoints, chain(key, start, stop), label, pace.stage,
                                    Previews(output, events)))
        if part is not source:
            part.close()
    writing = pace.stage("write")
    result = _assemble(job, source, cuts, shots, input_hash, device)
    (output / RESULT_FILE).unlink(missing_ok=True)  # an older run's: what is written from here on is not its own
    parts = write_layers(output, result, merge_shots(shots, source.count), pace.check)
    for shot in shots:
        shot.layers.clear()  # from here on what they show is enough
    give_back()
    writing(0.4)
    result.metrics = write_pictures(output, result, source, shots, lambda f: writing(0.4 + 0.6 * f), parts,
                                    events.warning)
    if job.diagnostics:
        write_diagnostics(output / "diagnostics", output, result, source, pace.check, settings.flow)
    path = write_result(output, result)
    source.close()  # the folder of checkpoints goes where nothing is left in it
    checkpoints.clear(keep=BEFORE_HINTS)
    return path


def _assemble(job: Job, source: FrameSource, cuts: list[int], shots: list[ShotResult], input_hash: str,
              device: str) -> Result:
    versions = {"toondecompose": __version__, "python": platform.python_version(), "torch": torch.__version__,
                "opencv": cv2.__version__, "numpy": np.__version__, "device": device}
    clip = Clip(name=job.name, size=source.size, fps=job.fps, frame_start=job.frame_start, frame_count=source.count,
                cuts=cuts)
    return Result(clip=clip, sprites=[], engine={"name": "toondecompose", "version": __version__}, seed=job.seed,
                  versions=versions, input_hash=f"sha256:{input_hash}",
                  report={"shots": [shot.report for shot in shots]})


class Previews:
    """Shows masks long before the mattes are done, as the middle frame with its sprites tinted."""

    def __init__(self, output: Path, events: Events):
        self.path, self.events = output / "first_masks.png", events

    def glimpse(self, source: FrameSource) -> None:
        """What a quick look finds, before anything else is known; nothing if it finds nothing."""
        mask = glimpse(source)
        if mask is not None:
            self._show(source, [mask], "First look")

    def masks(self, source: FrameSource, segmentation: Segmentation) -> None:
        """The sprites' masks."""
        t = source.count // 2
        self._show(source, [layer.masks[t] for layer in segmentation.layers[1:] if layer.kind == "sprite"],
                   "First masks")

    def _show(self, source: FrameSource, masks: list[np.ndarray], label: str) -> None:
        frame = source.read(source.count // 2).astype(np.float32)
        for mask in masks:
            share = cv2.resize(mask, source.size, interpolation=cv2.INTER_LINEAR)[..., None] / np.float32(510)
            frame += share * (TINT - frame)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        picture = cv2.cvtColor(frame.astype(np.uint8), cv2.COLOR_RGB2BGR)
        cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tofile(self.path)
        self.events.preview(self.path.name, label)
