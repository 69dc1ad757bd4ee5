"""Which cut-outs show the same drawing: choose pairs worth comparing, compare them, group them."""

from __future__ import annotations

import numpy as np

from .again import grown, misplaced, resized, turned
from .align import project
from .cluster import CERTAIN, average_linkage
from .compare import BLOB, opacity_leak
from .correlate import coarse_between, coarse_pairs, placed_pairs
from .gaps import ALIKE, open_gaps
from .match import ENOUGH, Book, bending, bends, match, settle
from .mirror import flip
from .opaque import prove_opaque
from .overlay import overlay, plates_at
from .patches import Patch
from .pixels import pixels_of, shift
from .returns import returned

NEAREST = 4  # best coarse matches of every cut-out that are compared finely, besides its neighbours in time
NEIGHBOURS = (1, 2)
GROUP_NEAREST, GROUP_PAIRS = 4, 2  # groups compared with their nearest groups, over so many pairs not yet compared
MIRROR_NEAREST = 2
CUT_SHORT = 0.8  # of the usual area: less is cut by the frame or hidden in part
GAP_ROUNDS = 3
FAR_APART, FAR_FACTOR = 24.0, 2.5  # grey levels, and times the distance of most pairs that show one drawing
STRAYED = 4.0  # working px: a rigid motion that is off by less is put right when pictures are laid on each other
MOSTLY = 0.5  # of the larger cut-out must be seen in both, where the pictures say so against the sprite's motion
SAME_START = 0.25  # px: a pair that failed from a place is not compared again from one so near
# A difference of so many times what three quarters of the pairs that agree show tells two drawings.
BEYOND, AGREEING = 3.0, 75
RESIZED = 0.1  # share of its size by which a drawing may change and still be compared as sharply
DOUBTED = 0.3  # score from which a difference is looked into
LEAKS_ASKED, LEAK_POINTS = 24, 8000  # pairs, and pixels of each, that are asked how translucent the sprite is
LEAST_LEAK = 0.06  # share of background showing through below which a drawing counts as opaque


def candidates(distance: np.ndarray, nearest: int, neighbours: tuple[int, ...]) -> list[tuple[int, int]]:
    """Pairs i < j worth a fine comparison: neighbours in time, and every picture's best coarse matches."""
    n = len(distance)
    both = np.minimum(distance, distance.T)
    pairs = {(i, i + k) for k in neighbours for i in range(n - k)}
    for i in range(n):
        for j in np.argsort(both[i], kind="stable")[:nearest]:
            if np.isfinite(both[i, j]):
                pairs.add((min(i, int(j)), max(i, int(j))))
    return sorted(pairs)


def coarse_limit(distance: np.ndarray, book: Book) -> float:
    """Coarse distance (RMS grey levels) beyond which no pair shows one drawing, told by the pairs that do so far."""
    same = [min(distance[i, j], distance[j, i]) for i, j in book.link if i < j and book.score[i, j] < 1]
    same = [d for d in same if np.isfinite(d)]
    return max(FAR_APART, FAR_FACTOR * float(np.percentile(same, 90))) if len(same) >= ENOUGH else np.inf


def find_groups(book: Book, dofs: tuple[int, ...], known: list[np.ndarray | None], mirrors: bool,
                device: str = "cpu", progress=None, cancelled=None) -> np.ndarray:
    """Group the book's patches by drawing; fills the book's pairs.

    dofs: motions to try between two patches, simplest first. known: per patch canvas px -> patch px, from the sprite's
    rigid motion, or None. mirrors: also look for mirrored reuse. Returns int [n], group of each patch.
    """
    bent = bends(book, known)
    coarse, shifts = coarse_pairs(book.patches, False, device, cancelled)
    if bent:
        coarse = np.minimum(coarse, placed_pairs(book.patches, known))
    distance = coarse

    def compare(pairs: list[tuple[int, int]], low: float = 0.0, high: float = 1.0) -> None:
        pairs = [(i, j) for i, j in pairs if np.isnan(book.score[i, j])]
        for k, (i, j) in enumerate(pairs):
            if cancelled is not None and cancelled():
                return
            if known[i] is not None and known[j] is not None:
                start, seen = known[j] @ np.linalg.inv(known[i]), shift(*shifts[i, j])
                match(book, i, j, start, (0, *dofs))
                if not bent and np.isfinite(distance[i, j]) and not book.score[i, j] < CERTAIN and (
                        apart(start, seen, book.patches[i]) > STRAYED):  # has the motion lost it?
                    match(book, i, j, seen, dofs, 1.0, MOSTLY)
            elif np.isfinite(distance[i, j]):
                match(book, i, j, shift(*shifts[i, j]), dofs)
            if progress is not None:
                progress(low + (high - low) * (k + 1) / len(pairs))

    neighbours = [(i, i + k) for k in NEIGHBOURS for i in range(len(known) - k)]
    compare(neighbours, 0.0, 0.2)
    if bending(book, neighbours) > 2 and max(dofs) > 2:
        turned(book, neighbours, dofs)
    settle(book)
    if book.solved:
        prove_opaque(book, neighbours)
    allowed = dofs
    if not bent or all(k is not None for k in known):
        dofs = tuple(d for d in dofs if d <= bending(book, neighbours))
    if max(dofs) == 2:  # where a drawing never turns, small pictures that lie far apart show two
        distance = np.where(coarse > coarse_limit(coarse, book), np.inf, coarse)
    pairs = candidates(distance, NEAREST, NEIGHBOURS)
    compare(pairs, 0.2, 0.6)
    leak = leaking(book, pairs)
    if leak > LEAST_LEAK:
        book.take_off(leak)
        coarse, shifts = coarse_pairs(book.patches, False, device, cancelled)
        if bent:
            coarse = np.minimum(coarse, placed_pairs(book.patches, known))
        distance = coarse
        pairs = candidates(distance, NEAREST, NEIGHBOURS)
        compare(pairs, 0.0, 0.6)
    looked = reopened(book, set())
    second_chance(book, [], dofs)
    limited = max(dofs) < max(allowed)
    if limited and (misplaced(book, allowed) if bent else resized(book, allowed, mirrors)):
        dofs = allowed
    elif max(dofs) > 2:
        grown(book, average_linkage(book.score, book.share, book.fit), dofs)
        if mirrors:
            grown(book, average_linkage(book.score, book.share, book.fit), dofs, True)
    if mirrors:
        mirrored(book, dofs, coarse_limit(coarse, book), device, cancelled)
        returned(book, trees(book, 0.7)[0], dofs, device, cancelled)
    group = grouped(book)
    for i, j in cut_short(book.patches, group):  # where the edge cuts them, small pictures are less alike
        distance[i, j] = coarse[i, j]
    coarse_between(book.patches, group, distance, shifts, coarse_limit(coarse, book), device, cancelled)
    for k in range(3):  # what was merged or kept apart on few pairs is looked at over more pairs
        second_chance(book, within_groups(book, group), dofs)
        compare(between_groups(book, group, np.minimum(distance, distance.T)), 0.6 + 0.1 * k, 0.7 + 0.1 * k)
        looked = reopened(book, looked)
        before, group = group, grouped(book)
        if np.array_equal(before, group):
            break
    if progress is not None:
        progress(1.0)
    return group


def grouped(book: Book) -> np.ndarray:
    """Drawings as the pairs' scores tell them: int [n], group of each patch.

    What may differ within a drawing is allowed for by the length of its rims and the noise. Where exposures that lie
    apart in time agree better than that, a smaller difference deep inside tells two drawings, down to the smallest
    mouth's. (Nearer to the rim it is as often background in a gap.)
    """
    i, j = np.triu_indices(len(book.patches), max(NEIGHBOURS) + 1)
    agree = book.inner[i, j][(book.score[i, j] < 1) & (book.fit[i, j] > ALIKE)]
    tells = 1.0
    if len(agree) >= ENOUGH:
        tells = float(np.clip(BEYOND * np.percentile(agree, AGREEING), BLOB / book.threshold, 1.0))
    inner = book.inner / tells
    for (i, j), H in book.link.items():  # lines that were resampled to another size differ more than any that agree
        if abs(np.log(abs(np.linalg.det(H[:2, :2])))) > 2 * np.log(1 + RESIZED):
            inner[i, j], inner[j, i] = book.inner[i, j], book.inner[j, i]
    return average_linkage(np.maximum(book.score, inner), book.share, book.fit)


def reopened(book: Book, looked: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Open gaps in the masks that pairs of nearly one drawing show, and compare again what looked different.

    looked: pairs that were looked at before. Returns them and those that were looked at now.
    """
    if not book.planes:
        return looked
    near = [(i, j) for i, j in sorted(book.link) if i < j and book.fit[i, j] > ALIKE]
    fresh = [p for p in near if p not in looked]
    for _ in range(GAP_ROUNDS if fresh else 0):
        changed = open_gaps(book, [(i, j) for i, j in fresh if book.score[i, j] > DOUBTED])
        again = [(i, j) for i, j in near if (i in changed or j in changed) and book.score[i, j] > DOUBTED]
        if not again:
            break
        for i, j in again:
            book.score[i, j] = book.score[j, i] = np.nan
            match(book, i, j, book.link[i, j], (0,))
        fresh = again
    return looked | set(near)


def leaking(book: Book, pairs: list[tuple[int, int]]) -> float:
    """Share of the background that shows through the sprite: median over the pairs that fit best."""
    # with several planes behind it cannot be said which one shines through where
    told = [(book.score[i, j], i, j) for i, j in pairs
            if (i, j) in book.link and book.score[i, j] > 0 and len(book.patches[i].plates) == 1]
    found = []
    for _, i, j in sorted(told)[: max(3, min(len(told) // 3, LEAKS_ASKED))]:
        both = overlay(book.patches[i], book.patches[j], book.link[i, j])
        ys, xs = (v[:: max(1, len(v) // LEAK_POINTS)] for v in pixels_of(both.deep & both.sure))
        for one, two, level in plates_at(both, ys, xs):
            known = level > 0
            mine, other = both.one[ys, xs].astype(np.float32), both.two[ys, xs].astype(np.float32)
            found.append(opacity_leak(mine[known], other[known], one[known], two[known]))
    return float(np.median(found)) if found else 0.0


def trees(book: Book, cut: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Spanning trees over the pairs scored below `cut`, best pairs first (Kruskal).

    Returns (component int [n], per patch 3x3: component's root px -> patch px).
    """
    n = len(book.patches)
    component = np.arange(n)
    place = [np.eye(3) for _ in range(n)]
    edges = sorted((book.score[i, j], i, j) for i, j in book.link if i < j and book.score[i, j] < cut)
    for _, i, j in edges:
        a, b = component[i], component[j]
        if a == b:
            continue
        # root_b -> root_a's system: go root_b -> j -> i -> root_a, inverted
        bridge = np.linalg.inv(place[j]) @ book.link[i, j] @ place[i]  # root_a px -> root_b px
        for k in np.flatnonzero(component == b):
            place[k] = place[k] @ bridge
        component[component == b] = a
    return component, place


def second_chance(book: Book, more: list[tuple[int, int]], dofs: tuple[int, ...], cut: float = 0.7) -> None:
    """Compare pairs that failed, and `more` pairs, from the place that a chain of good pairs gives (a drawing that has
    turned, grown or been mirrored since the other frame is not found by a shift)."""
    component, place = trees(book, cut)
    failed = {(i, j) for i, j in book.link if i < j and book.score[i, j] >= cut} | book.untold
    for i, j in sorted(failed | set(more)):
        if component[i] == component[j]:
            start = place[j] @ np.linalg.inv(place[i])
            before = book.tried.get((i, j))
            if before is None or np.isnan(book.score[i, j]) or apart(before, start, book.patches[i]) > SAME_START:
                book.tried[i, j] = start
                match(book, i, j, start, (0, *dofs))


def apart(one: np.ndarray, two: np.ndarray, patch: Patch) -> float:
    """How far two motions take the corners of a patch from each other, px."""
    h, w = patch.inside.shape
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64)
    return float(np.abs(project(one, corners) - project(two, corners)).max())


def within_groups(book: Book, group: np.ndarray, most: int = 3) -> list[tuple[int, int]]:
    """Pairs of a group that were not compared yet: up to `most` per member, those that may see most of each other."""
    pairs = set()
    for g in range(int(group.max()) + 1):
        members = np.flatnonzero(group == g)
        for i in members:
            fresh = sorted((-book.patches[j].area, abs(j - i), int(j)) for j in members
                           if j != i and np.isnan(book.score[i, j]))
            pairs |= {(min(int(i), j), max(int(i), j)) for _, _, j in fresh[:most]}
    return sorted(pairs)


def between_groups(book: Book, group: np.ndarray, distance: np.ndarray) -> list[tuple[int, int]]:
    """Pairs not yet compared between each group and its nearest groups."""
    count = int(group.max()) + 1
    members = [np.flatnonzero(group == g) for g in range(count)]
    pairs = set()
    for g in range(count):
        near = sorted((float(distance[np.ix_(members[g], members[f])].min()), f) for f in range(count) if f != g)
        for d, f in near[:GROUP_NEAREST]:
            if not np.isfinite(d):
                continue
            fresh = sorted((distance[i, j], min(i, j), max(i, j)) for i in members[g] for j in members[f]
                           if np.isnan(book.score[i, j]) and np.isfinite(distance[i, j]))
            pairs |= {(int(i), int(j)) for _, i, j in fresh[:GROUP_PAIRS]}
    return sorted(pairs)


def mirrored(book: Book, dofs: tuple[int, ...], limit: float, device: str, cancelled) -> None:
    """Compare left-right mirrored cut-outs that no chain of good pairs connects. limit: coarse distance, if near."""
    component, _ = trees(book, 0.7)
    if component.max() == component.min():
        return
    distance, shifts = coarse_pairs(book.patches, True, device, cancelled, cut_short(book.patches, component))
    distance = np.where((component[:, None] == component[None]) | (distance > limit), np.inf, distance)
    for i, j in candidates(distance, MIRROR_NEAREST, ()):
        if np.isfinite(distance[i, j]):
            match(book, i, j, flip(book.patches[j].inside.shape[1]) @ shift(*shifts[i, j]), dofs, 1.0)


def cut_short(patches: list[Patch], component: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (i < j) of a drawing that only cut-outs show which are far smaller than usual, and each other drawing: what
    the frame's edge cuts is small and not in the middle of its picture, so that no thumbnail is like it.

    component: int [n], which patches show one drawing; each drawing's largest patch speaks for it."""
    area = np.array([p.area for p in patches])
    largest = [max(np.flatnonzero(component == c), key=lambda k: (area[k], -k)) for c in np.unique(component)]
    cut = [k for k in largest if area[k] < CUT_SHORT * np.percentile(area, 90)]
    return sorted({(int(min(i, j)), int(max(i, j))) for i in cut for j in largest if i != j})
