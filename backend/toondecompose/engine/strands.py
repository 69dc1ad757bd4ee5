"""Loose strands: hairs and lines that hang on to a sprite, too thin for masks to follow.

A hair of a px or two is lost where labels are found on small pictures, and mattes look no farther than a band around
the masks: such strands end as if cut off, and stay in the plate as curls. But once there are plates and drawings, the
frames show what these leave unexplained: a thin line that begins at the sprite, and that no plane carries along, is a
strand of it. So is one beside it that goes where its drawing goes: the rest of a hair that vanishes before a wall of
its own colour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..formats.conventions import centre_from_edge, translation
from .clip import FrameSource
from .types import SolvedLayer
from .visible import FAINTEST

THIN = 5  # working px; what is at least as wide is no strand
FAINT, CLEAR = 3.0, 6.0  # differences, relative to the noise, that a strand goes on with, and that tell one
SLIP = 0.25  # working px by which plates may be out of place: their lines differ by so much of their own contrast
LEAST_NOISE = 1.5  # levels
LEAST_CLEAR, LEAST_LONG = 4, 7  # px that must stand out clearly, and px of length: less is a mistake of the outline
ISLAND_CLEAR = 8  # px that must stand out clearly of one that hangs on to nothing, and
NEAR = 0.04  # of the frame's width within which it must be
BODY = 128  # mask value
HELD = 32  # from which a draft's matte holds a strand: half a px of a hair, of little contrast
BESIDE = 3  # working px around another sprite, whose own mistakes lie there
LOOKS = (2, 4, 7, 11, 16)  # frames before and after in which a strand is looked for where a plane would carry it
LEAST_NEW = 4  # of its px that must lie elsewhere than in its own frame, and in the open
SEEN = 0.5  # of its px that the other exposures of a drawing must show
CARRIED = 0.6  # of its px are found there: then it is the plane's
BEHIND = 0.15  # of what is around a strand must be the plane
SQUARE = np.ones((3, 3), np.uint8)


@dataclass
class Lines:
    """Thin lines of a frame that the layers do not explain, bool [hs, ws] each: trace, all of them, even where a line
    of the plate out of place looks like one; faint, those that it does not; clear, which of these are beyond doubt.
    open: where no sprite that may grow is seen."""

    trace: np.ndarray
    faint: np.ndarray
    clear: np.ndarray
    open: np.ndarray

    def packed(self) -> PackedLines:
        """The same in an eighth of the memory: those of all frames are held at a time."""
        wide = cv2.dilate(self.faint.view(np.uint8), SQUARE)
        return PackedLines(*(np.packbits(one) for one in (self.trace, self.faint, self.clear, self.open, wide)),
                           self.trace.shape)


@dataclass
class PackedLines:
    """Lines as bits. wide: faint ones and a px around. shape: (hs, ws)."""

    trace: np.ndarray
    faint: np.ndarray
    clear: np.ndarray
    open: np.ndarray
    wide: np.ndarray
    shape: tuple[int, int]

    def unpacked(self) -> Lines:
        """Each of them as bool [hs, ws] again."""
        h, w = self.shape
        return Lines(*(np.unpackbits(one, count=h * w).reshape(h, w).view(bool)
                       for one in (self.trace, self.faint, self.clear, self.open)))


def add_strands(source: FrameSource, layers: Sequence[SolvedLayer], masks: list[np.ndarray], growing: list[int],
                check: Callable[[], None] = lambda: None) -> int:
    """Add to sprites' masks, in place, the loose strands that the frames show -> how many px.

    layers: solved, back to front. masks: uint8 [T, hs, ws] each, what is visible of them. growing: the numbers of
    those that are redrawn sprites. check: called for every frame; raises once the job is cancelled."""
    if not growing:
        return 0
    hs, ws = masks[0].shape[1:]
    found = []
    for t in range(source.count):
        check()
        found.append(unexplained_lines(source, layers, masks, growing, t).packed())
    to_work = np.diag([ws / source.size[0], hs / source.size[1], 1.0])
    ways = [to_work @ layer.H @ np.linalg.inv(to_work) for layer in layers]
    planes = [i for i, layer in enumerate(layers) if layer.kind == "background"]
    total = 0
    for t, packed in enumerate(found):
        check()
        lines = packed.unpacked()
        for k in growing:
            others = np.zeros((hs, ws), np.uint8)
            for i, layer in enumerate(layers):
                if i != k and layer.kind != "background":
                    np.maximum(others, masks[i][t], out=others)
            body, veil = body_of(masks[k][t])
            free = (cv2.dilate(others, square(BESIDE)) < BODY) & ~veil
            hang, apart = strands_of(body, lines, free, round(NEAR * ws))
            kept = np.zeros((hs, ws), bool)
            for strand, loose in [*((one, False) for one in hang), *((one, True) for one in apart)]:
                near = cv2.dilate(strand.astype(np.uint8), square(THIN // 2)) > 0
                beside = [i for i in planes if (masks[i][t][near] >= BODY).mean() > BEHIND]
                if any(follows(ways[i], t, strand, found) for i in beside):
                    continue
                if not loose or goes_with(layers[k], ways[k], [ways[i] for i in beside], t, strand, found):
                    kept |= strand
            kept |= bridges(kept, body, lines.trace & free)
            total += int(kept.sum())
            for i, mask in enumerate(masks):
                mask[t][kept] = 255 if i == k else 0
    return total


def unexplained_lines(source: FrameSource, layers: Sequence[SolvedLayer], masks: list[np.ndarray], growing: list[int],
                      t: int) -> Lines:
    """The thin lines of frame t that the layers do not explain."""
    hs, ws = masks[0].shape[1:]
    picture, known = recomposed(layers, t, source.size, (ws, hs))
    frame = source.resized((ws, hs)).read(t)
    off = strongest(cv2.absdiff(frame, picture))
    off[known < BODY] = 0
    empty = np.all([masks[k][t] < HELD // 2 for k in growing], axis=0)
    noise = noise_of(off, empty)
    thin = cv2.subtract(off, cv2.morphologyEx(off, cv2.MORPH_OPEN, square(THIN // 2)))
    slip = SLIP * strongest(cv2.subtract(cv2.dilate(picture, SQUARE), cv2.erode(picture, SQUARE))).astype(np.float32)
    nobody = cv2.dilate(np.max([masks[k][t] for k in growing], axis=0), square(BESIDE)) < BODY
    return Lines(thin > FAINT * noise, thin > FAINT * noise + slip, thin > CLEAR * noise + 2 * slip, nobody)


def noise_of(off: np.ndarray, where: np.ndarray) -> float:
    """Noise, levels rms, of differences uint8 [h, w] at some px, of which a fifth may be more than that."""
    levels = np.bincount(off[where], minlength=256).cumsum()
    return max(LEAST_NOISE, float(np.searchsorted(levels, 0.8 * levels[-1])) / 1.24)


def square(reach: int) -> np.ndarray:
    """A square of px that reaches so far to every side."""
    return np.ones((2 * reach + 1,) * 2, np.uint8)


def strongest(picture: np.ndarray) -> np.ndarray:
    """Largest of three channels: [h, w, 3] -> [h, w]."""
    r, g, b = cv2.split(picture)
    return cv2.max(cv2.max(r, g), b)


def recomposed(layers: Sequence[SolvedLayer], t: int, size: tuple[int, int], small: tuple[int, int]
               ) -> tuple[np.ndarray, np.ndarray]:
    """Frame t (of `size`, w, h) as its layers give it, at another size: uint8 RGB, and 255 where that is known."""
    shrink = np.diag([small[0] / size[0], small[1] / size[1], 1.0])
    picture, known = np.zeros((small[1], small[0], 4), np.uint8), np.zeros(small[::-1], np.float32)
    for layer in layers:
        if layer.exposure[t] < 0 or layer.opacity[t] < FAINTEST:
            continue
        rgba, corner = layer.drawings.part(layer.exposure[t])
        place = centre_from_edge(shrink @ layer.H[t] @ translation(*corner))
        shown = cv2.warpPerspective(rgba, place, small)
        own = cv2.extractChannel(shown, 3).astype(np.float32)
        own *= np.float32(layer.opacity[t] / 255)
        nothing = layer is layers[0] and layer.opacity[t] == 1 and layer.kind == "background"  # behind the farthest
        picture = shown if nothing else cv2.blendLinear(picture, shown, 1 - own, own)
        seen = own
        if layer.seen is not None:
            seen = cv2.warpPerspective(layer.seen, place, small).astype(np.float32) / 255
        known += own * (seen - known)
    return cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB), np.rint(known * 255).astype(np.uint8)


def body_of(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a sprite's mask, uint8 [h, w], holds of its body and its strands, and its shadows and glows with some px
    around them, bool [h, w] each: these are faint, too, but wide."""
    held = (mask >= HELD).astype(np.uint8)
    body = mask >= BODY
    faint = cv2.dilate(body.astype(np.uint8), square(THIN // 2)) < held
    veil = cv2.morphologyEx(faint.astype(np.uint8), cv2.MORPH_OPEN, square(THIN // 2)) > 0
    near = cv2.dilate(veil.astype(np.uint8), square(BESIDE)) > 0
    return body | ((held > 0) & ~near), near


def strands_of(body: np.ndarray, lines: Lines, free: np.ndarray, reach: int
               ) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Lines that hang on to a body, and others within `reach` px of it: bool [h, w] each. A px of nothing parts none.

    free: bool [h, w], where they may be."""
    line = lines.faint & free & ~body
    wide = cv2.dilate(line.astype(np.uint8), SQUARE)
    count, label, stats, _ = cv2.connectedComponentsWithStats(wide, connectivity=8)
    clear = np.bincount(label[line & lines.clear], minlength=count)
    touch = np.bincount(label[cv2.dilate(body.astype(np.uint8), SQUARE) > 0], minlength=count) > 0
    beside = np.bincount(label[cv2.dilate(body.astype(np.uint8), square(reach)) > 0], minlength=count) > 0
    long = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) >= LEAST_LONG
    hang = [k for k in range(1, count) if touch[k] and long[k] and clear[k] >= LEAST_CLEAR]
    apart = [k for k in range(1, count) if beside[k] and not touch[k] and long[k] and clear[k] >= ISLAND_CLEAR]
    return [line & (label == k) for k in hang], [line & (label == k) for k in apart]


def bridges(strands: np.ndarray, body: np.ndarray, trace: np.ndarray) -> np.ndarray:
    """Pieces of a trace that join a strand to the body or to another one, bool [h, w]: a strand goes on along a line of
    the plate, too, however little it stands out there."""
    out = np.zeros_like(strands)
    if not strands.any():
        return out
    near = cv2.dilate(strands.view(np.uint8), SQUARE)
    others, ends = cv2.connectedComponents(near)
    ends[body] = others
    _, label, stats, _ = cv2.connectedComponentsWithStats((trace & (ends == 0)).view(np.uint8), connectivity=8)
    beside = np.unique(label[cv2.dilate(near, SQUARE) > 0])
    for k in beside[beside > 0].tolist():
        x, y, w, h, _ = stats[k]
        at = slice(max(0, y - 1), y + h + 1), slice(max(0, x - 1), x + w + 1)
        here = label[at] == k
        rim = ends[at][cv2.dilate(here.view(np.uint8), SQUARE) > 0]
        if len(np.unique(rim[rim > 0])) > 1:
            out[at] |= here
    return out


def follows(H: np.ndarray, t: int, strand: np.ndarray, found: list[PackedLines]) -> bool:
    """Is a strand bool [h, w] of frame t, where a plane's motion H [T, 3, 3] takes it, a line in other frames too?

    Asked are the places where it was not already: a line that slides along itself tells by its ends. One that has none,
    for it comes in at the frame's edge, is the plane's as soon as that moves."""
    mine, px = strand.reshape(-1), np.stack(np.nonzero(strand)[::-1])
    around = cv2.dilate(strand.view(np.uint8), square(THIN // 2)).reshape(-1) > 0
    asked = there = moves = 0
    for u in (t + side * step for step in LOOKS for side in (-1, 1)):
        if not 0 <= u < len(found):
            continue
        at, _ = carried(H[u] @ np.linalg.inv(H[t]), px, strand.shape)
        moves += not mine[at].all()
        at = at[bits(found[u].open, at) & ~around[at]]
        if len(at) >= LEAST_NEW:
            asked += 1
            there += np.count_nonzero(bits(found[u].wide, at)) >= CARRIED * len(at)
    if asked:
        return 2 * there > asked
    return moves > 0 and np.count_nonzero(strand[THIN:-THIN, THIN:-THIN]) < np.count_nonzero(strand)


def goes_with(layer: SolvedLayer, H: np.ndarray, planes: list[np.ndarray], t: int, strand: np.ndarray,
              found: list[PackedLines]) -> bool:
    """Is a strand bool [h, w] of frame t found in most other exposures of the layer's drawing, where that is, and one
    at least where no plane takes it? H, planes: the layer's way [T, 3, 3], and theirs."""
    px = np.stack(np.nonzero(strand)[::-1])
    asked = there = told = 0
    for u in np.flatnonzero(layer.exposure == layer.exposure[t]).tolist():
        at, _ = carried(H[u] @ np.linalg.inv(H[t]), px, strand.shape)
        if u == t or len(at) < SEEN * px.shape[1]:
            continue
        asked += 1
        if np.count_nonzero(bits(found[u].wide, at)) >= CARRIED * len(at):
            there += 1
            told += all(len(np.intersect1d(carried(P[u] @ np.linalg.inv(P[t]), px, strand.shape)[0], at))
                        < SEEN * len(at) for P in planes)
    return told > 0 and 2 * there > asked


def carried(H: np.ndarray, px: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Flat places in a picture of `shape` to which a motion takes px, int [2, n] columns and rows, as far as they stay
    within it, and which of them these are."""
    x, y, z = H @ np.concatenate([px + 0.5, np.ones((1, px.shape[1]))])
    z = np.where(z > 1e-9, z, np.inf)
    x, y = np.floor(x / z), np.floor(y / z)
    stay = np.flatnonzero((x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0]) & (z < np.inf))
    return y[stay].astype(int) * shape[1] + x[stay].astype(int), stay


def bits(packed: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Bool [n] of packed bits at flat places."""
    return (packed[at >> 3] >> (7 - (at & 7)) & 1).astype(bool)
