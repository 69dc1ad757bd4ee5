"""The layers with a path: where they are, what they look like, and where on their canvas they exist."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from . import evidence as ev
from .canvas import Mosaic, canvas_box, frame_boxes, overlap, render, sample_planes
from .film import Pictures, Room, in_memory
from .mosaic import build_mosaic

HIDDEN_WALL = 0.04  # of the frame's width: what a plane's surroundings are, where something always hides it, counted
HIDDEN_FRAMES = 2.0  # like this many frames that show it
SPREAD_COUNTS = 0.1  # of a frame with evidence: what p was spread to without any

ALL = -1  # in place of a drawing's number: what all frames of a layer have in common
LayerMosaics = dict[int, Mosaic]  # a layer's drawings by number, and ALL


class Rigid:
    """The layers with a path at one picture size: transforms, presence, and which drawing each shows when.

    painted: the layers that are, or may be, planes: a painting does not change. drawing: int [T] per layer; ALL where
    its drawing is unknown. Layers that never change have only zeros. hiding: those with another plane behind them that
    shows little of itself, so that flat things might look like it: where they are they hide it.
    """

    def __init__(self, H: list[np.ndarray], present: list[np.ndarray], painted: list[bool],
                 drawing: list[np.ndarray] | None = None, hiding: list[bool] | None = None):
        self.H = H
        self.present = present
        self.painted = painted
        self.drawing = drawing or [np.zeros(len(on), int) for on in present]
        self.hiding = hiding or [False] * len(H)

    def __len__(self) -> int:
        return len(self.H)

    def exposures(self, i: int) -> dict[int, np.ndarray]:
        """Layer i's drawings -> in which frames they are seen, bool [T]; ALL only if there are others to compare."""
        numbers = sorted(set(self.drawing[i][self.present[i]].tolist()))
        return {n: self.present[i] & (True if n == ALL else self.drawing[i] == n) for n in numbers}

    def at(self, layer: list[LayerMosaics | None], i: int, t: int) -> Mosaic | None:
        """Which of layer i's mosaics frame t shows; None if it is not present or (presence) is everywhere."""
        return None if layer[i] is None or not self.present[i][t] else layer[i][int(self.drawing[i][t])]


def best_label(p: torch.Tensor) -> torch.Tensor:
    """The likeliest label, uint8 [...], of p [L, ...]; the backmost of equals."""
    if p.device.type == "cpu" and p.ndim == 3:
        return torch.from_numpy(_best_on_host(p.float().numpy()))
    label, best = torch.zeros_like(p[0], dtype=torch.uint8), p[0]
    for i in range(1, p.shape[0]):
        label.masked_fill_(p[i] > best, i)
        best = torch.maximum(best, p[i])
    return label


def _best_on_host(p: np.ndarray) -> np.ndarray:
    """`best_label` of float32 [L, h, w], ten times as fast on the host."""
    label, best = np.zeros(p.shape[1:], np.uint8), p[0]
    for i in range(1, len(p)):
        more = cv2.compare(p[i], best, cv2.CMP_GT)
        label = cv2.max(label, cv2.min(more, np.full_like(more, i)))  # more is 0 or 255, and i than any label before
        best = cv2.max(best, p[i])
    return label


def labels_of(p: Pictures) -> torch.Tensor:
    """The likeliest label of every pixel of every frame, uint8 [T, h, w], of p [L, T, h, w]."""
    out = torch.empty(p.shape[1:], dtype=torch.uint8, device=p.device)
    for t in range(len(out)):
        out[t] = best_label(p[:, t])
    return out


def mosaics(frames: Pictures, rigid: Rigid, p: Pictures, mass: Pictures, room: Room = in_memory,
            inside: Pictures | None = None) -> list[LayerMosaics]:
    """Every rigid layer's mosaics, and in .seen / .votes how much of them belongs to the layer. inside: uint8 [T, h,
    w], 1 where a frame tells nothing of any of them; None for nowhere.

    A canvas point shows one colour only: samples beside sure texture outvote those amid flat areas.
    """
    out, weight = [], room(mass.shape[1:], torch.float32, mass.device)
    for i, H in enumerate(rigid.H):
        for t in range(len(frames)):
            weight[t] = (1.5 * p[i, t].float() - 0.5).clamp_(0, 1) * (0.05 + ev.blur(mass[i, t].float(), 4.0))
            if inside is not None:
                weight[t] *= 1 - inside[t]
        out.append({n: build_mosaic(frames, H, on, weight) for n, on in rigid.exposures(i).items()})
    return out


def presence(rigid: Rigid, p: Pictures, mass: Pictures | None = None) -> list[LayerMosaics | None]:
    """How surely a layer exists at each of its canvas points.

    votes = the frames' mean of p where nothing in front hides the point, seen = number of such frames. Given mass,
    frames that show evidence there outvote those in which p was only spread from elsewhere: a gap between trees is a
    gap in all frames once a cloud has been seen to pass behind it. None for the backmost layer, which is everywhere.
    """
    out: list[LayerMosaics | None] = [None, *({} for _ in range(1, len(rigid)))]
    size = p.shape[-1], p.shape[-2]
    boxes = {(i, n): canvas_box(rigid.H[i], on, size)
             for i in range(1, len(rigid)) for n, on in rigid.exposures(i).items()}
    views = {i: dict(zip(np.flatnonzero(rigid.present[i]).tolist(), frame_boxes(rigid.H[i][rigid.present[i]], size),
                         strict=True)) for i in range(1, len(rigid))}
    sums = {key: torch.zeros(3, y1 - y0, x1 - x0, device=p.device) for key, (x0, y0, x1, y1) in boxes.items()}
    for t in range(p.shape[1] if boxes else 0):
        likely = p[:, t].float()
        trust = None if mass is None else SPREAD_COUNTS + mass[:, t].float().sum(0).clamp_(0, 1)
        front = likely[len(rigid) :].sum(0)
        for i in range(len(rigid) - 1, 0, -1):
            shows = [n for n in (ALL, int(rigid.drawing[i][t])) if (i, n) in boxes] if rigid.present[i][t] else []
            if shows:
                free = (1 - front).clamp_(0, 1)
                both = torch.stack([likely[i], free] if trust is None else [likely[i] * trust, free * trust, free])
            for n in dict.fromkeys(shows):
                box = boxes[i, n]
                part = overlap(box, views[i][t])
                if part is None:
                    continue
                x0, y0, x1, y1 = part
                got, inside = sample_planes(both, rigid.H[i][t], (x1 - x0, y1 - y0), (float(x0), float(y0)))
                mine = sums[i, n][:, y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]]
                got *= inside
                mine[:2] += got[:2]
                mine[2] += got[-1]
            front += likely[i]
    for (i, n), mine in sums.items():
        empty = torch.zeros_like(mine[0])
        if rigid.hiding[i]:  # what is always hidden of a plane is as its surroundings: walls go on behind people
            around = ev.blur(mine[:2], HIDDEN_WALL * size[0])
            mine[0] += HIDDEN_FRAMES * around[0] / around[1].clamp_min(1e-3)
            mine[1] += HIDDEN_FRAMES * (around[1] > 1e-3)
            mine[2] += HIDDEN_FRAMES * (around[1] > 1e-3)
        ratio = mine[0] / mine[1].clamp_min(1e-3)
        out[i][n] = Mosaic(empty.expand(3, -1, -1), ratio.clamp(0, 1), mine[2], empty, empty,
                           (float(boxes[i, n][0]), float(boxes[i, n][1])))
    return out


def rendered(rigid: Rigid, pictures: list[LayerMosaics], there: list[LayerMosaics | None], t: int,
             shape: torch.Size) -> tuple[list[torch.Tensor | None], list[torch.Tensor | None]]:
    """Every rigid layer's mosaic and presence in frame t, None where not present / everywhere."""
    size = shape[-1], shape[-2]
    out = []
    for layer, colour in ((pictures, True), (there, False)):
        shown = [rigid.at(layer, i, t) for i in range(len(rigid))]
        out.append([None if m is None else render(m, rigid.H[i][t], size, colour) for i, m in enumerate(shown)])
    return out[0], out[1]
