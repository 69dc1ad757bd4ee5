"""job.json: what opens, what is refused and how, and what survives a rewrite."""

import json
from pathlib import Path

import pytest

from toondecompose.formats.errors import UserError
from toondecompose.formats.job import Job, job_from_dict, job_to_dict, read_job, write_job

BASELINE = Path(__file__).parent / "baselines" / "job_1.json"


def plain(**changes):
    return {"schema": "toondecompose.job/1", "frames": ["a.png"], "output": "out", **changes}


def test_a_job_of_version_1_keeps_opening():
    job = read_job(BASELINE)
    assert job.frames[2] == "frames/run ä 0003.png"
    assert (job.fps, job.frame_start, job.sprites, job.motion_model) == (23.976, 101, 3, "similarity")
    assert (job.quality, job.device, job.seed, job.diagnostics, job.name) == ("best", "cpu", 7, True, "run")
    assert job.hints[1]["note"] == "from a newer version"
    assert job.frame_paths("/shots")[0] == Path("/shots/frames/run ä 0001.png")


def test_unknown_keys_survive_a_rewrite(tmp_path):
    write_job(tmp_path / "job.json", read_job(BASELINE))
    assert json.loads((tmp_path / "job.json").read_text("utf-8")) == json.loads(BASELINE.read_text("utf-8"))


def test_only_frames_and_output_are_needed():
    job = job_from_dict(plain())
    assert job == Job(frames=["a.png"], output="out")
    assert job_from_dict(job_to_dict(job)) == job


@pytest.mark.parametrize(("changes", "words"), [
    ({"frames": []}, ["frames is empty"]),
    ({"frames": "a.png"}, ["frames", '"a.png"', "a list"]),
    ({"frames": ["a.png", 7]}, ["frames[1]", "7"]),
    ({"frames": ["a\0.png"]}, ["frames[0]", "control characters"]),
    ({"frames": [" "]}, ["frames[0]", "a path"]),
    ({"fps": 0}, ["fps is 0", "from 0.01"]),
    ({"fps": True}, ["fps is true", "a number"]),
    ({"fps": "24"}, ["fps", '"24"', "a number"]),
    ({"sprites": 0}, ["sprites is 0", "auto"]),
    ({"sprites": "two"}, ["sprites", '"two"']),
    ({"sprites": True}, ["sprites is true"]),
    ({"sprites": 10**9}, ["sprites is 1000000000"]),
    ({"motion_model": "warp"}, ["motion_model", '"warp"', "homography"]),
    ({"quality": None}, ["quality is null", "preview, standard, best"]),
    ({"device": "gpu"}, ["device", '"gpu"', "cuda"]),
    ({"seed": -1}, ["seed is -1"]),
    ({"seed": 1.5}, ["seed is 1.5", "whole number"]),
    ({"diagnostics": 1}, ["diagnostics is 1", "true or false"]),
    ({"output": ""}, ["output"]),
    ({"name": "x" * 500}, ["name", "…", "200"]),
    ({"hints": [{"kind": "shout"}]}, ["hints[0].kind", '"shout"']),
    ({"hints": [{"kind": "box", "box": [0, 0, 1]}]}, ["hints[0].box", "a list of 4"]),
    ({"hints": [{"kind": "scribble", "points": [[1, 2], [3, 1e300]]}]}, ["hints[0].points[1]"]),
    ({"hints": [{"kind": "merge", "sprite": -1}]}, ["hints[0].sprite"]),
    ({"schema": "toondecompose.result/1"}, ["schema", "toondecompose.job/1"]),
    ({"schema": "toondecompose.job/2"}, ["newer ToonDecompose", "update"]),
    ({"schema": None}, ["schema is null"]),
])
def test_a_wrong_value_is_named_with_what_was_expected(changes, words):
    with pytest.raises(UserError) as caught:
        job_from_dict(plain(**changes))
    for word in words:
        assert word in str(caught.value)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["schema", "frames", "output"])
def test_a_missing_key_is_named(key):
    data = plain()
    del data[key]
    with pytest.raises(UserError, match=f"no “{key}”"):
        job_from_dict(data)


@pytest.mark.parametrize(("content", "words"), [
    (b"", "not valid JSON"),
    (b"{", "not valid JSON"),
    (b"[]", "a list of 0"),
    (b"null", "null"),
    (b"\xff\xfe{}", "not UTF-8"),
    (b'{"schema": "toondecompose.job/1", "frames": ["a"], "output": "o", "fps": NaN}', "fps is NaN"),
    (b'{"schema": "toondecompose.job/1", "frames": ["a"], "output": "o", "new": {"deep": [1, 1e999]}}', "new.deep[1]"),
    (b'{"seed": 1, "seed": 2}', '"seed" is there twice'),
    (b'{"seed": ' + b"9" * 6000 + b"}", "too long"),
    (b"[" * 100_000, "nested too deeply"),
], ids=lambda v: repr(v[:30]))
def test_a_damaged_file_gives_a_sentence(tmp_path, content, words):
    (tmp_path / "job.json").write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_job(tmp_path / "job.json")
    assert words in str(caught.value) and "job.json" in str(caught.value)


def test_a_missing_file_and_a_folder_give_sentences(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_job(tmp_path / "no.json")
    with pytest.raises(UserError, match=r"folder|permission"):
        read_job(tmp_path)


def test_a_wrong_job_is_never_written(tmp_path):
    with pytest.raises(UserError):
        write_job(tmp_path / "job.json", Job(frames=["a"], output="o", fps=float("nan")))
    assert list(tmp_path.iterdir()) == []
