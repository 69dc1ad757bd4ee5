"""Hairs too thin for masks are found once the plates are known, and lines that a plate lacks are not taken for them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.strands import add_strands
from toondecompose.engine.types import SolvedLayer, as_drawings
from toondecompose.formats.errors import Cancelled

W, H, COUNT = 160, 100, 8
HAIR = ((92, 50), (130, 38))  # hangs on to the body
REST = ((100, 62), (126, 70))  # hangs on to nothing: between, it has the wall's colour


def shot(drawn, on_plate, only_in=None, speed=4):
    """A disc that is held before a pan, of which layers know all but some lines -> (source, layers, masks).

    drawn: lines of the drawing, in frame px; on_plate: of the plate, in px of the first frame. only_in: the frame in
    which alone those of the drawing are seen."""
    wide = W + speed * COUNT
    rng = np.random.default_rng(7)
    plate = cv2.resize(rng.integers(70, 130, (10, wide // 10, 3), np.uint8), (wide, H), interpolation=cv2.INTER_CUBIC)
    body = np.zeros((H, W, 4), np.uint8)
    cv2.circle(body, (70, 50), 26, (200, 160, 90, 255), -1, cv2.LINE_AA)
    body[..., :3] = (200, 160, 90)
    frames, H_plate = [], np.tile(np.eye(3), (COUNT, 1, 1))
    for t in range(COUNT):
        H_plate[t, 0, 2] = -speed * t
        real = plate.copy()
        for a, b in on_plate:
            cv2.line(real, a, b, (20, 20, 20), 1, cv2.LINE_AA)
        frame = real[:, speed * t:speed * t + W].astype(np.float32)
        if only_in in (None, t):
            for a, b in drawn:
                cv2.line(frame, a, b, (240, 240, 235), 1, cv2.LINE_AA)
        share = body[..., 3:].astype(np.float32) / 255
        frames.append((frame + share * (body[..., :3] - frame)).round().astype(np.uint8))
    still = np.tile(np.eye(3), (COUNT, 1, 1))
    whole = np.dstack([plate, np.full((H, wide), 255, np.uint8)])
    shown = np.zeros(COUNT, int)
    layers = [SolvedLayer("background", "background", as_drawings([whole]), shown, H_plate, np.ones(COUNT),
                          "translation", 1.0),
              SolvedLayer("sprite", "sprite", as_drawings([body]), shown, still, np.ones(COUNT), "translation", 1.0)]
    mine = np.repeat(body[None, ..., 3], COUNT, 0).copy()
    return source_from_array(frames), layers, [255 - mine, mine]


def along(mask, a, b):
    """Share of a line's px, some way from its ends, that a mask holds or has beside it."""
    line = np.zeros(mask.shape, np.uint8)
    a, b = np.array(a), np.array(b)
    cv2.line(line, tuple(a + (b - a) // 6), tuple(b - (b - a) // 6), 255, 1)
    return (cv2.dilate(mask, np.ones((3, 3), np.uint8))[line > 0] >= 128).mean()


def test_a_hair_that_hangs_on_to_a_sprite_joins_its_masks():
    source, layers, masks = shot([HAIR], [])
    assert add_strands(source, layers, masks, [1]) > 0
    for t in range(COUNT):
        assert along(masks[1][t], *HAIR) > 0.9
        assert (masks[0][t][masks[1][t] == 255] == 0).all()


def test_the_rest_of_a_hair_joins_where_the_drawing_carries_it():
    source, layers, masks = shot([REST], [])
    add_strands(source, layers, masks, [1])
    assert min(along(mask, *REST) for mask in masks[1]) > 0.9


def test_a_line_beside_a_sprite_that_is_seen_once_does_not_join():
    source, layers, masks = shot([REST], [], only_in=3)
    assert add_strands(source, layers, masks, [1]) == 0


def test_a_line_that_the_plate_lacks_does_not_join_a_sprite_that_it_touches():
    source, layers, masks = shot([], [((10, 50), (W + 20, 52))])
    assert add_strands(source, layers, masks, [1]) == 0


def test_nothing_is_found_in_a_shot_that_its_layers_explain():
    source, layers, masks = shot([], [])
    before = [mask.copy() for mask in masks]
    assert add_strands(source, layers, masks, [1]) == 0
    assert all(np.array_equal(a, b) for a, b in zip(before, masks, strict=True))


def test_a_hair_over_another_sprite_is_left_to_those_who_know_that_one():
    source, layers, masks = shot([HAIR], [])
    other = np.zeros_like(masks[1])
    other[:, 30:60, 90:140] = 255
    still = np.tile(np.eye(3), (COUNT, 1, 1))
    empty = np.zeros((H, W, 4), np.uint8)
    layers.append(SolvedLayer("other", "sprite", as_drawings([empty]), np.zeros(COUNT, int), still, np.ones(COUNT),
                              "translation", 1.0))
    assert add_strands(source, layers, [*masks, other], [1]) == 0


def test_without_motion_only_what_hangs_on_joins():
    source, layers, masks = shot([HAIR, REST], [], speed=0)
    add_strands(source, layers, masks, [1])
    assert along(masks[1][0], *HAIR) > 0.9
    assert along(masks[1][0], *REST) == 0


def test_no_strands_are_looked_for_once_the_job_is_cancelled():
    def cancelled():
        raise Cancelled()

    source, layers, masks = shot([HAIR], [])
    with pytest.raises(Cancelled):
        add_strands(source, layers, masks, [1], cancelled)
