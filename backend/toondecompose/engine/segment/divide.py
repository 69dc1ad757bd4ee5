"""The redrawn label divided into sprites, and a sky put behind all labels: labels that are added to others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from .canvas import render, whole_picture
from .film import Pictures, Room, as_array
from .labels import BLOCK, walk
from .layers import Rigid, labels_of
from .limbs import all_of_one, changing, limbs
from .mosaic import build_mosaic, sureness
from .roles import Roles
from .tracklets import count_sprites, track

Divided = tuple[Pictures, Pictures, dict[int, int], np.ndarray | None, dict[int, float]]


def put_behind(first: Pictures, sky: np.ndarray, carried: np.ndarray, room: Room) -> Pictures:
    """First evidence [L + 1, T, h, w] with a sky, bool [T, h, w], behind all the others. carried: bool [T, h, w], what
    is not the redrawn sprite's (the last label), for a plane carries it."""
    out = room((len(first) + 1, *first.shape[1:]), torch.float16, first.device)
    for t in range(len(sky)):
        out[0, t] = torch.from_numpy(sky[t])
        out[1:, t] = first[:, t]
        if carried[t].any():
            out[-1, t] *= torch.from_numpy(~carried[t]).to(first.device)
    return out


def split(small: np.ndarray, frames: Pictures, rigid: Rigid, p: Pictures, mass: Pictures, roles: Roles, slid: int,
          room: Room) -> Divided:
    """Divide the redrawn label into sprites. -> (p, mass, {label: rigid label it is part of}, votes of hiding, how sure
    it is, 0..1, that labels are the same sprite throughout, where that was asked).

    slid: how many planes were found by their rate of sliding: each may be one of the layers that were asked for, and
    then one sprite fewer is missing."""
    if roles.redrawn == 0:
        return p, mass, {}, None, {}
    base = len(rigid)
    label = labels_of(p).cpu().numpy()
    wanted = roles.redrawn
    whole = all_of_one(rigid, p, roles.plane) if wanted is None else None
    if whole is not None:
        return p, mass, {base: whole}, None, {}
    if wanted is None or (slid and wanted > 1):
        seen = count_sprites(small, label == base)
        wanted = seen if wanted is None else int(np.clip(seen, max(1, wanted - slid), wanted))
    known = changing(rigid, p, roles.plane)
    if wanted + len(known) < 2:
        return _with_limbs(small, rigid, p, mass, roles.plane, room)
    ids = np.full(label.shape, -1, np.int8)
    union = label == base
    for k, i in enumerate(known):
        ids[label == i] = k
        union |= label == i
    behind = as_array(room(small.shape, torch.uint8))
    plate = build_mosaic(frames, rigid.H[0], rigid.present[0], sureness(p, 0, room))
    for t in range(len(small)):
        back = render(plate, rigid.H[0][t], (small.shape[2], small.shape[1]))[:3].round().to(torch.uint8)
        behind[t] = back.permute(1, 2, 0).cpu().numpy()
    n = len(known) + wanted
    evidence = room((n, *union.shape), torch.float32)
    votes, sure = track(small, union, ids, len(known), wanted, behind, evidence)
    if not any(bool(evidence[:, t].any()) for t in range(len(union))):
        return p, mass, {}, None, {}

    def share(part: slice) -> torch.Tensor:
        return walk(whole_picture(frames[part]), evidence[:, part].to(p.device)).half()

    p, mass = _shared(p, mass, base, n, share, room)
    parts = {base + k: i for k, i in enumerate(known)}
    hiding = np.zeros((base + n, base + n))
    where = [*known, *range(base + len(known), base + n)]
    hiding[np.ix_(where, where)] = votes
    return p, mass, parts, hiding, {base + k: float(one) for k, one in enumerate(sure) if one < 1}


def _shared(p: Pictures, mass: Pictures, base: int, n: int, share: Callable[[slice], torch.Tensor], room: Room
            ) -> tuple[Pictures, Pictures]:
    """p and mass with label `base` divided into n. share: part of the frames -> their shares [n, some, h, w]."""
    out = [room((base + n, *x.shape[1:]), torch.float16, x.device) for x in (p, mass)]
    for t in range(0, p.shape[1], BLOCK):
        part = slice(t, t + BLOCK)
        some = share(part)
        for x, divided in zip((p, mass), out, strict=True):
            divided[:base, part] = x[:base, part]
            divided[base:, part] = x[base, part] * some
    return out[0], out[1]


def _with_limbs(small, rigid, p, mass, plane, room):
    """As `split`, for one redrawn sprite and rigid ones that swing their arms."""
    base, found = len(rigid), limbs(small, rigid, p, plane)
    if not found:
        return p, mass, {}, None, {}

    def share(part: slice) -> torch.Tensor:
        some = [one[part] for one in found.values()]
        return torch.from_numpy(np.stack([*some, ~np.logical_or.reduce(some)])).to(p.device, p.dtype)

    p, mass = _shared(p, mass, base, len(found) + 1, share, room)
    return p, mass, {base + k: i for k, i in enumerate(found)}, None, {}
