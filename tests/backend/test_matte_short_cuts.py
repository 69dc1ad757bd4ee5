"""Short cuts of cutting drawings out against their plain forms."""

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.matte import mixes
from toondecompose.engine.matte.areas import contrasts, distance, outermost
from toondecompose.engine.matte.evidence import GHOST, MIN_RING, TELLS, _lets_through, _slope
from toondecompose.engine.matte.mixes import CLOSER, MISSES, NARROW, WITHIN, mixed
from toondecompose.engine.matte.throughout import Told, shines_through


def mixed_one_by_one(seen, behind, around, found, miss, paints, mask, noise):
    """As `mixed`, a px, a fill and a paint at a time."""
    dot = lambda x, y: (x[:1] * y[:1]).addcmul_(x[1:2], y[1:2]).addcmul_(x[2:], y[2:])  # noqa: E731
    out, away = found.clone(), miss.clone()
    for k in range(seen.shape[1]):
        B, D = behind[:, k:k + 1], seen[:, k:k + 1] - behind[:, k:k + 1]
        if not miss[k] > MISSES * noise or not (D.amax() > noise or mask[k] > WITHIN):
            continue
        left = miss[k] * CLOSER
        for fill in (found, around):
            first = fill[:, k:k + 1]
            for paint in paints[..., None]:
                u, v = first - B, paint - B
                uu, vv, uv, ud, vd = (dot(*pair) for pair in ((u, u), (v, v), (u, v), (u, D), (v, D)))
                wide = uu * vv - uv * uv
                x, y = (ud * vv - vd * uv) / wide.clamp(min=NARROW), (vd * uu - ud * uv) / wide.clamp(min=NARROW)
                if x + y > 1:
                    y = dot(D - u, v - u) / dot(v - u, v - u).clamp(min=NARROW)
                    x = 1 - y
                off = D - x * u - y * v
                off = dot(off, off).sqrt()
                if x > 0 and y > 0 and wide > NARROW and off < left:
                    out[:, k:k + 1], away[k], left = (x * first + y * paint) / (x + y).clamp(min=1e-3), off, off
    return out, away


@pytest.mark.parametrize("together", [1, 40, 10_000])
def test_mixes_tried_at_once_are_those_tried_one_by_one(together, monkeypatch):
    monkeypatch.setattr(mixes, "TOGETHER", together)
    rng = torch.Generator().manual_seed(3)
    colours = lambda n: torch.rand((3, n), generator=rng) * 200 - 100  # noqa: E731
    behind, around, found, paints = colours(60), colours(60), colours(60), colours(5).T
    share = torch.rand(60, generator=rng)
    seen = share * found + (1 - share) * 0.5 * (behind + paints[1][:, None])
    miss, mask = torch.rand(60, generator=rng) * 60, torch.rand(60, generator=rng)
    colour, off = mixed(seen, behind, around, found, miss, paints, mask, 1.5)
    plain, least = mixed_one_by_one(seen, behind, around, found, miss, paints, mask, 1.5)
    assert (off < miss).sum() > 10
    torch.testing.assert_close(off, least)
    torch.testing.assert_close(colour, plain)


@pytest.mark.parametrize("shape", [(40, 50), (1, 30), (700, 333)])
def test_the_outermost_px_and_slopes_are_those_of_the_whole_picture(shape):
    rng = np.random.default_rng(4)
    planes = cv2.GaussianBlur(rng.normal(0, 60, (3, *shape)).astype(np.float32).transpose(1, 2, 0), (0, 0), 2)
    planes = np.ascontiguousarray(planes.reshape(*shape, 3).transpose(2, 0, 1))
    mask = planes[0] > 0
    np.testing.assert_array_equal(outermost(mask), distance(mask) == 1)
    contrast2, slope2, slope = (np.zeros(shape, np.float32) for _ in range(3))
    step = np.array([[-0.5, 0, 0.5]], np.float32)
    for plane in planes:
        cv2.accumulateSquare(plane, contrast2)
        for dx, dy in ((1, 0), (0, 1)):
            cv2.accumulateSquare(cv2.Sobel(plane, cv2.CV_32F, dx, dy, ksize=1, scale=0.5), slope2)
        for kernel in (step, step.T):
            cv2.accumulateSquare(cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_REPLICATE), slope)
    for got, plain in zip((*contrasts(planes), _slope(torch.from_numpy(planes)).numpy()),
                          (contrast2, slope2, np.sqrt(slope)), strict=True):
        np.testing.assert_array_equal(got, plain)


@pytest.mark.parametrize("low", [0.05, 0.07, 0.1, 0.4])
def test_what_shines_through_is_told_as_by_sorting_all(low):
    rng = np.random.default_rng(5)
    share = np.where(rng.random(400) < 0.1, low, 0.3) + rng.normal(0, 0.004, 400)
    weight = rng.uniform(25, 400, 400)
    order = np.argsort(share, kind="stable")
    so_far = np.cumsum(weight[order]) / weight.sum()
    least, middle = (share[order[np.searchsorted(so_far, q)]] for q in (0.1, 0.5))
    through = shines_through([Told(share, weight, 2000, 2000)])
    assert through == (middle if least > 0.06 and middle - least < 0.2 * middle + 0.04 else 0.0)


@pytest.mark.parametrize("ghostly", [0, 148, 149, 150, 151, 152, 300])
def test_a_ghost_is_told_by_counting_as_by_the_median(ghostly):
    shape, number = (20, 30), 300
    beta = torch.full(shape, 0.1)
    inside = np.ones(shape, np.float32)
    inside.reshape(-1)[:number] = 0
    beta.view(-1)[:ghostly] = 0.3
    assert number >= MIN_RING
    told = _lets_through(beta, torch.full(shape, 2 * TELLS), torch.ones(shape), torch.ones(shape, dtype=torch.bool),
                         inside)
    assert told == (float(np.median(beta.numpy()[inside == 0])) > GHOST)
