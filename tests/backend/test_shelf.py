"""Pictures on the shelf are as good as those in memory."""

import numpy as np

from toondecompose.engine.checkpoints import _load, _save
from toondecompose.engine.clip import source_from_array
from toondecompose.engine.shelf import Shelf


def test_pictures_keep_what_they_show_and_what_is_written_into_them(tmp_path):
    rng = np.random.default_rng(1)
    shelf = Shelf(tmp_path / "new", room=1000)
    small = np.zeros(900, np.uint8)
    assert shelf.put(small) is small  # there is room in memory
    truth = [rng.integers(0, 255, (4, 50 + k, 70), np.uint8) for k in range(5)]
    kept = [shelf.put(picture) for picture in truth]
    known = shelf.put(truth[0][0] > 9)
    assert all(a is not b for a, b in zip(kept, truth, strict=True)) and known.dtype == bool
    for _ in range(3):
        shelf.rest()
        assert all(np.array_equal(a, b) for a, b in zip(kept, truth, strict=True))
    kept[3][:, 5:9] = 7
    truth[3][:, 5:9] = 7
    shelf.rest()
    assert np.array_equal(kept[3], truth[3]) and np.array_equal(kept[4], truth[4])
    assert np.array_equal(known, truth[0][0] > 9)


def test_a_disk_without_room_leaves_pictures_in_memory(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    picture = np.ones((10, 10), np.uint8)
    assert Shelf(tmp_path / "file", room=0).put(picture) is picture


def test_all_versions_of_a_shot_share_one_shelf_and_checkpoints_take_from_it(tmp_path):
    source = source_from_array([np.zeros((8, 8, 3), np.uint8)] * 4)
    picture = np.arange(100, dtype=np.uint8)
    assert source.shelve(picture) is picture
    source.keep_decoded(tmp_path)
    source._shelf._room = 0
    kept = source.part(1, 3).resized((4, 4)).shelve(picture)
    assert kept is not picture and np.array_equal(kept, picture)
    _save(tmp_path / "x.npz", [kept, {"a": picture}], source.rest)
    back = _load(tmp_path / "x.npz")
    assert np.array_equal(back[0], picture) and np.array_equal(back[1]["a"], picture)
    source.close()
    assert np.array_equal(kept, picture)


def test_a_shelf_of_a_step_rests_with_the_shots_and_leaves_the_shots_room_alone(tmp_path):
    source = source_from_array([np.zeros((8, 8, 3), np.uint8)] * 4)
    assert source.another_shelf(0) is None
    source.keep_decoded(tmp_path)
    room = source._shelf._room
    shelf = source.resized((4, 4)).another_shelf(100)
    picture = np.arange(200, dtype=np.uint8)
    kept = shelf.put(picture)
    assert kept is not picture and source._shelf._room == room and len(source._shelf._maps) == 1
    source.rest()
    assert np.array_equal(kept, picture)
