"""What a stage gave comes back exactly, and only while nothing that it depends on has changed."""

import numpy as np
import pytest

from toondecompose.engine.checkpoints import Checkpoints, _is_packed, chain, files_hash
from toondecompose.engine.types import LayerPath, Segmentation, SegmentedLayer


def a_segmentation():
    rng = np.random.default_rng(1)
    path = LayerPath(rng.normal(size=(3, 3, 3)), np.array([True, False, True]), 1, "affine", 12.5)
    layer = SegmentedLayer("girl", "sprite", path, rng.integers(0, 255, (3, 4, 5)).astype(np.uint8), 0.5)
    return Segmentation([layer], 0.25, None, ["a note"])


def test_a_finished_stage_is_read_back_exactly_and_not_computed_again(tmp_path):
    made = a_segmentation()
    assert Checkpoints(tmp_path).stage("segment", "k" * 64, lambda: made) is made
    read = Checkpoints(tmp_path).stage("segment", "k" * 64, lambda: pytest.fail("computed again"))
    np.testing.assert_array_equal(read.layers[0].masks, made.layers[0].masks)
    np.testing.assert_array_equal(read.layers[0].path.H, made.layers[0].path.H)
    assert (read.layers[0].name, read.layers[0].path.model) == ("girl", "affine")
    assert (read.scale, read.notes) == (.25, ["a note"])
    assert read.unresolved is None and read.layers[0].path.support is None


def test_a_changed_key_computes_anew_and_replaces_the_old_file(tmp_path):
    Checkpoints(tmp_path).stage("cuts", chain("a", 1), lambda: [3])
    assert Checkpoints(tmp_path).stage("cuts", chain("a", 2), lambda: [5]) == [5]
    assert len(list(tmp_path.rglob("cuts-*"))) == 1


def test_an_interrupted_write_is_never_read(tmp_path):
    store = Checkpoints(tmp_path)
    store.stage("cuts", "x" * 64, lambda: [1])
    written = next(tmp_path.rglob("cuts-*"))
    written.rename(written.with_suffix(".part"))
    assert Checkpoints(tmp_path).stage("cuts", "x" * 64, lambda: [2]) == [2]


def test_what_is_kept_of_a_complete_result_is_packed_and_read_back_exactly(tmp_path):
    made, store = a_segmentation(), Checkpoints(tmp_path)
    for name in ("segment", "shot2-segment", "matte0"):
        store.stage(name, "k" * 64, lambda: made)
    (store.folder / "half.part").write_bytes(b"")
    store.clear(keep=("segment",))
    assert sorted(p.name.split("-kk")[0] for p in store.folder.iterdir()) == ["segment", "shot2-segment"]
    read = Checkpoints(tmp_path).stage("shot2-segment", "k" * 64, lambda: pytest.fail("computed again"))
    np.testing.assert_array_equal(read.layers[0].masks, made.layers[0].masks)
    store.clear()
    assert not store.folder.exists()


def test_what_will_be_kept_is_packed_as_it_is_written_and_not_written_again(tmp_path):
    made, store = a_segmentation(), Checkpoints(tmp_path)
    store.packed = ("segment",)
    for name in ("shot2-segment", "matte0"):
        store.stage(name, "k" * 64, lambda: made)
    kept, plain = (next(store.folder.glob(f"{name}-*")) for name in ("shot2-segment", "matte0"))
    assert _is_packed(kept) and not _is_packed(plain)
    before = kept.stat().st_ino
    store.clear(keep=("segment",))
    assert [p.stat().st_ino for p in store.folder.iterdir()] == [before]
    read = Checkpoints(tmp_path).stage("shot2-segment", "k" * 64, lambda: pytest.fail("computed again"))
    np.testing.assert_array_equal(read.layers[0].masks, made.layers[0].masks)


def test_without_checkpoints_nothing_is_written(tmp_path):
    assert Checkpoints(tmp_path, enabled=False).stage("cuts", "x", lambda: [1]) == [1]
    assert not list(tmp_path.iterdir())


def test_the_key_follows_the_frames_bytes_not_their_names(tmp_path):
    for name, data in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(data)
    assert files_hash([tmp_path / "a"]) == files_hash([tmp_path / "b"]) != files_hash([tmp_path / "c"])
