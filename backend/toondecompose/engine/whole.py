"""A shot that cannot be taken apart is given as it is: its frames are the drawings of one layer."""

from __future__ import annotations

import hashlib

import numpy as np

from .clip import FrameSource
from .quality import frame_psnr, least_level
from .types import SolvedLayer, as_drawings
from .visible import picture_behind

# Up to this many frames a layer's place and its drawing cannot be told from one another: too few views of each.
TOO_SHORT = 3
LOOKS = 12  # frames, evenly spread, that are looked at for that
GRAIN = 3.0  # times the measured grain that a clean plate may miss a frame by


def recomposes(source: FrameSource, layers: list[SolvedLayer], grain: float = 0.0) -> bool:
    """Whether the layers give the shot back at least roughly: all of a few frames, most of a longer shot. grain: of the
    frames, levels rms; no layer has it."""
    picture = picture_behind(layers, len(layers), source.size)
    some = np.unique(np.linspace(0, source.count - 1, LOOKS).round().astype(int))
    levels = [frame_psnr(picture(int(t))[0], source.read(int(t))) for t in some]
    return (min(levels) if source.count <= TOO_SHORT else float(np.median(levels))) >= least_level(grain, GRAIN)


def whole_frames(source: FrameSource) -> SolvedLayer:
    """The frames as the drawings of one background, of no confidence; frames that are equal are one drawing."""
    drawings: list[np.ndarray] = []
    known: dict[bytes, int] = {}
    exposure = []
    for t in range(source.count):
        frame = source.read(t)
        name = hashlib.sha256(np.ascontiguousarray(frame)).digest()
        if name not in known:
            known[name] = len(drawings)
            drawings.append(source.shelve(np.dstack([frame, np.full(source.size[::-1], 255, np.uint8)])))
        exposure.append(known[name])
    still = np.tile(np.eye(3), (source.count, 1, 1))
    return SolvedLayer("background", "background", as_drawings(drawings), np.array(exposure), still,
                       np.ones(source.count), "translation", 0.0, np.full(source.size[::-1], 255, np.uint8))
