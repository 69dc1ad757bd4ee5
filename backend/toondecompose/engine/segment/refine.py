"""Masks at working size from masks at labelling size: evidence again at the finer size, then the edge's coverage."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from ..components import connected
from ..matte.marks import above, below, count_of, places_of
from ..tiles import strips
from . import evidence as ev
from .canvas import render, whole_picture
from .edges import EDGE, NEAR_EDGE, around, behind_of, edge_coverage, edge_width, eroded, upsampled, upsampled_at
from .film import Pictures, Room, as_array, in_memory
from .hiding import uncovered
from .labels import frame_mass, misfits_of
from .layers import LayerMosaics, Rigid, best_label, presence, rendered
from .mosaic import build_mosaic
from .painting import Painting
from .shadows import veils
from .tidy import NEAR_BODY
from .walker import spread, spread_on

SMALLEST = 2e-4  # of the frame's area: a smaller separate piece is noise, not a drawing;
SLIVER = 0.25  # of that is enough of a drawing that is just coming in or going out
RIMS_SAY = 0.15  # of sure evidence, for the layer that was likelier at labelling size
BODY = 128  # value of a mask from which it says that a body is there, and not a shadow
LIKELY = 0.5  # probability at labelling size from which a sprite is there
BEHIND_BLUR = 3.0  # px at working size: which layer is behind an edge is asked of its surroundings
CLEAR = 0.65  # probability from which a layer is clearly the likeliest


def _without_specks(p: torch.Tensor, mass: torch.Tensor, beside: Callable[[], np.ndarray]) -> torch.Tensor:
    """Labels uint8 [h, w] from p [L, h, w]; separate pieces that are small or lack sure support fall to what surrounds
    them. mass [L, h, w] is this frame's own evidence. beside: gives uint8 [n, hc, wc], the frames' labels before and
    after at any size: a layer that would be gone keeps the slivers that lie where it is in one of them, for so it comes
    in."""
    label = best_label(p).cpu().numpy()
    least = max(4, SMALLEST * label.size)
    out = label.copy()
    for value in range(p.shape[0]):
        mine = cv2.compare(label, value, cv2.CMP_EQ)
        left, top, width, height = cv2.boundingRect(mine)
        if not width:
            continue
        box = slice(top, top + height), slice(left, left + width)
        piece, stats = connected(mine[box])
        drop = stats[:, cv2.CC_STAT_AREA] < least
        if value:
            sure = np.bincount(piece[above(mass[value][box], 0.8).cpu().numpy()], minlength=len(stats))
            drop |= sure < 4
        drop[0] = False
        if value and drop[1:].all():
            there = cv2.resize((beside() == value).any(0).astype(np.uint8), label.shape[::-1],
                               interpolation=cv2.INTER_NEAREST)
            near = np.bincount(piece.ravel(), there[box].ravel(), minlength=len(stats))
            drop[1:] = (stats[1:, cv2.CC_STAT_AREA] < SLIVER * least) | (sure[1:] < 4) | (near[1:] == 0)
        for i in np.flatnonzero(drop):
            x, y, w, h = (int(v) for v in stats[i, :4])
            ys, xs = (slice(max(0, at + start - 1), at + start + size + 1) for at, start, size in
                      ((y, top, h), (x, left, w)))
            own = np.zeros((min(ys.stop, len(label)) - ys.start, min(xs.stop, label.shape[1]) - xs.start), bool)
            own[y + top - ys.start :, x + left - xs.start :][:h, :w] = piece[y : y + h, x : x + w] == i
            ring = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~own
            around = np.bincount(label[ys, xs][ring], minlength=p.shape[0])
            around[value] = 0
            if around.any():
                out[ys, xs][own] = around.argmax()
    return torch.from_numpy(out).to(p.device)


def _joined(x: torch.Tensor, parts: dict[int, int]) -> torch.Tensor:
    """[L, ...] -> [L', ...]: parts added to the labels that they are parts of, and left out."""
    if not parts:
        return x
    x = x.clone()
    for part, whole in parts.items():
        x[whole] += x[part]
    return x[[i for i in range(len(x)) if i not in parts]]


def refine(frames: Pictures, rigid: Rigid, p: Pictures, mass: Pictures, order: list[int], noise: float,
           redrawn: int, parts: dict[int, int], cast: np.ndarray | None = None, casters: dict[int, int] | None = None,
           progress=None, room: Room = in_memory) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[bool]]:
    """All masks at working size, and how sure they are.

    frames: uint8 [T, 3, h, w]. rigid: transforms at this size. p, mass: [L, T, hc, wc] at labelling size. order: the
    labels' depth order, back to front, of the labels that are left when parts have joined the others. redrawn: how many
    of the last labels are redrawn sprites. parts: redrawn labels that are drawings of a rigid one, which they join.
    cast: uint8 [T, hc, wc], soft shadows, by the keys of casters: whose they are. In a mask they have their opacity.
    Returns (masks uint8 [L, T, h, w]; unresolved uint8 [T, h, w], 255 where no layer is clearly likelier than the
    others; certainty float [L] in 0..1, how clear the choice is on the pixels that each layer got; for
    every layer whether it is one drawing that never changes).
    """
    count, _, h, w = frames.shape
    pictures: list[LayerMosaics] = []
    fine = room((count, h, w), torch.uint8, frames.device)
    for i in range(len(rigid)):
        for t in range(count):
            weight = (1.5 * p[i, t].float() - 0.5).clamp_(0, 1) * (0.05 + ev.blur(mass[i, t].float(), 4.0)).clamp_(0, 1)
            fine[t] = upsampled(weight[None] * 255, (w, h))[0].round_()
        pictures.append({n: build_mosaic(frames, rigid.H[i], on, fine) for n, on in rigid.exposures(i).items()})
    del fine
    there = presence(rigid, p, mass)
    grow = w / p.shape[-1]
    up = np.diag([grow, grow, 1.0])
    coarse = Rigid([np.linalg.inv(up) @ H @ up for H in rigid.H], rigid.present, rigid.painted,
                   rigid.drawing, rigid.hiding)
    width = edge_width(frames, rigid, pictures, p) if redrawn else EDGE
    labels = p.shape[0] - len(parts)
    out, unresolved = (as_array(room(shape, torch.uint8)) for shape in ((labels, count, h, w), (count, h, w)))
    paintings = {i: Painting(rigid.H[i], rigid.present[i], (w, h)) for i in range(1, len(rigid)) if rigid.painted[i]}
    free = [i for i in range(len(rigid), p.shape[0]) if i not in parts]
    clear, area = np.zeros(labels), np.full(labels, 1e-6)
    for t in range(count):

        def beside(t: int = t) -> np.ndarray:
            return best_label(_joined(p[:, [u for u in (t - 1, t + 1) if 0 <= u < count]], parts)).cpu().numpy()

        picture, likely = whole_picture(frames[t]), p[:, t].float()
        backs, _ = rendered(rigid, pictures, [None] * len(rigid), t, frames.shape)
        _, theres = rendered(coarse, [None] * len(rigid), there, t, p.shape)
        misfits = misfits_of(picture, backs, noise)
        texture = ev.texture_of(frames[t : t + 1], noise)[0]
        near = near_sprites(p[free, max(0, t - 1) : t + 2]) if len(rigid) > 1 and free else None
        fine, mass = _probabilities(picture, texture, misfits, backs, theres, rigid.hiding, likely, redrawn, parts,
                                    near)
        best = fine.amax(0)
        out[:, t] = _coverages(picture, backs, fine, _without_specks(fine, mass, beside), order, width)
        if cast is not None and cast[t].any():
            _add_shadows(out[:, t], picture, render(pictures[0][0], rigid.H[0][t], (w, h)), cast[t],
                         casters, grow)
        for i, painting in paintings.items():
            if rigid.present[i][t]:
                others = [(misfits[j], backs[j]) for j in range(len(rigid))
                          if j != i and backs[j] is not None]
                painting.add(t, misfits[i], backs[i], out[i, t], others)
        # an outline is as wide as this; what is wider lies open
        open_here = below(best, CLEAR).cpu().numpy() * np.uint8(255)
        unresolved[t] = cv2.morphologyEx(open_here, cv2.MORPH_OPEN, np.ones((2 * EDGE + 1, 2 * EDGE + 1), np.uint8))
        mine = out[:, t] > 127
        area += mine.sum((1, 2))
        clear += (mine * ((best - 0.5) / 0.5).clamp(0, 1).cpu().numpy()).sum((1, 2))
        if progress is not None:
            progress((t + 1) / count)
    still = [i == 0 or (i in paintings and paintings[i].unchanging()) for i in range(labels)]
    return out, unresolved, clear / area, still


def near_sprites(p: torch.Tensor) -> torch.Tensor:
    """Where redrawn sprites may be in a frame: float32 [h, w], 1 or 0. p: [L, n, h, w], their probabilities in it and
    in the frames beside it. Far from any, what nobody explains is an edge between two planes, out of focus, or a rigid
    sprite's rim."""
    return ev.largest_near((p.amax((0, 1)) > LIKELY).to(torch.float32), max(3, round(NEAR_BODY * p.shape[-1])))


def _add_shadows(masks: np.ndarray, picture: torch.Tensor, back: torch.Tensor, cast: np.ndarray,
                 casters: dict[int, int], grow: float) -> None:
    """Give the background and the sprite that casts it their shares of a soft shadow. masks: uint8 [L, h, w], in place.

    picture, back: as for `veils`. cast: uint8 [hc, wc], keys of casters, 0 for none.
    """
    size = masks.shape[2], masks.shape[1]
    for key in np.unique(cast[cast > 0]):
        here = cv2.resize((cast == key).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        opacity = veils(picture, back, torch.from_numpy(here).to(picture.device), grow).cpu().numpy()
        veil = opacity > 0
        owner = casters[int(key)]
        veil &= masks[[i for i in range(len(masks)) if i not in (0, owner)]].max(0, initial=0) == 0
        masks[owner][veil] = np.minimum(opacity[veil] * 255, BODY - 1).astype(np.uint8)
        masks[0][veil] = 255 - masks[owner][veil]


def _probabilities(picture: torch.Tensor, texture: torch.Tensor, misfits: list[torch.Tensor | None],
                   backs: list[torch.Tensor | None], theres: list[torch.Tensor | None], hiding: list[bool],
                   likely: torch.Tensor, redrawn: int, parts: dict[int, int], near: torch.Tensor | None = None,
                   everywhere: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """One frame's probabilities of the layers and their evidence, float32 [L', h, w] each, parts joined.

    picture: float32 [3, h, w]. texture: uint8 [h, w]. misfits, backs: as for `frame_mass`; theres: the layers' presence
    at labelling size, and likely: the probabilities [L, hc, wc] there. The coarse answer holds where no outline is
    near; only at the outlines, and where it is not clear, the finer pictures decide. near: float32 [hc, wc], 1 where a
    redrawn sprite may be, or None: anywhere. everywhere: every pixel's probability is solved for, as a test asks.
    """
    size = picture.shape[2], picture.shape[1]
    shown = upsampled(likely, size)
    joined = _joined(shown, parts)
    sure = eroded(above(joined, 0.7).view(torch.uint8), EDGE)
    at = places_of(sure.amax(0) == 0)
    theres = [None if m is None else upsampled_at(m, size, at) for m in theres]
    tex = texture.flatten()[at].to(torch.float32) / 255
    found = _joined(frame_mass(misfits, tex, backs, theres, hiding, shown, redrawn, at), parts)
    if near is not None:
        found[len(misfits) :] *= upsampled_at(near[None], size, at)[0] > 0.5
    # in flat areas, whose rims it has read, the coarse answer weighs as much as their colour
    found = found * (0.5 + 0.5 * tex)
    if not redrawn:  # beside a redrawn sprite, what its background explains is that: the gap between arm and body
        found = found + RIMS_SAY * (1 - tex) * (joined.flatten(1).index_select(1, at) > 0.5)
    mass = sure.to(torch.float32)
    mass.flatten(1).index_copy_(1, at, found)
    total, fine = torch.empty_like(mass[0]), torch.empty_like(mass)
    said = fine[1:]
    for rows in strips(total.shape):
        torch.sum(mass[:, rows], 0, out=total[rows])
        torch.div(mass[1:, rows], total[rows] + 1e-6, out=said[:, rows])
    fine[1:] = (spread(picture[None], said[:, None], total[None], smooth=1.0)[:, 0] if everywhere else
                spread_on(joined[1:], at, picture, said, total, smooth=1.0))
    for rows in strips(total.shape):
        torch.sub(1, fine[1:, rows].sum(0), out=fine[0, rows])
    if any(hiding):
        shown = fine.flatten(1)
        shown.index_copy_(1, at, uncovered(shown.index_select(1, at), found, theres, hiding))
    return fine, mass


def _coverages(picture: torch.Tensor, backs: list[torch.Tensor | None], fine: torch.Tensor, label: torch.Tensor,
               order: list[int], width: int) -> np.ndarray:
    """One frame's masks uint8 [L, h, w], from front to back: an edge pixel is shared by the layer in front and what is
    behind it. label: uint8 [h, w]. width: px, of redrawn sprites' mixed edges."""
    hard = torch.stack([label == i for i in range(len(fine))]).view(torch.uint8)
    masks, front = hard * 255, torch.zeros_like(label)
    likely = [ev.blur(one, BEHIND_BLUR) if len(backs) > 1 else one for one in fine[: len(backs)]]
    edges: list[tuple[int, torch.Tensor, torch.Tensor]] = []  # layer, its edge's pixels, the coverage there
    for position in range(len(order) - 1, 0, -1):
        i = order[position]
        nearer = front
        front = torch.maximum(front, hard[i])
        area = count_of(hard[i].view(torch.bool))
        if not area:
            continue
        rows, columns = box = around(hard[i], NEAR_EDGE)
        own = hard[i][box].contiguous()
        sliver = area < SMALLEST * label.numel()  # has no inside to tell its colour by: all of it counts
        inside = own if sliver else eroded(own, width if i >= len(backs) else EDGE)
        mixed = (ev.largest_near(own, 1) > 0) & (inside == 0)
        if position + 1 < len(order):  # only borders with layers behind are this layer's own edge
            mixed &= ev.largest_near(nearer[box].contiguous(), 2) == 0
        y, x = torch.nonzero(mixed, as_tuple=True)
        at, near = (y + rows.start) * label.shape[1] + x + columns.start, y * own.shape[1] + x
        behind, known = behind_of(order[:position], backs, likely, at)
        alpha = edge_coverage(picture[:, *box], behind, inside, near)
        edges.append((i, at[known], alpha[known]))
    if not edges:
        return masks.cpu().numpy()
    at = torch.unique(torch.cat([one for _, one, _ in edges]))
    share = hard.flatten(1)[:, at].to(torch.float32)
    for i, one, alpha in edges:
        share[i, torch.searchsorted(at, one)] = alpha
    left = torch.ones(len(at), device=at.device)
    for i in [*order[:0:-1], order[0]]:
        share[i] = left * (share[i] if i != order[0] else 1)
        left = left - share[i]
    masks.flatten(1)[:, at] = (share * 255).round().to(torch.uint8)
    return masks.cpu().numpy()
