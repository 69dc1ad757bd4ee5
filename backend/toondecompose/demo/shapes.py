"""Drawing tools of the demo clip: splines, tapered limbs, and a sheet on which flat colours are inked.

Everything is drawn with hard edges on a sheet SUPERSAMPLE times finer than the picture, then averaged down. So every
pixel's colour and coverage is exact to 1/16, and premultiplied averaging gives clean straight alpha.
Units: the artist's own (a character is 100 units high); y points down. Colours: sRGB (r, g, b), 0..255.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SUPERSAMPLE = 4
SUBPIXEL_BITS = 4  # fixed-point bits that OpenCV's polygon filler takes
LIGHT = np.array([0.45, -0.89])  # where the sun stands, as a direction in the picture (up and to the right)
THINNEST_LINE_PX = 0.45  # thinner ink would break up in small versions of the clip

Colour = tuple[int, int, int]


def spline(points: list | np.ndarray, closed: bool = False, steps: int = 8) -> np.ndarray:
    """Catmull-Rom curve through the points [n, 2] -> [m, 2], `steps` samples per span."""
    p = np.asarray(points, float)
    p = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    t = (np.arange(steps) / steps)[:, None]
    spans = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        spans.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    if not closed:
        spans.append(p[-2:-1])
    return np.concatenate(spans)


def ribbon(points: list | np.ndarray, widths: list[float], steps: int = 8) -> np.ndarray:
    """Outline of a stroke along a spline whose full width runs through `widths` (spread evenly) -> [n, 2]."""
    line = spline(points, steps=steps)
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    normal = tangent[:, ::-1] * [-1, 1]
    at = np.linspace(0, 1, len(line))
    half = np.interp(at, np.linspace(0, 1, len(widths)), widths)[:, None] / 2
    return np.concatenate([line + normal * half, (line - normal * half)[::-1]])


def ellipse(centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0, count: int = 40) -> np.ndarray:
    """Ellipse outline [count, 2]; `turn` in degrees, clockwise in the picture."""
    a = np.linspace(0, 2 * np.pi, count, endpoint=False)
    p = np.stack([np.cos(a) * radii[0], np.sin(a) * radii[1]], 1)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return p @ np.array([[c, s], [-s, c]]) + np.asarray(centre)


def limb(a: np.ndarray, b: np.ndarray, radius_a: float, radius_b: float) -> np.ndarray:
    """Tapered capsule from a to b -> its convex outline [n, 2]."""
    both = np.concatenate([ellipse(tuple(a), (radius_a, radius_a)), ellipse(tuple(b), (radius_b, radius_b))])
    return cv2.convexHull(both.astype(np.float32))[:, 0].astype(float)


def bend(hip: np.ndarray, ankle: np.ndarray, upper: float, lower: float, forward: float = 1.0) -> tuple:
    """Two-bone inverse kinematics -> (knee, ankle that can be reached). forward: +1 bends the knee to +x, -1 to -x."""
    reach = ankle - hip
    far = min(np.linalg.norm(reach), (upper + lower) * 0.998)
    way = reach / max(np.linalg.norm(reach), 1e-9)
    along = (far**2 + upper**2 - lower**2) / (2 * far)
    out = np.sqrt(max(upper**2 - along**2, 0.0))
    side = np.array([way[1], -way[0]]) * forward
    return hip + way * along + side * out, hip + way * far


def turned(points: np.ndarray, degrees: float, about: tuple[float, float]) -> np.ndarray:
    """Points [..., 2] rotated about a pivot, clockwise in the picture."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (np.asarray(points, float) - about) @ np.array([[c, s], [-s, c]]) + about


@dataclass
class Region:
    """A set of fine pixels of a sheet: bool mask [h, w] whose corner lies at fine pixel (x, y)."""

    x: int
    y: int
    mask: np.ndarray

    def window(self) -> tuple[slice, slice]:
        return slice(self.y, self.y + self.mask.shape[0]), slice(self.x, self.x + self.mask.shape[1])

    def moved(self, dx: int, dy: int) -> np.ndarray:
        """The mask shifted by whole fine pixels inside the same window."""
        m = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        return cv2.warpAffine(self.mask.astype(np.uint8), m, self.mask.shape[::-1], flags=cv2.INTER_NEAREST) > 0


class Sheet:
    """A supersampled drawing. size: picture (w, h) px; unit: px per unit; origin: px of unit coordinate (0, 0).

    mirrored: x points left, for a character that looks the other way under the same light.
    """

    def __init__(self, size: tuple[int, int], unit: float, origin: tuple[float, float] = (0.0, 0.0),
                 mirrored: bool = False):
        self.size, self.unit, self.origin = size, unit, np.asarray(origin, float)
        self.axes = np.array([-unit if mirrored else unit, unit])
        shape = (size[1] * SUPERSAMPLE, size[0] * SUPERSAMPLE)
        self.rgb = np.zeros((*shape, 3), np.uint8)
        self.cover = np.zeros(shape, np.uint8)

    def fine(self, length: float) -> float:
        """A length in units -> fine pixels."""
        return length * self.unit * SUPERSAMPLE

    def region(self, *outlines: np.ndarray, margin: float = 0.0) -> Region:
        """The union of closed outlines, in a window that leaves `margin` units around it."""
        fine = [(np.asarray(p, float) * self.axes + self.origin) * SUPERSAMPLE - 0.5 for p in outlines]
        every = np.concatenate(fine)
        pad = self.fine(margin) + 2
        limit = np.array(self.cover.shape[::-1])
        low = np.clip(np.floor(every.min(0) - pad), 0, limit).astype(int)
        high = np.clip(np.ceil(every.max(0) + pad), low, limit).astype(int)
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        if mask.size:
            for p in fine:
                fixed = np.round((p - low) * 2**SUBPIXEL_BITS).astype(np.int32)
                cv2.fillPoly(mask, [fixed], 1, shift=SUBPIXEL_BITS)
        return Region(int(low[0]), int(low[1]), mask > 0)

    @staticmethod
    def within(other: Region, region: Region) -> np.ndarray:
        """`other`'s mask as seen in the window of `region`, bool."""
        whole = np.zeros_like(region.mask)
        x0, y0 = max(region.x, other.x), max(region.y, other.y)
        x1 = min(region.x + region.mask.shape[1], other.x + other.mask.shape[1])
        y1 = min(region.y + region.mask.shape[0], other.y + other.mask.shape[0])
        if x1 > x0 and y1 > y0:
            part = other.mask[y0 - other.y:y1 - other.y, x0 - other.x:x1 - other.x]
            whole[y0 - region.y:y1 - region.y, x0 - region.x:x1 - region.x] = part
        return whole

    def paint(self, region: Region, colour: Colour, inside: Region | None = None) -> None:
        """Fill a region with a flat colour; with `inside`, only where that region lies too."""
        mask = region.mask if inside is None else region.mask & self.within(inside, region)
        self.rgb[region.window()][mask] = colour
        self.cover[region.window()][mask] = 255

    def fill(self, outline: np.ndarray, colour: Colour, inside: Region | None = None) -> None:
        """Fill one closed outline, without ink."""
        self.paint(self.region(outline), colour, inside)

    def solid(self, outlines: list[np.ndarray], colour: Colour, ink: Colour, line: float,
              shade: Colour | None = None, shade_depth: float = 0.0,
              rim: Colour | None = None, rim_depth: float = 0.0) -> Region:
        """One cel-painted form: the union of outlines with ink around it, a shadow tone and a rim of light.

        line: ink width in units; the pen presses harder on the side that faces away from the light.
        shade_depth, rim_depth: how far, in units, shadow and rim reach in from the edge.
        """
        region = self.region(*outlines, margin=2 * line + 1)
        if not region.mask.size:  # beyond the sheet's edge
            return region
        if line > 0:
            radius = max(self.fine(line), THINNEST_LINE_PX * SUPERSAMPLE)
            size = 2 * round(radius) + 1
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
            wide = cv2.dilate(region.mask.astype(np.uint8), disc) > 0
            press = np.round(-LIGHT * radius * 0.45).astype(int)
            wide |= Region(region.x, region.y, wide).moved(*press) | region.mask
            self.paint(Region(region.x, region.y, wide), ink)
        self.paint(region, colour)
        for tone, depth, sign in ((shade, shade_depth, 1), (rim, rim_depth, -1)):
            if tone is not None:
                step = np.round(LIGHT * self.fine(depth) * sign).astype(int)
                self.paint(Region(region.x, region.y, region.mask & ~region.moved(*step)), tone)
        return region

    def ink(self, points: list | np.ndarray, width: float, colour: Colour, inside: Region | None = None,
            taper: tuple[float, float] = (0.25, 0.1), steps: int = 8) -> None:
        """A pen line along a spline: thin at its start and end (`taper`: their share of the full width)."""
        thinnest = 2 * THINNEST_LINE_PX / self.unit * 0.7
        width = max(width, thinnest)
        self.fill(ribbon(points, [width * taper[0], width * 0.9, width, width * 0.8, width * taper[1]], steps),
                  colour, inside)

    def picture(self) -> np.ndarray:
        """The finished drawing: uint8 RGBA [h, w, 4], straight alpha, colour 0 where alpha is 0."""
        out = np.zeros((self.size[1], self.size[0], 4), np.uint8)
        rows = 64  # picture rows averaged at a time: a plate's fine sheet in float would not fit a small machine
        for top in range(0, self.size[1], rows):
            high = min(rows, self.size[1] - top)
            part = slice(top * SUPERSAMPLE, (top + high) * SUPERSAMPLE)
            cover = self.cover[part].astype(np.float32) / 255
            total = cv2.resize(self.rgb[part] * cover[..., None], (self.size[0], high), interpolation=cv2.INTER_AREA)
            share = cv2.resize(cover, (self.size[0], high), interpolation=cv2.INTER_AREA)[..., None]
            out[top:top + high, :, :3] = np.round(total / np.maximum(share, 1e-6))
            out[top:top + high, :, 3:] = np.round(share * 255)
        return out
