"""The motion search's fast paths beside the plain ones."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from toondecompose.engine.paths import dominant, follow
from toondecompose.engine.paths import refine as finest
from toondecompose.engine.paths.align import Sampler
from toondecompose.engine.paths.dominant import Precision, refine, visible_error
from toondecompose.engine.paths.groups import apply, frame_units, slopes, step, velocities
from toondecompose.engine.paths.mosaic import MODE_REACH, build_mosaic, temporal_mode


def test_the_mode_is_that_of_the_plain_method():
    rng = np.random.default_rng(0)
    for s in (3, 8, 12):  # sums of twelve votes need more than a byte
        paints = rng.integers(0, 256, 4000)
        stack = np.clip(paints + rng.normal(0, 4, (s, 4000)), 0, 255).astype(np.uint8)
        stack = np.where(rng.random(stack.shape) < 0.3, rng.integers(0, 256, stack.shape), stack).astype(np.uint8)
        kept = rng.integers(0, s + 1, 4000)
        value, agree = temporal_mode(stack, kept, 12.0)
        for i in range(0, 4000, 37):
            v = stack[: kept[i], i].astype(float)
            if not len(v):
                assert agree[i] == 0
                continue
            near = np.maximum(0, MODE_REACH - np.abs(v[:, None] - v))
            m = v[(near.sum(1) - MODE_REACH).argmax()]
            for reach in (MODE_REACH, (MODE_REACH + 12.0) / 2, 12.0, 12.0):
                w = np.maximum(0, 1 - np.abs(v - m) / reach)
                m = (w * v).sum() / w.sum()
            assert value[i] == pytest.approx(m, abs=1e-3)
            assert agree[i] == pytest.approx((np.abs(v - m) < 12).mean(), abs=1e-6)


def test_every_frame_that_shows_a_pixel_is_counted_and_the_first_ones_are_kept():
    frames = np.stack([np.full((20, 30), 20 * t, np.uint8) for t in range(10)])
    H = np.tile(np.eye(3), (10, 1, 1))
    H[:, 0, 2] = -np.arange(10)
    found = build_mosaic(frames, H, np.ones(10, bool), 4)
    assert np.array_equal(found.seen[0], [min(x + 1, 10, 39 - x) for x in range(39)])
    assert found.value[0, 0] == 0 and found.value[0, 38] == 180  # shown by one frame each
    held = build_mosaic(frames[[3] * 9 + [5]], H, np.ones(10, bool), 4)
    assert (held.value[:, :30] == 60).all()


def plain_refine(m, p, q, whiten, weight, dof, units, precision, rounds=3):
    """Reweighted least squares, match by match."""
    for k in range(rounds):
        error = visible_error(m, p, q, whiten)
        w = weight * (error < precision.reach * (1.5 if k == 0 else 1.0)) / (1 + (error / precision.sharp) ** 2)
        jac = whiten @ velocities(apply(units, apply(m, p)), dof) / units[0, 0]  # [n, 2, dof]
        off = (whiten @ (q - apply(m, p))[:, :, None])[:, :, 0]
        normal = np.einsum("n,nri,nrj->ij", w, jac, jac)
        normal[np.diag_indices(dof)] += 1e-6 * np.trace(normal) / dof + 1e-12
        m = np.linalg.inv(units) @ step(np.linalg.solve(normal, np.einsum("n,nri,nr->i", w, jac, off))) @ units @ m
        m = m / m[2, 2]
    return m


@pytest.mark.parametrize("dof", [2, 4, 6, 8])
def test_a_motion_is_refined_as_match_by_match(dof):
    rng = np.random.default_rng(dof)
    p, units, precision = rng.uniform(0, 200, (400, 2)), frame_units((200, 120)), Precision.of(1.0)
    m = np.linalg.inv(units) @ step(0.01 * rng.normal(size=dof)) @ units
    q = apply(m, p) + rng.normal(0, 0.1, p.shape)
    whiten, weight = np.eye(2) + 0.3 * rng.normal(size=(400, 2, 2)), rng.random(400)
    start = np.eye(3)
    start[:2, 2] = (apply(m, p) - p).mean(0)
    found = refine(start, p, q, whiten, weight, dof, units, precision)
    assert np.allclose(found, plain_refine(start, p, q, whiten, weight, dof, units, precision), atol=1e-9)


def test_votes_are_pooled_alike_by_counting_and_by_sorting(monkeypatch):
    rng = np.random.default_rng(2)
    points = [SimpleNamespace(at=rng.uniform(0, 100, (300, 2))) for _ in range(3)]
    H = np.tile(np.eye(3), (3, 1, 1))
    H[:, 0, 2] = (-30, 0, 40)
    vote = [rng.normal(size=300) for _ in range(3)]
    counted = follow._pool(SimpleNamespace(points=points), H, vote)
    monkeypatch.setattr(follow, "DENSE", 0)
    for a, b in zip(counted, follow._pool(SimpleNamespace(points=points), H, vote), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("m", [[[1, 0, 3.3], [0, 1, -2.1], [0, 0, 1]], [[1.1, 0.2, 3], [-0.2, 0.9, 1], [0, 0, 1]],
                               [[1.1, 0.2, 3], [-0.2, 0.9, 1], [1e-3, -2e-3, 1]]])
def test_points_move_to_the_last_bit_as_by_products_of_rows(m):
    m, points = np.array(m, float), np.random.default_rng(0).uniform(-50, 700, (5001, 2))
    z = points @ m[2, :2] + m[2, 2]
    z = np.where(np.abs(z) < 1e-9, 1e-9, z)
    assert np.array_equal(apply(m, points), (points @ m[:2, :2].T + m[:2, 2]) / z[:, None])


@pytest.mark.parametrize("dof", [2, 4, 6, 8])
def test_slopes_along_generators_are_to_the_last_bit_those_of_their_velocities(dof):
    rng = np.random.default_rng(dof)
    points, way = rng.normal(size=(900, 2)), rng.normal(size=(900, 2))
    v = velocities(points, dof)
    assert np.array_equal(slopes(way[:, 0], way[:, 1], points[:, 0], points[:, 1], dof),
                          v[:, 0] * way[:, :1] + v[:, 1] * way[:, 1:])


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_the_likeliest_motion_is_that_of_all_scored_exactly(scale):
    precision = Precision.of(scale)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        p, weight = rng.uniform(0, 320, (500, 2)), rng.random(500)
        q = p + rng.normal(0, 5, 2) + rng.normal(0, 0.2, p.shape)
        q[::3] += rng.normal(0, 5, q[::3].shape)
        whiten = np.eye(2) * rng.random((500, 1, 1))
        tries = dominant._hypotheses(p, q, whiten, weight, 4, rng)
        tries = np.concatenate([tries, tries[::-1]])  # each twice: the first of equals
        moved = p @ tries[:, :, :2].transpose(0, 2, 1) + tries[:, None, :, 2]
        seen = np.diagonal(whiten, axis1=1, axis2=2) * (moved - q)
        error = np.sqrt(np.square(seen[..., 0]) + np.square(seen[..., 1]))
        agree = precision.agreement(error**2) @ weight
        rows = dominant._rows(whiten)
        assert np.abs(dominant._rough_scores(tries, p, q, rows, weight, precision) - agree).max() < (
            0.1 * dominant.ROUGH * weight.sum())
        for least in (0.0, 0.99 * agree.max(), 1.01 * agree.max()):
            found = dominant._likeliest(tries, p, q, rows, weight, precision, least)
            assert found == (int(agree.argmax()) if agree.max() > least else None)


def test_what_shows_something_foreign_is_that_of_exact_slopes():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        still = cv2.GaussianBlur(rng.normal(128, 90, (180, 320)).astype(np.float32), (0, 0), 1.5)
        shift = np.array([[1, 0, 0.3 * seed], [0, 1, -0.2 * seed], [0, 0, 1]])
        there = cv2.warpPerspective(still, np.linalg.inv(shift), (320, 180), borderMode=cv2.BORDER_REPLICATE,
                                    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        grain = np.linspace(0, 60, 320) * rng.normal(size=still.shape)  # ever more of it from left to right
        grey = cv2.GaussianBlur(there + grain.astype(np.float32), (0, 0), 0.6)
        slope = np.hypot(*(cv2.Sobel(there, cv2.CV_32F, i, 1 - i, ksize=3, scale=1 / 8) for i in (1, 0)))
        off = cv2.blur(np.abs(grey - there) / np.sqrt(2.25 + (finest.MISPLACED * slope) ** 2), (3, 3))
        foreign = cv2.dilate((off > finest.FOREIGN).astype(np.uint8), np.ones((7, 7), np.uint8))
        assert 0.02 < foreign.mean() < 0.99
        target = Sampler(still, np.ones_like(still), (0, 0))
        assert np.array_equal(finest._usable(target, shift, grey, 1.0), 1 - foreign)
