"""New drawings between two of a sprite's own."""

import numpy as np
import pytest
import rendering
import result_folders as rf

from toondecompose.formats.errors import UserError
from toondecompose_blender.scene.importer import import_result
from toondecompose_blender.sprite import inbetweens, retime


@pytest.fixture
def girl(context, tmp_path):
    sprite = rf.sprite("girl", 0, [rf.drawing((40, 44), n) for n in range(3)], [0, 0, 0, 0, 1, 2, 2, None], np.eye(3))
    return import_result(context, rf.make_result(tmp_path / "r", [sprite])).sprites[0]


def shown(girl, count):
    return [rendering.shown(girl.users_scene[0], girl, 1 + f)["Drawing"] for f in range(count)]


def test_gaps_are_the_holds_before_another_drawing(girl):
    assert inbetweens.gaps(girl, 8) == [inbetweens.Gap(1, 4, 1, 2)]
    retime.set_speed(girl, 50, drawings_only=False)
    assert [(g.frame, g.frames) for g in inbetweens.gaps(girl, 16)] == [(1, 8), (9, 2)]


def test_in_betweens_are_spread_over_the_hold(girl, tmp_path):
    pictures = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in pictures:
        rf.write_png(path, rf.drawing((40, 44), 9))
    gap = inbetweens.gaps(girl, 8)[0]
    assert inbetweens.insert_drawings(girl, gap, pictures[:1]) == [4]
    assert shown(girl, 8) == [1, 1, 4, 4, 2, 3, 3, 0]
    with pytest.raises(UserError, match="room for 3"):
        inbetweens.insert_drawings(girl, gap, pictures * 2)


def test_slow_motion_takes_in_betweens_between_its_own_frames(girl, tmp_path):
    retime.set_speed(girl, 50, drawings_only=False)
    rf.write_png(tmp_path / "a.png", rf.drawing((40, 44), 9))
    gap = inbetweens.gaps(girl, 16)[1]
    assert inbetweens.insert_drawings(girl, gap, [tmp_path / "a.png"]) == [4]
    assert shown(girl, 12) == [1] * 8 + [2, 4, 3, 3]
    retime.restore(girl)
    assert shown(girl, 7) == [1, 1, 1, 1, 2, 3, 3]
    retime.set_speed(girl, 100, drawings_only=False, backwards=True)
    with pytest.raises(UserError, match="forwards"):
        inbetweens.insert_drawings(girl, inbetweens.gaps(girl, 8)[0], [tmp_path / "a.png"])
