"""`toondecompose inspect`: check a result and say what is in it."""

from __future__ import annotations

import argparse
import itertools
import json

from ..formats.result import Result, Sprite, read_result, result_to_dict
from .common import add_result

# how many exposures a line shows
_SHOWN = 24


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = commands.add_parser("inspect", help="check a result and say what is in it")
    add_result(parser)
    parser.add_argument("--json", action="store_true", help="print result.json as it was understood")
    return parser


def exposure_text(exposure: list[int | None]) -> str:
    """An exposure sheet on a line: '1×2 2×2 -×3' shows drawings 1 and 2 for two frames each, then nothing for three."""
    runs = [(drawing, len(list(group))) for drawing, group in itertools.groupby(exposure)]
    text = " ".join(f"{'-' if d is None else d + 1}×{n}" for d, n in runs[:_SHOWN])
    return text + (" …" if len(runs) > _SHOWN else "")


def _holds(exposure: list[int | None]) -> str:
    """'on twos' when most of a sprite's time is spent in holds of two frames, and so on."""
    lengths = [len(list(group)) for drawing, group in itertools.groupby(exposure) if drawing is not None]
    if len(lengths) < 2:
        return "held"
    usual = max(set(lengths), key=lambda n: (n * lengths.count(n), -n))
    return {1: "on ones", 2: "on twos", 3: "on threes", 4: "on fours"}.get(usual, f"mostly held {usual} frames")


def _sprite_lines(sprite: Sprite) -> list[str]:
    width, height = sprite.canvas_size
    drawings = f"{len(sprite.drawings)} drawing{'s' if len(sprite.drawings) != 1 else ''}"
    return [f"{sprite.order:3d}  {sprite.name} ({sprite.kind}): {drawings} of {width} x {height} px, "
            f"{_holds(sprite.exposure)}, {sprite.motion_model}, confidence {sprite.confidence:.2f}",
            f"     {exposure_text(sprite.exposure)}"]


def summary(result: Result) -> list[str]:
    """The result as lines of text, layers front to back as an exposure sheet lists them."""
    clip = result.clip
    lines = [f"{clip.name}: {clip.frame_count} frames of {clip.size[0]} x {clip.size[1]} px at {clip.fps:g} fps, "
             f"from frame {clip.frame_start}"]
    if clip.cuts:
        lines.append("Cuts at frames " + ", ".join(str(clip.frame_start + t) for t in clip.cuts))
    engine = " ".join(str(result.engine[key]) for key in ("name", "version") if key in result.engine)
    lines.append(f"Made by {engine or 'an unnamed program'}, seed {result.seed}")
    for sprite in reversed(result.sprites):
        lines += _sprite_lines(sprite)
    for key, value in result.metrics.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            lines.append(f"{key.replace('_', ' ')}: {value:g}")
    return lines


def run(arguments: argparse.Namespace) -> int:
    """Run the command -> exit code."""
    result = read_result(arguments.result)
    print(json.dumps(result_to_dict(result), ensure_ascii=False) if arguments.json else "\n".join(summary(result)))
    return 0
