"""Pairs of frames: lay one cut-out on the other in the simplest motion that fits, and say whether the drawing is
the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from .align import CAPS, Points, align, choose_points, project
from .cluster import CERTAIN
from .compare import (
    BLOB,
    BLOB_SHARE,
    FORGIVEN,
    MOST_FORGIVEN,
    TYPICAL_FACTOR,
    Difference,
    compare_drawings,
    compare_strictly,
)
from .patches import Patch, without_background
from .pixels import shift

SOFT_BLUR = 3.0  # px: a first alignment on blurred pictures forgives several px (rotation, scale) at the rim
SOFT_CAPS = (40.0, 24.0, 16.0)
FITS = 0.6  # share of the points that agree where a drawing lies on itself, but for a part
ENOUGH, MOST_ASKED = 4, 24  # pairs of one drawing that are asked whether it only slides
SLIDING = 0.15  # working px a frame that a corner of a sliding picture seems to move besides: noise
BENT = 1.0  # px by which a rigid motion or a plane's takes a sprite's corners further than a shift
# A pair of one drawing may deviate so many times as much as nine tenths of the cut-outs do from a frame next to them.
SLACK, HELD_SHARE = 2.0, 90
# Of so many patches what an alignment needs is kept, of more it is made again: as many as fit into some memory, each
# with this much of points, and per px with a soft picture and masks.
KEPT, KEPT_BYTES, POINT_BYTES, PX_BYTES = 40, 64 * 2**20, 300_000, 6
RESTING = 32  # comparisons after which the memory of patches on a shelf is given back
LEAST_SHARE = 0.15  # of the larger cut-out must be seen in both, or nothing is said


@dataclass
class Book:
    """All that is known about pairs of one sprite's cut-outs.

    score float64 [n, n]: 0 = same drawing, 1 = undecided, more = different, nan = unknown. link: (i, j) -> 3x3, px of
    patch i -> px of patch j. dof: (i, j) -> degrees of freedom of that motion beyond the start's. share float64 [n, n]:
    part of the larger cut-out that both show. fit float64 [n, n]: part of the compared pixels that agree.
    threshold: blob size (levels x px^2) at which a pair is undecided; compression noise comes in blobs too.
    tried: (i, j) -> 3x3, where a chain of good pairs put j's picture when the pair was last compared there.
    inner: float64 [n, n], as score, told by the largest difference deep inside the masks.
    differing: int64 [n, n], pixels that differ before the background is asked.
    deviation: float64 [n, n], how far the pixels of a pair are off on the whole (compare.Difference), nan = unknown.
    forgiven: share of the colour range around a pixel that a pair is forgiven at most.
    planes: motions behind the sprite, float64 [T, 3, 3], canvas -> frame, working px, each with bool [T], present.
    solved: the patches' plates were solved for, not gathered around rough masks.
    unsure: of a patch, where its plate shows what was guessed, uint8 [h, w]; None: nowhere. certain: of a translucent
    sprite, the patches without that. untold: pairs that differ where so little is certain that nothing is said of them.
    points, soft, soft_points: what is kept of patches that were compared lately; looked: which ones, in that order, and
    looks: how often; room: of how many patches. rest: gives the memory back of patches that lie on a shelf.
    """

    patches: list[Patch]
    noise: float
    leak: float = 0.0
    planes: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    solved: bool = False
    unsure: Callable[[Patch], np.ndarray] | None = None
    certain: list[Patch] = field(default_factory=list)
    untold: set[tuple[int, int]] = field(default_factory=set)
    score: np.ndarray = field(init=False)
    share: np.ndarray = field(init=False)
    fit: np.ndarray = field(init=False)
    inner: np.ndarray = field(init=False)
    deviation: np.ndarray = field(init=False)
    differing: np.ndarray = field(init=False)
    forgiven: float = MOST_FORGIVEN
    link: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    threshold: float = field(init=False)
    dof: dict[tuple[int, int], int] = field(default_factory=dict)
    points: dict[int, Points] = field(default_factory=dict)
    soft: dict[int, np.ndarray] = field(default_factory=dict)
    soft_points: dict[int, Points] = field(default_factory=dict)
    tried: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    looked: dict[int, None] = field(default_factory=dict)
    looks: int = 0
    room: int = field(init=False)
    rest: Callable[[], None] = lambda: None

    def __post_init__(self):
        self.score = np.full((len(self.patches), len(self.patches)), np.nan)
        np.fill_diagonal(self.score, 0.0)
        self.share = np.zeros_like(self.score)
        self.fit = np.ones_like(self.score)
        self.inner = np.zeros_like(self.score)
        self.deviation = np.full_like(self.score, np.nan)
        self.differing = np.zeros(self.score.shape, np.int64)
        usual = float(np.median([p.area for p in self.patches])) if self.patches else 0.0
        self.threshold = max(BLOB, BLOB_SHARE * usual) * (1 + self.noise)
        largest = max((p.body.size for p in self.patches), default=0)
        self.room = max(KEPT, KEPT_BYTES // (POINT_BYTES + PX_BYTES * largest))

    def take_off(self, leak: float) -> None:
        """Take the background off a translucent sprite's patches and forget what was known about pairs."""
        self.leak = leak
        if self.unsure is not None:
            self.certain = [without_background(p, leak, self.unsure(p)) for p in self.patches]
        self.patches = [without_background(p, leak) for p in self.patches]
        for kept in (self.link, self.dof, self.points, self.soft, self.soft_points, self.tried, self.untold):
            kept.clear()
        self.__post_init__()

    def forget(self, i: int) -> None:
        """What was kept of a patch that has changed."""
        for kept in (self.points, self.soft, self.soft_points):
            kept.pop(i, None)
        for kept in ("masks", "box"):
            self.patches[i].__dict__.pop(kept, None)

    def compared(self, i: int, j: int) -> None:
        """Two patches were looked at: what was kept of those that have not been for long is let go, so that memory does
        not grow with the shot."""
        for k in (i, j):
            self.looked.pop(k, None)
            self.looked[k] = None
        while len(self.looked) > self.room:
            old = next(iter(self.looked))
            del self.looked[old]
            self.forget(old)
        self.looks += 1
        if self.looks % RESTING == 0:
            self.rest()


def settle(book: Book) -> None:
    """Forgive no pair more than the held frames of this sprite show, and compare again what was forgiven more.

    Frames that show the same drawing as the frame beside them deviate by what motion blur, compression and placement
    do. Where no drawing is held, neighbours deviate by their drawings and nothing is learnt.
    """
    off = np.where(np.isnan(book.deviation), np.inf, book.deviation)
    np.fill_diagonal(off, np.inf)
    own = off.min(1)
    own = own[np.isfinite(own)]
    if len(own) < ENOUGH:
        return
    held = SLACK * float(np.percentile(own, HELD_SHARE))
    book.forgiven = float(np.clip(TYPICAL_FACTOR * held, FORGIVEN, MOST_FORGIVEN))
    for i, j in sorted(book.link):
        if (i < j and book.score[i, j] < CERTAIN
                and min(TYPICAL_FACTOR * book.deviation[i, j], MOST_FORGIVEN) > book.forgiven):
            book.compared(i, j)
            blob, inner = compare_strictly(book.patches[i], book.patches[j], book.link[i, j], 0.5 * book.noise,
                                           book.forgiven)
            book.score[i, j] = book.score[j, i] = blob / book.threshold
            book.inner[i, j] = book.inner[j, i] = inner / book.threshold


def alignment_weight(patch: Patch) -> np.ndarray:
    """The sure pixels, and a little the rim, so that outlines take part."""
    return patch.inside + np.float32(0.3) * (patch.body & patch.valid & (1 - patch.inside))


def own_points(book: Book, i: int) -> Points:
    """Points of patch i for fine alignment (kept)."""
    if i not in book.points:
        book.points[i] = choose_points(book.patches[i].smooth, alignment_weight(book.patches[i]), 1500)
    return book.points[i]


def own_soft(book: Book, i: int) -> np.ndarray:
    """Patch i's picture for a first, forgiving alignment (kept)."""
    if i not in book.soft:
        book.soft[i] = cv2.GaussianBlur(book.patches[i].smooth, (0, 0), SOFT_BLUR)
    return book.soft[i]


def own_soft_points(book: Book, i: int) -> Points:
    """Points of that picture (kept)."""
    if i not in book.soft_points:
        book.soft_points[i] = choose_points(own_soft(book, i), alignment_weight(book.patches[i]), 800, 0.7)
    return book.soft_points[i]


def match(book: Book, i: int, j: int, start: np.ndarray, dofs: tuple[int, ...], below: float = np.inf,
          least: float = LEAST_SHARE) -> None:
    """Align patch i to patch j from `start` (i's px -> j's px) and note the pair if it is better than what is known.

    dofs: motions to try, simplest first; a later one is tried only while the pair does not look the same.
    below: only a score below it is noted (a mirrored start that fails says nothing about the pair), and only where so
    much (`least`) of the larger cut-out is seen in both.
    """
    a, b = book.patches[i], book.patches[j]
    book.compared(i, j)
    known = book.score[i, j]
    H = start
    for k, dof in enumerate(dofs):
        if dof == 0:
            found, agree = start, 1.0
        else:
            found, agree = H, 0.0
            if dof == 2:
                found, _, agree = align(own_points(book, i), b.smooth, b.valid, H, dof, CAPS)
            if agree < FITS:  # a start that is off by more than a line's width: blurred pictures catch it
                soft, _, _ = align(own_soft_points(book, i), own_soft(book, j), b.valid, H, dof, SOFT_CAPS)
                better, _, agree2 = align(own_points(book, i), b.smooth, b.valid, soft, dof, CAPS)
                if agree2 > agree:
                    found, agree = better, agree2
        if agree > 0 and sane(found, start):
            seen = compare_drawings(a, b, found, 0.5 * book.noise, book.forgiven, CERTAIN * book.threshold)
            if book.certain and seen.blob >= book.threshold:
                seen = without_guesses(book, i, j, found, seen)
                if seen.share == 0:
                    book.untold.add((i, j))
            score = seen.blob / book.threshold
            if seen.share >= least and score < below and not score >= known:
                known = score
                book.score[i, j] = book.score[j, i] = score
                book.share[i, j] = book.share[j, i] = min(1.0, seen.share)
                book.fit[i, j] = book.fit[j, i] = seen.fit
                book.inner[i, j] = book.inner[j, i] = seen.inner / book.threshold
                book.deviation[i, j] = book.deviation[j, i] = seen.deviation
                book.differing[i, j] = book.differing[j, i] = seen.differing
                book.link[i, j], book.link[j, i] = found, np.linalg.inv(found)
                book.dof[i, j] = book.dof[j, i] = dof
            if score < 1:
                break
            H = found if agree > 0.3 and k == 0 else start


def without_guesses(book: Book, i: int, j: int, H: np.ndarray, seen: Difference) -> Difference:
    """What is left of a difference `seen` between two exposures of a translucent sprite where nothing shines through
    that was guessed. Where too little is left of both, they share nothing that could be compared."""
    a, b = book.certain[i], book.certain[j]
    if a.area < LEAST_SHARE * book.patches[i].area or b.area < LEAST_SHARE * book.patches[j].area:
        return replace(seen, share=0.0)
    sure = compare_drawings(a, b, H, 0.5 * book.noise, book.forgiven, CERTAIN * book.threshold)
    if sure.share < LEAST_SHARE:
        return replace(seen, share=0.0)
    return sure if sure.blob < seen.blob else seen


def bends(book: Book, known: list[np.ndarray | None]) -> bool:
    """Whether the sprite's rigid motion, or a plane behind it, turns the sprite or changes its size while it is seen: a
    camera that zooms also does so to drawings that stand still from frame to frame.

    known: per patch 3x3, canvas px -> patch px, from the rigid motion, or None.
    """
    on = [k for k, m in enumerate(known) if m is not None]
    links = [(book.patches[on[0]], known[k] @ np.linalg.inv(known[on[0]])) for k in on[1:]]
    for motion, present in book.planes:
        there = [p for p in book.patches if present[p.frame]]
        links += [(there[0], motion[p.frame] @ np.linalg.inv(motion[there[0].frame]) @ shift(*there[0].origin))
                  for p in there[1:]]
    return any(bent(H, patch) > BENT for patch, H in links)


def bent(H: np.ndarray, patch: Patch) -> float:
    """How far a motion takes the corners of a patch from where a shift alone would, px."""
    h, w = patch.inside.shape
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64)
    moved = project(H, corners) - corners
    return float(np.abs(moved - moved.mean(0)).max())


def bending(book: Book, pairs: list[tuple[int, int]]) -> int:
    """Degrees of freedom with which one drawing's pictures in the pairs move: 2 if all that look the same only slide,
    else 8 (a turn or a change of size too small to see between neighbours adds up between others)."""
    same = [(i, j) for i, j in pairs if book.score[i, j] < 1]
    if len(same) < ENOUGH:
        return 8
    moved = []
    for i, j in same[:: -(-len(same) // MOST_ASKED)]:
        a, b = book.patches[i], book.patches[j]
        link = book.link[i, j]
        found, residual, agree = align(own_points(book, i), b.smooth, b.valid, link, 4, CAPS)
        if np.isfinite(residual) and agree > 0.3:
            moved.append(bent(found, a) / (j - i))
    return 2 if len(moved) >= ENOUGH and np.percentile(moved, 90) < SLIDING else 8


def sane(H: np.ndarray, start: np.ndarray) -> bool:
    """A refinement that changes the start's scale by more than a half has lost the drawing."""
    change = abs(np.linalg.det(H[:2, :2]) / np.linalg.det(start[:2, :2]))
    return bool(np.isfinite(H).all() and 0.5 < change < 2.0)
