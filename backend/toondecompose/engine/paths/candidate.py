"""One candidate path: follow a layer, pull its frames onto its own mosaic, count what it explains."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as record

import numpy as np

from .align import SMALLEST_STEP, align_frame, canvas_units, sampler, saved_bits
from .drift import undrifted
from .field import CELL, Field
from .follow import follow
from .groups import apply, grid_points, project
from .mosaic import Box, Mosaic, build_mosaic

CAPS = (6.0, 3.0)  # grey levels: the residual spread that is believed, annealed
BLURS = (0.8, 0.5)  # px at search size, the same rounds: coarse to fine
FRAMES_ENOUGH = 26  # frames that the mosaic of a long shot is made from, at least
LARGER = 1.15  # times the size on the canvas: finer canvases are worth their pixels from here on
LARGEST_CANVAS = 2.5  # times the reference frame's pixels per side, at most
ROUGH_STEP = 2e-4  # of half the picture's width: what a rough round need not settle any better than
MOST_KEPT = 4_000_000  # px, 10 bytes each, of mosaics that are kept for when they are asked for again
ENOUGH = 0.1  # a frame belongs to a path if it saves this share of what the path's better frames save


@dataclass
class Candidate:
    """H: [T, 3, 3] frame `ref` -> frames, search px. dof: its group. bits: per frame [n] saved at each point.
    belief: per frame [n] in 0..1, which points flow saw moving along.
    followed: whether it was chained by flow (and may have strayed between layers) or assumed.
    box: the part of the canvas that a sprite covers, search px, or None for everything."""

    H: np.ndarray
    ref: int
    dof: int
    bits: list[np.ndarray]
    belief: list[np.ndarray] = record(default_factory=list)
    followed: bool = True
    box: Box | None = None
    _around: list[np.ndarray] | None = record(default=None, init=False, repr=False)

    def around(self, field: Field) -> list[np.ndarray]:
        """What `explained` says of the saved bits; asked for again with every further path."""
        if self._around is None:
            self._around = explained(field, self.bits)
        return self._around

    @property
    def gain(self) -> float:
        return float(sum(b.sum() for b in self.bits))

    @property
    def present(self) -> np.ndarray:
        """bool [T]: frames in which the path explains something."""
        per_frame = np.array([b.sum() for b in self.bits])
        return per_frame > ENOUGH * np.quantile(per_frame, 0.8)


def anchored(H: np.ndarray, ref: int) -> np.ndarray:
    """The same motion with frame `ref` as the canvas."""
    out = H @ np.linalg.inv(H[ref])
    return out / out[:, 2:3, 2:3]


def sizes(H: np.ndarray, where: np.ndarray) -> np.ndarray:
    """[T]: how large each frame shows a layer beside its canvas. where: a point of the layer in each frame, [T, 2]."""
    out = np.ones(len(H))
    for t, m in enumerate(H):
        here = apply(np.linalg.inv(m), where[t] + np.array([[0, 0], [1, 0], [0, 1.0]]))
        out[t] = abs(np.linalg.det(np.stack([here[1] - here[0], here[2] - here[0]]))) ** -0.5
    return out


def sharpest(size: np.ndarray, present: np.ndarray, ref: int) -> int:
    """The frame whose pixels a canvas should have: one that shows the layer much larger than `ref`, if there is one.
    size: [T], present: bool [T]. On a smaller canvas the larger frames would lose what they show."""
    fit = np.where(present & (size < LARGEST_CANVAS * size[ref]), size, 0.0)
    return int(fit.argmax()) if fit.max() > LARGER * size[ref] else ref


def moved_box(box: Box | None, m: np.ndarray, slack: float = 0.0) -> Box | None:
    """The bounds of a box that m [3, 3] moves, and `slack` px around."""
    if box is None:
        return None
    x0, y0, x1, y1 = box
    corners = apply(m, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64))
    low, high = np.floor(corners.min(0) - slack).astype(int), np.ceil(corners.max(0) + slack).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def settle(H: np.ndarray, ref: int, dof: int, field: Field, weights: list[np.ndarray], caps=CAPS, blurs=BLURS,
           samples: int = 8, box: Box | None = None) -> np.ndarray | None:
    """Alternates mosaic and Gauss-Newton. weights: per frame [n], which points belong. None if the canvas runs away.

    Frames are blurred as their mosaic is: otherwise every edge looks displaced."""
    units = canvas_units(field.size)
    for k, (cap, blur) in enumerate(zip(caps, blurs, strict=True)):
        rough = k + 1 < len(caps)
        part = slice(None, None, 2 if rough else 1)  # rough rounds do with half of the points
        mosaic = mosaic_of(field, H, samples, box)
        if mosaic is None:
            return None
        target = sampler(mosaic, blur, field.count)
        H = np.stack([align_frame(H[t], p.at[part], field.soft_values(t, blur)[part], (weights[t] * p.share)[part],
                                  target, dof, units, cap, field.noise, enough=ROUGH_STEP if rough else SMALLEST_STEP)
                      for t, p in enumerate(field.points)])
        H = anchored(H, ref)
    return H


def mosaic_of(field: Field, H: np.ndarray, samples: int, box: Box | None) -> Mosaic | None:
    """The mosaic of a path's frames. The last ones are kept: what has been measured is settled next."""
    key = H.tobytes(), samples, box
    if key not in field.mosaics:
        found = build_mosaic(field.gray, H, enough_frames(H, field.size), samples, within=box)
        if found is None:
            return None
        while field.mosaics and found.value.size + sum(m.value.size for m in field.mosaics.values()) > MOST_KEPT:
            del field.mosaics[next(iter(field.mosaics))]
        field.mosaics[key] = found
    return field.mosaics[key]


def enough_frames(H: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """bool [T]: frames from which a mosaic is made. Long shots with a slow move show everything many times."""
    count = len(H)
    where = H @ np.array([size[0] / 2, size[1] / 2, 1.0])
    steps = np.abs(np.diff(where[:, :2] / where[:, 2:], axis=0)).max(1) if count > 1 else np.zeros(1)
    fastest = max(float(np.quantile(steps, 0.95)), 1.0)
    stride = int(np.clip(min(count // FRAMES_ENOUGH, size[0] / (8 * fastest)), 1, None))  # each point in 8 frames
    return np.arange(count) % stride == 0


def measured(H: np.ndarray, ref: int, dof: int, field: Field, samples: int = 8,
             box: Box | None = None) -> Candidate | None:
    """The candidate that H is, with what its mosaic saves. None if its canvas runs away."""
    mosaic = mosaic_of(field, H, samples, box)
    if mosaic is None:
        return None
    target = sampler(mosaic, 0.0, field.count)
    bits = [saved_bits(back, field, t, target) for t, back in enumerate(np.linalg.inv(H))]
    return Candidate(H, ref, dof, bits, box=box)


def propose(field: Field, ref: int, dof: int, free: list[np.ndarray], rng: np.random.Generator,
            straight: bool = False) -> Candidate | None:
    """Follow what is free from frame `ref` with at most `dof` parameters. straight: see `follow`."""
    H, belief = follow(field, ref, dof, free, rng, straight)
    H = undrifted(H, ref, dof, field, [b * f for b, f in zip(belief, free, strict=True)])
    found = measured(H, ref, dof, field)
    if found is not None:
        found.belief = belief
    return found


def settled(c: Candidate, dof: int, field: Field, weights: list[np.ndarray]) -> Candidate | None:
    """The candidate pulled onto its own mosaic inside the group with `dof` parameters."""
    H = c.H
    if dof < c.dof:
        H = np.stack([project(m, dof, _where(c, t, field)) for t, m in enumerate(H)])
    H = settle(H, c.ref, dof, field, weights, box=c.box)
    return None if H is None else measured(H, c.ref, dof, field, box=c.box)


def _where(c: Candidate, t: int, field: Field) -> np.ndarray:
    """Canvas points [n, 2] that the candidate explains at frame t (for projecting its motion on a smaller group)."""
    at = field.points[t].at[c.bits[t] > 0]
    return apply(np.linalg.inv(c.H[t]), at if len(at) > 20 else grid_points(field.size))


def explained(field: Field, bits: list[np.ndarray]) -> list[np.ndarray]:
    """Per frame [n] in 0..1: which share of the texture around each point the saved bits explain."""
    out = []
    columns = -(-field.size[0] // CELL)
    rows = -(-field.size[1] // CELL)
    for pts, saved in zip(field.points, bits, strict=True):
        c = (pts.at / CELL).astype(int)
        cell = c[:, 1] * columns + c[:, 0]
        total, got = (np.bincount(cell, w, minlength=rows * columns).reshape(rows, columns) for w in (pts.bits, saved))
        pad_total, pad_got = np.pad(total, 1), np.pad(got, 1)
        near = [(slice(i, i + rows), slice(j, j + columns)) for i in range(3) for j in range(3)]
        share = sum(pad_got[s] for s in near) / np.maximum(sum(pad_total[s] for s in near), 1e-6)
        own = saved / np.maximum(pts.bits, 1e-6)
        out.append(0.5 * share.ravel()[cell] + 0.5 * own)
    return out
