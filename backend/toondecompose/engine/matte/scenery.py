"""Which px of the background are painted, and with what: what figures hide all shot long, and specks they left."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from toondecompose.engine.matte.state import LayerState
from toondecompose.engine.matte.unseen import paint_unseen
from toondecompose.formats.conventions import centre_from_edge

HARDLY = 0.05  # weight of a px's best sample up to which it may be what a matte's edge left of a figure's outline
ODD = 10.0  # levels by which such a px stands out of what is surely seen around it (beyond twice its spread): a speck
SURE = 0.5  # weight of its best sample from which a px is surely seen
AROUND = 7  # px; width of that surrounding
STRIDE = 4  # px per px when places behind figures are looked for
OPAQUE = 128  # alpha


def paint_plate(states: list[LayerState], size: tuple[int, int], rest: Callable[[], None] = lambda: None) -> None:
    """Give the background, in place, what figures hide in all frames. states: back to front. size: frames' w, h. rest:
    as behind_figures."""
    plate = states[0].plate
    colour = plate.colour.permute(1, 2, 0).cpu().numpy()
    seen = believed(colour, plate.weight.cpu().numpy() > 0, plate.best.cpu().numpy())
    wanted = behind_figures(states, size, rest)
    painted = paint_unseen(np.rint(colour.clip(0, 255)).astype(np.uint8), seen, wanted)
    kept = torch.from_numpy(seen).to(plate.colour.device)
    new = torch.from_numpy(painted.transpose(2, 0, 1).astype(np.float32)).to(plate.colour.device)
    plate.colour = torch.where(kept, plate.colour, new)
    plate.weight = torch.where(kept, plate.weight, torch.zeros_like(plate.weight))


def behind_figures(states: list[LayerState], size: tuple[int, int],
                   rest: Callable[[], None] = lambda: None) -> np.ndarray:
    """bool [h, w] of the background's canvas: px that lie inside some frame with no plane before them.

    states: back to front, the background first. size: frames' w, h. rest: is called between frames, to give the memory
    of the drawings that were looked at back. These are the places that taking a figure away
    uncovers. Behind a plane, which is itself scenery and stays, nobody looks; and what a street hides of the hills all
    shot long is too far from what is seen to be guessed."""
    back, (w, h) = states[0], size
    canvas = tuple(-(-side // STRIDE) for side in back.size)
    small = (-(-w // STRIDE), -(-h // STRIDE))
    fit = np.diag([STRIDE, STRIDE, 1.0])
    open_ = np.zeros(canvas[::-1], bool)
    for t in range(len(back.H)):
        rest()
        free = np.full(small[::-1], 255, np.uint8)
        for state in states[1:]:
            alpha = placed_alpha(state, t, small)
            if alpha is None:
                continue
            across = (alpha[:, 0] >= OPAQUE).any() and (alpha[:, -1] >= OPAQUE).any()
            if state.given.kind == "background" or (len(state.drawings) == 1 and across):
                free[alpha >= OPAQUE] = 0
        open_ |= seen_through(free, np.linalg.inv(fit) @ np.linalg.inv(back.H[t]) @ fit, canvas) > 0
    return cv2.resize(open_.astype(np.uint8), back.size, interpolation=cv2.INTER_NEAREST) > 0


def placed_alpha(state: LayerState, t: int, size: tuple[int, int], place: np.ndarray | None = None
                 ) -> np.ndarray | None:
    """A layer's alpha in frame t, uint8 [h, w], opacity not applied; None where it is not shown. size: (w, h) of the
    answer. place: frame px -> px of the answer, edge coordinates; None: every STRIDE-th px."""
    drawing = state.drawings.get(int(state.given.drawing[t]))
    if drawing is None or drawing.picture is None:
        return None
    corner = np.array([[1.0, 0, drawing.box[0]], [0, 1, drawing.box[1]], [0, 0, 1]])
    if place is not None:
        return seen_through(drawing.picture[3].cpu().numpy(), place @ state.H[t] @ corner, size)
    fit = np.diag([STRIDE, STRIDE, 1.0])
    alpha = drawing.picture[3, ::STRIDE, ::STRIDE].cpu().numpy()
    return seen_through(alpha, np.linalg.inv(fit) @ state.H[t] @ corner @ fit, size)


def seen_through(mask: np.ndarray, H: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask moved by H (edge coordinates) into a picture of the given size (w, h)."""
    return cv2.warpPerspective(mask, centre_from_edge(H), size, flags=cv2.INTER_NEAREST)


def believed(picture: np.ndarray, known: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Which px can be believed: all that are known, but for specks of outlines that a matte's edge has left.

    picture: [h, w, c]. known: bool [h, w]. best: float32 [h, w], weight 0..1 of each px's best sample. Returns bool
    [h, w]."""
    sure = (best >= SURE).astype(np.float32)
    blur = lambda x: cv2.boxFilter(x, -1, (AROUND, AROUND), normalize=False)  # noqa: E731
    mass = blur(sure)
    judged, mass = mass > 0, np.maximum(mass, 1)
    stands_out = np.zeros(best.shape, bool)
    for channel in range(picture.shape[2]):  # one at a time: panoramas are large
        colour = picture[..., channel].astype(np.float32)
        mean = blur(colour * sure) / mass
        spread = np.sqrt(np.maximum(blur(colour * colour * sure) / mass - mean * mean, 0))
        stands_out |= np.abs(colour - mean) - 2 * spread > ODD
    return known & ~((best < HARDLY) & judged & stands_out)
