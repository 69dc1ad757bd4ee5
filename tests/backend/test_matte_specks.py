"""Specks and pinholes go; thin lines, soft edges and what is surely known stay."""

import cv2
import numpy as np
import pytest

from toondecompose.engine.matte.specks import _small_anywhere, _small_boxes, _small_within, without_specks

NOTHING = np.zeros((40, 60), bool)


def body():
    alpha = np.zeros((40, 60), np.float32)
    alpha[10:30, 10:40] = 1
    alpha[10:30, 40] = 0.5
    return alpha


def test_specks_and_pinholes_vanish():
    alpha = body()
    noisy = alpha.copy()
    noisy[3, 50], noisy[35, 5:8], noisy[20, 20], noisy[15, 30:33] = 0.8, 0.6, 0.2, 0.0
    assert np.allclose(without_specks(noisy, 12, NOTHING), alpha)


def test_soft_edges_and_thin_diagonals_stay():
    alpha = body()
    for k in range(15):
        alpha[5 + k, 44 + k] = 1
    assert np.array_equal(without_specks(alpha, 12, NOTHING), alpha)


def test_what_is_surely_known_stays():
    alpha = body()
    alpha[20, 20] = 0
    keep = NOTHING.copy()
    keep[20, 20] = True
    assert without_specks(alpha, 12, keep)[20, 20] == 0


@pytest.mark.parametrize("connectivity", [4, 8])
def test_small_components_are_found_by_their_outlines(connectivity):
    rng = np.random.default_rng(1)
    for _ in range(40):
        field = cv2.GaussianBlur(rng.random((60, 80)).astype(np.float32), (0, 0), rng.uniform(0.5, 3))
        mask = (field > np.quantile(field, rng.uniform(0.02, 0.98))).astype(np.uint8)
        keep = rng.random(mask.shape) < 0.4
        boxes = _small_boxes(mask, 12, connectivity)
        np.testing.assert_array_equal(_small_within(boxes, mask, 12, connectivity, keep),
                                      _small_anywhere(mask, 12, connectivity, keep))
