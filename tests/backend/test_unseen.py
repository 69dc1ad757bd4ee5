"""What no frame shows of a plate is painted as the plate goes on around it."""

import numpy as np
import pytest
import torch

from toondecompose.engine.matte import alike
from toondecompose.engine.matte.fill import push_pull
from toondecompose.engine.matte.scenery import behind_figures, believed
from toondecompose.engine.matte.seams import without_seams
from toondecompose.engine.matte.state import Drawing, LayerState
from toondecompose.engine.matte.types import LayerToSolve
from toondecompose.engine.matte.unseen import paint_unseen

H, W = 96, 128


def _hole(y0=30, y1=70, x0=50, x1=80):
    seen = np.ones((H, W), bool)
    seen[y0:y1, x0:x1] = False
    return seen


def _hidden(picture, seen):
    return np.where(seen[..., None], picture, 255 - picture).astype(np.uint8)  # what lies there must not matter


def _fence():
    picture = np.full((H, W, 3), (120, 170, 90), np.uint8)
    picture[:, ::8] = (60, 40, 30)
    picture[:, 1::8] = (60, 40, 30)
    return picture


def _shore():
    picture = np.zeros((H, W, 3), np.uint8)
    picture[:48] = (150, 200, 240)
    picture[48:] = (80, 140, 60)
    picture[46:50] = (30, 30, 30)
    return picture


@pytest.mark.parametrize("scene", [_fence, _shore])
def test_stripes_and_lines_go_on_where_nothing_was_seen(scene):
    truth, seen = scene(), _hole()
    painted = paint_unseen(_hidden(truth, seen), seen)
    soft = push_pull(truth.astype(np.float32), seen.astype(np.float32))
    wrong = lambda p: float((np.abs(p.astype(int) - truth)[~seen].max(-1) > 40).mean())  # noqa: E731
    assert wrong(painted) < 0.06
    assert wrong(soft) > 0.12  # colours that only flow in lose the pattern


def test_shading_goes_on_without_seams():
    ys, xs = np.mgrid[:H, :W]
    truth = np.stack([100 + ys, 150 + ys // 2, 200 - xs // 4], -1).astype(np.uint8)
    seen = _hole()
    painted = paint_unseen(_hidden(truth, seen), seen).astype(int)
    assert max(np.abs(np.diff(painted, axis=a)).max() for a in (0, 1)) <= 6
    assert np.abs(painted - truth).max() <= 16


def test_what_was_seen_stays_and_the_result_is_the_same_every_time():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 255, (H, W, 4), np.uint8)
    seen = _hole() & (rng.random((H, W)) > 0.01)
    before, picture = torch.get_num_threads(), _hidden(truth, seen)
    painted = [paint_unseen(picture, seen)]
    torch.set_num_threads(2)
    painted.append(paint_unseen(picture, seen))
    torch.set_num_threads(before)
    assert (painted[0] == painted[1]).all()
    assert (painted[0][seen] == truth[seen]).all()
    hidden = np.where(seen[..., None], truth, 7).astype(np.uint8)
    assert (paint_unseen(hidden, seen) == painted[0]).all(), "colours of unseen px must not matter"


def test_only_what_a_frame_could_show_is_painted_in_patches():
    truth, seen = _fence(), _hole()
    wanted = np.zeros((H, W), bool)
    painted = paint_unseen(_hidden(truth, seen), seen, wanted)
    soft = push_pull(np.where(seen[..., None], truth, 0).astype(np.float32), seen.astype(np.float32))
    assert np.abs(painted.astype(float) - soft).max() <= 1


@pytest.mark.parametrize("seen", [np.ones((H, W), bool), np.zeros((H, W), bool)])
def test_all_or_nothing_seen_stays(seen):
    assert (paint_unseen(_fence(), seen) == _fence()).all()


def test_too_little_to_paint_with_gives_the_colours_around():
    seen = np.zeros((H, W), bool)
    seen[40:44, 40:44] = True
    painted = paint_unseen(np.full((H, W, 3), 90, np.uint8), seen)
    assert (painted == 90).all()


def test_specks_that_outlines_left_are_not_believed_but_thin_evidence_of_the_same_paint_is():
    picture = np.full((H, W, 3), 180, np.uint8)
    known, best = np.ones((H, W), bool), np.ones((H, W), np.float32)
    best[40:44, 40:60] = 0.03
    picture[41, 45] = picture[42, 50] = 40
    picture[10, 10] = 40  # surely seen: a star, a rivet
    kept = believed(picture, known, best)
    assert not kept[41, 45] and not kept[42, 50]
    assert (~kept).sum() == 2


def _layer(kind, size, H, alpha=None):
    drawing = np.zeros(len(H), int)
    given = LayerToSolve(kind, kind, np.zeros((len(H), 1, 1), np.uint8), drawing, H)
    state = LayerState(given, H, size, 1.0)
    if alpha is not None:
        picture = torch.from_numpy(np.repeat(alpha[None], 4, 0).astype(np.uint8))
        state.drawings[0] = Drawing((0, 0, *alpha.shape[::-1]), list(range(len(H))), picture)
    return state


@pytest.mark.parametrize("kind", ["background", "sprite"])
def test_what_figures_hide_is_painted_but_not_what_a_street_hides_all_shot_long(kind):
    still = np.repeat(np.eye(3)[None], 4, 0)
    street = np.zeros((80, 160), np.uint8)
    street[48:] = 255
    figure = np.zeros((80, 160), np.uint8)
    figure[20:70, 60:100] = 255
    back = _layer("background", (160, 120), still)
    wanted = behind_figures([back, _layer(kind, (160, 80), still, street), _layer("sprite", (160, 80), still, figure)],
                            (160, 80))
    assert wanted[24:44, 64:96].all()  # behind the figure, above the street
    assert not wanted[52:76].any()  # behind the street
    assert not wanted[84:].any()  # outside all frames


def _plain_cost(picture, place, source, weights):
    w = picture.shape[1]
    cut = lambda at: picture[at // w - 3:at // w + 4, at % w - 3:at % w + 4].astype(int)  # noqa: E731
    return int((((cut(place) - cut(source)) ** 2).sum(-1).ravel() * weights).sum())


def test_distances_are_those_of_a_plain_loop():
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 255, (30, 40, 3), np.uint8)
    unseen, source = np.zeros((30, 40), bool), np.zeros((30, 40), bool)
    unseen[12:16, 12:16] = True
    source[3:8, 25:37] = True
    asking = np.flatnonzero(unseen)
    scale = alike.Scale(picture, unseen, source, asking, np.ones(len(asking), np.float32))
    weights = alike.weights_of(scale, asking)
    words = alike.words_of(picture)
    mine = np.stack([words[asking + dy * 40 + dx] for dy, dx in alike.NEAR])
    sources = rng.choice(np.flatnonzero(source), len(asking))
    price = alike._height_price(scale, asking, sources) * weights.mean(0, dtype=np.float32)
    plain = [_plain_cost(picture, p, s, weights[:, k]) for k, (p, s) in enumerate(zip(asking, sources, strict=True))]
    assert np.allclose(alike.cost_of(scale, words, mine, weights, asking, sources) - price, plain, rtol=1e-6)


def test_when_no_candidate_is_better_at_a_glance_the_search_goes_on():
    nothing = np.zeros(0, np.uint32)
    assert alike._away2(nothing, nothing).shape == (0,)


def test_the_full_search_finds_what_a_plain_loop_finds(monkeypatch):
    monkeypatch.setattr(alike, "HEIGHT", 0.0)
    rng = np.random.default_rng(2)
    picture = (rng.integers(0, 127, (30, 40, 3)) * 2).astype(np.uint8)
    source = np.zeros((30, 40), bool)
    source[3:8, 25:37] = True
    unseen = np.zeros((30, 40), bool)
    unseen[12:16, 12:16] = True
    asking = np.flatnonzero(unseen)
    scale = alike.Scale(picture, unseen, source, asking, np.ones(len(asking), np.float32))
    weights = alike.weights_of(scale, asking)
    all_sources = np.flatnonzero(source)
    plain = [all_sources[np.argmin([_plain_cost(picture, p, s, weights[:, k]) for s in all_sources])]
             for k, p in enumerate(asking)]
    assert (alike.best_of_all(scale, asking, weights) == plain).all()


def test_copies_are_joined_where_light_differs_a_little_and_edges_stay():
    picture = np.full((40, 60, 3), 100, np.uint8)
    picture[:, 33:] = 110  # the copies come from a slightly lighter part
    seen = np.ones((40, 60), bool)
    seen[10:30, 10:30] = False
    taken = np.where(seen, -1, np.arange(2400).reshape(40, 60) + 26)
    joined = without_seams(picture, seen, taken)
    assert np.abs(joined[10:30, 10:30].astype(int) - 100).max() <= 3
    picture[:, 33:] = 200
    assert (without_seams(picture, seen, taken)[12:28, 12:28] == 200).all()
