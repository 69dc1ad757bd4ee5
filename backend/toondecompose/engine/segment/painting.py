"""Which layers are one drawing that never changes: set pieces, not characters."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ..matte.marks import above, below
from .canvas import canvas_box, overlap, plane_values

BORDER = 2  # px at working size along the frame's sides in which a layer meets them
DIFFERS = 4.0  # standard deviations of misfit that are no noise
EXPLAINED = 2.2  # and so many another layer explains,
SURE = 0.1  # of a frame's weight of which was seen there
DEEP = 9  # px at working size around which a layer must be whole for its inside to be looked at
MOUTH = 40  # px at working size of one piece: the smallest mouth or eye of someone as large as the frame
CHANGES = 0.3  # of the frames that show a place: so long it looks otherwise; less is a sprite missed in passing
OFTEN_SEEN, STAYS = 4, 0.4  # frames, and share of those that show the layer; a place seen less often may look odd for
# being beside a sprite, at the frame's edge or in a gap behind which nothing else was ever seen
SPANS = 0.33  # of the frames in which a set piece meets two opposite sides
HALF_HIGH = 0.5  # of the frame's height on both its sides, on average, and some of it in
ALWAYS = 0.9  # of the frames: that is a street or a room; what changes in it is something else that was missed


class Painting:
    """Gathers, frame by frame, whether a layer is one drawing that never changes: a set piece, not a character.

    It meets two opposite sides of the frame, as characters rarely do, and no place of it looks otherwise for long; or
    it goes right across the frame all the time.
    """

    def __init__(self, H: np.ndarray, present: np.ndarray, size: tuple[int, int]):
        self.H, self.size = H, size
        self.box = canvas_box(H, present, size)
        self.far, self.seen = np.zeros((2, self.box[3] - self.box[1], self.box[2] - self.box[0]), np.float32)
        self.frames, self.spans, self.across, self.height = 0, 0, 0, 0.0

    def add(self, t: int, misfit: torch.Tensor, back: torch.Tensor, mask: np.ndarray,
            others: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """back: the layer's rendered mosaic, misfit: float32 [h, w], its; mask: uint8 [h, w], where it is seen. others:
        both, of the other rigid layers: what one of them explains is seen through a gap, and no change."""
        on = mask > 200
        sides = [on[:BORDER].any(), on[-BORDER:].any(), on[:, :BORDER].any(), on[:, -BORDER:].any()]
        self.frames += 1
        self.spans += (sides[0] and sides[1]) or (sides[2] and sides[3])
        height = min(on[:, :BORDER].any(1).mean(), on[:, -BORDER:].any(1).mean())
        self.across += height > 0
        self.height += height
        far = above(misfit, DIFFERS) & above(back[3], 0.2)
        for z, other in others:
            far &= above(z, EXPLAINED) | below(other[3], SURE)
        deep = cv2.erode(on.astype(np.uint8), np.ones((DEEP, DEEP), np.uint8))
        x, y = self.box[:2]
        part = overlap(self.box, canvas_box(self.H[t : t + 1], np.array([True]), self.size))
        if part is None or not deep.any():
            return
        both = torch.from_numpy(np.stack([far.cpu().numpy().view(np.uint8) & deep, deep])).to(back.device)
        got = plane_values(both.to(torch.float32), self.H[t], (part[2] - part[0], part[3] - part[1]),
                           (float(part[0]), float(part[1]))).cpu().numpy()
        where = slice(part[1] - y, part[3] - y), slice(part[0] - x, part[2] - x)
        self.far[where] += got[0]
        self.seen[where] += got[1]

    def unchanging(self) -> bool:
        if self.across > ALWAYS * self.frames and self.height > HALF_HIGH * self.frames:
            return True
        often = self.seen >= max(OFTEN_SEEN, STAYS * self.frames)
        changes = (often & (self.far >= CHANGES * self.seen)).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(changes)
        return bool(self.spans > SPANS * self.frames and not (stats[1:, cv2.CC_STAT_AREA] >= MOUTH).any())
