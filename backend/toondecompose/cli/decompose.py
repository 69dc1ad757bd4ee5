"""`toondecompose decompose`: frames, or a job file, to a result folder."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path

from .. import __version__
from ..formats import checks, messages
from ..formats.errors import UserError, sentence_for_os_error
from ..formats.job import (
    DEVICES,
    MAX_SPRITES,
    MOTION_MODELS,
    QUALITIES,
    Job,
    hints_from_list,
    job_from_dict,
    job_to_dict,
    read_job,
    write_job,
)
from ..formats.messages import Message
from ..formats.result import read_result
from ..worker.events import Events
from ..worker.lock import OutputLock
from ..worker.run import Engine, engine_named, run_job
from ..worker.stopping import CANCELLED, Stop, leave
from ..worker.streams import cancel_on_signals, claim_stdout, sender, watch_orders
from .bar import ProgressDisplay

LOG_FILE = "toondecompose.log"
_DEFAULT_FPS = 24.0


def _sprites(text: str) -> int | str:
    if text == "auto":
        return text
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= MAX_SPRITES:
        raise argparse.ArgumentTypeError(f"“{text}” is neither “auto” nor a number of layers from 1 to {MAX_SPRITES}")
    return number


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = commands.add_parser("decompose", help="take a shot apart",
                                 description="Take a shot apart: a folder, a pattern, picture files or one video.")
    parser.add_argument("frames", nargs="*", metavar="FRAMES", help="folder, pattern, picture files, or a video")
    parser.add_argument("--job", type=Path, help="a job file instead of FRAMES; options given here win over it")
    parser.add_argument("--out", type=Path, help="folder for the result (made where missing)")
    parser.add_argument("--sprites", type=_sprites, metavar="N|auto",
                        help="number of layers, the background included (default: auto)")
    parser.add_argument("--motion-model", choices=("auto", *MOTION_MODELS))
    parser.add_argument("--quality", choices=QUALITIES)
    parser.add_argument("--device", choices=DEVICES)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--fps", type=float, help="frames per second (default: the video's own, else 24)")
    parser.add_argument("--frame-start", type=int, help="number of the first frame (default: 1)")
    parser.add_argument("--name", help="name of the shot (default: from the frames)")
    parser.add_argument("--hint", type=Path, metavar="HINTS.json", help="a file with a list of hints")
    parser.add_argument("--diagnostics", action="store_true", default=None, help="write pictures of every stage too")
    parser.add_argument("--flow-weights", metavar="FILE",
                        help="RAFT's weights (.pth): find motions by learned flow; for a GPU")
    parser.add_argument("--messages", action="store_true", help="speak the wire protocol on stdout, for other programs")
    resume = parser.add_mutually_exclusive_group()
    resume.add_argument("--resume", action="store_true", help="go on where a stopped run was (default)")
    resume.add_argument("--fresh", action="store_true", help="do everything again")
    parser.add_argument("--engine", choices=("pipeline", "dummy"), default="pipeline", help=argparse.SUPPRESS)
    parser.set_defaults(parser=parser)
    return parser


def _hints(path: Path) -> list[dict]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "read", path)) from error
    # a bare list, or an object with "hints"
    found = checks.parse_json(b'{"hints":' + data + b"}" if data.lstrip().startswith(b"[") else data, path.name)
    return hints_from_list(checks.get(found, "hints", path.name), f"{path.name}: hints")


def _job_from_frames(arguments: argparse.Namespace) -> tuple[Job, list[str]]:
    from ..io.sequences import expand_frames, is_video
    from ..io.video import video_info

    paths, warnings = expand_frames(arguments.frames)
    fps = _DEFAULT_FPS
    if is_video(paths[0]):
        fps = float(video_info(paths[0]).get("fps") or _DEFAULT_FPS)
    name = paths[0].stem if is_video(paths[0]) else paths[0].parent.name
    output = os.path.abspath(arguments.out)
    return Job(frames=[str(p) for p in paths], output=output, fps=fps, name=name or "shot"), warnings


def make_job(arguments: argparse.Namespace) -> tuple[Job, Path, list[str]]:
    """The job that the arguments ask for, the folder its paths are relative to, and warnings about the frames."""
    warnings: list[str] = []
    if arguments.job is not None:
        job, folder = read_job(arguments.job), arguments.job.resolve().parent
        if arguments.out is not None:
            job.output = os.path.abspath(arguments.out)
    else:
        job, warnings = _job_from_frames(arguments)
        folder = Path(job.output)
    given = {key: getattr(arguments, key) for key in ("sprites", "motion_model", "quality", "device", "seed", "fps",
                                                      "frame_start", "name", "diagnostics")}
    if arguments.flow_weights is not None:
        given["flow_weights"] = os.path.abspath(arguments.flow_weights)
    if arguments.hint is not None:
        given["hints"] = _hints(arguments.hint)
    job = dataclasses.replace(job, engine_version=__version__, **{k: v for k, v in given.items() if v is not None})
    return job_from_dict(job_to_dict(job), "The job"), folder, warnings


def _noting_job(engine: Engine, job: Job, log: Path) -> Engine:
    """The engine, preceded by keeping the job beside its result, so that it can be run again."""

    def run(*arguments: object) -> Path:
        log.unlink(missing_ok=True)
        write_job(log.parent / "job.json", job)
        return engine(*arguments)

    return run


def run(arguments: argparse.Namespace) -> int:
    """Run the command -> exit code."""
    if bool(arguments.frames) == (arguments.job is not None):
        arguments.parser.error("give either FRAMES or --job")
    if arguments.job is None and arguments.out is None:
        arguments.parser.error("give a folder for the result: --out DIR")
    job, folder, warnings = make_job(arguments)
    output = job.output_folder(folder)
    log = output / LOG_FILE
    engine = engine_named(arguments.engine, resume=not arguments.fresh)
    if arguments.job is None:
        engine = _noting_job(engine, job, log)
    if arguments.messages:
        return _run_with_messages(job, folder, warnings, engine)
    display = ProgressDisplay()

    def send(message: Message) -> None:
        display(message)
        if message["type"] in messages.LAST_TYPES:
            display.clear()
            _report(message, output, log)

    return _run(job, folder, warnings, engine, send, log, orders=False)


def _run(job: Job, folder: Path, warnings: list[str], engine: Engine, send: Callable[[Message], None],
         log: Path | None, orders: bool) -> int:
    """Run the job. Ctrl-C asks to stop; a second one, or an engine that does not listen, ends the process."""
    lock = OutputLock(job.output_folder(folder))
    with Events(send) as events:
        stop = Stop(lambda: leave(events, [lock]))
        cancel_on_signals(lambda: leave(events, [lock]) if stop.asked() else stop.ask())
        if orders:
            watch_orders(0, stop.ask, lambda: None)
        for text in warnings:
            events.warning(text)
        return run_job(job, folder, events, stop.asked, engine, lock, log)


def _run_with_messages(job: Job, folder: Path, warnings: list[str], engine: Engine) -> int:
    """The wire protocol, as the child speaks it, except that the end of stdin does not stop the run."""
    from ..worker import hardware

    send = sender(claim_stdout(), lambda: os._exit(CANCELLED))
    problem = None
    device, name, memory = "cpu", hardware.cpu_name(), hardware.memory_mb()
    try:
        device, name, memory = hardware.device_for(job.device)
    except (UserError, ImportError) as error:
        problem = error
    send(messages.hello(__version__, device, name, memory, os.getpid()))

    def failing(*_: object) -> Path:
        raise problem

    return _run(job, folder, warnings, engine if problem is None else failing, send, None, orders=True)


def _report(last: Message, output: Path, log: Path) -> None:
    """Tell a person how it ended."""
    if last["type"] == "cancelled":
        kept = "; finished stages are kept, the same command goes on from there" if last["kept"] else ""
        print(f"toondecompose: Stopped{kept}.", file=sys.stderr)
    elif last["type"] == "error":
        details = f" The log is “{log}”." if last["detail"] is not None and log.exists() else ""
        print(f"toondecompose: {last['message']}{details}", file=sys.stderr)
    else:
        result = read_result(output)
        for sprite in result.sprites:
            shown = sum(d is not None for d in sprite.exposure)
            drawings = f"{len(sprite.drawings)} drawing{'s' if len(sprite.drawings) != 1 else ''}"
            print(f"  {sprite.order:2d} {sprite.name}: {drawings} on {shown} frames, {sprite.motion_model}, "
                  f"confidence {sprite.confidence:.2f}")
        for key, value in result.metrics.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                print(f"  {key.replace('_', ' ')}: {value:g}")
        print(f"The result is in “{output}”.")
