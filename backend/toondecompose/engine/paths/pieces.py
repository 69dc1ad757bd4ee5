"""Rigid sprites that are too fast, turn or grow too much for optical flow: followed from one unexplained piece of the
picture to the next, by trying turns and sizes and comparing the drawings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from .align import Sampler, align_frame
from .bundle import cubic
from .candidate import Candidate, anchored, explained, measured, mosaic_of, settle, sharpest, sizes
from .field import Field
from .groups import apply, frame_units
from .mosaic import Box, Mosaic

DIFFERS = 14.0  # grey levels: what a known layer's picture is missed by where something else is in front
LEAST_AREA = 0.0015  # of the frame: smaller pieces are rims and grain
MOST_AREA = 0.5  # of the frame: a larger piece is a layer of its own, which flow can follow
PIECES = 4  # largest ones per frame
TURNS = np.deg2rad(np.arange(-50, 51, 10))  # tried between two frames
SIZES = (0.87, 1.0, 1.15)
COVER = 0.4  # of a piece's texture: a picture that explains less is of another drawing
STARTED = 3  # of the tries: these are refined
POINTS = 600  # per piece
BLURS = (2.5, 1.0)  # px, coarse to fine
MATCHES = 0.45  # of the contrast inside a piece: a match that misses more than this is of other drawings
SURE_MATCH = 0.2  # the same: nothing else needs to be tried
SLACK = 3  # px around a piece
LOST = 2  # frames after which a piece that is not found again is given up
CHAIN = (10, 0.6)  # frames; of the clip: a piece that is found again so often, and
GAPS = 0.15  # of them missed at most, is one drawing: redrawn sprites match for a frame or two


@dataclass
class Piece:
    """mask: bool [h, w]. centre: (x, y) px. area: px. at: points [n, 2] inside and on the rim."""

    mask: np.ndarray
    centre: np.ndarray
    area: float
    at: np.ndarray


def unexplained(field: Field, chosen: list[Candidate]) -> list[np.ndarray]:
    """Per frame bool [h, w]: where no chosen path's picture is what the frame shows."""
    h, w = field.gray.shape[1:]
    least = np.full((field.count, h, w), 255, np.uint8)
    for c in chosen:
        mosaic = mosaic_of(field, c.H, 8, c.box)
        if mosaic is None:
            continue
        for t in range(field.count):
            shown, known = _seen_from(mosaic, c.H[t], (w, h))
            off = cv2.absdiff(field.gray[t], shown)
            np.minimum(least[t], np.where(known > 0, off, 255), out=least[t])
    limit = max(DIFFERS, 5 * field.noise)
    # nothing is known where no path reaches: those are gaps of the mosaics, not things
    return [cv2.morphologyEx(((d > limit) & (d < 255)).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)) > 0
            for d in least]


def _seen_from(mosaic: Mosaic, H: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The mosaic as a frame shows it: (grey uint8 [h, w], known uint8 [h, w])."""
    half, origin = np.eye(3), np.eye(3)
    half[:2, 2], origin[:2, 2] = 0.5, -0.5 - np.array(mosaic.origin)
    m = origin @ np.linalg.inv(H) @ half
    value = cv2.warpPerspective(np.clip(mosaic.value, 0, 255).astype(np.uint8), m, size,
                                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
    known = cv2.warpPerspective((mosaic.seen > 0).astype(np.uint8), m, size,
                                flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    return value, known


def pieces_of(mask: np.ndarray, rng: np.random.Generator) -> list[Piece]:
    """The largest connected pieces of a bool mask [h, w], largest first."""
    count, label, stats, centre = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA] / mask.size
    order = [i for i in np.argsort(-areas) if i > 0 and LEAST_AREA < areas[i] < MOST_AREA][:PIECES]
    out = []
    for i in order if count > 1 else []:
        one = label == i
        y, x = np.nonzero(_grown(one))
        pick = np.sort(rng.permutation(len(x))[:POINTS])
        out.append(Piece(one, centre[i], float(one.sum()), np.stack([x, y], -1)[pick] + 0.5))
    return out


def _turned(angle: float, size: float, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity that turns and grows about `source` and takes it to `target`."""
    a, b = size * np.cos(angle), size * np.sin(angle)
    m = np.array([[a, -b, 0], [b, a, 0], [0, 0, 1.0]])
    m[:2, 2] = target - m[:2, :2] @ source
    return m


def _miss(values: np.ndarray, picture: np.ndarray, where: np.ndarray) -> float:
    """Share of the drawing's contrast by which a placed piece misses a frame; 1 and more if it is not there."""
    h, w = picture.shape
    inside = ((where > 0) & (where < [w, h])).all(1)
    if inside.sum() < 0.5 * len(where):
        return 2.0
    contrast = float(np.abs(values - np.median(values)).mean())
    return float(np.minimum(np.abs(cubic(picture, where[inside]) - values[inside]), 3 * contrast).mean()) / contrast


def match(field: Field, t: int, n: int, piece: Piece, others: list[Piece], guesses: list[np.ndarray],
          dof: int) -> tuple[np.ndarray, float]:
    """The motion [3, 3] from frame t to n that places the piece best there, and by how much it misses (0..).

    others: pieces of frame n. guesses: motions tried first."""
    soft = [[cv2.GaussianBlur(field.gray[k].astype(np.float32), (0, 0), b) for k in (t, n)] for b in BLURS]
    own = [cubic(pair[0], piece.at) for pair in soft]
    if np.abs(own[0] - np.median(own[0])).mean() < 2:
        return np.eye(3), 2.0
    best, least = _placed(field, piece, own, soft, guesses, dof)
    if least < SURE_MATCH:
        return best, least
    turns, sizes = (TURNS, SIZES) if dof > 2 else (np.zeros(1), (1.0,))
    tries = [_turned(a, s, piece.centre, p.centre) for p in others for a in turns for s in sizes]
    thin = slice(None, None, 3)
    rough = [_miss(own[0][thin], soft[0][1], apply(m, piece.at[thin])) for m in tries]
    tries = [tries[k] for k in np.argsort(rough, kind="stable")[:STARTED]]
    other, miss = _placed(field, piece, own, soft, tries, dof)
    return (other, miss) if miss < least else (best, least)


def _placed(field: Field, piece: Piece, own: list[np.ndarray], soft: list[list[np.ndarray]], tries: list[np.ndarray],
            dof: int) -> tuple[np.ndarray, float]:
    """The best of some motions after each was refined, and how much it misses. own: the piece's grey levels [n], soft:
    both frames, once per blur."""
    units, best, least = frame_units(field.size), np.eye(3), 2.0
    for m in tries:
        for value, (_, after) in zip(own, soft, strict=True):
            target = Sampler(after, np.ones_like(after), (0, 0))
            # the next frame is the canvas of this one, so the step goes the other way
            m = np.linalg.inv(align_frame(np.linalg.inv(m), piece.at, value, np.ones(len(piece.at)), target, dof, units,
                                          20.0, field.noise, rounds=6))
        miss = _miss(own[-1], soft[-1][1], apply(m, piece.at))
        if miss < least:
            best, least = m / m[2, 2], miss
    return best, least


def chained(field: Field, ref: int, first: Piece, pieces: list[list[Piece]],
            dof: int) -> tuple[np.ndarray, list[Piece | None]]:
    """A piece followed from frame `ref` to both ends: (H [T, 3, 3] frame ref -> frame, the piece in each frame)."""
    H = np.tile(np.eye(3), (field.count, 1, 1))
    found: list[Piece | None] = [None] * field.count
    found[ref] = first
    for direction in (1, -1):
        at, piece, step, lost = ref, first, np.eye(3), 0
        t = ref + direction
        while 0 <= t < field.count and lost < LOST:
            guess = np.linalg.matrix_power(step, abs(t - at))
            m, miss = match(field, at, t, piece, pieces[t], [guess, np.eye(3)], dof)
            H[t] = m @ H[at] if miss < MATCHES else guess @ H[at]
            if miss < MATCHES:
                piece = _here(piece, m, pieces[t], field.size)
                step = m if abs(t - at) == 1 else step
                found[t], at, lost = piece, t, 0
            else:
                lost += 1
            t += direction
        while 0 <= t < field.count:  # out of sight: anything goes
            H[t] = H[t - direction]
            t += direction
    return H, found


def _here(piece: Piece, m: np.ndarray, others: list[Piece], size: tuple[int, int]) -> Piece:
    """The piece of the new frame that the old one has become; the old one moved if it is hidden or merged."""
    moved = cv2.warpPerspective(piece.mask.astype(np.uint8), m, size, flags=cv2.INTER_NEAREST) > 0
    for p in others:
        both = float((p.mask & moved).sum())
        if both > 0.7 * p.area and both > 0.7 * moved.sum():
            return p
    y, x = np.nonzero(moved)
    centre = np.array([x.mean(), y.mean()]) if len(x) else piece.centre
    at = apply(m, piece.at)
    inside = ((at > 0) & (at < size)).all(1)
    return Piece(moved, centre, float(len(x)), at[inside] if inside.sum() > 50 else at)


def rigid_pieces(field: Field, chosen: list[Candidate], free: list[np.ndarray], refs: list[int], dof: int,
                 rng: np.random.Generator) -> Iterator[Candidate]:
    """Candidates, made when asked for, that follow the largest unexplained pieces of the frames `refs`."""
    if field.count < 2:
        return
    pieces = [pieces_of(m, rng) for m in unexplained(field, chosen)]
    for start in refs:
        ref = start
        if not pieces[ref]:
            continue
        first = pieces[ref][0]
        H, found = chained(field, ref, first, pieces, dof)
        seen = np.flatnonzero([f is not None for f in found])
        if len(seen) < min(CHAIN[0], CHAIN[1] * field.count) or np.ptp(seen) + 1 > (1 + GAPS) * len(seen):
            continue
        finest = sharpest(sizes(H, np.array([first.centre if f is None else f.centre for f in found])),
                          np.array([f is not None for f in found]), ref)
        H, ref = anchored(H, finest), finest
        near = [np.full(len(p.at), 0.02) if f is None else np.where(_grown(f.mask)[_pixels(p.at)], 1.0, 0.02)
                for p, f in zip(field.points, found, strict=True)]
        box = _canvas_box(H, found)
        settled = settle(H, ref, dof, field, [n * f for n, f in zip(near, free, strict=True)], box=box)
        c = None if settled is None else measured(settled, ref, dof, field, box=box)
        if c is not None and _cover(c, near, free, field) > COVER:
            # what the piece has around it and does not explain is less surely its own
            c.belief = [n * (0.75 + 0.25 * e) for n, e in zip(near, explained(field, c.bits), strict=True)]
            c.followed = False
            yield c


def _cover(c: Candidate, near: list[np.ndarray], free: list[np.ndarray], field: Field) -> float:
    """Which share of the free texture around a followed piece the candidate explains."""
    whole = sum(float((p.bits * n * f).sum()) for p, n, f in zip(field.points, near, free, strict=True))
    mine = sum(float((b * n * f).sum()) for b, n, f in zip(c.bits, near, free, strict=True))
    return mine / max(whole, 1e-6)


def _canvas_box(H: np.ndarray, found: list[Piece | None]) -> Box:
    """Where on the canvas the followed piece lies."""
    corners = []
    for m, piece in zip(H, found, strict=True):
        if piece is not None and len(piece.at):
            corners.append(apply(np.linalg.inv(m), piece.at))
    at = np.concatenate(corners)
    # a few frames in which the piece has merged with another must not enlarge it
    low, high = np.quantile(at, 0.005, 0) - 4 * SLACK, np.quantile(at, 0.995, 0) + 4 * SLACK
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _grown(mask: np.ndarray) -> np.ndarray:
    """A bool mask [h, w] and SLACK px around it."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * SLACK + 1, 2 * SLACK + 1), np.uint8)) > 0


def _pixels(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of points [n, 2]."""
    return at[:, 1].astype(np.int64), at[:, 0].astype(np.int64)
