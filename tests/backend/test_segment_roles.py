"""Which motions become layers, in which order, and which frames show the same drawing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from test_segment import COUNT, iou, painting, put, slide, walker_drawing

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.segment import labels, segment
from toondecompose.engine.segment.choose import (
    BODY,
    LEAST_SHOWN,
    Account,
    Ledger,
    accounts,
    choose,
    largest_body,
    sampled,
)
from toondecompose.engine.segment.drawn import same_drawing
from toondecompose.engine.segment.painting import Painting
from toondecompose.engine.segment.parallax import by_parallax, lean_on_parallax, parallax_path, rate, speeds
from toondecompose.engine.segment.roles import SINGLE, STEADY, rigidity, trace

torch.set_num_threads(1)
W, H = 224, 144


def big(picture: np.ndarray) -> np.ndarray:
    return picture.repeat(2, 0).repeat(2, 1)


def clip_of(near_top: int, steps: tuple[int, int], count: int = 16, walker: bool = False):
    """A far plane, a near one below near_top, and maybe a walker in front -> (frames, near masks, walker masks)."""
    far, near = (big(painting(W // 2 + 90, H // 2, seed)) for seed in (1, 2))
    frames, low, walks = [], [], []
    for t in range(count):
        frame = far[:, steps[0] * t : steps[0] * t + W].astype(np.uint8).copy()
        frame[near_top:] = near[near_top:, steps[1] * t : steps[1] * t + W].astype(np.uint8)
        below = np.zeros((H, W), bool)
        below[near_top:] = True
        on = put(frame, big(walker_drawing(t // 2)), 40 + 3 * t, 40) if walker else np.zeros((H, W), bool)
        low.append(below & ~on)
        walks.append(on)
        frames.append(frame)
    return frames, np.array(low), np.array(walks)


def test_every_plane_that_was_asked_for_is_found_without_a_redrawn_sprite():
    frames, low, _ = clip_of(80, (2, 6))
    found = segment(source_from_array(frames), [slide(-6, 16), slide(-2, 16)], 2)
    assert len(found.layers) == 2
    assert max(iou(layer.masks, low) for layer in found.layers) > 0.9


def test_auto_counts_a_redrawn_sprite_over_one_plane():
    frames, _, _ = clip_of(H, (3, 3), walker=True)
    found = segment(source_from_array(frames), [slide(-3, 16)], None)
    assert [layer.kind for layer in found.layers] == ["background", "sprite"]


def test_auto_takes_no_figure_for_a_plane_whose_path_rests_while_the_painting_does():
    """Between its steps the path explains the painting too, along the whole border; but little of it is its own."""
    back, frames = big(painting(W // 2, H // 2, 1)).astype(np.uint8), []
    steps = np.repeat([0, 14, 20], [5, 4, 3])
    for t, x in enumerate(steps):
        frame = back.copy()
        put(frame, big(walker_drawing(t // 4)), 20 + x, 40)
        put(frame, big(walker_drawing(7 + t)), 150, 30)
        frames.append(frame)
    path = slide(0, len(steps))
    path.H[:, 0, 2] = steps
    found = segment(source_from_array(frames), [slide(0, len(steps)), path], None)
    assert [layer.kind for layer in found.layers].count("background") == 1


def test_auto_finds_nothing_in_front_of_a_painting_that_only_slides():
    frames, _, _ = clip_of(H, (3, 3))
    found = segment(source_from_array(frames), [slide(-3, 16)], None)
    assert [layer.kind for layer in found.layers] == ["background"]


def test_a_motion_that_explains_nothing_is_not_a_layer():
    frames, _, walks = clip_of(H, (3, 3), walker=True)
    found = segment(source_from_array(frames), [slide(-3, 16), slide(-11, 16)], 2)
    sprite = next(layer for layer in found.layers if layer.kind == "sprite")
    assert sprite.path is None
    assert iou(sprite.masks, walks) > 0.7


def test_accounts_have_the_number_of_layers_that_was_asked_for_or_further_planes():
    for one in accounts([0, 1, 2], 3, {1}, {0, 1}, [1.0, 2.0, 2.0]):
        assert one.paths[0] in {0, 1}
        assert len(one.paths) + one.redrawn - one.extra == 3
        assert one.extra == 0 or 1 in one.paths


def test_what_stays_while_the_painting_behind_it_slides_is_no_plane_beyond_those_asked_for():
    far, head, hair = 0, 1, 2
    every = accounts([far, head, hair], 2, {far, head}, {far, head}, [8.0, 0.0, 0.3])
    assert Account((far, head), 0) in every
    assert not any(one.extra for one in every if one.paths[0] == far)


def test_frames_that_show_one_drawing_are_grouped_wherever_they_are():
    order = [0, 0, 1, 1, 2, 2, 0, 0, 1, 1]
    ground = painting(W + 80, H, 3)
    frames, shown = [], torch.zeros(COUNT, H, W)
    for t, phase in enumerate(order):
        frame = ground[:, 4 * t : 4 * t + W].astype(np.uint8).copy()
        shown[t] = torch.from_numpy(put(frame, big(walker_drawing(phase)), 30 + 5 * t, 40))
        frames.append(frame)
    stack = torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2).copy())
    way = slide(5, COUNT).H
    region = torch.zeros(H, W, dtype=torch.bool)
    region[40:112, 30:78] = True
    group = same_drawing(stack, way, np.ones(COUNT, bool), shown, torch.zeros(COUNT, H, W), region, (0.0, 0.0), 0.0)
    assert group.tolist() == order


def moving(count: int = 12, blink: bool = False):
    """A wide strip of bushes in front that slides its own way; blink: a patch of it changes every other frame."""
    far, bushes = (big(painting(W // 2 + 90, H // 2, seed)) for seed in (1, 2))
    frames = []
    for t in range(count):
        frame = far[:, 2 * t : 2 * t + W].astype(np.uint8).copy()
        strip = bushes[90:, 6 * t : 6 * t + W].astype(np.uint8).copy()
        if blink and t % 2:
            strip[16:40, 120 - 6 * t : 150 - 6 * t] = (250, 250, 0)
        bumpy = np.arange(54)[:, None] >= 14 * ((np.arange(W) + 6 * t) // 25 % 2)  # shows who is in front
        frame[90:][bumpy] = strip[bumpy]
        frames.append(frame)
    return segment(source_from_array(frames), [slide(-2, count), slide(-6, count)], 2)


def test_a_set_piece_in_front_that_never_changes_is_still():
    assert [layer.still for layer in moving().layers] == [True, True]


def test_a_wide_sprite_of_which_a_part_changes_is_not_still():
    assert [layer.still for layer in moving(blink=True).layers] == [True, False]


@pytest.mark.parametrize(("seen_behind", "still"), [(True, True), (False, False)])
def test_what_another_layer_explains_in_a_set_piece_is_a_gap_and_no_change(seen_behind, still):
    # a place of 12 x 12 px amid a strip right across the frame, that often looks otherwise than it
    piece = Painting(np.tile(np.eye(3), (COUNT, 1, 1)), np.ones(COUNT, bool), (W, H))
    mask = np.zeros((H, W), np.uint8)
    mask[H - 40 :] = 255
    odd = torch.zeros(H, W)
    odd[H - 30 : H - 18, 80:92] = 9.0
    known = torch.ones(7, H, W)
    for t in range(COUNT):
        behind = torch.full((H, W), 0.5 if seen_behind else 9.0)
        piece.add(t, odd if t % 2 else torch.zeros(H, W), known, mask, [(behind, known)])
    assert piece.unchanging() == still


def test_a_sprite_that_is_there_for_a_moment_of_a_long_shot_is_asked_about():
    brief = np.zeros(240, bool)
    brief[101:111] = True
    some = sampled([np.ones(240, bool), brief], 16)
    assert brief[some].sum() >= LEAST_SHOWN
    assert len(some) <= 16 + LEAST_SHOWN
    frames, _, _ = clip_of(H, (3, 3), count=40)
    short = slide(-9, 40)
    short.present[:] = False
    short.present[19:21] = True  # between two of the evenly spread frames
    assert segment(source_from_array(frames), [slide(-3, 40), short], None).layers[0].path is not short


def test_planes_of_a_pan_are_also_tried_from_the_slowest_to_the_fastest_whatever_their_borders_show():
    H = [path.H for path in (slide(-4, 8), slide(-1, 8), slide(-9, 8), slide(2, 8))]
    on = [np.ones(8, bool)] * 4
    assert by_parallax((2, 1, 0, 3), {0, 1, 2}, speeds(H, on, (320, 180))) == (1, 0, 2, 3)
    assert by_parallax((3, 2, 0), set(), speeds(H, on, (320, 180))) == (3, 2, 0)


def busy_walk(count: int = 16) -> list[np.ndarray]:
    """A walker in front of a pan of 3 px a frame over a picture that is busy everywhere."""
    rng = np.random.default_rng(4)
    busy = cv2.GaussianBlur(rng.uniform(0, 255, (H, W + 60, 3)).astype(np.float32), (0, 0), 0.9)
    busy = np.clip((busy - 128) * 3 + 128, 0, 255)
    frames = []
    for t in range(count):
        frames.append(busy[:, 3 * t : 3 * t + W].astype(np.uint8).copy())
        put(frames[-1], big(walker_drawing(t // 2)), 40 + 3 * t, 40)
    return frames


def test_auto_sees_a_walker_in_front_of_a_picture_that_is_busy_everywhere():
    found = segment(source_from_array(busy_walk()), [slide(-3, 16)], None)
    assert [layer.kind for layer in found.layers] == ["background", "sprite"]


def test_a_body_is_measured_also_where_the_path_behind_it_leaves_frames_out():
    frames = torch.from_numpy(np.stack(busy_walk()).transpose(0, 3, 1, 2).copy())
    path = slide(-3, 16)
    path.present[[4, 11]] = False
    assert largest_body(Ledger(frames, [path.H], [path.present], [2], [True], {}, 0.0), (0,)) > BODY


def test_accounts_are_compared_at_full_size(monkeypatch):
    """They differ by a few per cent: outlines from half the size once chose another order of planes."""
    frames, _, _ = clip_of(H, (3, 3), count=6, walker=True)
    frames = torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2).copy())
    assert W >= labels.HALVED_FROM  # or the size would be full anyhow
    path, bits = slide(-3, 6), []
    for least in (labels.HALVED_FROM, 10 * W):
        monkeypatch.setattr(labels, "HALVED_FROM", least)
        ledger = Ledger(frames, [path.H], [path.present], [2], [True], {}, 0.0)
        bits.append((ledger.bits(Account((0,), 1)), largest_body(ledger, (0,))))
    assert bits[0] == bits[1]


class Said:
    """A ledger whose bits are given."""

    def __init__(self, bits: dict[Account, float]):
        self.said, self.known = bits, {}

    def bits(self, account: Account) -> float:
        self.known[account] = self.said[account]
        return self.known[account]


def test_auto_compares_one_more_sprite_with_a_path_again_though_its_outline_costs_a_lot_at_the_small_size():
    one, two, none = Account((0,), 1), Account((0, 1), 1), Account((0,), 0)
    small, fine = Said({one: 100, two: 108, none: 107}), Said({one: 500, two: 480, none: 400})
    assert choose(small, lambda: fine, [(0,)], [one, two, none], True)[0] == two
    assert choose(small, lambda: fine, [(0,)], [one, two, none], False)[0] == one


def test_a_far_plane_that_shows_only_in_gaps_is_found_by_its_rate_of_sliding_and_lies_behind_the_near_one():
    """Hills between houses: too little to follow, but they repeat at 0.4 of the houses' rate and at no other."""
    count = 24
    far, near = (big(painting(W // 2 + 150, H // 2, seed)) for seed in (1, 2))
    gaps = (np.arange(near.shape[1]) % 130 < 85)[None] & (np.arange(H) < 60)[:, None]
    frames, seen, walks = [], [], []
    for t in range(count):
        frame = near[:, 10 * t : 10 * t + W].astype(np.uint8).copy()
        gap = gaps[:, 10 * t : 10 * t + W]
        frame[gap] = far[:, 4 * t : 4 * t + W].astype(np.uint8)[gap]
        on = put(frame, big(walker_drawing(t // 2)), 60 + 2 * t, 60)
        seen.append(gap & ~on)
        walks.append(on)
        frames.append(frame)
    path = slide(-10, count)
    slow = parallax_path(np.stack(frames), [path], 1.0, np.array(seen))
    assert slow is not None and abs(rate(slow, path) - 0.4) < 0.015
    found = segment(source_from_array(frames), [path], 2)
    assert [layer.kind for layer in found.layers] == ["background", "background", "sprite"]
    assert abs(rate(found.layers[0].path, path) - 0.4) < 0.015
    assert iou(found.layers[0].masks, np.array(seen)) > 0.8
    assert iou(found.layers[2].masks, np.array(walks)) > 0.7


def test_where_votes_are_even_the_plane_that_slides_faster_is_taken_for_the_nearer_one():
    hides = {(0, 1): 0.0, (1, 0): 0.0, (0, 2): 0.0, (2, 0): 0.0}
    lean_on_parallax(hides, {0, 1}, set(), [5.0, 1.0, 3.0], [slide(-5, 9).H, slide(-1, 9).H, slide(-3, 9).H], (W, H))
    assert hides[0, 1] > 0 > hides[1, 0]  # 0 hides 1
    assert hides[0, 2] == hides[2, 0] == 0  # 2 does not reach across: it may be a sprite


def test_a_sprites_path_that_little_stays_on_saves_no_more_than_it_codes():
    """A runner who keeps his place in the frame has a still path, but hardly anything of him keeps still on it."""
    frames, _, _ = clip_of(H, (3, 3), count=8, walker=True)
    frames = torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2).copy())
    paths = [slide(-3, 8), slide(3, 8)]
    hides = {(0, 1): 0.0, (1, 0): 0.0}
    known = [[path.H for path in paths], [path.present for path in paths], [2, 2], [True, False], hides]
    firm, loose = (Ledger(frames, *known, 0.0, steady=steady) for steady in ({0: 1.0, 1: 0.9}, {0: 1.0, 1: 0.3}))
    on_path, redrawn = Account((0, 1), 0), Account((0,), 1)
    assert loose.bits(on_path) > 1.04 * firm.bits(on_path)
    assert loose.bits(redrawn) == firm.bits(redrawn)


def cart(drawings: int, passed: bool = False, count: int = 16):
    """A cart of one or more drawings in turn rolls over a still painting, and in every frame something else passes
    in front of a quarter of it, or nothing -> (frames uint8 [T, 3, h, w], the paths of painting and cart)."""
    back, frames = big(painting(W // 2, H // 2, 1)), []
    for t in range(count):
        frame = back.astype(np.uint8).copy()
        body = np.full((64, 90, 4), 255, np.uint8)
        body[..., :3] = painting(90, 64, 7 + t % drawings)
        put(frame, body, 10 + 6 * t, 50)
        if passed:
            other = np.full((64, 22, 4), 255, np.uint8)
            other[..., :3] = painting(22, 64, 100 + t)
            put(frame, other, 11 + 6 * t + 22 * (t % 4), 54)
        frames.append(frame)
    return torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2).copy()), [slide(0, count), slide(6, count)]


def test_who_passes_in_front_of_a_drawing_does_not_make_it_several():
    def of(drawings: int, passed: bool = False) -> tuple[float, float]:
        frames, paths = cart(drawings, passed)
        H, on = [path.H for path in paths], [path.present for path in paths]
        return rigidity(trace(frames, H, on, 0.0), 1, [0], H, on)

    assert min(of(1)) > SINGLE
    among_others, alone = of(1, passed=True)
    assert among_others < 0.8 and alone > SINGLE
    assert max(of(2)) < STEADY < SINGLE


def test_of_one_drawing_what_was_never_seen_of_its_canvas_is_likely_empty():
    frames, paths = cart(1)
    known = [[path.H for path in paths], [path.present for path in paths], [2, 2], [True, False]]
    any_drawing, one_drawing = (Ledger(frames, *known, {(0, 1): 0.0}, 0.0, single=single) for single in (set(), {1}))
    on_path, redrawn = Account((0, 1), 0), Account((0,), 1)
    assert one_drawing.bits(on_path) < any_drawing.bits(on_path)
    assert one_drawing.bits(redrawn) == any_drawing.bits(redrawn)
    further = Account((0, 1), 0, extra=1)  # nobody asked for it
    assert one_drawing.bits(further) == any_drawing.bits(further)
