"""Openings in a plane: what shows through the gaps between houses is not the houses'.

A pale sky or far hills in a gap repeat as well under the motion of the plane before them, which always shows them
there, as under their own, under which they are soon hidden. And all lines around a gap are the nearer plane's. So the
gap goes to the nearer plane, whose mosaic then shows it. What gives it away: a painting does not change where nothing
passes before it. Where a plane's own canvas, over the whole shot, shows now a cloud and now a ridge, there is none of
it. (What never changes there cannot be told from the plane, and stays with it.) But mouths and eyes on a held drawing
change as well. What is seen through a gap slides along behind it, and is seen beyond it: in another gap, or far off.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from .canvas import Mosaic
from .film import Pictures, Room
from .labels import FLAT_TEXTURE
from .layers import Rigid
from .mosaic import build_mosaic
from .soft import LINE
from .walker import spread

LEAST_SEEN = 5.0  # frames that must show a place of a canvas before it can be said to change
CHANGES = 0.25  # of them that do not look as most do: a painting's place changes less
SPECK = 3  # px across: what is thinner is a line that is resampled
AROUND = 5  # px across: outlines of what passes in front may be so wrong
MOST = 0.5  # of a plane changes: the light does, or it is no painting
STAYS = 0.9  # of them look as most do: it stays
ALONG_SAYS = 0.1  # of a line that slides along itself: how surely it is a layer's where it stays, and
FLAT_STAYS = 0.03  # the same of flat colour
SOFT = 2.5  # grey levels from one px to the next that part an opening from what is around it, however soft its edge
SMALLEST = 7e-4  # of the frame's area: less that changes is a window whose lines are resampled
MOST_PIECES = 2**15 - 1  # that int16 can number; more of them are grain, and no openings
LEAST_AREA = 0.005  # of all that is seen: openings worth another labelling
APART = (4.0, 8.0, 16.0)  # px that two planes part between the frames compared
BOX = 5  # px across which differences are averaged
WORSE, LEVELS = 2.0, 1.2  # times, and grey levels more, that a wrong plane's motion differs
NEAR = 6.0  # px: what is flat is as its surroundings
FLAT_SAYS = 0.6  # of sure evidence: more than a rim says
BEYOND = (24.0, 36.0, 54.0, 80.0)  # px that two planes part for what shows in a gap to be seen in another one
SAME = 10  # grey levels by which what is seen again may differ
ASKED = 12  # frames at least, spread over the shot, whose gaps are looked for beyond them
FOUND, OF_ALL = 0.5, 0.05  # of a gap's px that can be looked for beyond it, and of all of them, that are seen there


def _along(Ha: np.ndarray, Hb: np.ndarray, both: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """How far two motions part from frame to frame across and down, [2] px, on average."""
    w, h = size
    corners = np.array([[x * w, y * h, 1.0] for x in (0, 1) for y in (0, 1)]).T
    moves = [np.zeros(2)]
    for t in np.flatnonzero(both[1:] & both[:-1]):
        a, b = (q[t + 1] @ np.linalg.inv(q[t]) @ corners for q in (Ha, Hb))
        moves.append(np.abs(a[:2] / a[2] - b[:2] / b[2]).mean(1))
    return np.sum(moves, 0) / max(1, len(moves) - 1)


def _opening(frames: Pictures, H: np.ndarray, present: np.ndarray, free: np.ndarray, along: np.ndarray, room: Room
             ) -> Mosaic | None:
    """How surely a layer's canvas is an opening, 0..1, in `votes`; None if it is nowhere. free: bool [T, h, w], where
    nothing nearer hides the layer. along: [2], how far what is behind slides across and down."""
    weight = room(free.shape, torch.uint8, frames.device)
    for t, one in enumerate(free):
        clear = cv2.erode(one.astype(np.uint8), np.ones((AROUND, AROUND), np.uint8), borderValue=1)
        weight[t] = torch.from_numpy(clear * 255)
    picture = build_mosaic(frames, H, present, weight)
    known = picture.seen >= LEAST_SEEN
    apart = ((picture.votes < (1 - CHANGES) * picture.seen) & known).to(torch.uint8).cpu().numpy()
    apart = cv2.morphologyEx(apart, cv2.MORPH_OPEN, np.ones((SPECK, SPECK), np.uint8))
    _, piece, stats, _ = cv2.connectedComponentsWithStats(apart, connectivity=4)
    apart &= (stats[:, cv2.CC_STAT_AREA] >= SMALLEST * free[0].size)[piece]
    if not apart.any():
        return None
    # lines that would have slid along, were they not the layer's, are surely its own where they stay; others may be
    colour = picture.colour.permute(1, 2, 0).cpu().numpy()
    steps = [np.abs(cv2.Sobel(colour, cv2.CV_32F, 1 - i, i, ksize=1, scale=0.5)).max(2) for i in (0, 1)]
    across, down = along / np.hypot(*along)
    lines = [(np.hypot(steps[0] * x, steps[1] * y) / LINE).clip(0, 1) for x, y in ((across, down), (1, 1))]
    own = torch.from_numpy(np.maximum(lines[0] ** 2, ALONG_SAYS * lines[1]) + FLAT_STAYS).to(picture.seen)
    own *= known & (picture.votes >= STAYS * picture.seen)
    seeds = torch.from_numpy(apart).to(picture.seen)
    found = spread(picture.colour[None], seeds[None, None], torch.maximum(seeds, own)[None], sigma=SOFT)[0, 0]
    picture.votes = found * (picture.seen > 0)
    return picture


def openings(frames: Pictures, H: np.ndarray, present: np.ndarray, labels: np.ndarray, k: int, along: np.ndarray,
             room: Room) -> np.ndarray:
    """Which pixels of layer k show what may be behind it: int16 [T, h, w], the number of the piece of its canvas; 0 for
    none.

    frames: uint8 [T, 3, h, w]. H, present: the layer's. labels: uint8 [T, h, w]. along: as for `_opening`."""
    out, own = np.zeros(labels.shape, np.int16), labels == k
    if own.sum() < LEAST_AREA * own.size or not along.any():
        return out
    picture = _opening(frames, H, present, labels <= k, along, room)
    if picture is None:
        return out
    count, pieces = cv2.connectedComponents((picture.votes > 0.5).to(torch.uint8).cpu().numpy(), connectivity=4)
    if count > MOST_PIECES:
        return out
    pieces = pieces.astype(np.uint16)  # as warpPerspective takes them
    at = np.array([[1, 0, picture.origin[0]], [0, 1, picture.origin[1]], [0, 0, 1.0]])
    for t in np.flatnonzero(present):
        out[t] = _there(pieces, H[t] @ at, size=labels.shape[:0:-1]).astype(np.int16) * own[t]
    area = np.count_nonzero(out)
    return out if LEAST_AREA * own.size <= area <= MOST * own.sum() else np.zeros_like(out)


def _there(mask: np.ndarray, M: np.ndarray, flags: int = cv2.INTER_NEAREST, value=0,
           size: tuple[int, int] | None = None) -> np.ndarray:
    """A picture [h, w, ...] moved by M, of edge coordinates, on size (w, h; None: its own)."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    return cv2.warpPerspective(mask, np.linalg.inv(half) @ M @ half, size or mask.shape[1::-1], flags=flags,
                               borderMode=cv2.BORDER_CONSTANT, borderValue=value)


def _window(mask: np.ndarray, margin: int = 0) -> tuple[tuple[slice, slice], np.ndarray, tuple[int, int]]:
    """The least part of a picture that holds a mask [h, w], and `margin` px around: the part, the transform of a
    frame's coordinates to its, and its size (w, h)."""
    (top, bottom), (left, right) = ((max(0, at[0] - margin), min(size, at[-1] + 1 + margin)) for axis, size in
                                    zip((1, 0), mask.shape, strict=True) for at in [np.flatnonzero(mask.any(axis))])
    return ((slice(top, bottom), slice(left, right)), np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]]),
            (int(right - left), int(bottom - top)))


def seen_beyond(small: np.ndarray, H: list[np.ndarray], present: list[np.ndarray], behind: np.ndarray,
                pieces: np.ndarray) -> np.ndarray:
    """Which pieces of the nearest layer's canvas are gaps: what shows in them is seen beyond them as well, where one of
    the layers behind has carried it. -> bool [n], by number.

    small: uint8 [T, h, w, 3]. H, present: those of the layers behind, then the nearest layer's. behind: bool [T, h, w],
    where they are known to be. pieces: int16 [T, h, w], as `openings` gives them: of these only places that are far
    apart are compared, for cheeks look alike beside a mouth.
    """
    count, size, front = len(small), small.shape[2:0:-1], H[-1]
    around = np.ones((SPECK, SPECK), np.uint8)  # outlines are somebody else's
    known = np.stack([cv2.erode(one.astype(np.uint8), around) for one in behind])
    free = np.stack([cv2.erode(one.astype(np.uint8) | (piece > 0), around) for one, piece in
                     zip(behind, pieces, strict=True)])
    open_ = (free > 0) & (pieces > 0)
    open_[np.arange(count) % max(1, min(int(LEAST_SEEN), count // ASKED)) > 0] = False
    found, looked = np.zeros_like(open_), np.zeros_like(free)  # looked: for how many layers
    middle = np.array([size[0] / 2, size[1] / 2, 1.0])
    for there, on in zip(H[:-1], present[:-1], strict=True):
        step = np.hypot(*_along(front, there, present[-1] & on, size))
        gaps = sorted({int(np.ceil(way / step)) for way in (*APART, *BEYOND)}) if step > 0 else []
        for t in np.flatnonzero(open_.any((1, 2)) & on):
            part, corner, shape = _window(open_[t])
            looks = np.zeros(shape[::-1], bool)
            for u in (t + side * gap for gap in gaps for side in (-1, 1)):
                if not 0 <= u < count or not on[u]:
                    continue
                a, b = (q[u] @ np.linalg.inv(q[t]) @ middle for q in (front, there))
                far = np.hypot(*(a[:2] / a[2] - b[:2] / b[2])) >= BEYOND[0]
                M = corner @ there[t] @ np.linalg.inv(there[u])
                asked = (open_[t] & ~found[t])[part] & (_there(free[u] if far else known[u], M, size=shape) > 0)
                if asked.any():
                    off = cv2.split(cv2.absdiff(small[t][part], _there(small[u], M, cv2.INTER_LINEAR, size=shape)))
                    found[t][part] |= asked & (cv2.max(cv2.max(off[0], off[1]), off[2]) <= SAME)
                    looks |= asked
            looked[t][part] += looks
    every, missed = int(pieces.max()) + 1, (looked == len(H) - 1) & ~found  # what one may show another does not miss
    here, good, bad = (np.bincount(pieces[one], minlength=every) for one in (open_, found, missed))
    return (good > 0) & (good >= FOUND * (good + bad)) & (good >= OF_ALL * here)


def _difference(one: np.ndarray, other: np.ndarray, M: np.ndarray, both: np.ndarray) -> np.ndarray:
    """How much a part of a frame differs from another frame moved by M, grey levels averaged over BOX x BOX px of
    `both` [h, w]."""
    off = cv2.absdiff(one, _there(other, M, cv2.INTER_LINEAR, (255, 0, 255), both.shape[::-1]))
    red, green, blue = cv2.split(off)
    sums = cv2.boxFilter(cv2.max(cv2.max(red, green), blue) * both, cv2.CV_32F, (BOX, BOX), normalize=False)
    return sums / cv2.boxFilter(both, cv2.CV_32F, (BOX, BOX), normalize=False).clip(1)


def shown(small: np.ndarray, H: list[np.ndarray], present: list[np.ndarray], free: np.ndarray, asked: np.ndarray
          ) -> np.ndarray:
    """How often pixels repeat under one layer's motion and not under the other ones': uint8 [n, T, h, w].

    H, present: the n layers'. free: bool [T, h, w], where none of these is hidden; asked: bool [T, h, w], which pixels.
    """
    count, (h, w) = len(small), small.shape[1:3]
    out = np.zeros((len(H), count, h, w), np.uint8)
    near = [np.uint8(one) for one in free]
    for a in range(len(H)):
        for b in range(a):
            step = np.hypot(*_along(H[a], H[b], present[a] & present[b], (w, h)))
            gaps = sorted({int(np.ceil(way / step)) for way in APART}) if step > 0 else []
            for t in np.flatnonzero(asked.any((1, 2)) & present[a] & present[b]):
                part, corner, size = _window(asked[t], BOX // 2)
                for u in (t + side * gap for gap in gaps for side in (-1, 1)):
                    if not 0 <= u < count or not (present[a][u] and present[b][u]):
                        continue
                    M = [corner @ H[i][t] @ np.linalg.inv(H[i][u]) for i in (a, b)]
                    both = free[t][part] & np.all([_there(near[u], m, size=size) > 0 for m in M], 0)
                    if (both & asked[t][part]).any():
                        da, db = (_difference(small[t][part], small[u], m, both.view(np.uint8)) for m in M)
                        both &= asked[t][part]
                        out[a, t][part] += both & (db > WORSE * da + LEVELS)
                        out[b, t][part] += both & (da > WORSE * db + LEVELS)
    return out


def see_through(first: Pictures, frames: Pictures, small: np.ndarray, rigid: Rigid, planes: list[int],
                labels: np.ndarray, texture: Pictures, room: Room) -> bool:
    """Take the openings of planes from them, in place, and give them to the planes behind. -> Whether there are any.

    first: first_mass [L, T, h, w]. frames: uint8 [T, 3, h, w], small: the same as [T, h, w, 3]. planes: the rigid
    labels that are paintings, back to front. labels: uint8 [T, h, w], roughly who is where; changed as well.
    """
    found = False
    for k in reversed(planes[1:]):
        behind = [i for i in planes if i < k]
        next_ = behind[-1]
        along = _along(rigid.H[k], rigid.H[next_], rigid.present[k] & rigid.present[next_], labels.shape[:0:-1])
        pieces = openings(frames, rigid.H[k], rigid.present[k], labels, k, along, room)
        if not pieces.any():
            continue
        gaps = seen_beyond(small, [rigid.H[i] for i in (*behind, k)], [rigid.present[i] for i in (*behind, k)],
                           np.isin(labels, behind), pieces)
        open_ = gaps[pieces]
        if open_.sum() < LEAST_AREA * open_.size:
            continue
        found = True
        votes = np.zeros((len(behind), *labels.shape), np.uint8)
        if len(behind) > 1:
            votes = shown(small, [rigid.H[i] for i in behind], [rigid.present[i] for i in behind],
                          np.isin(labels, behind) | open_, open_)
        for t in np.flatnonzero(open_.any((1, 2))):
            # an edge is its occluder's: evidence on it would claim what lies on its other side
            seen = np.isin(labels[t], behind).astype(np.uint8) | open_[t]
            clear, inner = (cv2.erode(seen, np.ones((n, n), np.uint8)) > 0 for n in (SPECK, AROUND))
            flat = (texture[t] < FLAT_TEXTURE).cpu().numpy()
            here = torch.from_numpy(open_[t] & (inner | (clear & flat))).to(first.device)
            mine = votes[:, t].astype(np.float32)
            told, around = mine.sum(0), np.stack([cv2.GaussianBlur(one, (0, 0), NEAR) for one in mine])
            around[0] += 1e-3  # nobody having said otherwise, the farthest
            share = np.where(told > 0, mine / np.maximum(told, 1), FLAT_SAYS * around / around.sum(0))
            first[k, t][here] = 0
            for i, one in zip(behind, share, strict=True):
                mass = torch.from_numpy(one).to(first[i, t])
                first[i, t] = torch.where(here, torch.maximum(first[i, t], mass), first[i, t])
            labels[t][open_[t]] = np.asarray(behind, labels.dtype)[share.argmax(0)[open_[t]]]
    return found
