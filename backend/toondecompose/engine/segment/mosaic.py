"""A layer's picture from all frames that show it: per canvas point the colour that most of their weight agrees on.

The temporal mode (which colour has most weighted votes) is used instead of the median: a sprite may hide a point in
most frames, but its colours there differ from frame to frame, while the layer's own colour repeats.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from .canvas import Box, Mosaic, canvas_box, columns_of, excuse, frame_boxes, overlap, plane_values, sample_bytes, slope
from .film import Pictures, Room, in_memory

VOTE_RANGE = 36  # grey levels, summed over channels, at which two samples no longer vote for each other
CANDIDATES = 8  # samples per canvas point that may become the mode; the rest only vote
TRUSTED = 0.02  # of a frame's weight that a sample must have to become the mode
STEPS = 8  # weights are told apart by so many steps when candidates are chosen
CACHED = 2**18  # samples worked on at once on the CPU: what its cache holds
CHUNK_BYTES = 32 * 2**20  # bytes of samples held at once: bounds memory whatever the clip's length
RIM = 3  # px around what has weight that are read as well: a mosaic's slope reaches beyond its last sure pixel


def _near(colour: list[torch.Tensor], mode: torch.Tensor) -> torch.Tensor:
    """How much each sample votes for mode uint8 [3, P]: uint8 [n, P], VOTE_RANGE less its distance, at least 0."""
    if colour[0].device.type == "cpu":
        return torch.from_numpy(_votes_on_host(_off([samples.numpy() for samples in colour], mode.numpy())))
    far = torch.zeros_like(colour[0])
    for samples, one in zip(colour, mode, strict=True):
        far += (torch.maximum(samples, one) - torch.minimum(samples, one)).clamp_(max=VOTE_RANGE)
    return VOTE_RANGE - far.clamp_(max=VOTE_RANGE)  # three clamped distances do not overflow a byte


def _off(colour: list[np.ndarray], mode: np.ndarray) -> list[np.ndarray]:
    """How far every sample 3 x uint8 [n, P] is off mode uint8 [3, P]: 3 x uint8 [n, P]."""
    return [cv2.absdiff(samples, np.repeat(one[None], len(samples), 0))
            for samples, one in zip(colour, mode, strict=True)]


def _votes_on_host(off: list[np.ndarray]) -> np.ndarray:
    """`_near` of the distances off 3 x uint8 [n, P]: uint8 [n, P]. Sums that do not fit into a byte are no votes either
    way."""
    far = cv2.add(cv2.add(off[0], off[1]), off[2])
    return cv2.subtract(np.full_like(far, VOTE_RANGE), far, dst=far)


def _picked(colour: list[torch.Tensor], frame: torch.Tensor) -> torch.Tensor:
    """Every point's sample of its frame [P]: uint8 [3, P]."""
    return torch.stack([torch.gather(samples, 0, frame[None])[0] for samples in colour])


def _best_candidate(colour: list[torch.Tensor], weight: torch.Tensor, key: torch.Tensor, frames: torch.Tensor
                    ) -> torch.Tensor:
    """Of the CANDIDATES heaviest samples [n, P] of every point, the one with most votes: uint8 [3, P]."""
    n = len(weight)
    mode = _picked(colour, frames[key.amax(0).long() % n])
    best = torch.full_like(weight[0], -1.0)
    for ranked in torch.topk(key, min(n, CANDIDATES), dim=0).values:
        frame = frames[ranked.long() % n]
        pick = _picked(colour, frame)
        score = (_near(colour, pick) * weight).sum(0) * (torch.gather(weight, 0, frame[None])[0] > TRUSTED)
        better = score > best
        best = torch.where(better, score, best)
        mode = torch.where(better, pick, mode)
    return mode


def temporal_mode(colour: torch.Tensor, weight: torch.Tensor, inside: torch.Tensor | None = None
                  ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The colour with most votes.

    colour uint8 [3, n, P], weight float32 [n, P], inside uint8 [n, P] (1 where a frame shows the point; weight is 0
    elsewhere) -> (mode float32 [3, P], votes [P] weight within half the range, scatter [P] rms of voters).
    """
    _, n, count = colour.shape
    step = max(64, CACHED // n) if colour.device.type == "cpu" else count
    # heaviest first, then spread over time, so that ties do not choose one stretch of the clip
    spread = np.argsort([(i * 0.618034) % 1.0 for i in range(n)])
    rank = torch.as_tensor(np.argsort(spread), device=colour.device).to(torch.int32)[:, None]
    frames = torch.as_tensor(spread, device=colour.device)
    parts = []
    for i in range(0, count, step):
        part = [samples[:, i : i + step].contiguous() for samples in colour]
        w = weight[:, i : i + step].contiguous()
        key = (w * STEPS).round_().to(torch.int32)
        if inside is not None:
            key += inside[:, i : i + step]
        mode = _mode_on_host if colour.device.type == "cpu" else _mode
        parts.append(mode(part, w, key.mul_(n).add_(rank), frames))
    return tuple(torch.cat(x, -1) for x in zip(*parts, strict=True))


def _mode(colour: list[torch.Tensor], weight: torch.Tensor, key: torch.Tensor, frames: torch.Tensor
          ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """temporal_mode of samples uint8 3 x [n, P]. key: int32 [n, P], larger for better candidates; modulo n it is the
    place of the sample's frame in `frames` [n]."""
    pick = _picked(colour, frames[key.amax(0).long() % len(weight)])
    votes = _near(colour, pick) * weight
    score, total = votes.sum(0), weight.sum(0)
    # no sample votes for two colours a whole range apart with more than its weight: with more than half of all that
    # the votes could be, no other colour can have more
    doubtful = torch.nonzero((score <= 0.5 * VOTE_RANGE * total) & (total > TRUSTED))[:, 0]
    if len(doubtful):
        some = [samples[:, doubtful] for samples in colour]
        pick[:, doubtful] = _best_candidate(some, weight[:, doubtful], key[:, doubtful], frames)
        votes = _near(colour, pick) * weight
        score = votes.sum(0)
    levels = [samples.to(torch.float32) for samples in colour]
    mode = pick.to(torch.float32)
    for again in (True, False):  # mean shift: the mean of the voters, not one of them
        mean = torch.stack([(level * votes).sum(0) for level in levels]) / score.clamp_min(1e-6)
        mode = torch.where(score > 1e-6, mean, mode)
        if again:
            votes = _near(colour, mode.round().to(torch.uint8)) * weight
            score = votes.sum(0)
    whole = mode.round().to(torch.uint8)
    voter = (_near(colour, whole) > VOTE_RANGE // 2) * weight
    votes = voter.sum(0)
    far = torch.stack([torch.maximum(a, b) - torch.minimum(a, b) for a, b in zip(colour, whole, strict=True)]).amax(0)
    scatter = (far.to(torch.float32).square_().mul_(voter).sum(0) / votes.clamp_min(1e-6)).sqrt_()
    return mode, votes, scatter


def _summed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sums over n of a * b, [n, P] each, without an array of products: float32 [P]."""
    return np.einsum("np,np->p", a, b, dtype=np.float32, casting="unsafe")


def _mode_on_host(colour: list[torch.Tensor], weight: torch.Tensor, key: torch.Tensor, frames: torch.Tensor
                  ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`_mode`, twice as fast on the host."""
    pick = _picked(colour, frames[key.amax(0).long() % len(weight)])
    samples, w = [one.numpy() for one in colour], weight.numpy()
    near = _votes_on_host(_off(samples, pick.numpy()))
    score, total = _summed(near, w), weight.sum(0).numpy()
    doubtful = np.flatnonzero((score <= 0.5 * VOTE_RANGE * total) & (total > TRUSTED))
    if len(doubtful):
        at = torch.from_numpy(doubtful)
        some = [one[:, at] for one in colour]
        best = _best_candidate(some, weight[:, at], key[:, at], frames)
        pick[:, at] = best
        near[:, doubtful] = _votes_on_host(_off([one.numpy() for one in some], best.numpy()))
        score = _summed(near, w)
    mode = pick.numpy().astype(np.float32)
    for again in (True, False):
        votes = cv2.multiply(near, w, dtype=cv2.CV_32F)
        mean = np.stack([_summed(one, votes) for one in samples]) / np.maximum(score, 1e-6)
        mode = np.where(score > 1e-6, mean, mode)
        off = _off(samples, np.rint(mode).astype(np.uint8))
        near = _votes_on_host(off)
        if again:
            score = _summed(near, w)
    voter = w * (near > VOTE_RANGE // 2)
    far = cv2.max(cv2.max(off[0], off[1]), off[2]).astype(np.float32)
    votes = voter.sum(0)
    scatter = np.sqrt(_summed(np.square(far, out=far), voter) / np.maximum(votes, 1e-6))
    return torch.from_numpy(mode), torch.from_numpy(votes), torch.from_numpy(scatter)


def weighted_box(weight: torch.Tensor, H: np.ndarray, whole: Box) -> Box | None:
    """The part of a frame's canvas box `whole` that holds its pixels with weight [h, w], and RIM px around; None if
    there are none."""
    if weight.device.type == "cpu":
        rows, columns = (np.flatnonzero(cv2.reduce(weight.numpy(), axis, cv2.REDUCE_MAX)) for axis in (1, 0))
    else:
        rows, columns = (torch.nonzero((weight > 0).any(axis))[:, 0] for axis in (1, 0))
    if not len(rows):
        return None
    x, y = (int(columns[0]) - RIM, int(columns[-1]) + 1 + RIM), (int(rows[0]) - RIM, int(rows[-1]) + 1 + RIM)
    corners = np.array([[i, j, 1.0] for i in x for j in y]) @ np.linalg.inv(H).T
    if corners[:, 2].min() < 1e-6:
        return whole
    at = corners[:, :2] / corners[:, 2:]
    low, high = np.floor(at.min(0)).astype(int), np.ceil(at.max(0)).astype(int)
    return overlap(whole, (int(low[0]), int(low[1]), int(high[0]), int(high[1])))


def build_mosaic(frames: Pictures, H: np.ndarray, present: np.ndarray, weight: Pictures | None = None) -> Mosaic:
    """The layer's picture from all frames in which it is present.

    frames: uint8 [T, 3, h, w]. H: [T, 3, 3] canvas -> frame in these pixels. weight: float32 or uint8 (0..255)
    [T, h, w], how surely the layer is the visible one (None: everywhere alike).
    """
    h, w = frames.shape[-2:]
    whole = canvas_box(H, present, (w, h))
    x0, y0, x1, y1 = whole
    device = frames.device
    colour = torch.zeros(3, y1 - y0, x1 - x0, device=device)
    votes, seen, scatter = torch.zeros(3, y1 - y0, x1 - x0, device=device)
    boxes: dict[int, Box] = {}
    for t, view in zip(np.flatnonzero(present).tolist(), frame_boxes(H[present], (w, h)), strict=True):
        box = overlap(whole, view)
        box = box if weight is None or box is None else weighted_box(weight[t], H[t], box)
        if box is not None:
            boxes[t] = box
    for left, right in columns_of(whole, w):
        inside = [t for t, b in boxes.items() if b[0] < right and b[2] > left]
        rows = max(8, CHUNK_BYTES // (8 * max(1, len(inside)) * (right - left)))
        for top in range(y0, y1, rows):
            tile = (left, top, right, min(y1, top + rows))
            parts = {t: part for t in inside if (part := overlap(boxes[t], tile)) is not None}
            if not parts:
                continue
            mode, vote, rms, total = _tile(frames, H, weight, parts, tile)
            where = slice(tile[1] - y0, tile[3] - y0), slice(tile[0] - x0, tile[2] - x0)
            colour[:, *where], votes[where], scatter[where], seen[where] = mode, vote, rms, total
    steep = slope(colour)
    return Mosaic(colour, votes, seen, steep, excuse(steep, scatter), (float(x0), float(y0)))


def sureness(p: Pictures, i: int, room: Room = in_memory) -> Pictures:
    """Weight [T, h, w] with which label i of p [L, T, h, w] makes a mosaic, where nothing else counts."""
    out = room(p.shape[1:], torch.float32, p.device)
    for t in range(len(out)):
        out[t] = (1.5 * p[i, t].float() - 0.5).clamp_(0, 1)
    return out


def _tile(frames: Pictures, H: np.ndarray, weight: Pictures | None, parts: dict[int, Box], tile: Box
          ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mode [3, hb, wb], votes, scatter and summed weight [hb, wb] of a tile of the canvas. parts: what of the tile each
    frame is read for."""
    size, n = (tile[3] - tile[1], tile[2] - tile[0]), len(parts)
    samples = torch.zeros(3, n, *size, dtype=torch.uint8, device=frames.device)
    inside = torch.zeros(n, *size, dtype=torch.uint8, device=frames.device)
    weights = torch.zeros(n, *size, device=frames.device)
    scale = 1 / 255 if weight is not None and weight.dtype == torch.uint8 else 1.0
    for i, (t, (x0, y0, x1, y1)) in enumerate(parts.items()):
        where = slice(y0 - tile[1], y1 - tile[1]), slice(x0 - tile[0], x1 - tile[0])
        samples[:, i, *where], within = sample_bytes(frames[t], H[t], (x0, y0, x1, y1))
        inside[i, *where] = within
        if weight is None:
            weights[i, *where] = within.to(torch.float32)
        else:
            heavy = plane_values(weight[t][None], H[t], (x1 - x0, y1 - y0), (float(x0), float(y0)))
            weights[i, *where] = heavy[0].mul_(within).mul_(scale)
    mode, votes, scatter = temporal_mode(samples.flatten(2), weights.flatten(1), inside.flatten(1))
    return mode.view(3, *size), votes.view(size), scatter.view(size), weights.sum(0)
