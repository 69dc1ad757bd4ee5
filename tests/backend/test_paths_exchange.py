"""Paths that hopped onto each other's layers in the middle of a shot get their own ends back."""

from __future__ import annotations

import numpy as np
from test_paths import SIZE, painting, shift, shown

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.paths.candidate import anchored, measured
from toondecompose.engine.paths.exchange import exchange, hops, spliced, steps
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
