"""RAFT, for those who bring its weights: both kinds of checkpoint load, and give what torchvision's network gives."""

import json
import re
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from small_clips import painted, walking_clip, write_frames
from test_pipeline import Listener, run

from toondecompose.engine.flow import estimate
from toondecompose.engine.flow.estimate import flow_by, raft_flow
from toondecompose.engine.flow.raft import Raft, look_up, products
from toondecompose.engine.flow.weights import read_raft
from toondecompose.engine.paths.field import build_field
from toondecompose.formats.errors import Cancelled, UserError
from toondecompose.io.frames import open_frames

# Torchvision 0.29: its names of the tensors beside the authors', and what its network gave at four px for the weights
# and pictures made below.
TORCHVISION = json.loads((Path(__file__).parent / "baselines" / "raft_torchvision.json").read_text())
LOOKED_AT = ((5, 9), (64, 70), (100, 20), (127, 135))
SHORTCUT = re.compile(r"^(cnet\.layer[23]\.0)\.downsample\.1\.")


def filled(name, like):
    """Weights that follow from a tensor's name."""
    chance = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return torch.zeros((), dtype=torch.long)
    if name.endswith("running_var"):
        return torch.rand(like.shape, generator=chance) + 0.5
    inputs = like[0].numel() if like.ndim > 1 else 4
    return (torch.rand(like.shape, generator=chance) * 2 - 1) * (3 / inputs) ** 0.5


def authors_state(small):
    return {name: filled(name, value) for name, value in Raft(small).state_dict().items()}


def as_the_authors_save(state):
    """Trained on several GPUs, and with the norm of each shortcut under a second name."""
    twice = {SHORTCUT.sub(r"\1.norm3.", name): value for name, value in state.items()}
    return {f"module.{name}": value for name, value in {**twice, **state}.items()}


def as_torchvision_saves(state, names):
    return {theirs: state[ours] for theirs, ours in names.items()}


def pair_of_pictures():
    a, b = torch.rand(2, 1, 3, 128, 136, generator=torch.Generator().manual_seed(5)) * 2 - 1
    return [torch.nn.functional.avg_pool2d(p, 5, 1, 2) for p in (a, b)]


@pytest.mark.parametrize("small", [False, True])
def test_the_network_gives_what_torchvisions_gives(small, tmp_path):
    torch.save(as_the_authors_save(authors_state(small)), tmp_path / "raft.pth")
    network = read_raft(tmp_path / "raft.pth")
    assert network.small == small
    with torch.inference_mode():
        flow = network(*pair_of_pictures())[0]
    expected = TORCHVISION["raft_small" if small else "raft_large"]["flow"]
    for (i, j), values in zip(LOOKED_AT, expected, strict=True):
        assert np.allclose(flow[:, i, j], values, atol=2e-3)  # of flows of 100 px and more


@pytest.mark.parametrize("small", [False, True])
def test_both_kinds_of_checkpoint_give_the_same_network(small, tmp_path):
    state = authors_state(small)
    theirs = TORCHVISION["raft_small" if small else "raft_large"]["names"]
    assert len(as_the_authors_save(state)) == (106 if small else 179)  # as many tensors as the published files have
    torch.save(as_the_authors_save(state), tmp_path / "authors.pth")
    torch.save(as_torchvision_saves(state, theirs), tmp_path / "torchvision.pth")
    first, second = (read_raft(tmp_path / name).state_dict() for name in ("authors.pth", "torchvision.pth"))
    assert list(first) == list(second) and all(torch.equal(first[name], second[name]) for name in first)


def test_a_file_that_holds_no_raft_is_refused_in_a_sentence(tmp_path):
    torch.save({"conv.weight": torch.zeros(3)}, tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "text.pth").write_text("not a checkpoint")
    (tmp_path / "empty.pth").touch()
    cut = tmp_path / "cut.pth"
    torch.save(authors_state(True), cut)
    cut.write_bytes(cut.read_bytes()[:5000])
    for name, words in (("other.pth", "another network"), ("list.pth", "no table"), ("text.pth", "cannot be read"),
                        ("empty.pth", "cannot be read"), ("cut.pth", "cannot be read"), ("none.pth", "none.pth")):
        with pytest.raises(UserError, match=words):
            read_raft(tmp_path / name)


class Opens:
    """A pickle that runs code when it is read."""

    def __reduce__(self):
        return (open, (self.path, "w"))

    def __init__(self, path):
        self.path = path


def test_nothing_in_a_weights_file_is_executed(tmp_path):
    torch.save({"conv": Opens(str(tmp_path / "was_here"))}, tmp_path / "bad.pth")
    with pytest.raises(UserError, match="cannot be read"):
        read_raft(tmp_path / "bad.pth")
    assert not (tmp_path / "was_here").exists()


def test_products_are_looked_up_as_a_plain_loop_does():
    chance = torch.Generator().manual_seed(2)
    a, b = torch.rand(2, 1, 4, 16, 17, generator=chance)
    at = torch.rand(1, 2, 16, 17, generator=chance) * 14
    found = look_up(products(a, b), at, 1)
    i, j = 6, 11
    x, y = at[0, :, i, j].tolist()
    of_all = (a[0, :, i, j, None, None] * b[0]).sum(0).numpy() / 2  # the root of 4 channels
    # warpAffine's places are exact only to 1/32 px: picked apart by hand
    expected = []
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            px, py = x + dx, y + dy
            x0, y0 = int(np.floor(px)), int(np.floor(py))
            expected.append(sum(of_all[v, u] * (1 - abs(px - u)) * (1 - abs(py - v))
                                for u in (x0, x0 + 1) for v in (y0, y0 + 1) if 0 <= u < 17 and 0 <= v < 16))
    assert np.allclose(found[0, :9, i, j], expected, atol=1e-5)


def still_network():
    """A small network whose guess is never mended: its flow is 0 everywhere."""
    network = Raft(small=True)
    for value in network.update_block.flow_head.conv2.parameters():
        torch.nn.init.zeros_(value)
    return network.eval()


@pytest.mark.parametrize("size", [(40, 30), (131, 170)])
def test_pictures_of_any_size_have_flow_of_their_size(size):
    a = cv2.cvtColor(painted(*size, 4), cv2.COLOR_RGB2GRAY)
    flow = flow_by(still_network(), a, a, "cpu")
    assert flow.shape == (*size[::-1], 2) and flow.dtype == np.float32 and not flow.any()


def test_shrunk_pictures_have_flow_in_their_own_px():
    network = still_network()
    with torch.no_grad():
        network.update_block.flow_head.conv2.bias[:] = torch.tensor([0.5, -0.25])
    a = cv2.cvtColor(painted(320, 256, 4), cv2.COLOR_RGB2GRAY)
    flow = flow_by(network, a, a, "cpu", most=160 * 128)  # 12 rounds of half a px of features, each 16 px of these
    assert flow.shape == (256, 320, 2) and np.allclose(flow, [96, -48])


def test_learned_flow_is_the_same_with_one_and_two_threads(tmp_path):
    torch.save(authors_state(True), tmp_path / "raft.pth")
    flow = raft_flow(tmp_path / "raft.pth", "cpu")
    a, b = (cv2.cvtColor(painted(160, 130, s), cv2.COLOR_RGB2GRAY) for s in (1, 2))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = flow(a, b)
        torch.set_num_threads(2)
        assert np.array_equal(flow(a, b), one)
    finally:
        torch.set_num_threads(before)


def test_a_full_gpu_leaves_learned_flow_to_the_cpu(tmp_path, monkeypatch):
    torch.save(authors_state(True), tmp_path / "raft.pth")
    a, b = (cv2.cvtColor(painted(140, 130, s), cv2.COLOR_RGB2GRAY) for s in (1, 2))
    expected = raft_flow(tmp_path / "raft.pth", "cpu")(a, b)

    def full(network, a, b, where):
        if where == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return flow_by(network, a, b, where)

    monkeypatch.setattr(estimate, "flow_by", full)
    monkeypatch.setattr(Raft, "to", lambda network, where: network)  # there may be no GPU here
    assert np.array_equal(raft_flow(tmp_path / "raft.pth", "cuda")(a, b), expected)


def test_motions_are_sought_with_the_flow_that_is_given(tmp_path):
    source = open_frames([Path(p) for p in write_frames(tmp_path, walking_clip(3)["frames"])])
    asked = []

    def flow(a, b):
        asked.append(a.shape)
        return np.full((*a.shape, 2), 3 if len(asked) % 2 else -3, np.float32)  # there, and back

    points = build_field(source, 0, flow=flow).points[0]
    assert len(asked) == 4
    moved = points.ahead - points.at
    assert points.ahead_ok.any() and np.ptp(moved) < 1e-5 and moved[0, 0] > 0


def test_motions_found_with_weights_are_not_taken_for_a_job_without(tmp_path):
    torch.save(still_network().state_dict(), tmp_path / "still.pth")
    frames, found = walking_clip(3, (160, 128))["frames"], []
    for weights in ("", str(tmp_path / "still.pth")):
        with pytest.raises(Cancelled):
            run(tmp_path / "shot", frames, Listener(cancel_at="segment"), flow_weights=weights)
        found.append([p.name for p in (tmp_path / "shot" / "out").rglob("paths-*.npz")])
    assert len(found[0]) == len(found[1]) == 1 and found[0] != found[1]


def test_a_missing_weights_file_stops_the_job_with_its_name(tmp_path):
    with pytest.raises(UserError, match=r"lost\.pth"):
        run(tmp_path / "shot", walking_clip(3)["frames"], flow_weights=str(tmp_path / "lost.pth"))
    assert not (tmp_path / "shot" / "out" / "result.json").exists()
