"""Completing what no exposure of a drawing shows, from the sprite's other drawings.

A drawing that is half behind a tree on all its frames is completed by the drawing of the same sprite that agrees best
with it around the gap. What no drawing shows stays transparent, and so does what lies beyond the frame's edge, if what
another drawing has there does not go on from this one's lines: a figure cut off by the frame is better than one in two
poses.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.resample import Box, inside
from toondecompose.engine.matte.state import Drawing, LayerState

AROUND = 40  # px around a gap in which two drawings are compared
AGREES = 40.0  # levels: mean difference (of premultiplied RGBA) around the gap up to which another drawing may fill it
FITS = 20.0  # levels: the same right beside what lies beyond the frame's edge, for it to be filled
SEAM = 4  # px beside it that are compared
MIN_GAP = 12  # px
TOUCH = 3  # px; a gap this close to the drawing's own px may hide more of it
STRIDE = 2  # px per compared px


def _shared(a: Drawing, b: Drawing, within: Box | None = None
            ) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """The part of the canvas, or of `within`, that both boxes cover, as slices into each."""
    first = within or a.box
    x0, y0 = max(first[0], b.box[0]), max(first[1], b.box[1])
    x1, y1 = min(first[2], b.box[2]), min(first[3], b.box[3])
    if x1 <= x0 or y1 <= y0:
        return None
    cut = lambda d: (slice(y0 - d.box[1], y1 - d.box[1]), slice(x0 - d.box[0], x1 - d.box[0]))  # noqa: E731
    return cut(a), cut(b)


def complete_drawings(state: LayerState, size: tuple[int, int], rest: Callable[[], None] = lambda: None) -> int:
    """Fill every drawing's unknown px from its siblings, in place. Returns the number of px that were filled. size:
    frames' (w, h). rest: is called between drawings, to give the memory of what was looked at back.

    Donors give only what they show themselves, which never changes here, so the drawings' order does not matter."""
    drawings = [d for d in state.drawings.values() if d.picture is not None]
    filled = 0
    for drawing in drawings:
        rest()
        gap = ~drawing.known.cpu().numpy()
        if gap.sum() < MIN_GAP or not _touches(gap, drawing.picture[3].cpu().numpy()):
            continue
        picture = drawing.picture
        beyond = None
        for donor in _donors(drawing, gap, drawings):
            beyond = _beyond(state, drawing, size) if beyond is None else beyond
            mine, theirs = _shared(drawing, donor)
            give = gap[mine] & donor.known.cpu().numpy()[theirs]
            out = give & beyond[mine]
            if np.count_nonzero(out) >= MIN_GAP and not _fits(drawing, donor, mine, theirs, out):
                give &= ~out
            where = torch.from_numpy(give).to(picture.device)
            part = picture[(slice(None), *mine)]
            part[:, where] = donor.picture[(slice(None), *theirs)][:, where]
            gap[mine] &= ~give
            filled += int((give & (donor.picture[3][theirs].cpu().numpy() > 0)).sum())
    return filled


def _beyond(state: LayerState, drawing: Drawing, size: tuple[int, int]) -> np.ndarray:
    """Bool [h, w]: which of a drawing's px lie beyond the frame's edge in all its exposures."""
    shown = torch.zeros(drawing.picture.shape[1:], dtype=torch.bool, device=drawing.picture.device)
    for t in drawing.frames:
        shown |= inside(state.H[t], drawing.box, size, str(shown.device)) > 0
    return ~shown.cpu().numpy()


def _fits(drawing: Drawing, donor: Drawing, mine: tuple[slice, slice], theirs: tuple[slice, slice],
          out: np.ndarray) -> bool:
    """Whether a donor looks like a drawing right beside what it would give, bool [h, w] of what both cover."""
    own, other = (d.picture[(slice(None), *part)].cpu().numpy() for d, part in ((drawing, mine), (donor, theirs)))
    beside = cv2.dilate(out.view(np.uint8), np.ones((2 * SEAM + 1,) * 2, np.uint8)) > 0
    beside &= drawing.known.cpu().numpy()[mine] & donor.known.cpu().numpy()[theirs] & ((own[3] > 0) | (other[3] > 0))
    if not beside.any():
        return True
    return float(np.abs(own[:, beside].astype(np.float32) - other[:, beside]).mean()) <= FITS


def _touches(gap: np.ndarray, alpha: np.ndarray) -> bool:
    """Does any of the drawing reach the gap? If not, nothing says that it goes on in there."""
    body = cv2.dilate((alpha > 0).astype(np.uint8), np.ones((2 * TOUCH + 1,) * 2, np.uint8))
    return int((gap & (body > 0)).sum()) >= MIN_GAP


def _donors(drawing: Drawing, gap: np.ndarray, drawings: list[Drawing]) -> list[Drawing]:
    """Siblings that know some of the gap and look the same around it, best first."""
    ring = cv2.dilate(gap[::STRIDE, ::STRIDE].astype(np.uint8), np.ones((AROUND + 1,) * 2, np.uint8))
    x, y, w, h = (v * STRIDE for v in cv2.boundingRect(ring))  # nothing farther off is looked at
    x0, y0 = drawing.box[0] + x, drawing.box[1] + y
    looked = (x0, y0, min(x0 + w, drawing.box[2]), min(y0 + h, drawing.box[3]))
    own, known = drawing.picture.cpu().numpy(), drawing.known.cpu().numpy()
    found = []
    for index, other in enumerate(drawings):
        shared = None if other is drawing else _shared(drawing, other, looked)
        if shared is None:
            continue
        mine, theirs = (tuple(slice(s.start, s.stop, STRIDE) for s in part) for part in _even(*shared))
        other_known = other.known.cpu().numpy()[theirs]
        picture = other.picture.cpu().numpy()[(slice(None), *theirs)]
        if np.count_nonzero(gap[mine] & other_known & (picture[3] > 0)) * STRIDE**2 < MIN_GAP:
            continue
        part = own[(slice(None), *mine)]
        near = ring[tuple(slice(s.start // STRIDE, s.start // STRIDE + n)
                          for s, n in zip(mine, part.shape[1:], strict=True))] > 0
        compare = near & known[mine] & other_known & ((part[3] > 0) | (picture[3] > 0))
        count = np.count_nonzero(compare)
        if count * STRIDE**2 < MIN_GAP:
            continue
        miss = sum(cv2.norm(np.ascontiguousarray(a), np.ascontiguousarray(b), cv2.NORM_L1, compare.view(np.uint8))
                   for a, b in zip(part, picture, strict=True)) / (4 * count)
        if miss <= AGREES:
            found.append((miss, index, other))
    return [other for _, _, other in sorted(found, key=lambda f: f[:2])]


def _even(mine: tuple[slice, slice], theirs: tuple[slice, slice]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The same shared part, begun at a multiple of STRIDE of the first drawing."""
    skip = [-s.start % STRIDE for s in mine]
    return (tuple(slice(s.start + k, s.stop) for s, k in zip(mine, skip, strict=True)),
            tuple(slice(s.start + k, s.stop) for s, k in zip(theirs, skip, strict=True)))
