"""Which cut-outs show the same drawing: choose pairs worth comparing, compare them, group them."""

from __future__ import annotations

import numpy as np

from .canvas import shift
from .cluster import average_linkage
from .compare import opacity_leak, overlay
from .correlate import coarse_pairs
from .match import Book, match

NEAREST = 5  # best coarse matches of every cut-out that are compared finely, besides its neighbours in time
NEIGHBOURS = (1, 2)
GROUP_NEAREST, GROUP_PAIRS = 4, 2  # groups compared with their nearest groups, over so many pairs not yet compared
MIRROR_NEAREST = 2
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


def flip(width: int) -> np.ndarray:
    """3x3: left-right mirror of a picture of this width, edge coordinates."""
    return np.array([[-1.0, 0, width], [0, 1, 0], [0, 0, 1]])


def find_groups(book: Book, dofs: tuple[int, ...], known: list[np.ndarray | None], mirrors: bool,
                device: str = "cpu", progress=None, cancelled=None) -> np.ndarray:
    """Group the book's patches by drawing; fills the book's pairs.

    dofs: motions to try between two patches, simplest first. known: per patch canvas px -> patch px, from the sprite's
    rigid motion, or None. mirrors: also look for mirrored reuse. Returns int [n], group of each patch.
    """
    patches = book.patches
    n = len(patches)
    distance, shifts = coarse_pairs(patches, False, device, cancelled)

    def compare(pairs: list[tuple[int, int]], low: float = 0.0, high: float = 1.0) -> None:
        for k, (i, j) in enumerate(pairs):
            if cancelled is not None and cancelled():
                return
            if known[i] is not None and known[j] is not None:
                match(book, i, j, known[j] @ np.linalg.inv(known[i]), (0, 2))
            elif np.isfinite(distance[i, j]):
                match(book, i, j, shift(*shifts[i, j]), dofs)
            if progress is not None:
                progress(low + (high - low) * (k + 1) / len(pairs))

    pairs = candidates(distance, NEAREST, NEIGHBOURS)
    compare(pairs, 0.0, 0.6)
    leak = leaking(book, pairs)
    if leak > LEAST_LEAK:
        book.leak = leak
        book.score[:] = np.nan
        np.fill_diagonal(book.score, 0.0)
        compare(pairs, 0.0, 0.6)
    second_chance(book, pairs, dofs)
    group = average_linkage(book.score)
    compare(between_groups(book, group, np.minimum(distance, distance.T)), 0.6, 0.9)
    group = average_linkage(book.score)
    if mirrors and group.max() > 0:
        mirrored(book, group, dofs, device, cancelled)
        group = average_linkage(book.score)
    if progress is not None:
        progress(1.0)
    return group


def leaking(book: Book, pairs: list[tuple[int, int]]) -> float:
    """Share of the background that shows through the sprite: median over the pairs that fit best."""
    found = []
    for i, j in pairs:
        if (i, j) in book.link and book.score[i, j] > 0:
            both = overlay(book.patches[i], book.patches[j], book.link[i, j])
            if both.plates is None:
                continue
            slope = opacity_leak(both.one, both.two, *both.plates, both.region)
            if slope is not None:
                found.append((book.score[i, j], slope))
    found.sort()
    best = [s for _, s in found[: max(3, len(found) // 3)]]
    return float(np.median(best)) if best else 0.0


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


def second_chance(book: Book, pairs: list[tuple[int, int]], dofs: tuple[int, ...], cut: float = 0.7) -> None:
    """Compare pairs again that failed, or could not be found by a shift, from the place that a chain of good pairs gives
    (a drawing that has turned or grown far from the other frame's)."""
    component, place = trees(book, cut)
    for i, j in pairs:
        if component[i] == component[j] and not book.score[i, j] < cut:
            match(book, i, j, place[j] @ np.linalg.inv(place[i]), (0, *dofs))


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


def mirrored(book: Book, group: np.ndarray, dofs: tuple[int, ...], device: str, cancelled) -> None:
    """Compare left-right mirrored cut-outs of different groups where they fit better than the plain ones did."""
    distance, shifts = coarse_pairs(book.patches, True, device, cancelled)
    distance = np.where(group[:, None] == group[None], np.inf, distance)
    for i, j in candidates(distance, MIRROR_NEAREST, ()):
        if not np.isfinite(distance[i, j]) or book.score[i, j] < 1:
            continue
        width = book.patches[j].inside.shape[1]
        match(book, i, j, flip(width) @ shift(*shifts[i, j]), dofs)
