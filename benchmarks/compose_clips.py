#!/usr/bin/env python3
"""Compose short cartoon clips with their full truth from free art, in the bench's folder layout.

The art of the first set (a01..a17), of the second (b01..b11) and of the third (c01..c12, shots as a series has them):

    apt-get download raincat-data scratch supertux-data warmux-data
    apt-get download plasma-workspace-wallpapers tuxmath-data wesnoth-1.16-data
    apt-get download ardentryst caveexpress-data frozen-bubble-data hedgewars-data renpy-demo
    for package in *.deb; do dpkg -x "$package" ART; done
    pip download --no-deps arcade==2.6.17  # holds pictures by Kenney
    unzip arcade-2.6.17-*.whl 'arcade/resources/images/*' -d ART

The clips of all sets, or those whose names begin so, and their scores:

    python benchmarks/compose_clips.py ART OUT [--clips a06 b]
    python benchmarks/decompose.py OUT --out PREDS --scorer SCORE.PY

Clips by chance, which nobody has looked at: each seed is another clip, always the same one.

    python benchmarks/compose_clips.py ART OUT --chance 1-16

The art is used where it lies; its licences are in ART/usr/share/doc and ART/arcade/resources/images/License.txt and
hold for the clips too. The same art gives the same files. What each clip shows is in its clip.json (`about`, `tags`).

Left out of the second set: b03, b06, b09 and b12, whose art lies in SVG files or in the resource file of a Qt program,
which nothing that this project needs can read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from composed import scenes_action, scenes_cameras, scenes_kenney, scenes_shots, scenes_wesnoth
from composed.art import Art
from composed.chance import by_chance
from drawn.layers import Scene, write_scene

from toondecompose.formats.errors import UserError

SCENES: dict[str, Callable[[Art], Scene]] = {
    "a01_pan_threes": scenes_cameras.pan_threes,
    "a02_zoom_tilt": scenes_cameras.zoom_tilt,
    "a03_perspective": scenes_cameras.perspective,
    "a04_parallax": scenes_cameras.parallax,
    "a05_fast_skate": scenes_action.fast_skate,
    "a06_sharks_cross": scenes_action.sharks_cross,
    "a07_ghost_shadow": scenes_action.ghost_shadow,
    "a08_held_talk": scenes_cameras.held_talk,
    "a09_bat_blur": scenes_action.bat_blur,
    "a10_grain_jpeg": scenes_action.worn_copy,
    "a11_dance_h264": scenes_action.dance_h264,
    "a12_spin_room": scenes_action.spin_room,
    "a13_six_frames": scenes_cameras.six_frames,
    "a14_mirror_odd": scenes_cameras.mirror_odd,
    "a15_pan_cross": scenes_cameras.pan_cross,
    "a16_edge_static": scenes_action.edge_static,
    "a17_poncho_owl": scenes_cameras.poncho_owl,
    "b01_pan_twos": scenes_kenney.pan_twos,
    "b02_large_motion": scenes_wesnoth.large_motion,
    "b04_zoom_tilt": scenes_kenney.zoom_tilt,
    "b05_perspective": scenes_kenney.perspective,
    "b07_ghosts_soft": scenes_wesnoth.ghosts_soft,
    "b08_held_talk_720p": scenes_wesnoth.held_talk_720p,
    "b10_grain_jpeg": scenes_wesnoth.grain_jpeg,
    "b11_motion_blur": scenes_kenney.motion_blur,
    "c01_bobbing_walk": scenes_shots.bobbing_walk,
    "c02_sliding_talk": scenes_shots.sliding_talk,
    "c03_two_walk_in": scenes_shots.two_walk_in,
    "c04_turns_back": scenes_shots.turns_back,
    "c05_behind_fence": scenes_shots.behind_fence,
    "c06_truck_in": scenes_shots.truck_in,
    "c07_shaken_camera": scenes_shots.shaken_camera,
    "c08_fine_hair": scenes_shots.fine_hair,
    "c09_spiny_fish_h264": scenes_shots.spiny_fish,
    "c10_cut_by_edge": scenes_shots.cut_by_edge,
    "c11_pale_ogre": scenes_shots.pale_ogre,
    "c12_passer_by": scenes_shots.passer_by,
}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("art", type=Path, help="folder into which the packages and the wheel were unpacked")
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", nargs="*", help="clip names or their beginnings; all when left out")
    parser.add_argument("--chance", metavar="FIRST-LAST", help="clips of these seeds, instead of the sets")
    args = parser.parse_args(argv)
    asked: list[Callable[[Art], Scene]] = [compose for name, compose in SCENES.items()
                                           if not args.clips or any(name.startswith(c) for c in args.clips)]
    if args.chance:
        first, last = (int(number) for number in args.chance.split("-"))
        asked = [partial(by_chance, seed=seed) for seed in range(first, last + 1)]
    for compose in asked:
        try:
            scene = compose(Art(args.art))
        except UserError as error:
            sys.exit(str(error))
        write_scene(scene, args.out)
        size = f"{scene.size[0]}x{scene.size[1]}"
        print(f"{scene.name}  {size}  {scene.count} frames  K={len(scene.layers)}  {scene.about}", flush=True)


if __name__ == "__main__":
    main()
