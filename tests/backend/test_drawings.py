"""The exposure sheet on tiny drawn clips: who shows the same drawing, and where."""

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.drawings.correlate import likely_pairs
from toondecompose.engine.drawings.expose import expose
from toondecompose.engine.drawings.match import Book, match
from toondecompose.engine.drawings.models import worth
from toondecompose.engine.drawings.patches import cut_patches
from toondecompose.engine.drawings.pixels import strongest
from toondecompose.engine.types import LayerPath
from toondecompose.formats.conventions import edge_from_centre

W, H = 288, 176


def drawing(pose: int, mouth: bool = False) -> np.ndarray:
    """RGBA uint8 [104, 80, 4]: a little figure; pose moves its limbs, mouth opens its mouth."""
    big = np.zeros((208, 160, 4), np.uint8)
    ink, skin, cloth = (30, 20, 20, 255), (235, 190, 160, 255), (60, 90, 200, 255)
    cv2.ellipse(big, (80, 60), (44, 48), 0, 0, 360, ink, -1)
    cv2.ellipse(big, (80, 60), (38, 42), 0, 0, 360, skin, -1)
    cv2.circle(big, (64, 50), 7, ink, -1)
    cv2.circle(big, (98, 50), 7, ink, -1)
    cv2.ellipse(big, (82, 80), (16, 10 if mouth else 2), 0, 0, 360, (150, 30, 30, 255), -1)
    cv2.rectangle(big, (50, 104), (112, 164), ink, -1)
    cv2.rectangle(big, (56, 108), (106, 158), cloth, -1)
    swing = [-34, 30, 0][pose]
    cv2.line(big, (64, 160), (64 + swing, 200), ink, 16)
    cv2.line(big, (98, 160), (98 - swing, 200), ink, 16)
    cv2.line(big, (106, 120), (140 + swing // 3, 130 + swing), ink, 14)
    return cv2.resize(big, (80, 104), interpolation=cv2.INTER_AREA)


def clip(figures: list[np.ndarray], places: list[tuple[float, float]], noise: float = 0.0, pan: int = 2):
    """Frames over a panning painted background -> (source, masks)."""
    rng = np.random.default_rng(3)
    wide = cv2.resize(rng.integers(60, 220, (10, 24, 3)).astype(np.uint8), (W + 120, H), interpolation=cv2.INTER_CUBIC)
    frames, masks = [], []
    for t, (figure, (x, y)) in enumerate(zip(figures, places, strict=True)):
        front = figure.astype(np.float32) / 255
        front[..., :3] *= front[..., 3:]
        front = cv2.warpAffine(front, np.array([[1, 0, x], [0, 1, y]], np.float32), (W, H), flags=cv2.INTER_LINEAR)
        back = wide[:, pan * t : pan * t + W].astype(np.float32)
        frame = front[..., :3] * 255 + back * (1 - front[..., 3:])
        frame = frame + noise * rng.normal(size=frame.shape)
        frames.append(np.clip(np.rint(frame), 0, 255).astype(np.uint8))
        masks.append(np.rint(front[..., 3] * 255).astype(np.uint8))
    return source_from_array(np.array(frames)), np.array(masks)


def groups(drawing_of_frame) -> list[int]:
    """Renumber by first appearance, so sheets can be compared."""
    seen = {}
    return [seen.setdefault(int(d), len(seen)) for d in drawing_of_frame]


def test_cycle_on_twos_is_reused_and_followed():
    poses = [0, 0, 1, 1, 2, 2, 0, 0, 1, 1]
    places = [(20 + 3.5 * t, 20 + 0.5 * (t % 3)) for t in range(10)]
    sheet = expose(*clip([drawing(p) for p in poses], places), 1.0)
    assert groups(sheet.drawing) == poses
    assert sheet.model == "translation"
    for t, u in ((0, 1), (0, 6), (3, 9)):
        step = sheet.H[u] @ np.linalg.inv(sheet.H[t])
        assert step[:2, 2] == pytest.approx(np.subtract(places[u], places[t]), abs=0.1)


def test_changed_mouth_is_another_drawing_of_a_held_figure():
    mouths = [0, 0, 0, 1, 1, 0, 0, 1]
    sheet = expose(*clip([drawing(2, bool(m)) for m in mouths], [(50, 20)] * 8), 1.0)
    assert groups(sheet.drawing) == mouths
    assert np.abs(sheet.H - sheet.H[0]).max() < 0.3


def test_drawings_on_ones_stay_apart():
    figures = [drawing(0), drawing(1), drawing(0, True), drawing(1, True)]
    sheet = expose(*clip(figures, [(30 + 5 * t, 20) for t in range(4)]), 1.0)
    assert len(set(sheet.drawing)) == 4


def test_mirrored_reuse_is_the_same_drawing_with_a_mirrored_transform():
    figures = [drawing(0)] * 2 + [drawing(0)[:, ::-1]] * 2
    sheet = expose(*clip(figures, [(60, 30), (66, 30), (140, 30), (134, 30)]), 1.0)
    assert len(set(sheet.drawing)) == 1
    assert np.sign(np.linalg.det(sheet.H)).tolist() in ([1, 1, -1, -1], [-1, -1, 1, 1])


@pytest.mark.parametrize("lost", ["beside it", "far off"])
def test_a_rigid_motion_that_loses_a_sprite_which_turns_round_is_not_followed_there(lost):
    places = [(40 + 8 * t, 30) for t in range(6)] + [(80 - 8 * t, 30) for t in range(4)]
    source, masks = clip([drawing(0)] * 6 + [drawing(0)[:, ::-1]] * 4, places)
    wrong = np.tile(np.eye(3), (10, 1, 1))  # right until the sprite turns round, then it stays or runs on
    wrong[:, 0, 2] = [40 + 8 * t for t in range(6)] + ([80] * 4 if lost == "beside it" else [140] * 4)
    wrong[:, 1, 2] = 30
    path = LayerPath(wrong, np.ones(10, bool), 5, "translation", 1.0, None)
    pan = np.tile(np.eye(3), (10, 1, 1))
    pan[:, 0, 2] = -2.0 * np.arange(10)
    plane = LayerPath(pan, np.ones(10, bool), 0, "translation", 1.0, None)
    sheet = expose(source, masks, 1.0, path=path, planes=[plane])
    assert len(set(sheet.drawing)) == 1
    assert np.sign(np.linalg.det(sheet.H)).tolist() == [1] * 6 + [-1] * 4
    centre = [(h @ np.linalg.inv(sheet.H[0]) @ [40 + 40, 30 + 52, 1])[0] for h in sheet.H]
    assert centre == pytest.approx([x + 40 for x, _ in places], abs=0.3)


def test_one_frame_and_an_absent_sprite():
    source, masks = clip([drawing(1)], [(40, 20)])
    assert expose(source, masks, 1.0).drawing.tolist() == [0]
    gone = expose(source, masks * 0, 1.0)
    assert gone.drawing.tolist() == [-1]


def test_absent_frames_are_minus_one():
    source, masks = clip([drawing(1)] * 4, [(40 + 4 * t, 20) for t in range(4)])
    masks[2] = 0
    assert expose(source, masks, 1.0).drawing.tolist() == [0, 0, -1, 0]


def test_partly_hidden_exposures_are_compared_on_what_both_show():
    source, masks = clip([drawing(1)] * 6, [(30 + 4 * t, 20) for t in range(6)])
    frames = np.array([source.read(t) for t in range(6)])
    hidden = np.zeros_like(masks)
    for t in (2, 3):  # a post in front
        frames[t, :, 70:84] = (10, 120, 10)
        hidden[t, :, 70:84] = 255
        masks[t, :, 70:84] = 0
    sheet = expose(source_from_array(frames), masks, 1.0, hidden=hidden)
    assert len(set(sheet.drawing)) == 1
    assert (sheet.H[3] @ np.linalg.inv(sheet.H[0]))[0, 2] == pytest.approx(12, abs=0.15)


def test_grain_does_not_split_drawings():
    poses = [0, 0, 1, 1, 0, 0]
    sheet = expose(*clip([drawing(p) for p in poses], [(30 + 4 * (t // 2), 20) for t in range(6)], noise=6.0), 1.0)
    assert groups(sheet.drawing) == poses


def test_same_bytes_with_one_and_two_threads():
    source, masks = clip([drawing(p) for p in (0, 0, 1, 1)], [(30 + 3.3 * t, 20) for t in range(4)])
    before = torch.get_num_threads()
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(expose(source, masks, 1.0))
    torch.set_num_threads(before)
    assert results[0].H.tobytes() == results[1].H.tobytes()
    assert results[0].drawing.tolist() == results[1].drawing.tolist()


def pan(step: float, count: int) -> LayerPath:
    """The background's motion in `clip`: to the left, px per frame."""
    motion = np.tile(np.eye(3), (count, 1, 1))
    motion[:, 0, 2] = -step * np.arange(count)
    return LayerPath(motion, np.ones(count, bool), 0, "translation", 1.0)


def test_background_inside_a_rough_mask_is_no_changed_drawing():
    poses = [0, 0, 1, 1, 0, 0, 1, 1]
    places = [(40 + 6.5 * (t // 2), 20) for t in range(8)]
    source, masks = clip([drawing(p) for p in poses], places, pan=5)
    for t in (1, 4, 6):  # a strip along the figure's back
        x, y = (int(v) for v in places[t])
        masks[t, y + 10 : y + 90, x - 6 : x + 30] = 255
    sheet = expose(source, masks, 1.0, planes=[pan(5, 8)])
    assert groups(sheet.drawing) == poses


def test_background_creeping_behind_a_gap_is_no_changed_drawing():
    figure = drawing(2)
    figure[56:78, 32:50] = 0  # a window in the body that the masks have filled
    source, masks = clip([figure] * 10, [(60, 20)] * 10, pan=1)
    masks[:, 20 + 50 : 20 + 84, 60 + 30 : 60 + 52] = 255
    sheet = expose(source, masks, 1.0, planes=[pan(1, 10)])
    assert len(set(sheet.drawing)) == 1


def test_mouth_that_opens_in_front_of_a_pan_is_another_drawing():
    mouths = [0, 0, 0, 1, 1, 1, 0, 0]
    source, masks = clip([drawing(2, bool(m)) for m in mouths], [(50, 20)] * 8, pan=3)
    sheet = expose(source, masks, 1.0, planes=[pan(3, 8)])
    assert groups(sheet.drawing) == mouths


def test_eyes_that_close_for_one_frame_before_a_slow_pan_make_another_drawing():
    closed = drawing(2)
    closed[18:32, 26:54] = (235, 190, 160, 255)
    source, masks = clip([closed if t == 8 else drawing(2) for t in range(16)], [(50, 20)] * 16, pan=1)
    sheet = expose(source, masks, 1.0, planes=[pan(1, 16)])
    assert groups(sheet.drawing) == [int(t == 8) for t in range(16)]


def test_symmetric_figure_hidden_in_part_is_not_split_by_its_mirror_image():
    figure = drawing(2)
    figure[:, 40:] = figure[:, :40][:, ::-1]  # but for a badge on one side
    figure[60:70, 50:56] = (240, 220, 60, 255)
    source, masks = clip([figure] * 8, [(40 + 8 * t, 20) for t in range(8)])
    frames = np.array([source.read(t) for t in range(8)])
    hidden = np.zeros_like(masks)
    for t in (3, 4):
        frames[t, 40:130, 70:110] = (10, 120, 10)
        hidden[t, 40:130, 70:110] = 255
        masks[t, 40:130, 70:110] = 0
    sheet = expose(source_from_array(frames), masks, 1.0, hidden=hidden)
    assert len(set(sheet.drawing)) == 1
    assert (np.linalg.det(sheet.H) > 0).all()


def test_figure_that_tumbles_and_grows_is_one_drawing_that_is_followed():
    big = cv2.resize(drawing(0), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(1)
    back = cv2.resize(rng.integers(90, 200, (6, 9, 3)).astype(np.uint8), (W, H), interpolation=cv2.INTER_CUBIC)
    truth, frames, masks = [], [], []
    front = big.astype(np.float32) / 255
    front[..., :3] *= front[..., 3:]
    for t in range(8):
        m = cv2.getRotationMatrix2D((80, 104), 32.0 * t, 0.45 * 1.07**t)
        m[:, 2] += (60 + 16 * t - 80, 88 - 104)
        layer = cv2.warpAffine(front, m, (W, H), flags=cv2.INTER_AREA)
        frames.append(np.clip(layer[..., :3] * 255 + back * (1 - layer[..., 3:]), 0, 255).astype(np.uint8))
        masks.append(np.clip(np.rint(layer[..., 3] * 255), 0, 255).astype(np.uint8))
        truth.append(edge_from_centre(np.vstack([m, [0, 0, 1]])))
    sheet = expose(source_from_array(np.array(frames)), np.array(masks), 1.0)
    assert len(set(sheet.drawing)) == 1
    for t in range(7):
        corners = truth[t] @ np.array([[40, 120, 80], [40, 60, 190], [1, 1, 1.0]])
        found = sheet.H[t + 1] @ np.linalg.inv(sheet.H[t]) @ corners
        assert found[:2] == pytest.approx((truth[t + 1] @ np.linalg.inv(truth[t]) @ corners)[:2], abs=0.25)


def test_sliver_of_a_held_pose_is_placed_by_the_frame_after_it():
    poses = [1, 1, 1, 0, 0, 0, 0]
    places = [(40, 20)] * 3 + [(75, 20)] * 4
    source, masks = clip([drawing(p) for p in poses], places)
    frames = np.array([source.read(t) for t in range(7)])
    hidden = np.zeros_like(masks)
    for t in (3, 4):  # a wall in front leaves an arm and a leg
        frames[t, :, 60:126] = (10, 120, 10)
        hidden[t, :, 60:126] = 255
        masks[t, :, 60:126] = 0
    sheet = expose(source_from_array(frames), masks, 1.0, hidden=hidden)
    assert groups(sheet.drawing) == [0, 0, 0, 1, 1, 1, 1]
    assert (sheet.H[5] @ np.linalg.inv(sheet.H[3]))[:2, 2] == pytest.approx((0, 0), abs=0.3)


def test_start_that_is_off_by_more_than_a_line_finds_the_drawing():
    source, masks = clip([drawing(0)] * 2, [(60, 30), (60, 30)])
    found = []
    for miss in (2.5, 3.3, 4.0):
        patches, noise = cut_patches(source, masks, None, None)
        book = Book(patches, noise)
        match(book, 0, 1, np.array([[1, 0, miss], [0, 1, -miss], [0, 0, 1]]), (2,))
        found.append(book.link[0, 1][:2, 2])
    assert np.abs(found).max() < 0.1


def test_long_clip_finds_far_reuse_without_comparing_every_pair():
    poses = [(t // 2) % 3 if t < 12 or t > 60 else 2 for t in range(72)]
    source, masks = clip([drawing(p) for p in poses], [(30 + 0.6 * t, 20 + t % 4) for t in range(72)], pan=1)
    patches, _ = cut_patches(source, masks, None, None)
    assert likely_pairs(patches, False).sum() < 72 * 17
    assert groups(expose(source, masks, 1.0).drawing) == groups(poses)


def test_a_long_clip_is_compared_alike_when_its_cut_outs_lie_on_disk_and_little_is_kept_of_them(tmp_path, monkeypatch):
    poses = [0, 0, 1, 1, 2, 2] * 3
    source, masks = clip([drawing(p) for p in poses], [(30 + 3 * t, 20 + t % 4) for t in range(18)], pan=3)
    pan = np.tile(np.eye(3), (18, 1, 1))
    pan[:, 0, 2] = -3.0 * np.arange(18)
    told = {"planes": [LayerPath(pan, np.ones(18, bool), 0, "translation", 1.0, None)]}
    plain = expose(source, masks, 1.0, **told)
    monkeypatch.setattr("toondecompose.engine.drawings.expose.HELD", 0)
    monkeypatch.setattr("toondecompose.engine.drawings.match.KEPT", 3)
    source.keep_decoded(tmp_path)
    sheet = expose(source, masks, 1.0, **told)
    source.close()
    assert sheet.drawing.tolist() == plain.drawing.tolist() and groups(sheet.drawing) == groups(poses)
    assert np.array_equal(sheet.H, plain.H) and sheet.canvas_size == plain.canvas_size


@pytest.mark.parametrize("width", [40, 60])
def test_legs_of_a_tiny_figure_make_another_drawing(width):
    poses = [0, 0, 2, 2, 0, 2]
    tiny = [cv2.resize(drawing(p), (width, round(1.3 * width)), interpolation=cv2.INTER_AREA) for p in poses]
    sheet = expose(*clip(tiny, [(60 + 4 * t, 50) for t in range(6)], pan=6), 1.0)
    assert groups(sheet.drawing) == [0, 0, 1, 1, 0, 1]


def test_drawing_that_comes_back_farther_away_is_reused():
    poses = [0, 0, 1, 1, 0, 0, 1, 1]
    sizes = [1, 0.98, 0.96, 0.94, 0.66, 0.65, 0.64, 0.63]
    figures = [cv2.resize(drawing(p), None, fx=s, fy=s, interpolation=cv2.INTER_AREA)
               for p, s in zip(poses, sizes, strict=True)]
    sheet = expose(*clip(figures, [(30 + 12 * t, 20 + 3 * t) for t in range(8)]), 1.0)
    assert groups(sheet.drawing) == poses
    grown = np.sqrt(np.linalg.det((sheet.H[4] @ np.linalg.inv(sheet.H[0]))[:2, :2]))
    assert grown == pytest.approx(0.66, abs=0.02)


@pytest.mark.parametrize("told_by", ["its own motion", "the plane behind it"])
def test_drawings_held_on_twos_are_reused_after_a_zoom_has_grown_them(told_by):
    poses = [0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1]
    drawn = [drawing(0), drawing(1), drawing(2), drawing(2, True)]
    rng = np.random.default_rng(3)
    wide = cv2.resize(rng.integers(60, 220, (8, 12, 3)).astype(np.uint8), (W, H), interpolation=cv2.INTER_CUBIC)
    frames, masks, zoom = [], [], []
    for t, p in enumerate(poses):
        s = 0.7 * 1.08 ** (t // 2)
        zoom.append(np.array([[s, 0, (1 - s) * 100], [0, s, (1 - s) * 60], [0, 0, 1.0]]))
        front, back = (cv2.warpAffine(picture.astype(np.float32), zoom[-1][:2] @ [[1, 0, x], [0, 1, y], [0, 0, 1]],
                                      (W, H), flags=cv2.INTER_AREA, borderMode=edge) for picture, x, y, edge in
                       ((drawn[p], 70, 30, cv2.BORDER_CONSTANT), (wide, 0, 0, cv2.BORDER_REFLECT)))
        share = front[..., 3:] / 255
        frames.append(np.rint(front[..., :3] * share + back * (1 - share)).astype(np.uint8))
        masks.append(np.rint(front[..., 3]).astype(np.uint8))
    path = LayerPath(np.array(zoom), np.ones(12, bool), 0, "similarity", 1.0, None)
    own = path if told_by == "its own motion" else None
    sheet = expose(source_from_array(np.array(frames)), np.array(masks), 1.0, path=own, planes=[path])
    assert groups(sheet.drawing) == poses


def test_figure_that_comes_back_mirrored_and_tilted_is_reused():
    def tilted(figure: np.ndarray, degrees: float) -> np.ndarray:
        wide = cv2.copyMakeBorder(figure, 14, 14, 26, 26, cv2.BORDER_CONSTANT)
        h, w = wide.shape[:2]
        return cv2.warpAffine(wide, cv2.getRotationMatrix2D((w / 2, h / 2), degrees, 1.0), (w, h))

    poses = [0, 0, 1, 1, 0, 0, 1, 1]
    drawn = [drawing(0), drawing(1)]
    for figure in drawn:
        figure[54:79, 28:41] = (240, 220, 60, 255)  # a coat of two colours: which side is which is plain
    figures = [tilted(drawn[p], 4 * t) for t, p in enumerate(poses[:4])]
    figures += [tilted(np.ascontiguousarray(drawn[p][:, ::-1]), -30 - 4 * t) for t, p in enumerate(poses[4:])]
    source, masks = clip(figures, [(30 + 8 * t, 20) for t in range(4)] + [(110 - 8 * t, 20) for t in range(4)])
    sheet = expose(source, masks, 1.0)
    assert groups(sheet.drawing) == poses
    signs = np.sign(np.linalg.det(sheet.H))
    assert (signs[:4] == -signs[4:]).all()


def test_a_sprite_that_turns_now_and_then_turns_though_most_exposures_only_hold():
    held, turned, noise = (0.003, 0.0), (0.1, 0.9), (0.02, 0.5)
    assert worth([held] * 6 + [turned] * 5, 1.0)
    assert not worth([held] * 8 + [turned] * 2, 1.0)
    assert not worth([noise] * 9 + [turned] * 2, 1.0)
    assert not worth([], 1.0)


def test_the_strongest_channel_of_nothing_is_nothing():
    assert strongest(np.zeros((5, 0, 3), np.float32)).shape == (5, 0)
    assert strongest(np.float32([[[1, 7, 3]]])) == 7
