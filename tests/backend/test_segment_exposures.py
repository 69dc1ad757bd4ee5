"""A drawing that is held over some frames says once what it says."""

import numpy as np
import torch

from toondecompose.engine.segment.holds import holds, telling
from toondecompose.engine.segment.layers import Rigid
from toondecompose.engine.segment.limbs import limbs
from toondecompose.engine.segment.roles import trace, unexplained

COUNT, H, W = 18, 60, 120


def slid(x: np.ndarray) -> np.ndarray:
    """Translations to x px, [T, 3, 3]."""
    out = np.tile(np.eye(3), (len(x), 1, 1))
    out[:, 0, 2] = x
    return out


def on(number: int, step: float) -> np.ndarray:
    """A motion of `step` px between drawings that are held for `number` frames."""
    return slid(step * (np.arange(COUNT) // number))


STILL, ALWAYS = slid(np.zeros(COUNT)), [np.ones(COUNT, bool)] * 2


def test_frames_of_one_hold_tell_nothing():
    told = telling([STILL, on(3, 5.0)], ALWAYS, 1, (W, H))
    same = np.arange(COUNT)[:, None] // 3 == np.arange(COUNT)[None] // 3
    assert np.array_equal(told, ~same)
    drifting = on(3, 5.0)
    drifting[:, 0, 2] += 0.4 * np.arange(COUNT)
    assert np.array_equal(telling([STILL, drifting], ALWAYS, 1, (W, H)), ~same)


def test_who_slides_stands_or_stumbles_once_is_told_by_all_frames():
    stands = slid(np.where(np.arange(COUNT) < COUNT // 2, 0.0, 30.0))
    stumbles = slid(np.arange(COUNT) + 9.0 * (np.arange(COUNT) > 14))
    for motion in (on(1, 2.0), on(3, 0.5), stands, stumbles):
        assert telling([STILL, motion], ALWAYS, 1, (W, H)) is None


def test_a_hold_lies_between_changes():
    at = np.array([0, 0, 0, 6, 6, 6, 12, 14, 16.0])[:, None]
    assert holds(at, np.ones(9, bool)) == [(0, 3), (3, 6)]
    assert holds(at, np.arange(9) != 4) == [(0, 3)]


def shot() -> tuple[torch.Tensor, list[np.ndarray]]:
    """A patterned figure that moves 6 px with every third frame before a patterned painting, and another one who comes
    in, drawn anew each time, at its right hand for six frames."""
    rng = np.random.default_rng(3)
    painting, figure = rng.integers(0, 256, (H // 3, W // 3, 3)), rng.integers(0, 256, (10, 10, 3))
    frames = np.repeat(np.repeat(painting, 3, 0), 3, 1)[None].repeat(COUNT, 0).astype(np.uint8)
    body = np.repeat(np.repeat(figure, 3, 0), 3, 1)
    for t in range(COUNT):
        x = 10 + 6 * (t // 3)
        frames[t, 15:45, x : x + 30] = body
        if t < 6:
            other = np.random.default_rng(50 + t // 3).integers(0, 256, (10, 6, 3))
            frames[t, 15:45, x + 30 : x + 48] = np.repeat(np.repeat(other, 3, 0), 3, 1)
    return torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous(), [STILL, on(3, 6.0)]


def test_who_is_held_at_a_figures_side_is_nobodys_though_all_moves_as_one():
    frames, motions = shot()
    before = trace(frames, motions, ALWAYS, 0.0)
    after = before.of_exposures(frames, motions, ALWAYS, [0, 1], 0.0)
    one, two = (unexplained(traces, [0, 1], slice(0, COUNT), solid=False) for traces in (before, after))
    other = slice(18, 42), slice(46, 55)
    assert float(two[1, *other].mean()) > 0.5 > float(one[1, *other].mean()) + 0.2
    figure = slice(18, 42), slice(14, 36)
    assert float(two[1, *figure].mean()) < 0.1  # it repeats from hold to hold
    assert before.of_exposures(frames, [STILL, on(1, 2.0)], ALWAYS, [0, 1], 0.0).share[1] is before.share[1]


def test_who_moves_from_hold_to_hold_has_limbs_though_he_reaches_the_border():
    """A talker whom the edge cuts may be a plane as far as the frame's border says; no plane moves so."""
    frames, p = np.full((COUNT, 90, 160, 3), 90, np.uint8), torch.zeros(3, COUNT, 90, 160)
    for t in range(COUNT):
        x = 20 + 3 * (t // 3)
        p[1, t, 20:90, x : x + 30] = 1
        p[2, t, 10:20, x + t % 8 : x + t % 8 + 6] = 1  # an ear
        p[2, t, 40:80, 120:150] = 1
    frames[p[1].numpy() > 0], frames[:, 40:80, 120:150] = (90, 50, 30), (240, 150, 40)
    p[0] = 1 - p[1:].sum(0)

    def found(motion: np.ndarray) -> dict[int, np.ndarray]:
        return limbs(frames, Rigid([STILL, motion], ALWAYS, [True, True]), p, [True, False])

    assert found(slid(3.0 * np.arange(COUNT))) == {}
    ears = found(on(3, 3.0))[1]
    assert all(ears[t, 10:20, 20 + 3 * (t // 3) + t % 8 :][:, :6].all() for t in range(COUNT))
    assert not ears[:, :, 120:].any()
