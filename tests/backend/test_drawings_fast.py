"""Where the exposure sheets take short cuts they say what the plain way says."""

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.drawings.align import Points, _basis, _steepest, choose_points, gradients
from toondecompose.engine.drawings.canvas import build
from toondecompose.engine.drawings.compare import LEAST_LEVELS, _summed, largest_blob
from toondecompose.engine.drawings.correlate import _correlate
from toondecompose.engine.drawings.islands import MANY, main_parts
from toondecompose.engine.drawings.patches import Patch
from toondecompose.engine.drawings.pixels import pixels_of, place, reached, shift, strongest, values_at


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def blobs(rng, height, width, sigma):
    soft = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), sigma)
    return (soft > soft.std()).astype(np.uint8)


def painting(rng, height, width):
    return cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), (0, 0), 1.0)


@pytest.mark.parametrize("sigma", [0.8, 3.0, 9.0])
def test_small_parts_are_taken_out_wherever_there_are_few_or_many(rng, sigma):
    for least in (0.02, 0.15, 0.9):
        body = blobs(rng, 150, 210, sigma)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(body, connectivity=8)
        area = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
        area[0] = 0
        assert np.array_equal(main_parts(body, least), (area >= least * area.max())[labels])
        assert sigma > 1 or np.count_nonzero(area < least * area.max()) > MANY
    assert not main_parts(np.zeros((20, 30), np.uint8)).any()


@pytest.mark.parametrize("dof", [2, 4, 6, 8])
def test_steepest_descent_planes_are_the_products(rng, dof):
    points = Points(rng.random((501, 2)) * 300, np.zeros((501, 3), np.float32),
                    rng.normal(0, 20, (501, 3, 2)).astype(np.float32), np.ones(501, np.float32))
    found = _steepest(points, dof)
    basis = _basis((points.xy - points.xy.mean(0)) / found.radius, dof)
    jacobian = np.einsum("ncd,pdn->ncp", points.gradient.astype(np.float64) * found.radius, basis)
    assert np.allclose(found.jacobian, jacobian.reshape(-1, dof).T, rtol=1e-12)
    one, two = np.triu_indices(dof)
    assert np.allclose(found.squares, (jacobian[..., one] * jacobian[..., two]).sum(1).T, rtol=1e-9)


@pytest.mark.parametrize("box", [(40, 90, 30, 120), (0, 130, 0, 160), (0, 20, 100, 160), (7, 7, 7, 7)])
def test_points_are_chosen_as_on_the_whole_picture(rng, box):
    smooth, weight = painting(rng, 130, 160), np.zeros((130, 160), np.float32)
    weight[box[0] : box[1], box[2] : box[3]] = rng.random((box[1] - box[0], box[3] - box[2])) > 0.2
    gx, gy = gradients(smooth)
    use = (weight > 0) & (strongest(gx * gx + gy * gy) > 4.0)
    use[[0, -1]] = use[:, [0, -1]] = False
    y, x = pixels_of(use)
    found = choose_points(smooth, weight, 10**6)
    assert np.array_equal(found.xy, np.stack([x + 0.5, y + 0.5], 1))
    assert np.array_equal(found.colour, smooth[y, x]) and np.array_equal(found.weight, weight[y, x])
    assert np.array_equal(found.gradient, np.stack([gx[y, x], gy[y, x]], -1))


@pytest.mark.parametrize("H", [shift(3.3, -20.6), shift(-300, 0), np.array([[1.1, 0.1, 5], [-0.1, 1.1, 9], [0, 0, 1]])])
def test_a_mean_is_built_on_what_each_exposure_shows(rng, H):
    body = cv2.dilate(blobs(rng, 100, 120, 6.0), np.ones((3, 3)))
    body[:, :30] = 0
    patch = Patch(0, np.array([4.0, 6.0]), painting(rng, 100, 120), cv2.erode(body, np.ones((5, 5))), body,
                  np.ones_like(body))
    corner, size = np.array([-5.0, -8.0]), (180, 140)
    found = build([patch, patch], [H, np.eye(3)], corner, size)
    total, weight = np.zeros((140, 180, 3), np.float32), np.zeros((140, 180), np.float32)
    for m in (H, np.eye(3)):
        back = shift(*-corner) @ np.linalg.inv(m) @ shift(*patch.origin)
        own = place(np.maximum(patch.inside, np.float32(0.25) * body), back, size)
        total += place(patch.smooth, back, size) * own[..., None]
        weight += own
    assert np.array_equal(found.weight, weight)
    assert np.allclose(found.smooth, total / np.maximum(weight, 1e-6)[..., None], atol=1e-3)


def test_a_part_of_a_slid_picture_is_a_part_of_it(rng):
    picture, H = painting(rng, 60, 70), shift(-12.4, 7.7)
    x0, y0, x1, y1 = window = reached((20, 10, 50, 40), H, (90, 80))
    assert np.array_equal(place(picture, H, (90, 80), window=window), place(picture, H, (90, 80))[y0:y1, x0:x1])
    only = np.zeros((60, 70), np.uint8)
    only[10:40, 20:50] = 255
    outside = place(only, H, (90, 80))
    outside[y0:y1, x0:x1] = 0
    assert not outside.any()


def test_the_largest_blob_is_found_in_its_box(rng):
    levels = rng.normal(0, 20, (90, 110)).astype(np.float32)
    region = blobs(rng, 90, 110, 4.0).astype(bool)
    _, labels = cv2.connectedComponents(((levels > 0) & region).astype(np.uint8), connectivity=8)
    sums = np.bincount(labels.ravel(), (levels + LEAST_LEVELS).ravel())[1:]
    assert largest_blob(levels, region) == pytest.approx(sums.max(), rel=1e-6)
    assert largest_blob(levels, np.zeros_like(region)) == 0


def test_sums_and_values_are_numpys_own(rng):
    colours = rng.normal(0, 50, (1001, 3)).astype(np.float32)
    assert np.allclose(_summed(colours), colours.sum(1), atol=1e-4)
    picture, (ys, xs) = painting(rng, 40, 50), rng.integers(0, 40, (2, 300))
    assert np.array_equal(values_at(picture, ys, xs), picture[ys, xs])


def test_correlating_pair_by_pair_is_the_formula(rng):
    fa, fb = torch.from_numpy(rng.normal(0, 9, (2, 10, 16, 9, 2)).astype(np.float32)).view(torch.complex64)[..., 0]
    count, ssd = torch.empty((2, 16, 9), dtype=torch.complex64)
    _correlate(fa, fb, count, ssd)
    wanted = fa[4] * fb[5] + fa[0] * fb[9] + fa[9] * fb[0] + fa[5] * fb[4]
    for c in (1, 2, 3):
        wanted = wanted - 2 * (fa[c] * fb[5 + c] + fa[5 + c] * fb[c])
    assert torch.equal(count, fa[0] * fb[5] + fa[5] * fb[0]) and torch.allclose(ssd, wanted)
