#!/usr/bin/env python3
"""Draw short cartoon clips with their full truth, by our own code, in the bench's folder layout.

    python benchmarks/draw_clips.py OUT [--clips h01 h09]
    python benchmarks/decompose.py OUT --out PREDS --scorer SCORE.PY

The same files come out every time. What each clip shows is in its clip.json (`about`, `tags`); `sprites` there is the
number of layers to ask the engine for, `K` the number of layers of the truth (they differ where a clip has a cut).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from drawn import scenes_cameras, scenes_film, scenes_light, scenes_motion, scenes_screen, scenes_stage, scenes_walks
from drawn.layers import Scene, write_scene

SCENES: dict[str, Callable[[], Scene]] = {
    "h01_mirror_walk": scenes_walks.mirror_walk,
    "h02_alike_cross": scenes_walks.alike_cross,
    "h03_stand_then_walk": scenes_walks.stand_then_walk,
    "h04_thin_ones": scenes_walks.thin_tilt,
    "h05_zoom_rotate": scenes_cameras.zoom_rotate,
    "h06_multiplane": scenes_cameras.multiplane,
    "h07_car_child": scenes_cameras.car_child,
    "h08_h264_walk": scenes_cameras.h264_walk,
    "h09_fade": scenes_screen.fade_in_out,
    "h10_subtitle": scenes_screen.subtitle,
    "h11_cut": scenes_screen.cut_inside,
    "h12_talk_static": scenes_screen.talk_static,
    "h13_smoke_shadow": scenes_screen.smoke_shadow,
    "h14_closeup": scenes_screen.closeup,
    "h15_blur_grain": scenes_film.blur_grain,
    "h16_street": scenes_film.street,
    "h17_night": scenes_light.night,
    "h18_watercolour_closeup": scenes_light.watercolour_closeup,
    "h19_stops_and_waves": scenes_walks.stops_and_waves,
    "h20_stands_then_leaves": scenes_walks.stands_then_leaves,
    "h21_clouds": scenes_light.clouds,
    "h22_window": scenes_stage.window,
    "h23_boat": scenes_stage.boat_on_waves,
    "h24_two_talk": scenes_stage.two_talk,
    "h25_spinning_ball": scenes_motion.spinning_ball,
    "h26_towards_camera": scenes_motion.towards_camera,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", nargs="*", help="clip names or their beginnings; all when left out")
    args = parser.parse_args()
    for name, draw in SCENES.items():
        if args.clips and not any(name.startswith(c) for c in args.clips):
            continue
        scene = draw()
        write_scene(scene, args.out)
        size = f"{scene.size[0]}x{scene.size[1]}"
        print(f"{scene.name}  {size}  {scene.count} frames  K={len(scene.layers)}  {scene.about}", flush=True)


if __name__ == "__main__":
    main()
