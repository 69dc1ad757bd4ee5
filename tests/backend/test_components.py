"""Connected parts are numbered rightly however many there are."""

import cv2
import numpy as np
import pytest

from toondecompose.engine.components import connected, label_type


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("shape", [(200, 300), (361, 361), (361, 362), (500, 530), (520, 530), (700, 1)])
def test_the_most_parts_that_a_picture_can_have_are_numbered(shape, connectivity):
    mask = np.zeros(shape, np.uint8)
    if connectivity == 4:
        mask[np.indices(shape).sum(0) % 2 == 0] = 1
    else:
        mask[::2, ::2] = 1
    labels, stats = connected(mask, connectivity)
    _, plain, plain_stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    assert np.array_equal(labels, plain) and np.array_equal(stats, plain_stats)


def test_short_labels_are_taken_where_they_are_enough():
    assert label_type((360, 640)) == cv2.CV_16U and label_type((1080, 1920)) == cv2.CV_32S
    assert label_type((360, 640), 4) == cv2.CV_32S  # a chequered picture has twice as many parts
