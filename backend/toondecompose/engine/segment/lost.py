"""A sprite whose path was lost: it went behind something, or out, and when it came back its motion was not found again.

The path still is the shortest account of the frames in which it holds. In the others the sprite would be nobody's:
there a body stands that no layer explains, while little is seen of the sprite itself.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from . import evidence as ev
from .canvas import whole_picture
from .layers import Rigid, labels_of, mosaics, presence, rendered

BODY_DIFFERS = 4.0  # standard deviations of misfit by which a body differs from everything that may be behind it
MOSTLY = 0.5  # of its usual area: less of a sprite is seen where it is hidden, or where its path was lost
PART = 0.1  # of a sprite's usual area: a body of such a size is no left-over of an outline, nor a mouth
AGAIN = 0.25  # of the frames that show a place of its canvas: a sprite that is seen there so often is no chance
LOST = 0.1  # of the frames: so long a sprite is not left out


def unexplained_bodies(frames: torch.Tensor, rigid: Rigid, p: torch.Tensor, mass: torch.Tensor, noise: float,
                       redrawn_only: bool, least: float = 0.0) -> list[int]:
    """Area of the largest compact piece of each frame, uint8 [T, 3, h, w], that no layer explains, px.

    redrawn_only: of what is no rigid layer's by the labelling p, mass [L, T, h, w]. least: share of the frames that
    show a place of a sprite's canvas in which it must be there to explain what is there (a mosaic also shows what was
    given to it in one frame, where it was).
    """
    pictures, there, label = mosaics(frames, rigid, p, mass), presence(rigid, p), labels_of(p)
    out = []
    for t in range(len(frames)):
        backs, theres = rendered(rigid, pictures, there, t, frames.shape)
        picture = whole_picture(frames[t])
        misfits = [ev.misfit(picture, back, noise) for back in backs if back is not None]
        if least:
            shown = [share for share, back in zip(theres, backs, strict=True) if back is not None]
            misfits = [m if share is None else torch.where(share[0] < least, torch.inf, m)
                       for m, share in zip(misfits, shown, strict=True)]
        if not misfits:  # nobody knows what is behind: a path may leave frames out
            out.append(0)
            continue
        far = torch.stack(misfits).amin(0) > BODY_DIFFERS
        if redrawn_only:
            far &= label[t] >= len(rigid)
        piece = far.to(torch.uint8).cpu().numpy()
        piece = cv2.morphologyEx(piece, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))  # not a thread along an edge
        _, _, stats, _ = cv2.connectedComponentsWithStats(piece)
        out.append(int(stats[1:, cv2.CC_STAT_AREA].max(initial=0)))
    return out


def lost_sprite(frames: torch.Tensor, rigid: Rigid, p: torch.Tensor, mass: torch.Tensor, noise: float) -> int | None:
    """The sprite that its path lost, as a label of p [L, T, h, w], if there is one; there are no redrawn labels.

    Planes are not asked: what comes back of them is where it was.
    """
    bodies, unlike = (np.array(unexplained_bodies(frames, rigid, p, mass, noise, False, least))
                      for least in (0.0, AGAIN))
    label = labels_of(p)
    for k in (k for k in range(1, len(rigid)) if not rigid.painted[k]):
        areas = (label == k).sum((1, 2)).cpu().numpy()
        usual = float(np.quantile(areas, 0.75))
        # a body that another sprite's mosaic repeats: where nothing at all is left of this one, it may have lost it
        missing = (areas < MOSTLY * usual) & (bodies > PART * usual)
        missing |= (areas < PART * usual) & (unlike > PART * usual)
        if usual and missing.mean() >= LOST:
            return k
    return None
