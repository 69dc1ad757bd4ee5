"""Hints move the borders between layers, in their own frame and in every exposure of the same drawing."""

from dataclasses import replace

import numpy as np
import pytest

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.hints import apply_hints, check_hints, shot_hints, spread_hints
from toondecompose.engine.types import ExposureSheet, Segmentation, SegmentedLayer
from toondecompose.formats.errors import UserError


def a_shot(layers=2, frames=4):
    """A red square (20..40) on grey that the segmentation has only half found."""
    pictures = np.full((frames, 60, 80, 3), 120, np.uint8)
    pictures[:, 20:40, 20:40] = (220, 30, 30)
    found = []
    for k in range(layers):
        masks = np.zeros((frames, 60, 80), np.uint8)
        if k == 1:
            masks[:, 20:40, 20:30] = 255
        found.append(SegmentedLayer("background" if k == 0 else f"sprite {k}", "sprite" if k else "background", None,
                                    masks))
    found[0].masks[:] = 255 - found[1].masks
    return source_from_array(pictures), Segmentation(found, 1.0)


def test_a_scribble_completes_the_sprite_up_to_the_pictures_own_edge():
    source, segmentation = a_shot()
    hint = {"kind": "scribble", "sprite": 1, "frame": 2, "points": [[33, 22], [36, 37]], "radius": 1}
    hinted, corrections = apply_hints(segmentation, [hint], source, None)
    wanted = np.zeros((60, 80), bool)
    wanted[20:40, 20:40] = True
    assert ((hinted.layers[1].masks[2] > 127) == wanted).mean() > .995
    assert (hinted.layers[0].masks[2][20:40, 20:40] == 0).mean() > .95
    assert corrections == [{"layer": 1, "frame": 2}]
    assert (hinted.layers[1].masks[0] > 127).sum() == 200, "other frames wait for the exposure sheet"
    assert (segmentation.layers[1].masks[2] > 127).sum() == 200, "the segmentation that was given is left alone"


def test_a_mask_is_taken_as_it_is_and_spreads_to_the_same_drawing():
    source, segmentation = a_shot()
    mask = np.zeros((60, 80), np.uint8)
    mask[10:50, 10:50] = 255
    hint = {"kind": "mask", "sprite": 1, "frame": 0, "mask": "m.png"}
    hinted, corrections = apply_hints(segmentation, [hint], source, lambda name: mask)
    np.testing.assert_array_equal(hinted.layers[1].masks[0], mask)
    H = np.tile(np.eye(3), (4, 1, 1))
    H[3, 0, 2] = 5
    sheet = ExposureSheet(np.array([0, 1, 1, 0]), H, (80, 60), "translation")
    spread_hints(hinted.layers, corrections, [None, sheet], 1.0)
    assert (hinted.layers[1].masks[3] > 127).nonzero()[1].min() == 15, "moved with the drawing"
    assert (hinted.layers[1].masks[1] > 127).sum() == 200, "another drawing keeps its mask"


def test_a_box_for_a_sprite_that_nothing_found_makes_it():
    source, segmentation = a_shot()
    hint = {"kind": "box", "sprite": 7, "frame": 1, "box": [18, 18, 42, 42]}
    hinted, _ = apply_hints(segmentation, [hint], source, None)
    assert len(hinted.layers) == 3
    assert (hinted.layers[2].masks[1] > 127).any()


def test_layers_can_be_merged_split_and_reordered():
    source, segmentation = a_shot(layers=3)
    segmentation.layers[2].masks[:, 50:58, 60:70] = 255
    merged, _ = apply_hints(segmentation, [{"kind": "merge", "sprites": [1, 2]}], source, None)
    assert [layer.name for layer in merged.layers] == ["background", "sprite 1"]
    split, _ = apply_hints(merged, [{"kind": "split", "sprites": [1]}], source, None)
    assert len(split.layers) == 3
    assert (split.layers[2].masks[0] > 127).sum() == 80
    ordered, _ = apply_hints(split, [{"kind": "order", "sprites": [0, 2, 1]}], source, None)
    assert [layer.name for layer in ordered.layers] == ["background", "sprite 1 b", "sprite 1"]


def test_a_hint_goes_by_the_sprites_name_where_numbers_have_changed():
    source, segmentation = a_shot(layers=3)
    hint = {"kind": "box", "sprite": 4, "name": "shot2 sprite 2", "frame": 1, "box": [18, 18, 42, 42]}
    hinted, corrections = apply_hints(segmentation, [hint], source, None)
    assert len(hinted.layers) == 3 and corrections == [{"layer": 2, "frame": 1}]


def test_a_new_sprite_gets_a_name_that_is_free_where_numbers_are_left_out():
    source, segmentation = a_shot(layers=3)
    layers = [*segmentation.layers[:2], replace(segmentation.layers[2], name="sprite 3")]  # sprite 2 found no px
    hint = {"kind": "box", "sprite": 3, "frame": 1, "box": [18, 18, 42, 42]}
    hinted, _ = apply_hints(replace(segmentation, layers=layers), [hint], source, None)
    assert [layer.name for layer in hinted.layers] == ["background", "sprite 1", "sprite 3", "sprite 4"]


def test_a_hint_for_a_piece_marks_the_sprite_that_is_split_after_it():
    source, segmentation = a_shot(layers=3)
    hint = {"kind": "box", "sprite": 2, "name": "sprite 1 b", "frame": 1, "box": [18, 18, 42, 42]}
    _, corrections = apply_hints(segmentation, [hint], source, None)
    assert corrections == [{"layer": 1, "frame": 1}]


def test_a_new_sprite_is_one_however_often_it_is_marked():
    source, segmentation = a_shot()
    hints = [{"kind": "box", "sprite": 7, "frame": t, "box": [18, 18, 42, 42]} for t in (1, 3)]
    hinted, _ = apply_hints(segmentation, hints, source, None)
    assert len(hinted.layers) == 3
    assert all((hinted.layers[2].masks[t] > 127).any() for t in (1, 3))


def test_a_light_in_front_is_counted_among_the_sprites_but_has_no_outline_and_no_order():
    source, segmentation = a_shot(layers=3)
    for order in ([0, 2, 1, 3], [0, 2, 1]):
        ordered, _ = apply_hints(segmentation, [{"kind": "order", "sprites": order}], source, None, in_front=1)
        assert [layer.name for layer in ordered.layers] == ["background", "sprite 2", "sprite 1"]
    box = {"kind": "box", "frame": 1, "box": [18, 18, 42, 42]}
    with pytest.raises(UserError, match="light or a shade"):
        apply_hints(segmentation, [{**box, "sprite": 3}], source, None, in_front=1)
    added, _ = apply_hints(segmentation, [{**box, "sprite": 4}], source, None, in_front=1)
    assert len(added.layers) == 4


@pytest.mark.parametrize("marks", [{"box": [500, 500, 600, 600]}, {"box": [40, 40, 10, 10]}, {"points": []}])
def test_a_hint_that_marks_nothing_of_a_new_sprite_is_refused_in_a_sentence(marks):
    source, segmentation = a_shot()
    for kind in ("scribble", "box"):
        with pytest.raises(UserError, match="sprite 2 marks nothing"):
            apply_hints(segmentation, [{"kind": kind, "sprite": 2, "frame": 1, **marks}], source, None)


@pytest.mark.parametrize(("hint", "words"), [
    ({"kind": "paint"}, "kind"),
    ({"kind": "box", "sprite": 1, "frame": 9, "box": [0, 0, 1, 1]}, "frames 0 to 3"),
    ({"kind": "scribble", "sprite": 1, "frame": 0}, "neither points"),
    ({"kind": "merge"}, "list its sprites"),
    ({"kind": "split", "sprites": []}, "list its sprites"),
    ({"kind": "merge", "sprites": [-1, 1]}, "list its sprites"),
])
def test_a_hint_that_cannot_be_understood_is_one_sentence(hint, words):
    with pytest.raises(UserError, match=words):
        check_hints([hint], 4)


def test_hints_of_a_shot_count_frames_from_its_own_beginning():
    hints = [{"kind": "box", "frame": 2}, {"kind": "box", "frame": 11}]
    assert shot_hints(hints, 10, 20) == [{"kind": "box", "frame": 1}]
