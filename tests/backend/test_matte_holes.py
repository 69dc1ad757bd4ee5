"""Gaps in a sprite's rough mask are opened where the background moves in them, and only there."""

import cv2
import numpy as np

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.matte.holes import open_holes
from toondecompose.engine.matte.resample import translation
from toondecompose.engine.matte.stack import shifted
from toondecompose.engine.matte.types import LayerToSolve
from toondecompose.formats.conventions import centre_from_edge

SIZE = (160, 96)
PAN = 2.0  # px per frame


def moved(x):
    return np.array([[1.0, 0, x], [0, 1.0, 0], [0, 0, 1.0]])


def ring_over_a_pan(count=6, drawings=None, redraw=False):
    """A held ring whose gap shows a panning background; the masks fill the gap. -> (source, layers, the gap)."""
    rng = np.random.default_rng(2)
    w, h = SIZE
    noise = cv2.GaussianBlur(rng.normal(0, 1, (h, w + 40, 3)).astype(np.float32), (0, 0), 2.0)
    plate = np.clip(128 + noise / noise.std() * 25, 0, 255)
    y, x = np.mgrid[:h, :w]
    far = np.hypot(x - 80, y - 48)
    ring, gap = (far < 40) & (far >= 16), far < 13
    frames = []
    for t in range(count):
        frame = plate[:, int(PAN * t):int(PAN * t) + w].copy()
        frame[ring] = (220, 190, 160)
        lines = ((x + (9 * t if redraw else 0)) // 6) % 3 == 0
        frame[ring & lines] = (60, 40, 40)
        frames.append(np.rint(frame).astype(np.uint8))
    plane, still = np.stack([moved(-PAN * t) for t in range(count)]), np.stack([np.eye(3)] * count)
    masks = np.stack([np.uint8(far < 40) * 255] * count)
    drawing = np.zeros(count, int) if drawings is None else np.array(drawings)
    layers = [LayerToSolve("background", "background", plane, np.zeros(count, int), 255 - masks),
              LayerToSolve("ring", "sprite", still, drawing, masks)]
    return source_from_array(frames), layers, gap, ring


def test_a_gap_that_shows_the_moving_background_is_opened():
    source, layers, gap, ring = ring_over_a_pan()
    opened = open_holes(source, layers)[1].masks
    for mask in opened:
        assert (mask[gap] == 0).mean() > 0.6
        assert (mask[ring] == 0).mean() < 0.03
    assert (layers[1].masks[0][gap] == 255).all()  # the given masks are not written into


def test_other_drawings_do_not_open_a_body_that_is_redrawn():
    source, layers, _, ring = ring_over_a_pan(drawings=range(6), redraw=True)
    for mask in open_holes(source, layers)[1].masks:
        assert (mask[ring] == 255).all()


def test_nothing_is_opened_where_nothing_moves():
    source, layers, _, _ = ring_over_a_pan()
    layers[0].H = np.stack([np.eye(3)] * source.count)
    assert np.array_equal(open_holes(source, layers)[1].masks, layers[1].masks)


def flat_plate_with_a_post(count=8):
    """As ring_over_a_pan, over a flat background that has nothing but a post, which passes by in the gap."""
    source, layers, _, ring = ring_over_a_pan(count)
    w, h = SIZE
    y, x = np.mgrid[:h, :w]
    far = np.hypot(x - 80, y - 48)
    line = (far >= 12) & (far < 17)
    frames = []
    for t in range(count):
        frame = np.full((h, w, 3), 170, np.float32)
        post = 84 - int(PAN * t)
        frame[:, post:post + 6] = (90, 110, 60)
        frame[ring] = source.read(t)[ring]
        frame[line] = (30, 20, 20)
        frames.append(np.rint(frame).astype(np.uint8))
    return source_from_array(frames), layers, far < 11, ring


def test_all_of_a_gap_is_opened_though_little_passes_in_it():
    source, layers, gap, ring = flat_plate_with_a_post()
    for mask in open_holes(source, layers)[1].masks:
        assert (mask[gap] == 0).mean() > 0.95
        assert (mask[ring] == 0).mean() < 0.03


def test_a_gap_is_opened_in_other_drawings_with_the_same_lines_around_it():
    source, layers, gap, _ = flat_plate_with_a_post()
    layers[1].drawing = np.array([0, 0, 0, 0, 0, 0, 0, 1])  # the last one is shown once: nothing passes in it
    assert (open_holes(source, layers)[1].masks[7][gap] == 0).mean() > 0.9


def test_what_is_redrawn_between_lines_is_no_gap():
    source, layers, gap, _ = flat_plate_with_a_post()
    frames = [source.read(t).copy() for t in range(source.count)]
    for t, frame in enumerate(frames):
        frame[gap] = (200, 150 - 12 * t, 140)
    assert (open_holes(source_from_array(frames), layers)[1].masks[0][gap] == 255).all()


def test_a_hole_that_one_drawing_alone_has_is_closed_again():
    source, layers, gap, _ = ring_over_a_pan(8)
    y, x = np.mgrid[:SIZE[1], :SIZE[0]]
    eye = np.hypot(x - 80, y - 20) < 5
    frames = [source.read(t).copy() for t in range(source.count)]
    for t, frame in enumerate(frames):
        frame[eye] = (230, 200, 180) if t < 6 else (120, 90, 80)
    layers[1].drawing = np.array([0] * 6 + [1] * 2)
    layers[1].masks[:, gap] = 0
    layers[1].masks[6:, eye] = 0
    for mask in open_holes(source_from_array(frames), layers)[1].masks[6:]:
        assert (mask[eye] == 255).all()


def test_a_picture_that_only_moves_is_brought_as_by_a_warp():
    rng = np.random.default_rng(4)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (60, 80, 3)).astype(np.uint8), (0, 0), 2)
    for x, y in ((3.0, -5.0), (-7.3, 20.45), (50.25, 2.5)):
        quick, there = shifted(picture, translation(x, y), (40, 30))
        M = centre_from_edge(translation(x, y))
        plain = cv2.warpPerspective(picture.astype(np.float32), M, (40, 30), borderMode=cv2.BORDER_REPLICATE,
                                    flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
        ys, xs = np.mgrid[:30, :40] + 0.5
        assert np.abs(quick - plain).max() < 1.5  # OpenCV's places are whole 1/32 px
        assert np.array_equal(there, (xs + x > 0) & (xs + x < 80) & (ys + y > 0) & (ys + y < 60))
