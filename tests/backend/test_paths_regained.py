"""A path that lost its sprite finds it again by the sprite's picture, and only then."""

from __future__ import annotations

import numpy as np
import pytest
from test_paths import SIZE, painting, shift, shown

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.paths import search
from toondecompose.engine.paths.candidate import Candidate, measured
from toondecompose.engine.paths.field import Field, build_field
from toondecompose.engine.paths.groups import apply
from toondecompose.engine.paths.regained import regained

COUNT, LOST, SIDE = 16, 9, 44


def _turned(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def _pose(t: int, hold: int) -> np.ndarray:
    """A tumbling square sprite's canvas in frame t, edge coordinates."""
    t = t // hold * hold
    return shift(40 + 8 * t, 60 + 20 * np.sin(t / 4)) @ _turned(9 * t) @ shift(-SIDE / 2, -SIDE / 2)


def _shot(hold: int = 1, gone: int = COUNT) -> tuple[Field, np.ndarray, list[np.ndarray]]:
    """(field, true H on the canvas of frame 4, what is free of the background's path). gone: the sprite is seen before
    this frame only."""
    behind, picture = painting(1), painting(2, SIDE, SIDE)
    frames = []
    for t in range(COUNT):
        frame = shown(behind, shift(-30, -40))
        if t < gone:
            cover = shown(np.full((SIDE, SIDE), 255, np.uint8), _pose(t, hold)) > 127
            inside = np.linalg.inv(_pose(t, hold))
            y, x = np.mgrid[: SIZE[1], : SIZE[0]]
            at = apply(inside, np.stack([x.ravel() + 0.5, y.ravel() + 0.5], 1))
            cover &= ((at > 0) & (at < SIDE)).all(1).reshape(cover.shape)
            frame[cover] = shown(picture, _pose(t, hold))[cover]
        frames.append(frame)
    field = build_field(source_from_array(np.stack(frames)), 0)
    still = measured(np.tile(np.eye(3), (COUNT, 1, 1)), 0, 2, field)
    free = [np.clip(1 - 1.3 * e, 0, 1) for e in still.around(field)]
    H = np.stack([_pose(t, hold) for t in range(COUNT)])
    return field, H @ np.linalg.inv(H[4]), free


def _lost(H: np.ndarray, field: Field) -> Candidate:
    """The path that from frame LOST on drifts away."""
    H = np.stack([m if t < LOST else shift(-5 * (t - LOST), 3 * (t - LOST)) @ H[LOST - 1] for t, m in enumerate(H)])
    return measured(H, 4, 4, field)


@pytest.mark.parametrize("hold", [1, 2], ids=["on ones", "on twos"])
def test_a_tumbling_sprite_that_its_path_lost_is_found_in_all_frames_after(hold):
    field, H, free = _shot(hold)
    found = regained(_lost(H, field), field, free)
    middle = np.array([[72, 60 + 20 * np.sin(1)]])  # of the sprite in frame 4
    for t in range(COUNT):
        off = np.linalg.norm(apply(found.H[t], middle) - apply(H[t], middle))
        assert off < 0.5, (t, off)


def test_a_path_ends_where_its_sprite_is_gone():
    field, H, free = _shot(gone=LOST)
    assert regained(_lost(H, field), field, free) is None


def test_a_path_that_lost_nothing_stays_as_it_is():
    field, H, free = _shot()
    assert regained(measured(H, 4, 4, field), field, free) is None


def test_a_path_that_saves_hardly_more_for_a_few_frames_found_again_stays_as_it_is(monkeypatch):
    """A walker's body, followed to the shot's end, made one drawing of his walk, and floor boards hung on to it."""
    field, _, _ = _shot()
    still = np.tile(np.eye(3), (field.count, 1, 1))
    chosen, longer = [measured(still, 0, 2, field) for _ in range(2)], measured(still, 0, 2, field)
    monkeypatch.setattr(search, "regained", lambda c, field, free: longer if c is chosen[1] else None)
    for more, found in ((1.005, chosen[1]), (1.02, longer)):
        monkeypatch.setattr(search, "together", lambda paths, _, m=more: m if any(p is longer for p in paths) else 1)
        assert search.followed_on(chosen, field)[1] is found
