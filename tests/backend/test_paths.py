"""Finding rigid motions on small clips whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.paths import find_cuts, find_paths
from toondecompose.engine.paths.candidate import measured
from toondecompose.engine.paths.field import Field, Points, build_field
from toondecompose.engine.paths.follow import apart, follow
from toondecompose.engine.paths.groups import grid_points, project
from toondecompose.engine.paths.light import lighting
from toondecompose.engine.paths.refine import GrayFrames, ownership, refined
from toondecompose.engine.types import LayerPath
from toondecompose.formats.errors import UserError

SIZE = (200, 120)


def painting(seed: int, width: int = 420, height: int = 300) -> np.ndarray:
    """A drawn-looking picture: flat shapes with dark outlines. uint8 RGB."""
    rng = np.random.default_rng(seed)
    big = np.full((2 * height, 2 * width, 3), rng.integers(120, 230, 3), np.uint8)
    for _ in range(width * height // 900):
        centre = tuple(int(v) for v in rng.integers(0, (2 * width, 2 * height)))
        axes = tuple(int(v) for v in rng.integers(8, 45, 2))
        fill, angle = tuple(int(v) for v in rng.integers(0, 256, 3)), int(rng.integers(0, 180))
        cv2.ellipse(big, centre, axes, angle, 0, 360, fill, -1)
        cv2.ellipse(big, centre, axes, angle, 0, 360, (30, 25, 35), 3)
    return cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA)


def shown(picture: np.ndarray, H: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    """The picture moved by H (edge coordinates) into a frame."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    return cv2.warpPerspective(picture, np.linalg.inv(half) @ H @ half, size, flags=cv2.INTER_CUBIC,
                               borderMode=cv2.BORDER_REFLECT)


def shift(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def motion_error(path, truth: np.ndarray, where: np.ndarray | None = None) -> float:
    """Mean error of the frame-to-frame motion, px, over points of the frame."""
    if where is None:
        x, y = np.meshgrid(np.linspace(10, SIZE[0] - 10, 7), np.linspace(10, SIZE[1] - 10, 5))
        where = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    out = []
    for t in range(len(truth) - 1):
        a, b = (H[t + 1] @ np.linalg.inv(H[t]) @ where for H in (path.H, truth))
        out.append(np.linalg.norm(a[:2] / a[2] - b[:2] / b[2], axis=0).mean())
    return float(np.mean(out))


def clip_of(picture: np.ndarray, H: np.ndarray, grain: float = 0.0):
    rng = np.random.default_rng(5)
    frames = [np.clip(shown(picture, m) + rng.normal(0, grain, (SIZE[1], SIZE[0], 1)), 0, 255).astype(np.uint8)
              if grain else shown(picture, m) for m in H]
    return source_from_array(frames)


def test_pan_is_a_translation():
    H = np.stack([shift(-100 + 2.3 * t, -60 - 0.4 * t) for t in range(8)])
    best = find_paths(clip_of(painting(1), H), None)[0]
    assert best.model == "translation" and best.present.all()
    assert motion_error(best, H) < 0.05  # the clip itself is drawn to 1/32 px
    assert np.allclose(best.H[best.ref], np.eye(3))


def test_camera_on_twos_holds_exactly():
    H = np.stack([shift(-100 - 3.0 * (t // 2), -60) for t in range(8)])
    best = find_paths(clip_of(painting(2), H), None)[0]
    steps = np.diff(best.H[:, 0, 2])
    assert motion_error(best, H) < 0.05
    assert np.abs(steps[0::2]).max() < 0.02 and np.abs(steps[1::2] + 3).max() < 0.05


def test_zoom_with_turn_is_a_similarity():
    H = []
    for t in range(8):
        s, a = 1.02**t, 0.01 * t
        turn = np.array([[s * np.cos(a), -s * np.sin(a), 0], [s * np.sin(a), s * np.cos(a), 0], [0, 0, 1]])
        H.append(shift(100, 60) @ turn @ shift(-200, -150))
    best = find_paths(clip_of(painting(3), np.stack(H)), None)[0]
    assert best.model == "similarity"
    assert motion_error(best, np.stack(H)) < 0.05


def test_turning_camera_is_a_homography():
    H = []
    for t in range(9):
        p = np.eye(3)
        p[2, 0], p[2, 1], p[0, 2] = 2.5e-4 * t, -1e-4 * t, 1.5 * t
        H.append(shift(100, 60) @ p @ shift(-200, -150))
    best = find_paths(clip_of(painting(4), np.stack(H)), None)[0]
    assert best.model == "homography"
    assert motion_error(best, np.stack(H)) < 0.08


def test_two_planes_give_two_paths():
    far, near = painting(5), painting(6)
    truth = [np.stack([shift(-60 - v * t, -60) for t in range(10)]) for v in (1.0, 3.5)]
    mask = np.zeros(near.shape[:2], np.float32)
    mask[120:] = 1  # the lower half of the frame is the near plane
    frames = []
    for t in range(10):
        alpha = shown(mask, truth[1][t])[..., None]
        frames.append((shown(far, truth[0][t]) * (1 - alpha) + shown(near, truth[1][t]) * alpha).astype(np.uint8))
    found = find_paths(source_from_array(frames), None)
    for H in truth:
        best = min(found, key=lambda p: motion_error(p, H))
        assert best.model == "translation" and motion_error(best, H) < 0.05


def test_grain_does_not_hide_the_pan():
    H = np.stack([shift(-100 - 1.6 * t, -60) for t in range(8)])
    best = find_paths(clip_of(painting(7), H, grain=6), None)[0]
    assert best.model == "translation"
    assert motion_error(best, H) < 0.1


def test_still_clip_stays_still():
    paths = find_paths(clip_of(painting(8), np.stack([shift(-50, -50)] * 6)), 1)
    assert paths[0].model == "translation"
    assert np.abs(paths[0].H - np.eye(3)).max() < 1e-3


def test_flat_clip_has_a_path_without_evidence():
    paths = find_paths(source_from_array([np.full((70, 91, 3), 180, np.uint8)] * 4), 2)
    assert len(paths) == 1 and paths[0].gain == 0
    assert np.array_equal(paths[0].H, np.tile(np.eye(3), (4, 1, 1)))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_shortest_clips(count):
    H = np.stack([shift(-100 - 2 * t, -60) for t in range(count)])
    paths = find_paths(clip_of(painting(9), H), None)
    assert paths[0].H.shape == (count, 3, 3) and all(path.present.any() for path in paths)
    if count > 1:
        assert motion_error(paths[0], H) < 0.05


def test_tiny_and_odd_sizes():
    picture = painting(10)
    for w, h in ((7, 5), (33, 21), (161, 97)):
        frames = [np.ascontiguousarray(picture[20 : 20 + h, 20 + t : 20 + t + w]) for t in range(3)]
        assert find_paths(source_from_array(frames), None)[0].H.shape == (3, 3, 3)


def test_forced_model_is_honoured():
    H = np.stack([shift(-100 - 2 * t, -60) for t in range(5)])
    paths = find_paths(clip_of(painting(11), H), 1, motion_model="homography")
    assert {p.model for p in paths} == {"homography"}
    with pytest.raises(UserError):
        find_paths(clip_of(painting(11), H), 1, motion_model="wobble")


def test_same_bytes_with_one_and_two_threads():
    H = np.stack([shift(-100 - 2.5 * t, -60 + 0.3 * t) for t in range(6)])
    source = clip_of(painting(12), H, grain=2)
    before = cv2.getNumThreads()
    try:
        runs = []
        for threads in (1, 2, 2):
            cv2.setNumThreads(threads)
            runs.append(b"".join(p.H.tobytes() for p in find_paths(source, None, seed=3)))
    finally:
        cv2.setNumThreads(before)
    assert runs[0] == runs[1] == runs[2]


def test_cancelled_search_still_returns_a_path():
    H = np.stack([shift(-100 - 2 * t, -60) for t in range(4)])
    done: list[float] = []
    assert find_paths(clip_of(painting(13), H), None, cancelled=lambda: True, progress=done.append)
    assert done == sorted(done) and max(done) <= 1


def test_cuts_between_shots_and_none_at_a_flash_or_a_whip():
    first, second = painting(20), painting(21)[:, :, ::-1] // 2
    shots = [shown(first, shift(-20 - 4 * t, -60)) for t in range(6)]
    shots += [shown(second, shift(-20, -60 - 2 * t)) for t in range(6)]
    assert find_cuts(source_from_array(shots)) == [6]
    flash = [shown(first, shift(-20 - 4 * t, -60)) for t in range(8)]
    flash[3] = np.full_like(flash[3], 255)
    flash[4] = np.clip(flash[4].astype(int) + 110, 0, 255).astype(np.uint8)
    assert find_cuts(source_from_array(flash)) == []
    whip = [shown(first, shift(-55 * t, -60)) for t in range(4)]
    assert find_cuts(source_from_array(whip)) == []
    assert find_cuts(source_from_array(shots[:1])) == []


def test_grain_does_not_make_an_even_pan_tremble():
    H = np.stack([shift(-100 - 1.625 * t, -60) for t in range(14)])  # drawn exactly: whole 32nds of a pixel
    best = find_paths(clip_of(painting(7), H, grain=9), None)[0]
    assert motion_error(best, H) < 0.02


def test_grain_does_not_hide_a_shake():
    shake = np.random.default_rng(1).integers(-48, 49, (14, 2)) / 32
    H = np.stack([shift(-100 - 1.5 * t + x, -60 + y) for t, (x, y) in enumerate(shake)])
    best = find_paths(clip_of(painting(7), H, grain=9), None)[0]
    assert motion_error(best, H) < 0.12


def exactly_shown(fine: np.ndarray, x: float, y: float, scale: int = 4) -> np.ndarray:
    """The part of a picture drawn `scale` times finer that starts at (x, y) frame px, without interpolation errors."""
    left, top = round(x * scale), round(y * scale)
    return cv2.resize(fine[top : top + SIZE[1] * scale, left : left + SIZE[0] * scale], SIZE,
                      interpolation=cv2.INTER_AREA)


def test_soft_plane_behind_leaves_is_exact():
    """A plane with a few soft edges, seen through gaps of another: the front plane's rims must not drag it along."""
    rainbow = np.full((800, 1400, 3), (90, 150, 190), np.uint8)
    for k, colour in enumerate(((210, 60, 50), (230, 190, 60), (80, 170, 90), (70, 80, 180))):
        cv2.ellipse(rainbow, (700, 600), (480 - 36 * k, 400 - 36 * k), 0, 180, 360, colour, 36)
    rainbow = cv2.GaussianBlur(rainbow, (0, 0), 12)
    leaves, hides = painting(14, 1400, 800), np.zeros((800, 1400), np.float32)
    hides[360:] = 1
    rng = np.random.default_rng(2)
    for x, y in zip(rng.integers(0, 1400, 26), rng.integers(50, 400, 26), strict=True):
        cv2.circle(hides, (int(x), int(y)), 36, 1, -1)
    hides = cv2.GaussianBlur(hides, (0, 0), 3)
    at = [[(20 + v * t, 20 + 0.25 * (t % 3)) for t in range(12)] for v in (1.25, 4.0)]
    frames = []
    for far, near in zip(*at, strict=True):
        alpha = exactly_shown(hides, *near)[..., None]
        frame = exactly_shown(rainbow, *far) * (1 - alpha) + exactly_shown(leaves, *near) * alpha
        frames.append(np.rint(frame).astype(np.uint8))
    found = find_paths(source_from_array(frames), None)
    for way in at:
        H = np.stack([shift(-x, -y) for x, y in way])
        assert min(motion_error(p, H) for p in found) < 0.015


def test_small_sprite_that_spins_and_grows_is_followed():
    """24 px, 14 degrees and 5 % per frame: more than optical flow can see."""
    size, count = (320, 180), 13
    sky = cv2.GaussianBlur(painting(15, 500, 300), (0, 0), 1.2) // 3 + 120
    toy = np.zeros((120, 120, 4), np.uint8)
    for shape, colour in ((((60, 60), (46, 20)), (240, 120, 20)), (((75, 40), (12, 30)), (250, 210, 40)),
                          (((30, 62), (9, 9)), (40, 60, 200)), (((88, 60), (8, 6)), (250, 250, 250))):
        cv2.ellipse(toy, shape[0], shape[1], 0, 0, 360, (*colour, 255), -1, cv2.LINE_AA)
        cv2.ellipse(toy, shape[0], shape[1], 0, 0, 360, (30, 20, 20, 255), 3, cv2.LINE_AA)
    camera, sprite, frames = [], [], []
    for t in range(count):
        s, a = 0.5 * 1.05**t, np.deg2rad(14 * t)
        turn = np.array([[s * np.cos(a), -s * np.sin(a), 0], [s * np.sin(a), s * np.cos(a), 0], [0, 0, 1]])
        camera.append(shift(-60 - 0.5 * t, -50))
        sprite.append(shift(30 + 21 * t, 120 - 22 * t + 1.6 * t * t) @ turn @ shift(-60, -60))
        cel = cv2.warpAffine(toy, (shift(-0.5, -0.5) @ sprite[-1] @ shift(0.5, 0.5))[:2], size)  # premultiplied
        hidden = 1 - cel[..., 3:] / 255
        frames.append(np.rint(shown(sky, camera[-1], size) * hidden + cel[..., :3]).clip(0, 255).astype(np.uint8))
    found = find_paths(source_from_array(frames), 2)
    corners = np.array([[15, 15, 1], [105, 15, 1], [105, 105, 1], [15, 105, 1.0]]).T
    off = []
    for t in range(count - 1):
        here = sprite[t] @ corners
        there = (sprite[t + 1] @ corners)[:2]
        ends = [p.H[t + 1] @ np.linalg.inv(p.H[t]) @ here for p in found]
        off.append([np.linalg.norm(e[:2] / e[2] - there, axis=0).mean() for e in ends])
    assert np.mean(off, 0).min() < 0.15
    assert min(motion_error(p, np.stack(camera)) for p in found) < 0.05


@pytest.mark.parametrize("light", ["fade", "flash", "flicker"])
def test_changing_light_does_not_hide_the_pan(light):
    H = np.stack([shift(-100 - 2.5 * t, -60) for t in range(14)])
    gain, lift = np.ones(14), np.zeros(14)
    if light == "fade":
        gain = np.minimum(1, (np.arange(14) + 1) / 9)
    elif light == "flash":
        gain[5], gain[6], lift[5], lift[6] = 1.5, 1.2, 45, 20
    else:
        gain = 1 + np.random.default_rng(3).uniform(-0.12, 0.12, 14)
    frames = [np.clip(np.rint(shown(painting(16), m) * g + o), 0, 255).astype(np.uint8)
              for m, g, o in zip(H, gain, lift, strict=True)]
    best = find_paths(source_from_array(frames), None)[0]
    assert best.model == "translation" and best.present.sum() >= 13
    assert motion_error(best, H) < 0.05


def test_light_that_does_not_change_is_left_alone():
    walls = np.stack([shown(painting(17), shift(-100 - 2.5 * t, -60)) for t in range(8)])
    for t in range(8):  # a bright figure walks through: that is not the shot's light
        cv2.rectangle(walls[t], (10 + 15 * t, 30), (70 + 15 * t, 115), (250, 250, 240), -1)
    assert lighting(walls[..., 1]) is None


def test_whip_pan_by_a_quarter_of_the_frame_is_followed():
    x = np.cumsum([0, 2, 6, 20, 45, 50, 50, 50, 45, 20, 6, 2])
    H = np.stack([shift(-10 - v, -60) for v in x]).astype(np.float64)
    best = find_paths(clip_of(painting(18, 640), H), None)[0]
    assert best.model == "translation" and motion_error(best, H) < 0.02


def test_motion_runs_on_where_the_picture_is_black():
    H = np.stack([shift(-100 - 2.0 * t, -60) for t in range(12)])
    frames = [shown(painting(19), m) // (1 if t not in (5, 6) else 255) for t, m in enumerate(H)]
    best = find_paths(source_from_array(frames), None)[0]
    assert motion_error(best, H) < 0.05 and not best.present[5:7].any()


def test_wrong_model_of_the_search_is_repaired_near_full_resolution():
    """A camera that rolls by a third of a degree was taken for a pan at search size."""
    H = []
    for t in range(10):
        a = 0.006 * np.sin(1.3 * t)
        turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        H.append(shift(100 - 1.5 * t, 60) @ turn @ shift(-200, -150))
    source = clip_of(painting(3), np.stack(H))
    field = build_field(source, 0)
    wrong = measured(np.stack([project(m @ np.linalg.inv(H[5]), 2, grid_points(SIZE)) for m in H]), 5, 2, field)
    found, dof = refined(wrong, ownership([wrong], field)[0], GrayFrames(source, SIZE[0], field), field, 0, True)
    assert dof == 4
    assert motion_error(LayerPath(found, wrong.present, 5, "similarity", 0.0), np.stack(H)) < 0.03


def test_frames_kept_on_disk_give_the_same_path(tmp_path, monkeypatch):
    from toondecompose.engine.paths import field as field_module
    from toondecompose.engine.paths import refine as refine_module

    H = np.stack([shift(-100 + 2.3 * t, -60 - 0.4 * t) for t in range(10)])
    plain = find_paths(clip_of(painting(1), H), None)
    monkeypatch.setattr(field_module, "KEPT_PIXELS", 0)
    monkeypatch.setattr(refine_module, "SOFT_PIXELS", 0)
    source = clip_of(painting(1), H)
    source.keep_decoded(tmp_path)
    written = []
    write = type(source.scratch((2, 2))).write
    monkeypatch.setattr("toondecompose.engine.clip.Scratch.write", lambda s, t, f: written.append(t) or write(s, t, f))
    kept = find_paths(source, None)
    source.close()
    assert written
    for a, b in zip(plain, kept, strict=True):
        np.testing.assert_array_equal(a.H, b.H)


def seen_moving(count: int, groups: list[tuple[np.ndarray, tuple[float, float], range]]) -> Field:
    """A field of `count` frames: per group its points [n, 2] in frame 0, its step, and where flow sees it."""
    points = []
    for t in range(count):
        at = np.concatenate([where + np.multiply(step, t) for where, step, _ in groups])
        step = np.concatenate([np.tile(step, (len(where), 1)) for where, step, _ in groups]).astype(float)
        ahead, behind = (np.concatenate([np.full(len(where), t in frames and n in frames and 0 <= n < count)
                                         for where, _, frames in groups]) for n in (t + 1, t - 1))
        one = np.ones(len(at))
        points.append(Points(at, one, np.tile(np.eye(2), (len(at), 1, 1)), one, one, one, at + step, ahead,
                             at - step, behind))
    return Field(np.zeros((count, *SIZE[::-1]), np.uint8), 0.0, 1.0, 1.0, 0.0, points)


def scattered(x: float, y: float, n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform((x, y), (x + 24, y + 24), (n, 2))


def test_points_that_move_along_with_a_known_path_are_put_aside():
    field = seen_moving(4, [(scattered(20, 20, 9, 0), (0, 0), range(4)), (scattered(80, 40, 5, 1), (6, 0), range(4))])
    still = np.tile(np.eye(3), (4, 1, 1))
    for own in apart(field, [still], [np.full(14, 0.7)] * 4):
        assert not own[:9].any() and (own[9:] == 0.7).all()


@pytest.mark.parametrize("straight", [True, False])
def test_a_layer_that_flow_loses_for_a_while_moves_on_and_not_as_what_else_moves_there(straight):
    count, lost = 12, (6, 7)
    before, after = range(lost[0] + 1), range(lost[1] + 1, count)
    car = scattered(20, 40, 60, 2)
    groups = [(car, (7, 0), [*before, *after]), (scattered(100, 50, 10, 3), (-4, 3), range(lost[0], lost[1] + 2))]
    field = seen_moving(count, groups)
    H, _ = follow(field, 2, 2, [np.ones(70)] * count, np.random.default_rng(0), straight)
    steps = np.diff(H[:, 0, 2])
    assert np.abs(steps[: lost[0]] - 7).max() < 0.1
    assert (np.abs(steps[lost[0] : lost[1] + 1] - 7).max() < 0.1) == straight
