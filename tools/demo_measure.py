"""The demo's figures: recomposition against source, masks against truth, Blender's render against the result."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from toondecompose.formats.result import Result
from toondecompose.output.layers import LayerRenderer
from toondecompose.output.recompose import recompose_frame

# a mask smaller than this on a frame does not say whether it is right, px (as the benchmark's scorer has it)
SMALLEST_MASK_PX = 25.0
# layers that overlap less than this are matched only because nothing else was left
NOT_THE_SAME = 0.1


def read_rgb(path: Path) -> np.ndarray:
    """An 8-bit picture: uint8 RGB [h, w, 3]. FileNotFoundError when it is not there."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError(f"The picture {path} cannot be read.")
    return picture[..., ::-1]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """dB between two uint8 pictures; 99 when they are equal."""
    error = float(((a.astype(np.float32) - b.astype(np.float32)) ** 2).mean())
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def recomposition(folder: Path, result: Result, frames: list[Path]) -> list[float]:
    """PSNR of every recomposed frame against the source, dB."""
    renderer = LayerRenderer(folder, result)
    return [psnr(recompose_frame(folder, result, t, renderer), read_rgb(path)) for t, path in enumerate(frames)]


def visible_alphas(folder: Path, result: Result, t: int, renderer: LayerRenderer | None = None) -> np.ndarray:
    """How much of each pixel each layer gives on frame t: float32 [K, h, w], 0..1."""
    renderer = renderer or LayerRenderer(folder, result)
    through = np.ones(renderer.size[::-1], np.float32)
    out = np.zeros((len(result.sprites), *through.shape), np.float32)
    for k in reversed(range(len(result.sprites))):
        alpha = renderer.composite(t, [k], None)[..., 3] / 255
        out[k] = alpha * through
        through = through * (1 - alpha)
    return out


def mask_ious(folder: Path, result: Result, truth: Path, every: int = 2) -> dict[str, tuple[float, str | None]]:
    """For each true layer in front of the first: (mean soft IoU of its visible alpha, name of the layer matched to it).

    Matched one to one for the best total, over every `every`-th frame; frames where neither is seen do not count.
    """
    about = json.loads((truth / "clip.json").read_text(encoding="utf-8"))
    names = [layer["name"] for layer in about["layers"]][1:]
    low = np.zeros((len(names), max(1, len(result.sprites) - 1)))
    seen = np.zeros_like(low)
    renderer = LayerRenderer(folder, result)
    for t in range(0, about["frames"], every):
        found = visible_alphas(folder, result, t, renderer)[1:]
        for i in range(len(names)):
            true = cv2.imread(str(truth / f"alpha_{i + 1}/{t:04d}.png"), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
            for j, mask in enumerate(found):
                most = float(np.maximum(true, mask).sum())
                if most > SMALLEST_MASK_PX:
                    low[i, j] += float(np.minimum(true, mask).sum()) / most
                    seen[i, j] += 1
    iou = low / np.maximum(seen, 1)
    matched = dict(zip(*linear_sum_assignment(-iou), strict=True)) if len(result.sprites) > 1 else {}
    return {name: (float(iou[i, matched[i]]), result.sprites[matched[i] + 1].name)
            if i in matched and iou[i, matched[i]] > NOT_THE_SAME else (0.0, None) for i, name in enumerate(names)}
