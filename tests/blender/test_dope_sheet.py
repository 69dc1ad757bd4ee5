"""The drawings' numbers in the Dope Sheet: what is written where. (That they are drawn is seen in tests/gui.)"""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
import result_folders as rf
from test_xsheet import activate

from toondecompose_blender import versions
from toondecompose_blender.panels import dope_sheet
from toondecompose_blender.scene.importer import import_result
from toondecompose_blender.sprite import retime, sheet, timing


@pytest.fixture
def made(context, tmp_path):
    """A girl on twos from frame 11 who is away for a while, over a plate."""
    girl = rf.sprite("girl", 1, [rf.drawing((40, 44), n) for n in range(3)], [0, 0, 1, 1, None, None, 2, 2], np.eye(3))
    plate = rf.sprite("background", 0, [rf.plate((160, 90))], [0] * 8, np.eye(3), kind="background")
    made = import_result(context, rf.make_result(tmp_path / "r", [plate, girl], frame_start=11))
    activate(made, 1)
    return made


class View:
    """A Dope Sheet region that shows the frames 9 to 29 at `zoom` px each."""

    def __init__(self, zoom=20.0, height=300):
        self.zoom, self.width, self.height, self.type = zoom, int(20 * zoom), height, "WINDOW"
        self.view2d = self

    def region_to_view(self, x, y):
        return 9 + x / self.zoom, y

    def view_to_region(self, x, y, clip=True):
        assert not clip
        return (x - 9) * self.zoom, y


def written(view=None):
    view = view or View()
    at_one = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0))  # without a window it is 0
    context = SimpleNamespace(region=view, preferences=at_one, scene=bpy.context.scene,
                              object=bpy.context.object, selected_objects=bpy.context.selected_objects)
    return dope_sheet.rows(context, lambda text: 7.0 * len(text))


def numbers(row, zoom=20.0):
    """{frame: text} of a row."""
    return {9 + (x - 2.5) / zoom: text for x, text, _ in row.labels}


def test_each_exposure_begins_with_its_drawings_number(made):
    row, = written()
    assert row.name == "girl" and numbers(row) == {9: "1", 11: "1", 13: "2", 15: "×", 17: "3"}
    made.scene.frame_set(14)
    assert [text for _, text, now in written()[0].labels if now] == ["2"]


def test_the_channel_is_called_drawing(made):
    curve = timing.source_of(made.sprites[1]).curve('["Drawing"]')
    assert curve is not None and curve.group.name == "Drawing"
    assert [code for code in (k.interpolation for k in curve.keyframe_points)] == ["CONSTANT"] * 4


def test_a_retimed_sprite_has_its_numbers_where_they_are_shown(made):
    retime.set_speed(made.sprites[1], 50, drawings_only=False)
    assert numbers(written()[0]) == {9: "1", 15: "2", 19: "×", 23: "3"}


def test_a_key_between_frames(made):
    source = timing.source_of(made.sprites[1])
    timing.write_sheet(source, sheet.Sheet(np.array([11.0, 12.5]), np.array([1, 3])))
    assert numbers(written()[0])[12.5] == "3"


def test_no_numbers_lie_over_one_another(made):
    row, = written(View(zoom=3.0))
    places = [x for x, _, _ in row.labels]
    assert len(row.ticks) == 5 and len(places) < 5 and min(np.diff(places)) >= 12


def test_the_active_sprite_comes_first_and_small_editors_stay_readable(made):
    made.sprites[0].select_set(True, view_layer=made.scene.view_layers[0])
    assert [row.name for row in written()] == ["girl", "background"]
    assert [row.name for row in written(View(height=90))] == ["girl"]
    assert written(View(height=40)) == []


def test_what_has_no_sheet_has_no_row(made):
    versions.assign_action(made.sprites[1], None)
    assert written() == []
    made.scene.view_layers[0].objects.active = made.camera
    made.sprites[1].select_set(False)
    assert written() == []
