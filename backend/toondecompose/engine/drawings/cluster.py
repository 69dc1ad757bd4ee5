"""From pairwise "same drawing?" scores to drawings: average linkage over the pairs that could be compared."""

from __future__ import annotations

import numpy as np

CERTAIN = 10.0  # a pair's score counts up to here: one wrong pair must not outweigh all the others of two groups
UNSEEN = 0.7  # a pair that shares nothing visible scores so much although nothing differs


def average_linkage(score: np.ndarray, share: np.ndarray, fit: np.ndarray, cut: float = 1.0
                    ) -> np.ndarray:
    """Group items by the weighted mean of their pairwise scores.

    score: float [n, n], symmetric; 0 = certainly the same, 1 = undecided, larger = different, nan = not compared.
    share: float [n, n] in 0..1, how much of the drawing the pair could compare: its weight. Agreement on a small
    part is
    weak evidence, so pairs that see each other whole merge first. fit: float [n, n] in 0..1, how much of what was
    compared agrees:
    where little does, the alignment may have failed, and the pair counts for less than one with a change in one place.
    Groups merge while the mean over the known pairs between them is below `cut`. Exact duplicates (0) are no
    special case:
    there is no search for a gap. Returns int [n], group of each item, numbered by first appearance.
    """
    n = len(score)
    known = np.isfinite(score)
    count = np.where(known, (np.maximum(share, 0.05) * np.maximum(fit, 0.05)) ** 2, 0.0)
    total = np.where(known, np.minimum(score, CERTAIN) + UNSEEN * (1 - share), 0.0) * count
    np.fill_diagonal(total, 0)
    np.fill_diagonal(count, 0)
    label = np.arange(n)
    alive = np.ones(n, bool)
    while True:
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where((count > 0) & alive[:, None] & alive[None], total / count, np.inf)
        np.fill_diagonal(mean, np.inf)
        k = int(np.argmin(mean))
        i, j = min(divmod(k, n)), max(divmod(k, n))
        if n < 2 or not mean[i, j] < cut:
            break
        total[i] += total[j]
        total[:, i] = total[i]
        count[i] += count[j]
        count[:, i] = count[i]
        total[i, i] = count[i, i] = 0
        alive[j] = False
        label[label == j] = i
    return renumber(label)


def renumber(label: np.ndarray) -> np.ndarray:
    """Labels >= 0 renumbered 0, 1, ... by first appearance; negative ones stay."""
    out, seen = np.full(len(label), -1, np.int64), {}
    for t, value in enumerate(label):
        if value >= 0:
            out[t] = seen.setdefault(int(value), len(seen))
    return out
