"""`toondecompose place`: every sprite's frames placed in the picture, for compositing and benchmarks."""

from __future__ import annotations

import argparse

from ..formats.result import read_result, result_folder
from .common import add_out, add_result, progress_line


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = commands.add_parser(
        "place", help="write every layer's frames, placed in the picture",
        description="Write DIR/sprites/K/0000.png ... (straight RGBA, 0 is the background) and DIR/transforms.json.")
    add_result(parser)
    add_out(parser, "the frames")
    parser.add_argument("--flatten", action="store_true",
                        help="put all planes behind the sprites into the background, instead of one folder per plane")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run the command -> exit code."""
    from ..output.place import write_placed

    result = read_result(arguments.result)
    with progress_line("Placing layers") as report:
        layers = write_placed(result_folder(arguments.result), result, arguments.out, arguments.flatten, report)
    print(f"{layers} layers of {result.clip.frame_count} frames are in “{arguments.out}”.")
    return 0
