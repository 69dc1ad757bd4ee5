"""The drawn benchmark clips: what is written as truth is what the frames show, and every run draws the same."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from toondecompose.demo.clip import composite
from toondecompose.io.png import read_rgba

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def drawn():
    """The benchmark's modules, which are no installed package."""
    sys.path.insert(0, str(BENCHMARKS))
    import draw_clips
    from drawn import layers

    yield draw_clips, layers
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module", params=["h09_fade", "h11_cut"])
def clip(request, drawn, tmp_path_factory):
    """A written clip -> (its scene, its folder). One has opacity, the other layers that are not always shown."""
    scene = drawn[0].SCENES[request.param]()
    return scene, drawn[1].write_scene(scene, tmp_path_factory.mktemp("drawn"))


def test_visible_alphas_and_drawings_recompose_the_frames(clip, drawn):
    scene, folder = clip
    H = np.array([s["H"] for s in json.loads((folder / "transforms.json").read_text())["sprites"]])
    said = json.loads((folder / "clip.json").read_text())
    assert (len(H), H.shape[1]) == (said["K"], said["frames"]) == (len(scene.layers), scene.count)
    plate = read_rgba(folder / "sprite_0/canvas/00.png").astype(np.float32) / 255
    for t in range(0, scene.count, 5):
        back = np.round(drawn[1].warp(plate, H[0, t], scene.size, opaque=True) * 255).astype(np.uint8)
        layers = np.stack([back, *(read_rgba(folder / f"sprite_{k}/{t:04d}.png") for k in range(1, len(H)))])
        frame, visible = composite(layers)
        np.testing.assert_array_equal(frame, read_rgba(folder / f"frames/{t:04d}.png")[..., :3])
        for k, alpha in enumerate(visible):
            written = read_rgba(folder / f"alpha_{k}/{t:04d}.png")[..., 0]
            np.testing.assert_array_equal(np.round(alpha * 255), written)


def test_a_layer_that_is_not_shown_is_not_there(clip):
    scene, folder = clip
    for k, layer in enumerate(scene.layers[1:], 1):
        for t in range(scene.count):
            hidden = layer.exposure[t] is None or (layer.opacity is not None and layer.opacity[t] == 0)
            shown = read_rgba(folder / f"sprite_{k}/{t:04d}.png")[..., 3].any()
            assert shown != hidden


@pytest.mark.parametrize("name", ["h05_zoom_rotate", "h17_night", "h18_watercolour_closeup", "h21_clouds", "h22_window",
                                  "h23_boat"])
def test_the_same_scene_is_drawn_again_to_the_same_bytes(drawn, name):
    twice = [drawn[0].SCENES[name]() for _ in range(2)]
    assert [scene.name for scene in twice] == [name, name]
    for a, b in zip(*(scene.layers for scene in twice), strict=True):
        np.testing.assert_array_equal(a.H, b.H)
        for one, other in zip(a.drawings, b.drawings, strict=True):
            np.testing.assert_array_equal(one, other)
