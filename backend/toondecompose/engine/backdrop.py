"""A ground of one flat colour: paper, a backdrop, a clear sky behind a character.

Nothing tells such a ground's motion, so that the character's own motion would be the shot's, and the character its
plate. So motions and layers are looked for in frames whose ground is painted, with a pattern that slides across the
picture as nothing in it does. What stands still is then seen to stand before it too. Drawings and mattes are made of
the frames as they are, over a ground that stands still.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from .clip import FrameSource, working_source
from .types import Segmentation

LOOK_WIDTH = 240  # px across at which a shot is asked for its ground
LOOKS = 24  # frames, evenly spread, that are asked
FLAT, GRAIN = 3.0, 12.0  # levels, in each channel, around the ground's colour: rounding; grain at most
SPREAD = 3.5  # times its usual deviation that a px of the ground may have
MOST = 0.8  # of the frames that are asked show the ground as below
AROUND = 0.7  # of a frame's edge is ground: a character may be cut by it
CUTS = 4  # places at most where something crosses the edge; a scene that pans crosses it everywhere
AREA = 0.3  # of the frame is ground
THINGS = 12  # things at most before it: stars and rain are not characters, and move as the ground does
WINDOW = 0.9  # of its own box a picture between bars fills; the bars are not its ground
PAPER = 235  # levels in all channels: from there on a ground is paper, and what it shows within outlines is paint
PATCH, DEPTH = 2.5, 24.0  # the pattern: px that its blots measure, at LOOK_WIDTH; levels that they differ by
SLIDE = (5, -3)  # px a frame that the pattern slides, of a frame LOOK_WIDTH px across, and
TURN = 24  # frames after which it slides back, and forth again: a canvas that grew on and on would take all memory


@dataclass
class Ground:
    """One flat colour, uint8 [3], and how far its px may be from it, levels."""

    colour: np.ndarray
    spread: float


def flat_ground(source: FrameSource, progress: Callable[[float], None] | None = None) -> Ground | None:
    """A shot's ground; None if it is not one flat colour."""
    if source.count < 2:
        return None
    small, _ = working_source(source, LOOK_WIDTH)
    asked = np.unique(np.linspace(0, source.count - 1, LOOKS).round().astype(int))
    frames = []
    for i, t in enumerate(asked):
        if progress is not None:
            progress(i / len(asked))
        frames.append(small.read(int(t)))
    ground = _around([_edge(frame) for frame in frames])
    if np.mean([_stands_before(frame, ground) for frame in frames]) < MOST or all(
            _shows(frame, ground).all() for frame in frames):
        return None
    return _around([_edge(source.read(int(t))) for t in asked])  # small frames have less grain


def shows_ground(source: FrameSource, ground: Ground, progress: Callable[[float], None] | None = None) -> np.ndarray:
    """Frames with the ground in its own colour, bool [T]: their light is the shot's, whoever comes in."""
    small, _ = working_source(source, LOOK_WIDTH)
    shows = np.zeros(source.count, bool)
    for t in range(source.count):
        if progress is not None:
            progress(t / source.count)
        shows[t] = _stands_before(small.read(t), ground)
    return shows


def _around(seen: list[np.ndarray]) -> Ground:
    """The ground that is seen at the edges of frames."""
    edges = np.concatenate(seen).astype(np.float32)
    colour = np.median(edges, 0)
    usual = 1.48 * float(np.median(np.abs(edges - colour)))
    return Ground(colour.round().astype(np.uint8), float(np.clip(SPREAD * usual, FLAT, GRAIN)))


def _edge(picture: np.ndarray) -> np.ndarray:
    """The px around a picture [h, w, ...], in order."""
    return np.concatenate([picture[0], picture[1:, -1], picture[-1, -2::-1], picture[-2:0:-1, 0]])


def _shows(frame: np.ndarray, ground: Ground) -> np.ndarray:
    """Where a frame has the ground's colour, bool [h, w]."""
    low, high = (tuple(np.clip(ground.colour + off, 0, 255).tolist()) for off in (-ground.spread, ground.spread))
    shown = cv2.inRange(frame, low, high)
    return (cv2.medianBlur(shown, 3) if ground.spread > FLAT else shown) > 0  # grain's outliers are no things


def _stands_before(frame: np.ndarray, ground: Ground) -> bool:
    """Whether a frame shows some things before a ground."""
    shown = _shows(frame, ground)
    edge = _edge(shown)
    cuts = int((edge & ~np.roll(edge, 1)).sum())
    things = cv2.connectedComponents(cv2.dilate((~shown).astype(np.uint8), np.ones((5, 5), np.uint8)))[0] - 1
    fits = edge.mean() >= AROUND and cuts <= CUTS and shown.mean() >= AREA and things <= THINGS
    return bool(fits and not _framed(~_from_the_edge(shown)))


def _framed(inside: np.ndarray) -> bool:
    """Whether what is not ground, bool [h, w], is a picture between bars."""
    x, y, w, h = cv2.boundingRect(inside.astype(np.uint8))
    return w * h > AREA * inside.size and inside[y:y + h, x:x + w].mean() > WINDOW


def painted_ground(source: FrameSource, ground: Ground, stands: np.ndarray | None = None) -> FrameSource:
    """The frames with a pattern sliding across their ground. stands: int [T], the frame whose picture stands for each,
    where some are held (None: itself): there the pattern is held, too."""
    width, height = source.size
    zoom = max(1.0, width / LOOK_WIDTH)
    noise, beyond = np.random.default_rng(0).standard_normal((height, width, 3)).astype(np.float32), int(9 * zoom)
    noise = cv2.copyMakeBorder(noise, *(4 * [beyond]), cv2.BORDER_WRAP)  # it comes in again at the other side
    noise = cv2.GaussianBlur(noise, (0, 0), zoom * PATCH)[beyond:, beyond:][:height, :width]
    middle = np.clip(ground.colour.astype(np.float32), 2 * DEPTH, 255 - 2 * DEPTH)
    pattern = np.clip(np.rint(middle + DEPTH / noise.std() * noise), 0, 255).astype(np.uint8)
    within = bool((ground.colour < PAPER).any())

    def look(t: int) -> np.ndarray:
        frame = source.read(t)
        shown = _shows(frame, ground)
        if not within:
            shown = _from_the_edge(shown)
        at = abs(((t if stands is None else int(stands[t])) + TURN) % (2 * TURN) - TURN)
        slid = np.roll(pattern, tuple(round(at * zoom * step) for step in SLIDE), (1, 0))
        return np.where(shown[..., None], slid, frame)

    return source.made_of(look)


def _from_the_edge(shown: np.ndarray) -> np.ndarray:
    """The parts of the ground that reach the frame's edge, bool [h, w]."""
    _, parts = cv2.connectedComponents(shown.astype(np.uint8), connectivity=4)
    reach = np.unique(_edge(parts))
    return np.isin(parts, reach[reach > 0])


def ground_stands(segmentation: Segmentation, size: tuple[int, int]) -> Segmentation:
    """The layers with the ground, which is one colour, standing still. size: (w, h) of the frames."""
    ground, *others = segmentation.layers
    path, steps = ground.path, np.array(SLIDE) * max(1.0, size[0] / LOOK_WIDTH)
    if path is None or len(path.H) < 2:
        return segmentation
    moved = np.array([(b @ np.linalg.inv(a))[:2, 2] for a, b in pairwise(path.H)])
    if np.median(np.abs(np.abs(moved) - np.abs(steps)).max(1)) > 1:
        return segmentation
    still = replace(path, H=np.tile(np.eye(3), (len(path.H), 1, 1)), model="translation")
    return replace(segmentation, layers=[replace(ground, path=still), *others])
