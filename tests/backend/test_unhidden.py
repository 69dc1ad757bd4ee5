"""What a sprite gives up goes to the plane that it stands before, where nobody has seen anything behind that."""

from __future__ import annotations

import numpy as np
import pytest

from toondecompose.engine.types import SolvedLayer, as_drawings
from toondecompose.engine.unhidden import keep_walls_whole, whole_walls

COUNT, H, W = 8, 40, 80
HOLE = (slice(15, 25), slice(50, 58))  # on the wall's canvas


def shot(behind_seen: int = 0, at_an_edge: bool = False):
    """A wall that slides before a sky, with a hole where rough masks have always had a sprite. behind_seen: frames in
    which they showed the sky there. at_an_edge: the wall ends beside the hole. -> (layers, before, masks)."""
    wall = np.full((H, 120, 4), 255, np.uint8)
    wall[HOLE] = 0
    if at_an_edge:
        wall[:, 50:] = 0
    slide, shown = np.tile(np.eye(3), (COUNT, 1, 1)), np.zeros(COUNT, int)
    slide[:, 0, 2] = -3.0 * np.arange(COUNT)
    still, one = np.tile(np.eye(3), (COUNT, 1, 1)), np.ones(COUNT)
    sky = np.full((H, W, 4), 255, np.uint8)
    layers = [SolvedLayer("sky", "background", as_drawings([sky]), shown, still, one, "translation", 1.0),
              SolvedLayer("wall", "background", as_drawings([wall]), shown, slide, one, "translation", 1.0),
              SolvedLayer("man", "sprite", as_drawings([sky]), shown, still, one, "translation", 1.0)]
    before = [np.zeros((COUNT, H, W), np.uint8) for _ in layers]
    masks = [np.zeros((COUNT, H, W), np.uint8) for _ in layers]
    for t in range(COUNT):
        alpha = np.zeros((H, W), np.uint8)
        part = wall[:, 3 * t:3 * t + W, 3]
        alpha[:, :part.shape[1]] = part
        hole = np.zeros((H, W), bool)
        hole[15:25, 50 - 3 * t:58 - 3 * t] = True
        before[2][t][hole] = 255
        before[1][t] = np.where(hole, 0, alpha)
        if t >= COUNT - behind_seen:
            before[0][t][hole], before[2][t][hole] = 255, 0
        before[0][t] += 255 - np.max([b[t] for b in before], axis=0)
        masks[1][t] = alpha
        masks[0][t] = 255 - alpha
        if t % 2:  # the man's matte has opened the hole in every other frame
            continue
        masks[2][t][hole], masks[1][t][hole], masks[0][t][hole] = 255, 0, 0
    return layers, before, masks


def test_a_wall_has_no_hole_where_only_a_sprite_was_ever_seen():
    layers, before, masks = shot()
    sums = sum(m.astype(int) for m in masks)
    assert keep_walls_whole(layers, before, masks, [0, 1], (W, H)) == 4 * 80
    for t in range(COUNT):
        hole = np.s_[t, 15:25, 50 - 3 * t:58 - 3 * t]
        assert masks[1 if t % 2 else 2][hole].min() == 255 and masks[0][hole].max() == 0
    assert np.array_equal(sum(m.astype(int) for m in masks), sums)


def test_what_fades_behind_a_wall_does_not_make_its_mask_overflow():
    layers, before, masks = shot()
    before.insert(1, np.zeros_like(before[0]))  # a ghost that fades: its mask tells where it is, not how much it shows
    masks.insert(1, masks[0] // 2 + 100 * (masks[0] > 0).astype(np.uint8))
    layers.insert(1, layers[0])
    assert keep_walls_whole(layers, before, masks, [0, 2], (W, H)) > 0
    for t in range(1, COUNT, 2):
        assert masks[2][t, 15:25, 50 - 3 * t:58 - 3 * t].min() == 255


@pytest.mark.parametrize("change", [{"behind_seen": 5}, {"at_an_edge": True}])
def test_what_is_behind_a_wall_stays_where_it_was_seen_or_the_wall_ends(change):
    layers, before, masks = shot(**change)
    kept = [m.copy() for m in masks]
    assert keep_walls_whole(layers, before, masks, [0, 1], (W, H)) == 0
    assert all(np.array_equal(a, b) for a, b in zip(kept, masks, strict=True))


def test_a_sprite_that_is_redrawn_is_no_wall():
    layers, before, masks = shot()
    assert keep_walls_whole(layers, before, masks, [0], (W, H)) == 0


def test_a_hole_that_nothing_is_known_around_stays():
    own, behind, empty = (np.zeros((30, 30), bool) for _ in range(3))
    empty[10:20, 10:20] = True
    own[8:22, 8:10] = True
    assert not whole_walls(own, behind, empty).any()
    own[8:22, 8:22] = True
    own[10:20, 10:20] = False
    assert np.array_equal(whole_walls(own, behind, empty), empty)
