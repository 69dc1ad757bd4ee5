"""Art of Debian packages and a wheel, read from where they were unpacked and laid on canvases for a clip's layers.

Pictures are straight uint8 RGBA [h, w, 4] when they leave this module, premultiplied float32 0..1 inside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from toondecompose.demo.clip import to_premultiplied, to_straight
from toondecompose.formats.errors import UserError

PACKAGES = {  # Debian package, or wheel: the folder in it that holds its pictures
    "arcade": "arcade/resources/images",
    "ardentryst": "usr/share/games/ardentryst/Data",
    "caveexpress-data": "usr/share/games/caveexpress",
    "frozen-bubble-data": "usr/share/games/frozen-bubble/gfx",
    "hedgewars-data": "usr/share/games/hedgewars/Data/Themes",
    "plasma-workspace-wallpapers": "usr/share/wallpapers",
    "raincat-data": "usr/share/games/raincat/data",
    "renpy-demo": "usr/share/games/renpy/demo/game/images",
    "scratch": "usr/share/scratch/Media",
    "supertux-data": "usr/share/games/supertux2/images",
    "tuxmath-data": "usr/share/tuxmath/images",
    "warmux-data": "usr/share/games/warmux/map",
    "wesnoth-1.16-data": "usr/share/games/wesnoth/1.16/data/core/images",
}
WHEELS = {"arcade": "arcade==2.6.17"}  # packages that pip downloads: the version that holds the pictures
MARGIN = 8  # px of the art around a drawing, so that enlarging it does not cut its soft edge
SPARE = 6  # px of the canvas left around drawings that share one
VEIL = 220, 70  # alpha and brightest channel, 0..255, below which paint is a shadow on the ground
FAINT = 0.02, 0.01  # alpha above which a pixel belongs to a drawing: as it was read, and enlarged


@dataclass(frozen=True)
class Art:
    """The unpacked packages. folder: where `dpkg -x` and `unzip` put them, all into the same one."""

    folder: Path

    def file(self, package: str, name: str) -> Path:
        """Path of a picture of a package; name: below the package's folder of pictures."""
        path = self.folder / PACKAGES[package] / name
        if not path.is_file():
            if package in WHEELS:
                raise UserError(f"{path} is missing: unpack the wheel {WHEELS[package]} into {self.folder} (`pip "
                                f"download --no-deps {WHEELS[package]}`, then `unzip` with its .whl, -d and that "
                                "folder).")
            raise UserError(f"{path} is missing: unpack the Debian package {package} into {self.folder} (`apt-get "
                            f"download {package}`, then `dpkg -x` with its .deb and that folder).")
        return path

    def files(self, package: str, pattern: str, which: object) -> list[Path]:
        """Paths of a package's pictures; pattern: a name with {} where each item of `which` goes, in that order."""
        return [self.file(package, pattern.format(item)) for item in which]

    def cells(self, names: list[str]) -> list[np.ndarray]:
        """Figures of caveexpress-data, which lie trimmed on large sheets: straight RGBA, each on its whole cell."""
        index = self.file("caveexpress-data", "textures/complete.lua").read_text(encoding="utf-8")
        out = []
        for name in names:
            entry = index[index.index(f'["{name}"]'):]  # the first of two: the larger picture
            said = dict(re.findall(r'(\w+) = "?([^\s",]+)', entry[:entry.index("}")]))
            sheet = read_picture(self.file("caveexpress-data", f"pics/{said['image']}.png"))
            left, top = round(float(said["x0"]) * sheet.shape[1]), round(float(said["y0"]) * sheet.shape[0])
            column, row = int(said["trimmedoffsetx"]), int(said["trimmedoffsety"])
            width, height = int(said["trimmedwidth"]), int(said["trimmedheight"])
            cell = np.zeros((int(said["untrimmedheight"]), int(said["untrimmedwidth"]), 4), np.uint8)
            cell[row:row + height, column:column + width] = sheet[top:top + height, left:left + width]
            out.append(cell)
        return out


def read_picture(path: Path) -> np.ndarray:
    """Picture of any format, palettes and GIF's single clear colour included -> straight uint8 RGBA."""
    with Image.open(path) as picture:
        return np.array(picture.convert("RGBA"))


def without_shadow(picture: np.ndarray) -> np.ndarray:
    """A figure of which the dark veil on the ground, that was painted with it, is cleared."""
    out = picture.copy()
    out[..., 3][(picture[..., 3] < VEIL[0]) & (picture[..., :3].max(-1) < VEIL[1])] = 0
    return out


def in_team_colour(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """A figure whose magenta paint, which stands for its team's colour, is that colour. colour: RGB, 0..255."""
    rgb = picture[..., :3].astype(int)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    magenta = (red > green + 40) & (blue > green + 30) & (abs(red - blue) < 130) & (blue > 0.45 * red)
    brightest, darkest = rgb.max(-1, keepdims=True), rgb.min(-1, keepdims=True)
    shaded = np.array(colour) * (brightest / 255) + darkest * 0.5  # the darkest channel is how white a shade is
    out = picture.copy()
    out[..., :3][magenta] = np.clip(shaded, 0, 255).astype(np.uint8)[magenta]
    return out


def enlarged(premultiplied: np.ndarray, scale: float) -> np.ndarray:
    """Scaled smoothly. Bicubic weights overshoot, so colour is kept within 0..alpha again."""
    if scale == 1:
        return premultiplied
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    out = np.clip(cv2.resize(premultiplied, None, fx=scale, fy=scale, interpolation=how), 0, 1)
    out[..., :3] = np.minimum(out[..., :3], out[..., 3:])
    return out


def plate(path: Path, width: int) -> np.ndarray:
    """An opaque background, `width` px wide."""
    picture = read_picture(path)[..., :3]
    scale = width / picture.shape[1]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how)
    if path.suffix == ".jpg":  # the blocks of JPEG, enlarged, are no part of a painting
        picture = cv2.bilateralFilter(picture, 5, 8, 3)
    return np.dstack([picture, np.full_like(picture[..., :1], 255)])


def plane(path: Path, width: int) -> np.ndarray:
    """A plane in front of the background, with alpha, `width` px wide."""
    picture = to_premultiplied(read_picture(path))
    return to_straight(enlarged(picture, width / picture.shape[1]))


def standing(pictures: list[Path] | list[np.ndarray], scale: float, margin: int = MARGIN) -> list[np.ndarray]:
    """Drawings that were each trimmed for themselves, on canvases of one size: same foot line, middles above one
    another. pictures: files, or what was read from them. margin: px of the art around them."""
    trimmed = []
    for picture in _premultiplied(pictures):
        top, bottom, left, right = _extent(picture[..., 3] > FAINT[0])
        trimmed.append(picture[top:bottom, left:right])
    height, width = np.max([picture.shape[:2] for picture in trimmed], axis=0)
    out = []
    for picture in trimmed:
        h, w = picture.shape[:2]
        out.append(to_straight(_on_canvas(picture, (height, width), (height - h, (width - w) // 2), scale, margin)))
    return out


def registered(pictures: list[Path] | list[np.ndarray], scale: float, margin: int = MARGIN) -> list[np.ndarray]:
    """Drawings that the artist registered on sheets with one top left corner, on canvases trimmed to all of them.
    pictures: files, or what was read from them."""
    sheets = _premultiplied(pictures)
    shape = np.max([sheet.shape[:2] for sheet in sheets], axis=0)
    canvases = [_on_canvas(sheet, shape, (0, 0), scale, margin) for sheet in sheets]
    top, bottom, left, right = _extent(np.max([canvas[..., 3] for canvas in canvases], axis=0) > FAINT[1])
    rows, columns = slice(max(top - SPARE, 0), bottom + SPARE), slice(max(left - SPARE, 0), right + SPARE)
    return [to_straight(canvas[rows, columns]) for canvas in canvases]


def _premultiplied(pictures: list[Path] | list[np.ndarray]) -> list[np.ndarray]:
    """Files, or straight pictures read from them -> premultiplied."""
    return [to_premultiplied(read_picture(p) if isinstance(p, Path) else p) for p in pictures]


def _on_canvas(picture: np.ndarray, shape: tuple[int, int], corner: tuple[int, int], scale: float,
               margin: int) -> np.ndarray:
    """Picture with its top left corner (row, column) on a clear sheet of shape (h, w), margin around it, enlarged."""
    canvas = np.zeros((shape[0] + 2 * margin, shape[1] + 2 * margin, 4), np.float32)
    row, column = corner[0] + margin, corner[1] + margin
    canvas[row:row + picture.shape[0], column:column + picture.shape[1]] = picture
    return enlarged(canvas, scale)


def _extent(mask: np.ndarray) -> tuple[int, int, int, int]:
    """First row, row after the last, first column, column after the last of a mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def with_halo(drawing: np.ndarray, opacity: float, glow: float) -> np.ndarray:
    """A drawing let through light (opacity 0..1) with a pale soft glow (0..1) behind it."""
    seen = to_premultiplied(drawing) * opacity
    soft = cv2.GaussianBlur(seen[..., 3], (0, 0), 12) * glow
    behind = np.dstack([soft * 0.75, soft * 0.9, soft, soft])
    return to_straight(seen + behind * (1 - seen[..., 3:]))


def with_shadow(drawing: np.ndarray, opacity: float = 0.45, softness: float = 6) -> np.ndarray:
    """A drawing with a soft oval shadow on the ground, which moves with it. opacity 0..1, softness in px."""
    seen = to_premultiplied(drawing)
    height, width = seen.shape[:2]
    y, x = np.mgrid[:height, :width]
    from_middle = np.hypot((x - width / 2) / (width * 0.42), (y - (height - 22)) / 16)
    shade = np.zeros_like(seen)
    shade[..., 3] = opacity * np.clip(1.6 - 1.6 * from_middle, 0, 1)
    shade[..., 3] = cv2.GaussianBlur(shade[..., 3], (0, 0), softness)
    return to_straight(seen + shade * (1 - seen[..., 3:]))
