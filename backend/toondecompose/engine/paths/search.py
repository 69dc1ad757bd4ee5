"""Which motions explain the shot: found one after another, then every one is refitted beside the others.

The currency is saved bits: what knowing a path's mosaic saves on coding the texture of every frame anew, less what the
path's parameters cost. It decides between seeds, between motion models and whether a path is worth having.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .candidate import Candidate, explained, propose, settled
from .field import Field
from .groups import MODELS

PARAMETER_BITS = 60.0  # 6 bits per parameter and frame, and 10 neighbouring pixels make one independent observation
SEARCH_MODELS = (2, 4, 8)
RICHER = 1.004  # a model with more parameters must save this much more
MOST_PATHS = 8
SMALLEST_GAIN = 0.01  # of all bits: less is a coincidence
TAKEN = 1.3  # an explained neighbourhood is taken before its last pixel is


def cost(dof: int, count: int) -> float:
    """What describing a path's motion costs, in saved bits."""
    return PARAMETER_BITS * dof * max(count - 1, 0)


def whole(field: Field) -> float:
    """Bits of all texture of the clip, coded anew."""
    return float(sum(p.bits.sum() for p in field.points))


def worth(c: Candidate, free: list[np.ndarray], field: Field) -> float:
    """What a candidate saves on what is free, less its cost."""
    return sum(float((b * f).sum()) for b, f in zip(c.bits, free, strict=True)) - cost(c.dof, field.count)


def without(field: Field, others: list[Candidate]) -> list[np.ndarray]:
    """Per frame [n] in 0..1: how much of each point none of the others explains."""
    free = [np.ones(len(p.at)) for p in field.points]
    for c in others:
        free = [np.clip(f * (1 - TAKEN * e), 0, 1) for f, e in zip(free, explained(field, c.bits), strict=True)]
    return free


def together(chosen: list[Candidate], field: Field) -> float:
    """What a set of paths saves: every point is coded with the path that codes it best."""
    if not chosen:
        return 0.0
    best = sum(float(np.max([c.bits[t] for c in chosen], 0).sum()) for t in range(field.count))
    return best - sum(cost(c.dof, field.count) for c in chosen)


def _weights(c: Candidate, free: list[np.ndarray]) -> list[np.ndarray]:
    return [b * f for b, f in zip(c.belief, free, strict=True)]


def best_candidate(field: Field, free: list[np.ndarray], models: tuple[int, ...], rng: np.random.Generator,
                   refs: list[int]) -> Candidate | None:
    """The best path through what is free: all models from the first frame of refs, the best of them from the rest."""
    best, best_worth = None, 0.0
    for ref in refs:
        for dof in models if best is None else (best.dof,):
            c = propose(field, ref, dof, free, rng)
            if c is None:
                continue
            value = worth(c, free, field)
            if value > best_worth * (RICHER if best and dof > best.dof else 1.0):
                best, best_worth = c, value
    if best is None:
        return None
    better = settled(best, best.dof, field, _weights(best, free))
    if better is not None and worth(better, free, field) > best_worth:
        better.belief = best.belief
        return better
    return best


def seeds(count: int) -> list[int]:
    """Frames from which layers are followed: the middle sees most of a shot, the quarters what enters and leaves."""
    return list(dict.fromkeys([count // 2, count // 4, 3 * count // 4]))


def search(field: Field, wanted: int | None, motion_model: str, rng: np.random.Generator,
           tick: Callable[[float], None]) -> list[Candidate]:
    """All paths worth having, best first. wanted: number of layers asked for, or None."""
    models = SEARCH_MODELS if motion_model == "auto" else (MODELS[motion_model],)
    total = whole(field)
    chosen: list[Candidate] = []
    limit = MOST_PATHS if wanted is None else min(MOST_PATHS, wanted + 2)
    for k in range(limit):
        free = without(field, chosen)
        c = best_candidate(field, free, models, rng, seeds(field.count))
        tick(0.8 * (k + 1) / limit)
        if c is None or worth(c, free, field) < SMALLEST_GAIN * total:
            break
        chosen.append(c)
    return refit(field, chosen, models, rng, tick)


def refit(field: Field, chosen: list[Candidate], models: tuple[int, ...], rng: np.random.Generator,
          tick: Callable[[float], None]) -> list[Candidate]:
    """Every path followed again through what the others leave, kept where the set as a whole saves more; paths that
    the others make superfluous are dropped. The first found path had to be found in a mixture of all layers."""
    if len(chosen) > 1:
        for k in range(len(chosen)):
            others = chosen[:k] + chosen[k + 1 :]
            c = best_candidate(field, without(field, others), models, rng, [chosen[k].ref])
            if c is not None and together([*others, c], field) > together(chosen, field):
                chosen[k] = c
            tick(0.8 + 0.2 * (k + 1) / len(chosen))
    total = whole(field)
    while len(chosen) > 1:
        all_of_them = together(chosen, field)
        losses = [all_of_them - together(chosen[:k] + chosen[k + 1 :], field) for k in range(len(chosen))]
        k = int(np.argmin(losses))
        if losses[k] > SMALLEST_GAIN * total:
            break
        del chosen[k]
    return chosen
