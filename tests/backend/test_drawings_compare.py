"""How two cut-outs are told apart: moving them, what plates explain, and what is seen at a glance."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from test_drawings import clip, drawing, groups, pan

from toondecompose.engine import shot
from toondecompose.engine.drawings import correlate
from toondecompose.engine.drawings.align import choose_points
from toondecompose.engine.drawings.compare import (
    MOST_FORGIVEN,
    beyond_plates,
    compare_drawings,
    excess,
    glance,
)
from toondecompose.engine.drawings.draft import expose_draft
from toondecompose.engine.drawings.expose import expose
from toondecompose.engine.drawings.match import Book, match, settle
from toondecompose.engine.drawings.overlay import overlay
from toondecompose.engine.drawings.patches import Patch, believable, cut_patches
from toondecompose.engine.drawings.pixels import HALF, place, shift
from toondecompose.engine.drawings.remnants import nearby_shift
from toondecompose.engine.drawings.sheet import grouped
from toondecompose.engine.drawings.small import compared_size


def test_a_cut_out_that_slides_is_moved_as_a_full_warp_moves_it():
    rng = np.random.default_rng(5)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (60, 90, 3), np.uint8), (0, 0), 2)
    for x, y in ((3.3, -2.7), (-40.25, 30.9), (0.0, 0.0), (200.0, 0.0), (0.5, 0.5)):
        for repeat in (False, True):
            mode = cv2.BORDER_REPLICATE if repeat else cv2.BORDER_CONSTANT
            plain = cv2.warpPerspective(picture, np.linalg.inv(HALF) @ shift(x, y) @ HALF, (80, 70), flags=1,
                                        borderMode=mode)
            moved = place(picture, shift(x, y), (80, 70), repeat)
            assert np.abs(moved.astype(int) - plain).max() <= 1


def test_background_that_shines_through_is_taken_off_but_no_other_change():
    rng = np.random.default_rng(6)
    behind = rng.normal(0, 40, (500, 3)).astype(np.float32)
    for share in (0.0, 0.3, 1.0):
        assert beyond_plates(share * behind, behind, 15.0, 0.0).mean() < 6
    changed = np.tile(np.float32([70, -10, 0]), (500, 1))
    assert np.percentile(beyond_plates(changed, behind, 15.0, 0.0), 20) > 20
    assert beyond_plates(-0.3 * behind, behind, 15.0, 0.4).mean() < 6  # too much was taken off before


def test_island_in_the_unknown_of_a_plate_is_not_believed():
    known = np.full((100, 160), 2, np.uint8)
    known[30:70, 40:90] = 0
    known[40:60, 50:80] = 2
    kept = believable(known)
    assert kept[50, 65] == 0 and kept[10, 10] == 2 and kept[95, 150] == 2


@pytest.mark.parametrize("limb", [False, True])
def test_background_that_one_mask_takes_in_where_the_other_plate_is_unknown_is_no_changed_drawing(limb):
    rng = np.random.default_rng(8)
    cuts = []
    for t in range(2):
        plate = cv2.resize(rng.integers(40, 200, (6, 8, 3), np.uint8), (80, 60), interpolation=cv2.INTER_LINEAR)
        seen, body = plate.copy(), np.zeros((60, 80), np.uint8)
        body[10:50, 10:50] = 1
        seen[10:50, 10:50] = 230
        known = np.full((60, 80), 2, np.uint8)
        if t == 0:
            body[20:40, 50:66] = 1  # in the mask: background, or a limb that the other frame does not show
            seen[20:40, 50:66] = (20, 160, 240) if limb else seen[20:40, 50:66]
        else:
            known[:, 45:] = 0
        inside = cv2.erode(body, np.ones((5, 5), np.uint8))
        cuts.append(Patch(t, np.zeros(2), seen, inside, body, np.ones_like(body), ((plate, known),), inside.copy()))
    blob = compare_drawings(*cuts, np.eye(3), 0.0).blob
    assert blob > 3000 if limb else blob == 0


def test_a_glance_says_what_a_closer_look_says():
    source, masks = clip([drawing(0), drawing(0), drawing(1)], [(40, 20), (46, 20), (52, 20)])
    patches, noise = cut_patches(source, masks, None, None)
    same, other = (patches[k].origin - patches[0].origin for k in (1, 2))
    assert glance(overlay(patches[0], patches[1], shift(6 - same[0], -same[1]))) is None
    blue = patches[2]
    blue.smooth = blue.smooth[..., ::-1] // 2
    H = shift(12 - other[0], -other[1])
    both = overlay(patches[0], blue, H)
    quick, e = glance(both), excess(both, noise)
    assert quick is not None and quick.blob > 3000 < float(e[both.region & (e > 0)].sum())
    assert compare_drawings(patches[0], blue, H, noise) == quick


def test_sprite_that_lets_the_pan_shine_through_is_not_split():
    poses = [0, 0, 0, 1, 1, 1, 0, 0]
    figures = [drawing(p) for p in poses]
    for figure in figures:
        figure[..., 3] = figure[..., 3] * 0.65
    source, masks = clip(figures, [(40 + 5 * t, 20) for t in range(8)], pan=6)
    sheet = expose(source, masks, 1.0, planes=[pan(6, 8)])
    assert groups(sheet.drawing) == poses


def test_window_of_a_comparison_leaves_nothing_out():
    """Reference: the comparison over all of both pictures."""
    source, masks = clip([drawing(0), drawing(1), drawing(2)], [(40, 20), (46, 22), (140, 20)])
    patches, _ = cut_patches(source, masks, None, None)
    for j, H in ((1, shift(3.4, -1.2)), (2, np.diag([1.4, 1.4, 1.0]) @ shift(-3, 2)), (2, np.diag([0.6, 0.6, 1.0]))):
        both = overlay(patches[0], patches[j], H)
        first, second = (patches[j], patches[0]) if both.swapped else (patches[0], patches[j])
        there = place(second.inside * np.uint8(255), np.linalg.inv(np.linalg.inv(H) if both.swapped else H),
                      first.inside.shape[::-1]) >= 254
        assert np.count_nonzero(both.sure) == np.count_nonzero(there & (first.inside > 0))
        assert both.region.shape <= first.inside.shape


def test_large_sprite_is_compared_smaller_and_placed_at_full_size(monkeypatch):
    monkeypatch.setattr("toondecompose.engine.drawings.small.COMPARED", 60.0)
    big = [cv2.resize(drawing(p), (128, 166), interpolation=cv2.INTER_CUBIC) for p in (0, 1, 0, 1)]
    source, masks = clip(big, [(60, 4), (71.25, 5), (82.5, 6), (93.75, 7)])
    assert compared_size(masks)[0] < 0.8 * masks.shape[2]
    sheet = expose(source, masks, 1.0)
    assert groups(sheet.drawing) == [0, 1, 0, 1]
    step = sheet.H[2] @ np.linalg.inv(sheet.H[0])
    assert np.abs(step[:2, 2] - [22.5, 2]).max() < 0.1


def test_draft_of_a_sheet_is_the_sheet_but_for_a_fraction_of_a_pixel(monkeypatch):
    monkeypatch.setattr("toondecompose.engine.drawings.small.COMPARED", 60.0)
    big = [cv2.resize(drawing(p), (128, 166), interpolation=cv2.INTER_CUBIC) for p in (0, 1, 0, 1)]
    source, masks = clip(big, [(60, 4), (71.25, 5), (82.5, 6), (93.75, 7)], pan=3)
    draft = expose_draft(source, masks, path=None, hidden=None, planes=[pan(3, 4)])
    assert groups(draft.drawing) == [0, 1, 0, 1]
    step = draft.H[2] @ np.linalg.inv(draft.H[0])
    assert np.abs(step[:2, 2] - [22.5, 2]).max() < 0.3
    low, high = draft.H[0] @ [0, 0, 1], draft.H[0] @ [*draft.canvas_size, 1]
    ys, xs = np.nonzero(masks[0] > 127)
    assert low[0] < xs.min() and low[1] < ys.min() + 1 and high[0] > xs.max() and high[1] > ys.max()


def test_a_plane_is_pictured_only_where_it_is_seen():
    source, masks = clip([drawing(2)] * 8, [(60, 20)] * 8, pan=5)
    seen = np.stack([255 - m for m in masks])
    nowhere = np.zeros_like(masks)  # a sky behind the wall that pans: along its motion there is nothing but smear
    patches, _ = cut_patches(source, masks, None, None, planes=[pan(0, 8), pan(5, 8)], shown=[nowhere, seen])
    for p in patches:
        (_, sky), (wall, known) = p.plates
        assert not sky.any()
        assert (known > 0).mean() > 0.5
        behind = (known > 0) & (p.body == 0)
        assert np.percentile(np.abs(wall[behind].astype(int) - p.smooth[behind]), 95) < 20
    smeared, _ = cut_patches(source, masks, None, None, planes=[pan(0, 8)])
    assert any(p.plates[0][1].any() for p in smeared)  # what is not asked for is not kept out


def test_a_set_piece_behind_a_sprite_is_one_of_the_planes_behind_it(monkeypatch):
    masks = np.zeros((4, 20, 30), np.uint8)
    layers = [SimpleNamespace(kind=kind, still=still, path=pan(step, 4), masks=masks)
              for kind, still, step in (("background", True, 1), ("sprite", True, 3), ("sprite", False, 0),
                                        ("sprite", True, 7))]
    asked = {}
    monkeypatch.setattr(shot, "expose_draft", lambda source, mask, **known: asked.update(known))
    settings = shot.ShotSettings(None)
    shot._expose_all(None, SimpleNamespace(layers=layers, noise=1.0, scale=1.0), [masks] * 4, None, settings,
                     lambda f: None, [])
    assert [float(path.H[1][0, 2]) for path in asked["planes"]] == [-1.0, -3.0]  # what is in front is not behind
    assert len(asked["shown"]) == 2


def test_a_rigid_sprite_of_one_drawing_behind_another_is_one_of_the_planes_behind_it(monkeypatch):
    # hills that slide behind a walker, in front of a sky: nothing else shows what is between his arm and his body
    masks = np.zeros((4, 20, 30), np.uint8)
    layers = [SimpleNamespace(kind=kind, still=still, path=path, masks=masks)
              for kind, still, path in (("background", True, pan(1, 4)), ("sprite", False, pan(3, 4)),
                                        ("sprite", False, pan(5, 4)), ("sprite", False, None))]
    sheets = iter([[0, 0, 0, -1], [0, 0, 1, 1], [0, 1, 0, 1]])
    asked = []

    def found(source, mask, **known):
        asked.append([float(path.H[1][0, 2]) for path in known["planes"]])
        return SimpleNamespace(drawing=np.array(next(sheets)))

    monkeypatch.setattr(shot, "expose_draft", found)
    shot._expose_all(None, SimpleNamespace(layers=layers, noise=1.0, scale=1.0), [masks] * 4, None,
                     shot.ShotSettings(None), lambda f: None, [])
    assert asked == [[-1.0], [-1.0, -3.0], [-1.0, -3.0]]  # what is redrawn is no plane


def test_a_pose_that_changes_all_over_is_forgiven_no_more_than_frames_of_one_drawing_are():
    # a figure of fine stripes: in another pose every stripe lies elsewhere, as the folds of a skirt do
    def striped(phase: float) -> np.ndarray:
        figure = drawing(2)
        x = np.arange(80)[None, :, None] + phase
        stripes = np.uint8(128 + 50 * np.sin(x * 2 * np.pi / 7)) + np.zeros((104, 80, 3), np.uint8)
        figure[52:80, 26:56, :3] = stripes[52:80, 26:56]
        return figure

    poses = [0, 0, 1, 1, 0, 0, 1, 1]
    source, masks = clip([striped(2.2 * p) for p in poses], [(60, 20)] * 8)
    patches, noise = cut_patches(source, masks, None, None)
    book = Book([p for p in patches if p is not None], noise)
    match(book, 1, 2, np.eye(3), (0,))
    forgiven = book.score[1, 2]
    for i in range(7):
        match(book, i, i + 1, np.eye(3), (0,))
    settle(book)
    assert book.forgiven < 0.5
    assert book.score[1, 2] > forgiven
    assert (book.score[[0, 2, 4, 6], [1, 3, 5, 7]] < 0.1).all()
    assert groups(expose(source, masks, 1.0).drawing) == poses


def test_where_no_drawing_is_held_pairs_are_forgiven_as_much_as_before():
    poses = [0, 1, 2, 0, 1, 2, 0, 1]
    source, masks = clip([drawing(p) for p in poses], [(60, 20)] * 8)
    patches, noise = cut_patches(source, masks, None, None)
    book = Book(patches, noise)
    for i in range(7):
        match(book, i, i + 1, np.eye(3), (0,))
    before = book.score.copy()
    settle(book)
    kept = np.isfinite(before)
    assert book.forgiven == MOST_FORGIVEN or np.allclose(book.score[kept] > 1, before[kept] > 1)


@pytest.mark.parametrize("scatter, mouth", [(0.0, [0, 0, 1, 1]), (0.3, [0, 0, 0, 0])])
def test_a_small_difference_tells_two_drawings_where_other_exposures_agree_better(scatter, mouth):
    # two drawings, each shown four times on twos; the first time one of them has another mouth
    source, masks = clip([drawing(2)] * 16, [(60, 20)] * 16)
    patches, noise = cut_patches(source, masks, None, None)
    book = Book(patches, noise)
    book.threshold = 900.0  # a large figure's
    pose = np.array([0, 0, 1, 1] * 4)
    first = np.arange(16) < 4
    book.score[:] = np.where(pose[:, None] == pose[None], scatter, 8.0)
    changed = (pose[:, None] == 0) & (pose[None] == 0) & (first[:, None] != first[None])
    book.score[changed] = 0.6
    np.fill_diagonal(book.score, 0.0)
    book.inner[:] = book.score
    book.share[:] = 1.0
    book.fit[:] = 0.98
    found = grouped(book)
    assert (found[:4] != found[4:8]).tolist() == [bool(mouth[2]), bool(mouth[2]), False, False]
    assert len(set(found)) == 2 + mouth[2]
    book.link = {(i, j): np.diag([1.25, 1.25, 1.0]) for i, j in np.argwhere(changed).tolist()}
    assert len(set(grouped(book))) == 2  # the camera went nearer: lines as thick as they were drawn differ a little
    book.link.clear()
    book.inner[changed] = 0.0  # along the rim it may be background
    assert len(set(grouped(book))) == 2


def test_a_drawing_of_a_few_pixels_is_nowhere_looked_for():
    source, masks = clip([drawing(2)] * 2, [(60, 20)] * 2)
    patches, _ = cut_patches(source, masks, None, None)
    nothing = choose_points(patches[0].smooth, np.zeros(patches[0].inside.shape, np.float32))
    assert len(nothing.xy) == 0
    H, close = nearby_shift(nothing, patches[1], np.eye(3), 8.0)
    assert np.array_equal(H, np.eye(3)) and close < 0


def test_in_a_long_clip_drawings_hidden_in_part_are_compared_with_the_same_ones_seen_whole(monkeypatch):
    monkeypatch.setattr(correlate, "ALL_PAIRS", 7)  # as if the clip were long
    monkeypatch.setattr(correlate, "LIKEST", 2)
    monkeypatch.setattr(correlate, "NEAR_IN_TIME", 2)
    poses = [0, 0, 1, 1, 2, 2] * 2
    source, masks = clip([drawing(p) for p in poses], [(30 + 5 * t, 20) for t in range(len(poses))])
    hidden = np.zeros_like(masks)
    hidden[6:, :62] = 255  # something passes in front of the head
    masks[hidden > 0] = 0
    assert groups(expose(source, masks, 1.0, hidden=hidden).drawing) == poses
