"""One sprite's picture in every frame, cut out at working size with what may be compared and what may not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from ..clip import FrameSource
from ..shelf import Shelf
from ..types import LayerPath
from .backdrop import MOST_FRAMES, crop, elsewhere, gather, gathered, plate_at, start_planes
from .islands import believable, main_parts
from .pixels import strongest
from .softness import line_reach, noise_level, smoothing

SURE = 0.88  # of the sprite's typical mask level: from here a pixel counts as its own colour and nothing else's
BODY = 128  # mask level from which a pixel belongs to the sprite's silhouette
HIDING = 16  # mask level of something in front from which the sprite's colour is spoilt
HELD = 48 * 2**20  # bytes of cut-outs that stay in memory; a long shot's others lie on a shelf
CRUMB = 0.02  # of the largest connected part of what is sure: smaller ones hang together by a mask's rim only
EDGE = 2  # working px: how far real masks are off; closer to the mask's edge nothing is compared
OTHER = 25.0  # grey levels from a plate: not that plate, whatever resampling and compression did
GAP = 16  # working px: as far inside a mask other sprites behind it are expected in its gaps
HELD_OF_A_PATCH = ("smooth", "inside", "body", "valid", "deep", "foreign")
SAMPLED = 6  # frames that the noise is measured on


@dataclass
class Patch:
    """A sprite in one frame, cropped. Working px.

    origin: (x, y) of the crop's top-left corner in the working frame (edge coordinates).
    smooth: uint8 RGB [h, w, 3], blurred against noise and line phase (float32 for a mean of several).
    inside: uint8 0/1 [h, w], surely the sprite's own colour (mask minus a rim).
    body: uint8 0/1 [h, w], the mask without losing the rim (for alignment by outlines).
    valid: uint8 0/1 [h, w], in the frame and not hidden by something in front.
    plates: pictures of what may lie behind, RGB like `smooth`, each with known uint8 0..2 [h, w], 2 = seen clear of
        masks (one per plane).
    deep: uint8 0/1 [h, w], inside and so far from the mask's edge that no mask error brings background in.
    reach: px, how far a line's blur reaches (1 = sharp); misplacement shows that far beside a line.
    foreign: uint8 0/1 [h, w] or None, near something outside the mask that is none of the plates: another sprite, which
    may also be seen through gaps in this one.
    gap: uint8 0/1 [h, w] or None, pixels inside the mask that were found to be background (gaps.py).
    opaque: uint8 0/1 [h, w] or None, proven to hide the background (opaque.py).
    leak: share 0..1 of the plate that was taken off a translucent sprite's picture.
    """

    frame: int
    origin: np.ndarray
    smooth: np.ndarray
    inside: np.ndarray
    body: np.ndarray
    valid: np.ndarray
    plates: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    deep: np.ndarray | None = None
    reach: int = 1
    foreign: np.ndarray | None = None
    gap: np.ndarray | None = None
    opaque: np.ndarray | None = None
    leak: float = 0.0

    @property
    def area(self) -> float:
        """Pixels that are surely the sprite's."""
        return float(cv2.countNonZero(self.inside))

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1), px: what is surely the sprite's lies in it; empty if nothing is."""
        ys, xs = np.flatnonzero(self.inside.any(1)), np.flatnonzero(self.inside.any(0))
        return (int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1) if len(ys) else (0, 0, 0, 0)

    @cached_property
    def masks(self) -> np.ndarray:
        """uint8 0/255 [h, w, 3]: inside, valid, deep, to be warped at once."""
        deep = self.inside if self.deep is None else self.deep
        return cv2.merge([self.inside, self.valid, deep]) * np.uint8(255)


def upper_quartile(mask: np.ndarray, where: np.ndarray) -> float:
    """np.percentile(mask[where > 0], 75) of a uint8 mask, counted."""
    count = np.cumsum(cv2.calcHist([mask], [0], where, [256], [0, 256]).ravel().astype(np.int64))
    rank = 0.75 * (count[-1] - 1)
    below, above = np.searchsorted(count, [np.floor(rank), np.ceil(rank)], side="right")
    return float(below + (above - below) * (rank - np.floor(rank)))


def cut_patch(smooth: np.ndarray, mask: np.ndarray, hidden: np.ndarray | None, t: int,
              plate: tuple[np.ndarray, np.ndarray] | None = None, edge: int = EDGE, compared: bool = True,
              around: int = 0) -> Patch | None:
    """Cut the sprite out of one frame; None where it is not visible.

    smooth: the blurred frame, uint8 or float32 RGB [h, w, 3]. mask, hidden: uint8 [h, w]. plate: (RGB blurred like
    the frame, known 0..255). edge: width of the mask's unsure rim, px. compared: False for a patch that is only placed,
    which needs no `deep` and no `reach`. around: px of the frame that are kept around the mask at least.
    """
    body = main_parts((mask >= BODY).astype(np.uint8))
    ys, xs = np.flatnonzero(body.any(1)), np.flatnonzero(body.any(0))
    if len(ys) == 0:
        return None
    hs, ws = body.shape
    y0, y1, x0, x1 = ys[0], ys[-1] + 1, xs[0], xs[-1] + 1
    # around the sprite enough of the frame is kept to see that a limb of another drawing is missing here
    pad = max(around, 8 + (max(y1 - y0, x1 - x0) // 8))
    y0, y1, x0, x1 = max(0, y0 - pad), min(hs, y1 + pad), max(0, x0 - pad), min(ws, x1 + pad)
    crop = (slice(y0, y1), slice(x0, x1))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * edge + 1, 2 * edge + 1))
    valid = np.ones_like(body[crop])
    if hidden is not None:
        valid = 1 - cv2.dilate((hidden[crop] >= HIDING).astype(np.uint8), disk)
    # a translucent sprite's visible mask never reaches 255: what is sure is relative to its own level
    level = SURE * upper_quartile(mask[crop], body[crop])
    # the frame's own border does not erode the mask: the sprite goes on outside
    inside = cv2.erode(body[crop], disk, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    inside = inside & valid & (mask[crop] >= level)
    if compared:
        inside = main_parts(inside, CRUMB)
    patch = Patch(t, np.array([x0, y0], np.float64), np.ascontiguousarray(smooth[crop]), inside, body[crop].copy(),
                  valid)
    if compared:
        square = np.ones((2 * edge + 3, 2 * edge + 3), np.uint8)
        patch.deep = cv2.erode(inside, square, borderType=cv2.BORDER_CONSTANT, borderValue=1)
        patch.reach = line_reach(patch.smooth, inside)
    if plate is not None:
        patch.plates = ((np.ascontiguousarray(plate[0][crop]), (plate[1][crop] >= 128).astype(np.uint8) * np.uint8(2)),)
    return patch


def cut_patches(source: FrameSource, masks: np.ndarray, hidden: np.ndarray | None, plate, cancelled=None,
                planes: Sequence[LayerPath] = (), noise: float | None = None, size: tuple[int, int] | None = None,
                shown: Sequence[np.ndarray] = (), shelf: Shelf | None = None, shared: tuple[int, int] | None = None
                ) -> tuple[list[Patch | None], float]:
    """Cut the sprite out of every frame -> (patches, noise level in grey levels at working size).

    plate: callable (t, (width, height)) -> (uint8 RGB, known), or None; then what lies behind is gathered from the
    frames along the motions of `planes`, of each where it is `shown` (uint8 [T, h, w] of any size), if that is known: a
    plane that moves otherwise would smear into a picture that explains any change. Frames are read one at a time and
    only the cut-outs are kept. noise: what the shot is known to have at most; a picture that is busy everywhere looks
    noisy by itself. size: (width, height) of the frames that the patches are cut from, the masks' or a multiple of it.
    shelf: where the cut-outs of a long shot lie. shared: (width, height), not smaller than the masks, of frames that
    other stages look at too: those are at hand.
    """
    count, hs, ws = masks.shape
    larger = 1 if size is None else size[0] // ws
    near = source if shared is None else source.resized(shared)

    def working(t: int) -> np.ndarray:
        frame = near.read(t)
        return frame if frame.shape[:2] == (hs, ws) else cv2.resize(frame, (ws, hs), interpolation=cv2.INTER_AREA)

    visible = [t for t in range(count) if (masks[t] >= BODY).any()]
    apart = noise_level([working(t) for t in visible[:: max(1, -(-len(visible) // SAMPLED))]])
    noise = apart if noise is None else min(noise, apart)
    blur = smoothing(noise)
    pictures = []
    if plate is None and planes:
        pictures = start_planes(planes, source.size, (ws, hs), {t: surroundings(masks[t]) for t in visible})
    told = set(range(0, count, -(-count // MOST_FRAMES))) if pictures else set()
    patches: list[Patch | None] = [None] * count
    for t in sorted(told | set(visible)):
        if cancelled is not None and cancelled():
            break
        if t in told or larger == 1:
            smooth = cv2.GaussianBlur(working(t), (0, 0), blur)
        if t in told:
            covered = masks[t] if hidden is None else cv2.max(masks[t], hidden[t])
            covered = cv2.dilate((covered >= HIDING).astype(np.uint8), np.ones((2 * EDGE + 1, 2 * EDGE + 1), np.uint8))
            for k, picture in enumerate(pictures):
                gather(picture, smooth, covered | elsewhere(shown[k][t], (ws, hs)) if shown else covered, t)
        behind = None
        if plate is not None and t in visible:
            behind, known = plate_at(plate, t, (ws, hs))
            behind = cv2.GaussianBlur(behind, (0, 0), blur), known
        mine = masks[t], None if hidden is None else hidden[t]
        if larger == 1:
            patches[t] = cut_patch(smooth, *mine, t, behind)
        elif t in visible:
            patches[t] = cut_larger(source.read(t), *mine, t, behind, larger, blur)
        if plate is not None:
            _look_behind(patches[t])
        put_away(patches[t], shelf)
    pictures = [gathered(picture) for picture in pictures]
    for p in patches if pictures else ():
        if p is not None:
            p.plates = tuple(crop(picture, p.frame, p.origin, p.body.shape[::-1], larger) for picture in pictures)
            _look_behind(p)
            put_away(p, shelf, ("foreign",))
    return patches, noise


def _look_behind(patch: Patch | None) -> None:
    """Believe of a cut-out's plates what can be, and see by them where other sprites are."""
    if patch is not None and patch.plates:
        patch.plates = tuple((colour, believable(known)) for colour, known in patch.plates)
        patch.foreign = near_others(patch)


def surroundings(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1) px: what is cut out of a frame, and somewhat more. mask: uint8 [h, w], with a body."""
    body = mask >= BODY
    ys, xs = np.flatnonzero(body.any(1)), np.flatnonzero(body.any(0))
    room = 12 + max(ys[-1] - ys[0], xs[-1] - xs[0]) // 6
    h, w = mask.shape
    return (int(max(0, xs[0] - room)), int(max(0, ys[0] - room)), int(min(w, xs[-1] + room + 1)),
            int(min(h, ys[-1] + room + 1)))


def put_away(patch: Patch | None, shelf: Shelf | None, names: Sequence[str] = HELD_OF_A_PATCH) -> None:
    """Lay what a cut-out holds by these names, and its plates, on a shelf: there are as many as the shot has frames."""
    if patch is None or shelf is None:
        return
    names = [name for name in names if getattr(patch, name) is not None]
    parts = [getattr(patch, name) for name in names] + [one for plate in patch.plates for one in plate]
    if any(part.dtype != np.uint8 for part in parts):
        return
    whole = shelf.put(np.concatenate([part.ravel() for part in parts]))
    ends = np.cumsum([part.size for part in parts])
    parts = [whole[end - part.size : end].reshape(part.shape) for end, part in zip(ends, parts, strict=True)]
    for name in names:
        setattr(patch, name, parts.pop(0))
    patch.plates = tuple(zip(parts[::2], parts[1::2], strict=True))


def cut_larger(frame: np.ndarray, mask: np.ndarray, hidden: np.ndarray | None, t: int, plate, larger: int, blur: float
               ) -> Patch | None:
    """A tiny sprite's cut-out from its surroundings alone, enlarged. As `cut_patch`, which takes all at one size.

    frame: uint8 RGB of any size; mask, hidden, plate: at working size. larger: px per working px.
    """
    (h, w), mode = mask.shape, cv2.INTER_CUBIC if frame.shape[1] < larger * mask.shape[1] else cv2.INTER_AREA
    ys, xs = np.flatnonzero((mask >= BODY).any(1)), np.flatnonzero((mask >= BODY).any(0))
    room = 8 + max(ys[-1] - ys[0], xs[-1] - xs[0]) // 6  # more than cut_patch keeps
    y0, x0 = max(0, ys[0] - room), max(0, xs[0] - room)
    part = slice(y0, ys[-1] + room + 1), slice(x0, xs[-1] + room + 1)

    def enlarged(picture: np.ndarray) -> np.ndarray:
        return cv2.resize(picture[part], None, fx=larger, fy=larger, interpolation=cv2.INTER_LINEAR)

    if frame.shape[:2] == (h, w):
        own = cv2.resize(frame[part], None, fx=larger, fy=larger, interpolation=mode)
    else:
        whole = cv2.resize(frame, (larger * w, larger * h), interpolation=mode)
        own = whole[larger * y0 : larger * part[0].stop, larger * x0 : larger * part[1].stop]
    patch = cut_patch(cv2.GaussianBlur(own, (0, 0), blur), enlarged(mask), None if hidden is None else enlarged(hidden),
                      t, None if plate is None else tuple(enlarged(p) for p in plate))
    if patch is not None:
        patch.origin = patch.origin + larger * np.array([x0, y0])
    return patch


def around(patch: Patch, picture: np.ndarray) -> np.ndarray:
    """What a picture of the whole frame, [h, w] px of the patch, shows in its crop."""
    (x, y), (h, w) = patch.origin.astype(int), patch.body.shape
    return picture[y:y + h, x:x + w]


def near_guesses(patch: Patch, guessed: np.ndarray) -> np.ndarray:
    """uint8 [h, w], not 0 where a plate may show what was guessed (uint8, the whole frame): where it lies is guessed,
    too."""
    return around(patch, cv2.dilate(guessed, np.ones((2 * GAP + 1, 2 * GAP + 1), np.uint8)))


def near_others(patch: Patch) -> np.ndarray:
    """uint8 0/1 [h, w]: within a gap's width of pixels outside the mask that differ from every plate."""
    other = 1 - cv2.dilate(patch.body, np.ones((2 * EDGE + 3, 2 * EDGE + 3), np.uint8))
    for picture, known in patch.plates:
        other &= (known > 0) & (strongest(cv2.absdiff(patch.smooth, picture)) > OTHER).astype(np.uint8)
    other = cv2.morphologyEx(other, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return cv2.dilate(other, np.ones((2 * GAP + 1, 2 * GAP + 1), np.uint8))


def without_background(patch: Patch | None, leak: float, guessed: np.ndarray | None = None) -> Patch | None:
    """A translucent sprite's patch with the background that shows through taken off (where the plate is known).

    leak: share of the plate that shows through, 0..1. Colours keep their level by adding the same share of middle grey.
    guessed: uint8 [h, w], not 0 where the plate shows what was guessed, so that it cannot be taken off.
    """
    if patch is None or not patch.plates or not 0 < leak < 1:
        return patch
    picture, known = patch.plates[0]
    known = known if guessed is None else known * (guessed == 0)

    def lighter(colour: np.ndarray) -> np.ndarray:
        off = colour - np.float32(leak) * picture + np.float32(128.0 * leak)
        return np.clip(np.rint(off), 0, 255).astype(np.uint8) if patch.smooth.dtype == np.uint8 else off

    return replace(patch, smooth=lighter(patch.smooth), plates=((lighter(picture), known),),
                   valid=patch.valid & (known > 0), inside=patch.inside & (known > 0), leak=leak)
