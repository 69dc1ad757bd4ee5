"""Labels that lie on a shelf are those in memory."""

import numpy as np
import pytest
import torch
from small_clips import walking_clip

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.segment import film, segment
from toondecompose.engine.segment import solve as stage
from toondecompose.engine.segment.film import Film, in_memory, part_of, room_on
from toondecompose.engine.shelf import Shelf
from toondecompose.engine.types import LayerPath

torch.set_num_threads(1)


def test_pictures_on_a_shelf_are_read_and_written_as_tensors_are(tmp_path):
    room = room_on(Shelf(tmp_path, room=0, touched=500))
    there, here = room((3, 5, 8, 9), torch.float32), in_memory((3, 5, 8, 9), torch.float32)
    assert isinstance(there, Film) and there.shape == here.shape and there.numel() == here.numel()
    rng = np.random.default_rng(0)
    for x in (there, here):
        rng = np.random.default_rng(0)
        for t in range(5):
            x[:, t] = torch.from_numpy(rng.uniform(0, 1, (3, 8, 9)).astype(np.float32))
        x[1, 2] += x[0, 2]
        x[2, 3, 2:5] *= 0.5
        part_of(x, 2)[4] = 0.25
    assert all(torch.equal(there[:, t], here[:, t]) for t in range(5))
    assert all(torch.equal(a, b) for a, b in zip(part_of(there, 1), here[1], strict=True))


def test_a_disk_without_room_leaves_them_in_memory(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert isinstance(room_on(Shelf(tmp_path / "file", room=0))((2, 3)), torch.Tensor)
    assert isinstance(room_on(None)((2, 3)), torch.Tensor)


def test_a_shelf_gives_no_more_memory_than_it_has(tmp_path):
    shelf = Shelf(tmp_path, room=1000)
    assert shelf.blank((30, 30), np.uint8) is None
    first = shelf.blank((30, 30), np.float16)
    assert first.shape == (30, 30) and not first.any()
    first[3] = 7
    shelf.touched(2000)
    assert (first[3] == 7).all() and not first[:3].any()


@pytest.mark.parametrize("count", [2, None])
def test_layers_found_out_of_memory_are_those_found_in_memory(tmp_path, monkeypatch, count):
    clip = walking_clip(10)
    H = np.tile(np.eye(3), (10, 1, 1))
    H[:, 0, 2] = -6.0 * np.arange(10)
    paths = [LayerPath(H, np.ones(10, bool), 0, "translation", 1.0)]
    plain = segment(source_from_array(clip["frames"]), paths, count)
    films = []
    monkeypatch.setattr(stage, "HELD", 0)
    monkeypatch.setattr(stage, "TOUCHED", 2**16)
    monkeypatch.setattr(film.Film, "__init__", lambda self, *args, made=film.Film.__init__: (films.append(1),
                                                                                             made(self, *args))[1])
    source = source_from_array(clip["frames"])
    source.keep_decoded(tmp_path)
    shelved = segment(source, paths, count)
    assert films
    assert len(plain.layers) == len(shelved.layers) and np.array_equal(plain.unresolved, shelved.unresolved)
    for a, b in zip(plain.layers, shelved.layers, strict=True):
        assert (a.name, a.kind, a.confidence, a.still) == (b.name, b.kind, b.confidence, b.still)
        assert np.array_equal(a.masks, b.masks)
    source.close()
