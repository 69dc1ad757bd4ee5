"""Which motions explain the shot: found one after another, then every one is refitted beside the others.

The currency is saved bits: what knowing a path's mosaic saves on coding the texture of every frame anew, less what the
path's parameters cost. It decides between seeds, between motion models and whether a path is worth having.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .candidate import Candidate, propose, settled
from .exchange import exchange
from .field import Field
from .follow import apart, believe
from .groups import MODELS, apply
from .parallax import planes
from .pieces import rigid_pieces
from .regained import regained

PARAMETER_BITS = 60.0  # 6 bits per parameter and frame, and 10 neighbouring pixels make one independent observation
SEARCH_MODELS = (2, 4, 8)
RICHER = 1.004  # a model with more parameters must save this much more
MOST_PATHS = 8
SMALLEST_GAIN = 0.02  # of all bits: less is a coincidence
HOPELESS = 0.15  # of the smallest gain: where the middle of the shot shows so little, the rest shows no more
NOT_YET = 0.5  # of the smallest gain: settling on its mosaic does not double what a path explains
GOOD_SEED = 0.25  # of the bits that are free: a path that explains so much was followed from a good frame
CARRIED = 0.7  # how far a point that flow saw moving with a path is that path's
# Times what all paths save: half of what a path of its own must. A walk's body that is followed for a few frames more
# saves less, and only makes one drawing likelier than the several it is.
FOUND_AGAIN = 1 + SMALLEST_GAIN / 2
# Of what a path saves in its better frames: it had gone over to something else altogether in frames that save less than
# the one, and shows its sprite again where all of them save more than the other. Between them are a walker's frames,
# whose body alone is followed.
ELSEWHERE, AS_USUAL = 0.3, 0.6
DISPUTED = 0.15  # of what a path explains: if other paths claim more of it, it is followed again without them
ALIKE = 0.9  # of the best candidate's worth: drift of the chain hides such differences
SAME = 0.5  # px at search size: paths nearer than this over most of the clip are one path
# A layer is seen in places, and saves there together what it saves px by px. A slide that a painting's perspective has,
# too, in the mean saves on px here and there by chance: over squares of so many px less than this share of it.
SQUARE, SCATTERED = 16, 0.35
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
        free = [np.clip(f * (1 - TAKEN * e), 0, 1) for f, e in zip(free, c.around(field), strict=True)]
        if c.belief:  # a redrawn sprite has no mosaic, but flow saw it move along for a while
            free = [f * (1 - CARRIED * np.clip(2 * b - 1, 0, 1)) for f, b in zip(free, c.belief, strict=True)]
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
                   refs: list[int], chosen: list[Candidate], pieces: bool = True,
                   slides: dict[float, Candidate | None] | None = None) -> tuple[Candidate | None, bool]:
    """The best path through what is free, settled on its mosaic (None if nothing worth having can be followed), and
    whether pieces of the picture may be worth trying again.

    chosen: the paths found before: parallax planes of the first are tried first, and (with `pieces`) pieces of the
    picture that none explains if flow finds little. slides: the planes of the same first path measured so far. Richer
    models are tried while they pay, the other frames of refs if most of what is free stays unexplained.
    """
    best, best_worth = None, 0.0
    least = SMALLEST_GAIN * whole(field)
    left = sum(float((p.bits * f).sum()) for p, f in zip(field.points, free, strict=True))
    if left < least:
        return None, False
    if chosen:
        for c in planes(field, chosen[0], free, models[0], slides):
            if worth(c, free, field) > best_worth:
                best, best_worth = c, worth(c, free, field)
    for ref in refs:
        if ref != refs[0] and (best_worth > min(GOOD_SEED * left, 3 * least) or best_worth < HOPELESS * least):
            break
        tried = 0.0
        for dof in models if ref == refs[0] else (best.dof if best else models[0],):
            c = propose(field, ref, dof, free, rng)
            if c is None:
                continue
            value = worth(c, free, field)
            if value > best_worth * (RICHER if best and dof > best.dof else 1.0):
                best, best_worth = c, value
            elif value < tried * RICHER:  # a similarity that sees no more than a translation: no perspective either
                break
            tried = max(tried, value)
    if pieces and chosen and best_worth < GOOD_SEED * left and left > 2 * least:
        pieces = False
        for c in rigid_pieces(field, chosen, free, refs, min(4, max(models)), rng):
            if worth(c, free, field) > max(best_worth, least):
                best, best_worth, pieces = c, worth(c, free, field), True
            if best_worth > GOOD_SEED * left:
                break
    if chosen and best_worth < least:
        # a small sprite among what is left over of a large layer: all that moves along with a known path is put aside
        moving = apart(field, [c.H for c in chosen], free)
        if sum(float((p.bits * f).sum()) for p, f in zip(field.points, moving, strict=True)) > least:
            own = rng.spawn(1)[0]  # where nothing comes of it, all else is as if it had not been tried
            for ref in refs:
                c = propose(field, ref, models[0], moving, own, True)
                if c is not None and worth(c, free, field) > best_worth:
                    best, best_worth = c, worth(c, free, field)
    if best is None or best_worth < NOT_YET * least:
        return None, pieces
    if not best.belief:
        best.belief = believe(field, best.H, free)
    better = settled(best, best.dof, field, _weights(best, free))
    if better is not None and worth(better, free, field) > best_worth:
        better.belief, better.followed = best.belief, best.followed
        return better, pieces
    return best, pieces


def seeds(field: Field) -> list[int]:
    """Frames from which layers are followed: the middle sees most of a shot, the quarters what enters and leaves.
    Black and empty frames show nothing to follow."""
    count = field.count
    shown = np.array([p.bits.sum() for p in field.points])
    full = np.flatnonzero(shown >= 0.5 * np.median(shown))
    return list(dict.fromkeys(int(full[np.abs(full - t).argmin()]) for t in (count // 2, count // 4, 3 * count // 4)))


def search(field: Field, wanted: int | None, motion_model: str, rng: np.random.Generator,
           tick: Callable[[float], None], stop: Callable[[], bool]) -> list[Candidate]:
    """All paths worth having, best first. wanted: number of layers asked for, or None."""
    models = SEARCH_MODELS if motion_model == "auto" else (MODELS[motion_model],)
    total = whole(field)
    chosen: list[Candidate] = []
    pieces, slides = True, {}
    limit = MOST_PATHS if wanted is None else min(MOST_PATHS, wanted + 2)
    for k in range(limit):
        if stop():
            return chosen
        free = without(field, chosen)
        c, pieces = best_candidate(field, free, models, rng, seeds(field), chosen, pieces, slides)
        tick(0.8 * (k + 1) / limit)
        if c is None or worth(c, free, field) < SMALLEST_GAIN * total:
            break
        chosen.append(c)
    if not chosen and not stop():
        return by_flow_alone(field, models, rng)
    chosen = exchange(chosen, field, together)
    return refit(field, chosen, models, rng, tick, stop)


def followed_on(chosen: list[Candidate], field: Field) -> list[Candidate]:
    """The paths, each with the frames in which it lost its sprite if that saves more beside the others."""
    out = list(chosen)
    for k, c in enumerate(chosen if len(chosen) > 1 else []):
        others = out[:k] + out[k + 1 :]
        free = without(field, others)
        longer = regained(c, field, free)
        if longer is None:
            continue
        more = together([*others, longer], field) / together(out, field)
        if more > FOUND_AGAIN or (more > 1 and _as_usual(c, longer, free)):
            longer.belief, longer.followed = believe(field, longer.H, free), c.followed
            out[k] = longer
    return out


def _as_usual(c: Candidate, longer: Candidate, free: list[np.ndarray]) -> bool:
    """Whether a path saves as much in the frames that are found again as it does in those that it had, and was
    elsewhere in them before."""
    before, after = (np.array([float((b * f).sum()) for b, f in zip(x.bits, free, strict=True)]) for x in (c, longer))
    found = (np.abs(longer.H - c.H) > 0).any((1, 2))
    usual = np.quantile(before, 0.8)
    return bool(found.any() and (before[found] < ELSEWHERE * usual).all() and (after[found] > AS_USUAL * usual).all())


def by_flow_alone(field: Field, models: tuple[int, ...], rng: np.random.Generator) -> list[Candidate]:
    """The dominant motion of a shot whose frames share no mosaic (a fade, flicker, everything redrawn), if flow
    sees one: most points must follow it."""
    everything = [np.ones(len(p.at)) for p in field.points]
    c = propose(field, seeds(field)[0], models[0], everything, rng)
    if c is None or not sum(len(b) for b in c.belief):
        return []
    share = np.concatenate([p.share for p in field.points])
    belief = np.concatenate(c.belief)
    return [c] if float((belief * share).sum()) > 0.5 * float(share.sum()) else []


def refit(field: Field, chosen: list[Candidate], models: tuple[int, ...], rng: np.random.Generator,
          tick: Callable[[float], None], stop: Callable[[], bool]) -> list[Candidate]:
    """Every path followed again through what the others leave, kept where the set as a whole saves more.

    The first path was found in the mixture of all layers; beside the others it may turn out simpler.
    """
    if len(chosen) < 2:
        return chosen
    for k in range(len(chosen)):
        if stop():
            break
        others = chosen[:k] + chosen[k + 1 :]
        free = without(field, others)
        shared = 1 - sum(float((b * f).sum()) for b, f in zip(chosen[k].bits, free, strict=True)) / chosen[k].gain
        if shared < DISPUTED or not chosen[k].followed:
            continue
        proposals = [propose(field, chosen[k].ref, d, free, rng) for d in models if d <= max(chosen[k].dof, 4)]
        proposals = [c for c in proposals if c is not None]
        best = max((worth(c, free, field) for c in proposals), default=0.0)
        for c in proposals:
            if worth(c, free, field) < ALIKE * best:  # only settling tells near ones apart
                continue
            better = settled(c, c.dof, field, _weights(c, free)) or c
            better.belief = c.belief
            if together([*others, better], field) > together(chosen, field):
                chosen[k] = better
        tick(0.8 + 0.2 * (k + 1) / len(chosen))
    return chosen


def simplest(c: Candidate, others: list[Candidate], field: Field) -> Candidate:
    """The path in the smallest group that explains it: richer ones must pay for their parameters."""
    free = without(field, others)
    best, best_value = c, together([*others, c], field)
    allowed = (RICHER - 1) * max(worth(c, free, field), 0.0)
    for dof in (d for d in (6, 4, 2) if d < c.dof):
        simpler = settled(c, dof, field, _weights(c, free))
        if simpler is None:
            continue
        value = together([*others, simpler], field)
        if value + allowed < best_value:
            break
        best, best_value = simpler, max(value, best_value)
        best.belief, best.followed = c.belief, c.followed
    return best


def pruned(chosen: list[Candidate], field: Field, least: float = SMALLEST_GAIN) -> list[int]:
    """Which paths stay when those that the others make superfluous, or that save by chance only, are left out one
    after another."""
    total, stay = whole(field), list(range(len(chosen)))
    for k in sorted(stay, key=lambda k: chosen[k].gain):
        if any(same_motion(chosen[k], chosen[j], field) for j in stay if j != k):
            stay.remove(k)
    while len(stay) > 1:
        everything = together([chosen[k] for k in stay], field)
        losses = [everything - together([chosen[k] for k in stay if k != j], field) for j in stay]
        weak = [k for k, loss in enumerate(losses) if loss <= least * total or in_squares(
            chosen[stay[k]], [chosen[j] for j in stay if j != stay[k]], field) < SCATTERED * loss]
        if not weak:
            break
        del stay[min(weak, key=lambda k: losses[k])]
    return stay


def in_squares(one: Candidate, others: list[Candidate], field: Field) -> float:
    """What a path saves beside others, less its cost, if every square of the picture is coded with one path."""
    columns = -(-field.size[0] // SQUARE)
    more = -cost(one.dof, field.count)
    for t, points in enumerate(field.points):
        x, y = (points.at / SQUARE).astype(int).T
        own, *known = (np.bincount(y * columns + x, c.bits[t], minlength=1) for c in (one, *others))
        more += float(np.maximum(own - np.max(known, 0), 0).sum())
    return more


def same_motion(a: Candidate, b: Candidate, field: Field) -> bool:
    """Whether two paths are one: where the weaker one explains something, both move alike through the whole clip."""
    weaker = min(a, b, key=lambda c: c.gain)
    frames = np.flatnonzero(weaker.present)
    anchor = int(frames[np.abs(frames - weaker.ref).argmin()]) if len(frames) else weaker.ref
    apart = []
    for t in frames:
        at = field.points[t].at[weaker.bits[t] > 0][::8]
        if t == anchor or not len(at):
            continue
        other = b if weaker is a else a
        start = apply(weaker.H[anchor] @ np.linalg.inv(weaker.H[t]), at)
        there = apply(other.H[t] @ np.linalg.inv(other.H[anchor]), start)
        apart.append(float(np.median(np.linalg.norm(there - at, axis=1))))
    return not apart or float(np.quantile(apart, 0.8)) < SAME
