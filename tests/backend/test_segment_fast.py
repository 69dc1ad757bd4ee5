"""The segmentation's fast paths beside the plain ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.segment.canvas import RESAMPLING, Mosaic, _all_inside, render, sample_planes
from toondecompose.engine.segment.edges import eroded, upsampled, upsampled_at
from toondecompose.engine.segment.evidence import _compare, _compare_on_host, largest_near
from toondecompose.engine.segment.labels import first_mass, frame_mass, solve
from toondecompose.engine.segment.layers import Rigid
from toondecompose.engine.segment.mosaic import (
    CANDIDATES,
    TRUSTED,
    VOTE_RANGE,
    _mode,
    _mode_on_host,
    _off,
    _votes_on_host,
    build_mosaic,
    temporal_mode,
)
from toondecompose.engine.segment.parallax import BLUR, OTHER, SAME, _votes
from toondecompose.engine.segment.refine import _without_specks
from toondecompose.engine.segment.roles import trace
from toondecompose.engine.segment.walker import FLOOR, _omega, _relax, spread, spread_on
from toondecompose.engine.warp import warp


def test_a_shift_samples_like_a_warp():
    picture = torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (5, 20, 30)).astype(np.float32))
    for x, y in ((0, 0), (3.3, -2.7), (-8.25, 4), (29.6, 0.5), (-40, 0), (0, 55)):
        to_picture = np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
        got, inside = sample_planes(picture, to_picture, (26, 18))
        expected = warp(picture, np.linalg.inv(to_picture), (26, 18), border="border")
        assert torch.allclose(got, expected, atol=0.01)
        column, row = np.arange(26) + 0.5 + x, np.arange(18) + 0.5 + y
        there = ((row >= 0) & (row <= 20))[:, None] & ((column >= 0) & (column <= 30))
        assert np.array_equal(inside.numpy() > 0, there)


def test_a_mosaic_is_rendered_as_its_planes_are_sampled_within_them():
    planes = torch.from_numpy(np.random.default_rng(2).uniform(0, 255, (6, 40, 60)).astype(np.float32))
    mosaic = Mosaic(planes[:3], planes[3], planes[4], planes[4], planes[5], (-8.0, -6.0))
    plain = 0
    for x, y in ((0, 0), (3.3, 2.7), (7.9, 6), (8, 6), (8.01, 0), (-25.9, -15.9), (-26.1, 0), (0, 9), (300, 0)):
        H = np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
        back = np.array([[1, 0, 8 - x], [0, 1, 6 - y], [0, 0, 1.0]])
        values, inside = sample_planes(planes, back, (26, 18))
        assert not _all_inside(back, (40, 60), (26, 18)) or inside.all()
        plain += _all_inside(back, (40, 60), (26, 18))
        values *= inside
        for number in (3, 4):
            values[number] = (values[number] * 256).round() / 256
        if inside.any():
            assert torch.equal(render(mosaic, H, (26, 18)), values[[0, 1, 2, 3, 5]])
            assert torch.equal(render(mosaic, H, (26, 18), colour=False), values[[3, 4]])
    assert plain == 7


def test_a_turned_sampling_takes_planes_four_at_a_time_alike():
    picture = torch.from_numpy(np.random.default_rng(1).uniform(0, 255, (6, 40, 60)).astype(np.float32))
    m = np.array([[0.98, -0.1, 4], [0.1, 1.02, -2], [1e-4, 0, 1]])
    got, _ = sample_planes(picture, m, (50, 36))
    for i in range(6):
        alone, _ = sample_planes(picture[i : i + 1], m, (50, 36))
        assert torch.allclose(got[i], alone[0], atol=255 / 32)  # positions are rounded to 1/32 px


def _plain_mode(colour: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """temporal_mode in words: of the heaviest samples the one with most votes, then twice the mean of its voters."""
    n, colour = len(weight), colour.float()
    in_time = torch.as_tensor([(i * 0.618034) % 1.0 for i in range(n)])[:, None]
    heaviest = torch.topk(torch.round(weight * 8) + in_time * 0.5, min(n, CANDIDATES), dim=0).indices
    best, mode = torch.full_like(weight[0], -1.0), torch.zeros_like(colour[:, 0])
    for frame in heaviest:
        pick = torch.gather(colour, 1, frame.expand(3, 1, -1))[:, 0]
        score = ((VOTE_RANGE - (colour - pick[:, None]).abs().sum(0)).clamp_min(0) * weight).sum(0)
        score = score * (torch.gather(weight, 0, frame[None])[0] > TRUSTED)
        mode, best = torch.where(score > best, pick, mode), torch.maximum(best, score)
    for _ in range(2):
        near = (VOTE_RANGE - (colour - mode[:, None]).abs().sum(0)).clamp_min(0) * weight
        total = near.sum(0)
        mode = torch.where(total > 1e-6, (colour * near).sum(1) / total.clamp_min(1e-6), mode)
    far = (colour - mode[:, None]).abs()
    voter = (far.sum(0) < 0.5 * VOTE_RANGE) * weight
    votes = voter.sum(0)
    return mode, votes, ((far.amax(0).square() * voter).sum(0) / votes.clamp_min(1e-6)).sqrt()


@pytest.mark.parametrize("noise", [0.0, 1.5, 5.0])
@pytest.mark.parametrize("n", [3, 8, 40])
def test_the_mode_is_the_colour_with_most_votes_of_all_samples(n, noise):
    rng = np.random.default_rng(n)
    count = 3000
    paints = rng.integers(0, 256, (3, 1, count))
    samples = paints + rng.normal(0, noise, (3, n, count))
    other = rng.integers(0, 256, (3, n, count))  # what hides it differs from frame to frame
    hidden = rng.random((n, count)) < rng.uniform(0, 0.8, count)
    samples = torch.from_numpy(np.clip(np.where(hidden, other, samples), 0, 255).round().astype(np.uint8))
    weight = rng.uniform(0, 1, (n, count)) * (rng.random((n, count)) > 0.2)
    weight = torch.from_numpy(weight.astype(np.float32))
    mode, votes, scatter = temporal_mode(samples, weight)
    expected, its_votes, its_scatter = _plain_mode(samples, weight)
    # distances are counted in whole levels: here and there a sample at the very end of the range votes or does not
    alike = (mode - expected).abs().amax(0) < 1.0
    assert alike.float().mean() > (0.99 if noise < 2 else 0.975)
    other_votes = (votes - its_votes).abs() > 0.1 * weight.sum(0)
    assert other_votes[alike].float().mean() < (0.001 if noise < 2 else 0.04)
    assert abs(float(votes.mean() / its_votes.mean()) - 1) < (1e-3 if noise < 2 else 0.025)
    assert (scatter - its_scatter).abs()[alike].mean() < 0.15


@pytest.mark.parametrize("n, count", [(1, 1), (1, 300), (7, 1), (4, 4), (30, 500)])
def test_votes_are_counted_alike_on_the_host(n, count):
    rng = np.random.default_rng(n)
    mode = torch.from_numpy(rng.integers(0, 256, (3, count), np.uint8))
    samples = (mode[:, None].int() + torch.from_numpy(rng.integers(-40, 40, (3, n, count)))).clamp(0, 255)
    far = (samples - mode[:, None].int()).abs().sum(0)
    found = _votes_on_host(_off(list(samples.to(torch.uint8).numpy()), mode.numpy()))
    assert found.shape == (n, count) and np.array_equal(found, (VOTE_RANGE - far).clamp(min=0).numpy())


def test_the_mode_is_the_same_on_the_host():
    rng = np.random.default_rng(9)
    n, count = 24, 2000
    samples = rng.integers(0, 256, (3, 1, count)) + rng.normal(0, 2, (3, n, count))
    samples = np.where(rng.random((n, count)) < 0.5, rng.integers(0, 256, (3, n, count)), samples)
    colour = list(torch.from_numpy(samples.clip(0, 255).astype(np.uint8)))
    weight = torch.from_numpy((rng.random((n, count)) * (rng.random((n, count)) > 0.3)).astype(np.float32))
    key = (weight * 8).round().to(torch.int32) * n + torch.arange(n, dtype=torch.int32)[:, None]
    for plain, fast in zip(*(how(colour, weight, key, torch.arange(n)) for how in (_mode, _mode_on_host)), strict=True):
        assert plain.shape == fast.shape and float(((plain - fast).abs() > 1e-2).float().mean()) < 2e-3


def test_a_pan_in_columns_makes_the_mosaic_of_the_whole():
    rng = np.random.default_rng(0)
    strip = np.repeat(np.repeat(rng.integers(0, 256, (9, 40, 3), np.uint8), 4, 0), 4, 1)
    frames = np.stack([strip[:, 4 * t : 4 * t + 64] for t in range(24)])
    H = np.tile(np.eye(3), (24, 1, 1))
    H[:, 0, 2] = -4.0 * np.arange(24)
    pan = build_mosaic(torch.from_numpy(frames).permute(0, 3, 1, 2), H, np.ones(24, bool))
    assert np.array_equal(pan.colour.round().numpy().astype(np.uint8), strip[:, :156].transpose(2, 0, 1))
    assert (pan.votes == pan.seen).all() and torch.equal(pan.excused, (RESAMPLING * pan.slope).square().sqrt())


def test_a_layer_that_just_comes_in_keeps_the_sliver_that_lies_where_it_is_next():
    p, mass = torch.zeros(2, 360, 640), torch.zeros(2, 360, 640)
    p[1, 100:102, 0:12] = p[1, 100:102, 300:312] = mass[1, 100:102, 0:12] = mass[1, 100:102, 300:312] = 1
    p[0] = 1 - p[1]
    nobody, body = np.zeros((1, 90, 160), np.uint8), np.zeros((1, 90, 160), np.uint8)
    body[0, 20:40, :20] = 1
    assert not _without_specks(p, mass, lambda: nobody).any()
    label = _without_specks(p, mass, lambda: body)
    assert (label[100:102, 0:12] == 1).all() and label.sum() == 24
    p[1, 200:240, 200:240], p[0, 200:240, 200:240], mass[1, 200:240, 200:240] = 1, 0, 1
    assert not _without_specks(p, mass, lambda: body)[:150].any()  # beside a whole drawing, specks are noise


def test_evidence_of_some_pixels_is_that_of_the_whole_frame():
    rng = np.random.default_rng(2)
    h, w = 24, 40

    def plane(*shape):
        return torch.from_numpy(rng.uniform(0, 1, shape).astype(np.float32))

    misfits, backs = [5 * plane(h, w), None, 5 * plane(h, w)], [plane(7, h, w), None, plane(7, h, w)]
    theres = [None, None, torch.stack([plane(h, w), 4 * plane(h, w)])]
    at = torch.from_numpy(np.sort(rng.permutation(h * w)[:300]))
    for redrawn in (0, 1, 2):
        shown = plane(3 + redrawn, h, w)
        tex, hiding = plane(h, w), [False, False, True]
        some = [None if m is None else m.flatten(1)[:, at] for m in theres]
        part = frame_mass(misfits, tex.flatten()[at], backs, some, hiding, shown, redrawn, at)
        whole = frame_mass(misfits, tex, backs, theres, hiding, shown, redrawn)
        assert torch.equal(part, whole.flatten(1)[:, at])


def test_pixels_are_enlarged_alone_as_with_the_whole_picture():
    small = torch.from_numpy(np.random.default_rng(5).random((3, 19, 33)).astype(np.float32))
    for size in ((66, 38), (80, 47), (33, 19)):
        at = torch.arange(size[0] * size[1])
        assert torch.allclose(upsampled_at(small, size, at), upsampled(small, size).flatten(1), atol=1e-5)


def test_spreading_over_an_outline_from_a_coarse_answer_is_like_spreading_to_all():
    """Where the other pixels are sure of their layer, as those far from any outline are."""
    rng = np.random.default_rng(3)
    body = np.zeros((64, 96), np.float32)
    body[16:50, 30:70] = 1
    picture = 60 + 120 * body + rng.normal(0, 3, body.shape)
    rim = cv2.dilate(body, np.ones((9, 9))) - cv2.erode(body, np.ones((9, 9))) > 0
    sure = torch.from_numpy(np.where(rim, 0.02, 1.0).astype(np.float32))[None]
    said = torch.from_numpy(np.where(rim, rng.uniform(0, 1, body.shape), body).astype(np.float32))[None, None]
    frame = torch.from_numpy(picture.astype(np.float32))[None, None].expand(-1, 3, -1, -1)
    plain = spread(frame, said, sure, smooth=1.0)[0, 0]
    coarse = cv2.resize(cv2.GaussianBlur(body[::2, ::2], (0, 0), 1), body.shape[::-1], interpolation=cv2.INTER_LINEAR)
    at = torch.from_numpy(np.flatnonzero(rim))
    some = spread_on(torch.from_numpy(coarse)[None], at, frame[0], said[:, 0], sure[0], smooth=1.0)[0]
    assert torch.equal(some[~rim], said[0, 0][~rim])
    assert float((some - plain)[torch.from_numpy(rim)].abs().mean()) < 0.05
    assert torch.equal(some > 0.5, plain > 0.5)


def test_rounds_at_half_the_size_find_the_layers_that_rounds_at_full_size_find():
    """A disc of other colours in every frame, before a background that slides."""
    rng = np.random.default_rng(0)
    wall = cv2.resize(rng.integers(0, 256, (30, 80, 3), np.uint8), (320, 120), interpolation=cv2.INTER_NEAREST)
    row, column = np.mgrid[:120, :240]
    frames, discs = [], []
    for t in range(12):
        frame = wall[:, 4 * t : 4 * t + 240].copy()
        disc = (row - 60) ** 2 + (column - 60 - 8 * t) ** 2 < 30**2
        frame[disc] = cv2.resize(rng.integers(0, 256, (15, 30, 3), np.uint8), (240, 120),
                                 interpolation=cv2.INTER_NEAREST)[disc]
        frames.append(frame)
        discs.append(disc)
    frames = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    H = np.tile(np.eye(3), (12, 1, 1))
    H[:, 0, 2] = -4.0 * np.arange(12)
    present = np.ones(12, bool)
    first = first_mass(trace(frames, [H], [present], 0.0), [0], True)
    plain, _, _ = solve(frames, Rigid([H], [present], [True]), first, 0.0, True, everywhere=True)
    fast = [solve(frames, Rigid([H], [present], [True]), first, 0.0, True, several=several)[0]
            for several in (False, True)]
    disc = torch.from_numpy(np.stack(discs))
    for p in (plain, *fast):
        assert float(((p[1] > 0.5) == disc).float().mean()) > 0.99
    assert all(float(((plain[1] > 0.5) == (p[1] > 0.5)).float().mean()) > 0.995 for p in fast)


def test_a_clip_in_one_row_is_relaxed_as_picture_by_picture():
    rng = np.random.default_rng(6)

    def some(*shape):
        return torch.from_numpy(rng.uniform(0, 1, shape).astype(np.float32))

    p, e, c = some(2, 3, 9, 14), some(2, 3, 9, 14), some(3, 9, 14)
    right, down = some(3, 9, 13).clamp_min(FLOOR), some(3, 8, 14).clamp_min(FLOOR)
    for m in (1, 2):
        got = _relax(p[:m], e[:m], c, right, down, 12)
        total = c + 1e-6
        for where, link in ((np.s_[..., :-1], right), (np.s_[..., 1:], right),
                            (np.s_[..., :-1, :], down), (np.s_[..., 1:, :], down)):
            total[where] += link
        plain, last, omega = p[:m], torch.zeros_like(p[:m]), 1.0
        for i in range(12):
            new = c * e[:m] + 0.5e-6
            new[..., :-1] += right * plain[..., 1:]
            new[..., 1:] += right * plain[..., :-1]
            new[..., :-1, :] += down * plain[..., 1:, :]
            new[..., 1:, :] += down * plain[..., :-1, :]
            omega = _omega(i, omega)
            last, plain = plain, torch.lerp(last, new / total, omega)
        assert torch.allclose(got, plain, atol=1e-5)


def _plain_votes(frames, shift, loose, rates, known, gaps):
    """_votes in words: the blurred differences of all gaps at all rates, everywhere."""
    votes = np.zeros(len(rates))

    def worst(tried, t, at):
        e = []
        for u in at:
            for r in tried:
                x, y = r * (shift[u] - shift[t])
                moved = cv2.warpAffine(frames[u], np.float32([[1, 0, -x], [0, 1, -y]]), frames.shape[2:0:-1],
                                       borderMode=cv2.BORDER_CONSTANT, borderValue=(255, 0, 255))
                off = cv2.absdiff(frames[t], moved).max(2).astype(np.float32)
                e.append(cv2.blur(off, (BLUR, BLUR))[loose[t]] * BLUR**2)
        return np.array(e).reshape(len(at), len(tried), -1).max(0)

    for t in range(len(frames)):
        for side in (-1, 1):
            at = [t + side * g for g in gaps]
            if min(at) < 0 or max(at) >= len(frames) or np.hypot(*(shift[at[0]] - shift[t])) < 8:
                continue
            still, e = worst(known, t, at).min(0), worst(rates, t, at)
            good = (e.min(0) < SAME - 0.5) & (still > OTHER + 0.5) & (still > e.min(0) + OTHER + 0.5)
            votes += np.bincount(e.argmin(0)[good], minlength=len(rates))
    return votes


def test_rates_that_cannot_win_are_not_looked_at_twice():
    rng = np.random.default_rng(7)
    far, near = (cv2.GaussianBlur(rng.integers(0, 256, (48, 400, 3), np.uint8), (0, 0), 1.2) for _ in range(2))
    shift = np.stack([-9.0 * np.arange(12), np.zeros(12)], 1)
    frames = np.stack([np.where(np.arange(48)[:, None, None] < 26, far[:, 5 * t : 5 * t + 90],
                                near[:, 9 * t : 9 * t + 90]) for t in range(12)]).astype(np.uint8)
    rates = np.arange(0.1, 0.96, 0.05)
    loose = rng.random((12, 48, 90)) < 0.5
    votes, voters, asked = _votes(frames, shift, loose, rates, [0.0, 1.0], (3, 5), 1)
    assert votes.argmax() == np.abs(rates - 5 / 9).argmin() and voters.max() > 4 and asked > votes.sum() > 0
    assert np.abs(votes - _plain_votes(frames, shift, loose, rates, [0.0, 1.0], (3, 5))).max() <= 0.01 * votes.max()


@pytest.mark.parametrize(("n", "more"), [(1, 4), (2, 4), (30, 0), (30, 4), (30, 250)])
def test_the_host_compares_frames_as_every_device_does(n, more):
    rng = np.random.default_rng(8)
    flat = torch.from_numpy(rng.integers(0, 30, (4, n, 500), np.uint8))
    valid = torch.from_numpy((rng.random((n, 500)) < 0.8).astype(np.uint8))
    for tells in (None, np.arange(n)[:, None] // 3 != np.arange(n)[None] // 3):
        counts = torch.zeros(2, 3, n, 500, dtype=torch.uint8)
        for found, compare in zip(counts, (_compare, _compare_on_host), strict=True):
            for part in (slice(0, 170), slice(170, 500)):
                compare([flat[c, :, part] for c in range(3)], flat[3, :, part], more, valid[:, part],
                        *(one[:, part] for one in found), tells)
        assert torch.equal(counts[0], counts[1]) and bool(counts[0, 0].any()) == (n > 3 or (n == 2 and tells is None))
    assert (counts[0, 1] >= counts[0, 0]).all() and (counts[0, 2] >= counts[0, 1]).all()


def test_the_largest_of_bytes_is_that_of_numbers():
    mask = torch.from_numpy((np.random.default_rng(4).random((2, 30, 41)) > 0.9).astype(np.uint8))
    assert torch.equal(largest_near(mask, 2).float(), largest_near(mask.float(), 2))
    assert torch.equal(eroded(1 - mask, 1).float(), -largest_near(mask.float() - 1, 1))
