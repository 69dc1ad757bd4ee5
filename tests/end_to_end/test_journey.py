"""The zip in the real Blenders: install, strip, decompose, import, undo, save, open, disable, enable."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from conftest import BLENDERS

FRAMES = 12


def check_journey(seen: dict, rendered, rendered_without) -> None:
    """What must hold in every Blender, whatever the engine found."""
    assert seen["importable"] == ["toondecompose"], "Blender's side must need neither torch nor OpenCV"
    assert "extensions" in seen["formats_from"], "the formats must come from the wheel in the zip"
    assert not seen["poll_without_strip"]
    for step in ("test_backend", "decompose", "import"):
        assert seen[step] == ["FINISHED"], step
    for step in ("import_made_something", "undo_takes_all_back", "redo_brings_all_back"):
        assert seen[step], step
    assert seen["sprites"] and all(s["view_layer"] for s in seen["sprites"])
    assert seen["sprites_after_opening"] == seen["sprites"]
    assert seen["results_after_opening"] == seen["results_when_enabled_again"] == ["Läuferin 走る"]
    assert "nothing.json" in seen["bad_import"]
    assert seen["left_when_disabled"] == []
    # the file renders alike without the add-on
    assert np.array_equal(cv2.imread(str(rendered)), cv2.imread(str(rendered_without)))


@pytest.mark.parametrize("version", BLENDERS)
def test_a_users_journey(version, in_blender, zip_file, clip, dummy_python, tmp_path):
    seen = in_blender(version, "journey.py", {
        "zip": str(zip_file), "frames": str(clip / "frames"), "python": str(dummy_python), "count": "auto",
        "output": str(tmp_path / "results"), "blend": str(tmp_path / "journey.blend"), "render_frame": 14,
        "rendered": str(tmp_path / "with.png"), "rendered_without": str(tmp_path / "without.png")})
    assert seen["blender"].startswith(version)
    check_journey(seen, tmp_path / "with.png", tmp_path / "without.png")
    result = json.loads((tmp_path / "results" / "Läuferin 走る" / "result.json").read_text(encoding="utf-8"))
    assert result["clip"]["frame_start"] == 11 and result["clip"]["frame_count"] == FRAMES
    # the dummy engine shows the first frame all the time
    first = cv2.imread(str(clip / "frames/0000.png"))
    assert abs(cv2.imread(str(tmp_path / "with.png")).astype(int) - first).max() <= 1
