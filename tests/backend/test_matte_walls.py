"""A plane has no hole where a figure stands before it all shot long, and keeps what something is seen through."""

from __future__ import annotations

import numpy as np
import pytest
from test_matte import SIZE, disc, painted, placed, translation

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.matte.solve import solve
from toondecompose.engine.matte.types import LayerToSolve

COUNT, PAN = 12, 3
WALL = np.array([150, 120, 90], np.uint8)
WINDOW = np.s_[48:60, 20:34]


@pytest.fixture(scope="module", params=[(), (4, 5)], ids=["never seen", "seen twice and taken for the sky"])
def solved(request):
    """A sky that slides behind a wall with a window; a figure stands before the wall. In some frames it is not there,
    but rough masks know nothing of the wall that shows."""
    (w, h), sky = SIZE, painted(300, SIZE[1], mean=180)
    picture, alpha = disc(SIZE, (84, 55), 13, (40, 60, 160))
    wall = np.zeros((h, w), bool)
    wall[30:] = True
    wall[WINDOW] = False
    frames, masks = [], [[], [], []]
    for t in range(COUNT):
        there = alpha if t not in request.param else np.zeros_like(alpha)
        frame = np.where(wall[..., None], WALL, sky[:, PAN * t:PAN * t + w])
        frames.append(np.rint(frame * (1 - there[..., None]) + picture * there[..., None]).astype(np.uint8))
        behind = wall & (alpha == 0)
        for mask, value in zip(masks, (~behind & (there < 0.5), behind, there > 0.5), strict=True):
            mask.append(value.astype(np.uint8) * 255)
    still = np.tile(np.eye(3), (COUNT, 1, 1))
    pan = np.array([translation(-PAN * t, 0) for t in range(COUNT)])
    shown = np.array([-1 if t in request.param else 0 for t in range(COUNT)])
    layers = [LayerToSolve(name, kind, H, drawing, np.stack(mask), model="translation")
              for name, kind, H, drawing, mask in zip(
                  ("background", "wall", "figure"), ("background", "background", "sprite"), (pan, still, still),
                  (np.zeros(COUNT, int), np.zeros(COUNT, int), shown), masks, strict=True)]
    return solve(source_from_array(np.stack(frames)), layers, scale=1.0).layers


def test_a_wall_goes_on_behind_who_stands_before_it(solved):
    alpha, colour = placed(solved[1], 0)
    behind = np.s_[48:62, 76:90]
    assert alpha[behind].min() > 0.99
    assert np.abs(colour[behind] - WALL).max() < 12


def test_a_window_through_which_the_sky_is_seen_stays_open(solved):
    alpha = placed(solved[1], 0)[0]
    assert alpha[WINDOW][2:-2, 2:-2].max() < 0.01 and alpha[:26].max() < 0.01


def test_what_was_painted_in_is_told_from_what_a_frame_showed(solved, request):
    wall = solved[1]
    x, y = (int(v) for v in np.linalg.inv(wall.H[0])[:2] @ (84, 55, 1))
    shown = "twice" in request.node.callspec.id
    assert (wall.seen[y, x] == 255) == shown
    x, y = (int(v) for v in np.linalg.inv(wall.H[0])[:2] @ (110, 70, 1))
    assert wall.seen[y, x] == 255


@pytest.mark.parametrize("solved", [(4, 5)], indirect=True)  # never seen, there is nothing to forget
def test_the_sky_forgets_what_only_such_a_hole_had_shown(solved):
    sky = solved[0]
    for t in (4, 5):
        x, y = (int(v) for v in np.linalg.inv(sky.H[t])[:2] @ (84, 60, 1))
        assert sky.seen[y, x] == 0
