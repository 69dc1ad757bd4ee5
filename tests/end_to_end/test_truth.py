"""A perfect result, the demo clip's own truth: Blender shows it, and the demo's figures say that it is perfect."""

from __future__ import annotations

import demo_measure as measure
import numpy as np
import pytest
from conftest import BLENDERS
from truth import write_truth

from toondecompose.output.as_blender import blender_frame


@pytest.fixture(scope="module")
def perfect(clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("perfect")
    return folder, write_truth(clip, folder)


@pytest.mark.parametrize("version", BLENDERS)
def test_blender_shows_it(version, in_blender, zip_file, perfect, tmp_path):
    folder, result = perfect
    frames = (1, 6, 12)
    seen = in_blender(version, "import_and_render.py", {
        "zip": str(zip_file), "result": str(folder / "result.json"), "frames": frames, "rendered": str(tmp_path)})
    assert seen["sprites"] == [sprite.name for sprite in result.sprites]
    for frame in frames:
        expected = blender_frame(folder, result, frame - 1).astype(int)
        difference = np.abs(measure.read_rgb(tmp_path / f"{frame:04d}.png") - expected)
        assert difference.mean() <= 0.1 and difference.max() <= 1, frame


def test_the_figures_know_that_it_is_perfect(clip, perfect):
    folder, result = perfect
    frames = sorted((clip / "frames").glob("*.png"))
    # the clip's own sampling is a little softer than the one bicubic sample of `recompose`
    assert np.mean(measure.recomposition(folder, result, frames)) > 36
    ious = measure.mask_ious(folder, result, clip)
    assert {name: match for name, (_, match) in ious.items()} == {n: n for n in ("hills", "street", "girl", "cat")}
    # the clip's pixels are area averages, the figures' single samples: at this size a lamp post is thinner than a pixel
    assert min(iou for iou, _ in ious.values()) > 0.9


def test_the_figures_know_a_bad_mask(clip, perfect):
    folder, result = perfect
    girl = next(s for s in result.sprites if s.name == "girl")
    before = measure.mask_ious(folder, result, clip)["girl"][0]
    girl.transform[:, 0, 2] += 8.0
    try:
        assert measure.mask_ious(folder, result, clip)["girl"][0] < before - 0.3
    finally:
        girl.transform[:, 0, 2] -= 8.0
