"""Poses that are held for a few frames before a painting that stands still."""

import numpy as np
import torch

from toondecompose.engine.segment.tidy import only_supported

H, W, COUNT = 90, 160, 4
BODY = (slice(20, 70), slice(60, 90))


def masses(outlined: bool) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Probabilities [2, T, h, w] of a painting and a redrawn body, how surely no mosaic explains a pixel, and texture:
    the body's outline and stripes, or, of smoke, a soft edge here and there."""
    p = torch.zeros(2, COUNT, H, W)
    p[0] = 1
    p[:, :, *BODY] = torch.tensor([0.0, 1.0])[:, None, None, None]
    none, texture = torch.zeros(COUNT, H, W), torch.zeros(COUNT, H, W, dtype=torch.uint8)
    none[:, *BODY] = 1
    texture[:, *BODY] = 255
    texture[:, 22:68, 62:88] = 20
    texture[:, 30:60:6, 62:88] = 255
    if not outlined:
        texture[:, 20:45] = 20
    return p, (none, texture)


def test_a_drawn_body_that_holds_a_pose_is_not_given_to_the_painting():
    """It repeats as the painting does, so that repetition does not speak for it."""
    p, beyond = masses(outlined=True)
    only_supported(p, 1, 0, torch.zeros(COUNT, H, W), beyond)
    assert float(p[1, :, *BODY].mean()) == 1


def test_what_has_no_outline_needs_support_from_repetition():
    for p, beyond in (masses(outlined=False), (masses(outlined=True)[0], None)):
        only_supported(p, 1, 0, torch.zeros(COUNT, H, W), beyond)
        assert float(p[1].max()) == 0
        assert np.isclose(float(p[0, :, *BODY].mean()), 1)
