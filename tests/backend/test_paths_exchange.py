"""Paths that hopped onto each other's layers in the middle of a shot get their own ends back."""

from __future__ import annotations

import numpy as np
from test_paths import SIZE, painting, shift, shown

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.paths.candidate import anchored, measured
from toondecompose.engine.paths.exchange import astray, exchange, hops, rejoined, spliced, steps
from toondecompose.engine.paths.field import build_field
from toondecompose.engine.paths.follow import believe
from toondecompose.engine.paths.search import together, without

COUNT, AT = 8, 4


def two_layers():
    """A figure that is held while the painting behind it slides -> (field, the painting's path, the figure's)."""
    pan = np.stack([shift(-100 + 5.0 * t, -60) for t in range(COUNT)])
    figure, frames = painting(8), []
    for H in pan:
        frame = shown(painting(7), H)
        frame[30:120, 60:140] = figure[30:120, 60:140]
        frames.append(frame)
    field = build_field(source_from_array(frames), 0, keep=SIZE[0])
    shrink = np.diag([field.scale, field.scale, 1.0])
    paths = [measured(anchored(shrink @ H @ np.linalg.inv(shrink), AT), AT, 2, field)
             for H in (pan, np.tile(np.eye(3), (COUNT, 1, 1)))]
    for c in paths:
        c.belief = believe(field, c.H, without(field, []))
    return field, *paths


def test_paths_that_hopped_onto_each_other_get_their_ends_back():
    field, pan, held = two_layers()
    mixed = [measured(spliced(one, two, AT), AT, 2, field) for one, two in ((pan, held), (held, pan))]
    for c in mixed:
        c.belief = believe(field, c.H, without(field, []))
    assert AT in hops(*(steps(c.H, field.size) for c in mixed))
    found = exchange(mixed, field, together)
    assert np.allclose(found[0].H, pan.H) and np.allclose(found[1].H, held.H)


def test_paths_that_keep_to_their_layers_are_left_alone():
    field, pan, held = two_layers()
    found = exchange([pan, held], field, together)
    assert found[0] is pan and found[1] is held


def test_a_camera_on_twos_has_not_hopped_where_nothing_else_goes_on_as_it_did():
    twos = np.stack([[3.0 * (t % 2), 0.0] for t in range(COUNT - 1)])
    assert hops(twos, np.full((COUNT - 1, 2), 20.0)) == []


def astray_paths():
    """A painting that slides ever slower -> (field, its path, and two that follow it each through half of the shot and
    slip in the other)."""
    places = np.concatenate([[0.0], np.cumsum(6.0 - 0.3 * np.arange(2 * COUNT - 1))])
    pan = np.stack([shift(-100 + x, -60) for x in places])
    field = build_field(source_from_array([shown(painting(7), H) for H in pan]), 0, keep=SIZE[0])
    shrink = np.diag([field.scale, field.scale, 1.0])
    slips = np.arange(len(pan)) - COUNT
    late, early = (np.stack([H @ shift(9.0 * s, 0) for H, s in zip(pan, slip, strict=True)])
                   for slip in (np.maximum(slips, 0), np.minimum(slips, 0)))
    paths = [measured(anchored(shrink @ H @ np.linalg.inv(shrink), COUNT), COUNT, 2, field) for H in (pan, late, early)]
    for c in paths:
        c.belief = believe(field, c.H, without(field, []))
    return field, *paths


def test_a_layer_that_two_paths_follow_by_halves_is_followed_throughout():
    """A shot of a real pan along a facade: each path was right in one half, and a window off in the other."""
    field, pan, head, tail = astray_paths()
    assert astray(head, tail, field) is not None
    found = rejoined([head, tail], field, together)
    assert max(c.gain for c in found) > 0.95 * pan.gain > 1.3 * max(head.gain, tail.gain)
    best = max(found, key=lambda c: c.gain)
    assert np.abs(steps(best.H, field.size) - steps(pan.H, field.size)).max() < 0.1


def test_two_layers_that_are_each_followed_throughout_are_not_joined():
    field, pan, held = two_layers()
    found = rejoined([pan, held], field, together)
    assert astray(pan, held, field) is None and found[0] is pan and found[1] is held
