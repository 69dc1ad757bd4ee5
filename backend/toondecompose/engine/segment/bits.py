"""The bits that pictures take, given who is where: what a decoder would need of them."""

from __future__ import annotations

import numpy as np
import torch

from . import evidence as ev
from .canvas import slope, whole_picture
from .layers import ALL, Rigid, labels_of, mosaics, presence, rendered

LEVEL = 4.0  # grey levels per px: less slope is flat colour and costs nothing
FITS = 1.5  # standard deviations of misfit that cost one bit: below, it is noise
OUTLINE_BITS = 2.0  # per px of a redrawn sprite's outline: which way it turns
UNSURE = 0.02  # a layer's outline is known no better than this


def texture_bits(slopes: torch.Tensor) -> torch.Tensor:
    """Bits to code a pixel anew, from its slope in levels per px: none for flat colour, the slope's size else."""
    return torch.where(slopes > LEVEL, torch.log2(1 + slopes), torch.zeros_like(slopes))


def picture_bits(frames: torch.Tensor, rigid: Rigid, p: torch.Tensor, mass: torch.Tensor, noise: float,
                 single: list[bool] | None = None, loose: list[float] | None = None) -> float:
    """Bits of frames uint8 [T, 3, h, w] given their labelling p, mass [L, T, h, w], mosaics included.

    single: which layers are surely one drawing. Where too little has been seen of its canvas, such a one is as likely
    there as anywhere in the shot; of a layer whose drawings may change anything can be. loose: 0..1, how little of what
    each path shows stays on it. Such a one is at home wherever something is held for some frames, and leaps on to the
    next: what it shows once only it did not find again, and that is drawn anew, as without it.
    """
    pictures, there, labels, count = mosaics(frames, rigid, p, mass), presence(rigid, p), labels_of(p), len(rigid)
    usual = [float((labels == i).to(torch.float32).mean().clamp(UNSURE, 0.5)) if single and single[i] else 0.5
             for i in range(count)]
    total = 0.0
    held = [held_once(rigid.drawing[i]) * (loose[i] if loose else 0.0) for i in range(count)]
    for i in range(count):
        for number, picture in pictures[i].items():
            if number == ALL and len(pictures[i]) > 1:
                continue  # frames of their own drawings pay for what it misses
            used = picture.votes > 0.1
            if there[i] is not None:
                used = used & (there[i][number].votes > 0.3)
            total += float((texture_bits(picture.slope) * used).sum())
    for t in range(len(frames)):
        frame, label = whole_picture(frames[t]), labels[t]
        backs, theres = rendered(rigid, pictures, there, t, frames.shape)
        anew = texture_bits(slope(frame))
        for i in range(count):
            mine = (label == i).to(torch.float32)
            if backs[i] is None:
                total += float((mine * (anew + LEVEL)).sum())
                continue
            misfit = torch.log2(1 + (ev.misfit(frame, backs[i], noise) / FITS).square())
            misfit = torch.where(backs[i][3] > 0.05, torch.minimum(misfit, anew + LEVEL), anew)
            misfit = misfit + float(held[i][t]) * (anew - misfit).clamp_min(0)
            total += float((mine * misfit).sum())
            if i > 0 and theres[i] is not None:  # seen from the front: is it this layer, or one behind?
                known = (theres[i][1] >= 2).to(torch.float32)
                share = theres[i][0].clamp(UNSURE, 1 - UNSURE) * known + usual[i] * (1 - known)
                behind = (label < i).to(torch.float32)
                total -= float((mine * torch.log2(share) + behind * torch.log2(1 - share)).sum())
        if p.shape[0] > count:
            redrawn = label >= count
            total += float((anew * redrawn).sum())
            total += OUTLINE_BITS * float((redrawn[1:] != redrawn[:-1]).sum() +
                                          (redrawn[:, 1:] != redrawn[:, :-1]).sum())
    return total


def held_once(drawing: np.ndarray) -> np.ndarray:
    """Frames that only hold what the one before shows, a drawing that is not seen again: bool [T]; none where there is
    one drawing only. drawing: int [T], as in Rigid."""
    held = np.zeros(len(drawing), bool)
    numbers = set(drawing[drawing != ALL].tolist())
    for n in numbers if len(numbers) > 1 else ():
        shown = np.flatnonzero(drawing == n)
        held[shown[1:]] = shown[-1] - shown[0] == len(shown) - 1
    return held
