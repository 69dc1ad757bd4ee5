"""Frames that show little of a sprite: whose turn it is there, and what is none of it."""

from functools import partial

import numpy as np
import pytest
from test_drawings import clip, drawing

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.drawings.anywhere import place_anywhere
from toondecompose.engine.drawings.canvas import full_patch, refine
from toondecompose.engine.drawings.common import Kept, kept
from toondecompose.engine.drawings.expose import expose
from toondecompose.engine.drawings.patches import Patch
from toondecompose.engine.drawings.pixels import shift
from toondecompose.engine.drawings.poses import continued, reach
from toondecompose.engine.drawings.remnants import (
    ROUGHLY_FOREIGN,
    SURE_SPECK,
    TELLING,
    crumb_frames,
    foreign_from,
    likely,
    nearby_shift,
    place_remnant,
    place_together,
    shown_in,
    shows_the_same,
    spoils_from,
)


def cut_out(t: int, area: int) -> Patch:
    inside = np.zeros((40, 40), np.uint8)
    inside.reshape(-1)[:area] = 1
    return Patch(t, np.zeros(2), np.zeros((40, 40, 3), np.uint8), inside, inside, np.ones_like(inside))


@pytest.mark.parametrize("areas, cut, crumbs", [
    ({0: 20, 2: 900, 3: 1000, 4: 1000}, [], [0]),
    ({0: 1000, 1: 1000, 2: 30, 3: 20, 4: 1000}, [], [2, 3]),
    ({0: 1000, 1: 1000, 2: 30, 3: 20, 4: 1000}, [2, 3], []),  # something in front leaves so little of it
    ({0: 1000, 1: 500, 2: 200, 3: 90, 4: 40, 5: 20}, [], []),  # it goes away
    ({0: 60, 1: 60, 2: 60, 3: 60, 4: 60, 9: 1000, 10: 1000}, [], []),  # far away for a while
])
def test_crumbs_are_told_from_what_is_hidden_and_what_is_far_away(areas, cut, crumbs):
    patches = [cut_out(t, a) for t, a in areas.items()]
    found = crumb_frames(patches, np.array([p.frame in cut for p in patches]))
    assert [p.frame for p, c in zip(patches, found, strict=True) if c] == crumbs


def test_a_speck_far_from_the_figure_is_none_of_its_exposures():
    source, masks = clip([drawing(k // 2 % 3) for k in range(8)], [(90 + 6 * k, 20) for k in range(8)])
    masks[0] = 0
    masks[0, 120:128, 20:30] = 255
    frames = np.stack([source.read(t) for t in range(8)])
    frames[0] = clip([np.zeros_like(drawing(0))], [(90, 20)])[0].read(0)  # the figure is not there yet
    sheet = expose(source_from_array(frames), masks, 1.0)
    assert sheet.drawing.tolist() == [-1, 0, 1, 1, 2, 2, 0, 0]


def test_a_speck_of_another_paint_at_the_edge_spoils_no_drawing():
    source, masks = clip([drawing(k // 2 % 3) for k in range(8)], [(90 + 6 * k, 20) for k in range(8)])
    frames = np.stack([source.read(t) for t in range(8)])
    frames[0] = clip([np.zeros_like(drawing(0))], [(90, 20)])[0].read(0)
    frames, masks = (a.repeat(2, 1).repeat(2, 2) for a in (frames, masks))
    frames[0, 60:100, :30] = (40, 220, 60)  # the tip of something that comes in
    masks[0] = 0
    masks[0, 60:100, :30] = 255
    assert (masks[0] > 0).sum() < TELLING * np.median((masks[1:] > 0).sum((1, 2)))
    sheet = expose(source_from_array(frames), masks, 1.0, motion_model="translation")
    assert sheet.drawing[0] not in (-1, *sheet.drawing[1:]) and len(set(sheet.drawing[1:])) == 3


def test_of_a_speck_little_must_be_surely_the_sprites_to_be_a_drawing():
    assert spoils_from(cut_out(0, SURE_SPECK - 1)) == np.inf
    assert ROUGHLY_FOREIGN < spoils_from(cut_out(0, SURE_SPECK)) < np.inf


def test_a_hidden_figure_takes_the_drawing_whose_turn_has_come():
    twos = np.array([-1, -1, -1, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0])
    assert likely(twos, 2) == {0: 0.5, 2: 0.0}
    assert likely(np.array([-1, 0, 0, 0, 1, 1, 2, 3]), 0) == {0: 0.0}  # nothing like it is seen elsewhere
    assert likely(np.array([0, 0, 0, 0, 0, -1, 0, 0]), 5) == {0: 0.0}
    # the cycle comes round to the frames that the shot began with
    assert likely(np.array([0, 0, 1, 1, 2, 2, 3, 3, 0, 0, -1, -1]), 10) == {0: 0.5, 1: 0.0}


def glimpses(poses: list[int], rows: list[slice]) -> tuple[list[Patch], list[Kept]]:
    """Cut-outs of a figure that is hidden but for some rows, and pictures of what they show."""
    source, masks = clip([drawing(p) for p in poses], [(60, 20)] * len(poses))
    cuts = []
    for t, part in enumerate(rows):
        hidden = np.full_like(masks[t], 255)
        hidden[part] = 0
        cuts.append(full_patch(source, np.where(hidden > 0, np.uint8(0), masks[t]), hidden, t, 0.0, compared=True))
    return cuts, [kept(refine([cut], [np.eye(3)], "translation", source.size)[1], True) for cut in cuts]


def test_glimpses_next_to_each_other_that_show_one_drawing_are_placed_on_one():
    whole, head, most = slice(0, 200), slice(0, 66), slice(34, 200)
    cuts, pictures = glimpses([0, 1, 1, 1], [whole, whole, head, most])
    starts = [(d, np.eye(3), 4.0) for d in (0, 1)]
    costs = [{0: 0.0}, {0: 0.0}]  # the drawing that was shown before is likelier
    assert place_remnant(cuts[2], pictures[:2], starts, costs[0], 0.0, 300.0)[0] == 0
    assert shows_the_same(pictures[2], cuts[3], np.eye(3), 4.0, 0.0, 300.0)
    together = place_together(cuts[2:], pictures[:2], [starts, starts], costs, 0.0, 300.0)
    assert [d for d, _, _ in together] == [1, 1]
    for _, place, score in together:
        assert score < 1 and np.abs(place - np.eye(3)).max() < 0.2


def test_glimpses_of_two_drawings_are_not_taken_for_one():
    cuts, pictures = glimpses([0, 1], [slice(50, 200)] * 2)
    assert not shows_the_same(pictures[0], cuts[1], np.eye(3), 4.0, 0.0, 300.0)


def test_a_figure_that_comes_in_keeps_its_drawing_where_its_mask_has_a_little_of_the_scenery():
    source, masks = clip([drawing(k // 2 % 2 + 1) for k in range(8)], [(12 * k - 46, 20) for k in range(8)])
    frames = np.stack([source.read(t) for t in range(8)])
    frames[0, 78:84, 0:6] += 90
    source = source_from_array(frames)
    sheet = expose(source, masks, 1.0)
    assert sheet.drawing.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


def test_a_single_frame_before_a_gap_tells_of_no_way_but_does_not_hide_the_others():
    way = np.array([shift(30.0 * t, 0.0) for t in range(7)])
    seen = np.array([False, False, True, False, True, True, True])
    assert np.allclose(continued(way, seen)[3], way[3])


def test_what_was_always_hidden_of_a_drawing_speaks_for_no_other_one():
    most, upper = slice(66, 200), slice(0, 118)
    cuts, (picture, _) = glimpses([1, 1], [most, upper])
    hidden = np.full((1, 176, 288), 255, np.uint8)
    hidden[0, most] = 0
    starts = [(0, np.eye(3), 4.0)]
    assert place_remnant(cuts[1], [picture], starts, {0: 0.0}, 0.0, 300.0)[2] > ROUGHLY_FOREIGN
    picture.seen = partial(shown_in, [(0, np.eye(3))], hidden, (288, 176))
    d, place, score = place_remnant(cuts[1], [picture], starts, {0: 0.0}, 0.0, 300.0)
    assert d == 0 and score < 1 and np.abs(place - np.eye(3)).max() < 0.2
    # nor does it speak for it: two that show nothing in common are not taken for one
    cuts, (picture, _) = glimpses([1, 1], [slice(100, 200), slice(0, 90)])
    hidden[0] = 255
    hidden[0, 100:] = 0
    picture.seen = partial(shown_in, [(0, np.eye(3))], hidden, (288, 176))
    assert place_remnant(cuts[1], [picture], starts, {0: 0.0}, 0.0, 300.0)[2] >= ROUGHLY_FOREIGN


def test_a_drawing_shows_what_one_of_its_exposures_shows_in_the_frame_and_free_of_what_is_in_front():
    hidden = np.zeros((2, 9, 16), np.uint8)
    hidden[0, :, 8:] = 255
    points = np.array([[10.0, 10.0], [100.0, 10.0], [-5.0, 10.0], [-45.0, 10.0]])
    one, two = (0, np.eye(3)), (1, shift(40.0, 0.0))
    assert shown_in([one], hidden, (160, 90), points).tolist() == [True, False, False, False]
    assert shown_in([one, two], hidden, (160, 90), points).tolist() == [True, True, True, False]
    assert shown_in([one], None, (160, 90), points).tolist() == [True, True, False, False]


def test_a_speck_of_a_drawing_that_would_be_seen_around_it_does_not_show_it():
    source, masks = clip([drawing(1), drawing(1)], [(100, 40)] * 2, pan=0)
    frames = np.stack([source.read(t) for t in range(2)])
    speck = np.zeros_like(masks[1])
    speck[96:118, 128:150] = masks[1][96:118, 128:150]  # of the coat
    bare, _ = clip([np.zeros_like(drawing(1))], [(100, 40)], pan=0)
    frames[1] = np.where(speck[..., None] > 0, frames[1], bare.read(0))
    source = source_from_array(frames)
    whole = kept(refine([full_patch(source, masks[0], None, 0, 0.0)], [np.eye(3)], "translation", source.size)[1], True)
    near, wide = (full_patch(source, speck, None, 1, 0.0, compared=True, around=around) for around in (0, 100))
    starts = [(0, np.eye(3), 4.0)]
    small, large = (place_remnant(p, [whole], starts, {0: 0.0}, 0.0, 300.0)[2] for p in (near, wide))
    assert large > 1.5 * small and large > ROUGHLY_FOREIGN


def test_a_remnant_is_found_as_far_off_as_its_path_may_be():
    cuts, pictures = glimpses([1, 1], [slice(0, 200), slice(60, 120)])
    for x in np.linspace(-36, 36, 13):
        found, close = nearby_shift(pictures[0].points, cuts[1], shift(*-cuts[1].origin) @ shift(x, 0.0)
                                    @ shift(*pictures[0].picture.origin), 38.0)
        off = (shift(*cuts[1].origin) @ found @ shift(*-pictures[0].picture.origin))[:2, 2]
        assert np.abs(off).max() < 2.0 and close > 0.7
    steps = np.array([shift(66.0 * (t // 2), 0.0) for t in range(10)])
    assert reach(steps, 5) > 33  # half of a jump: on twos the path lies in the middle of it


def test_a_remnant_whose_pose_was_held_and_leaps_is_found_anywhere_and_at_its_size():
    cuts, pictures = glimpses([1, 1], [slice(0, 200), slice(60, 120)])
    off = shift(150.0, -30.0) @ np.diag([1.03, 1.03, 1.0])  # where, and how large, its path goes on to
    missed = place_remnant(cuts[1], pictures[:1], [(0, off, 38.0)], {0: 0.0}, 0.0, 300.0)
    assert missed[2] > ROUGHLY_FOREIGN
    d, place, score = place_anywhere(cuts[1], pictures[:1], [(0, off, 38.0)], {0: 0.0}, 0.0, 300.0)
    assert d == 0 and score < 1
    seen = np.array([[80.0, 70, 1], [120, 70, 1], [80, 110, 1], [120, 110, 1]])
    assert np.abs(seen @ place.T - seen).max() < 1.5


def test_of_a_small_remnant_behind_solved_masks_less_is_forgiven():
    small, large = cut_out(0, 300), cut_out(0, 1600)
    assert foreign_from(small, rough=True) == foreign_from(large, rough=True) == ROUGHLY_FOREIGN
    assert foreign_from(small, rough=False) < foreign_from(large, rough=False) < ROUGHLY_FOREIGN
