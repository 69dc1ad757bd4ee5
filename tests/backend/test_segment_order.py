"""Who hides whom: what a flat layer's pixels, and a camera that planes share, say about the depth order."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.segment.candidates import votes
from toondecompose.engine.segment.film import Film, in_memory, room_on
from toondecompose.engine.segment.parallax import CAMERA_SAYS, PARALLAX_SAYS, in_step, lean_on_parallax
from toondecompose.engine.segment.roles import trace
from toondecompose.engine.shelf import Shelf

torch.set_num_threads(1)
W, H = 224, 144
SIZE = W, H


def way(*per_frame: float, count: int = 16, sway: float = 0.0, zoom: float = 0.0) -> np.ndarray:
    """Transforms of a slide (dx, dy) px per frame, swaying up and down, growing about the frame's middle."""
    out = np.tile(np.eye(3), (count, 1, 1))
    for t in range(count):
        grow = np.diag([1 + zoom * t, 1 + zoom * t, 1])
        middle = np.array([[1, 0, W / 2], [0, 1, H / 2], [0, 0, 1]])
        out[t] = middle @ grow @ np.linalg.inv(middle)
        out[t, :2, 2] += np.array(per_frame) * t + [0, sway * np.sin(2.1 * t)]
    return out


def pillars(step: int, count: int = 16) -> list[np.ndarray]:
    """Small clouds that slide 1 px per frame, and before them broad flat pillars that slide `step` px."""
    clouds = np.full((H, W + 40, 3), (150, 200, 240), np.uint8)
    for x in range(10, W + 40, 28):
        cv2.ellipse(clouds, (x, 30 + x * 7 % 80), (9, 5), 0, 0, 360, (250, 250, 250), -1)
    frames = []
    for t in range(count):
        frame = clouds[:, t : t + W].copy()
        for x in range(30, 500, 110):
            frame[:, max(0, x - step * t) : max(0, x + 60 - step * t)] = (180, 140, 110)
        frames.append(frame)
    return frames


def test_flat_colour_that_stands_where_anothers_line_would_be_hides_it():
    frames = torch.from_numpy(np.stack(pillars(6)).transpose(0, 3, 1, 2).copy())
    motions, there = [way(-1, 0), way(-6, 0)], [np.ones(16, bool)] * 2
    V = votes(trace(frames, motions, there, 0.0), [0, 1], motions, there)
    assert V[1, 0] > 2000
    assert V[0, 1] < 0.2 * V[1, 0]


def test_votes_are_counted_alike_on_a_shelf(tmp_path):
    frames = torch.from_numpy(np.stack(pillars(6)).transpose(0, 3, 1, 2).copy())
    motions, there = [way(-1, 0), way(-6, 0)], [np.ones(16, bool)] * 2
    counts = []
    for room in (in_memory, room_on(Shelf(tmp_path, room=0))):
        found = trace(frames, motions, there, 0.0, room)
        assert isinstance(found.share[0], Film) == (room is not in_memory)
        counts.append(votes(found, [0, 1], motions, there, room))
    assert np.array_equal(*counts)


def test_flat_colour_of_a_painting_does_not_hide_the_limbs_that_a_walker_moves_before_it():
    ground = np.full((H, W + 40, 3), (150, 200, 240), np.uint8)
    for x in range(6, W + 40, 9):  # grass along the lower edge only
        cv2.line(ground, (x, H), (x + 3, H - 20 - x * 5 % 11), (40, 110, 50), 2)
    frames = []
    for t in range(16):
        frame = ground[:, t : t + W].copy()
        at = np.array([40 + 5 * t, 60])
        cv2.rectangle(frame, at - (8, 20), at + (8, 10), (200, 60, 40), -1)
        for leg in (-1, 1):
            cv2.line(frame, at + (0, 10), at + (leg * (3, 16)[t // 2 % 2], 40), (60, 30, 20), 3)
        frames.append(frame)
    stack = torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2).copy())
    motions, there = [way(-1, 0), way(5, 0)], [np.ones(16, bool)] * 2
    V = votes(trace(stack, motions, there, 0.0), [0, 1], motions, there)
    assert V[0, 1] < 300, V


@pytest.mark.parametrize(("far", "near", "same"), [
    (way(-2, 0), way(-7, 0), True),
    (way(-2, 0, sway=0.4), way(-7, 0, sway=1.4), True),
    (way(0, 0, zoom=0.004), way(0, 0, zoom=0.01), True),
    (way(0, 0), way(-7, 0), False),  # an overlay, or a head that the camera follows
    (way(2, 0), way(-7, 0), False),  # someone who walks against the pan
    (way(-2, 0, sway=6.0), way(-7, 0), False),  # someone who bobs
])
def test_planes_before_one_camera_move_in_step_and_others_do_not(far, near, same):
    assert in_step(far, near, SIZE) is same
    assert in_step(near, far, SIZE) is same


def test_parallax_decides_as_far_as_pixels_leave_the_order_open_and_most_before_one_camera():
    clear, opened = {(0, 1): 0.9, (1, 0): -0.9}, {(0, 1): 0.0, (1, 0): 0.0}
    for hides in (clear, opened):
        lean_on_parallax(hides, {0, 1}, {0, 1}, [2.0, 7.0], [way(-2, 0), way(-7, 0)], SIZE)
    assert clear[0, 1] > 0.8
    assert opened == {(0, 1): -CAMERA_SAYS, (1, 0): CAMERA_SAYS}
    opened = {(0, 1): 0.0, (1, 0): 0.0}
    lean_on_parallax(opened, {0, 1}, {0, 1}, [2.0, 7.0], [way(2, 0), way(-7, 0)], SIZE)
    assert opened == {(0, 1): -PARALLAX_SAYS, (1, 0): PARALLAX_SAYS}


def test_posts_along_the_edges_are_in_front_of_a_painting_that_one_camera_moves_slower():
    """Of a front plane that shows only a few posts little is seen, and its own flat colour hides nothing for sure."""
    for wide, motion, says in (({0, 1}, way(-7, 0), CAMERA_SAYS), ({0}, way(-7, 0), 0), ({0, 1}, way(7, 0), 0)):
        hides = {(0, 1): 0.0, (1, 0): 0.0}
        lean_on_parallax(hides, {0}, wide, [2.0, 7.0], [way(-2, 0), motion], SIZE)
        assert hides == {(0, 1): -says, (1, 0): says}
