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


def _pose(t: int, hold: int, turn: float = 9, swing: float = 20) -> np.ndarray:
    """A tumbling square sprite's canvas in frame t, edge coordinates."""
    t = t // hold * hold
    return shift(40 + 8 * t, 60 + swing * np.sin(t / 4)) @ _turned(turn * t) @ shift(-SIDE / 2, -SIDE / 2)


def _shot(hold: int = 1, gone: int = COUNT, **pose: float) -> tuple[Field, np.ndarray, list[np.ndarray]]:
    """(field, true H on the canvas of frame 4, what is free of the background's path). gone: the sprite is seen before
    this frame only."""
    behind, picture = painting(1), painting(2, SIDE, SIDE)
    frames = []
    for t in range(COUNT):
        frame = shown(behind, shift(-30, -40))
        if t < gone:
            cover = shown(np.full((SIDE, SIDE), 255, np.uint8), _pose(t, hold, **pose)) > 127
            inside = np.linalg.inv(_pose(t, hold, **pose))
            y, x = np.mgrid[: SIZE[1], : SIZE[0]]
            at = apply(inside, np.stack([x.ravel() + 0.5, y.ravel() + 0.5], 1))
            cover &= ((at > 0) & (at < SIDE)).all(1).reshape(cover.shape)
            frame[cover] = shown(picture, _pose(t, hold, **pose))[cover]
        frames.append(frame)
    field = build_field(source_from_array(np.stack(frames)), 0)
    still = measured(np.tile(np.eye(3), (COUNT, 1, 1)), 0, 2, field)
    free = [np.clip(1 - 1.3 * e, 0, 1) for e in still.around(field)]
    H = np.stack([_pose(t, hold, **pose) for t in range(COUNT)])
    return field, H @ np.linalg.inv(H[4]), free


def _lost(H: np.ndarray, field: Field) -> Candidate:
    """The path that from frame LOST on drifts away."""
    H = np.stack([m if t < LOST else shift(-5 * (t - LOST), 3 * (t - LOST)) @ H[LOST - 1] for t, m in enumerate(H)])
    return measured(H, 4, 4, field)


@pytest.mark.parametrize(("hold", "turn", "swing"), [(1, 9, 20), (2, 9, 20), (3, 2, 4)],
                         ids=["on ones", "on twos", "on threes"])
def test_a_tumbling_sprite_that_its_path_lost_is_found_in_all_frames_after(hold, turn, swing):
    field, H, free = _shot(hold, turn=turn, swing=swing)
    found = regained(_lost(H, field), field, free)
    drawn = 4 // hold * hold
    middle = np.array([[40 + 8 * drawn, 60 + swing * np.sin(drawn / 4)]])  # of the sprite in frame 4
    for t in range(COUNT):
        off = np.linalg.norm(apply(found.H[t], middle) - apply(H[t], middle))
        assert off < 0.5, (t, off)


def test_a_single_frame_found_again_counts_where_it_shows_the_sprite_as_well_as_the_others():
    """Where two cross, the last drawing of the one was taken for the other, who then was in both."""
    field, H, _ = _shot()
    H = H.copy()
    H[-1] = shift(-14, 6) @ H[-2]
    chosen = [measured(np.tile(np.eye(3), (COUNT, 1, 1)), 0, 2, field), measured(H, 4, 4, field)]
    found = search.followed_on(chosen, field)
    assert found[1] is not chosen[1]
    longer, before = (search.together(paths, field) for paths in (found, chosen))
    assert before < longer < search.FOUND_AGAIN * before


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


def test_the_mean_slide_of_a_painting_in_perspective_is_no_path_beside_it():
    """It saves on px here and there by chance; as one layer more it took the place of a figure."""
    behind, rng = painting(1, 620, 460).astype(np.float64), np.random.default_rng(5)
    behind = np.clip(behind + 25 * rng.normal(size=behind.shape), 0, 255).astype(np.uint8)
    true = np.stack([shift(-60 - 5 * t, -50) @ np.array([[1, 0, 0], [0, 1, 0], [(t - 8) * 4e-5, 0, 1.0]])
                     for t in range(COUNT)])
    frames = np.stack([shown(behind, H) for H in true])
    field = build_field(source_from_array(frames), 0)
    true = true @ np.linalg.inv(true[8])
    middle = np.array([[SIZE[0] / 2, SIZE[1] / 2]])
    mean = np.stack([shift(*(apply(H, middle) - middle)[0]) for H in true])
    chosen = [measured(true / true[:, 2:, 2:], 8, 8, field), measured(mean, 8, 2, field)]
    lost = search.together(chosen, field) - search.together(chosen[:1], field)
    assert lost > search.SMALLEST_GAIN * search.whole(field)
    assert search.pruned(chosen, field) == [0]
