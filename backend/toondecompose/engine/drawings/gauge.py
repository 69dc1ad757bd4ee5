"""Where different drawings of one sprite lie relative to each other: the free choice, made so that the move is simple.

Exposures of one drawing lie relative to each other as measured. What shifts (turns, scales, mirrors) one drawing's
canvas
against another's is a gauge: it changes no picture. It is chosen so that the sprite's pose path is smooth (constant
velocity over the times at which the pose changes), near the motion of the parts that match across a change of drawing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .align import project
from .pixels import shift

HELD = 0.3  # px: a same drawing that moved less was held
LONGEST = 4  # frames for which a pose is held at most (a drawing may be shown for longer)
SLIDES = 0.5  # of the steps between drawings: a sprite that moves less than that while a drawing is held has held poses
ACCELERATION = 0.5  # px per frame^2: how much a pose path bends without cost to speak of
MATCH = 4.0  # px: how far matching parts of two drawings (a head, a torso) are off the pose
OUTLINE = 15.0  # px: how far the silhouette's centre is off the pose
TURN = 0.05  # radians per frame^2, and log scale per frame^2


@dataclass
class Transition:
    """Measured motion between two frames that show different drawings: `motion` 3x3, frame px -> frame px;
    weight 0..1, the share of the picture that moved so."""

    before: int
    after: int
    motion: np.ndarray
    weight: float


def keys(drawing: np.ndarray, point: np.ndarray, posed: bool) -> tuple[list[np.ndarray], np.ndarray]:
    """Runs of frames in which drawing and pose are held -> (frame indices of each run, middle time of each run).

    point: float64 [T, 2], where the drawing's own anchor is (comparable within a drawing only). posed: poses are held
    as long as drawings, so that what a drawing moves in so few frames is the camera's doing and counts as one pose.
    """
    runs: list[np.ndarray] = []
    for shown in shows(drawing):
        first = 0
        for k in range(1, 0 if posed and len(shown) <= LONGEST else len(shown)):
            if np.abs(point[shown[k]] - point[shown[first]]).max() >= HELD:
                runs.append(shown[first:k])
                first = k
        runs.append(shown[first:])
    return runs, np.array([float(np.mean(r)) for r in runs])


def shows(drawing: np.ndarray) -> list[np.ndarray]:
    """Frame indices of each stretch of frames that show one drawing."""
    on = np.flatnonzero(drawing >= 0)
    return np.split(on, np.flatnonzero((np.diff(on) > 1) | (np.diff(drawing[on]) != 0)) + 1) if len(on) else []


def held_poses(drawing: np.ndarray, pose: np.ndarray, transitions: list[Transition]) -> bool:
    """Does the sprite move with its drawings, on twos or threes, rather than slide along while they are held?

    pose: float64 [T, 3, 3], anchor -> frame. Told by what moves between two frames: when the drawing changes, by the
    matching parts, against what it moves while the drawing is held.
    """
    point = pose[:, :2, 2]
    slid = [np.linalg.norm(np.diff(point[s], axis=0), axis=1) for s in shows(drawing) if 1 < len(s) <= LONGEST]
    stepped = [np.linalg.norm(project(tr.motion, point[tr.before][None])[0] - point[tr.before])
               for tr in transitions if tr.after == tr.before + 1]
    return bool(slid and stepped and np.median(np.concatenate(slid)) < SLIDES * np.median(stepped))


def smooth_offsets(runs: list[np.ndarray], times: np.ndarray, drawing: np.ndarray, value: np.ndarray,
                   lever: np.ndarray, prior: float, bend: float,
                   hints: list[tuple[int, int, np.ndarray, float]]) -> np.ndarray:
    """Offsets per drawing that make the means of value[t] + lever[t] * offset[drawing[t]] over the runs bend least.

    value: float64 [T, c]; lever: float64 [T, c, c]; prior: expected size of the offsets; bend: expected bending.
    hints: (t, u, change [c], deviation): value should change so from t to u. Robust (L1-like) by 12 rounds of
    reweighted least squares. Returns float64 [drawings, c].
    """
    count, c = int(drawing.max()) + 1, value.shape[1]
    rows, right, scale = [], [], []

    def row(terms: list[tuple[np.ndarray, float]], deviation: float, target: np.ndarray) -> None:
        block, rest = np.zeros((c, count * c)), np.array(target, np.float64)
        for frames, factor in terms:
            d = drawing[frames[0]]
            block[:, d * c : d * c + c] += factor * lever[frames].mean(0)
            rest -= factor * value[frames].mean(0)
        rows.append(block / deviation)
        right.append(rest / deviation)
        scale.append(1.0)

    for k in range(1, len(runs) - 1):
        a, b, d = times[k] - times[k - 1], times[k + 1] - times[k], (times[k + 1] - times[k - 1]) / 2
        if d > 6:  # the sprite was away in between: no path to speak of
            continue
        row([(runs[k - 1], 1 / a / d), (runs[k], -(1 / a + 1 / b) / d), (runs[k + 1], 1 / b / d)], bend, np.zeros(c))
    for t, u, change, deviation in hints:
        row([(np.array([u]), 1.0), (np.array([t]), -1.0)], deviation, change)
    data = len(rows)
    for d in range(count):
        block = np.zeros((c, count * c))
        block[:, d * c : d * c + c] = np.eye(c)
        rows.append(block / prior)
        right.append(np.zeros(c))
    matrix, target = np.array(rows), np.array(right)
    weight = np.ones(len(rows))
    offset = np.zeros(count * c)
    for _ in range(12):
        left = (matrix * weight[:, None, None]).reshape(-1, count * c)
        normal = left.T @ matrix.reshape(-1, count * c)
        offset = np.linalg.solve(normal + 1e-9 * np.eye(count * c), left.T @ target.reshape(-1))
        error = np.linalg.norm(matrix @ offset - target, axis=1)
        weight[:data] = 1 / np.maximum(error[:data], 0.1)
    return offset.reshape(count, c)


def parities(drawing: np.ndarray, H: np.ndarray) -> np.ndarray:
    """+1 / -1 per drawing: mirror these canvases so that the sprite does not flip when its drawing changes."""
    count = int(drawing.max()) + 1
    votes = np.zeros((count, count))
    on = np.flatnonzero(drawing >= 0)
    sign = np.array([np.sign(np.linalg.det(h)) for h in H])
    for t, u in pairwise(on):
        if u - t <= 2 and drawing[t] != drawing[u]:
            votes[drawing[t], drawing[u]] += sign[t] * sign[u]
            votes[drawing[u], drawing[t]] += sign[t] * sign[u]
    out = np.zeros(count)
    size = np.bincount(drawing[on], minlength=count)
    while (out == 0).any():
        reach = votes @ out
        free = np.flatnonzero(out == 0)
        best = free[np.argmax(np.abs(reach[free]))]
        if reach[best] == 0:  # a new island of drawings: its largest one shows most frames unmirrored
            best = free[np.argmax(size[free])]
            out[best] = 1.0 if sign[on][drawing[on] == best].sum() >= 0 else -1.0
        else:
            out[best] = np.sign(reach[best])
    return out


def choose_gauge(drawing: np.ndarray, H: np.ndarray, centre: np.ndarray, transitions: list[Transition], turns: bool
                 ) -> list[np.ndarray]:
    """Common canvas -> each drawing's own canvas, 3x3 each. The common canvas' anchor is its origin (0, 0).

    drawing: int [T]. H: float64 [T, 3, 3], own canvas -> frame. centre: float64 [drawings, 2], anchor of each drawing
    in its own canvas (centre of its silhouette). turns: the drawings may also be turned and scaled against each other.
    """
    count = int(drawing.max()) + 1
    parity = parities(drawing, H)
    gauge = [shift(*centre[d]) @ np.diag([parity[d], 1.0, 1.0]) for d in range(count)]
    on = np.flatnonzero(drawing >= 0)

    def poses() -> np.ndarray:
        out = np.tile(np.eye(3), (len(drawing), 1, 1))
        for t in on:
            out[t] = H[t] @ gauge[drawing[t]]
            out[t] /= out[t][2, 2]
        return out

    pose = poses()
    runs, times = keys(drawing, pose[:, :2, 2], held_poses(drawing, pose, transitions))
    if count > 1 and turns:
        angle = np.zeros((len(drawing), 2))
        for t in on:
            m = pose[t, :2, :2] @ np.diag([np.sign(np.linalg.det(pose[t])), 1.0])
            angle[t] = [np.arctan2(m[1, 0] - m[0, 1], m[0, 0] + m[1, 1]), 0.5 * np.log(abs(np.linalg.det(m)))]
        angle[on, 0] = np.unwrap(angle[on, 0])
        flip = np.array([np.sign(np.linalg.det(pose[t])) for t in range(len(drawing))])
        lever = np.stack([np.diag([f, 1.0]) for f in flip])
        hints = []
        for tr in transitions:
            m = tr.motion[:2, :2]
            hints.append((tr.before, tr.after, np.array([np.arctan2(m[1, 0] - m[0, 1], m[0, 0] + m[1, 1]),
                                                         0.5 * np.log(max(1e-6, np.linalg.det(m)))]), 0.1 /
                                                         max(0.05, tr.weight)))
        turn = smooth_offsets(runs, times, drawing, angle, lever, 0.3, TURN, hints)
        for d in range(count):
            c, s = np.cos(turn[d, 0]) * np.exp(turn[d, 1]), np.sin(turn[d, 0]) * np.exp(turn[d, 1])
            gauge[d] = gauge[d] @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        pose = poses()
    if count > 1:
        hints = []
        for tr in transitions:
            start = pose[tr.before, :2, 2]
            hints.append((tr.before, tr.after, project(tr.motion, start[None])[0] - start, MATCH / max(0.05,
            tr.weight)))
        offset = smooth_offsets(runs, times, drawing, pose[:, :2, 2], pose[:, :2, :2], OUTLINE, ACCELERATION, hints)
        gauge = [g @ shift(*o) for g, o in zip(gauge, offset, strict=True)]
    return gauge
