"""What hides what: layers that cover others wherever they are, and the layers' depth order."""

from __future__ import annotations

import numpy as np
import torch

from ..matte.marks import places_of
from . import evidence as ev
from .canvas import render
from .film import Pictures
from .layers import Rigid, labels_of, presence

HIDES = 0.65  # of the frames that show a place: a painting seen there so often hides what is behind it in all of them


def covers(theres: list[torch.Tensor | None], hiding: list[bool]) -> list[tuple[int, torch.Tensor]]:
    """The layers that hide what is farther, nearest first, and how surely each does: float32 [h, w] in 0..1."""
    return [(i, ((theres[i][0] - HIDES) / 0.25).clamp(0, 1) * (theres[i][1] / 3).clamp(0, 1))
            for i in reversed(range(len(theres))) if hiding[i] and theres[i] is not None]


def uncovered(p: torch.Tensor, mass: torch.Tensor, theres: list[torch.Tensor | None], hiding: list[bool]
              ) -> torch.Tensor:
    """One frame's probabilities [L, h, w] after the hiding layers took what cannot be seen behind them, where there is
    no evidence (mass [L, h, w]): that falls to the farthest plane otherwise."""
    if not any(hiding):
        return p
    p = p.clone()
    unknown = 1 - mass.sum(0).clamp(0, 1)
    for j, cover in covers(theres, hiding):
        for i in range(j):
            moved = p[i] * cover * unknown
            p[i] -= moved
            p[j] += moved
    return p


def depth_order(rigid: Rigid, p: Pictures, votes: np.ndarray | None = None) -> list[int]:
    """Labels back to front, by whose outline a common border is.

    At a border of a and b: where the layer a is known (from other frames) to go on under b, b hides a; where a ends,
    the border may be a's own outline. A redrawn label has no canvas, so it is compared only by what the rigid one does,
    and with other redrawn ones by `votes` [L, L] of their templates.
    """
    labels = labels_of(p)
    count = p.shape[0]
    there = presence(rigid, p)
    V = np.zeros((count, count)) if votes is None else votes.astype(float)  # V[a, b]: a hides b
    size = p.shape[-1], p.shape[-2]
    for t in range(p.shape[1]):
        one = [(labels[t] == i).to(torch.uint8) for i in range(count)]
        # slivers along an edge are resampling, not a layer; and the edge itself is mixed
        body = [ev.largest_near(1 - ev.largest_near(1 - m, 2), 2) & m for m in one]
        for b in range(1, len(rigid)):
            if not rigid.present[b][t]:
                continue
            near = ev.largest_near(one[b], 5) - ev.largest_near(one[b], 1)
            here = render(rigid.at(there, b, t), rigid.H[b][t], size, colour=False)
            rim = places_of(near > 0)
            share, number = here.flatten(1).index_select(1, rim).cpu().numpy()
            for a in range(1, count):
                if a == b:
                    continue
                border = (body[a].flatten().index_select(0, rim).cpu().numpy() > 0) & (number >= 3)
                V[a, b] += np.count_nonzero(border & (share > 0.7))
                V[b, a] += np.count_nonzero(border & (share < 0.3))
    left = list(range(1, count))
    order = [0]
    while left:  # the one that the fewest of the others lie behind comes first
        worst = {i: max([(V[i, j] + 5) / (V[i, j] + V[j, i] + 10) for j in left if j != i], default=0) for i in left}
        order.append(min(left, key=lambda i: (worst[i], i)))
        left.remove(order[-1])
    return order
