"""Re-timed sprites show the expected drawings at the expected places, in rendered pixels; and give everything back."""

import bpy
import numpy as np
import pytest
import rendering
import result_folders as rf

from toondecompose_blender.scene.importer import import_result
from toondecompose_blender.sprite import retime, timing

T, FIRST = 6, 11


def runner():
    """Drawings on ones that slide over a plate."""
    moves = np.array([rf.shift(10 + 12.5 * t, 20 + 2 * t) for t in range(T)])
    return rf.sprite("girl", 1, [rf.drawing((50, 44), n) for n in range(T)], list(range(T)), moves)


def plate():
    return rf.sprite("background", 0, [rf.plate((160, 90))], [0] * T, np.eye(3), kind="background")


@pytest.fixture
def girl(context, tmp_path):
    imported = import_result(context, rf.make_result(tmp_path / "r", [plate(), runner()], frame_start=FIRST))
    imported.scene.frame_end = FIRST + 3 * T
    return imported.sprites[1]


def expected(place, shown):
    """The picture with the girl where she is at clip frame `place` (may lie between two), showing a drawing."""
    low = int(np.floor(place))
    high, share = min(low + 1, T - 1), place - low
    s = runner()
    H = (1 - share) * s["transform"][low] + share * s["transform"][high]
    return rf.reference([plate(), {**s, "transform": H[None], "exposure": [shown]}], 0)


def check(girl, frames, tmp_path):
    """frames: {scene frame: (place, drawing)} in clip frames."""
    scene = girl.users_scene[0]
    for frame, (place, drawing) in frames.items():
        got = rendering.render(scene, frame, tmp_path / "o.png")
        assert rendering.worst(got, expected(place, drawing)) <= 1, (frame, place, drawing)


def test_half_speed_holds_drawings_and_glides(girl, tmp_path):
    retime.set_speed(girl, 50, drawings_only=False)
    places = {0: (0, 0), 1: (0.5, 0), 4: (2, 2), 7: (3.5, 3), 11: (5, 5)}
    check(girl, {FIRST + f: place for f, place in places.items()}, tmp_path)


def test_double_speed_skips_drawings(girl, tmp_path):
    retime.set_speed(girl, 200, drawings_only=False)
    check(girl, {FIRST: (0, 0), FIRST + 1: (2, 2), FIRST + 2: (4, 4), FIRST + 9: (4, 4)}, tmp_path)


def test_reversed(girl, tmp_path):
    retime.set_speed(girl, 100, drawings_only=False, backwards=True)
    check(girl, {FIRST: (5, 5), FIRST + 1: (4, 4), FIRST + 5: (0, 0)}, tmp_path)


def test_drawings_alone_leave_the_motion(girl, tmp_path):
    retime.set_speed(girl, 50, drawings_only=True)
    check(girl, {FIRST: (0, 0), FIRST + 1: (1, 0), FIRST + 4: (4, 2), FIRST + 5: (5, 2)}, tmp_path)


def test_a_time_curve_is_an_f_curve_that_the_artist_edits(girl, tmp_path):
    retime.time_curve(girl, drawings_only=False)
    check(girl, {FIRST + 3: (3, 3)}, tmp_path)
    keys = [(FIRST + f, FIRST + plays) for f, plays in ((0, 0), (2, 2), (6, 2), (9, 5))]
    curve = retime.set_time_keys(girl, keys, drawings_only=False)
    check(girl, {FIRST + 2: (2, 2), FIRST + 5: (2, 2), FIRST + 7: (3, 3), FIRST + 9: (5, 5)}, tmp_path)
    assert curve.data_path.endswith("strip_time") and len(curve.keyframe_points) == 4


def test_fit_and_back_again_with_hand_edits_kept(girl, tmp_path):
    retime.fit(girl, 9, drawings_only=False)
    drawings = [rendering.shown(girl.users_scene[0], girl, FIRST + f)["Drawing"] for f in range(9)]
    assert drawings == [1, 1, 2, 3, 3, 4, 5, 5, 6]
    source = timing.source_of(girl)
    source.curve("location", 0).keyframe_points[5].co.y += 0.5  # 50 px to the right, by hand
    assert retime.restore(girl) and not retime.restore(girl)
    assert not girl.animation_data.nla_tracks and girl.animation_data.action.name == "girl"
    check(girl, {FIRST: (0, 0), FIRST + 3: (3, 3)}, tmp_path)
    moved = rendering.shown(girl.users_scene[0], girl, FIRST + 5).location.x
    assert moved == pytest.approx((10 + 12.5 * 5 + 25 - 80) / 100 + 0.5, abs=1e-4)


def test_changing_ones_mind_leaves_no_litter(girl):
    for percent, alone in ((50, True), (200, False), (30, True), (100, False)):
        retime.set_speed(girl, percent, drawings_only=alone)
    retime.time_curve(girl, drawings_only=True)
    retime.restore(girl)
    assert len(girl.animation_data.nla_tracks) == 0
    assert sorted(a.name for a in bpy.data.actions) == ["background", "girl"]
    shown = [rendering.shown(girl.users_scene[0], girl, FIRST + f)["Drawing"] for f in range(T)]
    assert shown == [1, 2, 3, 4, 5, 6]


def test_a_hundred_percent_is_its_own_timing(girl):
    own = girl.animation_data.action
    retime.set_speed(girl, 50, drawings_only=False)
    retime.set_speed(girl, 100, drawings_only=False)
    assert girl.animation_data.action == own and not girl.animation_data.nla_tracks
    retime.set_speed(girl, 50, drawings_only=False)
    retime.set_speed(girl, 100, drawings_only=True)  # the motion stays slow
    shown = [rendering.shown(girl.users_scene[0], girl, FIRST + f)["Drawing"] for f in (0, 1, 2, 3)]
    assert shown == [1, 2, 3, 4]
    x = [rendering.shown(girl.users_scene[0], girl, FIRST + f).location.x for f in (0, 2)]
    assert x[1] - x[0] == pytest.approx(0.125, abs=1e-5)


def test_a_held_sprite_of_one_frame_can_be_slowed(context, tmp_path):
    one = rf.sprite("one", 0, [rf.plate((160, 90))], [0], np.eye(3), kind="background")
    sprite = import_result(context, rf.make_result(tmp_path / "r", [one])).sprites[0]
    for percent in (25, 400):
        retime.set_speed(sprite, percent, drawings_only=False)
        assert rendering.shown(sprite.users_scene[0], sprite, 3)["Drawing"] == 1
