"""`make demo` on a tiny clip: the real engine behind the real zip in a real Blender."""

from __future__ import annotations

import json

import pytest
from conftest import blender_python


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    import demo

    folder = tmp_path_factory.mktemp("demo")
    arguments = ["--out", str(folder), "--blender", str(blender_python("5.0")), "--size", "320x180", "--frames", "16"]
    assert demo.main(arguments) == 0
    return folder


def test_it_leaves_what_it_promises(out):
    for name in ("sprites.blend", "preview.mp4", "contact_sheet.png", "report.json"):
        assert (out / name).stat().st_size > 1000, name


def test_blender_shows_the_result_and_the_result_the_source(out):
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["render_difference"]["mean"] <= 0.1 and report["render_difference"]["max"] <= 1
    assert report["recomposition_psnr_db"]["mean"] > 27
    assert report["blender"]["stages"]


def test_the_girl_and_the_cat_are_found(out):
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    for name in ("girl", "cat"):
        iou, match = report["mask_iou"][name]
        # measured .76 and .74: at 320 x 180 px and 16 frames each drawing is seen for two frames
        assert match is not None and iou > 0.65, name
