"""Gaps that masks have filled: pixels that show the background, or move with it, and not with the sprite."""

from __future__ import annotations

import cv2
import numpy as np

from .align import project, sample
from .compare import BARE, FORGIVEN, excess
from .match import Book
from .overlay import Overlay, overlay, plates_at
from .patches import Patch
from .pixels import local_range, pixels_of, place, shift, strongest

APART = 1.0  # working px by which a plane must have moved against the sprite to be told from it
ALIKE = 0.9  # of the compared pixels agree: the drawing is the same but for a part
MOST_GAPS = 0.2  # of a cut-out: no mask that is of any use has more in gaps
LEAST_GAP = 9  # working px^2: smaller agreement with a plane is chance
MATES = 8  # other frames of the drawing that are asked whether they show the same in a gap
PASSED = 3.0  # working px by which a plane must have moved against the sprite to show something else
FLAT = 50.0  # grey levels of range up to which colours at some points may be a flat painting's
PROVEN = 0.3  # of a connected difference moves with a plane: then all of it is a gap


def moved_with(plane: np.ndarray, here: Patch, there: Patch, xy: np.ndarray, along: np.ndarray) -> np.ndarray:
    """bool [n]: does `there` show the colours of `here` at points xy (px of `here`) where the plane takes them?

    plane: 3x3, frame px of here -> frame px of there. along: [n, 2], where the sprite's motion takes them, px of there.
    """
    at = project(plane, xy + here.origin) - there.origin
    h, w = there.inside.shape
    use = (at[:, 0] > 0.5) & (at[:, 1] > 0.5) & (at[:, 0] < w - 0.5) & (at[:, 1] < h - 0.5)
    use &= np.abs(at - along).max(1) >= APART
    error = np.abs(sample(there.smooth, np.where(use[:, None], at, 0.0)) - sample(here.smooth, xy).astype(np.float32))
    return use & (strongest(error) < BARE)


def gap(book: Book, both: Overlay) -> np.ndarray | None:
    """bool [h, w]: differing pixels that show the background in both pictures. Where it is known, both equal it; where
    it was never seen clearly, each shows, where a plane takes it, the other's colour (a mouth that opens shows in one
    of them only), or gaps were found beside. None if the drawings differ on the whole.
    """
    a, b = both.first, both.second
    e = excess(both, 0.5 * book.noise * np.sqrt(2))
    hot = (e > 0) & both.region
    if not hot.any() or np.count_nonzero(hot) > (1 - ALIKE) * np.count_nonzero(both.region):
        return None
    ys, xs = pixels_of(hot)
    seen, bare = np.zeros(len(ys), bool), np.zeros(len(ys), bool)
    for one, two, level in plates_at(both, ys, xs):
        seen |= level > 1
        bare |= ((level > 0) & (strongest(np.abs(both.one[ys, xs] - one)) < BARE)
                 & (strongest(np.abs(both.two[ys, xs] - two)) < BARE))
    out = np.zeros(hot.shape, bool)
    out[ys, xs] = bare
    open_to_doubt = ~seen | bare
    hot[ys, xs] = open_to_doubt
    ys, xs, bare = ys[open_to_doubt], xs[open_to_doubt], bare[open_to_doubt]
    here = np.stack([xs + 0.5, ys + 0.5], 1)
    xy, along = here + both.corner, project(both.H, here)
    found = bare
    for motion, present in book.planes:
        if present[a.frame] and present[b.frame]:
            plane = motion[b.frame] @ np.linalg.inv(motion[a.frame])
            found |= moved_with(plane, a, b, xy, along) & moved_with(np.linalg.inv(plane), b, a, along, xy)
    for mask, H in ((a.gap, shift(-both.corner[0], -both.corner[1])), (b.gap, np.linalg.inv(both.H))):
        if mask is not None:
            near = cv2.dilate(place(mask, H, hot.shape[::-1]), np.ones((5, 5), np.uint8))
            found |= near[ys, xs] > 0
    # the parts of a gap that are hidden in the other frame belong to it all the same
    count, label = cv2.connectedComponents(hot.astype(np.uint8), connectivity=8)
    part = label[ys, xs]
    size = np.bincount(part, minlength=count)
    moved = np.bincount(part, weights=found, minlength=count)
    gaps = (moved >= LEAST_GAP) & (moved > PROVEN * size)
    for k in np.flatnonzero((size >= LEAST_GAP) & ~gaps & (np.arange(count) > 0)):
        points = xy[part == k]
        gaps[k] = passing(book, a, b, points) or passing(book, b, a, along[part == k])
    return out | (gaps & (size > 0))[label] & hot


def passing(book: Book, here: Patch, other: Patch, xy: np.ndarray) -> bool:
    """Is what `here` shows at points xy gone in every other frame of the same drawing?

    Background passes behind a gap and shows something else in every frame; a changed mouth stays for some frames, or,
    as in a blink, what it has changed from does. Asked where no plate tells. xy: [n, 2], px of `here`.
    """
    i = next(k for k, p in enumerate(book.patches) if p is here)
    mates = [(book.score[i, k], k) for k, p in enumerate(book.patches)
             if (i, k) in book.link and p is not here and p is not other and book.fit[i, k] > ALIKE]
    if stands(book, i, [k for _, k in mates], xy):
        return False
    colour = sample(here.smooth, xy).astype(np.float32)
    asked, others = 0, []
    for _, k in sorted(mates)[:MATES]:
        there = book.patches[k]
        at = project(book.link[i, k], xy)
        h, w = there.inside.shape
        use = (at[:, 0] > 0.5) & (at[:, 1] > 0.5) & (at[:, 0] < w - 0.5) & (at[:, 1] < h - 0.5)
        use[use] = sample(there.valid, at[use])[:, 0] > 0
        passed = np.zeros(len(xy), bool)
        for motion, present in book.planes:
            if present[here.frame] and present[there.frame]:
                plane = motion[there.frame] @ np.linalg.inv(motion[here.frame])
                passed |= np.abs(project(plane, xy + here.origin) - there.origin - at).max(1) >= PASSED
        if np.count_nonzero(use) < 0.5 * len(xy):
            continue
        asked += np.mean(passed[use]) > 0.5
        shown = sample(there.smooth, at).astype(np.float32)
        same = strongest(np.abs(shown - colour)[use]) < BARE
        if np.mean(same) > 0.5:
            return False
        others.append((there, at, shown, use))
    return asked > 0 and not stays(book, others)


def stands(book: Book, i: int, mates: list[int], xy: np.ndarray) -> bool:
    """Would patch i's colours at some points still be seen in other frames of the drawing, moved on a little, if they
    were background in a gap, and are they not? A lid that closes for one frame is gone in the next, background is not.

    mates: patches of about the same drawing. xy: [n, 2], the points, px of patch i.
    """
    here = book.patches[i]
    colour = sample(here.smooth, xy).astype(np.float32)
    within = np.zeros(here.inside.shape, np.uint8)
    within[tuple(xy.astype(int).T[::-1])] = 1
    gone = there_still = 0
    for k in mates:
        there, link = book.patches[k], book.link[i, k]
        moved = []
        for motion, present in book.planes:
            if not (present[here.frame] and present[there.frame]):
                continue
            at = project(motion[there.frame] @ np.linalg.inv(motion[here.frame]), xy + here.origin) - there.origin
            asked = np.abs(at - project(link, xy)).max(1) >= APART
            asked &= sample(within, project(np.linalg.inv(link), at))[:, 0] > 0.5  # it has not left the gap
            asked[asked] = sample(there.valid, at[asked])[:, 0] > 0
            if np.count_nonzero(asked) < max(LEAST_GAP, 0.5 * len(xy)):
                moved = []
                break
            error = strongest(np.abs(sample(there.smooth, at[asked]).astype(np.float32) - colour[asked]))
            moved.append(np.mean(error < BARE) > 0.5)
        if moved:
            there_still += any(moved)
            gone += not any(moved)
    return gone > there_still


def stays(book: Book, others: list[tuple[Patch, np.ndarray, np.ndarray, np.ndarray]]) -> bool:
    """Do frames between which a plane has passed show the same lines at some points? Then these are the drawing's own.

    others: of each frame its patch, where the points are in it, px [n, 2], the colours there, float32 [n, 3], and which
    of them it shows, bool [n]."""
    for k, (one, at, colour, seen) in enumerate(others):
        if np.ptp(np.percentile(colour[seen], (10, 90), axis=0), axis=0).max() < FLAT:
            continue
        for two, at2, other, seen2 in others[:k]:
            both = seen & seen2
            moved = [np.abs(project(motion[two.frame] @ np.linalg.inv(motion[one.frame]), at + one.origin) - two.origin
                            - at2).max(1) >= PASSED
                     for motion, present in book.planes if present[one.frame] and present[two.frame]]
            both &= np.logical_or.reduce(moved) if moved else False
            alike = strongest(np.abs(colour - other)) < BARE
            if np.count_nonzero(both) > 0.5 * len(both) and np.mean(alike[both]) > ALIKE:
                return True
    return False


def solid(patch: Patch) -> np.ndarray:
    """bool [h, w]: pixels that are not the known background, and not near another sprite that may be seen there."""
    known = np.zeros(patch.inside.shape, bool)
    bare = np.zeros(patch.inside.shape, bool)
    tolerance = BARE + FORGIVEN * strongest(local_range(patch.smooth))
    for picture, seen in patch.plates:
        known |= seen > 1
        bare |= (seen > 0) & (strongest(cv2.absdiff(patch.smooth, picture)) < tolerance)
    return known & ~bare & (True if patch.foreign is None else patch.foreign == 0)


def open_gaps(book: Book, pairs: list[tuple[int, int]]) -> set[int]:
    """Take gaps that the pairs show out of the masks, in all frames that show about the same drawing. Returns the
    patches that changed."""
    removed: dict[int, np.ndarray] = {}
    for i, j in pairs:
        if book.fit[i, j] < ALIKE:
            continue
        both = overlay(book.patches[i], book.patches[j], book.link[i, j])
        found = gap(book, both)
        if found is None or not found.any():
            continue
        a, b = (j, i) if both.swapped else (i, j)
        for k, H in ((a, shift(*both.corner)), (b, both.H)):
            size = book.patches[k].inside.shape[::-1]
            removed[k] = removed.get(k, False) | (place(found * np.uint8(255), H, size) > 127)
    spread = {k: mask.copy() for k, mask in removed.items()}
    for (i, j), link in sorted(book.link.items()):
        if i in removed and book.fit[i, j] > ALIKE:
            h, w = book.patches[j].inside.shape
            spread[j] = spread.get(j, False) | (place(removed[i] * np.uint8(255), link, (w, h)) > 127)
    changed = set()
    for k, mask in spread.items():
        p = book.patches[k]
        # the rim of a gap is a mixture of sprite and background
        mask = cv2.dilate((mask & ~solid(p)).astype(np.uint8), np.ones((5, 5), np.uint8)) & p.body
        if p.opaque is not None:
            mask = mask & (1 - p.opaque)
        if not mask.any() or np.count_nonzero(mask & p.inside) > MOST_GAPS * p.area:
            continue
        if p.gap is not None and not (mask & ~p.gap).any():
            continue
        changed.add(k)
        p.gap = mask if p.gap is None else p.gap | mask
        for name in ("inside", "body", "deep"):
            setattr(p, name, getattr(p, name) & (1 - mask))
        book.forget(k)
    return changed
