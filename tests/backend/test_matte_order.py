"""Who is in front, as the frames say where two drawings overlap."""

import numpy as np
import torch

from toondecompose.engine.clip import source_from_array
from toondecompose.engine.matte.objective import order_votes, voted_order
from toondecompose.engine.matte.state import Drawing, LayerState
from toondecompose.engine.matte.types import LayerToSolve

SIZE, COUNT, MEET = (160, 90), 6, 3
MAN, GHOST, SKY = (np.array(colour, float) for colour in ((230, 180, 150), (40, 120, 60), (20, 40, 90)))


def _drawing(colour: np.ndarray, alpha: float, x: int, y: int, w: int, h: int, frames: list[int]) -> Drawing:
    picture = torch.zeros(4, h, w, dtype=torch.uint8)
    picture[:3] = torch.from_numpy(alpha * colour).to(torch.uint8)[:, None, None]
    picture[3] = round(255 * alpha)
    return Drawing((x, y, x + w, y + h), frames, picture)


def _votes(opacity: float, drawings: list[int], man_in_front: bool = False) -> np.ndarray:
    """A ghost (layer 2) who stands still, and a man (layer 1) who is in his place in frame MEET and elsewhere in the
    others. opacity: the ghost's. drawings: the man's, by frame; what he shows in frame MEET alone looks as that does,
    ghost and all."""
    still = np.tile(np.eye(3), (COUNT, 1, 1))
    way = still.copy()
    way[:, 0, 2] = np.where(np.arange(COUNT) == MEET, 0, -100)
    frames = np.full((COUNT, *SIZE[::-1], 3), SKY.astype(np.uint8))
    met = MAN if man_in_front else opacity * GHOST + (1 - opacity) * MAN
    for t, frame in enumerate(frames):
        frame[20:60, 100:140] = opacity * GHOST + (1 - opacity) * SKY
        frame[10:80, 110 + int(way[t, 0, 2]) : 150 + int(way[t, 0, 2])] = MAN
    frames[MEET, 20:60, 110:140] = met
    men = {n: _drawing(MAN, 1.0, 110, 10, 40, 70, [t for t in range(COUNT) if drawings[t] == n]) for n in drawings}
    if drawings.count(drawings[MEET]) == 1:
        men[drawings[MEET]].picture[:3, 10:50, :30] = torch.from_numpy(met).to(torch.uint8)[:, None, None]
    states = []
    for k, (H, shown, kept) in enumerate((
            (still, [0] * COUNT, {}), (way, drawings, men),
            (still, [0] * COUNT, {0: _drawing(GHOST, opacity, 100, 20, 40, 40, list(range(COUNT)))}))):
        given = LayerToSolve(str(k), "sprite", H, np.array(shown), np.zeros((COUNT, 9, 16), np.uint8))
        states.append(LayerState(given, H, SIZE, 1.0, kept, np.ones(COUNT)))
    return order_votes(source_from_array(list(frames)), states, "cpu", np.inf)


def test_a_drawing_that_is_seen_only_through_a_ghost_does_not_speak_against_it():
    votes = _votes(0.7, [0, 0, 0, 1, 0, 0])
    assert votes[1, 2] == 0 and voted_order(votes) == [0, 1, 2]


def test_a_drawing_that_is_seen_apart_from_a_ghost_shows_that_it_hides_it():
    votes = _votes(0.7, [0] * COUNT)
    assert votes[2, 1] == 30 * 40 and votes[1, 2] == 0


def test_against_a_solid_sprite_every_drawing_speaks():
    votes = _votes(1.0, [0, 0, 0, 1, 0, 0], man_in_front=True)
    assert votes[1, 2] == 30 * 40 and votes[2, 1] == 0
    assert voted_order(votes) == [0, 2, 1]
