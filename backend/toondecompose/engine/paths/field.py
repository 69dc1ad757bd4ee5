"""The evidence that all paths compete for: textured points of every frame and where optical flow sees them go.

Everything is at search size in edge coordinates: a full-resolution point times `scale`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as record
from functools import cached_property

import cv2
import numpy as np

from ..clip import FrameSource, working_scale
from .flow import Flow, flow_between
from .light import lighting
from .mosaic import Mosaic

SEARCH_WIDTH = 400  # px; camera and sprite motions are found at this size, then refined
FLOW_WIDTH = 640  # px; flow of short clips is taken at this size: layers that slide slowly on each other come apart
ALL_POINTS = 1_000_000  # of a clip: about 100 bytes each, so long clips stay bounded
KEPT_PIXELS = 64_000_000  # grey px of the larger frames kept in memory
FLOW_PIXELS = 12_000_000  # px of flow pictures affordable at more than the search size
TEXTURE = 4.0  # grey levels per px: weaker slopes are noise or paint texture that flow cannot follow
BLANK = 0.1  # of the usual contrast: black and white frames, in which flow finds anything
ROUND_TRIP = 1.0  # px: flow there and back must return this close
SHARP = 0.15  # px of the flow picture: what dense flow reaches on clean drawn edges
SLOPE_BLUR = 0.7  # px: enough to take the slope of a one-pixel line
CELL = 8  # px: points are spread evenly over cells of this size
NOISE_OF_BAND = 5.3  # white noise of standard deviation 1 leaves 1/5.3 in the band between the two Gaussians
TENSOR_SIGMA = 3.0  # px: neighbourhood in which an edge is told from a corner


@dataclass
class Points:
    """The textured points of one frame.

    at: float64 [n, 2] pixel centres, edge coordinates. value: float32 [n] grey level there.
    whiten: float64 [n, 2, 2] rows that turn an error into its visible part: an edge counts across itself only.
    bits: float32 [n] cost of coding the point's neighbourhood anew, times share: the number of pixels it stands for.
    sure: float64 [n] in 0..1, how well its motion is known beside a clean edge's; whiten is already scaled by it.
    ahead / behind: float64 [n, 2] where flow sees the point in the next / previous frame; *_ok: bool [n].
    """

    at: np.ndarray
    value: np.ndarray
    whiten: np.ndarray
    bits: np.ndarray
    share: np.ndarray
    sure: np.ndarray
    ahead: np.ndarray
    ahead_ok: np.ndarray
    behind: np.ndarray
    behind_ok: np.ndarray

    @cached_property
    def _seen(self) -> tuple[np.ndarray, np.ndarray]:
        return np.flatnonzero(self.ahead_ok), np.flatnonzero(self.behind_ok)

    def matches(self, direction: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The points that flow sees in the next (1) or previous (-1) frame: (their numbers [k], at [k, 2], where they
        are there [k, 2], whiten [k, 2, 2]). Taken by numbers: masks of rows cost many times as much."""
        which, to = (self._seen[0], self.ahead) if direction > 0 else (self._seen[1], self.behind)
        return which, self.at.take(which, 0), to.take(which, 0), self.whiten.take(which, 0)

    @cached_property
    def anew(self) -> np.ndarray:
        """float32 [n] bits that coding one pixel there anew costs."""
        return self.bits / np.maximum(self.share, 1e-6)

    @cached_property
    def slope(self) -> np.ndarray:
        """float32 [n] grey levels per px."""
        return np.exp2(self.anew) - 1


@dataclass
class Field:
    """gray: uint8 [T, h, w] at search size. noise: standard deviation in grey levels. scale: search px per full px.
    flow_scale: px of the pictures that flow was taken from per search px. blur: sigma in search px that calms grain;
    gray already has it. kept: uint8 [T, h', w'] at a larger size, or None. light: uint8 [T, 256], tables that undo
    fades and flashes (gray and kept already have it), or None. mosaics: the last still pictures of paths."""

    gray: np.ndarray
    noise: float
    scale: float
    flow_scale: float
    blur: float
    points: list[Points]
    kept: np.ndarray | None = None
    light: np.ndarray | None = None
    mosaics: dict[tuple, Mosaic] = record(default_factory=dict, init=False, repr=False)
    _soft: dict[tuple[int, float], np.ndarray] = record(default_factory=dict, init=False, repr=False)

    def soft_values(self, t: int, blur: float) -> np.ndarray:
        """Grey float32 [n] of frame t's points in the frame blurred by sigma px; every path asks for the same blurs."""
        if blur <= 0:
            return self.points[t].value
        if (t, blur) not in self._soft:
            at = self.points[t].at.astype(np.int64)
            soft = cv2.GaussianBlur(self.gray[t].astype(np.float32), (0, 0), blur)
            self._soft[t, blur] = soft[at[:, 1], at[:, 0]]
        return self._soft[t, blur]

    @property
    def size(self) -> tuple[int, int]:
        return self.gray.shape[2], self.gray.shape[1]

    @property
    def count(self) -> int:
        return len(self.gray)


def contrast_weights(source: FrameSource) -> np.ndarray:
    """RGB -> grey weights [3] that keep the most edge contrast of the clip: red on green of equal luma is not lost."""
    total = np.zeros((3, 3))
    for t in sorted({int(i) for i in np.linspace(0, source.count - 1, min(source.count, 5))}):
        frame = source.read(t)
        small = cv2.resize(frame, None, fx=min(1.0, 320 / frame.shape[1]), fy=min(1.0, 320 / frame.shape[1]),
                           interpolation=cv2.INTER_AREA).astype(np.float64)
        for axis in (0, 1):
            d = np.diff(small, axis=axis).reshape(-1, 3)
            total += d.T @ d
    luma = np.array([0.299, 0.587, 0.114])
    values, vectors = np.linalg.eigh(total)
    best = vectors[:, -1] * np.sign(vectors[:, -1].sum() or 1.0)
    if values[-1] <= 0 or best.min() < 0:  # colours that change in opposite directions: grey would leave 0..255
        return luma
    return best / best.sum()


def gray_frames(source: FrameSource, widths: list[int]) -> list[tuple[np.ndarray, float]]:
    """All frames as grey at several widths, each frame read once: [(uint8 [T, h, w], scale)].

    The scale is exactly the same in x and y, so that a motion keeps its group at any size.
    """
    weights = contrast_weights(source).astype(np.float32).reshape(1, 3)
    scales = [working_scale(source.size, w) for w in widths]
    made: dict[float, np.ndarray] = {}
    for t in range(source.count):
        frame = source.read(t)
        for scale in dict.fromkeys(scales):
            grey = gray_of(frame, scale, weights)
            made.setdefault(scale, np.empty((source.count, *grey.shape), np.uint8))[t] = grey
    return [(made[s], s) for s in scales]


def gray_of(frame: np.ndarray, scale: float, weights: np.ndarray) -> np.ndarray:
    """One frame uint8 RGB as grey [h, w] at a smaller size. weights: float32 [1, 3]."""
    if scale < 1:
        frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = cv2.transform(frame, weights)
    return grey.reshape(grey.shape[:2])


def noise_of_clip(gray: np.ndarray) -> float:
    """Grain and compression noise of a clip uint8 [T, h, w]: standard deviation in grey levels.

    What a band-pass leaves in the flattest blocks of single frames, but no more than what it leaves of the difference
    to the next frame once flow is undone: pictures without a flat block would otherwise look noisy.
    """
    chosen = sorted({int(i) for i in np.linspace(0, len(gray) - 1, min(len(gray), 9))})
    inside = float(np.median([_calmest(gray[t].astype(np.float32)) for t in chosen]))
    between = []
    for t in chosen:
        if t + 1 >= len(gray) or inside < 0.5:
            continue
        a, b = (cv2.GaussianBlur(g, (0, 0), 1.0) for g in (gray[t], gray[t + 1]))
        there = flow_between(a, b) + np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in a.shape[::-1])), -1)
        undone = cv2.remap(gray[t + 1], there, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        between.append(_calmest(gray[t].astype(np.float32) - undone) / np.sqrt(2))
    # held frames differ by nothing, so the noisier pairs count
    return min(inside, float(np.quantile(between, 0.75))) if between else inside


def _calmest(picture: np.ndarray, block: int = 16) -> float:
    """Standard deviation of the noise in the calmest tenth of a picture's blocks, from a band of frequencies."""
    band = cv2.GaussianBlur(picture, (0, 0), 1) - cv2.GaussianBlur(picture, (0, 0), 2)
    h, w = (s // block * block for s in picture.shape)
    if not h or not w:
        return 0.0
    rms = np.sqrt((band[:h, :w] ** 2).reshape(h // block, block, w // block, block).mean((1, 3))).ravel()
    return float(np.sort(rms)[: max(1, len(rms) // 10)].mean()) * NOISE_OF_BAND


def choose(texture: np.ndarray, budget: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Textured pixels [h, w] bool spread evenly over cells -> (rows, columns, pixels that each stands for)."""
    y, x = np.nonzero(texture)
    if not len(y):
        return y, x, np.zeros(0)
    thinned = 1.0
    if len(y) > 5 * budget:  # sorting everything would cost more than the evenness is worth
        keep = np.flatnonzero(rng.random(len(y)) < 5 * budget / len(y))
        thinned = len(y) / max(len(keep), 1)
        y, x = y[keep], x[keep]
    columns = -(-texture.shape[1] // CELL)
    cell = (y // CELL) * columns + x // CELL
    # by cell, and at random within: sorted twice, of which a stable sort of small integers costs next to nothing
    small = np.uint16 if columns * (texture.shape[0] // CELL + 1) <= 2**16 else np.int64
    order = np.argsort(rng.random(len(y)))
    order = order[np.argsort(cell[order].astype(small), kind="stable")]
    y, x, cell = y[order], x[order], cell[order]
    count = np.bincount(cell)
    rank = np.arange(len(cell)) - (np.cumsum(count) - count)[cell]
    cap = 1
    while np.minimum(count, cap + 1).sum() <= budget and cap < CELL * CELL:
        cap += 1
    keep = rank < cap
    y, x, cell = y[keep], x[keep], cell[keep]
    return y, x, thinned * (count / np.minimum(np.maximum(count, 1), cap))[cell]


def _whitening(gx: np.ndarray, gy: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Rows [n, 2, 2] from the structure tensor: across the edge 1, along it min(1, 2 sqrt(l2 / l1))."""
    a, b, c = (cv2.GaussianBlur(m, (0, 0), TENSOR_SIGMA)[y, x].astype(np.float64) for m in (gx * gx, gx * gy, gy * gy))
    mean, spread = (a + c) / 2, np.sqrt(((a - c) / 2) ** 2 + b * b)
    big, small = mean + spread, np.maximum(mean - spread, 0)
    angle = 0.5 * np.arctan2(2 * b, a - c)
    n = np.stack([np.cos(angle), np.sin(angle)], -1)
    along = np.minimum(1.0, 2 * np.sqrt(small / np.maximum(big, 1e-9)))
    return np.stack([n, np.stack([-n[:, 1], n[:, 0]], -1) * along[:, None]], 1)


def bilinear(stack: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Sample stack [h, w, c] at edge-coordinate points [n, 2] -> [n, c]; the border repeats.

    Exact, where cv2.remap rounds positions to 1/32 px."""
    h, w = stack.shape[:2]
    x = np.clip(at[:, 0] - 0.5, 0, w - 1)
    y = np.clip(at[:, 1] - 0.5, 0, h - 1)
    x0, y0 = np.minimum(x.astype(np.int64), max(w - 2, 0)), np.minimum(y.astype(np.int64), max(h - 2, 0))
    fx, fy = (x - x0).astype(np.float32)[:, None], (y - y0).astype(np.float32)[:, None]
    flat = stack.reshape(h * w, -1)
    i = y0 * w + x0
    right, down = (1 if w > 1 else 0), (w if h > 1 else 0)
    top = flat[i] * (1 - fx) + flat[i + right] * fx
    low = flat[i + down] * (1 - fx) + flat[i + down + right] * fx
    return top * (1 - fy) + low * fy


def build_field(source: FrameSource, seed: int, width: int = SEARCH_WIDTH, keep: int = 0,
                tick: Callable[[float], None] | None = None, flow: Flow = flow_between) -> Field:
    """Grey frames, noise, points and matches of a clip. tick(0..1) is called as frames are done.

    keep: a width at which the grey frames are kept as well for a later stage, if they fit into KEPT_PIXELS.
    flow: from grey picture uint8 [h, w] to another -> float32 [h, w, 2] px."""
    shape = source.size[1] / source.size[0]
    flow_width = int(np.clip((FLOW_PIXELS / (2 * source.count * shape)) ** 0.5, width, max(width, FLOW_WIDTH)))
    widths = [width, flow_width]
    if keep and source.count * working_scale(source.size, keep) ** 2 * np.prod(source.size) <= KEPT_PIXELS:
        widths.append(keep)
    (gray, scale), (fine, fine_scale), *last = gray_frames(source, widths)
    ratio = fine_scale / scale
    light = lighting(gray)
    if light is not None:
        for frames in {id(g): g for g in (gray, fine, *(g for g, _ in last))}.values():
            for t, table in enumerate(light):
                frames[t] = cv2.LUT(frames[t], table)
    noise = noise_of_clip(gray)
    blur = min(2.5, 0.4 * noise)
    soft = fine
    if blur < 0.4:
        blur = 0.0
    else:  # from here on the clip is the calmer one: what grain leaves after the blur is its noise
        soft = np.stack([cv2.GaussianBlur(g, (0, 0), blur * ratio) for g in fine])
        gray = soft if fine is gray else np.stack([cv2.GaussianBlur(g, (0, 0), blur) for g in gray])
        noise /= 2 * np.pi**0.5 * blur
    rng = np.random.default_rng(seed)
    count = len(gray)
    budget = int(np.clip(ALL_POINTS // count, 600, 3000))  # per frame
    contrast = gray.reshape(count, -1)[:, ::7].std(1)
    blank = contrast < BLANK * np.median(contrast)
    points, ahead, back = [], None, None
    previous_back = None
    for t in range(count):
        g = cv2.GaussianBlur(gray[t].astype(np.float32), (0, 0), SLOPE_BLUR)
        gx, gy = (cv2.Sobel(g, cv2.CV_32F, i, 1 - i, ksize=3, scale=1 / 8) for i in (1, 0))
        slope = np.hypot(gx, gy)
        # a blur lowers the slopes of the drawing, and those of the noise even more
        texture = slope > max(TEXTURE * SLOPE_BLUR / max(SLOPE_BLUR, blur), 2 * noise)
        texture[:2] = texture[-2:] = texture[:, :2] = texture[:, -2:] = False
        y, x, share = choose(texture, budget, rng)
        at = np.stack([x, y], -1) + 0.5
        if t + 1 < count:
            ahead, back = flow(soft[t], soft[t + 1]), flow(soft[t + 1], soft[t])
        matches = []
        for n, (there, home) in ((t + 1, (ahead, back) if t + 1 < count else (None, None)),
                                 (t - 1, previous_back or (None, None))):
            if there is None or blank[n]:
                matches += [at.copy(), np.zeros(len(at), bool)]
                continue
            moved = bilinear(there, at * ratio) / ratio
            to = at + moved
            right, down = (moved + bilinear(home, to * ratio) / ratio).T
            off = np.sqrt(right * right + down * down)
            right, down = to.T
            inside = (right > 0) & (right < gray.shape[2]) & (down > 0) & (down < gray.shape[1])
            matches += [to, (off < ROUND_TRIP) & inside]
        previous_back = (back, ahead) if t + 1 < count else None
        # noise displaces an edge by noise / slope; what clean edges reach anyway is the unit
        sure = 1 / np.sqrt(1 + (noise / (slope[y, x].astype(np.float64) * SHARP / ratio)) ** 2)
        points.append(Points(at, gray[t][y, x].astype(np.float32), _whitening(gx, gy, y, x) * sure[:, None, None],
                             (np.log2(1 + slope[y, x]) * share).astype(np.float32), share.astype(np.float32), sure,
                             *matches))
        if tick:
            tick((t + 1) / count)
    return Field(gray, noise, scale, ratio, blur, points, last[0][0] if last else None, light)
