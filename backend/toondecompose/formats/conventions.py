"""Where a pixel is: the only module that knows of more than one convention.

Everything stored and computed uses EDGE coordinates: x right, y down, pixel (column i, row j) covers
[i, i+1] x [j, j+1], its centre is (i+.5, j+.5). OpenCV and the benchmark put integer coordinates at pixel CENTRES.
A transform H maps sprite-canvas px to frame px, x_frame ~ H x_canvas.
"""

from __future__ import annotations

import numpy as np

# distance between a pixel's top-left corner and its centre, px
HALF_PIXEL = 0.5


def translation(x: float, y: float) -> np.ndarray:
    """3x3 float64 translation by (x, y) px."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def normalised(H: np.ndarray) -> np.ndarray:
    """[..., 3, 3] with the last element of each matrix made 1, float64. The last element must not be 0."""
    H = np.asarray(H, np.float64)
    return H / H[..., 2:3, 2:3]


def edge_from_centre(H: np.ndarray) -> np.ndarray:
    """Homographies [..., 3, 3] between centre coordinates -> the same maps between edge coordinates, float64."""
    return normalised(translation(HALF_PIXEL, HALF_PIXEL) @ np.asarray(H, np.float64)
                      @ translation(-HALF_PIXEL, -HALF_PIXEL))


def centre_from_edge(H: np.ndarray) -> np.ndarray:
    """Homographies [..., 3, 3] between edge coordinates -> the same maps between centre coordinates, float64."""
    return normalised(translation(-HALF_PIXEL, -HALF_PIXEL) @ np.asarray(H, np.float64)
                      @ translation(HALF_PIXEL, HALF_PIXEL))


def map_points(H: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points [n, 2] (x, y) px mapped by one homography [3, 3] -> float64 [n, 2]; inf on the horizon."""
    points = np.asarray(points, np.float64)
    mapped = np.concatenate([points, np.ones_like(points[:, :1])], 1) @ np.asarray(H, np.float64).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return mapped[:, :2] / mapped[:, 2:]


def corners(size: tuple[int, int]) -> np.ndarray:
    """The four corners of a (width, height) px picture in edge coordinates, [4, 2], clockwise from the top left."""
    width, height = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
