"""Frames in which something looks one way that looks another way in between: drawings that are held in turn."""

from __future__ import annotations

import cv2
import numpy as np

from . import evidence as ev
from .canvas import canvas_box
from .film import Pictures

SMALLER = 2  # times smaller than at labelling size: which frames show one drawing is asked of surfaces, not of lines
MOST_LOOKS = 48  # frames that are compared with each other, evenly spread: a drawing is held for some
MOST_CELLS = 400_000  # places of a canvas: of a longer pan no place is seen for long
LEAST_LOOKS = 3  # of them must look alike, and
OFTEN = 0.1  # of those that show a place: who is there more briefly repeats too seldom to be taken for the painting
KINDS = 4  # ways that one place looks, at most, and
MOST_TURNS = 8  # sets of frames, at most, each of
LEAST_SHARE = 0.0015  # of a frame's places, which
LIKE = 0.75  # of the frames that either shows agree


def looked_at(present: np.ndarray) -> np.ndarray:
    """Numbers of the frames that are compared, of those that show a painting; present: bool [T]."""
    use = np.flatnonzero(present)
    return use[np.unique(np.linspace(0, len(use) - 1, min(len(use), MOST_LOOKS)).round().astype(int))]


def _looks(frames: Pictures, H: np.ndarray, use: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Some frames on a painting's canvas: (uint8 [n, P, 3], inside bool [n, P]), or None if it is too large."""
    h, w = (-(-side // SMALLER) for side in frames.shape[-2:])
    less = np.diag([1 / SMALLER, 1 / SMALLER, 1.0])
    H = less @ H @ np.linalg.inv(less)
    x0, y0, x1, y1 = canvas_box(H[use], np.ones(len(use), bool), (w, h))
    if (x1 - x0) * (y1 - y0) > MOST_CELLS:
        return None
    centre, corner = np.eye(3), np.eye(3)
    centre[:2, 2], corner[:2, 2] = -0.5, (x0 + 0.5, y0 + 0.5)
    colour = np.empty((len(use), y1 - y0, x1 - x0, 3), np.uint8)
    inside = np.empty(colour.shape[:3], np.uint8)
    for i, t in enumerate(use):
        picture = cv2.resize(frames[t].permute(1, 2, 0).cpu().numpy(), (w, h), interpolation=cv2.INTER_AREA)
        move = np.linalg.inv(centre @ H[t] @ corner)
        colour[i] = cv2.warpPerspective(picture, move, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR,
                                        borderMode=cv2.BORDER_REPLICATE)
        inside[i] = cv2.warpPerspective(np.ones((h, w), np.uint8), move, (x1 - x0, y1 - y0), flags=cv2.INTER_NEAREST)
    return colour.reshape(len(use), -1, 3), inside.reshape(len(use), -1) > 0


def _alike(colour: np.ndarray, inside: np.ndarray, tolerance: float) -> np.ndarray:
    """Which frames show a place alike: bool [n, n, P]."""
    n, count = inside.shape
    out = np.zeros((n, n, count), bool)
    for gap in range(n):
        far = cv2.absdiff(colour[gap:], colour[: n - gap]).max(2)
        same = (far <= tolerance) & inside[gap:] & inside[: n - gap]
        at = np.arange(n - gap)
        out[at, at + gap] = out[at + gap, at] = same
    return out


def _kinds(alike: np.ndarray) -> list[np.ndarray]:
    """Sets of frames in which places look one way: bool [n, some], of places alike bool [n, n, P], which each look
    another way in other frames."""
    n, _, count = alike.shape
    free = alike[np.arange(n), np.arange(n)]  # inside
    seen, found = free.sum(0), []
    for _ in range(KINDS):
        votes = np.where(free, (alike & free[None]).sum(1), 0)
        lead = votes.argmax(0)
        mine = alike[lead, :, np.arange(count)].T & free
        found.append(mine)
        free = free & ~mine
    least = np.maximum(LEAST_LOOKS, OFTEN * seen)
    often = np.array([mine.sum(0) >= least for mine in found])
    return [mine[:, good] for mine, good in zip(found, often & (often.sum(0) >= 2), strict=True)]


def turns(frames: Pictures, H: np.ndarray, present: np.ndarray, noise: float) -> list[np.ndarray]:
    """Sets of frames in which many places of a painting look one way, and another way in the rest: frame numbers.

    frames: uint8 [T, 3, h, w]. H [T, 3, 3], present [T]: the painting's path in these pixels."""
    use = looked_at(present)
    looks = _looks(frames, H, use) if len(use) >= 2 * LEAST_LOOKS else None
    if looks is None:
        return []
    colour, inside = looks
    tolerance = ev.strict_levels(noise) + ev.CLEAN_LEVELS
    low = np.where(inside[..., None], colour, 255).min(0)
    high = np.where(inside[..., None], colour, 0).max(0)
    some = np.flatnonzero(((high.astype(int) - low).max(1) > tolerance) & (inside.sum(0) >= 2 * LEAST_LOOKS))
    least = LEAST_SHARE * frames.shape[-1] * frames.shape[-2] / SMALLER**2
    sets = []
    for start in range(0, len(some), 2**13):
        part = some[start : start + 2**13]
        sets += _kinds(_alike(np.ascontiguousarray(colour[:, part]), inside[:, part], tolerance))
    if not sets:
        return []
    sets, counts = np.unique(np.concatenate(sets, 1).T, axis=0, return_counts=True)
    out = []
    while len(sets) and len(out) < MOST_TURNS:
        lead = sets[counts.argmax()]
        like = (sets & lead).sum(1) >= LIKE * (sets | lead).sum(1)
        if counts[like].sum() < least:
            counts = np.where(like, 0, counts)
            if not counts.any():
                break
            sets, counts = sets[~like], counts[~like]
            continue
        mine = (sets[like] * counts[like, None]).sum(0) > 0.5 * counts[like].sum()
        if mine.sum() >= LEAST_LOOKS:
            out.append(use[mine])
        sets, counts = sets[~like], counts[~like]
    return out
