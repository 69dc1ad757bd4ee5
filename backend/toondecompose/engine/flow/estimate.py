"""Flow by RAFT between two grey pictures of any size, in the place of DIS flow (paths/flow.py)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from ..paths.flow import Flow
from ..tiles import or_on_the_host
from .raft import LEAST, SHRINK, Raft
from .weights import read_raft

# px: the products of all pairs take (px / 64)^2 floats and a third; of this many, about 1 GB
MOST_PIXELS = 900_000


def raft_flow(path: str | Path, device: str) -> Flow:
    """A file of RAFT's weights -> a function from two grey pictures uint8 [h, w] to the flow from the first to the
    second, float32 [h, w, 2] px. UserError when the file is none."""
    network = read_raft(path)

    def flow(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # on a CPU the sums of a convolution depend on how many threads share them
        try:
            return or_on_the_host(lambda where: flow_by(network.to(where), a, b, where), device)
        finally:
            torch.set_num_threads(threads)

    return flow


@torch.inference_mode()
def flow_by(network: Raft, a: np.ndarray, b: np.ndarray, device: str, most: int = MOST_PIXELS) -> np.ndarray:
    """Flow from grey picture uint8 [h, w] a to b -> float32 [h, w, 2] px. Pictures of more than `most` px are shrunk
    for it; the network's least size and its steps of 8 px are filled up with the border's px."""
    h, w = a.shape
    scale = min(1.0, (most / (h * w)) ** 0.5)
    small = (max(1, round(w * scale)), max(1, round(h * scale)))
    pair = [torch.from_numpy(cv2.resize(p, small, interpolation=cv2.INTER_AREA)).to(device) for p in (a, b)]
    pictures = torch.stack(pair)[:, None].expand(-1, 3, -1, -1).float() / 127.5 - 1
    spare = [max(LEAST, -(-n // SHRINK) * SHRINK) - n for n in small]
    left, top = spare[0] // 2, spare[1] // 2
    pictures = F.pad(pictures, (left, spare[0] - left, top, spare[1] - top), mode="replicate")
    found = network(pictures[:1], pictures[1:])[0, :, top:top + small[1], left:left + small[0]]
    found = found.permute(1, 2, 0).cpu().numpy()
    if scale < 1:
        found = cv2.resize(found, (w, h), interpolation=cv2.INTER_LINEAR) * np.float32([w / small[0], h / small[1]])
    return np.ascontiguousarray(found)
