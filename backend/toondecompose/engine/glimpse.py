"""A first look at a shot's sprites, seconds after its frames are read: what differs, in the middle frame, from the
mosaic that the shot's dominant motion makes. Quick and rough; the real masks replace it.

Flow from frame to frame gives the dominant motion (RANSAC, of matches that flow confirms on the way back), a few
frames are laid on the middle one, and what their most frequent colour misses is spread to the picture's edges.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import torch

from ..formats.conventions import edge_from_centre
from .clip import FrameSource
from .paths.flow import flow_between
from .segment.labels import first_mass, solve
from .segment.layers import Rigid
from .segment.noise import noise_in_flats
from .segment.roles import trace

WIDTH = 320  # px across at which the look is taken: the size at which layers are labelled afterwards
FLOW_WIDTH = 160  # px across at which motion is followed
REACH = 40  # frames before and after the middle one: farther ones share little with it, and cost time
STEPS = 40  # from frame to frame, at most: of longer stretches not every frame is looked at
FRAMES = 9  # of these are laid on the middle one
FEWEST = 5  # frames; fewer tell nothing
OVERLAP = 0.3  # of the middle frame: a frame that shows less of it tells little
STEP = 6  # px of the flow picture between two matches
LEAST_MATCHES = 20
ROUND_TRIP = 1.0  # px: flow there and back returns this close
INLIER = 0.4  # px of the flow picture
KINDS = ("translation", "similarity", "homography")
RICHER = 1.05  # times the matches that a richer motion must explain
NOISE = 2.0  # grey levels rms that are taken for granted: registration is rough
ROUNDS = 2  # of mosaic and masks
SMALLEST = 0.001  # of the frame: smaller pieces, and looks that show no more, are left out
LARGEST = 0.85  # of the frame: then the motion was wrong


def glimpse(source: FrameSource) -> np.ndarray | None:
    """Where the middle frame (count // 2) surely shows no background: uint8 [h, w] at most WIDTH px across, 255 = sure.
    None where so quick a look shows nothing: too few frames, nothing moves, or nothing holds still."""
    middle = source.count // 2
    first, last = max(0, middle - REACH), min(source.count, middle + REACH + 1)
    if last - first < FEWEST or min(source.size) < 32:
        return None
    scale = min(1.0, WIDTH / source.size[0])
    size = max(16, round(source.size[0] * scale)), max(16, round(source.size[1] * scale))
    small = source.resized(size)
    moves = _to_middle(small, first, last, middle)
    if len(moves) < FEWEST:
        return None
    at = sorted(moves)
    frames = torch.from_numpy(np.stack([small.read(t) for t in at])).permute(0, 3, 1, 2)
    H, present = edge_from_centre(np.stack([moves[t] for t in at])), np.ones(len(at), bool)
    noise = max(NOISE, noise_in_flats(frames.permute(0, 2, 3, 1).numpy()))
    seen = trace(frames, [H], [present], noise)
    rigid = Rigid([H], [present], [True])
    p, _, _ = solve(frames, rigid, first_mass(seen, [0], True), noise, True, rounds=ROUNDS, texture=seen.texture_bytes)
    mask = _without_specks(p[1, at.index(middle)].float().numpy())
    share = float((mask > 127).mean())
    return mask if SMALLEST < share < LARGEST else None


def _without_specks(p: np.ndarray) -> np.ndarray:
    """Probabilities float32 [h, w] as a mask uint8 [h, w] of its larger pieces."""
    found = cv2.morphologyEx((p > 0.5).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, piece, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= SMALLEST * found.size
    keep[0] = False
    return (p * 255 * keep[piece]).astype(np.uint8)


def _to_middle(small: FrameSource, first: int, last: int, middle: int) -> dict[int, np.ndarray]:
    """Of some frames in first..last-1, the dominant motion [3, 3] from the middle frame's px to theirs (pixel centres);
    frames that share little with it are left out."""
    stride = -(-(last - first) // STEPS)
    shown = [t for t in range(first, last) if (t - middle) % stride == 0]
    start = shown.index(middle)
    ratio = max(1.0, small.size[0] / FLOW_WIDTH)
    grey = [cv2.cvtColor(cv2.resize(small.read(t), None, fx=1 / ratio, fy=1 / ratio, interpolation=cv2.INTER_AREA),
                         cv2.COLOR_RGB2GRAY) for t in shown]
    matches = [_matches(a, b) for a, b in pairwise(grey)]
    # one kind of motion for the whole shot: a richer one than the camera's drifts as it is chained
    fits = [[_fitted(m, kind) for m in matches] for kind in KINDS]
    kind, explained = 0, [sum(count for _, count in fit) for fit in fits]
    for richer in (1, 2):
        kind = richer if explained[richer] > RICHER * explained[kind] else kind
    steps = [motion for motion, _ in fits[kind]]
    h, w = grey[0].shape
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    last = len(shown) - 1
    chosen = {*np.linspace(0, last, min(FRAMES, last + 1)).round().astype(int).tolist(), start}
    out, grow = {}, np.diag([ratio, ratio, 1.0])
    for direction in (1, -1):
        m = np.eye(3)
        i = start
        while 0 <= i <= last:
            seen = cv2.perspectiveTransform(corners[None], m)[0]
            common, _ = cv2.intersectConvexConvex(seen, corners)
            if common < OVERLAP * w * h:
                break
            if i in chosen:
                # straight from the middle frame, the chain being only where to begin
                back = cv2.warpPerspective(grey[i], m, (w, h), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
                m = m @ _fitted(_matches(grey[start], back), KINDS[kind])[0] if i != start else m
                out[shown[i]] = grow @ m @ np.linalg.inv(grow)
            if not 0 <= i + direction <= last:
                break
            step = steps[i] if direction > 0 else np.linalg.inv(steps[i - 1])
            m = step @ m
            m, i = m / m[2, 2], i + direction
    return out


def _matches(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Textured points of grey frame a and where flow sees them in b, float32 [n, 2] each, pixel centres."""
    there, home = flow_between(a, b), flow_between(b, a)
    h, w = a.shape
    grid = np.stack(np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)), -1)
    to = grid + there
    off = np.linalg.norm(there + cv2.remap(home, to, None, cv2.INTER_LINEAR, borderValue=(1e3, 1e3, 0, 0)), axis=2)
    texture = cv2.cornerMinEigenVal(a, 5)
    good = (off < ROUND_TRIP) & (texture > np.quantile(texture, 0.3))
    good[[0, 1, -2, -1]] = good[:, [0, 1, -2, -1]] = False
    # one match per cell, where its texture is best
    rows, columns = h // STEP, w // STEP
    cells = np.where(good, texture, -1)[: rows * STEP, : columns * STEP].reshape(rows, STEP, columns, STEP)
    cells = cells.transpose(0, 2, 1, 3).reshape(rows * columns, -1)
    best, cell = cells.argmax(1), np.arange(rows * columns)
    use = cells.max(1) > 0
    y, x = (cell // columns * STEP + best // STEP)[use], (cell % columns * STEP + best % STEP)[use]
    return grid[y, x], to[y, x]


def _fitted(matches: tuple[np.ndarray, np.ndarray], kind: str) -> tuple[np.ndarray, int]:
    """The motion [3, 3] of one kind that most matches agree on, and how many do; at rest if too few say anything."""
    p, q = matches
    if len(p) < LEAST_MATCHES:
        return np.eye(3), 0
    if kind == "translation":
        move = q - p
        near = np.linalg.norm(move[:, None] - move, axis=2) < INLIER
        most = near[near.sum(1).argmax()]
        out = np.eye(3)
        out[:2, 2] = move[most].mean(0)
        return out, int(most.sum())
    if kind == "similarity":
        found, inliers = cv2.estimateAffinePartial2D(p, q, method=cv2.RANSAC, ransacReprojThreshold=INLIER)
        found = None if found is None else np.vstack([found, [0, 0, 1]])
    else:
        found, inliers = cv2.findHomography(p, q, cv2.RANSAC, INLIER)
    return (np.eye(3), 0) if found is None or abs(found[2, 2]) < 1e-6 else (found / found[2, 2], int(inliers.sum()))
