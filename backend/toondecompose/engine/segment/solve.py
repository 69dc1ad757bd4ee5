"""From frames and motion paths to layers: roles, depth order and visible masks."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from ..clip import FrameSource, working_source
from ..types import LayerPath, Segmentation, SegmentedLayer
from .bodies import by_bodies
from .candidates import candidates
from .choose import (
    DECIDE_FRAMES,
    DECIDE_WIDTH,
    DEGREES,
    SEARCH_FRAMES,
    SEARCH_WIDTH,
    TOGETHER,
    Ledger,
    accounts,
    choose,
    further_planes,
    sampled,
)
from .divide import put_behind, split
from .film import HELD, TOUCHED, Film, Pictures, Room, as_array, part_of, room_on
from .hiding import depth_order
from .labels import Labelling, first_mass
from .layers import Rigid, labels_of
from .noise import noise_in_flats, noise_under
from .openings import see_through
from .parallax import by_parallax, lean_on_parallax, parallax_path, speeds, travel
from .posing import settle_poses
from .refine import refine
from .roles import (
    ACROSS,
    WIDE,
    Roles,
    Traces,
    border_share,
    spread,
    trace,
    unexplained,
)
from .shadows import cast_shadows
from .soft import soft_sky
from .standing import settle
from .tidy import hand_over, only_supported, riders, without_slivers

LABEL_WIDTH = 320  # px across at which labels are decided
WORKING_WIDTH = 640  # px across of the masks handed on
MOST_FAR = 3  # planes that are looked for by their rate of sliding
UNSURE = 0.5  # of the background: another account is nearly as short
UNNAMED = 0.25  # of a sprite's confidence is left where it may be another one from some frame on

Progress = Callable[[float], None]


def scaled(H: np.ndarray, scale: float) -> np.ndarray:
    """Transforms of full-resolution pixels -> transforms of pixels scaled by `scale` (edge coordinates)."""
    s = np.diag([scale, scale, 1.0])
    out = s @ H @ np.linalg.inv(s)
    return out / out[..., 2:, 2:]


def _tensor(frames: np.ndarray, device: str) -> torch.Tensor:
    return torch.from_numpy(frames).permute(0, 3, 1, 2).to(device)


def _all_of(source: FrameSource, room: Room) -> Pictures:
    """All of a small source's frames, uint8 [T, h, w, 3]."""
    out = room((source.count, *source.size[::-1], 3), torch.uint8)
    for t in range(source.count):
        out[t] = torch.from_numpy(np.array(source.read(t)))
    return out


def _planes(frames: Pictures, device: str) -> Pictures:
    """Frames uint8 [T, h, w, 3] as [T, 3, h, w] on the device."""
    return frames.permuted(0, 3, 1, 2) if isinstance(frames, Film) and device == "cpu" else _tensor(
        as_array(frames), device)


def segment(source: FrameSource, paths: list[LayerPath], count: int | None = None, *, seed: int = 0,
            device: str = "cpu", progress: Progress | None = None,
            cancelled: Callable[[], bool] | None = None) -> Segmentation:
    """Roles, depth order and visible masks of all layers.

    paths: the rigid motions found, best first. count: layers wanted, the background included; None: as many as the
    evidence asks for. Planes behind the sprites beyond that number become further layers of kind "background". seed is
    not used: nothing here is random. progress gets 0..1. cancelled is asked between stages; when it says yes, what it
    raises passes through, and otherwise an InterruptedError is raised.
    """

    def step(done: float) -> None:
        if progress is not None:
            progress(done)
        if cancelled is not None and cancelled():
            raise InterruptedError("The run was cancelled while layers were being found.")

    def refined(done: float) -> None:
        source.rest()
        step(0.6 + 0.4 * done)

    room = room_on(source.another_shelf(HELD, TOUCHED))
    least, small_scale = working_source(source, LABEL_WIDTH)
    middling, scale = working_source(source, WORKING_WIDTH)
    kept = _all_of(least, room)
    frames, small = _planes(kept, device), as_array(kept)
    noise = min([noise_in_flats(middling), *(noise_under(middling, scaled(q.H, scale), q.present) for q in paths)])
    coarse_noise = noise * small_scale / scale
    step(0.05)
    H = [scaled(q.H, small_scale) for q in paths]
    present = [q.present for q in paths]
    traces = trace(frames, H, present, coarse_noise, room)
    roles = _roles(small, traces, paths, H, present, coarse_noise, count, small_scale, room)
    redrawn, given = roles.redrawn != 0, len(paths)
    base, slid = 0, set()  # where the guessed background is, and which layers were found by their rate of sliding
    while redrawn and len(slid) < MOST_FAR:
        left_over = np.concatenate([(unexplained(traces, roles.rigid, part, solid=False) > 0.5).cpu().numpy()
                                    for part in traces.parts()])
        planes = [paths[i] for i, on in zip(roles.rigid, roles.painted, strict=True) if on]
        slow = parallax_path(small, planes, small_scale, left_over)
        if slow is None:
            break
        paths = [*paths, slow]
        H.append(scaled(slow.H, small_scale))
        present.append(slow.present)
        traces = traces.joined(frames, H[-1:], present[-1:], coarse_noise, room)
        if roles.confidence < UNSURE:  # the one that is behind all others was not known when that was asked
            again = _roles(small, traces, paths, H, present, coarse_noise, count, small_scale, room,
                           set(range(given, len(paths))))
            if len(paths) - 1 in again.rigid:
                roles, redrawn, base, slid = again, again.redrawn != 0, 0, set()
                continue
        # what slides slower is farther away; what is in front of the background beside it, only it is in front of
        slower = sum(travel(paths[i].H) < travel(slow.H) for i in roles.rigid[: base + 1])
        slid = {i + (i >= slower) for i in slid} | {slower}
        base += slower <= base
        roles.add(slower, len(paths) - 1)
    farthest = max([base, *slid]) + 1
    layers = roles.rigid
    rigid = Rigid([H[i] for i in layers], [present[i] for i in layers], roles.painted,
                  hiding=[bool(slid) and plane for plane in roles.plane])
    if redrawn and not all(roles.plane):
        traces = traces.of_exposures(frames, H, present, layers, coarse_noise, room)
    first = first_mass(traces, layers, redrawn, room)
    if redrawn:
        settle(first, frames, rigid.H, rigid.present, [i for i in range(len(layers)) if roles.plane[i]],
               [traces.share[i] for i in layers], traces.texture_bytes, coarse_noise)
        if len(layers) == 1:
            settle_poses(first, frames, rigid.H[0], rigid.present[0], coarse_noise)
    texture = traces.texture_bytes
    del traces
    step(0.2)
    several = roles.redrawn != 1 or not all(roles.plane)
    labelling = Labelling(frames, rigid, first, coarse_noise, redrawn, texture=texture, several=several, room=room)
    p = labelling.begin()
    if redrawn:  # a sky is seen as soon as it is roughly known who is where
        sky = soft_sky(small, [paths[i] for i, on in zip(layers, roles.plane, strict=True) if on], small_scale,
                       (labels_of(p) == 0).cpu().numpy(), coarse_noise)
        if sky is not None:  # behind all others, which hide it but for the plane that it was taken for
            carried = riders(p, len(layers), {i: rigid.H[i] for i in range(len(layers)) if roles.plane[i]})
            first = put_behind(first, sky[1], carried, room)
            roles.add(0, len(paths))
            paths, base, slid, farthest = [*paths, sky[0]], base + 1, {i + 1 for i in slid}, farthest + 1
            rigid = Rigid([scaled(sky[0].H, small_scale), *rigid.H], [sky[0].present, *rigid.present], roles.painted,
                          hiding=[False, False, *rigid.hiding[1:]])
            labelling = Labelling(frames, rigid, first, coarse_noise, redrawn, texture=texture, several=several,
                                  room=room)
            p = labelling.begin()
    paintings = [i for i in range(len(layers)) if i == 0 or roles.plane[i] or roles.painted[i]]
    if redrawn and len(paintings) > 1:
        who = labels_of(p).cpu().numpy()
        before = who.copy()
        if see_through(first, frames, small, rigid, paintings, who, texture, room):
            labelling.open(who, who != before)
        del who, before
    p, mass, rigid = labelling.finish()
    del labelling
    if redrawn:
        for i in (i for i in range(len(layers)) if i in slid or (i and roles.plane[i] and i != base)):
            only_supported(p, i, len(layers), part_of(first, i))
        only_supported(p, len(layers), base, part_of(first, len(layers)), (part_of(mass, len(layers)), texture))
        without_slivers(p, len(layers))
        carried = riders(p, len(layers), {i: rigid.H[i] for i in range(len(layers)) if roles.plane[i]})
        for t in np.flatnonzero(carried.any((1, 2))):
            hand_over(p[:, t], len(layers), torch.from_numpy(carried[t]).to(p.device))
    del first
    step(0.5)
    p, mass, parts, hiding, named = split(small, frames, rigid, p, mass, roles, len(slid), room)
    sprites = [i for i in range(1, p.shape[0]) if i >= len(layers) or not roles.plane[i]]
    cast = cast_shadows(frames, rigid, p, sprites, coarse_noise, room)
    order = depth_order(rigid, p, hiding)
    # these planes are farther away than any sprite, whatever a few pixels say
    order = [*range(farthest), *(i for i in order if i >= farthest)]
    step(0.6)
    fine = Rigid([scaled(paths[i].H, scale) for i in layers], rigid.present, rigid.painted, rigid.drawing,
                 rigid.hiding)
    left = [i for i in range(p.shape[0]) if i not in parts]
    order = [left.index(i) for i in order if i not in parts]
    named = {left.index(i): sure for i, sure in named.items() if i not in parts}
    shadows = {1 + i: left.index(parts.get(i, i)) for i in sprites}
    del frames, small, kept
    masks, unresolved, certainty, still = refine(_planes(_all_of(middling, room), device), fine, p, mass, order, noise,
                                                 p.shape[0] - len(layers), parts, cast, shadows, refined, room)
    if count is not None and redrawn:
        whole = by_bodies(masks, fine.H, fine.present, [i for i in range(1, len(layers)) if not roles.plane[i]],
                          list(range(len(layers), len(masks))))
    else:
        whole = {}
    order = [j for i in order if i not in whole for j in (i, *(k for k in whole if whole[k] == i))]
    out: list[SegmentedLayer] = []
    for i in order:
        plane = i < len(layers) and roles.plane[i]
        number = 1 + sum((layer.kind == "background") == plane for layer in out)
        name = f"plane {number}" if plane else f"sprite {number}"
        own = whole.get(i, i)
        path = paths[layers[own]] if own < len(layers) else None
        sure = certainty[i] * (0.5 + 0.5 * roles.confidence) * (UNNAMED + (1 - UNNAMED) * named.get(i, 1.0))
        out.append(SegmentedLayer(name if out else "background", "background" if plane else "sprite", path, masks[i],
                                  float(sure), still[i]))
    return Segmentation(out, scale, unresolved, [f"noise {noise:.1f} levels", *roles.notes], float(noise))


BACK = 0.4  # of what the widest layer explains of the frame's border: the background explains some of it
HIDDEN = 0.3  # by so clear votes, -1..1, a layer is hidden by another one
PLANE = 0.6  # of the texture along the frame's border: nobody having said otherwise, a plane shows that much


def _hidden(i: int, kept: list[int], hides: dict[tuple[int, int], float]) -> bool:
    """Whether others were clearly seen to hide a layer, and it none of them: a plain sky that hardly shows a border."""
    return (any(hides[j, i] > HIDDEN for j in kept if j != i)
            and all(hides[i, j] < HIDDEN / 4 for j in kept if j != i))


def _roles(small: np.ndarray, traces: Traces, paths: list[LayerPath], H: list[np.ndarray], present: list[np.ndarray],
           noise: float, count: int | None, scale: float, room: Room, slid: set[int] | None = None) -> Roles:
    """The layers' roles, by the shortest account of the shot. small: uint8 [T, h, w, 3] at LABEL_WIDTH. slid: paths
    that were found by their rate of sliding, which are planes, though few lines show that they reach across."""
    kept, first, border, hides, steady, single = candidates(traces, H, present, [q.gain for q in paths], scale,
                                                              room)
    wide = {i for i in kept if border_share(traces, i, kept) >= WIDE}
    across = {i for i in kept if spread(traces, i, [j for j in kept if j != i]) >= ACROSS or i in (slid or ())}
    backs = {i for i in kept if border[i] >= BACK * max(border.values()) or (i in across and _hidden(i, kept, hides))}
    speed = speeds(H, present, small.shape[2:0:-1])
    slow = by_parallax(first, across, speed)
    if slow[0] in across:
        backs.add(slow[0])
    lean_on_parallax(hides, across, wide, speed, H, small.shape[2:0:-1])
    apart = small.shape[2] / TOGETHER / max([1e-6, *(speed[i] for i in wide)])
    every = accounts(kept, count, wide, backs, speed)
    # where nobody says how many layers there are, or it may be a plane, nothing tells where a path's layer is not
    one_drawing = set() if count is None else single - wide

    def ledger(width: int, most: int) -> Ledger:
        some = sampled(present, most, apart)
        grow = min(1.0, width / small.shape[2])
        size = round(small.shape[2] * grow), round(small.shape[1] * grow)
        frames = np.stack([cv2.resize(small[t], size, interpolation=cv2.INTER_AREA) for t in some])
        return Ledger(_tensor(frames, traces.texture_bytes.device), [scaled(h[some], grow) for h in H],
                      [on[some] for on in present], [DEGREES[q.model] for q in paths],
                      [i in wide for i in range(len(paths))], hides, noise * grow, steady, one_drawing)

    best, sure, note = choose(ledger(SEARCH_WIDTH, SEARCH_FRAMES), lambda: ledger(DECIDE_WIDTH, DECIDE_FRAMES),
                              [first, slow], every, count is None)
    if count is not None:
        by_border = sorted(further_planes(best.paths, wide, speed), key=lambda i: -border[i])
        planes = {best.paths[0], *by_border[: best.extra]}
    else:  # what lies in front of everything else is a sprite, however wide
        front = len(best.paths) if best.redrawn else len(best.paths) - 1
        planes = {i for place, i in enumerate(best.paths) if place == 0 or (
            place < front and border[i] >= PLANE and i in across)}
    redrawn = None if count is None and best.redrawn else best.redrawn
    return Roles(list(best.paths), [i in planes for i in best.paths],
                 [i in wide for i in best.paths], redrawn, sure, [note])
