"""Noise that a codec leaves at outlines, where it is more than anywhere else."""

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.alpha import cut_out
from toondecompose.engine.matte.areas import distance
from toondecompose.engine.matte.evidence import gather
from toondecompose.engine.matte.moments import GREY, Moments

HEIGHT, WIDTH, COUNT = 160, 200, 3


def shot(at_lines, at_outline, glow=0.0, grain=0.0, seed=3, opacity=1.0, change=0.0):
    """A disc before a wall with lines, pooled from COUNT exposures with noise (levels rms) beside the wall's lines and
    beside the disc -> (moments, true alpha, its mask). glow: how strongly it shines on what is around it. opacity: the
    disc's. change: levels by which the wall is brighter in each exposure than in the one before."""
    rng = np.random.default_rng(seed)
    wall = np.full((3, HEIGHT, WIDTH), 150, np.float32)
    wall[:, :, ::24] = 90
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    far = np.hypot(x - 100, y - 80) - 25
    alpha = opacity * np.clip(0.5 - far, 0, 1).astype(np.float32)
    shine = glow * np.exp(-np.clip(far, 0, None) / 6).astype(np.float32)
    beside = cv2.dilate((wall[0] < 100).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    level = np.where(far < 9, at_outline, np.where(beside, at_lines, 0.0)) + grain
    mask = (far < 0).astype(np.float32)
    n = np.full(mask.shape, float(COUNT), np.float32)
    c, whole, cb, cc, bb = (np.zeros_like(x) for x in (wall, wall, mask, mask, mask))
    for t in range(COUNT):
        b = wall + np.float32(change * t) - GREY
        seen = alpha * np.float32(40) + (1 - alpha) * (b + GREY + shine * 60)
        seen = np.rint(seen + rng.normal(0, 1, wall.shape) * level).astype(np.float32) - GREY
        c += seen
        cb += (seen * b).sum(0)
        cc += (seen * seen).sum(0)
        whole += b
        bb += (b * b).sum(0)
    sums = (n, c, whole, cb, bb, cc, COUNT * mask, n)
    return Moments(*(torch.from_numpy(np.float32(s)) for s in sums), COUNT), alpha, mask


def rings(m, mask, noise=1.5):
    e = gather(m, distance(mask <= 0.5), noise, 1.5, True)
    return bool(e.rings.any())


def test_what_rings_around_an_outline_is_not_the_drawing():
    m, alpha, mask = shot(1.2, 5.0)
    assert rings(m, mask)
    cut = cut_out(m, 1.5, 1.5).alpha.numpy()
    around = (alpha == 0) & (distance(alpha == 0) < 8)
    assert cut[around].mean() < 0.01
    assert np.abs(cut - alpha).mean() < 0.005


def test_a_clean_clips_outline_is_asked_as_sharply_as_ever():
    m, _, mask = shot(0.0, 0.0)
    assert not rings(m, mask)


def test_a_glow_in_a_clean_clip_is_no_noise():
    m, _, mask = shot(0.0, 2.5, glow=0.4)  # what is beside the drawing alone is its own
    assert not rings(m, mask)


def test_a_glow_in_a_compressed_clip_is_smooth_and_so_no_noise():
    m, _, mask = shot(1.2, 0.5, glow=0.9)
    assert not rings(m, mask)


def test_a_ghost_in_a_compressed_clip_keeps_its_rim():
    """Its rim differs from the background by no more than a codec's noise does: all of it was taken for that."""
    m, _, mask = shot(1.2, 5.0, change=25.0)
    assert rings(m, mask)
    m, _, mask = shot(1.2, 5.0, change=25.0, opacity=0.6)
    assert not rings(m, mask)


def test_grain_is_the_same_everywhere():
    m, _, mask = shot(0.0, 0.0, grain=4.0)
    assert not rings(m, mask)
    m, _, mask = shot(0.0, 8.0, grain=4.0)  # a smear, perhaps
    assert not rings(m, mask, 4.0)
