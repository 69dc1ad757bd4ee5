"""Px between a drawing's inside and the ridge of its outline are its own paints, whatever lies behind it."""

import numpy as np
import pytest

from toondecompose.engine.matte.inwards import within_outlines

SIZE, LEFT, RIGHT = 60, 20, 40  # px; the drawing spans the columns between


def _drawing(line: float | None, fill=(255, 250, 230), behind=(244, 227, 145)):
    """A pale figure with a soft outline of a darkness (0..1) before a pale background -> (c, differs, opaque)."""
    x = np.arange(SIZE, dtype=np.float32)
    alpha = np.clip(np.minimum(x - LEFT, RIGHT - x) / 2 + 0.5, 0, 1)
    paint = np.array(fill, np.float32)[:, None] * np.ones_like(x)
    if line is not None:
        for edge in (LEFT + 1, RIGHT - 1):
            paint *= 1 - line * np.exp(-((x - edge) / 1.5) ** 2)
    c = alpha * paint + (1 - alpha) * np.array(behind, np.float32)[:, None]
    c = np.repeat(c[:, None], SIZE, 1)
    differs = np.sqrt(np.square(c - np.array(behind, np.float32)[:, None, None]).mean(0))
    opaque = np.zeros((SIZE, SIZE), bool)
    opaque[:, LEFT + 7:RIGHT - 6] = True
    return c, differs, opaque


def _found(c, differs, opaque, noise=1.5):
    ask = ~opaque & (differs > 2.5 * noise)
    return within_outlines(c, differs, opaque, ask, noise)[SIZE // 2]


@pytest.mark.parametrize("line", [0.7, 0.95])
def test_blends_of_fill_and_line_are_the_drawings_own(line):
    found = _found(*_drawing(line))
    assert found[LEFT + 3:LEFT + 6].all() and found[RIGHT - 5:RIGHT - 2].all()
    assert not found[:LEFT].any() and not found[RIGHT + 1:].any()


def test_nothing_is_said_of_a_drawing_without_outline():
    assert not _found(*_drawing(None)).any()


def test_a_hair_beyond_a_slit_is_no_outline():
    c, differs, opaque = _drawing(None, fill=(120, 160, 220))
    behind = c[:, 0, 0].copy()
    c[:, :, LEFT - 4] = 10  # a dark strand with background between it and the body
    differs = np.sqrt(np.square(c - behind[:, None, None]).mean(0))
    assert not _found(c, differs, opaque).any()
