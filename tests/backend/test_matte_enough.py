"""Fast ways through long shots agree with the plain ones."""

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.matte.enough import ENOUGH, GRID, LEAST, enough_for, spread, wanting, wanting_parts
from toondecompose.engine.matte.moments import asked_parts
from toondecompose.engine.matte.objective import order_votes
from toondecompose.engine.matte.plates import solve_plate
from toondecompose.engine.matte.prepare import PINHOLE, fill_pinholes
from toondecompose.engine.matte.state import Drawing, LayerState
from toondecompose.engine.matte.types import LayerToSolve
from toondecompose.engine.matte.weights import Weight, WeightOf, by_masks, by_mattes, open_squares
from toondecompose.engine.types import Drawings, as_drawings


def test_every_beginning_of_the_order_is_spread_over_the_shot():
    frames = list(range(100, 340))
    order = spread(frames)
    assert sorted(order) == frames
    gaps = np.diff(sorted(order[:30]))
    assert gaps.max() <= 16  # 240 frames / 30, twice
    assert spread(frames[: int(ENOUGH)]) == frames[: int(ENOUGH)]


def test_only_the_box_in_which_places_want_a_frame_is_asked_for():
    seen, weight = torch.full((10, 20), 100.0), torch.ones(10, 20)
    assert wanting(seen, (5, 6, 25, 16)) is None
    seen[3:5, 7:9] = 0
    assert wanting(seen, (5, 6, 25, 16)) == (12, 9, 14, 11)
    weight[3] = 0
    assert wanting(seen, (5, 6, 25, 16), weight) == (12, 10, 14, 11)


def test_parts_that_want_a_frame_cover_all_that_does_and_little_else():
    rng = np.random.default_rng(1)
    seen = torch.full((300, 700), 100.0)
    for y, x in rng.integers(0, (290, 690), (6, 2)):
        seen[y:y + 10, x:x + 10] = 0
    covered = np.zeros(seen.shape, int)
    for x0, y0, x1, y1 in wanting_parts(seen, (5, 6, 705, 306)):
        covered[y0 - 6:y1 - 6, x0 - 5:x1 - 5] += 1
    assert covered.max() == 1 and (covered[seen.numpy() == 0] == 1).all() and covered.mean() < 0.5
    rows, columns = -(-300 // GRID), -(-700 // GRID)
    assert wanting_parts(seen, (5, 6, 705, 306), shows=np.zeros((rows, columns), bool)) == []


def test_squares_that_a_frame_shows_are_found_whatever_the_motion():
    rng = np.random.default_rng(2)
    for turn in (0.0, 0.3, -0.8):
        values = torch.zeros(200, 260)
        for y, x in rng.integers(0, (196, 256), (4, 2)):
            values[y:y + 4, x:x + 4] = 1
        M = np.array([[np.cos(turn), -np.sin(turn), 60], [np.sin(turn), np.cos(turn), 30], [1e-4, 0, 1]])
        box = (-200, -150, 400, 350)
        weight = Weight((20, 10, 280, 210), values)
        squares = weight.shows(M, box)
        there = weight.seen_from(M, box, (300, 220), "cpu").numpy() > 0
        for (row, column), shown in np.ndenumerate(squares):
            assert shown or not there[row * GRID:(row + 1) * GRID, column * GRID:(column + 1) * GRID].any()


def test_grain_is_looked_at_more_often_than_a_clean_clip():
    assert enough_for(1.5) == LEAST and LEAST < enough_for(2.0) < ENOUGH and enough_for(4.0) == ENOUGH


def test_a_plate_of_enough_frames_is_as_good_as_one_of_all():
    rng = np.random.default_rng(5)
    truth = rng.integers(40, 200, (40, 60, 3)).astype(np.float32)
    truth = truth.repeat(2, 0).repeat(2, 1)
    T = 120
    frames = [np.clip(truth + rng.normal(0, 2, truth.shape), 0, 255).round().astype(np.uint8) for _ in range(T)]

    def weight_of(t: int, limit) -> Weight:
        values = torch.ones(limit[3] - limit[1], limit[2] - limit[0])
        if t < 100:  # a place that only the last frames show
            values[10:20, 30:40] = 0
        return Weight(limit, values)

    H = np.tile(np.eye(3), (T, 1, 1))
    plates = [solve_plate(source_from_array(frames), H, (120, 80), WeightOf(weight_of), list(range(T)), 2.0,
                          enough=enough) for enough in (ENOUGH, np.inf)]
    misses = [float((p.colour - torch.from_numpy(truth.transpose(2, 0, 1))).square().mean().sqrt()) for p in plates]
    assert misses[0] < 0.6 and misses[1] < misses[0] + 0.1
    assert float(plates[0].weight.min()) >= 20 and float(plates[0].weight.max()) < 60


def test_a_lattice_of_px_votes_as_all_of_them_do():
    T, size = 2, (400, 300)
    picture = {k: torch.zeros(4, 300, 400, dtype=torch.uint8) for k in (1, 2)}
    picture[1][0, 20:280, 20:380] = 200
    picture[1][3, 20:280, 20:380] = 255
    picture[2][1, 60:250, 100:300] = 200
    picture[2][3, 60:250, 100:300] = 255
    frame = np.zeros((300, 400, 3), np.uint8)
    frame[20:280, 20:380] = (200, 0, 0)
    frame[60:250, 100:260] = (0, 200, 0)
    states = []
    for k in (0, 1, 2):
        H = np.tile(np.eye(3), (T, 1, 1))
        given = LayerToSolve(name=str(k), kind="sprite", H=H, drawing=np.zeros(T, int), canvas_size=None,
                             masks=np.zeros((T, 30, 40), np.uint8), model="translation", confidence=1.0)
        drawings = {0: Drawing((0, 0, *size), [0, 1], picture[k])} if k else {}
        states.append(LayerState(given, H, size, 1.0, drawings, np.ones(T)))
    source = source_from_array([frame] * T)
    few, every = order_votes(source, states, "cpu", 3000), order_votes(source, states, "cpu", np.inf)
    assert every[2, 1] == 2 * 190 * 160 and every[1, 2] == 2 * 190 * 40
    assert np.abs(few - every).max() < 0.05 * every.max()


def test_some_frames_of_an_overlap_vote_for_all_of_them():
    T, size = 60, (120, 90)
    rng = np.random.default_rng(6)
    picture = {k: torch.zeros(4, 90, 120, dtype=torch.uint8) for k in (1, 2)}
    picture[1][0, 10:80, 10:80] = picture[1][3, 10:80, 10:80] = 200
    picture[2][1, 20:70, 30:110] = picture[2][3, 20:70, 30:110] = 200
    picture[1][3], picture[2][3] = 255 * (picture[1][3] > 0), 255 * (picture[2][3] > 0)
    frames = np.zeros((T, 90, 120, 3), np.uint8)
    for frame, share in zip(frames, rng.integers(60, 80, T), strict=True):
        frame[10:80, 10:80] = (200, 0, 0)
        frame[20:70, share:110] = (0, 200, 0)
    H = np.tile(np.eye(3), (T, 1, 1))
    states = []
    for k in (0, 1, 2):
        shown = np.where(np.arange(T) < 50, 0, -1) if k == 2 else np.zeros(T, int)  # it goes before the end
        given = LayerToSolve(name=str(k), kind="sprite", H=H, drawing=shown, masks=np.zeros((T, 9, 12), np.uint8))
        drawings = {0: Drawing((0, 0, *size), list(range(T)), picture[k])} if k else {}
        states.append(LayerState(given, H, size, 1.0, drawings, np.ones(T)))
    source = source_from_array(list(frames))
    some, every = order_votes(source, states, "cpu"), order_votes(source, states, "cpu", asked=T)
    assert every[1, 2] > 10_000 and every[2, 1] > 10_000
    assert np.abs(some - every).max() < 0.1 * every.max()


def test_small_holes_are_found_near_a_mask_as_in_the_whole_picture():
    rng = np.random.default_rng(7)
    masks = np.zeros((6, 200, 260), np.uint8)
    for mask, (x, y) in zip(masks, [(0, 0), (100, 80), (150, 100), (3, 70), (180, 0), (70, 120)], strict=True):
        part = mask[y:y + 80, x:x + 90]
        part[:] = 255
        for hx, hy, w, h in rng.integers(1, 14, (40, 4)) * (6, 6, 1, 1):
            part[hy:hy + h, hx:hx + w] = 0
    for mask, filled in zip(masks, fill_pinholes(masks), strict=True):
        _, label, stats, _ = cv2.connectedComponentsWithStats((mask < 128).astype(np.uint8), connectivity=4)
        small = stats[:, cv2.CC_STAT_AREA] < PINHOLE
        small[0] = False
        assert np.array_equal(filled, np.where(small[label], 140, mask)) and small.any()


def test_drawings_keep_only_what_is_there():
    whole = np.zeros((50, 80, 4), np.uint8)
    whole[10:20, 30:45] = 7
    kept = Drawings((80, 50))
    kept.add(whole[10:20, 30:45].copy(), (30, 10))
    assert len(kept) == 1 and np.array_equal(kept[0], whole) and np.array_equal(as_drawings([whole])[0], whole)
    assert kept.part(0)[1] == (30, 10) and np.array_equal(kept.pop(0), whole) and not len(kept)


@pytest.mark.parametrize("turn", [0.0, 0.4])
def test_a_glimpse_closes_nothing_that_a_look_shows(turn):
    rng = np.random.default_rng(3)
    size, H = (200, 120), np.array([[np.cos(turn), -np.sin(turn), 12.3], [np.sin(turn), np.cos(turn), -4.6], [0, 0, 1]])
    picture = torch.zeros(4, 130, 230, dtype=torch.uint8)
    picture[3, 4:-4, 4:-4] = 255
    for y, x in rng.integers(5, (120, 220), (12, 2)):  # holes of all sizes, and veils
        picture[3, y:y + int(rng.integers(1, 30)), x:x + int(rng.integers(1, 30))] = int(rng.integers(0, 256))
    given = LayerToSolve(name="a", kind="sprite", H=H[None], drawing=np.zeros(1, int),
                         masks=np.zeros((1, 30, 50), np.uint8))
    front = LayerState(given, H[None], (230, 130), 1.0, {0: Drawing((0, 0, 230, 130), [0], picture)}, np.ones(1))
    hidden = np.repeat(np.repeat(rng.integers(0, 256, (1, 15, 25)), 4, 1), 4, 2).astype(np.uint8)
    points = torch.from_numpy(rng.uniform(0, 1, (4000, 2)) * size).float()
    for weight_of in (by_mattes([front, front], size, "cpu"), by_masks(hidden, size, "cpu")):
        may = weight_of.may_show(0, points)
        shows = weight_of(0, (0, 0, *size)).at(points) > 0
        assert not (shows & ~may).any() and 0.1 < float(may.float().mean()) < 0.9


def test_a_plane_is_asked_for_only_where_what_is_in_front_lets_it_through():
    size, T = (400, 300), 3
    H = np.tile(np.eye(3), (T, 1, 1))
    H[:, 0, 2] = [0, -20, -40]
    masks = np.full((T, 75, 100), 255, np.uint8)
    masks[:, 5:20, 5:20] = 0  # a window in what is in front

    def layer(name: str) -> LayerToSolve:
        return LayerToSolve(name=name, kind="background", H=H, drawing=np.zeros(T, int), masks=masks)

    states = [LayerState(layer(str(k)), H, (440, 300), 1.0, {}, np.ones(T)) for k in range(3)]
    box, nothing = (0, 0, 440, 300), torch.zeros(300, 440)
    for t in range(T):
        everywhere = asked_parts(H[t], box, size, nothing, ENOUGH, True)
        few = asked_parts(H[t], box, size, nothing, ENOUGH, True, open_squares(states[1:], masks, t, size))
        shown = by_masks(masks, size, "cpu")(t, (0, 0, *size)).seen_from(H[t], box, size, "cpu") > 0
        asked = torch.zeros_like(shown)
        for x0, y0, x1, y1 in few:
            asked[y0:y1, x0:x1] = True
        assert not (shown & ~asked).any()
        assert sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in everywhere) > 3 * int(asked.sum())
    assert open_squares(states[2:], masks, 0, size) is None  # nothing is in front
