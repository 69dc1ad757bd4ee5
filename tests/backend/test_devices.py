"""Every torch stage on a device of its own: nothing is mixed, and the answer is the host's."""

import numpy as np
import pytest
import torch
from backend.accelerator import accelerator
from backend.small_clips import walking_clip

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.drawings.expose import expose
from toondecompose.engine.matte.heldout import predict_withheld
from toondecompose.engine.matte.solve import solve
from toondecompose.engine.matte.types import LayerToSolve
from toondecompose.engine.segment import segment
from toondecompose.engine.types import LayerPath

SLIDE = 6.0  # px per frame, how the plate of walking_clip moves


@pytest.fixture(scope="module")
def shot():
    clip = walking_clip(8, (240, 144))
    count = len(clip["frames"])
    H = np.tile(np.eye(3), (count, 1, 1))
    H[:, 0, 2] = -SLIDE * np.arange(count)
    path = LayerPath(H, np.ones(count, bool), 0, "translation", 0.8)
    return {**clip, "path": path, "source": source_from_array(clip["frames"])}


def layers_of(shot):
    """The plate, turned a little so that no picture is merely copied, and the figure with rough masks."""
    masks = (shot["alpha"] > 100).astype(np.uint8) * 255
    count = len(masks)
    still = np.tile(np.eye(3), (count, 1, 1))
    still[:, 0, 2] = 2.0 * (np.arange(count) // 2) + 0.3
    return [LayerToSolve("background", "background", shot["path"].H, np.zeros(count, int), masks=255 - masks),
            LayerToSolve("sprite 1", "sprite", still, shot["drawing"], masks=masks)]


def test_the_accelerator_refuses_what_a_gpu_refuses():
    with accelerator() as device:
        far = torch.ones((2, 3), device=device)
        assert far.device.type == device and float((2 * far).sum()) == 12
        with pytest.raises(RuntimeError, match="one device"):
            far + torch.ones(2, 3)
        with pytest.raises(RuntimeError, match="numpy"):
            far.numpy()
        assert far.cpu().numpy().sum() == 6


def test_mattes_are_the_hosts(shot):
    here = solve(shot["source"], layers_of(shot), scale=1.0, rounds=2)
    with accelerator() as device:
        there = solve(shot["source"], layers_of(shot), scale=1.0, rounds=2, device=device)
    assert here.order == there.order
    for a, b in zip(here.layers, there.layers, strict=True):
        np.testing.assert_array_equal(a.exposure, b.exposure)
        for p, q in zip(a.drawings, b.drawings, strict=True):
            off = np.abs(p.astype(int) - q)[..., 3]
            assert (off <= 1).mean() > 0.999
            solid = (p[..., 3] > 200) & (q[..., 3] > 200)
            assert (np.abs(p.astype(int) - q)[solid] <= 1).mean() > 0.999


def test_withheld_frames_are_predicted_as_on_the_host(shot):
    here = predict_withheld(shot["source"], layers_of(shot), scale=1.0)
    with accelerator() as device:
        there = predict_withheld(shot["source"], layers_of(shot), scale=1.0, device=device)
    assert here["frames"] == there["frames"] > 0
    assert here["foreground"] == pytest.approx(there["foreground"], abs=0.1)


def test_layers_are_the_hosts(shot):
    here = segment(shot["source"], [shot["path"]], 2)
    with accelerator() as device:
        there = segment(shot["source"], [shot["path"]], 2, device=device)
    assert [layer.name for layer in here.layers] == [layer.name for layer in there.layers]
    for a, b in zip(here.layers, there.layers, strict=True):
        assert (np.abs(a.masks.astype(int) - b.masks) <= 2).mean() > 0.999


def test_the_exposure_sheet_is_the_hosts(shot):
    masks = (shot["alpha"] > 100).astype(np.uint8) * 255
    here = expose(shot["source"], masks, 1.0)
    with accelerator() as device:
        there = expose(shot["source"], masks, 1.0, device=device)
    np.testing.assert_array_equal(here.drawing, there.drawing)
    np.testing.assert_allclose(here.H, there.H, atol=0.01)
