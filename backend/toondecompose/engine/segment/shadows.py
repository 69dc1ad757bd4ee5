"""Soft shadows that sprites cast on the background: translucent, moving with the sprite, part of its drawing.

A shadow darkens what it falls on without an outline of its own. So in a frame it is what can be reached from the clean
background through gentle slopes of darkness only; a body is walled off by its outline. Where a sprite stands for long,
its shadow looks like a stain of the ground: the background's true colour is the lightest one that repeats.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import torch

from . import evidence as ev
from .canvas import Mosaic, canvas_box, excuse, frame_boxes, gather, on_canvas, render, slope, whole_picture
from .film import Pictures, Room, in_memory
from .layers import Rigid, labels_of
from .mosaic import build_mosaic, columns_of, overlap, sureness

REPEATS = 0.06  # of the frames that show a point, and
LEAST_REPEATS = 2  # frames in which its lightest colour must repeat
ALIKE = 18.0  # levels, summed over channels, within which colours repeat
ASKED = 48  # frames that are asked for it, and
TRIED = 16  # frames in which shadows are looked for before all the others are
RANKS = 6  # colours per point that are tried, from the lightest down to the middle
DARKEST = 16.0  # levels: a background darker than that shows no shadow
LIGHTER = 8.0  # levels; what is so much lighter than the background is no shadow of it
FAINTEST = 0.03  # share of the light that a shadow takes away at least, and more
NOISE_DIMS = 0.01  # per level of noise
DEPTHS = (0.65, 0.3, 0.15, 0.08)  # and at most: shadows are looked for from the deepest ones to the faintest
SOFT = (0.09, 0.05, 0.03)  # of full darkness per px at labelling size: the steepest slope of a deep shadow, tried from
# the steepest down, for a thin outline between a shadow and a body as dark is hardly steeper
RAMP = 5.0  # px at labelling size over which a fainter shadow fades; a body's edge is sharper
OPEN = 0.5  # of its rim: so much of a veil fades into clean background, the rest meets the body that casts it
NECK = 5  # px at labelling size: what leaks into a body through a gap in its outline is parted from it
LIKE = 0.1  # of the light: so much a veil may be deeper than it is around
CLEAN = 0.004  # of the frame's area: so much clean background at least a shadow must fade into
UNDER = 3  # px at labelling size: so near to a shadow the feet's outlines are mixed with it
LEAST = 5e-4  # of the frame's area; a smaller shadow is an edge's blur
LARGEST = 1.5  # times the body that casts it
LEAKS = 1.6  # times its usual size: so large a shadow has leaked into the body
MOSTLY = 0.6  # of the frames that show a sprite: so long its shadow is seen


def lightest(frames: Pictures, H: np.ndarray, present: np.ndarray) -> Mosaic:
    """The lightest colour of every canvas point that repeats. As build_mosaic; votes 0 where none does."""
    h, w = frames.shape[-2:]
    whole = canvas_box(H, present, (w, h))
    x0, y0, x1, y1 = whole
    on = np.flatnonzero(present)
    some = [int(t) for t in on[np.unique(np.linspace(0, len(on) - 1, min(len(on), ASKED)).round().astype(int))]]
    boxes = dict(zip(some, frame_boxes(H[some], (w, h)), strict=True))
    colour = torch.zeros(3, y1 - y0, x1 - x0, device=frames.device)
    votes, seen = torch.zeros(2, y1 - y0, x1 - x0, device=frames.device)
    for left, right in columns_of(whole, w):
        rows = max(8, 2**19 // (len(some) * (right - left)))
        for top in range(y0, y1, rows):
            tile = (left, top, right, min(y1, top + rows))
            use = [t for t in some if overlap(boxes[t], tile) is not None]
            if len(use) < LEAST_REPEATS:
                continue
            got = gather(frames, H, use, tile).flatten(2)
            where = slice(tile[1] - y0, tile[3] - y0), slice(left - x0, right - x0)
            mean, agree, number = _lightest(got[:, :3], got[:, 3] > 0.5)
            size = (tile[3] - tile[1], right - left)
            colour[:, *where], votes[where], seen[where] = mean.view(3, *size), agree.view(size), number.view(size)
    steep = slope(colour)
    return Mosaic(colour, votes, seen, steep, excuse(steep, torch.zeros_like(votes)), (float(x0), float(y0)))


def _lightest(sample: torch.Tensor, inside: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """sample float32 [n, 3, P], inside bool [n, P] -> the lightest colour [3, P] that repeats, its votes, all [P]."""
    number = inside.sum(0)
    need = (number * REPEATS).ceil().long().clamp_min(LEAST_REPEATS)
    light = torch.where(inside, sample.sum(1), torch.full_like(sample[:, 0], -1.0))
    order = light.sort(dim=0, descending=True, stable=True).indices
    best, votes = torch.zeros_like(sample[0]), torch.zeros_like(light[0])
    for rank in range(RANKS):
        at = (need - 1 + number * rank // (2 * RANKS)).clamp(max=len(sample) - 1)
        pick = order.gather(0, at[None])
        like = sample.gather(0, pick[:, None].expand(1, 3, -1))
        near = ((sample - like).abs().sum(1) < ALIKE) & inside
        agree = near.sum(0)
        take = (agree >= need) & (votes == 0)
        mean = (sample * near[:, None]).sum(0) / agree.clamp_min(1)
        best = torch.where(take, mean, best)
        votes = torch.where(take, agree.to(torch.float32), votes)
    return best, votes, number.to(torch.float32)


def darkness(light: torch.Tensor, picture: torch.Tensor, sigma: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Share of the light that is missing, float32 [h, w] >= 0: how opaque a black veil over `light` must be at least;
    and where no veil is over it, because the picture is lighter, bool [h, w].

    light, picture: float32 [3, h, w]. Smoothed, with less weight on the background's own lines, which may be misplaced.
    """
    missing = ((light - picture) / light.clamp_min(DARKEST)).amax(0)
    weight = 1 / (1 + (slope(light) / 4).square())
    smooth = ev.blur(torch.stack([missing * weight, weight]), sigma)
    return (smooth[0] / smooth[1].clamp_min(1e-4)).clamp_min(0), (picture - light).amax(0) > LIGHTER


def faintest(noise: float) -> float:
    """The faintest shadow that noise (levels rms at labelling size) lets be seen, as a share of the light."""
    return FAINTEST + NOISE_DIMS * noise


def soft_veil(dark: torch.Tensor, allowed: torch.Tensor, faint: float, slopes: tuple[float, ...] = SOFT
              ) -> torch.Tensor:
    """bool [h, w]: veils that fade softly into clean background, wherever they are not hidden.

    dark: float32 [h, w], as `darkness`. allowed: bool [h, w], where a veil may be. faint: the faintest one's darkness.
    A body has an outline: its darkness does not grow gently from nothing.
    """
    steep = slope(dark[None])
    neck = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (NECK, NECK))
    out = np.zeros(dark.shape, bool)
    level = dark.cpu().numpy()
    for soft, (deepest, fainter) in itertools.product(slopes, itertools.pairwise((*DEPTHS, 0.0))):
        gentle = ((steep < min(soft, deepest / RAMP)) & allowed).cpu().numpy()
        _, label = cv2.connectedComponents(gentle.astype(np.uint8), connectivity=4)
        clean = np.bincount(label[gentle & (level < faint / 2)], minlength=label.max() + 1)
        reached = (clean > CLEAN * label.size)[label] & gentle
        veil = reached & (level > faint) & (level < DEPTHS[0])
        wide = cv2.morphologyEx(veil.astype(np.uint8), cv2.MORPH_OPEN, neck)
        _, piece, stats, _ = cv2.connectedComponentsWithStats(wide, connectivity=8)
        for i in np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= LEAST * label.size) + 1:
            mine = (piece == i).astype(np.uint8)
            ring = cv2.dilate(mine, np.ones((3, 3), np.uint8)) > mine
            if fainter < np.quantile(level[mine > 0], 0.95) <= deepest and reached[ring].mean() > OPEN:
                out |= (cv2.dilate(mine, neck) > 0) & veil  # with its tapered ends, which the opening took
    return torch.from_numpy(out).to(dark.device)


def clean_plate(frames: Pictures, rigid: Rigid, p: Pictures, faint: float, room: Room = in_memory
                ) -> tuple[Mosaic, torch.Tensor]:
    """The background's mosaic without the stains that soft shadows left, and where on its canvas they were.

    frames: uint8 [T, 3, h, w]. p: [L, T, h, w].
    """
    H, on = rigid.H[0], rigid.present[0]
    plate = build_mosaic(frames, H, on, sureness(p, 0, room))
    light = lightest(frames, H, on)
    dark, lighter = darkness(light.colour, plate.colour)
    stain = soft_veil(dark, (light.votes > 0) & (plate.votes > 0.2) & ~lighter, faint)
    stain = (ev.largest_near(stain.to(torch.float32), UNDER) > 0) & (light.votes > 0)
    colour = torch.where(stain | (plate.votes < 0.2), light.colour, plate.colour)
    votes = torch.where(stain, light.votes, plate.votes)
    return Mosaic(colour, votes, plate.seen, slope(colour), plate.excused, plate.origin), stain


def _casters(veil: np.ndarray, label: np.ndarray, sprites: list[int]) -> np.ndarray:
    """uint8 [h, w]: 1 + the sprite that casts the shadow there, or 0. label: [h, w], the likeliest layers."""
    out = np.zeros(label.shape, np.uint8)
    count, piece, stats, _ = cv2.connectedComponentsWithStats(veil.astype(np.uint8), connectivity=8)
    body = {s: (label == s) & ~veil for s in sprites}
    for i in range(1, count):
        mine = piece == i
        near = cv2.dilate(mine.astype(np.uint8), np.ones((2 * UNDER + 1, 2 * UNDER + 1), np.uint8)) > 0
        touch = {s: int((near & body[s]).sum()) for s in sprites}
        owner = max(sprites, key=lambda s: touch[s])
        if touch[owner] >= UNDER**2 and stats[i, cv2.CC_STAT_AREA] <= LARGEST * body[owner].sum():
            out[mine] = 1 + owner
    return out


def cast_shadows(frames: Pictures, rigid: Rigid, p: Pictures, sprites: list[int], noise: float, room: Room = in_memory
                 ) -> np.ndarray | None:
    """Give soft shadows to the sprites that cast them, and the ground where they had been to the background, in place.

    frames: uint8 [T, 3, h, w]. p: [L, T, h, w]; layer 0 is the background. sprites: labels that may cast shadows.
    noise: levels rms.
    Returns uint8 [T, h, w], 1 + the label whose soft shadow is there, or None where there is none at all.
    """
    faint = faintest(noise)
    if not sprites:
        return None
    plate, stain = clean_plate(frames, rigid, p, faint, room)
    h, w = frames.shape[-2:]
    use = [int(t) for t in np.flatnonzero(rigid.present[0])]
    label = labels_of(p).cpu().numpy()
    cast = np.zeros(label.shape, np.uint8)
    clean = torch.zeros(label.shape, dtype=torch.bool, device=p.device)

    def shadows_at(t: int, slopes: tuple[float, ...]) -> np.ndarray:
        picture, back = whole_picture(frames[t]), render(plate, rigid.H[0][t], (w, h))
        dark, lighter = darkness(back[:3], picture)
        mine = torch.from_numpy(np.isin(label[t], [0, *sprites])).to(p.device)
        clean[t] = ((picture - back[:3]).abs().amax(0) < LIGHTER) & (back[3] > 0.2)
        veil = soft_veil(dark, (back[3] > 0.2) & mine & ~lighter, faint, slopes)
        return _casters(veil.cpu().numpy(), label[t], sprites)

    first = use[:: max(1, len(use) // TRIED)]
    for t in first:
        cast[t] = shadows_at(t, SOFT)
    shown = (label[first] > 0).any((1, 2)).sum()
    if cast[first].any((1, 2)).sum() < max(1, MOSTLY / 2 * shown):
        return None
    rest = sorted(set(use) - set(first))
    shows = {s: (label == s).any((1, 2)).sum() for s in sprites}
    found = int(cast[first].any((1, 2)).sum())
    for left, t in zip(reversed(range(len(rest))), rest, strict=True):
        cast[t] = shadows_at(t, SOFT)
        found += bool(cast[t].any())
        if found + left < MOSTLY * min(shows[s] for s in sprites if shows[s]):
            return None  # too few of them, whatever the frames that are left show
    area = (cast > 0).sum((1, 2))
    usual = np.median(area[area > 0]) if area.any() else 0
    for t, fewer in itertools.product(use, range(1, len(SOFT))):
        if (cast[t] > 0).sum() > LEAKS * usual:
            cast[t] = shadows_at(t, SOFT[fewer:])
    whose = [s for s in sprites if (cast == 1 + s).any()]
    shown = np.isin(label, whose).any((1, 2))
    if ((cast > 0).sum((1, 2)) > usual / 2).sum() < max(2, MOSTLY * shown.sum()):
        return None
    box = canvas_box(rigid.H[0], rigid.present[0], (w, h))
    shaded = torch.zeros(stain.shape, device=p.device)
    for t in use:
        shaded += on_canvas(torch.from_numpy(cast[t] > 0).to(p.device), rigid.H[0][t], box)
    # of the light places only those are ground where a shadow was seen to fall
    stain = stain & (ev.largest_near(shaded, UNDER) > 0.5)
    where = Mosaic(plate.colour, stain.to(torch.float32), plate.seen, plate.slope, plate.excused, plate.origin)
    for t in use:
        clean[t] &= render(where, rigid.H[0][t], (w, h), colour=False)[0] > 0.5
        veil = torch.from_numpy(cast[t] > 0).to(p.device)
        clean[t] &= ~veil
        for i in range(p.shape[0]):
            mine = torch.from_numpy(cast[t] == 1 + i).to(p.device, p.dtype)
            p[i, t] = torch.where(clean[t], torch.full_like(mine, float(i == 0)), torch.where(veil, mine, p[i, t]))
    return cast


def veils(picture: torch.Tensor, back: torch.Tensor, cast: torch.Tensor, grow: float) -> torch.Tensor:
    """Opacity float32 [h, w] of a soft shadow in one frame at working size; 0 where there is a body or nothing.

    picture: float32 [3, h, w]. back: the background as `render` gives it. cast: bool [h, w], the shadow as found at
    labelling size. grow: working px per px at labelling size.
    """
    dark, lighter = darkness(back[:3], picture)
    may = (dark > FAINTEST / 2) & (dark < DEPTHS[0]) & ~lighter & (back[3] > 0.1)
    near = ev.largest_near(cast.to(torch.float32), round(UNDER * grow)) > 0
    gentle = may & near & (slope(dark[None]) * grow < SOFT[0])
    _, piece = cv2.connectedComponents(gentle.to(torch.uint8).cpu().numpy(), connectivity=4)
    mine = np.bincount(piece.ravel(), cast.cpu().numpy().ravel()) > 0.5 * np.bincount(piece.ravel())
    mine[0] = False
    veil = torch.from_numpy(mine[piece]).to(dark.device)
    # between its parts too, where the background's lines or a steeper slope broke it, but not on a body
    share = ev.blur(torch.stack([dark * veil, veil.to(torch.float32)]), 0.5 * UNDER * grow)
    like = (dark - share[0] / share[1].clamp_min(1e-3)).abs() < LIKE
    veil |= cast & may & like & (share[1] > 0.2)
    return torch.where(veil, dark, torch.zeros_like(dark))
