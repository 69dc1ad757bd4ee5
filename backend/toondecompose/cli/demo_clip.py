"""`toondecompose demo-clip`: draw the demo clip with its truth."""

from __future__ import annotations

import argparse
import re
from pathlib import Path


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not match:
        raise argparse.ArgumentTypeError(f"“{text}” is no size such as 960x540")
    return int(match[1]), int(match[2])


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = commands.add_parser("demo-clip", help="draw a cartoon shot to try things on",
                                 description="Draw the demo clip: frames, and the truth about its layers.")
    parser.add_argument("out", type=Path, metavar="DIR", help="folder for the clip (made where missing)")
    parser.add_argument("--size", type=_size, default=(960, 540), metavar="WxH")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--seed", type=int, default=7)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run the command -> exit code."""
    from ..demo.clip import draw_demo_clip

    folder = draw_demo_clip(arguments.out, size=arguments.size, frames=arguments.frames, seed=arguments.seed)
    print(f"The demo clip is in “{folder}”.")
    return 0
