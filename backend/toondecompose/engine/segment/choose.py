"""Which paths are layers, and in what depth order: the account that codes the shot in the fewest bits.

Every account is an ordered list of paths, with or without redrawn sprites in front. It is labelled quickly at a small
size and charged for all that a decoder would need: each layer's mosaic once, the motions, which layer is seen where
(given every layer's fixed outline on its canvas and the order: a wrong order needs outlines that flicker), what the
mosaics miss, and every redrawn pixel anew. Adding, dropping, exchanging and reordering layers are compared by this one
number. (Minimum description length, Rissanen 1978; for layers, Darrell and Pentland 1995.)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from .bits import picture_bits
from .labels import first_mass, regions_of, solve
from .layers import Rigid
from .lost import lost_sprite, unexplained_bodies
from .parallax import FASTER
from .roles import Traces, trace
from .standing import settle

SEARCH_WIDTH = 128  # px across at which accounts are first compared: outlines and planes, not hair
DECIDE_WIDTH = 240  # px across at which the close ones are compared again
SEARCH_FRAMES = 16  # of the shot, evenly spread, are coded first;
DECIDE_FRAMES = 32  # and when close ones are compared again
LEAST_SHOWN = 4  # of those frames must show each path
TOGETHER = 4  # of them should show each place of a pan, which are
STRETCH = 8  # frames in a row if the whole shot has too few
CLOSE = 0.05  # accounts longer by at most this share are compared again: sizes change their ratio by 3 %
OTHER_BACK = 0.1  # of the same layers before another background: who hides whom shows along outlines, which are coarse
# at the small size, and nothing else goes as wrong as what is behind all others
ONE_MORE = 0.1  # where nobody counted the layers: of those with one sprite more that has a path, whose outline costs
# too much at the small size
MOST_ALL = 9  # accounts up to which every one is tried
MOST_CLOSE = 3  # accounts compared again
MOST_STEPS = 4  # changes of the first account, else
PER_SAMPLE = 10.0  # px that are coded alike: neighbours are not independent, motion parameters are
PARAMETER_BITS = 6.0  # per parameter and frame, to a fraction of a px
MOST_EXTRA = 2  # planes beyond the number asked for, each of which
EXTRA_PAYS = 0.03  # must save this share of the bits
PATH_PAYS = 0.1  # a sprite without a path may take this share more: nothing but colour tells its pixels from another's
RIGID = 0.7  # rigidity of a sprite whose mouth and arms move; of drawings in turn it is less
VOTES_PAY = 0.07  # share of the bits that it counts if a layer was seen to hide one in front of it
BODY = 0.004  # of the frame's area: in a frame of 640 x 360 a compact piece of 30 x 30 px
DEGREES = {"translation": 2, "similarity": 4, "affine": 6, "homography": 8}


@dataclass(frozen=True)
class Account:
    """paths: indices, back to front. redrawn: how many sprites without a path are in front of them, at least.
    extra: how many of the paths are planes beyond the number of layers that was asked for."""

    paths: tuple[int, ...]
    redrawn: int
    extra: int = 0


class Ledger:
    """Bits of accounts at one picture size, each computed once."""

    def __init__(self, frames: torch.Tensor, H: list[np.ndarray], present: list[np.ndarray], degrees: list[int],
                 painted: list[bool], hides: dict[tuple[int, int], float], noise: float,
                 steady: dict[int, float] | None = None, single: set[int] | None = None):
        """steady: the rigidity of what each path shows, 0..1; single: paths of surely one drawing (roles.py). They
        are charged less only in accounts of the number of layers asked for: a further one must pay in full."""
        self.steady, self.single = steady or {}, single or set()
        self.frames, self.H, self.present, self.degrees, self.noise = frames, H, present, degrees, noise
        self.painted, self.hides = painted, hides
        self.traces: Traces = trace(frames, H, present, noise)
        self.texture = self.traces.texture_bytes
        self.regions = regions_of(self.texture)
        self.known: dict[Account, float] = {}

    def rigid(self, paths: tuple[int, ...]) -> Rigid:
        return Rigid([self.H[i] for i in paths], [self.present[i] for i in paths], [self.painted[i] for i in paths])

    def labelled(self, account: Account) -> tuple[torch.Tensor, torch.Tensor, Rigid]:
        """A quick labelling: what labels.solve gives."""
        first = first_mass(self.traces, list(account.paths), account.redrawn > 0)
        # some accounts differ by a few per cent only: an outline a pixel wider would decide between them
        return solve(self.frames, self.rigid(account.paths), first, self.noise, account.redrawn > 0, rounds=2,
                     texture=self.texture, regions=self.regions, everywhere=True)

    def loose(self, path: int) -> float:
        """How little of what a path shows stays on it: 0 for one drawing, 1 if nothing does."""
        return max(0.0, 1 - self.steady.get(path, 1.0) / RIGID)

    def bits(self, account: Account) -> float:
        if account not in self.known:
            p, mass, rigid = self.labelled(account)
            motion = PER_SAMPLE * PARAMETER_BITS * sum(self.degrees[i] for i in account.paths) * len(self.frames)
            bits = motion + picture_bits(self.frames, rigid, p, mass, self.noise,
                                         [i in self.single and not account.extra for i in account.paths],
                                         [self.loose(i) for i in account.paths])
            against = sum(self.hides[back, front] for back, front in itertools.combinations(account.paths, 2))
            # a path that little stays on tells as little as none
            loose = sum(self.loose(i) for i in account.paths)
            self.known[account] = bits * (1 + EXTRA_PAYS * account.extra + PATH_PAYS * (account.redrawn + loose)
                                          + VOTES_PAY * against)
        return self.known[account]


def sampled(present: list[np.ndarray], most: int, apart: float = np.inf) -> np.ndarray:
    """Frames to code: `most` of them, evenly spread, and more where a path is there so briefly that they miss it.

    apart: frames after which a pan shows so much else that few of the samples would show a place together. Where evenly
    spread ones are farther apart, a few stretches of the shot are coded instead of all of it."""

    def spread(frames: np.ndarray, number: int) -> np.ndarray:
        return frames[np.unique(np.linspace(0, len(frames) - 1, min(len(frames), number)).round().astype(int))]

    count = len(present[0])
    some = spread(np.arange(count), most)
    if (count - 1) / max(len(some) - 1, 1) > apart:
        stretch = max(1, int(apart)) * np.arange(STRETCH)
        some = np.unique([t + stretch for t in spread(np.arange(max(1, count - stretch[-1])), most // STRETCH)])
        some = some[some < count]
    for on in present:
        if on[some].sum() < LEAST_SHOWN:
            some = np.union1d(some, spread(np.flatnonzero(on), LEAST_SHOWN))
    return some


def largest_body(ledger: Ledger, paths: tuple[int, ...]) -> float:
    """The largest compact piece of a frame that is none of the layers', as a share of its area, median over frames.

    Bits alone let walkers go in front of a busy painting: drawn anew in every frame they cost as much as what they miss
    of the painting. But nothing else leaves a body of such a size unexplained all through a shot.
    """
    rigid = ledger.rigid(paths)
    first = first_mass(ledger.traces, list(paths), True)
    settle(first, ledger.frames, rigid.H, rigid.present, [k for k, plane in enumerate(rigid.painted) if plane],
           [ledger.traces.share[i] for i in paths], ledger.texture, ledger.noise)
    p, mass, rigid = solve(ledger.frames, rigid, first, ledger.noise, True, rounds=2, texture=ledger.texture,
                           regions=ledger.regions, everywhere=True)
    bodies = unexplained_bodies(ledger.frames, rigid, p, mass, ledger.noise, True)
    return float(np.median(bodies)) / ledger.texture[0].numel()


def lost_path(ledger: Ledger, account: Account) -> int | None:
    """The path that lost its sprite on the way, of an account without redrawn sprites, if one did."""
    if account.redrawn or all(ledger.painted[i] for i in account.paths[1:]):
        return None
    p, mass, rigid = ledger.labelled(account)
    label = lost_sprite(ledger.frames, rigid, p, mass, ledger.noise)
    return None if label is None else account.paths[label]


def further_planes(paths: tuple[int, ...], wide: set[int], speed: list[float]) -> list[int]:
    """Which layers of an account, back to front, may be planes in front of its background: wide ones that slide no
    slower, as what is nearer does. A head in close-up is wide, too, but it stays while the painting behind it slides.

    speed: of every path (parallax.speeds)."""
    return [i for i in paths[1:] if i in wide and speed[i] >= (1 - FASTER) * speed[paths[0]]]


def accounts(kept: list[int], count: int | None, wide: set[int], backs: set[int], speed: list[float]) -> list[Account]:
    """All accounts of `count` layers (None: any number); a redrawn label stands for all that are missing.

    wide: paths that may be planes. Nobody counts the planes of a painted set, so there may be more of them.
    backs: paths that may be the background. speed: of every path.
    """
    out = []
    for size in range(1, len(kept) + 1):
        for paths in (one for one in itertools.permutations(kept, size) if one[0] in backs):
            for redrawn in (False, True):
                extra = 0 if count is None else max(0, size + redrawn - count)
                missing = int(redrawn) if count is None or not redrawn else max(1, count - size)
                enough = count is None or redrawn or size >= count
                if enough and extra <= min(len(further_planes(paths, wide, speed)), MOST_EXTRA):
                    out.append(Account(paths, missing, extra))
    return out


def _neighbours(account: Account, every: list[Account]) -> list[Account]:
    """Accounts that differ by one layer added, dropped or exchanged, by two neighbours in depth, or by redrawing."""

    def near(one: Account) -> bool:
        a, b = account.paths, one.paths
        if len(a) == len(b):
            return sum(x != y for x, y in zip(a, b, strict=True)) <= 2
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))

    return [one for one in every if one != account and near(one)]


def search(ledger: Ledger, guesses: list[tuple[int, ...]], every: list[Account]) -> list[Account]:
    """Accounts compared, the shortest first, starting from the shortest one of guesses that are roughly right."""
    if len(every) <= MOST_ALL:
        for account in every:
            ledger.bits(account)
    else:
        starts = {min(every, key=lambda one: (one.paths != guess, len(one.paths))) for guess in guesses}
        best = min((one for one in every if one in starts), key=ledger.bits)
        for _ in range(MOST_STEPS):
            better = min([best, *_neighbours(best, every)], key=ledger.bits)
            if better == best:
                break
            best = better
    return sorted((one for one in ledger.known if one in every), key=ledger.bits)


def choose(small: Ledger, fine: Callable[[], Ledger], guesses: list[tuple[int, ...]], every: list[Account],
           free: bool = False) -> tuple[Account, float, str]:
    """-> (the account chosen, how surely its background is the right one 0..1, a note for the report).

    free: nobody said how many layers there are, so what is left unexplained may be one more.
    """
    if len(every) == 1:
        return every[0], 1.0, f"layers {list(every[0].paths)}: nothing else was possible"
    ranked = search(small, guesses, every)
    # the order of the same sprites over the same background is asked again later, where their outlines meet
    alike = {(one.paths[0], frozenset(one.paths), one.redrawn): one for one in reversed(ranked)}

    def limit(one: Account) -> float:
        first = ranked[0]
        if one.paths[0] != first.paths[0] and set(one.paths) == set(first.paths) and one.redrawn == first.redrawn:
            return OTHER_BACK
        one_more = len(one.paths) == len(first.paths) + 1 and set(one.paths) > set(first.paths)
        return ONE_MORE if free and one_more and one.redrawn and first.redrawn else CLOSE

    close = [one for one in ranked
             if one in alike.values() and small.bits(one) <= (1 + limit(one)) * small.bits(ranked[0])]
    close = close[:MOST_CLOSE]
    ledger = small
    if len(close) > 1:
        ledger = fine()
        ranked = sorted(close, key=ledger.bits)
    best = ranked[0]
    other = [ledger.bits(one) for one in ranked if one.paths[0] != best.paths[0]]
    # a tenth more bits is as clear as it gets: the rest is what all accounts share
    sure = float(np.clip((min(other) / ledger.bits(best) - 1) / 0.1, 0.1, 1.0)) if other else 1.0
    note = ", ".join(f"{list(one.paths)}{'+' if one.redrawn else ''} {ledger.bits(one) / 1000:.0f}"
                     for one in ranked[:3])
    redrawn = Account(best.paths, 1)
    lost = lost_path(small, best)
    without = [one for one in every if lost not in one.paths]
    if lost is not None and any(one.redrawn and set(one.paths) == set(best.paths) - {lost} for one in without):
        guesses = [tuple(i for i in guess if i != lost) for guess in guesses]
        best, sure, note = choose(small, fine, guesses, without, free)
        return best, sure, f"{note}; path {lost} loses its sprite"
    if free and not best.redrawn and redrawn in every and largest_body(small, best.paths) >= BODY:
        best, note = redrawn, note + "; and bodies that none of them explains"
    return best, sure, f"kilobits: {note}"
