"""Large canvases in pieces, and a GPU that has no room for them."""

import numpy as np
import pytest
import torch

from toondecompose.engine.matte import alpha as alpha_module
from toondecompose.engine.matte.alpha import cut_out
from toondecompose.engine.matte.moments import GREY, Moments
from toondecompose.engine.tiles import SMALLER, TILE, or_on_the_host, strips, tiles_of, with_smaller_tiles
from toondecompose.worker.failures import sentence_for


def no_room():
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_work_that_fits_is_done_once():
    asked = []
    assert with_smaller_tiles(lambda tile: asked.append(tile) or "done") == "done"
    assert asked == [TILE]


def test_a_full_gpu_is_tried_once_more_with_smaller_tiles():
    asked = []

    def work(tile):
        asked.append(tile)
        return no_room() if tile == TILE else "done"

    assert with_smaller_tiles(work) == "done"
    assert asked == [TILE, TILE // SMALLER]


def test_a_gpu_that_is_full_twice_ends_in_a_sentence():
    asked = []
    with pytest.raises(torch.OutOfMemoryError) as raised:
        with_smaller_tiles(lambda tile: asked.append(tile) or no_room())
    assert len(asked) == 2
    sentence = sentence_for(raised.value, "Solving drawings and plates")
    assert "GPU ran out of memory" in sentence and "Solving drawings and plates" in sentence


def test_what_no_tile_makes_smaller_is_done_on_the_host_where_the_gpu_is_full():
    asked = []
    assert or_on_the_host(lambda device: asked.append(device) or (device == "cpu" or no_room()), "cuda")
    assert asked == ["cuda", "cpu"]
    with pytest.raises(torch.OutOfMemoryError):
        or_on_the_host(lambda device: no_room(), "cpu")


def test_other_failures_are_not_tried_again():
    asked = []

    def work(tile):
        asked.append(tile)
        raise RuntimeError("expected all tensors on one device")

    with pytest.raises(RuntimeError, match="one device"):
        with_smaller_tiles(work)
    assert len(asked) == 1


@pytest.mark.parametrize("box", [(0, 0, 30, 20), (5, 7, 905, 57), (0, 3, 400, 503)])
def test_pieces_cover_a_box_once(box):
    covered = np.zeros((box[3], box[2]), int)
    for own, around in tiles_of(box, 20_000, 16):
        covered[own[1]:own[3], own[0]:own[2]] += 1
        assert box[0] <= around[0] <= own[0] and own[2] <= around[2] <= box[2]
        assert box[1] <= around[1] <= own[1] and own[3] <= around[3] <= box[3]
        assert (around[2] - around[0]) * (around[3] - around[1]) <= 20_000 * 2.5 + 16 * 2000
    assert (covered[box[1]:, box[0]:] == 1).all() and covered.sum() == (box[2] - box[0]) * (box[3] - box[1])


def test_a_large_drawing_in_pieces_is_the_same_drawing(monkeypatch):
    h, w = 150, 700
    yy, xx = np.mgrid[:h, :w]
    body = (np.abs(yy - 75 - 20 * np.sin(xx / 40)) < 40) & (xx > 30) & (xx < 670)
    rng = np.random.default_rng(5)
    colour = np.where(body, 200.0, 0.0)[None].repeat(3, 0) + rng.normal(0, 1, (3, h, w)) * body
    zero = torch.zeros(h, w)
    c, b = torch.zeros(3, h, w), torch.zeros(3, h, w)
    cb, bb, cc = torch.zeros(h, w), torch.zeros(h, w), torch.zeros(h, w)
    for seed in range(4):
        behind = np.random.default_rng(seed).integers(0, 256, (3, 1, w)).repeat(h, 1).astype(float)
        seen = torch.from_numpy(np.where(body, colour, behind)).float() - GREY
        back = torch.from_numpy(behind).float() - GREY
        c, b = c + seen, b + back
        cb, bb, cc = cb + (seen * back).sum(0), bb + (back * back).sum(0), cc + (seen * seen).sum(0)
    mask = torch.from_numpy(body.astype(np.float32)) * 4
    moments = Moments(zero + 4, c, b, cb, bb, cc, mask, zero + 4, 4)
    whole = cut_out(moments, 1.5, 2.0)
    solved = []
    part = alpha_module._cut_part
    monkeypatch.setattr(alpha_module, "_cut_part", lambda m, *rest: solved.append(m.n.numel()) or part(m, *rest))
    pieces = cut_out(moments, 1.5, 2.0, tile=30_000)
    assert len(solved) > 2 and max(solved) < 0.6 * h * w
    difference = (whole.alpha - pieces.alpha).abs()
    assert float(difference.max()) < 0.1 and float(difference.mean()) < 1e-4
    assert float(pieces.alpha[torch.from_numpy(body)].mean()) > 0.97


@pytest.mark.parametrize("shape", [(1, 1), (3, 700, 1000), (5, 100_000), (2, 1_000, 0)])
def test_strips_cover_every_row_once_and_in_order(shape):
    rows = [y for part in strips(shape) for y in range(part.start, part.stop)]
    assert rows == list(range(shape[-2]))
