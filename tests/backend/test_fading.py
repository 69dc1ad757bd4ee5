"""Fades are found by the contrast of sprite and plate, whatever the drawing; what only comes in does not fade."""

import numpy as np
import pytest

from toondecompose.engine.drawings.fading import fades, ramp, unfaded
from toondecompose.engine.drawings.patches import Patch
from toondecompose.engine.types import SolvedLayer, as_drawings
from toondecompose.engine.visible import visible_masks


def cut_out(t, opacity, rng):
    """A sprite of coarse random colours over a plate of others -> its cut-out in frame t, and the sprite's colours."""
    plate = np.kron(rng.integers(60, 120, (8, 8, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    drawing = np.kron(rng.integers(130, 250, (8, 8, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    seen = np.round(plate + opacity * (drawing.astype(float) - plate)).astype(np.uint8)
    inside = np.zeros((32, 32), np.uint8)
    inside[4:28, 4:28] = 1
    known = np.full((32, 32), 2, np.uint8)
    return Patch(t, np.zeros(2), seen, inside, inside, np.ones_like(inside), ((plate, known),)), drawing


def test_a_fade_in_and_out_is_measured_and_taken_back():
    rng = np.random.default_rng(0)
    true = np.clip(np.minimum((np.arange(24) + 1) / 8, (24 - np.arange(24)) / 6), 0, 1)
    cuts = [cut_out(t, o, rng) for t, o in enumerate(true)]
    found = fades([patch for patch, _ in cuts])
    np.testing.assert_allclose(found, true, atol=0.08)
    patch, drawing = cuts[4]
    back = unfaded(patch, true[4]).smooth
    np.testing.assert_allclose(back.astype(float), drawing, atol=2)


def test_a_sprite_that_walks_behind_something_does_not_fade():
    """Its brightest part goes out of sight little by little; what is left is as opaque as before."""
    rng = np.random.default_rng(0)
    cuts = [cut_out(t, 1.0, rng)[0] for t in range(16)]
    for t, p in enumerate(cuts):
        plate, _ = p.plates[0]
        dim = np.linspace(0.2, 1.0, 28 - 4)[:, None]
        p.smooth[4:28] = np.round(plate[4:28] + dim[..., None] * (p.smooth[4:28].astype(float) - plate[4:28]))
        p.inside = p.inside.copy()
        p.inside[28 - max(0, t - 8) * 3 :] = 0
        p.valid = p.valid.copy()
        p.valid[28 - max(0, t - 8) * 3 :] = 0
    cut = np.array([not p.valid[:28].all() for p in cuts])
    assert (fades(cuts) < 0.9).any()  # as far as contrast tells
    assert (fades(cuts, cut) > 0.97).all()


@pytest.mark.parametrize("share", [
    np.ones(20),
    np.array([0.5] + [1.0] * 19),  # half of it in the first frame: it comes in
    np.array([0.3, 0.9, 0.2, 0.8, 0.5, 0.3] + [1.0] * 14),  # it flickers
    np.linspace(0.7, 1.1, 20),  # what lies behind grows darker
])
def test_other_changes_of_contrast_are_no_fade(share):
    assert len(ramp(share)) == 0


def test_a_faded_layer_s_mask_tells_where_it_is_and_hides_little():
    square = np.full((8, 8, 4), 255, np.uint8)
    still = np.tile(np.eye(3), (2, 1, 1))
    layers = [SolvedLayer(name, kind, as_drawings([square]), np.zeros(2, int), still, opacity, "translation", 1.0, None)
              for name, kind, opacity in (("plate", "background", np.ones(2)),
                                          ("ghost", "sprite", np.array([0.2, 1.0])))]
    plate, ghost = visible_masks(layers, (8, 8), (8, 8), 2)
    assert (ghost == 255).all()
    assert (plate[0] == round(0.8 * 255)).all() and not plate[1].any()
