"""What exposure sheets save time by, beside the plain way."""

from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
from test_drawings import clip, drawing, pan

from toondecompose.engine.drawings import patches as cutting
from toondecompose.engine.drawings.backdrop import start_planes
from toondecompose.engine.drawings.compare import FORGIVEN, compare_drawings, compare_strictly
from toondecompose.engine.drawings.match import Book, match
from toondecompose.engine.drawings.patches import cut_patches, surroundings, upper_quartile
from toondecompose.engine.drawings.pixels import shift
from toondecompose.engine.drawings.recall import certain, recall


def test_what_lies_behind_a_sprite_is_gathered_only_where_somebody_looks_and_is_the_same_there(monkeypatch):
    source, masks = clip([drawing(2)] * 8, [(60 + 4 * t, 20) for t in range(8)], pan=5)
    near, _ = cut_patches(source, masks, None, None, planes=[pan(5, 8)])
    asked = {t: surroundings(m) for t, m in enumerate(masks)}
    part, = start_planes([pan(5, 8)], source.size, source.size, asked)
    whole, = start_planes([pan(5, 8)], source.size, source.size)
    assert part.weight.size < 0.8 * whole.weight.size
    monkeypatch.setattr(cutting, "start_planes", lambda paths, full, size, asked: start_planes(paths, full, size))
    far, _ = cut_patches(source, masks, None, None, planes=[pan(5, 8)])
    for p, q in zip(near, far, strict=True):
        (colour, known), (plain, plainly) = p.plates[0], q.plates[0]
        assert np.array_equal(known, plainly) and (known > 0).any()
        assert np.array_equal(colour[known > 0], plain[known > 0])


def test_a_pair_that_is_forgiven_less_is_judged_as_if_it_had_been_from_the_start():
    figures = [drawing(2), drawing(2)]
    for phase, figure in enumerate(figures):
        stripes = np.uint8(128 + 50 * np.sin((np.arange(80)[:, None] + 2.2 * phase) * 2 * np.pi / 7))
        figure[52:80, 26:56, :3] = np.broadcast_to(stripes, (104, 80, 3))[52:80, 26:56]
    source, masks = clip(figures, [(60, 20)] * 2)
    patches, noise = cut_patches(source, masks, None, None)
    plain = compare_drawings(*patches, np.eye(3), 0.5 * noise, FORGIVEN)
    assert compare_strictly(*patches, np.eye(3), 0.5 * noise, FORGIVEN) == (plain.blob, plain.inner)
    mild = compare_drawings(*patches, np.eye(3), 0.5 * noise)
    assert 0 < mild.blob < plain.blob
    certain = compare_drawings(*patches, np.eye(3), 0.5 * noise, FORGIVEN, certain=0.5 * mild.blob)
    assert certain.blob == mild.blob  # it tells two drawings as it is


def test_a_quartile_is_counted_as_it_is_sorted():
    rng = np.random.default_rng(3)
    for n in (1, 2, 5, 50, 401):
        mask, where = rng.integers(0, 256, (n, 3), np.uint8), rng.integers(0, 2, (n, 3), np.uint8)
        where[0, 0] = 1
        assert np.isclose(upper_quartile(mask, where), np.percentile(mask[where > 0], 75))


def test_a_second_look_takes_over_what_was_certain_unless_the_masks_have_changed():
    poses = [0, 0, 1, 1]
    other = drawing(2)
    other[..., :3] = other[..., 2::-1]  # in other colours it differs all over
    source, masks = clip([other if p else drawing(2) for p in poses], [(60, 20)] * 4)

    def look() -> tuple[Book, list[np.ndarray]]:
        patches, noise = cut_patches(source, masks, None, None)
        return Book(patches, noise), [shift(*p.origin) for p in patches]

    first, to_frame = look()
    for i, j in combinations(range(4), 2):
        match(first, i, j, np.linalg.inv(to_frame[j]) @ to_frame[i], (2,))
    told = certain(first, masks, to_frame, np.ones(4))
    assert told.frames.tolist() == [[0, 2], [0, 3], [1, 2], [1, 3]]  # what looks the same is looked at again
    again, to_frame = look()
    recall(again, told, masks, to_frame, np.ones(4))
    for i, j in combinations(range(4), 2):
        if poses[i] == poses[j]:
            assert np.isnan(again.score[i, j])
        else:
            assert again.score[i, j] == first.score[i, j]
            assert np.allclose(again.link[i, j], first.link[i, j], atol=1e-3)
    fading, to_frame = look()
    recall(fading, told, masks, to_frame, np.array([1, 1, 0.5, 1]))
    assert np.isnan(fading.score[0, 2]) and fading.score[0, 3] == first.score[0, 3]
    ys = np.flatnonzero((masks[3] > 127).any(1))
    masks[3][: (ys.min() + ys.max()) // 2] = 0
    changed, to_frame = look()
    recall(changed, told, masks, to_frame, np.ones(4))
    assert np.isnan(changed.score[1, 3]) and changed.score[1, 2] == first.score[1, 2]
    # at another size the same frame's proportions may be off by half a px: a crop of 840 x 480 px stopped there
    taller = replace(told, cells=np.stack([cv2.resize(c, (c.shape[1], len(c) + 1)) for c in told.cells]))
    again, to_frame = look()
    recall(again, taller, masks, to_frame, np.ones(4))
    assert again.score[0, 2] == first.score[0, 2]
