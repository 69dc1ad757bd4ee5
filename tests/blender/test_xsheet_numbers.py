"""The exposure sheet's arithmetic, with no Blender."""

import numpy as np
import pytest

from toondecompose_blender.sprite import sheet
from toondecompose_blender.sprite.sheet import Sheet


def of(text):
    """A sheet from frames 1, 2, ... written as digits: '1122' is drawing 1 for two frames, then 2."""
    return sheet.tidy(Sheet(np.arange(1.0, len(text) + 1), np.array([int(c) for c in text])))


def show(s, last):
    return "".join(str(n) for n in s.between(1, last))


@pytest.mark.parametrize("what, result", [
    (lambda s: sheet.expose(s, 3, 9), "119933"),
    (lambda s: sheet.expose(s, 4, 9), "112933"),
    (lambda s: sheet.expose(s, 4, 9, 2), "112993"),
    (lambda s: sheet.expose(s, 3, 0, 1), "110233"),
    (lambda s: sheet.hold(s, 2, 4, push=False), "111113"),
    (lambda s: sheet.hold(s, 2, 3, push=True), "111122"),
    (lambda s: sheet.restep(s, 1, 6, 3), "111222"),
    (lambda s: sheet.restep(s, 2, 5, 2), "111223"),
    (lambda s: sheet.reverse(s, 1, 6), "332211"),
    (lambda s: sheet.reverse(s, 2, 4), "122133"),
    (lambda s: sheet.swap(s, 1, 3), "332211"),
    (lambda s: sheet.swap(s, 1, 3, 1, 1), "312233"),
    (lambda s: sheet.replace(s, 2, 7), "117733"),
])
def test_operations(what, result):
    before = of("112233")
    assert show(what(before), 6) == result
    assert show(before, 6) == "112233"


def test_a_cycle_repeats():
    assert show(sheet.loop(of("1233"), 1, 3, 10), 11) == "12312312313"[:10] + "3"
    assert show(sheet.loop(of("123"), 1, 3, 2), 3) == "123"


def test_what_follows_stays_where_it_was():
    s = Sheet(np.array([1.0, 5.0, 9.5]), np.array([1, 2, 3]))
    stepped = sheet.restep(s, 1, 4, 2)
    assert list(zip(stepped.frames, stepped.numbers, strict=True)) == [(1, 1), (5, 2), (9.5, 3)]


def test_before_its_first_key_a_sheet_shows_its_first_drawing():
    s = Sheet(np.array([11.0]), np.array([4]))
    assert s.at(-100) == 4 and s.exposure_of(20) == (11, None)
