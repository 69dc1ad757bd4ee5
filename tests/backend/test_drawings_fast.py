"""What exposure sheets save time by, beside the plain way."""

import numpy as np
from test_drawings import clip, drawing, pan

from toondecompose.engine.drawings import patches as cutting
from toondecompose.engine.drawings.backdrop import start_planes
from toondecompose.engine.drawings.compare import FORGIVEN, compare_drawings, compare_strictly
from toondecompose.engine.drawings.patches import cut_patches, surroundings


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
