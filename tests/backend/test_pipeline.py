"""The whole engine on tiny clips: it finds what was drawn, resumes to the same bytes, and takes any length."""

import shutil

import numpy as np
import pytest
import torch
from small_clips import painted, walking_clip, write_frames

from toondecompose.engine.pipeline import decompose
from toondecompose.formats.errors import Cancelled
from toondecompose.formats.job import Job
from toondecompose.formats.result import read_result
from toondecompose.output.layers import LayerRenderer


class Listener:
    """Keeps what the engine reports; can cancel when a stage begins."""

    def __init__(self, cancel_at=None):
        self.stages, self.fractions, self.previews, self.warnings = [], [], [], []
        self.cancel_at, self.cancelled = cancel_at, False

    def stage(self, name, label, index, count):
        self.stages.append(name)
        self.cancelled = self.cancelled or name == self.cancel_at

    def progress(self, fraction):
        self.fractions.append(fraction)

    def preview(self, path, label):
        self.previews.append(path)

    def warning(self, message):
        self.warnings.append(message)


def run(folder, frames, listener=None, **settings):
    listener = listener or Listener()
    folder.mkdir(exist_ok=True)
    paths = write_frames(folder / "frames", frames)
    job = Job(frames=paths, output="out", device="cpu", **{"sprites": 2, **settings})
    decompose(job, folder, listener, lambda: listener.cancelled)
    return read_result(folder / "out")


def bytes_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
            and p.parent.name != ".work"}


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """One uninterrupted run of the walking clip -> (clip, folder, result, listener)."""
    clip, folder, listener = walking_clip(), tmp_path_factory.mktemp("walk"), Listener()
    return clip, folder, run(folder, clip["frames"], listener), listener


def test_the_figure_its_drawings_and_its_sheet_are_found(walked):
    clip, folder, result, _ = walked
    assert [s.kind for s in result.sprites] == ["background", "sprite"]
    sheet = np.array(result.sprites[1].exposure)
    same = sheet[:, None] == sheet[None]
    np.testing.assert_array_equal(same, clip["drawing"][:, None] == clip["drawing"][None])
    renderer = LayerRenderer(folder / "out", result)
    for t in (0, 3, 7):
        alpha = renderer.composite(t, [1], None)[..., 3]
        true = clip["alpha"][t].astype(np.float32)
        assert np.minimum(alpha, true).sum() / np.maximum(alpha, true).sum() > .95
    assert result.metrics["recomposition_psnr_mean"] > 38


def test_progress_only_grows_and_ends_at_one_with_a_preview_on_the_way(walked):
    listener = walked[3]
    assert listener.fractions == sorted(listener.fractions) and listener.fractions[-1] == pytest.approx(1)
    assert len(listener.previews) == 2 and listener.stages[:3] == ["read", "paths", "segment"]


def test_of_a_complete_result_only_what_no_hint_changes_is_kept(walked):
    kept = {p.name.split("-")[0] for p in (walked[1] / "out" / ".work").iterdir()}
    assert kept == {"cuts", "paths", "shade", "segment"}


def test_a_refined_run_starts_behind_what_its_hints_do_not_change(walked, tmp_path, monkeypatch):
    """As the add-on does: the kept stages are copied beside the new job's output."""
    clip, folder, plain, _ = walked
    shutil.copytree(folder / "out" / ".work", tmp_path / "out" / ".work")
    for name in ("find_paths", "segment"):
        monkeypatch.setattr(f"toondecompose.engine.shot.{name}", lambda *a, **k: pytest.fail("computed again"))
    y, x = np.argwhere(clip["alpha"][3] > .9).mean(0)
    hint = {"kind": "scribble", "sprite": 1, "frame": 3, "points": [[float(x), float(y)]], "radius": 2.0}
    refined = run(tmp_path, clip["frames"], hints=[hint])
    assert [s.kind for s in refined.sprites] == [s.kind for s in plain.sprites]


def test_a_cancelled_run_resumes_to_the_same_bytes(walked, tmp_path):
    clip, folder, _, _ = walked
    with pytest.raises(Cancelled):
        run(tmp_path, clip["frames"], Listener(cancel_at="matte"))
    assert not (tmp_path / "out" / "result.json").exists()
    kept = {p.name for p in (tmp_path / "out" / ".work").iterdir()}
    assert any(name.startswith("segment-") for name in kept)
    run(tmp_path, clip["frames"])
    assert bytes_of(tmp_path / "out") == bytes_of(folder / "out")


def test_a_cut_is_found_and_each_shot_has_its_own_layers(tmp_path):
    first = np.stack([painted(80, 48, 1)] * 4)
    second = np.stack([255 - painted(80, 48, 2)] * 4)
    result = run(tmp_path, np.concatenate([first, second]), sprites=1)
    assert result.clip.cuts == [4]
    assert [s.exposure for s in result.sprites] == [[0] * 4 + [None] * 4, [None] * 4 + [0] * 4]
    assert result.metrics["recomposition_psnr_mean"] > 40


@pytest.mark.parametrize(("frames", "size"), [(1, (80, 48)), (2, (81, 47)), (3, (33, 50))])
def test_very_short_clips_and_odd_sizes_recompose(tmp_path, frames, size):
    clip = walking_clip()["frames"][:frames, 192 - size[1]:, 100:100 + size[0]]
    result = run(tmp_path, clip, sprites="auto")
    assert result.clip.frame_count == frames and result.clip.size == size
    assert result.metrics["recomposition_psnr_mean"] > 30


def test_a_flat_grey_clip_is_one_background(tmp_path):
    result = run(tmp_path, np.full((3, 40, 60, 3), 128, np.uint8), sprites="auto")
    assert len(result.sprites) == 1
    assert result.metrics["recomposition_psnr_mean"] == 99


def test_nothing_is_booked_for_gradients_while_a_shot_is_decomposed(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("toondecompose.engine.pipeline._run",
                        lambda *_: seen.append(torch.is_inference_mode_enabled()) or tmp_path)
    frames = write_frames(tmp_path / "frames", [np.zeros((32, 48, 3), np.uint8)] * 2)
    decompose(Job(frames=frames, output="out", device="cpu", sprites=2), tmp_path, Listener(), lambda: False)
    assert seen == [True]
    assert not torch.is_inference_mode_enabled()
