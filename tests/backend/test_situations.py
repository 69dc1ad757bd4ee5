"""The whole engine on what shots bring: words fixed to the screen, a sprite that is there only for a while."""

import cv2
import numpy as np
import pytest
from small_clips import figure, painted, walking_clip
from test_pipeline import run

from toondecompose.output.layers import LayerRenderer

SIZE = (288, 176)


def put(frame, cel, x, y):
    """A straight RGBA cel over an RGB frame, in place, at whole pixels; what lies outside the frame is cut off."""
    h, w = cel.shape[:2]
    x0, y0, x1, y1 = max(0, x), max(0, y), min(frame.shape[1], x + w), min(frame.shape[0], y + h)
    if x1 > x0 and y1 > y0:
        part = cel[y0 - y:y1 - y, x0 - x:x1 - x]
        alpha = part[..., 3:].astype(np.float32) / 255
        frame[y0:y1, x0:x1] = np.round(frame[y0:y1, x0:x1] * (1 - alpha) + part[..., :3] * alpha)


def overlap(folder, result, sprite, t, true):
    """Soft intersection over union of a sprite's rendered alpha with the truth, uint8 [h, w]."""
    alpha = LayerRenderer(folder / "out", result).composite(t, [sprite], None)[..., 3]
    return np.minimum(alpha, true).sum() / np.maximum(alpha, true).sum()


def alpha_at(cel, x, y):
    canvas = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    put(canvas, np.dstack([np.full((*cel.shape[:2], 3), 255, np.uint8), cel[..., 3]]), x, y)
    return canvas[..., 0].astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_shot_of_very_few_frames_comes_through(tmp_path, count):
    plate, frames = painted(SIZE[0] + 20, SIZE[1], 6), []
    for t in range(count):
        frames.append(plate[:, 5 * t:5 * t + SIZE[0]].copy())
        put(frames[-1], figure(t % 2), 90 + 3 * t, 60)
    result = run(tmp_path, np.array(frames), sprites="auto")
    assert result.clip.frame_count == count and result.metrics["recomposition_psnr_min"] > 30


def test_words_fixed_to_the_screen_are_a_layer_of_their_own(tmp_path):
    count = 12
    plate, words = painted(SIZE[0] + 5 * count, SIZE[1], 6), np.zeros((24, 150, 4), np.uint8)
    for thick, colour in ((6, (20, 20, 30, 255)), (2, (250, 250, 240, 255))):
        cv2.putText(words, "OF COURSE", (8, 18), cv2.FONT_HERSHEY_DUPLEX, 0.7, colour, thick, cv2.LINE_AA)
    words[words[..., 3] == 0] = 0
    frames = []
    for t in range(count):
        frame = plate[:, 5 * t:5 * t + SIZE[0]].copy()
        put(frame, figure(t // 2 % 2), 90 + 3 * (t // 2), 60)
        if t >= 2:
            put(frame, words, 70, 148)
        frames.append(frame)
    result = run(tmp_path, np.array(frames), sprites=3)
    true = alpha_at(words, 70, 148)
    shares = [overlap(tmp_path, result, k, 6, true) for k in (1, 2)]
    assert max(shares) > 0.85
    sprite = result.sprites[1 + int(np.argmax(shares))]
    assert sprite.exposure[0] is None and sprite.exposure[6] is not None
    shown = [np.array(sprite.transform[t]) for t in range(3, count)]
    assert np.abs(np.diff(shown, axis=0))[:, :2, 2].max() < 0.5  # they stay on the screen while all else moves


def test_what_is_there_only_for_a_while_leaves_the_plate_whole(tmp_path):
    plate = painted(*SIZE, 7)
    frames = []
    for t in range(12):
        frame = plate.copy()
        if 3 <= t < 9:
            put(frame, figure(t % 2), -60 + 34 * (t - 3), 70)
        frames.append(frame)
    result = run(tmp_path, np.array(frames))
    behind = LayerRenderer(tmp_path / "out", result).composite(6, [0], None)[..., :3]
    assert np.abs(behind.astype(np.float32) - plate).mean() < 1.0
    assert [e is None for e in result.sprites[1].exposure] == [not 3 <= t < 9 for t in range(12)]


def test_a_vignette_is_a_layer_in_front_and_the_figure_is_found_under_it(tmp_path):
    clip = walking_clip(16)
    h, w = clip["frames"].shape[1:3]
    y, x = np.mgrid[0:h, 0:w]
    shade = 1 - 0.3 * ((x / w - 0.5) ** 2 + (y / h - 0.5) ** 2)
    result = run(tmp_path, np.rint(clip["frames"] * shade[..., None]).astype(np.uint8))
    assert [s.kind for s in result.sprites] == ["background", "sprite", "sprite"]
    assert result.sprites[2].name == "shade" and result.metrics["recomposition_psnr_mean"] > 38
    assert overlap(tmp_path, result, 1, 3, clip["alpha"][3].astype(np.float32)) > 0.95
