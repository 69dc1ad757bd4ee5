"""What shows through the gaps of a plane is given to the planes behind it."""

from functools import cache

import cv2
import numpy as np
import torch

from toondecompose.engine.segment import openings as see
from toondecompose.engine.segment.film import Film, in_memory
from toondecompose.engine.segment.labels import Labelling
from toondecompose.engine.segment.layers import Rigid
from toondecompose.engine.segment.openings import openings, see_through, shown

W, H, COUNT = 320, 180, 40
STREET, HILLS, SKY = 4.0, 1.6, 0.4  # px per frame
HORIZON = 80  # px: soft hills below it, pale clouds above
GAP = 60  # px between houses of 90 px
ON = np.ones(COUNT, bool)


def way(speed: float) -> np.ndarray:
    out = np.tile(np.eye(3), (COUNT, 1, 1))
    out[:, 0, 2] = -speed * np.arange(COUNT)
    return out


def slid(picture: np.ndarray, speed: float, t: int) -> np.ndarray:
    back = np.float32([[1, 0, -speed * t], [0, 1, 0]])
    return cv2.warpAffine(picture, back, (W, H), flags=cv2.INTER_LINEAR)


@cache
def shot(behind: bool) -> tuple[np.ndarray, np.ndarray]:
    """Houses with windows before pale soft hills and a paler sky, or before one plain colour -> (frames uint8 [T, 180,
    320, 3], who is there uint8 [T, 180, 320]: 0 the sky, 1 the hills, 2 the houses)."""
    rng, wide = np.random.default_rng(3), W + int(STREET * COUNT)

    def soft(level: float, swing: float) -> np.ndarray:
        one = cv2.GaussianBlur(rng.standard_normal((H, wide)).astype(np.float32), (0, 0), 7)
        return (level + swing * behind * one / one.std())[..., None].repeat(3, 2)

    sky, hills, houses = soft(225, 9), soft(225 - 25 * behind, 9), np.zeros((H, wide, 3), np.float32)
    ridge, there = np.zeros((H, wide), np.float32), np.zeros((H, wide), np.float32)
    for x in range(wide):
        ridge[HORIZON + int(12 * np.sin(x / 17)):, x] = 1
    for x in range(-30, wide, 90 + GAP):
        left = max(x, 0)
        houses[20:, left:x + 90] = rng.integers(90, 190, 3)
        for column in range(left + 10, x + 80, 20):
            houses[36::24, column:column + 10] = 30
        there[20:, left:x + 90] = 1
    frames, who = [], []
    for t in range(COUNT):
        far, near = slid(ridge, HILLS, t)[..., None], slid(there, STREET, t)[..., None]
        back = slid(sky, SKY, t) * (1 - far) + slid(hills, HILLS, t) * far
        frames.append(np.rint(np.clip(back * (1 - near) + slid(houses, STREET, t) * near, 0, 255)))
        who.append(np.where(near[..., 0] > 0.5, 2, np.where(far[..., 0] > 0.5, 1, 0)))
    return np.stack(frames).astype(np.uint8), np.stack(who).astype(np.uint8)


def pictures(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous()


ALONG = np.array([STREET - HILLS, 0.0])
ROW = slice(30, 150)  # px: of the frame's height, where there are houses
INSIDE = np.ones((9, 9), np.uint8)


def inner(mask: np.ndarray) -> np.ndarray:
    return np.stack([cv2.erode(one.astype(np.uint8), INSIDE) > 0 for one in mask])


def test_a_gap_behind_which_something_slides_is_open_though_all_of_it_was_taken_for_the_houses():
    frames, who = shot(True)
    found = openings(pictures(frames), way(STREET), ON, np.full(who.shape, 2, np.uint8), 2, ALONG, in_memory) > 0
    middle = slice(8, COUNT - 8)  # places that come in or go out at the frame's sides are seen too briefly
    assert found[middle, ROW][inner(who < 2)[middle, ROW]].mean() > 0.85
    assert found[inner(who == 2)].mean() < 0.02


def test_a_gap_that_always_shows_one_colour_stays_with_the_houses():
    frames, who = shot(False)
    found = openings(pictures(frames), way(STREET), ON, np.full(who.shape, 2, np.uint8), 2, ALONG, in_memory)
    assert not found.any()


def test_a_plane_of_which_most_changes_has_no_openings():
    frames, who = shot(True)
    flickering = frames // 2 + (frames // 4) * (np.arange(COUNT) % 3)[:, None, None, None].astype(np.uint8)
    found = openings(pictures(flickering), way(STREET), ON, np.full(who.shape, 2, np.uint8), 2, ALONG, in_memory)
    assert not found.any()


def test_in_an_opening_soft_hills_and_clouds_vote_for_the_motions_that_they_have():
    frames, who = shot(True)
    votes = shown(frames, [way(SKY), way(HILLS)], [ON, ON], who < 2, who < 2).astype(int)
    for layer in (0, 1):
        mine = inner(who == layer)
        assert (votes[layer] > votes[1 - layer])[mine].mean() > 0.5
        assert (votes[1 - layer] > votes[layer])[mine].mean() < 0.05


def test_what_shows_through_goes_from_the_houses_to_the_plane_behind_that_it_is():
    frames, who = shot(True)
    rigid = Rigid([way(SKY), way(HILLS), way(STREET)], [ON] * 3, [True] * 3)
    labels, first = np.full(who.shape, 2, np.uint8), torch.zeros(4, *who.shape, dtype=torch.float16)
    first[2] = 1
    texture = torch.zeros(who.shape, dtype=torch.uint8)
    assert see_through(first, pictures(frames), frames, rigid, [0, 1, 2], labels, texture, in_memory)
    best = first[:3].float().argmax(0).numpy()
    middle = slice(8, COUNT - 8)
    assert (best == 2)[inner(who == 2)].mean() > 0.98
    for layer in (0, 1):
        assert (best == layer)[middle, ROW][inner(who == layer)[middle, ROW]].mean() > 0.6


@cache
def talkers() -> tuple[np.ndarray, np.ndarray]:
    """Two held heads that talk and blink before shelves of books, sliding half a px a frame faster than these ->
    (frames uint8 [T, 180, 320, 3], where the heads are bool [T, 180, 320])."""
    rng, wide = np.random.default_rng(5), W + COUNT
    room, head = np.zeros((H, wide, 3), np.float32), np.full((H, wide, 3), 200.0, np.float32)
    for y in range(0, H, 22):
        for x in range(0, wide, 7):
            room[y:y + 20, x:x + 6] = rng.integers(60, 230, 3)
    there = np.zeros((H, wide), np.float32)
    for x in (90, 240):
        cv2.ellipse(there, (x, 110), (50, 75), 0, 0, 360, 1, -1)
        cv2.ellipse(head, (x, 110), (50, 75), 0, 0, 360, (0, 0, 0), 3)
    frames, who = [], []
    for t in range(COUNT):
        shown = head.copy()
        for x, state in ((90, t // 3 % 3), (240, t // 2 % 4)):
            cv2.ellipse(shown, (x, 145), (14, (1, 5, 9, 5)[state]), 0, 0, 360, (60, 20, 20), -1)
            for eye in (x - 18, x + 18):
                cv2.ellipse(shown, (eye, 95), (9, 1 if t % 10 in (4, 5, 6) else 11), 0, 0, 360, (20, 20, 60), -1)
        near = slid(there, 1.0, t)[..., None]
        frames.append(slid(room, 0.5, t) * (1 - near) + slid(shown, 1.0, t) * near)
        who.append(near[..., 0] > 0.5)
    return np.rint(frames).astype(np.uint8), np.stack(who)


def test_mouths_and_eyes_that_change_on_held_heads_are_no_gaps():
    frames, who = talkers()
    rigid, labels = Rigid([way(0.5), way(1.0)], [ON] * 2, [True] * 2), who.astype(np.uint8)
    found = openings(pictures(frames), way(1.0), ON, labels, 1, np.array([0.5, 0.0]), in_memory)
    assert found.any()  # they change
    first, texture = torch.zeros(3, *who.shape, dtype=torch.float16), torch.zeros(who.shape, dtype=torch.uint8)
    first[1] = 1
    assert not see_through(first, pictures(frames), frames, rigid, [0, 1], labels, texture, in_memory)
    assert float(first[1].min()) == 1 and np.array_equal(labels, who)


def test_openings_of_a_shot_whose_pictures_lie_on_the_shelf_are_the_same():
    frames, who = shot(True)
    rigid, found = Rigid([way(SKY), way(HILLS), way(STREET)], [ON] * 3, [True] * 3), []

    def shelved(one: torch.Tensor) -> Film:
        return Film(one, lambda size: None)

    def room(shape: tuple[int, ...], dtype: torch.dtype = torch.float16, device: str = "cpu") -> Film:
        return shelved(in_memory(shape, dtype, device))

    for on, where in ((lambda one: one, in_memory), (shelved, room)):
        first = torch.zeros(4, *who.shape, dtype=torch.float16)
        labels, texture = np.full(who.shape, 2, np.uint8), torch.zeros(who.shape, dtype=torch.uint8)
        see_through(on(first), on(pictures(frames)), frames, rigid, [0, 1, 2], labels, on(texture), where)
        found.append((first, labels))
    assert torch.equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])


def test_evidence_stays_off_the_outline_of_what_hides_it():
    frames, who = shot(True)
    rigid = Rigid([way(SKY), way(STREET)], [ON] * 2, [True] * 2)
    labels, first = np.full(who.shape, 1, np.uint8), torch.zeros(3, *who.shape, dtype=torch.float16)
    first[1] = 1
    lines = torch.full(who.shape, 255, dtype=torch.uint8)
    see_through(first, pictures(frames), frames, rigid, [0, 1], labels, lines, in_memory)
    around = np.ones((see.SPECK, see.SPECK), np.uint8)
    beside = np.stack([cv2.dilate(one, around) for one in (who == 2).astype(np.uint8)])
    assert float(first[0].float()[torch.from_numpy((beside > 0) & (who < 2))].mean()) < 0.1


def test_openings_are_the_planes_behind_in_the_rounds_that_follow():
    frames, who = shot(True)
    rigid, noise = Rigid([way(SKY), way(HILLS), way(STREET)], [ON] * 3, [True] * 3), 0.7
    first = torch.zeros(4, *who.shape, dtype=torch.float16)
    first[2] = 0.3
    labelling = Labelling(pictures(frames), rigid, first, noise, True, several=False)
    labelling.begin()  # at half the size
    labels = np.full(who.shape, 2, np.uint8)
    assert see_through(first, pictures(frames), frames, rigid, [0, 1, 2], labels, labelling.texture, in_memory)
    labelling.open(labels, labels < 2)
    p, _, _ = labelling.finish()
    middle = slice(8, COUNT - 8)
    for layer in (0, 1):
        mine = inner(who == layer)[middle, ROW]
        assert float(p[layer].float()[middle, ROW][torch.from_numpy(mine)].mean()) > 0.6
    assert float(p[2].float()[torch.from_numpy(inner(who == 2))].mean()) > 0.9
