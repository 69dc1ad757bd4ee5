"""Which px pass a limit, and where they are.

The same on a CPU and on CUDA; on a CPU numpy compares, counts and looks up many values at once where torch takes them
one by one, four times slower.
"""

from __future__ import annotations

import numpy as np
import torch


def above(x: torch.Tensor, limit: torch.Tensor | float) -> torch.Tensor:
    """x > limit. float32; limit: a number, or of x's shape. Returns bool."""
    if x.device.type != "cpu":
        return x > limit
    limit = limit.numpy() if isinstance(limit, torch.Tensor) else np.float32(limit)
    return torch.from_numpy(np.greater(x.numpy(), limit))


def below(x: torch.Tensor, limit: torch.Tensor | float) -> torch.Tensor:
    """x < limit. As `above`."""
    if x.device.type != "cpu":
        return x < limit
    limit = limit.numpy() if isinstance(limit, torch.Tensor) else np.float32(limit)
    return torch.from_numpy(np.less(x.numpy(), limit))


def places_of(mask: torch.Tensor) -> torch.Tensor:
    """Flat indices of a mask's True px, bool of any shape. Looked up once, and not for everything that is read there,
    they cost little."""
    if mask.device.type != "cpu":
        return torch.nonzero(mask.reshape(-1))[:, 0]
    return torch.from_numpy(np.flatnonzero(mask.numpy()))


def count_of(mask: torch.Tensor) -> int:
    """How many True px a mask has."""
    return int(mask.sum()) if mask.device.type != "cpu" else int(np.count_nonzero(mask.numpy()))


def middle_of(values: torch.Tensor) -> float:
    """The median of float32 [n], of an even number the lower one of the two in the middle. As torch's, which takes
    several times longer to part many values on a CPU."""
    if values.device.type != "cpu" or not values.numel():
        return float(values.median())
    k = (values.numel() - 1) // 2
    return float(np.partition(values.numpy().reshape(-1), k)[k])


def taken(x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """[..., h, w] -> [..., n]: its values at flat places of a picture."""
    lead = x.shape[:max(0, x.dim() - 2)]
    return x.reshape(*lead, -1).index_select(-1, places)


def put(x: torch.Tensor, places: torch.Tensor, values: torch.Tensor) -> None:
    """Write [..., n] at flat places of [..., h, w] (or [..., length]), in place."""
    x.view(*values.shape[:-1], -1).index_copy_(-1, places, values)
