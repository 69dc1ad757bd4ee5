"""A shade that stays with the frame while everything slides beneath it: a vignette, or a gradient laid over the shot.

Compositors darken corners, or a side of the picture, with a soft multiply layer. A painting that slides under it gets
darker and lighter on its way, so that no plate agrees with all frames. Measured here from points that a motion path
follows: between frames s and t, at x_s and x_t,

    I_s - I_t = I (L(x_s) - L(x_t) + o_st),   I the mean of both, L = log of the shade, o_st the light of the two frames

which is linear in L, held on a coarse grid and solved by reweighted least squares with a prior for smoothness. What no
motion can tell (a gradient across the motion; along it, a ramp from a fade) the prior leaves at none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..formats.conventions import centre_from_edge
from .clip import FrameSource, working_source
from .types import LayerPath, SolvedLayer, as_drawings

LOOK_WIDTH = 320  # px across at which the shade is measured: it is smooth
GRID = (10, 7)  # nodes across and down: a vignette's corner is wider than two cells
SOFT = 1.5  # px: grain, and what half a pixel of misplacement does to lines, stay out of the differences
WINDOW = 11  # px: a point's surroundings, by which frames are seen to show the same paint
ALIKE = 0.92  # correlation of two frames' surroundings of a point that show the same paint
DETAIL = 2.5  # grey levels rms: flatter surroundings correlate with anything
DARKEST = 16  # grey levels: darker points tell nothing of a factor
FURTHEST = 0.25  # of its brightness a shade may change a point; what differs more is not the same paint
GAPS = (2, 4, 7, 11, 16, 24)  # frames between the two that are compared
LEAST_MOVE = 0.02  # of the width: the shade hardly differs between nearer places
PAIRS = 14  # per path and gap, spread over the clip
PATHS = 3  # the best paths that are asked
PATCH = 8  # px: points this near to each other say the same, and are averaged
FEWEST_PATCHES = 10  # of a pair: fewer are accidents
PATCHES = 300  # of all pairs that must be there at least
MUCH = 0.05  # of the frame, in the mean: in busy paint accidents reach half of it, and a small sprite tells no more
OUTLIER = 3.0  # grey levels: patches further from what the shade predicts count little
SMOOTH, RIDGE = 0.02, 1e-4  # of the mean evidence per node
LIGHT_FRAMES = 120  # at most, spread over the shot, tell how light the shade's lightest place may be
MAY_CLIP = 0.005  # of all pixels: glints and subtitles, which are laid over the shade
LEAST_DEPTH = 0.03  # of the brightness: a weaker shade is left in the plates
EXPLAINED = 0.12  # of the changes, in pairs that it was not measured in, a shade explains; most are other errors


def factor(shade: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What a shade multiplies every px of a frame of size (w, h) with, float32 [h, w] in 0..1.

    shade: the factor's log, float64 [rows, columns] <= 0, at nodes of which the outer ones lie half a cell
    beyond the frame."""
    rows, columns = (_hats((np.arange(n) + 0.5) / n, nodes) for n, nodes in zip(size[::-1], shade.shape, strict=True))
    return np.exp(rows @ shade @ columns.T).astype(np.float32)


def _hats(at: np.ndarray, nodes: int) -> np.ndarray:
    """Values at `at` [n], 0..1, of smooth bumps (quadratic B-splines), the outer ones beyond 0 and 1: [n, nodes].

    A ramp over the nodes is exactly a ramp over the frame, which a pan cannot tell from a fade."""
    x = np.abs(at[:, None] * (nodes - 2) + 0.5 - np.arange(nodes))
    return np.where(x < 0.5, 0.75 - x**2, np.where(x < 1.5, 0.5 * (1.5 - x) ** 2, 0.0))


def same_paint(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two pictures float32 [h, w] show the same paint, whatever its brightness: bool [h, w]."""
    box = lambda x: cv2.boxFilter(x, -1, (WINDOW, WINDOW))  # noqa: E731
    ma, mb = box(a), box(b)
    va, vb, ab = box(a * a) - ma * ma, box(b * b) - mb * mb, box(a * b) - ma * mb
    return (ab > ALIKE * np.sqrt(np.maximum(va * vb, 0))) & (np.minimum(va, vb) > DETAIL**2)


@dataclass
class _Pair:
    """Patches that two frames show: where in each (x, y) 0..1 [n, 2], their mean brightness and its difference [n]."""

    there: np.ndarray
    here: np.ndarray
    level: np.ndarray
    change: np.ndarray


def _compare(there: np.ndarray, here: np.ndarray, H: np.ndarray) -> _Pair | None:
    """there, here: two frames, grey, float32 [h, w]. H: the latter -> the former, centre coordinates."""
    h, w = here.shape
    moved = cv2.warpPerspective(there, H, (w, h), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=-1e4)
    same = same_paint(here, moved)
    level, change = (moved + here) / 2, moved - here
    same &= (np.minimum(moved, here) > DARKEST) & (np.abs(change) < FURTHEST * level)
    y, x = np.nonzero(same)
    across = -(-w // PATCH)
    patch = y // PATCH * across + x // PATCH
    count = np.bincount(patch)
    told = np.flatnonzero(count >= PATCH**2 // 4)
    if len(told) < FEWEST_PATCHES:
        return None
    x, y, mean, differ = (np.bincount(patch, v[same] if v.ndim == 2 else v)[told] / count[told]
                          for v in (x.astype(float), y.astype(float), level, change))
    far = H @ np.stack([x, y, np.ones_like(x)])
    size = np.array([w, h], float)
    return _Pair((far[:2] / far[2]).T / size + 0.5 / size, np.stack([x, y], 1) / size + 0.5 / size, mean, differ)


def _pairs(gray: Callable[[int], np.ndarray], count: int, ways: list[tuple[np.ndarray, np.ndarray]]) -> list[_Pair]:
    """gray: the number of one of so many frames -> float32 [h, w]. ways: motions, and where they are present."""
    h, w = gray(0).shape
    middle = np.array([w / 2, h / 2, 1.0])
    out = []
    for H, present in ways:
        mine = []
        for gap in GAPS:
            starts = [t for t in range(count - gap) if present[t] and present[t + gap]]
            for t in starts[:: max(1, -(-len(starts) // PAIRS))]:
                there = H[t + gap] @ np.linalg.inv(H[t])
                at = there @ middle
                if np.hypot(*(at[:2] / at[2] - middle[:2])) < LEAST_MOVE * w:
                    continue
                pair = _compare(gray(t + gap), gray(t), centre_from_edge(there))
                if pair is not None:
                    mine.append(pair)
        if sum(len(pair.level) for pair in mine) * PATCH**2 > MUCH * w * h * len(mine):
            out += mine
    return out


def _design(pair: _Pair) -> np.ndarray:
    """What each node adds to each patch's change: float64 [n, nodes]."""
    def at(xy: np.ndarray) -> np.ndarray:
        across, down = _hats(xy[:, 0], GRID[0]), _hats(xy[:, 1], GRID[1])
        return (down[:, :, None] * across[:, None, :]).reshape(len(xy), -1)
    return (at(pair.there) - at(pair.here)) * pair.level[:, None]


def _bending() -> np.ndarray:
    """The penalty on second differences along both axes: float64 [nodes, nodes]."""
    out = np.zeros((GRID[0] * GRID[1],) * 2)
    index = np.arange(GRID[0] * GRID[1]).reshape(GRID[1], GRID[0])
    for grid in (index, index.T):
        for a, b, c in zip(grid[:, :-2].ravel(), grid[:, 1:-1].ravel(), grid[:, 2:].ravel(), strict=True):
            row = np.zeros(len(out))
            row[[a, b, c]] = 1, -2, 1
            out += np.outer(row, row)
    return out


def _left(pair: _Pair, design: np.ndarray, shade: np.ndarray) -> np.ndarray:
    """What the shade leaves of a pair's changes, the two frames' own light taken off: [n] grey levels."""
    rest = pair.change - design @ shade
    return rest - pair.level * np.median(rest / pair.level)


def _fit(pairs: list[_Pair], designs: list[np.ndarray]) -> np.ndarray:
    """The shade's log at the nodes, [nodes]."""
    shade = np.zeros(GRID[0] * GRID[1])
    for _ in range(4):
        A, b = np.zeros((len(shade),) * 2), np.zeros(len(shade))
        for pair, D in zip(pairs, designs, strict=True):
            weight = 1 / (1 + (_left(pair, D, shade) / OUTLIER) ** 2) ** 2
            heavy = D * weight[:, None]
            light = pair.level * weight
            own = light @ pair.level  # the pair's own light is eliminated
            A += heavy.T @ D - np.outer(heavy.T @ pair.level, light @ D) / own
            b += heavy.T @ pair.change - (heavy.T @ pair.level) * (light @ pair.change) / own
        scale = np.trace(A) / len(A)
        shade = np.linalg.solve(A + scale * (SMOOTH * _bending() + RIDGE * np.eye(len(A))), b)
    return shade


def _explained(pairs: list[_Pair], designs: list[np.ndarray], shade: np.ndarray) -> float:
    """Share of the changes that a shade explains; what is far off, another paint, counts alike with and without."""
    before, after = (sum(float(np.minimum(np.abs(_left(p, D, s)), OUTLIER).sum())
                         for p, D in zip(pairs, designs, strict=True)) for s in (np.zeros_like(shade), shade))
    return 1 - after / max(before, 1e-9)


def lightest(frames: np.ndarray, light: np.ndarray) -> float:
    """What a shade `light` float32 [h, w], known but for a factor, is to be divided by: its largest value, but no more
    than leaves the frames uint8 [T, h, w, 3] within 255 without the shade. Where sprites always cover the frame it is a
    guess, and a guess too light would take the clouds out of a sky elsewhere."""
    bright = np.stack([f.max(2) for f in frames]) / (255 * light)
    return float(min(light.max(), 1 / np.quantile(bright, 1 - MAY_CLIP)))


def find_shade(source: FrameSource, paths: list[LayerPath], progress: Callable[[float], None] | None = None
               ) -> np.ndarray | None:
    """The shade that stays with the frame, as `factor` takes it; None if there is none, or nothing tells.

    paths: the clip's motions, best first."""
    small, scale = working_source(source, LOOK_WIDTH)

    @lru_cache(maxsize=2 * max(GAPS))  # frames that are compared lie near each other
    def gray(t: int) -> np.ndarray:
        return cv2.GaussianBlur(small.read(t).astype(np.float32).mean(-1), (0, 0), SOFT)

    S = np.diag([scale, scale, 1.0])
    ways = [(S @ path.H @ np.linalg.inv(S), path.present) for path in paths[:PATHS]]
    pairs = _pairs(gray, small.count, ways)
    if progress is not None:
        progress(0.5)
    if len(pairs) < 2 or sum(len(p.level) for p in pairs) < PATCHES:  # what one tells the other is to confirm
        return None
    designs = [_design(p) for p in pairs]
    halves = [(pairs[i::2], designs[i::2]) for i in (0, 1)]
    told = [_explained(*halves[1 - i], _fit(*halves[i])) for i in (0, 1)]
    shade = _fit(pairs, designs).reshape(GRID[1], GRID[0])
    if min(told) < EXPLAINED:
        return None
    asked = range(0, small.count, -(-small.count // LIGHT_FRAMES))
    frames = np.stack([small.read(t) for t in asked])
    shade = np.minimum(shade - np.log(lightest(frames, factor(shade, small.size))), 0)
    if factor(shade, small.size).min() > 1 - LEAST_DEPTH:
        return None
    return shade


def without_shade(source: FrameSource, shade: np.ndarray) -> FrameSource:
    """The frames as they were before the shade was laid over them."""
    whole = np.repeat(1 / factor(shade, source.size)[..., None], 3, 2)
    return source.changed(lambda frame: cv2.multiply(frame, whole, dtype=cv2.CV_8U))


def shade_layer(shade: np.ndarray, size: tuple[int, int], count: int) -> SolvedLayer:
    """The shade as a layer in front of everything: black, as opaque as it is dark, and still. size: (w, h)."""
    drawing = np.zeros((size[1], size[0], 4), np.uint8)
    drawing[..., 3] = np.rint(255 * (1 - factor(shade, size)))
    return SolvedLayer("shade", "sprite", as_drawings([drawing]), np.zeros(count, int),
                       np.tile(np.eye(3), (count, 1, 1)), np.ones(count), "translation", 1.0)
