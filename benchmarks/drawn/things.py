"""What moves in the drawn clips besides people: a car, smoke, a soft shadow, a bird; and a talking head in close-up."""

from __future__ import annotations

import cv2
import numpy as np

from drawn.plates import SHADOW, box
from toondecompose.demo.paint import mixed
from toondecompose.demo.shapes import Colour, Sheet, ellipse, limb, ribbon, spline

INK: Colour = (38, 30, 40)
CAR_UNITS = (132.0, 72.0)
HEAD_UNITS = (150.0, 168.0)
SMOKE_PX = (150, 110)


def draw_car(unit: float) -> np.ndarray:
    """A small outlined car seen from the side; one rigid drawing, uint8 RGBA. (66, 66) units is its ground point."""
    sheet = Sheet((int(CAR_UNITS[0] * unit), int(CAR_UNITS[1] * unit)), unit)
    red = (206, 72, 66)
    sheet.solid([spline([(34, 34), (46, 12), (62, 8), (84, 10), (98, 34)], closed=True)], red, INK, 0.8,
                mixed(red, SHADOW, 0.4), 3)
    for window in ([(42, 33), (50, 16), (64, 13), (66, 33)], [(70, 33), (69, 13), (82, 15), (92, 33)]):
        glass = sheet.solid([np.array(window, float)], (186, 218, 228), INK, 0.5)
        left, right = window[0][0] + 8.0, window[2][0]
        sheet.fill(np.array([(left, 33.0), (left + 5, 33), (right, 15), (right - 4, 15)]), (226, 240, 242), glass)
    sheet.solid([spline([(6, 40), (20, 33), (60, 32), (104, 33), (124, 40), (126, 54), (118, 58), (14, 58), (5, 54)],
                        closed=True)], red, INK, 0.8, mixed(red, SHADOW, 0.4), 4, mixed(red, (255, 255, 255), 0.4), 1.4)
    sheet.ink([(66, 35), (67, 48), (66, 57)], 0.7, INK, taper=(1, 1))
    sheet.fill(box(70, 41, 77, 43), (90, 30, 36))
    sheet.solid([ellipse((121, 45), (3.4, 4))], (255, 240, 180), INK, 0.5)
    sheet.solid([box(3, 51, 12, 56)], (190, 190, 196), INK, 0.5)
    sheet.solid([box(117, 51, 128, 56)], (190, 190, 196), INK, 0.5)
    for x in (30.0, 100.0):
        sheet.solid([ellipse((x, 57), (11, 11))], (58, 54, 62), INK, 0.7)
        sheet.solid([ellipse((x, 57), (5.4, 5.4))], (206, 206, 210), INK, 0.5)
        for a in np.radians([20, 92, 164, 236, 308]):
            sheet.ink([(x, 57), (x + np.cos(a) * 2.4, 57 + np.sin(a) * 2.4), (x + np.cos(a) * 5, 57 + np.sin(a) * 5)],
                      0.8, INK)
    return sheet.picture()


def soft_blob(size: tuple[int, int], centre: tuple[float, float], radii: tuple[float, float], colour: Colour,
              most: float) -> np.ndarray:
    """A soft round of one colour, uint8 RGBA: opacity `most` in the middle, fading to nothing at the radii (px)."""
    y, x = np.mgrid[: size[1], : size[0]]
    far = np.hypot((x - centre[0]) / radii[0], (y - centre[1]) / radii[1])
    alpha = most * np.clip(1 - far, 0, 1) ** 0.8
    out = np.zeros((size[1], size[0], 4), np.uint8)
    out[..., 3] = np.round(alpha * 255)
    out[..., :3] = np.where(out[..., 3:] > 0, np.array(colour), 0)
    return out


def with_shadow(drawing: np.ndarray, centre: tuple[float, float], radii: tuple[float, float],
                most: float = 0.45) -> np.ndarray:
    """A cel with a soft cast shadow painted below it, in the same sprite: uint8 RGBA."""
    shadow = soft_blob(drawing.shape[1::-1], centre, radii, (24, 26, 60), most)
    a, b = drawing[..., 3:].astype(np.float32) / 255, shadow[..., 3:].astype(np.float32) / 255
    both = a + b * (1 - a)
    colour = (drawing[..., :3] * a + shadow[..., :3] * b * (1 - a)) / np.maximum(both, 1e-6)
    return np.concatenate([np.round(colour), np.round(both * 255)], 2).astype(np.uint8)


def draw_smoke(seed: int, drawings: int) -> list[np.ndarray]:
    """Puffs of translucent smoke that swell: `drawings` drawings, uint8 RGBA of SMOKE_PX."""
    rng = np.random.default_rng(seed)
    at = rng.uniform((30, 30), (SMOKE_PX[0] - 34, SMOKE_PX[1] - 30), (9, 2))
    radius, drift = rng.uniform(13, 25, 9), rng.normal(0, 3, (9, 2))
    out = []
    for k in range(drawings):
        clear = np.ones(SMOKE_PX[::-1], np.float32)
        light = np.zeros(SMOKE_PX[::-1], np.float32)
        for p, r, d in zip(at, radius, drift, strict=True):
            r = r * (0.85 + 0.07 * k)
            blob = soft_blob(SMOKE_PX, tuple(p + d * k), (r, r * 0.85), (0, 0, 0), 0.6)[..., 3] / np.float32(255)
            lit = soft_blob(SMOKE_PX, tuple(p + d * k + [4, -6]), (r * 0.8, r * 0.7), (0, 0, 0), 1.0)[..., 3]
            light = np.maximum(light, lit / np.float32(255) * (blob > 0))
            clear *= 1 - blob
        drawing = np.zeros((SMOKE_PX[1], SMOKE_PX[0], 4), np.uint8)
        drawing[..., 3] = np.round((1 - clear) * 0.8 * 255)
        tone = np.array([150, 148, 160]) + np.array([86, 84, 76]) * cv2.GaussianBlur(light, (0, 0), 3)[..., None]
        drawing[..., :3] = np.where(drawing[..., 3:] > 0, np.round(tone), 0)
        out.append(drawing)
    return out


def _eye(sheet: Sheet, x: float, y: float, blink: int) -> None:
    """blink: 0 open, 1 half, 2 closed."""
    if blink == 2:
        sheet.ink([(x - 11, y + 3), (x, y + 8), (x + 11, y + 3)], 1.6, INK)
        return
    tall = (11.0, 6.0)[blink]
    white = sheet.solid([ellipse((x, y + 11 - tall), (9.5, tall))], (255, 254, 250), INK, 0.5)
    sheet.fill(ellipse((x + 1, y + 11 - tall + 1), (6.4, 8.6)), (70, 112, 160), white)
    sheet.fill(ellipse((x + 1, y + 11 - tall + 1), (3.4, 5.2)), (26, 30, 52), white)
    sheet.fill(ellipse((x + 3.4, y + 7 - tall), (1.9, 2.3)), (255, 255, 255), white)
    sheet.ink([(x - 12, y + 8 - 1.6 * tall), (x, y + 9 - 2 * tall), (x + 12, y + 9 - 1.6 * tall)], 2.4, INK)


def draw_head(unit: float, mouth: int, blink: int, sway: float = 0.0) -> np.ndarray:
    """A girl's head and shoulders in close-up, uint8 RGBA of HEAD_UNITS: hair in strands with gaps, big eyes.

    mouth: 0 closed, 1 half, 2 open. blink: 0 open, 1 half, 2 closed. sway: -1..1, how far the strands swing.
    """
    sheet = Sheet((int(HEAD_UNITS[0] * unit), int(HEAD_UNITS[1] * unit)), unit)
    hair, skin, coat = (206, 142, 66), (253, 222, 198), (72, 120, 124)
    for side in (-1, 1):
        for k in range(6):
            root = np.array([75 + side * (30 + 2.2 * k), 52 + 6.0 * k])
            tip = root + [side * (16 + 5.5 * (k % 3)) + 5 * sway, 62 - 4 * k + 7 * (k % 2)]
            middle = (root + tip) / 2 + [side * (7 - 5 * (k % 2)) + 2 * sway, 4]
            sheet.solid([ribbon([root, middle, tip], [8, 7, 4.5, 1])], hair, INK, 0.6, mixed(hair, SHADOW, 0.35), 1.2)
    sheet.solid([spline([(18, 172), (26, 140), (58, 126), (92, 126), (124, 140), (132, 172)], closed=True)], coat, INK,
                0.8, mixed(coat, SHADOW, 0.4), 4)
    sheet.solid([limb(np.array([75.0, 112]), np.array([75.0, 132]), 12, 13)], mixed(skin, SHADOW, 0.2), INK, 0.6)
    sheet.solid([spline([(52, 130), (75, 148), (98, 130), (104, 138), (75, 160), (46, 138)], closed=True)],
                (232, 230, 222), INK, 0.7)
    sheet.solid([ellipse((75, 58), (45, 44))], hair, INK, 0.8, mixed(hair, SHADOW, 0.35), 5)
    face = sheet.solid([spline([(40, 66), (42, 92), (58, 112), (75, 119), (92, 112), (108, 92), (110, 66), (92, 34),
                                (58, 34)], closed=True)], skin, INK, 0.7, mixed(skin, (226, 120, 120), 0.3), 3)
    for x in (50, 100):
        sheet.fill(ellipse((x, 92), (8, 4.4)), (252, 190, 176), face)
    _eye(sheet, 57, 70, blink)
    _eye(sheet, 93, 70, blink)
    sheet.ink([(74, 86), (76.5, 91), (74, 92)], 0.9, (196, 120, 104))
    if mouth == 0:
        sheet.ink([(67, 102), (75, 105), (83, 102)], 1.3, INK)
    else:
        lips = sheet.solid([ellipse((75, 103), (8.4, (0, 3.2, 7.0)[mouth]))], (150, 42, 52), INK, 0.6)
        sheet.fill(box(64, 94, 86, 100), (255, 252, 246), lips)
    fringe = [(30, 70), (34, 36), (56, 16), (92, 14), (116, 36), (120, 72), (108, 52), (102, 62), (94, 44), (84, 58),
              (76, 42), (64, 60), (58, 44), (46, 64), (42, 54)]
    sheet.solid([np.array(fringe, float)], hair, INK, 0.7, mixed(hair, SHADOW, 0.3), 3)
    for x, y in ((48, 52), (66, 48), (88, 46), (104, 50)):
        sheet.ink([(x + 8, 20), (x + 3, 34), (x, y)], 0.7, mixed(hair, INK, 0.6))
    return sheet.picture()
