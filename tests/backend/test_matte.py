"""Mattes and panoramas on tiny clips whose truth is known."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.matte import solve as solving
from toondecompose.engine.matte.alpha import cut_out
from toondecompose.engine.matte.heldout import predict_withheld
from toondecompose.engine.matte.prediction import withheld_frames
from toondecompose.engine.matte.sharpen import sharpen_drawing
from toondecompose.engine.matte.solve import solve
from toondecompose.engine.matte.types import LayerToSolve
from toondecompose.output.warping import premultiply, render

SIZE = (128, 80)
FINE = 8  # shapes are drawn this much finer, then averaged


def painted(width, height, seed=0, mean=128.0):
    """A smooth painted background, uint8 [h, w, 3]."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(0, 1, (height, width, 3)).astype(np.float32), (0, 0), 2.0)
    return np.clip(mean + noise / noise.std() * 30, 0, 255).round().astype(np.uint8)


def disc(size, centre, radius, colour, outline=None):
    """An anti-aliased disc -> straight colour [h, w, 3] and alpha [h, w], floats; with a dark outline if wanted."""
    w, h = size
    y, x = (np.mgrid[0:h * FINE, 0:w * FINE] + 0.5) / FINE
    far = np.hypot(x - centre[0], y - centre[1])
    shrink = lambda a: a.reshape(h, FINE, w, FINE).mean((1, 3))  # noqa: E731
    alpha = shrink((far < radius).astype(np.float32))
    picture = np.broadcast_to(np.float32(colour), (h, w, 3)).copy()
    if outline is not None:
        ring = shrink(((far < radius) & (far > radius - outline)).astype(np.float32)) / np.maximum(alpha, 1e-6)
        picture = picture * (1 - ring[..., None]) + 20 * ring[..., None]
    return picture, alpha


def translation(x, y):
    return np.array([[1.0, 0, x], [0, 1.0, y], [0, 0, 1.0]])


class Shot:
    """Composes frames back to front and remembers the truth."""

    def __init__(self, count, plate, pan):
        self.count, self.plate = count, plate
        self.H = [translation(-pan * t, 0) for t in range(count)]
        w, h = SIZE
        self.frames = np.stack([plate[:h, pan * t:pan * t + w].astype(np.float32) for t in range(count)])
        self.layers = [LayerToSolve("background", "background", np.array(self.H), np.zeros(count, int),
                                    np.full((count, h, w), 255, np.uint8), model="translation")]
        self.truth = []

    def add(self, picture, alpha, path, opacity=None, name="sprite", drawing=None):
        """picture, alpha: on a canvas of the frame's size; path: (x, y) whole px per frame."""
        H = np.stack([translation(*p) for p in path])
        visible = np.zeros((self.count, *alpha.shape), np.float32)
        for t, (x, y) in enumerate(path):
            shift = np.float32([[1, 0, x], [0, 1, y]])
            a = cv2.warpAffine(np.float32(alpha), shift, SIZE) * (1 if opacity is None else opacity[t])
            c = cv2.warpAffine(np.float32(picture), shift, SIZE, borderMode=cv2.BORDER_REPLICATE)
            self.frames[t] = self.frames[t] * (1 - a[..., None]) + c * a[..., None]
            visible[t] = a
            for layer in self.layers:
                layer.masks[t] = layer.masks[t] * (1 - a)
        masks = np.stack([cv2.blur(v, (3, 3)) * 255 for v in visible]).astype(np.uint8)
        drawing = np.zeros(self.count, int) if drawing is None else np.array(drawing)
        self.layers.append(LayerToSolve(name, "sprite", H, drawing, masks, model="translation"))
        self.truth.append((picture, alpha))

    def solve(self, **more):
        frames = np.clip(self.frames.round(), 0, 255).astype(np.uint8)
        return solve(source_from_array(frames), self.layers, scale=1.0, **more), frames


def placed(layer, t, drawing=None):
    """Straight alpha 0..1 and premultiplied colour of a solved layer on frame t."""
    out = np.zeros((SIZE[1], SIZE[0], 4), np.float32)
    index = layer.exposure[t] if drawing is None else drawing
    if index >= 0:
        patch = render(premultiply(layer.drawings[index]), layer.H[t], SIZE, extend=layer.kind == "background")
        if patch is not None:
            h, w = patch.pixels.shape[:2]
            out[patch.y:patch.y + h, patch.x:patch.x + w] = patch.pixels
    return out[..., 3] / 255 * layer.opacity[t], out[..., :3]


def moved(alpha, p):
    return cv2.warpAffine(np.float32(alpha), np.float32([[1, 0, p[0]], [0, 1, p[1]]]), SIZE)


def recomposed(layers, t):
    picture = placed(layers[0], t)[1]
    for layer in layers[1:]:
        alpha, colour = placed(layer, t)
        picture = picture * (1 - alpha[..., None]) + colour * layer.opacity[t]
    return picture


def psnr(a, b):
    return 10 * np.log10(255**2 / max(1e-9, np.mean((np.float64(a) - b) ** 2)))


def test_flat_cel_over_a_pan_comes_back_exactly():
    shot = Shot(8, painted(192, 80), 6)
    path = [(2 * t, 0) for t in range(8)]
    shot.add(*disc(SIZE, (40.3, 40.1), 20, (220, 90, 60), outline=2.5), path)
    result, frames = shot.solve()
    alpha, colour = placed(result.layers[1], 3)
    truth = moved(shot.truth[0][1], path[3])
    assert np.abs(alpha - truth).max() < 0.12
    assert np.abs(alpha - truth).mean() < 0.002
    inside = truth == 1
    assert (alpha[inside] == 1).all()
    assert np.abs(colour[inside] - frames[3][inside]).max() <= 1
    assert psnr(recomposed(result.layers, 3), frames[3]) > 46


def test_background_behind_the_sprite_is_recovered_up_to_the_matte():
    shot = Shot(8, painted(192, 80, seed=3), 6)
    shot.add(*disc(SIZE, (50, 40), 18, (240, 240, 240), outline=2), [(0, 0)] * 8)
    result, _ = shot.solve()
    plate = result.layers[0]
    assert plate.drawings[0].shape == (80, 170, 4)
    seen = plate.seen[:, 38:170 - 38] > 0  # the disc passes over all of the middle
    assert seen.mean() > 0.99
    middle = plate.drawings[0][:, 38:132, :3]
    assert psnr(middle, shot.plate[:, 38:132]) > 44


def test_the_seen_map_tells_seen_recovered_and_painted_in_apart():
    shot = Shot(4, painted(140, 80, seed=3), 2)
    shot.add(*disc(SIZE, (64, 40), 24, (240, 90, 60), outline=2), [(0, 0)] * 4)
    plate = shot.solve()[0].layers[0]
    assert set(np.unique(plate.seen)) == {0, 128, 255}
    assert plate.seen[40, 67] == 0 and plate.seen[5, 67] == 255  # never uncovered; never covered
    recovered = np.argwhere(plate.seen == 128)
    assert (np.abs(np.hypot(recovered[:, 1] + 0.5 - 67, recovered[:, 0] + 0.5 - 40) - 24) < 6).mean() > 0.9


def test_white_shirt_over_a_pale_wall_is_solved_by_triangulation():
    wall = painted(192, 80, seed=5, mean=225).clip(0, 250)
    shot = Shot(8, wall, 6)
    shot.add(*disc(SIZE, (50, 40), 18, (246, 246, 246)), [(0, 0)] * 8)
    result, _ = shot.solve()
    alpha, _ = placed(result.layers[1], 4)
    assert np.abs(alpha - shot.truth[0][1]).mean() < 0.006
    assert (alpha[shot.truth[0][1] == 1] > 0.98).mean() > 0.98


def test_soft_edges_and_translucency_are_kept():
    shot = Shot(10, painted(220, 80, seed=7), 8)
    picture, alpha = disc(SIZE, (60, 40), 16, (60, 160, 230))
    alpha = cv2.GaussianBlur(np.float32(alpha), (0, 0), 2.5) * 0.6
    shot.add(picture, alpha, [(0, 0)] * 10)
    result, _ = shot.solve()
    found, _ = placed(result.layers[1], 5)
    assert np.abs(found - alpha).mean() < 0.008
    assert abs(np.median(found[34:46, 54:66]) - 0.6) < 0.03


def test_a_fade_is_one_drawing_with_an_opacity_per_frame():
    shot = Shot(8, painted(192, 80, seed=9), 6)
    fade = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    shot.add(*disc(SIZE, (60, 40), 18, (230, 60, 60), outline=2), [(0, 0)] * 8, opacity=fade)
    result, frames = shot.solve()
    sprite = result.layers[1]
    assert len(sprite.drawings) == 1
    assert np.abs(sprite.opacity - fade).max() < 0.05
    assert psnr(recomposed(result.layers, 1), frames[1]) > 36


def test_what_another_sprite_hides_is_completed_from_other_frames():
    shot = Shot(10, painted(128, 80, seed=11), 0)
    path = [(-40 + 8 * t, 0) for t in range(10)]
    shot.add(*disc(SIZE, (64, 40), 18, (220, 200, 60), outline=2), path, name="behind")
    shot.add(*disc(SIZE, (64, 40), 12, (60, 60, 200), outline=2), [(0, 0)] * 10, name="in front")
    result, _ = shot.solve()
    assert [layer.name for layer in result.layers] == ["background", "behind", "in front"]
    alpha, _ = placed(result.layers[1], 5)
    assert np.abs(alpha - moved(shot.truth[0][1], path[5])).mean() < 0.004


def test_a_wrong_depth_order_is_turned_round():
    shot = Shot(10, painted(128, 80, seed=11), 0)
    shot.add(*disc(SIZE, (64, 40), 18, (220, 200, 60), outline=2), [(-40 + 8 * t, 0) for t in range(10)], name="behind")
    shot.add(*disc(SIZE, (64, 40), 12, (60, 60, 200), outline=2), [(0, 0)] * 10, name="in front")
    hidden = shot.layers[1].masks
    hidden[:] = (hidden * (shot.layers[2].masks < 64)).astype(np.uint8)
    shot.layers = [shot.layers[0], shot.layers[2], shot.layers[1]]
    result, _ = shot.solve()
    assert result.order == [0, 2, 1]
    assert [layer.name for layer in result.layers] == ["background", "behind", "in front"]


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_change_a_byte(threads):
    shot = Shot(5, painted(170, 80, seed=2), 6)
    shot.add(*disc(SIZE, (50.4, 40.2), 18, (220, 90, 60), outline=2), [(3 * t, t) for t in range(5)])
    before = torch.get_num_threads()
    first, _ = shot.solve()
    torch.set_num_threads(threads)
    try:
        second, _ = shot.solve()
    finally:
        torch.set_num_threads(before)
    for a, b in zip(first.layers, second.layers, strict=True):
        assert np.array_equal(a.H, b.H)
        assert all(np.array_equal(x, y) for x, y in zip(a.drawings, b.drawings, strict=True))


def test_a_single_frame_is_cut_out_by_its_mask():
    shot = Shot(1, painted(128, 80, seed=4), 0)
    shot.add(*disc(SIZE, (60, 40), 18, (230, 60, 60), outline=2), [(0, 0)])
    result, frames = shot.solve()
    alpha, _ = placed(result.layers[1], 0)
    assert np.abs(alpha - shot.truth[0][1]).mean() < 0.02
    assert psnr(recomposed(result.layers, 0), frames[0]) > 30


def test_withheld_exposures_are_predicted():
    shot = Shot(9, painted(192, 80, seed=6), 6)
    shot.add(*disc(SIZE, (50, 40), 18, (220, 90, 60), outline=2), [(2 * t, 0) for t in range(9)])
    frames = np.clip(shot.frames.round(), 0, 255).astype(np.uint8)
    report = predict_withheld(source_from_array(frames), shot.layers, scale=1.0)
    assert report["frames"] == 3
    assert report["foreground"] > 38
    assert report["edge_band"] > 32
    quick = solve(source_from_array(frames), shot.layers, scale=1.0, predict=True).report["held_out"]
    assert quick["frames"] == 3
    for name in ("foreground", "edge_band", "frame"):
        assert abs(quick[name] - report[name]) < 0.5


def test_exposures_are_predicted_by_sharpened_drawings_that_never_saw_them_and_in_the_shots_levels(monkeypatch):
    shot = Shot(9, painted(192, 80, seed=6), 6)
    shot.add(*disc(SIZE, (50, 40), 18, (220, 90, 60), outline=2), [(2.4 * t, 0.7 * t) for t in range(9)])
    source = source_from_array(np.clip(shot.frames.round(), 0, 255).astype(np.uint8))
    sharpened = []

    def spy(source, state, drawing, *rest):
        sharpened.append(drawing.frames)
        sharpen_drawing(source, state, drawing, *rest)

    monkeypatch.setattr("toondecompose.engine.matte.prediction.sharpen_drawing", spy)
    plain = solve(source, shot.layers, scale=1.0, predict=True).report["held_out"]
    assert sharpened == [[t for t in range(9) if t not in withheld_frames(shot.layers)]]
    dim = solve(source, shot.layers, scale=1.0, predict=True, light=np.full(SIZE[::-1], 0.5, np.float32))
    for name in ("foreground", "edge_band", "frame"):
        assert dim.report["held_out"][name] == pytest.approx(plain[name] + 6.02, abs=0.02)


def test_a_drawing_without_other_exposures_is_predicted_by_nothing():
    shot = Shot(6, painted(192, 80, seed=6), 6)
    shot.add(*disc(SIZE, (50, 40), 18, (220, 90, 60), outline=2), [(2 * t, 0) for t in range(6)])
    shot.layers[1].drawing = np.array([0, 0, 0, 1, 1, 1])
    frames = np.clip(shot.frames.round(), 0, 255).astype(np.uint8)
    plain = predict_withheld(source_from_array(frames), shot.layers, scale=1.0)
    quick = solve(source_from_array(frames), shot.layers, scale=1.0, predict=True).report["held_out"]
    assert quick["frames"] == plain["frames"] == 2
    unpredicted = solve(source_from_array(frames[:2]), [replace(layer, H=layer.H[:2], drawing=np.array([0, 0]),
                                                                masks=layer.masks[:2]) for layer in shot.layers],
                        scale=1.0, predict=True).report["held_out"]
    assert unpredicted == {"frames": 0, "foreground": None, "edge_band": None, "frame": None}


def test_a_sprite_that_never_shows_gives_no_drawing():
    shot = Shot(3, painted(140, 80), 4)
    shot.add(*disc(SIZE, (300, 40), 10, (0, 0, 0)), [(0, 0)] * 3)
    result, _ = shot.solve()
    assert not len(result.layers[1].drawings)
    assert (result.layers[1].exposure == -1).all()


def test_cancelling_stops_between_frames():
    shot = Shot(3, painted(140, 80), 4)
    with pytest.raises(InterruptedError):
        shot.solve(cancelled=lambda: True)


def test_a_sprite_is_cut_out_as_well_before_an_opaque_plane_whose_plate_no_frame_shows():
    """What lies behind an opaque plane need not be known: once it counted as unknown, and rims came out fat."""
    def shot(covered):
        shot = Shot(14, painted(300, SIZE[1]), 6)
        if covered:  # the same painting, as a plane in front of a plate of which nothing is ever seen
            plane = shot.layers[0]
            wall = LayerToSolve("wall", "background", plane.H, plane.drawing, plane.masks, model="translation")
            never = np.zeros_like(plane.masks)
            shot.layers = [LayerToSolve("background", "background", plane.H.copy(), plane.drawing, never,
                                        model="translation"), wall]
        rgb, alpha = disc(SIZE, (60, 45), 24, (200, 90, 60))
        shot.add(rgb, alpha, [(t % 3, 0) for t in range(14)])
        layers = shot.solve()[0].layers
        return np.abs(placed(layers[-1], 3)[0] - moved(alpha, (0, 0))).mean()

    assert shot(True) < 1.2 * shot(False) + 1e-3


def test_only_often_seen_drawings_are_followed_again_behind_a_draft(monkeypatch):
    shown = [0, 0, 1, 1, 1, 0, 2, 2]  # the first and the second drawing are seen three times, the third one twice
    shot = Shot(8, painted(192, 80), 6)
    shot.add(*disc(SIZE, (50, 40), 18, (200, 60, 40), outline=2), [(2 * t, 0) for t in range(8)], drawing=shown)
    asked = []

    def noted(moments, *args, follow=True, lined=True, **more):
        asked.append((moments.count, follow))
        return cut_out(moments, *args, lined=lined, follow=follow, **more)

    monkeypatch.setattr(solving, "cut_out", noted)
    monkeypatch.setattr(solving, "siblings", lambda *_: [])  # what drawings lend one another counts as seen
    shot.solve(rounds=1)
    assert asked == [(3, True), (3, True), (2, False)]
    asked.clear()
    shot.solve(rounds=1, quality="preview")  # as a draft does: nothing has been followed before
    assert asked == [(3, True), (3, True), (2, True)]


def test_each_round_tells_how_long_its_description_is_even_a_previews_only_one():
    shot = Shot(6, painted(192, 80), 6)
    shot.add(*disc(SIZE, (50, 40), 18, (200, 60, 40)), [(2 * t, 0) for t in range(6)])
    assert len(shot.solve(rounds=1, quality="preview")[0].objective_per_round) == 1
    assert len(shot.solve(rounds=1)[0].objective_per_round) == 1
    assert len(shot.solve(rounds=2)[0].objective_per_round) == 2
