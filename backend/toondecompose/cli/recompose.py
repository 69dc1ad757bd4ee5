"""`toondecompose recompose`: the frames put together again from a result."""

from __future__ import annotations

import argparse

from ..formats.result import read_result, result_folder
from .common import add_out, add_result, progress_line


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = commands.add_parser("recompose", help="write the frames that a result puts together",
                                 description="Write DIR/0001.png ...: all layers composited, back to front.")
    add_result(parser)
    add_out(parser, "the frames")
    parser.add_argument("--as-blender", action="store_true",
                        help="sample as Blender's image textures do (bilinearly), to compare with a render")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run the command -> exit code."""
    from ..output.recompose import write_recomposition

    result = read_result(arguments.result)
    with progress_line("Recomposing") as report:
        count = write_recomposition(result_folder(arguments.result), result, arguments.out, report,
                                    as_blender=arguments.as_blender)
    print(f"{count} frames are in “{arguments.out}”.")
    return 0
