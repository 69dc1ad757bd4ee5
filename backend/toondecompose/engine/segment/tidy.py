"""Pieces of labels that nothing speaks for, and who gets them."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ..components import connected
from .canvas import overlap
from .film import Pictures
from .layers import best_label, labels_of

THREAD = 3  # px at labelling size; what is thinner is a thread: hair and lines, or the edge between two layers
NEAR_BODY = 0.03  # of the frame's width: hair is nearer than this to the head it grows on
SMALL = 0.005  # of the frame: larger pieces of a redrawn sprite are bodies
RIDES = (2, 4, 7, 11, 16, 24)  # frames before and after in which a piece is looked for where a plane would carry it;
CARRIED = 0.5  # of its area must be the sprite's there, in
BETWEEN = 0.15  # of its rim is each of two planes'
LEAST_RIDES = 3  # of those frames and more than half of them: a bird that flies by is soon elsewhere
LINE = 128  # of 255: texture of a drawn line; a cloud's soft edge has less
UNEXPLAINED = 0.5  # of all evidence says that no mosaic explains a pixel
OUTLINED = 0.95  # of a body's rim is beside a line
SUPPORT = 0.02  # share of a piece that must be textured and repeat, or not repeat, as its layer should


def only_supported(p: Pictures, label: int, heir: int, sure: Pictures,
                   beyond: tuple[Pictures, Pictures] | None = None) -> None:
    """Take from a layer, in place, the pieces that its own evidence does not support, and give them to the heir.

    A further plane may get a sprite's flat parts for their like colour; a redrawn sprite gets soft clouds that slide at
    a rate of their own. p: [L, T, h, w]. sure: [T, h, w], the layer's evidence from repetition. beyond: of a redrawn
    sprite [T, h, w], how surely no layer's mosaic explains a pixel, and its texture, uint8: a body that holds a pose
    for a few frames repeats as the painting does, but has lines where the painting has none.
    """
    found = (labels_of(p) == label).to(torch.uint8).cpu().numpy()
    for t in range(len(found)):
        count, piece = cv2.connectedComponents(found[t], connectivity=8)
        area = np.bincount(piece.ravel(), minlength=count)
        support = np.bincount(piece.ravel(), sure[t].cpu().numpy().ravel(), minlength=count)
        weak = support < np.maximum(SUPPORT * area, 1.0)
        large = area >= SMALL * piece.size
        if beyond is not None and (weak & large)[1:].any():
            weak &= ~(large & _drawn_bodies(piece, beyond[1][t].cpu().numpy() >= LINE,
                                            beyond[0][t].cpu().numpy() > UNEXPLAINED))
        weak[0] = False
        if not weak.any():
            continue
        drop = weak[piece].astype(np.uint8)
        drop = torch.from_numpy(cv2.dilate(drop, np.ones((5, 5), np.uint8))).to(p.device).to(torch.float32)
        p[heir, t] += p[label, t] * drop
        p[label, t] *= 1 - drop


def _drawn_bodies(piece: np.ndarray, lines: np.ndarray, none: np.ndarray) -> np.ndarray:
    """Which pieces have lines that no mosaic explains, and lines all around: smoke has none. bool [number of pieces].

    piece: int [h, w], pieces' numbers. lines: bool [h, w], drawn lines; none: bool [h, w], unexplained pixels.
    """
    small, count = np.ones((3, 3), np.uint8), int(piece.max()) + 1
    rim = (piece > 0) & (cv2.erode((piece > 0).astype(np.uint8), small, borderValue=1) == 0)
    beside = cv2.dilate(lines.astype(np.uint8), small) > 0
    area, told, rims, outlined = (np.bincount(piece[which], minlength=count) for which in
                                  (piece >= 0, lines & none, rim, rim & beside))
    return (told >= SUPPORT * area) & (outlined >= OUTLINED * rims)


def without_slivers(p: Pictures, label: int) -> None:
    """Take from a redrawn sprite, in place, the threads that are far from any body, for the likeliest rest.

    Where two rigid layers meet, neither explains the mixed pixels of their common edge. p: [L, T, h, w].
    """
    found = (labels_of(p) == label).to(torch.uint8).cpu().numpy()
    reach = max(3, round(NEAR_BODY * found.shape[2]))
    for t in range(len(found)):
        body = cv2.erode(found[t], np.ones((THREAD, THREAD), np.uint8), borderValue=1)
        near = cv2.dilate(body, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
        count, piece = cv2.connectedComponents(found[t], connectivity=8)
        kept = np.bincount(piece.ravel(), near.ravel(), minlength=count) > 0
        kept[0] = True
        if kept.all():
            continue
        hand_over(p[:, t], label, torch.from_numpy(~kept[piece]).to(p.device))


def hand_over(p: torch.Tensor, label: int, drop: torch.Tensor) -> None:
    """Give some pixels bool [...] of a label to whoever else is likeliest there, in place. p: [L, ...]."""
    rest = p.clone()
    rest[label] = 0
    heir = best_label(rest)
    for i in range(p.shape[0]):
        p[i] = torch.where(drop, (heir == i).to(p.dtype), p[i])


def riders(p: Pictures, label: int, ways: dict[int, np.ndarray]) -> np.ndarray:
    """Small pieces of a redrawn sprite, between two planes, that one of these carries along: bool [T, h, w].

    A chimney before a sky that slides at another rate looks like neither plane at its edges, but it stays where it is
    on its own one. (So does a foot that is set down, but amid one plane.) p: [L, T, h, w]. ways: the planes' transforms
    [T, 3, 3] in these pixels, by their labels.
    """
    labels = labels_of(p).cpu().numpy()
    h, w = labels.shape[1:]
    out, small = np.zeros(labels.shape, bool), np.zeros_like(labels)
    if len(ways) < 2:
        return out
    found = (labels == label).astype(np.uint8)
    wide, pieces = [], []
    for t in range(len(found)):
        piece, stats = connected(found[t])
        little = stats[:, cv2.CC_STAT_AREA] < SMALL * h * w
        little[0] = False
        small[t] = little[piece]
        wide.append(cv2.dilate(small[t], np.ones((THREAD, THREAD), np.uint8)))
        pieces.append([(stats[k, :4], piece[_box(stats[k])] == k) for k in np.flatnonzero(little)])
    for t, found_here in enumerate(pieces):
        for place, own in found_here:
            rows, columns = _box(place, THREAD // 2, (h, w))
            mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
            y, x = place[1] - rows.start, place[0] - columns.start
            mask[y : y + own.shape[0], x : x + own.shape[1]] = own
            rim = labels[t, rows, columns][cv2.dilate(mask, np.ones((THREAD, THREAD), np.uint8)) > mask]
            beside = sorted((rim == i).mean() for i in ways)
            corner = columns.start, rows.start
            if beside[-2] >= BETWEEN and any(_carries(H, t, mask, corner, found, small, wide) for H in ways.values()):
                out[t, rows, columns] |= mask > 0
    return out


def _box(stats: np.ndarray, margin: int = 0, within: tuple[int, int] | None = None) -> tuple[slice, slice]:
    """Rows and columns of a connected component and a margin within a frame (h, w); stats: its x, y, w, h."""
    x, y, w, h = (int(v) for v in stats[:4])
    bottom, right = within or (y + h, x + w)
    return (slice(max(0, y - margin), min(bottom, y + h + margin)),
            slice(max(0, x - margin), min(right, x + w + margin)))


def _carries(H: np.ndarray, t: int, mask: np.ndarray, corner: tuple[int, int], found: np.ndarray, small: np.ndarray,
             wide: list[np.ndarray]) -> bool:
    """Whether a piece of frame t is where a plane's motion H carries it in frames before and after, too.

    mask: uint8 [hm, wm] at `corner` (x, y). found, small: uint8 [T, h, w], the sprite and its small pieces; wide:
    these, grown by a px."""
    hits = asked = 0
    area, (x, y), size = int(mask.sum()), corner, found.shape[:0:-1]
    whole = x, y, x + mask.shape[1], y + mask.shape[0]
    ends = np.array([[i, j, 1.0] for i in whole[::2] for j in whole[1::2]])
    for u in (t + side * gap for gap in RIDES for side in (-1, 1)):
        if not 0 <= u < len(found):
            continue
        M = H[u] @ np.linalg.inv(H[t])
        to = ends @ M.T
        to = to[:, :2] / to[:, 2:]
        low, high = np.floor(to.min(0)).astype(int) - 1, np.ceil(to.max(0)).astype(int) + 1
        part = overlap((0, 0, *size), (int(low[0]), int(low[1]), int(high[0]), int(high[1])))
        if part is None:
            continue
        x0, y0, x1, y1 = part
        move = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1.0]]) @ M @ np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
        there = cv2.warpPerspective(mask, move, (x1 - x0, y1 - y0), flags=cv2.INTER_NEAREST)
        both = overlap(whole, part)
        if both is not None:
            left, top, right, bottom = both
            if (there[top - y0 : bottom - y0, left - x0 : right - x0]
                    & mask[top - y : bottom - y, left - x : right - x]).sum() > CARRIED * area:
                continue  # hardly moved: it would be there anyway
        here = u, slice(y0, y1), slice(x0, x1)
        if (there & found[here] & (1 - small[here])).any() or there.sum() < CARRIED * area:
            continue  # a body hides it
        asked += 1
        hits += (there & wide[u][here[1:]]).sum() > CARRIED * there.sum()
    return hits >= LEAST_RIDES and 2 * hits > asked
