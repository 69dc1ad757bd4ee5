"""What the collector of unused records looks through."""

from __future__ import annotations

import gc

from toondecompose.engine.memory import keep_for_good


def test_what_lives_as_long_as_the_process_is_looked_through_no_more():
    before = gc.get_freeze_count()
    keep_for_good()
    assert gc.get_freeze_count() > max(before, 1000) - 1
    rest = [[]]
    rest.append(rest)
    del rest
    assert gc.collect() > 0  # but what comes later is
