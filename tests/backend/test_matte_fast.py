"""The matting stage's short cuts against their plain forms."""

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.matte import alike, marks
from toondecompose.engine.matte import alpha as alpha_module
from toondecompose.engine.matte import paint as paint_module
from toondecompose.engine.matte.alpha import cut_out
from toondecompose.engine.matte.blends import blend
from toondecompose.engine.matte.evidence import gather
from toondecompose.engine.matte.moments import Moments
from toondecompose.engine.matte.paint import (
    LINE_SPREAD,
    NEAR,
    NEAR_BITS,
    PAINT_BITS,
    PALETTE_BINS,
    SPREAD_BITS,
    _search_offsets,
    cells_of,
    find_colour,
    paint_counts,
    painted_alike,
)
from toondecompose.engine.matte.plates import _around, _groups, _some_of, _weights_at, frame_tensor
from toondecompose.engine.matte.resample import (
    CATMULL_ROM,
    SHRINK,
    _moved,
    _moved_on_host,
    _surely_kept,
    inside,
    local_scale,
    resample,
    share,
    translation,
    unit_translation,
)
from toondecompose.engine.matte.state import HIDES
from toondecompose.engine.matte.walk import FIXED, WALK_LAMBDA, WALK_SIGMA, halved, walk
from toondecompose.engine.matte.weights import BESIDE, OUTLINE, WeightOf, by_masks
from toondecompose.engine.shift import RENDERED, _span, cubic
from toondecompose.engine.warp import grid_for, sample


@pytest.mark.parametrize("seed", range(40))
def test_moves_by_the_separable_filter_equal_the_plain_sums(seed):
    rng = np.random.default_rng(seed)
    h, w, bw, bh = (int(n) for n in rng.integers(1, 30, 4))
    x0, y0 = (int(n) for n in rng.integers(-40, 40, 2))
    tx, ty = rng.uniform(-50, 50, 2)
    if seed % 3 == 0:
        tx = float(round(tx))
    if seed % 5 == 0:
        ty = float(round(ty))
    picture = torch.from_numpy(rng.uniform(0, 255, (2, h, w)).astype(np.float32))
    box = (x0, y0, x0 + bw, y0 + bh)
    plain = _moved(_moved(picture, tx, x0, bw, 2, CATMULL_ROM), ty, y0, bh, 1, CATMULL_ROM)
    assert torch.allclose(_moved_on_host(picture, tx, ty, box, CATMULL_ROM), plain, atol=1e-3)


def test_px_that_pass_a_limit_are_those_that_torch_finds():
    rng = np.random.default_rng(4)
    x, y = (torch.from_numpy(rng.integers(-3, 4, (9, 14)).astype(np.float32)) for _ in range(2))
    part = x[2:7, 3:11]  # not in one piece
    for of, limit in ((x, 1.0), (x, y), (part, -0.5), (part, y[2:7, 3:11])):
        assert torch.equal(marks.above(of, limit), of > limit) and torch.equal(marks.below(of, limit), of < limit)
        places = marks.places_of(of > limit)
        assert torch.equal(places, torch.nonzero((of > limit).reshape(-1))[:, 0])
        assert torch.equal(marks.taken(of, places), of[of > limit]) and marks.count_of(of > limit) == len(places)


@pytest.mark.parametrize("a", [CATMULL_ROM, RENDERED])
def test_a_moves_taps_are_the_cubic_kernel(a):
    for offset in (0.25, -3.7, 12.1, 7.5):
        taps = cubic(np.arange(-1, 3) - (offset - np.floor(offset)), a).astype(np.float32)
        assert np.array_equal(_span(offset, 0, 5, 20, a)[-1], taps)


def test_maps_that_keep_sizes_are_told_as_by_their_scale():
    rng = np.random.default_rng(11)
    for _ in range(300):
        M = np.diag([*rng.uniform(0.3, 2.5, 2), rng.uniform(0.5, 2)]) @ translation(*rng.uniform(-9, 9, 2))
        assert not _surely_kept(M) or local_scale(M, 30, 40) <= SHRINK
        assert _surely_kept(M) or local_scale(M, 30, 40) > SHRINK * 0.999
        assert not _surely_kept(M @ np.array([[1, 0.01, 0], [0, 1, 0], [0, 0, 1]]))
        moved = M / M[0, 0] if rng.random() < 0.3 else M
        assert unit_translation(moved) == bool(
            np.abs(moved[:2, :2] - np.eye(2)).max() < 1e-6 and np.abs(moved[2, :2]).max() < 1e-10)
    assert unit_translation(translation(3.3, -7)) and not unit_translation(np.full((3, 3), np.nan))


@pytest.mark.parametrize("count", [1, 2, 7, 8, 1001])
def test_the_middle_of_values_is_torchs_median(count):
    values = torch.from_numpy(np.random.default_rng(count).integers(0, 40, count).astype(np.float32)) / 3
    assert marks.middle_of(values) == float(values.median())


@pytest.mark.parametrize("shape", [(40, 64), (33, 47), (3, 38, 61), (1, 5), (2, 1, 1)])
def test_halved_pictures_are_torchs_averages(shape):
    x = torch.from_numpy(np.random.default_rng(6).uniform(0, 255, shape).astype(np.float32))
    plain = torch.nn.functional.avg_pool2d(x.reshape(1, -1, *shape[-2:]), 2, ceil_mode=True, count_include_pad=False)
    assert torch.equal(halved(x).reshape(plain.shape), plain)


def test_sums_around_cells_are_those_of_all_that_touch_them():
    count = np.random.default_rng(2).integers(0, 9, (5, 5, 5))
    plain = [[[count[max(0, r - 1):r + 2, max(0, g - 1):g + 2, max(0, b - 1):b + 2].sum() for b in range(5)]
              for g in range(5)] for r in range(5)]
    assert np.array_equal(paint_module._summed_around(count), plain)


def bar(height=96, width=160):
    """An undecided band between a sure body and sure surroundings, over a picture with an edge."""
    alpha = torch.zeros(height, width)
    alpha[:, 60:100] = 1
    info = torch.full((height, width), 1e4)
    info[:, 70:90] = 12.0
    info[:, 50:70] = info[:, 90:110] = 0.6
    guide = torch.zeros(3, height, width)
    guide[:, :, 63:97] = 90.0
    guide += torch.from_numpy(np.random.default_rng(3).normal(0, 1, (3, height, width)).astype(np.float32))
    return alpha, info, guide


def test_the_walk_over_what_can_move_equals_the_walk_over_everything():
    alpha, info, guide = bar()
    quick, plain = walk(alpha, info, guide, 6), walk(alpha, info, guide, 6, everywhere=True)
    assert (quick - plain).abs().max() < 0.01
    assert float(plain[40, 80]) > 0.9 and float(plain[40, 55]) < 0.1


def test_px_that_nobody_shows_change_no_others_where_they_are_far_from_them():
    alpha, info, guide = bar()
    alpha[:, :45], info[:, :45] = 0, 1e-3  # beyond the frame's edge
    quick, plain = walk(alpha, info, guide, 6), walk(alpha, info, guide, 6, everywhere=True)
    assert (quick - plain)[:, 45:].abs().max() < 0.01


@pytest.mark.parametrize("chunk", [40, 100_000])
def test_paint_is_the_cheapest_explanation_among_all_that_may_lend(chunk, monkeypatch):
    monkeypatch.setattr(paint_module, "CHUNK", chunk)
    rng = np.random.default_rng(5)
    h, w, radius, noise = 24, 30, 4, 2.0
    c = torch.from_numpy(rng.uniform(-100, 100, (3, h, w)).astype(np.float32))
    behind = torch.from_numpy(rng.uniform(-100, 100, (3, h, w)).astype(np.float32))
    spread = torch.from_numpy(rng.uniform(-100, 100, (3, h, w)).astype(np.float32))
    price = torch.from_numpy(rng.uniform(1, 12, (h, w)).astype(np.float32))
    price[torch.from_numpy(rng.random((h, w)) < 0.5)] = float("inf")
    want = torch.from_numpy(rng.random((h, w)) < 0.3)
    rim = torch.zeros(int(want.sum()), dtype=torch.bool)
    inside = torch.from_numpy(rng.random(len(rim)).astype(np.float32))
    paints = torch.from_numpy(rng.uniform(-100, 100, (3, 3)).astype(np.float32)), [1.0, 4.0, 7.0]
    away = torch.from_numpy(rng.uniform(0, 9, (3, len(rim))).astype(np.float32))
    F, off = find_colour(c, behind[:, want], want, spread[:, want], price, rim, inside, noise, radius, paints, away)
    for k, (y, x) in enumerate(torch.nonzero(want).tolist()):
        B, D = behind[:, y, x].numpy(), (c - behind)[:, y, x].numpy()
        best = (np.inf, None, None)
        candidates = [(spread[:, y, x].numpy(), SPREAD_BITS)]
        candidates += [(paint.numpy(), bits + PAINT_BITS + float(far))
                       for paint, bits, far in zip(*paints, away[:, k], strict=True)]
        for dy, dx in _search_offsets(radius):
            if 0 <= y + dy < h and 0 <= x + dx < w:
                bits = float(price[y + dy, x + dx]) + 0.15 * np.hypot(dy, dx)
                candidates.append((c[:, y + dy, x + dx].numpy(), bits))
        for paint, bits in candidates:
            line = paint - B
            share = np.clip(D @ line / max(1, line @ line), 0, 1)
            rho = np.linalg.norm(D - share * line)
            cost = 1.5 * np.log2(1 + (rho / LINE_SPREAD) ** 2) + bits
            cost += (1 - float(inside[k])) * NEAR_BITS * np.exp(-np.linalg.norm(line) / NEAR)
            best = min(best, (cost, rho, tuple(paint)))
        assert np.allclose(F[:, k].numpy(), best[2], atol=1e-4)
        assert abs(float(off[k]) - best[1]) < 0.1


def two_discs(gap):
    """Pooled moments of one drawing with two red discs over a textured background seen twice."""
    h, w = 80, 120 + gap
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:h, :w]
    alpha = sum(np.clip(16.5 - np.hypot(x - cx, y - 40), 0, 1) for cx in (30, 90 + gap)).astype(np.float32)
    paint = np.float32([90, -60, -70])[:, None, None]
    sums = [np.zeros(s, np.float32) for s in ((h, w), (3, h, w), (3, h, w), *[(h, w)] * 5)]
    for _ in range(2):
        behind = rng.uniform(-60, 60, (3, h, w)).astype(np.float32)
        seen = alpha * paint + (1 - alpha) * behind
        for total, part in zip(sums, (1, seen, behind, (seen * behind).sum(0), (behind**2).sum(0), (seen**2).sum(0),
                                      (alpha > 0.5), 1), strict=True):
            total += part
    return Moments(*(torch.from_numpy(s) for s in sums), 2), alpha


def test_px_that_are_asked_again_come_out_as_before_and_all_others_stay():
    moments, truth = two_discs(20)
    outer, inner = (alpha_module.distance(truth <= 0.5), alpha_module.distance(truth > 0.5))
    e = gather(moments, outer, 1.5, 3.0, True)
    areas, width, _ = alpha_module._areas(e, truth, inner, outer, 3.0, True)
    whole = blend(e, areas, width, 6)
    asked = torch.zeros(truth.shape, dtype=torch.bool)
    asked[20:60, 10:40] = True
    again = blend(e, areas, width, 6, whole.paints, asked, whole.alpha)
    assert torch.equal(again.alpha[~asked], whole.alpha[~asked])
    assert (again.alpha - whole.alpha)[asked].abs().max() < 0.01


def test_parts_of_a_drawing_cut_out_one_by_one_equal_the_whole(monkeypatch):
    moments, truth = two_discs(120)
    parts = cut_out(moments, 1.5, 3.0)
    assert len(alpha_module.parts_of(alpha_module.distance(truth <= 0.5))) == 2
    monkeypatch.setattr(alpha_module, "parts_of", lambda far: [(0, 0, far.shape[1], far.shape[0])])
    whole = cut_out(moments, 1.5, 3.0)
    assert (parts.alpha - whole.alpha).abs().max() < 0.03
    assert ((parts.colour - whole.colour).abs().amax(0) * whole.alpha).max() < 3
    assert (parts.alpha.numpy() - truth).__abs__().max() < 0.05


def test_an_exposure_covers_only_what_its_frame_reaches_of_a_long_canvas():
    from toondecompose.engine.clip import source_from_array
    from toondecompose.engine.matte.moments import View, add, empty_moments, exposure

    rng = np.random.default_rng(3)
    w, h, long = 40, 24, 200
    panorama = rng.integers(0, 256, (h, long, 3)).astype(np.uint8)
    starts = [0, 60, 160]
    source = source_from_array([panorama[:, x:x + w] for x in starts])
    moments = empty_moments((0, 0, long, h), "cpu")

    def scene(t, box):
        shape = (box[3] - box[1], box[2] - box[0])
        return View(torch.zeros(3, *shape), torch.ones(shape), torch.ones(shape))

    for t, x in enumerate(starts):
        H = np.array([[1, 0, -x], [0, 1, 0], [0, 0, 1.0]])
        seen = exposure(source, t, H, (0, 0, long, h), np.full((h, w), 255, np.uint8), scene, "cpu")
        assert seen.weight.shape == (h, w)  # not the canvas: a pan's canvas is many frames wide
        add(moments, seen)
    shown = np.zeros((h, long), bool)
    for x in starts:
        shown[:, x:x + w] = True
    np.testing.assert_array_equal(moments.n.numpy(), shown.astype(np.float32))
    np.testing.assert_allclose(moments.c.numpy().transpose(1, 2, 0)[shown] + 128, panorama[shown], atol=1e-3)


@pytest.mark.parametrize("shape", [(9, 12), (8, 7), (1, 5), (6, 1)])
def test_the_walk_on_planes_equals_sweeps_px_by_px(shape):
    rng = np.random.default_rng(3)
    alpha, info = rng.random(shape), rng.random(shape) * 20
    info[rng.random(shape) < 0.2] = 2 * FIXED
    guide = rng.random((3, *shape)) * 20
    expected = alpha.copy()
    for sweep in range(2 * 6):
        for y in range(shape[0]):
            for x in range(shape[1]):
                if (y + x) % 2 != sweep % 2 or info[y, x] > FIXED:
                    continue
                total, target = info[y, x], info[y, x] * alpha[y, x]
                for v, u in ((y, x + 1), (y, x - 1), (y + 1, x), (y - 1, x)):
                    if 0 <= v < shape[0] and 0 <= u < shape[1]:
                        far = np.square(guide[:, v, u] - guide[:, y, x]).sum()
                        weight = WALK_LAMBDA * np.exp(-far / (2 * WALK_SIGMA**2)) + 1e-4
                        total, target = total + weight, target + weight * expected[v, u]
                expected[y, x] = target / total
    found = walk(*(torch.from_numpy(x).float() for x in (alpha, info, guide)), 6, everywhere=True)
    assert np.abs(found.numpy() - expected).max() < 1e-5


@pytest.mark.parametrize("H", [translation(3.25, -7.5), np.array([[1.1, -0.1, 3], [0.1, 0.9, -2], [1e-4, 0, 1]])])
def test_masks_carried_as_bytes_are_what_bilinear_sampling_gives(H):
    mask = torch.from_numpy(cv2.GaussianBlur((np.random.default_rng(1).random((40, 60)) > 0.6) * 255.0, (0, 0), 2)
                            .astype(np.uint8))
    box = (-4, 3, 50, 38)
    plain = sample(mask[None].float(), grid_for(H, (54, 35), (-4, 3)), "bilinear", "border")[0]
    assert (share(mask, H, box).float() - plain).abs().max() <= 4  # OpenCV's places are whole 1/32 px


@pytest.mark.parametrize("scattered", [True, False])
def test_weights_at_scattered_points_are_those_of_all_around_them(scattered):
    rng = np.random.default_rng(12)
    hidden = cv2.blur(rng.integers(0, 256, (1, 180, 320)).astype(np.float32)[0], (9, 9))
    hidden = ((hidden > 128) * 255).astype(np.uint8)[None]
    weight_of = by_masks(hidden, (1280, 720), "cpu")
    points = rng.uniform(1, [1279, 719], (400, 2))
    if scattered:
        points = np.concatenate([rng.uniform(*ends, (60, 2)) for ends in
                                 (([30, 20], [80, 90]), ([900, 645], [1279, 719]), ([300, 590], [340, 639]))])
    points = torch.from_numpy(rng.permutation(points).astype(np.float32))
    asked = []
    counted = WeightOf(lambda t, limit: asked.append(limit) or weight_of(t, limit))
    groups, whole = _groups(points, (1280, 720)), _around(points, (1280, 720))
    found = _weights_at(counted, 0, points, whole, groups)
    assert torch.allclose(found, weight_of(0, (0, 0, 1280, 720)).at(points), atol=1e-4)
    assert len(asked) == (3 if scattered else 1) and len(found.unique()) > 2
    frame = rng.integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    corner = torch.tensor(whole[:2], dtype=points.dtype)
    some = _some_of(frame, whole, [box for _, box in groups], "cpu")
    all_ = frame_tensor(frame[whole[1]:whole[3], whole[0]:whole[2]], "cpu")
    assert torch.equal(*(sample(x, points - corner, "bicubic", "border") for x in (some, all_)))


def test_weights_from_boxes_equal_weights_from_whole_frames():
    hidden = np.zeros((1, 45, 80), np.uint8)
    hidden[0, 12:30, 60:] = 255
    hidden[0, 10, 20:24] = 90
    size = (160, 90)
    far = cv2.dilate(hidden[0], np.ones((2 * OUTLINE + 1,) * 2, np.uint8))
    tight, clear = (np.clip(1 - HIDES * cv2.resize(m, size).astype(np.float32) / 255, 0, 1) for m in (hidden[0], far))
    expected = clear + BESIDE * (tight - clear)
    weight = by_masks(hidden, size, "cpu")(0, (0, 0, *size))
    assert weight.box != (0, 0, *size)
    assert np.abs(weight.whole(size, "cpu").numpy() - expected).max() < 0.02
    points = torch.rand(200, 2) * torch.tensor([158.0, 88.0]) + 1
    whole = sample(weight.whole(size, "cpu")[None], points, "bilinear", "border")[0]
    assert (weight.at(points) - whole).abs().max() < 1e-4
    seen = weight.seen_from(translation(20.5, -3.25), (0, 0, 170, 95), size, "cpu")
    moved = resample(torch.from_numpy(expected)[None], translation(20.5, -3.25), (0, 0, 170, 95), smooth=False)[0]
    moved *= inside(translation(20.5, -3.25), (0, 0, 170, 95), size)
    assert (seen - moved).abs().max() < 0.03
    part = by_masks(hidden, size, "cpu")(0, (100, 20, 140, 50))  # only what is asked for has to be right
    assert np.abs(part.values.numpy() - expected[part.box[1]:part.box[3], part.box[0]:part.box[2]]).max() < 0.02


@pytest.mark.parametrize("H", [translation(3.25, -7.5), np.array([[1, 0.1, -8], [-0.1, 1, 4.3], [0, 0, 1.0]]),
                               np.array([[1.1, 0.2, 4], [0.05, 0.9, 5], [2e-3, -1e-2, 1]])])
def test_places_of_px_are_those_of_the_plain_division(H):
    x, y = np.meshgrid(np.arange(90) - 19.5, np.arange(150) - 9.5)
    p = np.stack([x, y, np.ones_like(x)], -1) @ H.T
    ahead = p[..., 2] > 1e-9
    point = np.where(ahead[..., None], p[..., :2] / np.where(ahead, p[..., 2], 1)[..., None], -1e6)
    assert np.allclose(grid_for(H, (90, 150), (-20, -10)).numpy(), point, rtol=1e-6, atol=1e-4)
    expected = (point > 0).all(-1) & (point[..., 0] < 60) & (point[..., 1] < 70)
    assert (inside(H, (-20, -10, 70, 140), (60, 70)).numpy() == expected).mean() > 0.9999


def test_patches_told_by_a_few_px_equal_whole_comparisons(monkeypatch):
    rng = np.random.default_rng(4)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (90, 120, 3)).astype(np.uint8), (0, 0), 2)
    unseen, source = np.zeros((90, 120), bool), np.zeros((90, 120), bool)
    unseen[30:60, 40:80], source[4:24, 4:-4] = True, True
    asking = np.flatnonzero(cv2.dilate(unseen.astype(np.uint8), np.ones((7, 7))) > 0)
    scale = alike.Scale(picture, unseen, source, asking, np.ones(len(asking), np.float32))
    found, candidate = (rng.choice(np.flatnonzero(source), len(asking)) for _ in range(2))
    words, weights = alike.words_of(picture), alike.weights_of(scale, asking)
    mine = np.stack([words[asking + dy * 120 + dx] for dy, dx in alike.NEAR])
    cost, other = (alike.cost_of(scale, words, mine, weights, asking, x) for x in (found, candidate))
    best, best_cost = found.copy(), cost.copy()
    alike._take_better(scale, words, mine, weights, best_cost, best, candidate)
    assert 0.2 < (best == candidate).mean() < 0.8
    assert np.array_equal(best, np.where(other < cost, candidate, found))
    assert np.array_equal(best_cost, np.minimum(other, cost))
    monkeypatch.setattr(alike, "CHUNK", 100)
    misses, mass = alike.misses_of(scale, found)
    assert np.array_equal(misses, cost) and np.array_equal(mass, weights.sum(0, dtype=np.float32))


@pytest.mark.parametrize("corner", [(0, 0), (20, 9), (38, 25)])
def test_paints_counted_around_a_region_equal_those_of_the_whole_drawing(corner):
    rng = np.random.default_rng(11)
    h, w, n = 30, 48, PALETTE_BINS
    c = torch.from_numpy((rng.integers(0, 3, (3, h, w)) * 70 - 70).astype(np.float32))
    inside = torch.from_numpy(rng.random((h, w)) < 0.7)
    part = torch.from_numpy(rng.random((5, 10)) < 0.6)
    x, y = corner
    region = torch.zeros((h, w), dtype=torch.bool)
    region[y:y + 5, x:x + 10] = part
    around = torch.nn.functional.max_pool2d(region[None, None].float(), 7, 1, 3)[0, 0] > 0
    cells = cells_of(c)
    count = torch.bincount(cells[inside & ~around], minlength=n**3).reshape(n, n, n).double()
    near = torch.nn.functional.avg_pool3d(count[None, None], 3, 1, 1)[0, 0].reshape(-1) * 27
    plain = near[cells[region]].mean() / count.sum()
    found = painted_alike(cells, inside, part, paint_counts(cells, inside), corner)
    assert found == pytest.approx(float(plain), rel=1e-5)
