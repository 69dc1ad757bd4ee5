"""A layer's canvas: the frames gathered on it, the colour most of them agree on, and that colour back in a frame.

The temporal mode (which colour has most weighted votes) is used instead of the median: a sprite may hide a point in
most frames, but its colours there differ from frame to frame, while the layer's own colour repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..warp import grid_for, sample

VOTE_RANGE = 36.0  # grey levels, summed over channels, at which two samples no longer vote for each other
COUNT_STEPS = 256  # counts of frames are read to this part of one
CANDIDATES = 8  # samples per canvas point that may become the mode; the rest only vote
# bytes of samples held at once: bounds memory whatever the clip's length
CACHED = 2**17  # samples worked on at once on the CPU: what its cache holds
CHUNK_BYTES = 48 * 2**20
# a canvas may be this many frames across: a homography can send a corner to the horizon
MAX_FRAMES_ACROSS = 8.0


@dataclass
class Mosaic:
    """What the frames agree on, on a box of the layer's canvas.

    colour float32 [3, hc, wc], 0..255. votes float32 [hc, wc], weight of the frames that agree with it; seen, weight of
    all frames that show the point. slope float32 [hc, wc], |gradient|, levels per px. scatter float32 [hc, wc], rms
    difference between the voters and the colour, levels: resampling, registration and noise, as measured.
    origin: edge coordinates of the box's corner.
    """

    colour: torch.Tensor
    votes: torch.Tensor
    seen: torch.Tensor
    slope: torch.Tensor
    scatter: torch.Tensor
    origin: tuple[float, float]


def canvas_box(H: np.ndarray, present: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The smallest whole-pixel box (x0, y0, x1, y1) on the canvas that holds every present frame of size (w, h)."""
    w, h = size
    corner = np.array([[0, 0, 1], [w, 0, 1], [w, h, 1], [0, h, 1]], np.float64)
    points = np.einsum("tij,nj->tni", np.linalg.inv(H[present]), corner)
    ok = points[..., 2] > 1e-6
    xy = points[..., :2] / np.where(ok, points[..., 2], 1.0)[..., None]
    xy = xy[ok]
    reach = np.array([w, h]) * MAX_FRAMES_ACROSS / 2
    lo = np.maximum(xy.min(0), np.array([w, h]) / 2 - reach)
    hi = np.minimum(xy.max(0), np.array([w, h]) / 2 + reach)
    lo, hi = np.floor(lo + 1e-6).astype(int), np.ceil(hi - 1e-6).astype(int)
    return int(lo[0]), int(lo[1]), int(hi[0]), int(hi[1])


def slope(pictures: torch.Tensor) -> torch.Tensor:
    """|gradient| of [..., 3, h, w], levels per px, largest channel; one-sided differences on the border."""
    dx, dy = torch.empty_like(pictures), torch.empty_like(pictures)
    dx[..., 1:-1] = (pictures[..., 2:] - pictures[..., :-2]) * 0.5
    dy[..., 1:-1, :] = (pictures[..., 2:, :] - pictures[..., :-2, :]) * 0.5
    dx[..., :1], dx[..., -1:] = pictures[..., 1:2] - pictures[..., :1], pictures[..., -1:] - pictures[..., -2:-1]
    dy[..., :1, :] = pictures[..., 1:2, :] - pictures[..., :1, :]
    dy[..., -1:, :] = pictures[..., -1:, :] - pictures[..., -2:-1, :]
    return (dx.square() + dy.square()).amax(-3).sqrt()


def _centred(H: np.ndarray, origin: tuple[float, float]) -> np.ndarray:
    """Edge-coordinate transform of pixels counted from `origin` -> the same for pixel centres, as OpenCV counts."""
    there = np.array([[1, 0, origin[0] + 0.5], [0, 1, origin[1] + 0.5], [0, 0, 1]])
    return np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]]) @ H @ there


def sample_planes(planes: torch.Tensor, H: np.ndarray, size: tuple[int, int], origin: tuple[float, float] = (0.0, 0.0)
                  ) -> tuple[torch.Tensor, torch.Tensor]:
    """Planes float32 [c, h, w] at H(x) for every pixel x of a picture of `size` (w, h) whose corner is at `origin`.

    H: output px -> px of the planes, edge coordinates. Bilinear; the planes' edge repeats. Returns (float32 [c, ...],
    1 where the point lies inside the planes and 0 elsewhere, float32).
    """
    h, w = planes.shape[-2:]
    if planes.device.type != "cpu":
        points = grid_for(H, size, origin, planes.device)
        inside = (points >= 0).all(-1) & (points[..., 0] <= w) & (points[..., 1] <= h)
        return sample(planes, points, border="border"), inside.to(torch.float32)
    # the same, many times faster on the host
    M = _centred(H, origin)
    flat = bool(np.abs(M[2, :2]).max() < 1e-12)
    warp = cv2.warpAffine if flat else cv2.warpPerspective
    M = M[:2] / M[2, 2] if flat else M
    out = np.empty((len(planes), size[1], size[0]), np.float32)
    for i, plane in enumerate(planes.numpy()):
        warp(plane, M, size, dst=out[i], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
             borderMode=cv2.BORDER_REPLICATE)
    inside = warp(np.ones((h, w), np.uint8), M, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    if not flat:  # what lies behind the horizon is not there
        x, y = np.arange(size[0]), np.arange(size[1])
        inside[(M[2, 0] * x[None] + M[2, 1] * y[:, None] + M[2, 2]) <= 1e-9] = 0
    return torch.from_numpy(out), torch.from_numpy(inside.astype(np.float32))


def gather(layers: torch.Tensor, H: np.ndarray, frames: list[int], box: tuple[int, int, int, int]) -> torch.Tensor:
    """Frames' pictures on a box of the canvas.

    layers: [T, c, h, w] (any dtype; bilinear in float32). Returns float32 [n, c + 1, hb, wb]; the last channel is
    1 inside the frame and 0 outside.
    """
    x0, y0, x1, y1 = box
    c = layers.shape[1]
    out = torch.empty(len(frames), c + 1, y1 - y0, x1 - x0, device=layers.device)
    for i, t in enumerate(frames):
        out[i, :c], out[i, c] = sample_planes(layers[t].to(torch.float32), H[t], (x1 - x0, y1 - y0),
                                              (float(x0), float(y0)))
    return out


def temporal_mode(colour: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The colour with most votes.

    colour [n, 3, P], weight [n, P] -> (mode [3, P], votes [P] weight within half the range, scatter [P] rms of voters).
    """
    n = colour.shape[0]
    step = max(256, CACHED // n)
    if colour.device.type == "cpu" and colour.shape[2] > step:
        parts = [temporal_mode(colour[..., i : i + step], weight[:, i : i + step])
                 for i in range(0, colour.shape[2], step)]
        return tuple(torch.cat(x, -1) for x in zip(*parts, strict=True))
    best = torch.full_like(weight[0], -1.0)
    mode = torch.zeros_like(colour[0])
    if n <= CANDIDATES:
        picks = [colour[i] for i in range(n)]
        trust = [weight[i] for i in range(n)]
    else:
        # spread over time first, so that ties do not choose one stretch of the clip
        order = torch.as_tensor([(i * 0.618034) % 1.0 for i in range(n)], device=colour.device)
        top = torch.topk(torch.round(weight * 8) + order[:, None] * 0.5, CANDIDATES, dim=0).indices
        picks = [torch.gather(colour, 0, top[i][None, None].expand(1, 3, -1))[0] for i in range(CANDIDATES)]
        trust = [torch.gather(weight, 0, top[i][None])[0] for i in range(CANDIDATES)]
    for pick, trusted in zip(picks, trust, strict=True):
        score = ((VOTE_RANGE - (colour - pick).abs().sum(1)).clamp_min(0) * weight).sum(0) * (trusted > 0.02)
        better = score > best
        best = torch.where(better, score, best)
        mode = torch.where(better, pick, mode)
    for _ in range(2):  # mean shift: the mean of the voters, not one of them
        near = (VOTE_RANGE - (colour - mode).abs().sum(1)).clamp_min(0) * weight
        total = near.sum(0)
        mean = (colour * near[:, None]).sum(0) / total.clamp_min(1e-6)
        mode = torch.where(total > 1e-6, mean, mode)
    far = (colour - mode).abs()
    voter = (far.sum(1) < 0.5 * VOTE_RANGE) * weight
    votes = voter.sum(0)
    scatter = ((far.amax(1).square() * voter).sum(0) / votes.clamp_min(1e-6)).sqrt()
    return mode, votes, scatter


def build_mosaic(frames: torch.Tensor, H: np.ndarray, present: np.ndarray,
                 weight: torch.Tensor | None = None) -> Mosaic:
    """The layer's picture from all frames in which it is present.

    frames: uint8 [T, 3, h, w]. H: [T, 3, 3] canvas -> frame in these pixels. weight: float32 or uint8 (0..255)
    [T, h, w], how surely the layer is the visible one (None: everywhere alike).
    """
    h, w = frames.shape[-2:]
    x0, y0, x1, y1 = canvas_box(H, present, (w, h))
    device = frames.device
    colour = torch.zeros(3, y1 - y0, x1 - x0, device=device)
    votes, seen, scatter = torch.zeros(3, y1 - y0, x1 - x0, device=device)
    boxes = {t: canvas_box(H[t : t + 1], np.array([True]), (w, h)) for t in np.flatnonzero(present)}
    rows = max(8, CHUNK_BYTES // (16 * len(boxes) * (x1 - x0)))
    for top in range(y0, y1, rows):
        bottom = min(y1, top + rows)
        use = [t for t, b in boxes.items() if b[1] < bottom and b[3] > top]
        if not use:
            continue
        box = (x0, top, x1, bottom)
        got = gather(frames, H, use, box).flatten(2)
        wt = got[:, 3]
        if weight is not None:
            scale = 1 / 255 if weight.dtype == torch.uint8 else 1.0
            wt = wt * gather(weight[:, None], H, use, box)[:, 0].flatten(1) * scale
        mode, vote, rms = temporal_mode(got[:, :3], wt)
        colour[:, top - y0 : bottom - y0] = mode.view(3, bottom - top, -1)
        votes[top - y0 : bottom - y0] = vote.view(bottom - top, -1)
        scatter[top - y0 : bottom - y0] = rms.view(bottom - top, -1)
        seen[top - y0 : bottom - y0] = wt.sum(0).view(bottom - top, -1)
    return Mosaic(colour, votes, seen, slope(colour), scatter, (float(x0), float(y0)))


def render(mosaic: Mosaic, H: np.ndarray, size: tuple[int, int], colour: bool = True) -> torch.Tensor:
    """The mosaic in a frame: float32 [7, h, w] = colour (3), votes, seen, slope, scatter; 0 beyond the canvas.

    colour: False leaves out all but votes and seen (zeros in their place).
    """
    to_canvas = np.array([[1, 0, -mosaic.origin[0]], [0, 1, -mosaic.origin[1]], [0, 0, 1.0]]) @ np.linalg.inv(H)
    counts = torch.stack([mosaic.votes, mosaic.seen])
    stack = torch.cat([mosaic.colour, counts, mosaic.slope[None], mosaic.scatter[None]]) if colour else counts
    got, inside = sample_planes(stack, to_canvas, size)
    got *= inside
    counted = got[3:5] if colour else got
    # three frames must be three on every device, not 2.9999998 on one: thresholds lie on whole numbers
    counted.copy_((counted * COUNT_STEPS).round() / COUNT_STEPS)
    if colour:
        return got
    out = torch.zeros(7, size[1], size[0], device=got.device)
    out[3:5] = got
    return out
