"""Edges, thin lines and cast shadows: what is a blend with the background and what is paint of its own."""

import cv2
import numpy as np
import pytest
import torch

from toondecompose.engine.matte.alpha import cut_out
from toondecompose.engine.matte.areas import distance, edge_width
from toondecompose.engine.matte.evidence import gather
from toondecompose.engine.matte.moments import GREY, Moments
from toondecompose.engine.matte.paint import FILL_BITS, MOST_FILL_BITS, cells_of, common_paints, fills_away
from toondecompose.engine.matte.shadows import faded

WALL, FUR, INK = (np.float32(c)[:, None, None] for c in ([248, 233, 166], [250, 144, 36], [12, 10, 14]))


def pooled(seen, behind, mask, exposures=2):
    """The moments of a drawing whose exposures all show the same over the same background. Levels 0..255."""
    c, b = (np.float32(x) - GREY for x in (seen, behind))
    n = float(exposures)
    sums = (np.full(mask.shape, n), n * c, n * b, n * (c * b).sum(0), n * (b * b).sum(0), n * (c * c).sum(0), n * mask,
            np.full(mask.shape, n))
    return Moments(*(torch.from_numpy(np.float32(s)) for s in sums), exposures)


def cat(height=120, width=160):
    """A body with a dark outline and two whiskers thinner than a px -> (RGB seen, wall, true alpha)."""
    scale = 8
    body, whiskers = (np.zeros((height * scale, width * scale), np.uint8) for _ in range(2))
    cv2.circle(body, (60 * scale, 60 * scale), 40 * scale, 255, -1)
    inner = np.zeros_like(body)
    cv2.circle(inner, (60 * scale, 60 * scale), 37 * scale, 255, -1)
    for y in (55, 68):
        cv2.line(whiskers, (98 * scale, y * scale), (125 * scale, (y - 3) * scale), 255, 6)
    small = lambda m: cv2.resize(m, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255  # noqa: E731
    body, inner, whiskers = small(body), small(inner), small(whiskers)
    alpha = np.maximum(body, whiskers)
    premult = inner * FUR + (alpha - inner) * INK
    wall = np.broadcast_to(WALL, premult.shape)
    return premult + (1 - alpha) * wall, wall, alpha


def test_a_thin_line_is_the_outlines_ink_and_not_a_paint_of_its_own():
    seen, wall, alpha = cat()
    mask = cv2.dilate((alpha > 0.1).astype(np.float32), np.ones((3, 3), np.uint8))
    cut = cut_out(pooled(seen, wall, mask), 1.5, 1.5)
    whiskers = np.s_[48:72, 103:124]
    assert alpha[whiskers].max() > 0.5
    assert np.abs(cut.alpha.numpy() - alpha)[whiskers].mean() < 0.03
    assert np.abs(cut.alpha.numpy() - alpha)[whiskers].max() < 0.4
    ink = cut.colour.numpy()[:, whiskers[0], whiskers[1]][:, alpha[whiskers] > 0.3]
    assert np.abs(ink - INK[:, 0]).max() < 40


def test_the_purest_paint_is_found_though_most_of_it_shows_only_blended():
    seen, _, alpha = cat()
    body = torch.from_numpy(alpha > 0.9)
    c = torch.from_numpy(seen - GREY)
    paints, bits = common_paints(c, cells_of(c), body)
    off = np.abs(paints.numpy() + GREY - INK[:, 0, 0]).max(1)
    assert off.min() < 6
    assert bits[int(off.argmin())] > bits[int(np.abs(paints.numpy() + GREY - FUR[:, 0, 0]).max(1).argmin())]


def test_a_fill_costs_more_the_farther_off_and_a_line_costs_nothing_anywhere():
    c, sure = torch.full((3, 90, 120), 100.0), torch.zeros(90, 120, dtype=torch.bool)
    c[:, 60:84, 30:60], c[:, :, 100:103] = torch.tensor([-30.0, -30, 60])[:, None, None], -90.0
    sure[60:84, 30:60] = sure[:, 100:103] = True
    fill, line = fills_away(c, sure, torch.tensor([[-30.0, -30, 60], [-90.0, -90, -90]]), 3)
    assert not line.any() and not fill[20:28, 10:20].any()
    assert abs(float(fill[15, 15]) - 5 * FILL_BITS) < 1 and float(fill[0, 0]) == MOST_FILL_BITS


def test_a_rim_of_the_hair_is_no_veil_of_a_shirt_far_below_it():
    hair, rim, shirt, trees = ((np.float32(x)[:, None, None] + np.zeros((3, 120, 120), np.float32))
                               for x in ([58, 60, 63], [78, 81, 88], [101, 106, 195], [66, 74, 64]))
    y, x = np.mgrid[:120, :120]
    far = np.hypot(x - 60, y - 40)
    alpha = np.maximum(np.clip(36 - far, 0, 1), ((y > 70) & (y < 110) & (abs(x - 60) < 25)).astype(np.float32))
    seen = np.where(far < 30, hair, np.where(far < 37, rim, shirt))
    seen = alpha * seen + (1 - alpha) * trees
    cut = cut_out(pooled(seen, trees, (alpha > 0.5).astype(np.float32)), 1.5, 1.5).alpha.numpy()
    head = (far < 35) & (y < 60)
    assert cut[head].min() > 0.5 and cut[head].mean() > 0.95


@pytest.mark.parametrize("firm", (True, False))
def test_hair_that_is_hardly_darker_than_the_trees_behind_it_is_not_torn_not_even_in_a_draft(firm):
    hair, skin, trees = ((np.float32(x)[:, None, None] + np.zeros((3, 120, 120), np.float32))
                         for x in ([60, 62, 65], [59, 181, 150], [61, 71, 63]))
    y, x = np.mgrid[:120, :120]
    far = np.hypot(x - 60, y - 50)
    alpha = np.clip(41 - far, 0, 1).astype(np.float32)
    seen = alpha * np.where(y < 62, hair, skin) + (1 - alpha) * trees
    seen += np.random.default_rng(2).normal(0, 0.5, seen.shape).astype(np.float32)
    cut = cut_out(pooled(seen, trees, (alpha > 0.5).astype(np.float32)), 1.5, 1.5, firm=firm).alpha.numpy()
    head = (far < 39.5) & (y < 58)
    assert (cut[head] > 0.5).mean() > 0.97


@pytest.mark.parametrize("line", (1, 3))
def test_an_outline_around_a_strong_fill_is_no_soft_edge(line):
    y, x = np.mgrid[:100, :100]
    far = np.hypot(x - 50, y - 50)
    step = lambda r: np.clip(r - far, 0, 1).astype(np.float32)  # noqa: E731
    off = np.float32([-20, -25, -30])[:, None, None] * (step(40) - step(40 - line))
    off = off + np.float32([90, -120, -140])[:, None, None] * step(40 - line)
    rim = distance(np.abs(off).max(0) > 4) == 1
    crisp, softer = edge_width(off, rim)
    assert not softer[rim].any()
    soft = np.stack([cv2.GaussianBlur(plane, (0, 0), 1.5) for plane in off])
    blurred, _ = edge_width(soft, distance(np.abs(soft).max(0) > 4) == 1)
    assert crisp < 1.95 and blurred > 1.1 * crisp


def test_a_smear_is_softer_than_the_hard_edges_around_it():
    y, x = np.mgrid[:100, :160]
    ramp = np.clip((140 - x) / 12, 0, 1)  # its right side is a smear
    body = (np.abs(y - 50) < 30) * (x > 20) * ramp.astype(np.float32)
    off = np.float32([90, -120, -140])[:, None, None] * body
    rim = distance(np.abs(off).max(0) > 8) == 1
    _, softer = edge_width(off, rim)
    assert (softer[50, 136:140] > 2).all()
    assert not softer[:, :100].any()


def ground(seed, texture):
    rng = np.random.default_rng(seed)
    plate = np.float32([165, 85, 125])[:, None, None] + rng.normal(0, texture, (3, 120, 160)).astype(np.float32)
    return np.stack([cv2.GaussianBlur(p, (0, 0), 1.2) for p in plate])


def test_a_shadow_is_dark_fades_out_and_lets_the_ground_through():
    plate = ground(1, 20)
    y, x = np.mgrid[:120, :160]
    shade = 0.45 * np.exp(-((x - 80) / 30.0) ** 2 - ((y - 60) / 14.0) ** 2).astype(np.float32)
    strong = shade > 0.1
    outside = shade < 0.01
    black = np.float32([13, 5, 26])[:, None, None]

    def found(seen):
        return faded(seen - GREY, plate - GREY, outside, 1.5, 1.5)[strong].mean()

    assert found((1 - shade) * plate + shade * black) > 0.8
    assert found((1 - shade) * plate + shade * 255) == 0  # not darker
    flat = plate.mean((1, 2), keepdims=True)
    hides = np.clip(4 * shade, 0, 1)
    assert found((1 - hides) * plate + hides * ((1 - shade) * flat + shade * black)) < 0.2  # the ground does not show
    cel = strong.astype(np.float32)
    assert found((1 - cel) * plate + cel * np.float32([95, 45, 80])[:, None, None]) == 0  # it ends in an edge


@pytest.mark.parametrize("high", [10, 14])
def test_a_thin_shadow_is_one_as_well(high):
    plate = ground(1, 20)
    y, x = np.mgrid[:120, :160]
    shade = 0.45 * np.exp(-((x - 80) / 30.0) ** 2 - ((y - 60) / high) ** 2).astype(np.float32)
    seen = (1 - shade) * plate + shade * np.float32([13, 5, 26])[:, None, None]
    assert faded(seen - GREY, plate - GREY, shade < 0.01, 1.5, 1.8)[shade > 0.1].mean() > 0.8


def test_a_cast_shadow_in_the_masks_keeps_its_own_faint_alpha():
    plate = ground(2, 8)
    y, x = np.mgrid[:120, :160]
    body = np.clip(26 - np.hypot(x - 80, y - 45), 0, 1).astype(np.float32)
    shade = 0.45 * np.exp(-((x - 80) / 34.0) ** 2 - ((y - 78) / 12.0) ** 2).astype(np.float32)
    black = np.float32([13, 5, 26])[:, None, None]
    seen = (1 - shade) * plate + shade * black
    seen = (1 - body) * seen + body * np.float32([114, 62, 200])[:, None, None]
    mask = np.maximum(body, shade > 0.12).astype(np.float32)
    alpha = cut_out(pooled(seen, plate, mask), 1.5, 1.5).alpha.numpy()
    under = (shade > 0.2) & (body == 0) & (cv2.dilate(body, np.ones((5, 5), np.uint8)) == 0)
    assert np.abs(alpha - shade)[under].mean() < 0.1
    assert alpha[body == 1].mean() > 0.98


def soft_ring(scale=4, height=120, width=160):
    """A blurred body with a small hole between thick lines -> (premultiplied RGB, alpha, the hole, the body's mask)."""
    y, x = np.mgrid[:height * scale, :width * scale] / scale
    hole = np.hypot(x - 60, y - 60)
    body = np.float32((np.hypot(x - 60, y - 60) < 45) & (hole >= 6))
    ink = np.float32(body > 0) * (hole < 9)
    small = lambda m: cv2.resize(cv2.GaussianBlur(m, (0, 0), 2.2 * scale), (width, height),  # noqa: E731
                                 interpolation=cv2.INTER_AREA)
    alpha, ink = small(body), small(ink)
    y, x = np.mgrid[:height, :width] + 0.5
    far = np.hypot(x - 60, y - 60)
    return (alpha - ink) * FUR + ink * INK, alpha, far < 2, np.float32(far < 45)


def test_a_narrow_gap_between_blurred_lines_is_open():
    premult, alpha, hole, mask = soft_ring()
    assert alpha[hole].mean() < 0.4
    cut = cut_out(pooled(premult + (1 - alpha) * WALL, np.broadcast_to(WALL, premult.shape), mask), 1.5, 1.5)
    assert cut.alpha.numpy()[hole].mean() < 0.5
    body = (alpha > 0.99) & (mask > 0)
    assert (cut.alpha.numpy()[body] > 0.97).mean() > 0.98


def test_what_stays_while_the_background_changes_is_no_gap():
    premult, alpha, hole, mask = soft_ring()
    picture = premult + (1 - alpha) * WALL
    inside = mask > 0
    total = None
    for wall in (WALL, WALL - 30):
        seen = np.where(inside, picture, wall)
        one = pooled(seen, np.broadcast_to(wall, picture.shape), mask, exposures=1)
        total = one if total is None else Moments(
            *(getattr(total, k) + getattr(one, k) for k in ("n", "c", "b", "cb", "bb", "cc", "mask", "sure")), 2)
    assert cut_out(total, 1.5, 1.5).alpha.numpy()[hole].min() > 0.9


def test_what_lies_between_thin_lines_that_the_mask_has_closed_is_no_inside():
    """Where lines leave a body, coarse masks hold what is between them as well."""
    scale, height, width = 8, 120, 160
    body, lines = (np.zeros((height * scale, width * scale), np.uint8) for _ in range(2))
    cv2.circle(body, (60 * scale, 60 * scale), 40 * scale, 255, -1)
    for end in (53, 60, 67):
        cv2.line(lines, (98 * scale, 60 * scale), (125 * scale, end * scale), 255, 4)
    small = lambda m: cv2.resize(m, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255  # noqa: E731
    body, lines = small(body), small(lines)
    alpha = np.maximum(body, lines)
    seen = body * FUR + (alpha - body) * INK + (1 - alpha) * WALL
    mask = cv2.morphologyEx((alpha > 0.1).astype(np.float32), cv2.MORPH_CLOSE, np.ones((11, 11), np.uint8))
    fan = np.s_[54:67, 102:112]
    assert mask[fan].mean() > 0.6 and alpha[fan].mean() < 0.2
    cut = cut_out(pooled(seen, np.broadcast_to(WALL, seen.shape), mask), 1.5, 1.5)
    assert np.abs(cut.alpha.numpy() - alpha)[fan].mean() < 0.1


def test_exposures_that_contradict_one_another_do_not_open_a_fine_pattern_inside_a_drawing():
    """White letters on a wing that turns: exposures lie a little beside each other, by chance as the sky changes."""
    size, count = 64, 30
    y, x = np.mgrid[:size, :size].astype(np.float32)
    mask = np.float32(np.hypot(y - 32, x - 32) < 26)
    total = None
    for k in range(count):
        sky = np.broadcast_to(WALL - 20 * k / count, (3, size, size))
        stripes = 0.5 + 0.5 * np.sin(2 * np.pi * (x + 2 * k / count) / 4)  # slips as far as the sky has changed
        seen = np.where(mask > 0, stripes * FUR + (1 - stripes) * 250, sky)
        one = pooled(seen, sky, mask, exposures=1)
        total = one if total is None else Moments(
            *(getattr(total, k) + getattr(one, k) for k in ("n", "c", "b", "cb", "bb", "cc", "mask", "sure")), k + 1)
    inside = cut_out(total, 1.5, 1.5).alpha.numpy()[20:44, 20:44]
    assert inside.min() > 0.5
    # in a draft they may contradict one another by being of several drawings: then what they say of alpha stands
    outer = np.where(mask > 0, 0, 5).astype(np.float32)
    draft, last = (gather(total, outer, 1.5, 1.5, True, firm).tri_info[20:44, 20:44] for firm in (False, True))
    assert float(draft.max()) > 2 * float(last.max())
