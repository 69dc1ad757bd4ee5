"""result.json: what opens, what is refused and how, and that its presence means complete."""

import copy
import json
import os
from pathlib import Path

import numpy as np
import pytest
from backend.result_maker import picture, small_result

from toondecompose.formats.errors import UserError
from toondecompose.formats.result import read_result, result_from_dict, result_to_dict, write_result
from toondecompose.worker.dummy import png_bytes

BASELINE = Path(__file__).parent / "baselines" / "result_1.json"


def baseline():
    return json.loads(BASELINE.read_text("utf-8"))


def change(data, path, value):
    """A copy with one value changed; path: keys and indices."""
    data = copy.deepcopy(data)
    item = data
    for key in path[:-1]:
        item = item[key]
    item[path[-1]] = value
    return data


def refused(data):
    with pytest.raises(UserError) as caught:
        result_from_dict(data)
    sentence = str(caught.value)
    assert sentence.startswith("result.json") and sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_a_result_of_version_1_keeps_opening():
    result = result_from_dict(baseline())
    assert [s.name for s in result.sprites] == ["background", "girl"]  # sorted back to front
    girl = result.sprites[1]
    assert girl.exposure == [0, 1, None] and girl.canvas_size == (16, 24) and girl.confidence == 0.75
    assert girl.transform.shape == (3, 3, 3) and girl.transform[2, 2, 0] == 0.0001
    assert girl.opacity.tolist() == [1.0, 0.5, 0.0]
    assert (result.clip.size, result.clip.frame_start, result.clip.cuts) == ((64, 48), 101, [2])
    assert result.metrics == {"recomposition_psnr_mean": 41.5}


def test_unknown_keys_and_every_digit_survive_a_rewrite():
    data = baseline()
    data["sprites"][0]["transform"][0][0][2] = 0.1 + 0.2
    again = result_to_dict(result_from_dict(data))
    data["sprites"].sort(key=lambda s: s["order"])
    assert again == data


@pytest.mark.parametrize(("path", "value", "words"), [
    (("clip", "size"), [0, 48], ["clip.size[0] is 0"]),
    (("clip", "size"), [60000, 60000], ["clip.size", "pixels"]),
    (("clip", "size"), [64], ["clip.size", "a list of 2"]),
    (("clip", "fps"), -1, ["clip.fps is -1"]),
    (("clip", "frame_count"), 10**9, ["clip.frame_count is 1000000000"]),
    (("clip", "frame_count"), 4, ["exposure is a list of 3", "a list of 4"]),
    (("clip", "frame_start"), 1.5, ["frame_start is 1.5", "whole number"]),
    (("clip", "cuts"), [3], ["clip.cuts[0] is 3"]),
    (("sprites",), [], ["sprites is a list of 0"]),
    (("sprites", 0, "order"), 0, ["order is 0", "already"]),
    (("sprites", 0, "kind"), "actor", ["kind", '"actor"', "background, sprite"]),
    (("sprites", 0, "drawings"), [], ["drawings is a list of 0"]),
    (("sprites", 0, "exposure", 1), 2, ["exposure[1] is 2", "0 to 1"]),
    (("sprites", 0, "exposure", 1), -1, ["exposure[1] is -1"]),
    (("sprites", 0, "exposure", 1), 0.0, ["exposure[1] is 0.0"]),
    (("sprites", 0, "exposure", 1), True, ["exposure[1] is true"]),
    (("sprites", 0, "exposure"), [0], ["exposure is a list of 1", "a list of 3"]),
    (("sprites", 0, "transform", 1, 0, 2), float("nan"), ["sprites[0].transform[1][0][2] is NaN"]),
    (("sprites", 0, "transform", 1, 0, 2), float("inf"), ["transform[1][0][2]"]),
    (("sprites", 0, "transform", 1, 0, 2), 1e30, ["transform[1][0][2]"]),
    (("sprites", 0, "transform", 1, 0, 2), "3", ["transform[1][0][2]", '"3"']),
    (("sprites", 0, "transform", 1), [[1, 0, 0], [0, 1, 0]], ["transform[1] is a list of 2", "a list of 3"]),
    (("sprites", 0, "transform", 1, 2), [0, 0], ["transform[1][2] is a list of 2"]),
    (("sprites", 0, "transform", 1, 2), [0, 0, 2], ["transform[1][2][2] is 2", "1 was expected"]),
    (("sprites", 0, "transform", 1), [[1, 2, 0], [2, 4, 0], [0, 0, 1]], ["transform[1]", "undone"]),
    (("sprites", 0, "opacity", 2), 1.5, ["opacity[2] is 1.5", "from 0 to 1"]),
    (("sprites", 0, "motion_model"), "auto", ["motion_model"]),
    (("sprites", 0, "confidence"), 2, ["confidence is 2"]),
    (("sprites", 0, "canvas_size"), [16, -24], ["canvas_size[1] is -24"]),
    (("sprites", 0, "seen"), "../seen.png", ["seen", "refused"]),
    (("preview",), "/etc/passwd", ["preview", "refused"]),
    (("schema",), "toondecompose.result/9", ["newer ToonDecompose"]),
    (("metrics",), [], ["metrics"]),
])
def test_a_wrong_value_is_named_with_what_was_expected(path, value, words):
    sentence = refused(change(baseline(), path, value))
    for word in words:
        assert word in sentence, sentence


@pytest.mark.parametrize("path", [
    "../0001.png", "a/../../0001.png", "/0001.png", "C:/0001.png", "C:0001.png", "\\\\server\\share\\0001.png",
    "a\\b.png", "a//b.png",
    "./a.png", "a/./b.png", "", "a/", "nul", "a/CON.png", "com1.png", "LPT9", "COM¹.png", "a/aux .png",
    "a.png ", "a.png.", "a/b:stream.png", "a\0.png", "a\n.png", "\ud800.png", "x" * 2000, "what?.png", "*.png", 7, None,
])
def test_a_path_that_leads_elsewhere_is_refused(path):
    assert "drawings[0]" in refused(change(baseline(), ("sprites", 0, "drawings", 0), path))


@pytest.mark.parametrize("path", ["ä 1/漢字 %04d #1.png", "-rf.png", "~/a.png", "console/nullify.png", "..a/b..png"])
def test_an_unusual_path_inside_the_folder_is_fine(path):
    assert result_from_dict(change(baseline(), ("sprites", 0, "drawings", 0), path)).sprites[1].drawings[0] == path


def test_names_that_are_one_file_on_some_systems_are_refused():
    data = change(baseline(), ("sprites", 0, "drawings"), ["a/É1.png", "a/é1.PNG"])
    assert "same file" in refused(data)


def test_what_was_written_reads_back(tmp_path):
    result = small_result(tmp_path)
    for named in (tmp_path, tmp_path / "result.json", str(tmp_path)):
        again = read_result(named)
        assert again.sprites[1].exposure == result.sprites[1].exposure
        assert np.array_equal(again.sprites[1].transform, result.sprites[1].transform)
    text = (tmp_path / "result.json").read_text("utf-8")
    assert "[[1.0, 0.0, 10.0], [0.0, 1.0, 8.0], [0.0, 0.0, 1.0]]" in text  # one line per transform, for people
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".tmp"]


def test_a_folder_without_result_json_is_not_finished(tmp_path):
    small_result(tmp_path)
    (tmp_path / "result.json").unlink()
    with pytest.raises(UserError, match=r"no result\.json"):
        read_result(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        read_result(tmp_path / "nowhere")


def test_a_missing_picture_is_named(tmp_path):
    small_result(tmp_path)
    (tmp_path / "sprites/01_girl/drawings/0002.png").unlink()
    with pytest.raises(UserError, match=r"sprites\[1\]\.drawings\[1\].*0002\.png.*missing"):
        read_result(tmp_path)


@pytest.mark.parametrize(("content", "words"), [
    (b"", "not a PNG"), (b"GIF89a" + bytes(100), "not a PNG"), (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a PNG"),
    (png_bytes(picture(16, 24))[:200], "cut off"), (png_bytes(picture(24, 16)), "24 x 16 px"),
])
def test_a_damaged_picture_gives_a_sentence(tmp_path, content, words):
    small_result(tmp_path)
    (tmp_path / "sprites/01_girl/drawings/0002.png").write_bytes(content)
    with pytest.raises(UserError, match=words):
        read_result(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
@pytest.mark.parametrize("link", ["sprites/01_girl/drawings/0002.png", "sprites/01_girl", "sprites"])
def test_links_are_refused_even_when_they_stay_inside(tmp_path, link):
    folder = tmp_path / "result"
    folder.mkdir()
    small_result(folder)
    (folder / link).rename(folder / "elsewhere")
    (folder / link).symlink_to(folder / "elsewhere")
    with pytest.raises(UserError, match="is a link"):
        read_result(folder)


def test_a_folder_in_place_of_a_picture_is_refused(tmp_path):
    small_result(tmp_path)
    (tmp_path / "sprites/01_girl/drawings/0002.png").unlink()
    (tmp_path / "sprites/01_girl/drawings/0002.png").mkdir()
    with pytest.raises(UserError, match="not an ordinary file"):
        read_result(tmp_path)


def test_a_wrong_result_is_never_written(tmp_path):
    result = small_result(tmp_path)
    before = (tmp_path / "result.json").read_bytes()
    result.sprites[1].transform[2, 0, 0] = np.nan
    with pytest.raises(UserError, match="NaN"):
        write_result(tmp_path, result)
    assert (tmp_path / "result.json").read_bytes() == before
