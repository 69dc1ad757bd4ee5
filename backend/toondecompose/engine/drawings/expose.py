"""The exposure sheet of one sprite: which frames show the same drawing, and where each exposure lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np

from ..clip import FrameSource
from ..types import ExposureSheet, LayerPath, PairsTold
from .align import DOF
from .anywhere import place_anywhere
from .canvas import canvas_points, full_patch, place_on, refine, window
from .cluster import renumber
from .common import Kept, common_canvas, fit_canvas, kept, transitions
from .fading import fades, unfaded
from .followed import followed, unmirrored, unstrayed
from .match import Book
from .models import choose_model, chosen, needed
from .patches import HELD, Patch, cut_patches, near_guesses
from .pixels import shift
from .poses import continued, reach
from .recall import certain, recall
from .remnants import (
    TELLING,
    crumb_frames,
    cut_frames,
    foreign_from,
    likely,
    near_in_time,
    place_remnant,
    place_together,
    shown_in,
    shows_the_same,
    spoils_from,
    weak_frames,
)
from .sheet import STRAYED, find_groups, trees
from .small import compared_size, resized

MOST_KEPT, KEPT_BYTES = 24, 300e6  # exposures of one drawing held at full size: more hardly better their mean
CUT_BYTES = 24  # per px of a cut-out: float32 colour and masks
HELD_REACH = 2.0  # full px: how far off its neighbour's place a held exposure is looked for
# times that what no drawing explains waits for the frames around it: a sprite that comes to pieces would wait for ever
RETRIES = 3
LEAST_AREA = 12.0  # sure working px: a smaller remnant says nothing about its drawing


def patch_frame(patch: Patch, size: tuple[int, int], working: tuple[int, int]) -> np.ndarray:
    """3x3: patch px -> full-resolution frame px."""
    sx, sy = size[0] / working[0], size[1] / working[1]
    return np.diag([sx, sy, 1.0]) @ shift(*patch.origin)


def expose(source: FrameSource, masks: np.ndarray, scale: float, *, path: LayerPath | None = None,
           hidden: np.ndarray | None = None, motion_model: str = "auto", plate=None, seed: int = 0,
           device: str = "cpu", progress=None, cancelled=None, planes: Sequence[LayerPath] = (),
           noise: float | None = None, shown: Sequence[np.ndarray] = (), told: PairsTold | None = None, unsure=None
           ) -> ExposureSheet:
    """Find one sprite's drawings and where they are exposed.

    masks: uint8 [T, hs, ws], the visible soft mask at working size. scale: working px per full px.
    path: the sprite's rigid motion if it has one. hidden: uint8 [T, hs, ws], where something in front may hide it.
    motion_model: 'auto' (the simplest with evidence) or the most that is allowed.
    plate: callable (t, (width, height)) -> (RGB [h, w, 3], known [h, w]) of that size, the background in frame t
        without the sprite, or None.
    planes: motions of the planes behind, so that background inside a rough mask is not taken for a changed drawing.
    shown: uint8 [T, h, w] of any size for each of the planes, where it is seen; none: wherever nothing else is.
    noise: of the shot at working size, grey levels rms; None: as far as single frames tell.
    told: what an earlier look at the same frames was certain of.
    unsure: callable (t, (width, height)) -> uint8 [h, w] of that size, not 0 where the plate shows what was guessed
        (other sprites that are redrawn), or None.
    progress: callable(fraction 0..1). cancelled: callable -> bool. Nothing is random; seed is kept for the contract.
    """
    count = len(masks)
    ws, hs = compared_size(masks)
    scale *= ws / masks.shape[2]
    shelf = source.another_shelf(HELD)
    patches, noise = cut_patches(source, resized(masks, (ws, hs)), resized(hidden, (ws, hs)), plate, cancelled, planes,
                                 noise, (ws, hs), shown, shelf, masks.shape[2:0:-1])
    whole = [p for p in patches if p is not None and p.area >= LEAST_AREA]
    if not whole:
        return ExposureSheet(np.full(count, -1), np.tile(np.eye(3), (count, 1, 1)), (1, 1), "translation")
    opacity = np.ones(count)
    cut = cut_frames(whole, (ws, hs), hidden is not None)
    opacity[[p.frame for p in whole]] = fades(whole, cut)
    whole = [unfaded(p, opacity[p.frame]) for p in whole]
    crumbs = crumb_frames(whole, cut)
    weak = weak_frames(whole, cut) | crumbs
    crumbs = {p.frame for p, c in zip(whole, crumbs, strict=True) if c}
    use = [p for p, w in zip(whole, weak, strict=True) if not w]
    to_frame = [patch_frame(p, source.size, (ws, hs)) for p in use]
    known = [np.linalg.inv(f) @ path.H[p.frame] if path is not None and path.present[p.frame] else None
             for p, f in zip(use, to_frame, strict=True)]
    known = followed(known, use, (ws, hs))
    # a rigid motion that turns or scales may in truth be a perspective one
    most = (2, 4, 8) if path is not None and path.model != "translation" else (2, 4)
    dofs = tuple(d for d in most if motion_model == "auto" or d <= DOF[motion_model])
    guess = None if unsure is None else lambda p: near_guesses(p, unsure(p.frame, (ws, hs)))
    book = Book(use, noise, solved=plate is not None, unsure=guess)
    if shelf is not None:
        book.rest = shelf.rest
    size = np.diag([ws / source.size[0], hs / source.size[1], 1.0])
    book.planes = [(size @ q.H @ np.linalg.inv(size), q.present) for q in planes]
    recall(book, told, masks, to_frame, opacity)
    group = find_groups(book, dofs, known, motion_model != "translation", device, progress, cancelled)
    within = np.where(group[:, None] == group[None], book.score, np.nan)
    _, chained = trees(_restricted(book, within), np.inf)

    def full(t: int, compared: bool = False) -> Patch:
        # all of a drawing that little is seen of must be seen to be there, or hidden
        around = max((max(d.picture.body.shape) for d in drawings if d.picture is not None), default=0) * compared
        return full_patch(source, masks[t], None if hidden is None else hidden[t], t, noise, plate, book.leak, compared,
                          float(opacity[t]), around)

    drawing = np.full(count, -1, np.int64)
    H = np.tile(np.eye(3), (count, 1, 1))
    members = [[int(k) for k in np.flatnonzero(group == g)] for g in range(group.max() + 1)]
    known = unstrayed(unmirrored(known, members, chained), members, chained, use, STRAYED)
    start = [starts(m, use, to_frame, known, chained) for m in members]
    limit = (3 * source.size[0], 3 * source.size[1])
    allowed = [m for m in DOF if motion_model == "auto" or DOF[m] <= DOF[motion_model]]
    model = path.model if path is not None else "translation"
    model = max(model, needed(book, group), key=lambda m: DOF[m])
    most = most_kept(use, scale)
    small = [[size @ m @ np.linalg.inv(size) for m in places] for places in start]
    model = choose_model(members, small, use, model, allowed, limit, most, scale)
    strong = {p.frame for p in use}
    left = [p for p in patches if p is not None and p.frame not in strong and int(p.body.sum()) >= LEAST_AREA]
    drawings: list[Kept] = []
    for g, group_members in enumerate(members):
        keep = chosen(group_members, use, most)
        first = [start[g][k] for k in keep]
        if scale < 1 and len(keep) > 1:  # most of the way is gone on the small pictures
            near, _ = refine([use[group_members[k]] for k in keep], [small[g][k] for k in keep], model, limit,
                             picture=False)
            first = [np.linalg.inv(size) @ m @ size for m in near]
        found, canvas = refine([full(use[group_members[k]].frame) for k in keep], first, model, limit,
                               2 if scale == 1 else 1, bool(left) or len(keep) < len(group_members))
        placed = dict(zip(keep, found, strict=True))
        points = canvas_points(canvas) if len(keep) < len(group_members) else None
        for k, member in enumerate(group_members):
            t = use[member].frame
            if k not in placed:  # more exposures than are held in memory: one at a time
                cut = full(t)
                placed[k] = place_on(canvas, points, cut, start[g][k], model)
                placed[k] = place_on(canvas, points, cut, placed[k], model)
                canvas.extent = wider(canvas.extent, *window([cut], [placed[k]], limit))
            drawing[t], H[t] = g, placed[k]
        places = [(use[k].frame, H[use[k].frame]) for k in group_members]
        drawings.append(kept(canvas, bool(left), partial(shown_in, places, hidden, source.size)))
    rigid = all(k is not None for k in known)
    H, gauge = common_canvas(drawing, H, drawings, transitions(book, group, to_frame), model, rigid)
    seen = drawing >= 0
    measured = H.copy()
    H = continued(measured, seen)
    usual, differs = float(np.percentile([p.area for p in whole], 90)), book.threshold / scale**2
    waiting: list[Patch] = []  # what no drawing explains, until the frames around it have been placed
    progress_made, stuck = False, False
    tries: Counter[int] = Counter()

    def guessed(t: int) -> tuple[np.ndarray, list[tuple[int, np.ndarray, float]]]:
        """Where the sprite should be in frame t, and which drawings may be where: see `place_remnant`."""
        start = path.H[t] @ gauge[0] if rigid and path.present[t] else H[t]
        on_path = [(k, start @ np.linalg.inv(gauge[k]), reach(H, t)) for k in near_in_time(drawing, t)]
        return start, on_path + [(int(drawing[u]), measured[u] @ np.linalg.inv(gauge[drawing[u]]), HELD_REACH)
                                 for u in (t - 1, t + 1) if 0 <= u < count and drawing[u] >= 0]

    while left or waiting:  # those next to placed frames first: they carry the path on
        if not left:
            left, waiting, stuck, progress_made = waiting, [], not progress_made, False
        p = min(left, key=lambda q: (np.abs(np.flatnonzero(seen) - q.frame).min(), q.frame))
        left.remove(p)
        t = p.frame
        cut, (start, guesses), foreign = full(t, True), guessed(t), foreign_from(p, plate is None)
        d, m, score = place_remnant(cut, drawings, guesses, likely(drawing, t), noise, differs)
        # a pose that is held, and leaps, is not where its path goes on to; a first look's masks do not tell where it is
        if plate is not None and score >= 1 and p.area > TELLING * usual:
            far = place_anywhere(cut, drawings, guesses, likely(drawing, t), noise, differs, device)
            if far is not None and far[2] < 1:
                d, m, score = far
        if score >= 1:  # guessed rather than seen: the frames beside it may show more of the same drawing
            one = kept(refine([cut], [np.eye(3)], model, source.size)[1], True)
            twins = [(q, other) for q, other in ((q, full(q.frame, True)) for q in left if abs(q.frame - t) == 1)
                     if shows_the_same(one, other, H[q.frame] @ np.linalg.inv(H[t]), reach(H, q.frame), noise, differs)]
            at = [t, *(q.frame for q, _ in twins)]
            both = place_together([cut, *(other for _, other in twins)], drawings, [guessed(u)[1] for u in at],
                                  [likely(drawing, u) for u in at], noise, differs) if twins else []
            if both and both[0][2] >= foreign:  # nothing known explains all of them
                score = max(score, both[0][2])
            elif both:
                for (q, _), (of, place, _) in zip(twins, both[1:], strict=True):
                    left.remove(q)
                    drawing[q.frame], measured[q.frame], seen[q.frame] = of, place @ gauge[of], True
                d, m, score = *both[0][:2], 0.0
        if score >= foreign and t in crumbs:  # the drawing is not there: it was never the sprite
            continue
        # a drawing of its own, of which no more is ever seen; a speck is one only where it would spoil any other
        if score >= (foreign if p.area > TELLING * usual else spoils_from(cut)):
            tries[t] += 1
            if not stuck and tries[t] <= RETRIES:
                waiting.append(p)
                continue
            stuck = False
            d, m = len(drawings), np.eye(3)
            seen_here = partial(shown_in, [(t, m)], hidden, source.size)
            drawings.append(kept(refine([cut], [m], model, source.size)[1], True, seen_here))
            gauge.append(start)
        if d < 0:  # too little to be compared with any
            continue
        drawing[t], measured[t], seen[t], progress_made = d, m @ gauge[d], True, True
        H = continued(measured, seen)
    H, canvas_size = fit_canvas(H, drawings, gauge)
    for_the_next = certain(book, masks, to_frame, opacity) if plate is None else None
    return ExposureSheet(renumber(drawing), H, canvas_size, model, for_the_next)


def _restricted(book: Book, score: np.ndarray) -> Book:
    """The book with other scores (same patches and links)."""
    other = Book(book.patches, book.noise)
    other.score, other.link = score, book.link
    return other


def starts(members: list[int], use: list[Patch], to_frame: list[np.ndarray], known: list[np.ndarray | None],
           chained: list[np.ndarray]) -> list[np.ndarray]:
    """First places of one drawing's exposures: own canvas -> frame. The canvas is the frame of the largest exposure, or
    the rigid motion's canvas, which the drawings of a rigid sprite share."""
    followed = [k for k in members if known[k] is not None]
    root = max(followed or members, key=lambda k: use[k].area)
    canvas = to_frame[root] @ known[root] if followed else np.eye(3)
    return [to_frame[k] @ known[k] if known[k] is not None else
            to_frame[k] @ chained[k] @ np.linalg.inv(to_frame[root] @ chained[root]) @ canvas for k in members]


def most_kept(use: list[Patch], scale: float) -> int:
    """How many full-resolution cut-outs of this sprite are held in memory at once."""
    size = max(p.body.size for p in use) / scale**2
    return int(np.clip(KEPT_BYTES / (CUT_BYTES * size), 3, MOST_KEPT))


def wider(extent: tuple[np.ndarray, np.ndarray] | None, corner: np.ndarray, size: tuple[int, int]
          ) -> tuple[np.ndarray, np.ndarray]:
    """The box (low, high) that holds `extent` and the box of `size` at `corner`."""
    low, high = corner, corner + np.array(size)
    return (low, high) if extent is None else (np.minimum(low, extent[0]), np.maximum(high, extent[1]))
