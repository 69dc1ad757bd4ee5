"""Who keeps to one place and is drawn anew there, before a painting that stands still or pans."""

import cv2
import numpy as np
import torch

from toondecompose.engine.segment.posing import poses, settle_poses
from toondecompose.engine.segment.turns import turns

H, W, COUNT, HELD = 90, 160, 24, 6
SPEED = 1  # px per frame of the pan


def scene(speed: int = 0, passes: bool = False) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """Frames uint8 [T, 3, h, w], the painting's path [T, 3, 3] and where somebody is, bool [T, h, w]: one who throws
    up his arms and lets them hang in turn, or (passes) a body that walks through."""
    rng = np.random.default_rng(0)
    plate = cv2.resize(rng.integers(90, 200, (12, 24, 3), np.uint8), (W + 40, H), interpolation=cv2.INTER_NEAREST)
    frames, bodies = np.empty((COUNT, H, W, 3), np.uint8), np.zeros((COUNT, H, W), bool)
    path = np.tile(np.eye(3), (COUNT, 1, 1))
    for t in range(COUNT):
        x = speed * t
        path[t, 0, 2] = -x
        frame = plate.copy()
        who = np.zeros(frame.shape[:2], np.uint8)
        if passes:
            cv2.rectangle(who, (6 * t, 30), (6 * t + 18, 70), 1, -1)
        else:
            up = t // HELD % 2
            cv2.rectangle(who, (76 + 5 * up, 26 - 4 * up), (100 + 5 * up, 78 - 4 * up), 1, -1)
            arms = (52, 16) if up else (60, 54)
            for side in (0, 1):
                corner = (arms[0] if side == 0 else 176 - arms[0] - 16, arms[1])
                cv2.rectangle(who, corner, (corner[0] + 24, corner[1] + 14), 1, -1)
        frame[who > 0] = (240, 60, 60)
        frame[(who > 0) & (cv2.erode(who, np.ones((5, 5), np.uint8)) == 0)] = 10
        frames[t], bodies[t] = frame[:, x : x + W], who[:, x : x + W] > 0
    return torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous(), path, bodies


def nearing() -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """As `scene`, of one whom the frame's lower edge cuts and who throws up his arms once, while the camera goes nearer
    to both."""
    rng = np.random.default_rng(0)
    plate = cv2.resize(rng.integers(90, 200, (12, 24, 3), np.uint8), (W, H), interpolation=cv2.INTER_NEAREST)
    frames, bodies = np.empty((COUNT, H, W, 3), np.uint8), np.zeros((COUNT, H, W), bool)
    path = np.tile(np.eye(3), (COUNT, 1, 1))
    for t in range(COUNT):
        up = COUNT // 3 <= t < 2 * COUNT // 3
        who, inside = np.zeros((H, W), np.uint8), np.zeros((H, W), np.uint8)
        parts = [(66 + 5 * up, 40, 96 + 5 * up, H), (70 + 4 * up, 14 + 4 * up, 92 + 4 * up, 44),
                 (40, 24, 70, 38) if up else (48, 46, 70, 76), (92, 24, 122, 38) if up else (92, 46, 114, 76)]
        for x0, y0, x1, y1 in parts:
            cv2.rectangle(who, (x0, y0), (x1, y1), 1, -1)
            cv2.rectangle(inside, (x0 + 3, y0 + 3), (x1 - 3, y1 - 3 * (y1 < H)), 1, -1)
        picture = plate.copy()
        picture[who > 0] = 10
        picture[inside > 0] = (240, 60, 60)
        zoom = 1 + 0.3 * t / COUNT
        path[t] = [[zoom, 0, W / 2 * (1 - zoom)], [0, zoom, H / 2 * (1 - zoom)], [0, 0, 1]]
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        move = np.linalg.inv(half) @ path[t] @ half
        frames[t] = cv2.warpPerspective(picture, move, (W, H), flags=cv2.INTER_LINEAR)
        bodies[t] = cv2.warpPerspective(who, move, (W, H), flags=cv2.INTER_NEAREST) > 0
    return torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous(), path, bodies


def settled(frames: torch.Tensor, path: np.ndarray, bodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is given to the redrawn sprites, bool [T, h, w], where everything repeats as the painting does, and where
    somebody is."""
    first = torch.zeros(2, COUNT, H, W, dtype=torch.float16)
    first[0] = 0.8
    settle_poses(first, frames, path, np.ones(COUNT, bool), 0.0)
    return (first[1] > 0.5).numpy(), bodies


def test_frames_of_each_drawing_that_is_held_in_turn_are_found():
    frames, path, _ = scene()
    found = {tuple(some) for some in turns(frames, path, np.ones(COUNT, bool), 0.0)}
    up = tuple(t for t in range(COUNT) if t // HELD % 2)
    assert {up, tuple(t for t in range(COUNT) if t not in up)} <= found


def test_who_is_drawn_anew_in_his_place_is_no_part_of_the_painting():
    for speed in (0, SPEED):
        mine, bodies = settled(*scene(speed))
        assert (mine & bodies).sum() > 0.85 * bodies.sum()
        assert (mine & ~bodies).sum() < 0.1 * bodies.sum()


def test_whom_the_frame_cuts_is_no_part_of_the_painting_below_what_changes():
    mine, bodies = settled(*nearing())
    assert (mine & bodies).sum() > 0.85 * bodies.sum()
    assert (mine & ~bodies).sum() < 0.1 * bodies.sum()


def test_who_walks_by_is_left_to_the_mosaic():
    frames, path, _ = scene(passes=True)
    assert poses(frames, path, np.ones(COUNT, bool), 0.0) is None


def test_a_painting_alone_has_no_turns():
    frames, path, _ = scene(passes=True)
    assert turns(frames[:1].expand(COUNT, -1, -1, -1).contiguous(), path, np.ones(COUNT, bool), 0.0) == []


def test_poses_that_are_all_held_briefly_are_those_of_passers(monkeypatch):
    frames, path, _ = scene()
    present = np.ones(COUNT, bool)
    assert poses(frames, path, present, 0.0) is not None
    brief = [np.arange(0, HELD), np.arange(HELD, 2 * HELD)]  # a quarter of the frames each
    monkeypatch.setattr("toondecompose.engine.segment.posing.turns", lambda *_: brief)
    assert poses(frames, path, present, 0.0) is None
