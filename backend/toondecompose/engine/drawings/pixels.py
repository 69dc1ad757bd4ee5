"""Small operations on pictures that several stages of the drawings share. Edge coordinates."""

from __future__ import annotations

import cv2
import numpy as np

HALF = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])


def strongest(picture: np.ndarray) -> np.ndarray:
    """Largest of the three channels, [h, w] (numpy's own max over a short last axis is ten times slower)."""
    if picture.ndim == 3 and picture.dtype in (np.uint8, np.float32):
        red, green, blue = cv2.split(picture)
        return cv2.max(cv2.max(red, green), blue)
    return np.maximum(np.maximum(picture[..., 0], picture[..., 1]), picture[..., 2])


def local_range(smooth: np.ndarray, reach: int = 1) -> np.ndarray:
    """Largest minus smallest colour within `reach` px (square), per channel."""
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return cv2.subtract(cv2.dilate(smooth, kernel), cv2.erode(smooth, kernel))


def place(picture: np.ndarray, H: np.ndarray, size: tuple[int, int], repeat: bool = False) -> np.ndarray:
    """picture warped by H (picture px -> output px), bilinear; outside it is 0, or the edge repeats."""
    centre = np.linalg.inv(HALF) @ H @ HALF
    return cv2.warpPerspective(picture, centre, size, flags=cv2.INTER_LINEAR,
                               borderMode=cv2.BORDER_REPLICATE if repeat else cv2.BORDER_CONSTANT)


def place_mask(mask: np.ndarray, H: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """0/1 mask warped by H -> 0/1; a pixel is 1 only if all that it is made of is."""
    return (place(mask * np.uint8(255), H, size) >= 254).astype(np.uint8)


def pixels_of(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns) of the pixels set in a 2-D mask (numpy's nonzero in two dimensions is several times slower)."""
    return np.divmod(np.flatnonzero(mask), mask.shape[1])


def as_bytes(picture: np.ndarray) -> np.ndarray:
    """RGB 0..255 of any type as uint8."""
    return picture if picture.dtype == np.uint8 else np.clip(np.rint(picture), 0, 255).astype(np.uint8)
