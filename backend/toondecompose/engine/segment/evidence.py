"""What the pictures say about one rigid layer: which pixels repeat under its motion, and which its mosaic explains."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from .canvas import (
    COUNT_STEPS,
    Box,
    canvas_box,
    columns_of,
    frame_boxes,
    overlap,
    sample_bytes,
    sample_planes,
    slope,
    whole_picture,
)
from .film import Pictures, Room, in_memory

# frames apart at which a pixel is compared with itself under a layer's motion. Many gaps, because a held drawing agrees
# with itself over short ones and a slow one needs long ones.
GAPS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 35, 42, 50, 60)
SAME_LEVELS = 12.0  # grey levels within which two samples of one flat colour agree (compression, rounding)
# the same in a clip without noise, and by how much it grows per level of noise: pale joints of a pavement, as weak as
# texture may be, must not agree with the stones beside them under every motion
CLEAN_LEVELS, PER_NOISE = 4.0, 4.0
SAME_SLOPE = 0.35  # px by which a layer may be displaced or resampled between two frames
LEAST_SLOPE, MOST_SLOPE = 3.0, 5.0  # levels per px that a line has at least: pale art, contrasty art
LINES, LINES_ASKED = 0.95, 4  # the steepest twentieth of a picture is its lines; frames that are asked
SHADING = 0.12  # of a line's slope: less is shading
LEAST_NOISE = 2.0  # grey levels: rounding, resampling


def blur(picture: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur of float32 [..., h, w]."""
    if sigma <= 0:
        return picture
    r = max(1, round(2.5 * sigma))
    x = torch.arange(-r, r + 1, dtype=torch.float32, device=picture.device)
    k = torch.exp(-0.5 * (x / sigma) ** 2)
    k = k / k.sum()
    shape = picture.shape
    if picture.device.type == "cpu":  # the same filter, many times faster on the host
        taps = k.numpy()
        out = np.empty((int(np.prod(shape[:-2])), *shape[-2:]), np.float32)
        for i, plane in enumerate(picture.reshape(-1, *shape[-2:]).numpy()):
            cv2.sepFilter2D(plane, cv2.CV_32F, taps, taps, dst=out[i], borderType=cv2.BORDER_REPLICATE)
        return torch.from_numpy(out).reshape(shape)
    p = F.pad(picture.reshape(-1, 1, *shape[-2:]), (r, r, r, r), mode="replicate")
    p = F.conv2d(F.conv2d(p, k.view(1, 1, 1, -1)), k.view(1, 1, -1, 1))
    return p.reshape(shape)


def largest_near(x: torch.Tensor, r: int) -> torch.Tensor:
    """Largest value within a square of radius r px: dilation of float32 or uint8 [..., h, w]. Its negative's negative
    erodes."""
    shape = x.shape
    if x.device.type == "cpu":  # the same, many times faster on the host
        planes = x.reshape(-1, *shape[-2:]).numpy()
        out, least = np.empty_like(planes), 0 if x.dtype == torch.uint8 else -np.inf
        kernel = np.ones((2 * r + 1, 2 * r + 1), np.uint8)
        for i, plane in enumerate(planes):
            cv2.dilate(plane, kernel, dst=out[i], borderType=cv2.BORDER_CONSTANT, borderValue=least)
        return torch.from_numpy(out).reshape(shape)
    wide = F.max_pool2d(x.to(torch.float32).reshape(-1, 1, *shape[-2:]), 2 * r + 1, 1, r)
    return wide.to(x.dtype).reshape(shape)


def texture_of(frames: Pictures, noise: float, room: Room = in_memory) -> Pictures:
    """How much a pixel's position can be told from its neighbourhood, uint8 [T, h, w], 255 = clearly textured.

    frames: uint8 [T, 3, h, w]. Ramp from what noise and soft shading show to a clear line. Shading that is weak beside
    the picture's own lines tells no motion from another: it agrees with whichever is hidden the least.
    """

    def slopes(t: int) -> torch.Tensor:
        return slope(blur(whole_picture(frames[t]), 0.5 if noise < 2 else 1.0))

    some = {t: slopes(t) for t in range(0, frames.shape[0], -(-frames.shape[0] // LINES_ASKED))}
    lines = float(np.quantile(torch.cat([s[::2, ::2].flatten() for s in some.values()]).cpu().numpy(), LINES))
    low = min(max(lines * SHADING, LEAST_SLOPE), MOST_SLOPE) + 1.5 * noise
    out = room((frames.shape[0], *frames.shape[-2:]), torch.uint8, frames.device)
    for t in range(frames.shape[0]):
        out[t] = (some.pop(t) if t in some else slopes(t)).sub_(low).div_(low).clamp_(0, 1).mul_(255).to(torch.uint8)
    return out


def cornerness_of(frames: Pictures, room: Room = in_memory) -> Pictures:
    """How far a pixel's position can be told in both directions, uint8 [T, h, w]: 255 = a corner, 0 = a straight edge.

    An edge that slides along itself agrees with itself under a wrong motion, so agreement counts only this much.
    """
    out = room((frames.shape[0], *frames.shape[-2:]), torch.uint8, frames.device)
    for t in range(frames.shape[0]):
        f = whole_picture(frames[t])
        dx, dy = torch.zeros_like(f), torch.zeros_like(f)
        dx[..., 1:-1] = (f[..., 2:] - f[..., :-2]) * 0.5
        dy[..., 1:-1, :] = (f[..., 2:, :] - f[..., :-2, :]) * 0.5
        tensor = blur(torch.stack([(dx * dx).sum(0), (dy * dy).sum(0), (dx * dy).sum(0)]), 2.0)
        half = (tensor[0] + tensor[1]) * 0.5
        root = ((tensor[0] - tensor[1]).square() * 0.25 + tensor[2].square()).sqrt()
        ratio = ((half - root).clamp_min(0) / (half + root + 4.0)).sqrt()
        out[t] = ((2 * ratio).clamp(0, 1) * 255).to(torch.uint8)
    return out


def _compare(colour: list[torch.Tensor], tolerance: torch.Tensor, more: int, valid: torch.Tensor, agree: torch.Tensor,
             alike: torch.Tensor, compared: torch.Tensor, tells: np.ndarray | None = None) -> None:
    """Count, into agree and compared uint8 [n, P], the other samples within GAPS that a sample is like; into alike
    those that it is like with `more` grey levels of tolerance.

    colour: 3 x uint8 [n, P], tolerance uint8 [n, P] grey levels; valid: uint8 [n, P], 1 or 0. tells: bool [n, n], the
    pairs that count (None: all)."""
    for gap in [g for g in GAPS if g < len(valid)]:
        far = None
        for samples in colour:
            here, there = samples[gap:], samples[:-gap]
            off = torch.maximum(here, there) - torch.minimum(here, there)
            far = off if far is None else torch.maximum(far, off)
        both = valid[gap:] * valid[:-gap]
        if tells is not None:
            both *= torch.from_numpy(np.diagonal(tells, gap).astype(np.uint8)).to(both.device)[:, None]
        least = torch.maximum(tolerance[gap:], tolerance[:-gap])
        same = (far < least) * both
        agree[gap:] += same
        agree[:-gap] += same
        if more:
            same = (far < least.clamp_(max=255 - more).add_(more)) * both
        alike[gap:] += same
        alike[:-gap] += same
        compared[gap:] += both
        compared[:-gap] += both


def _compare_on_host(colour: list[torch.Tensor], tolerance: torch.Tensor, more: int, valid: torch.Tensor,
                     agree: torch.Tensor, alike: torch.Tensor, compared: torch.Tensor,
                     tells: np.ndarray | None = None) -> None:
    """`_compare` of new counts, three times as fast on the host."""
    colour = [np.ascontiguousarray(samples.numpy()) for samples in colour]
    tolerance, mask = np.ascontiguousarray(tolerance.numpy()), valid.numpy() * np.uint8(255)
    likes, may_like, all_of_them = (np.zeros_like(mask) for _ in range(3))
    for gap in [g for g in GAPS if g < len(mask)]:
        red, green, blue = (cv2.absdiff(samples[gap:], samples[:-gap]) for samples in colour)
        far = cv2.max(cv2.max(red, green), blue)
        both = mask[gap:] & mask[:-gap]
        if tells is not None:
            both[~np.diagonal(tells, gap)] = 0
        least = cv2.max(tolerance[gap:], tolerance[:-gap])
        same = cv2.compare(least, far, cv2.CMP_GT)
        same &= both
        near = cv2.compare(cv2.add(least, more), far, cv2.CMP_GT) if more else same
        near &= both
        for counts, found in ((likes, same), (may_like, near), (all_of_them, both)):
            counts[gap:] -= found  # 255 less is one more
            counts[:-gap] -= found
    agree.copy_(torch.from_numpy(likes))
    alike.copy_(torch.from_numpy(may_like))
    compared.copy_(torch.from_numpy(all_of_them))


def strict_levels(noise: float) -> float:
    """Grey levels within which two samples of one flat colour agree."""
    return min(SAME_LEVELS, CLEAN_LEVELS + PER_NOISE * noise) + 2 * noise


def with_tolerance(frames: Pictures, noise: float, room: Room = in_memory) -> Pictures:
    """Frames uint8 [T, 3, h, w] as `agreement` compares them: uint8 [T, h, w, 4], colours and the levels by which two
    samples of the same may differ."""
    base, (h, w) = strict_levels(noise), frames.shape[-2:]
    pictures = room((len(frames), h, w, 4), torch.uint8, frames.device)
    for t in range(len(frames)):
        frame = frames[t]
        pictures[t, ..., :3] = frame.permute(1, 2, 0)
        pictures[t, ..., 3] = (base + SAME_SLOPE * slope(whole_picture(frame))).round_().clamp_(max=255)
    return pictures


def agreement(pictures: Pictures, H: np.ndarray, present: np.ndarray, noise: float, room: Room = in_memory,
              tells: np.ndarray | None = None) -> tuple[Pictures, Pictures, Pictures]:
    """How often each pixel repeats under the layer's motion.

    pictures: uint8 [T, h, w, 4], `with_tolerance`; H [T, 3, 3] canvas -> frame in these pixels. tells: bool [T, T], the
    pairs of frames that are compared (None: all).
    Returns (share float16 [T, h, w] of the compared frames in which the same canvas point has the same colour, the
    share in which it may have (SAME_LEVELS, however clean), compared float16 [T, h, w] number of frames compared).
    Zero in frames where the layer is not present.
    """
    (count, h, w, _), device = pictures.shape, pictures.device
    whole = canvas_box(H, present, (w, h))
    use = [int(t) for t in np.flatnonzero(present)]
    boxes = frame_boxes(H[use], (w, h))
    # of each frame's own part of the canvas: the whole canvas of a long pan is many times as large
    more = round(SAME_LEVELS + 2 * noise - strict_levels(noise))
    sizes = [3 * (b[3] - b[1]) * (b[2] - b[0]) for b in boxes]
    votes, ends = room((sum(sizes),), torch.uint8, device), np.cumsum(sizes)

    def of(i: int) -> torch.Tensor:
        """Frame use[i]'s counts agree, alike, compared: uint8 [3, hb, wb] on its box."""
        x0, y0, x1, y1 = boxes[i]
        return votes[int(ends[i]) - sizes[i] : int(ends[i])].view(3, y1 - y0, x1 - x0)

    for left, right in columns_of(whole, w):
        near = [i for i, b in enumerate(boxes) if b[0] < right and b[2] > left]
        if len(near) < 2:
            continue
        first, last = near[0], near[-1] + 1
        rows = max(8, int(2**22 // ((last - first) * (right - left))))
        for top in range(whole[1], whole[3], rows):
            tile = (left, top, right, min(whole[3], top + rows))
            _compare_tile(pictures, more, H, use, boxes, of, range(first, last), tile, tells)
    share, alike, number = (room((count, h, w), torch.float16, device) for _ in range(3))
    for i, t in enumerate(use):
        x0, y0, _, _ = boxes[i]
        got, inside = sample_planes(of(i).to(torch.float32), _from(x0, y0) @ np.linalg.inv(H[t]), (w, h))
        got = ((got * inside) * COUNT_STEPS).round() / COUNT_STEPS
        share[t], alike[t] = got[:2] / got[2].clamp_min(1.0)
        number[t] = got[2]
    return share, alike, number


def _from(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1.0]])


def _compare_tile(pictures: Pictures, more: int, H: np.ndarray, use: list[int], boxes: list[Box],
                  votes: Callable[[int], torch.Tensor], some: range, tile: Box, tells: np.ndarray | None = None
                  ) -> None:
    """Compare frames use[some] with each other on a tile of the canvas, into their votes (agree, alike, compared)
    [3, ...]. tells: as `agreement`."""
    size, n = (tile[3] - tile[1], tile[2] - tile[0]), len(some)
    device = pictures.device
    samples = torch.zeros(4, n, *size, dtype=torch.uint8, device=device)
    valid = torch.zeros(n, *size, dtype=torch.uint8, device=device)
    parts = {k: part for k, i in enumerate(some) if (part := overlap(boxes[i], tile)) is not None}
    for k, part in parts.items():
        x0, y0, x1, y1 = part
        where = slice(y0 - tile[1], y1 - tile[1]), slice(x0 - tile[0], x1 - tile[0])
        picture = pictures[use[some[k]]].permute(2, 0, 1)
        samples[:, k, *where], valid[k, *where] = sample_bytes(picture, H[use[some[k]]], part)
    found = torch.zeros(3, n, *size, dtype=torch.uint8, device=device)
    flat, valid, counts = samples.flatten(2), valid.flatten(1), found.flatten(2)
    step = max(64, 2**16 // n) if device.type == "cpu" else flat.shape[2]  # what the CPU's cache holds
    compare = _compare_on_host if device.type == "cpu" else _compare
    if tells is not None:
        mine = [use[i] for i in some]
        tells = tells[np.ix_(mine, mine)]
    for p in range(0, flat.shape[2], step):
        part = slice(p, p + step)
        compare([flat[c, :, part] for c in range(3)], flat[3, :, part], more, valid[:, part],
                *(one[:, part] for one in counts), tells)
    for k, (x0, y0, x1, y1) in parts.items():
        x, y = boxes[some[k]][:2]
        votes(some[k])[:, y0 - y : y1 - y, x0 - x : x1 - x] = found[:, k, y0 - tile[1] : y1 - tile[1],
                                                                    x0 - tile[0] : x1 - tile[0]]


def misfit(frame: torch.Tensor, back: torch.Tensor, noise: float) -> torch.Tensor:
    """How many standard deviations the frame is away from a rendered mosaic, float32 [h, w].

    frame: float32 [3, h, w]; back: render()'s channels. The difference is blurred before its size is taken, so that
    grain averages out; its deviation is the noise and what the mosaic excuses.
    """
    sigma = max(0.6, min(1.5, 0.3 * noise))
    d = blur(frame - back[:3], sigma).abs_().amax(0)
    left = noise / (1 + 3.5 * sigma)  # what blurring leaves of white noise
    s0 = (LEAST_NOISE**2 + (3 * left) ** 2) ** 0.5
    return d.div_(back[4].square().add_(s0**2).sqrt_())
