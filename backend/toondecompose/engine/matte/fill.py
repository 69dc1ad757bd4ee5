"""Soft colours for what nobody sees: push-pull over a pyramid."""

from __future__ import annotations

import cv2
import numpy as np
import torch


def fill_unseen(colour: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Paint what no frame shows from what surrounds it: push-pull over a pyramid, so that structure fades out softly.

    colour: float32 [c, h, w]. seen: bool [h, w]. Returns a new [c, h, w]; seen px are untouched."""
    if bool(seen.all()) or not bool(seen.any()):
        return colour
    picture = colour.permute(1, 2, 0).cpu().numpy().astype(np.float32)
    mask = seen.cpu().numpy().astype(np.float32)
    filled = push_pull(picture, mask)
    out = np.where(mask[..., None] > 0, picture, filled)
    return torch.from_numpy(np.ascontiguousarray(out.transpose(2, 0, 1))).to(colour.device)


def push_pull(picture: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Spread known px into unknown ones. picture: float32 [h, w, c]. weight: float32 [h, w]. Returns [h, w, c]."""
    h, w = weight.shape
    if min(h, w) <= 1 or weight.min() > 0:
        return picture
    half = ((w + 1) // 2, (h + 1) // 2)
    channels = picture.shape[2]
    small_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    small = cv2.resize(picture * _for_all(weight, channels), half, interpolation=cv2.INTER_AREA)
    small = small.reshape(half[1], half[0], -1)
    small /= _for_all(np.maximum(small_weight, 1e-6), channels)
    small = push_pull(small, np.minimum(small_weight * 2, 1))
    rough = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR).reshape(h, w, -1)
    known = _for_all(np.minimum(weight, 1), channels)
    rough *= 1 - known
    rough += picture * known
    return rough


def _for_all(weight: np.ndarray, channels: int) -> np.ndarray:
    """[h, w] -> [h, w, channels]: written out, as numpy is several times slower over a last axis of three."""
    return weight[..., None] if channels == 1 else cv2.merge([weight] * channels)
