"""Where a sprite's rigid motion has lost it."""

from __future__ import annotations

import numpy as np

from .align import project
from .patches import Patch
from .remnants import touches

ASTRAY = 0.2  # of a sprite's size: limbs that swing move its middle by less than a tenth


def followed(known: list[np.ndarray | None], use: list[Patch], size: tuple[int, int]) -> list[np.ndarray | None]:
    """The rigid motion's places (3x3, canvas px -> patch px), None where the sprite has gone another way.

    A motion that loses its sprite, as when a figure turns round and walks back mirrored, goes on somewhere: there what
    the masks show is no longer in the middle of where it was. Frames in which the frame's edge or something in front
    cuts the sprite say nothing. size: working (width, height).
    """
    whole = [k for k, p in enumerate(use) if known[k] is not None and p.valid.all() and not touches(p, size)]
    if len(whole) < 2:
        return known
    middle = []
    for k in whole:
        ys, xs = np.nonzero(use[k].body)
        middle.append(project(np.linalg.inv(known[k]), np.array([[xs.mean() + 0.5, ys.mean() + 0.5]]))[0])
    # canvas px per working px, so that the distance is in parts of the sprite's own size
    unit = np.sqrt(abs(np.linalg.det(np.linalg.inv(known[whole[0]])[:2, :2])))
    usual = unit * np.sqrt(np.median([use[k].body.sum() for k in whole]))
    off = np.linalg.norm(np.array(middle) - np.median(middle, 0), axis=1)
    astray = {k for k, d in zip(whole, off, strict=True) if d > ASTRAY * usual}
    return [None if k in astray else m for k, m in enumerate(known)]


def unstrayed(known: list[np.ndarray | None], members: list[list[int]], chained: list[np.ndarray], use: list[Patch],
              most: float) -> list[np.ndarray | None]:
    """The rigid motion's places, None where the exposures of a drawing lie elsewhere on each other than it says.

    The places that most exposures agree on are the motion's. members: the exposures of every drawing. chained: 3x3
    each, the drawing's first cut-out -> this one, as compared. most: working px that a place may be off.
    """
    out = list(known)
    for exposures in members:
        on = [k for k in exposures if known[k] is not None]
        if len(on) < 2:
            continue
        # the middle of the first of them, as each one's place has it on the canvas
        first = np.linalg.inv(chained[on[0]])
        h, w = use[on[0]].inside.shape
        middle = np.array([project(np.linalg.inv(known[k]) @ chained[k] @ first, np.array([[w / 2, h / 2]]))[0]
                           for k in on])
        unit = np.sqrt(abs(np.linalg.det(np.linalg.inv(known[on[0]])[:2, :2])))
        near = np.linalg.norm(middle[:, None] - middle[None], axis=-1) <= most * unit
        best = near[int(near.sum(1).argmax())]
        for k, kept in zip(on, best, strict=True):
            if not kept:
                out[k] = None
    return out


def unmirrored(known: list[np.ndarray | None], members: list[list[int]], chained: list[np.ndarray]
               ) -> list[np.ndarray | None]:
    """The rigid motion's places, None where an exposure was found to show its drawing mirrored: no rigid motion does.

    members: the exposures of every drawing. chained: 3x3 each, the drawing's first cut-out -> this one, as compared.
    """
    out = list(known)
    for exposures in members:
        sign = {k: np.linalg.det(chained[k][:2, :2]) > 0 for k in exposures if known[k] is not None}
        usual = sum(sign.values()) * 2 >= len(sign)
        for k, same in sign.items():
            if same != usual:
                out[k] = None
    return out
