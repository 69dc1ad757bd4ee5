"""What the engine's stages hand to each other. Plain records of arrays; no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class LayerPath:
    """One coherent rigid motion found in the clip: a plane, a rigid sprite, or a held drawing.

    H: float64 [T, 3, 3], canvas -> frame, edge coordinates, full-resolution px. The canvas is the picture of
        frame `ref` (so H[ref] is the identity) and may extend beyond it.
    present: bool [T], frames in which the layer was followed.
    model: 'translation' | 'similarity' | 'affine' | 'homography', the simplest that explains it.
    gain: saved bits (relative to coding the clip's texture anew), the track's evidence; comparable between tracks.
    support: float32 [T, hs, ws] in 0..1 at working size (how surely each pixel belongs to this motion), or None.
    """

    H: np.ndarray
    present: np.ndarray
    ref: int
    model: str
    gain: float
    support: np.ndarray | None = None


@dataclass
class SegmentedLayer:
    """One layer of the segmentation. Listed back to front; the first one is the background.

    kind: 'background' (a plane; the first is opaque) or 'sprite'.
    path: the rigid motion of a plane or of a rigid sprite; None for a sprite that is redrawn ("residual").
    masks: uint8 [T, hs, ws] at working size: how surely the layer is the VISIBLE one there (255 = sure).
    confidence: 0..1. still: it is one drawing throughout, on its path (a plane, or a painted sprite).
    """

    name: str
    kind: str
    path: LayerPath | None
    masks: np.ndarray
    confidence: float = 1.0
    still: bool = False


@dataclass
class Segmentation:
    """Layers back to front, and where nothing could be decided.

    scale: working px per full-resolution px. unresolved: uint8 [T, hs, ws], 255 = no evidence for any layer.
    noise: grain and compression noise at working size, grey levels rms; None where nobody measured it.
    """

    layers: list[SegmentedLayer]
    scale: float
    unresolved: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)
    noise: float | None = None


@dataclass
class PairsTold:
    """Pairs of a sprite's frames that show two drawings for certain, as a first look has found them.

    frames: int [n, 2], earlier one first. H: float64 [n, 3, 3], the first frame's px -> the second's, full resolution,
    edge coordinates, as the pictures were laid on each other. judged: float64 [n, 6], score, share, fit, inner,
    deviation and differing (drawings/match.py). dof: int [n], degrees of freedom of the motions. cells: uint8 [T, rows,
    columns], how much of each cell of the frames the sprite covered.
    """

    frames: np.ndarray
    H: np.ndarray
    judged: np.ndarray
    dof: np.ndarray
    cells: np.ndarray


@dataclass
class ExposureSheet:
    """Which drawing a sprite shows on each frame, and where.

    drawing: int [T], index of the distinct drawing, -1 where the sprite is not shown.
    H: float64 [T, 3, 3], canvas -> frame, edge coordinates, full-resolution px (identity where not shown).
    canvas_size: (width, height) px of the canvas that all drawings share.
    model: motion model. mirrored: bool [T], exposures that show the drawing mirrored (det H < 0). told: of a first
    sheet, what the second one need not ask again.
    """

    drawing: np.ndarray
    H: np.ndarray
    canvas_size: tuple[int, int]
    model: str
    told: PairsTold | None = None


@dataclass
class Drawings:
    """A layer's drawings on the canvas that they share, uint8 RGBA [ch, cw, 4] each, straight alpha.

    A sequence of them, of which only the parts that hold anything are kept: a canvas that a sprite walks across is
    mostly empty. size: (cw, ch). parts: uint8 RGBA [h, w, 4]; outside them a drawing is 0. corners: (x, y) of each
    part's top-left px on the canvas.
    """

    size: tuple[int, int]
    parts: list[np.ndarray] = field(default_factory=list)
    corners: list[tuple[int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, index: int) -> np.ndarray:
        part, (x, y) = self.parts[index], self.corners[index]
        out = np.zeros((self.size[1], self.size[0], 4), np.uint8)
        out[y:y + part.shape[0], x:x + part.shape[1]] = part
        return out

    def add(self, part: np.ndarray, corner: tuple[int, int]) -> None:
        """Add a drawing of which `part` is all there is."""
        self.parts.append(part)
        self.corners.append(corner)

    def pop(self, index: int) -> np.ndarray:
        """Take a drawing out, on its whole canvas."""
        out = self[index]
        del self.parts[index], self.corners[index]
        return out

    def part(self, index: int) -> tuple[np.ndarray, tuple[int, int]]:
        """A drawing's part and its corner."""
        return self.parts[index], self.corners[index]


def as_drawings(pictures: list[np.ndarray]) -> Drawings:
    """Whole canvases, uint8 RGBA [ch, cw, 4], as they are."""
    return Drawings(pictures[0].shape[1::-1], list(pictures), [(0, 0)] * len(pictures))


@dataclass
class SolvedLayer:
    """A finished layer: what the result folder stores.

    drawings: uint8 RGBA [ch, cw, 4] each, straight alpha, colour bled under zero alpha.
    exposure: int [T] (-1 = not shown). H: as above. opacity: float [T] in 0..1.
    seen: uint8 [ch, cw] or None: 255 seen, 128 recovered from other frames behind sprites, 0 painted in.
    """

    name: str
    kind: str
    drawings: Drawings
    exposure: np.ndarray
    H: np.ndarray
    opacity: np.ndarray
    model: str
    confidence: float
    seen: np.ndarray | None = None
