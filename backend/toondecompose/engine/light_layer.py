"""The light of the whole picture as a layer in front of everything, which lays it on again.

One colour that covers as much as the light hides is a fade's layer, and a lamp's. What raises the contrast, as
lightning does, no plain colour in front lays on: "over" never makes two colours differ by more. There the layer is a
picture of the light, one for each such frame: as little of black, white and what lies between as turns the picture
below into the frame. It is strongest where the flash burns out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .clip import FrameSource
from .lights import Lights, changed
from .quality import frame_psnr
from .types import Drawings, SolvedLayer

PLAIN_DB = 36.0  # a frame that one colour gives back as well as this gets no picture: that can be keyed and exchanged
MISSED = 3.0  # grey levels that a picture of light may miss a frame by: cover grows fast near black and white
HELD = 48 * 2**20  # bytes of such pictures that stay in memory


def light_layer(lights: Lights, source: FrameSource, even: FrameSource,
                progress: Callable[[float], None] | None = None) -> SolvedLayer:
    """source: the frames as they are. even: the same in the light that most of the shot has (`without_lights`)."""
    size, count = source.size, source.count
    plain_ones: dict[tuple[int, ...], int] = {}  # the drawing of each colour
    drawings = Drawings(size)
    exposure, opacity = np.full(count, -1), np.ones(count)
    shelf = source.another_shelf(HELD)
    for t in (t for t in range(count) if changed(lights, t)):
        if progress is not None:
            progress(t / count)
        below, frame, share = even.read(t), source.read(t), lights.hidden[t]
        plain = np.rint(below + share * (lights.colour[t] - below.astype(np.float32))).astype(np.uint8)
        if frame_psnr(plain, frame) < PLAIN_DB:
            picture = light_picture(below, frame)
            exposure[t] = len(drawings)
            drawings.add(picture if shelf is None else shelf.put(picture), (0, 0))
        elif share > 0:
            colour = tuple(int(v) for v in lights.colour[t])
            if colour not in plain_ones:
                plain_ones[colour] = len(drawings)
                drawings.add(np.full((size[1], size[0], 4), (*colour, 255), np.uint8), (0, 0))
            exposure[t], opacity[t] = plain_ones[colour], share
    return SolvedLayer("light", "sprite", drawings, exposure, np.tile(np.eye(3), (count, 1, 1)), opacity,
                       "translation", 1.0)


def light_picture(below: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The most transparent picture, uint8 RGBA [h, w, 4], that turns `below` into `frame`, both uint8 RGB [h, w, 3]."""
    x = below.astype(np.float32)
    change = frame - x
    room = np.where(change > 0, 255 - x, x)  # to the lightest, or the darkest, that can lie over it
    needed = (np.abs(change) - MISSED) / np.maximum(room, 1)
    alpha = np.ceil(255 * np.clip(needed.max(2), 0, 1))
    colour = x + change * (255 / np.maximum(alpha, 1))[..., None]
    return np.dstack([np.rint(np.clip(colour, 0, 255)), alpha]).astype(np.uint8)
