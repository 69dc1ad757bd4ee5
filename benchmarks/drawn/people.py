"""Walking people for the drawn clips, in several styles: outlined or lineless, thick or thin limbs, hair with gaps.

Units: a person is about 100 units high; (0, 0) is the ground below the hips, y points down; drawn walking to the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toondecompose.demo.paint import mixed
from toondecompose.demo.shapes import Colour, Region, Sheet, bend, ellipse, limb, ribbon, spline

CANVAS_UNITS = (92.0, 122.0)
ORIGIN_UNITS = (46.0, 114.0)
STRIDE_UNITS = 56.0  # ground covered by a whole cycle of two steps
SHADOW_TONE: Colour = (60, 50, 96)


@dataclass(frozen=True)
class Look:
    """Colours and build of a person. ink: None for a lineless style. limb: half thickness of arms and legs, units.

    hair: "cap", "strands" (long, with gaps that the background shows through), "spikes" or "bun".
    dress: a wide skirt instead of trousers. pack: colour of a school bag on the back.
    """

    skin: Colour = (250, 214, 184)
    hair_colour: Colour = (70, 50, 60)
    top: Colour = (214, 76, 70)
    legs: Colour = (66, 84, 138)
    shoe: Colour = (96, 58, 50)
    ink: Colour | None = (40, 28, 38)
    line: float = 0.8
    limb: float = 3.4
    head: float = 12.5
    hair: str = "cap"
    dress: Colour | None = None
    pack: Colour | None = None
    shaded: bool = True


def anchor(unit: float) -> tuple[float, float]:
    """Canvas px of the ground point, in the convention that integers are pixel centres."""
    return ORIGIN_UNITS[0] * unit - 0.5, ORIGIN_UNITS[1] * unit - 0.5


def _form(sheet: Sheet, look: Look, outlines: list[np.ndarray], colour: Colour, depth: float = 1.6) -> Region:
    ink = look.ink if look.ink is not None else colour
    return sheet.solid(outlines, colour, ink, look.line if look.ink is not None else 0.0,
                       mixed(colour, SHADOW_TONE, 0.32) if look.shaded else None, depth)


def _leg(sheet: Sheet, look: Look, hip: np.ndarray, phase: float, step: float, far: bool) -> None:
    lift = 8.0 * step * max(0.0, -np.sin(phase))
    knee, ankle = bend(hip, np.array([14.0 * step * np.cos(phase), -4.0 - lift]), 21.0, 21.0)
    colour = mixed(look.legs, SHADOW_TONE, 0.35) if far else look.legs
    thick = look.limb
    _form(sheet, look, [limb(hip, knee, thick * 1.35, thick * 1.05), limb(knee, ankle, thick * 1.05, thick * 0.85)],
          colour)
    toe = np.array([5.2, 1.4 - 0.25 * lift])
    _form(sheet, look, [limb(ankle + [-1.2, 1.0], ankle + toe, thick * 0.8 + 0.6, thick * 0.5 + 0.9)],
          mixed(look.shoe, SHADOW_TONE, 0.3) if far else look.shoe, 1.0)


def _arm(sheet: Sheet, look: Look, shoulder: np.ndarray, swing: float, raised: float, far: bool) -> None:
    """swing: degrees, forward positive. raised: degrees that a waving arm lifts above that."""
    first = np.radians(swing + raised)
    elbow = shoulder + np.array([np.sin(first), np.cos(first)]) * 13.5
    second = np.radians(swing + raised * 1.25 + 22)
    hand = elbow + np.array([np.sin(second), np.cos(second)]) * 12.5
    top = mixed(look.top, SHADOW_TONE, 0.3) if far else look.top
    skin = mixed(look.skin, SHADOW_TONE, 0.22) if far else look.skin
    thick = look.limb
    _form(sheet, look, [limb(elbow, hand, thick * 0.8, thick * 0.65), ellipse(tuple(hand), (thick * 0.95 + 0.5,) * 2)],
          skin)
    _form(sheet, look, [limb(shoulder, elbow, thick * 1.05, thick * 0.95)], top)


def _head(sheet: Sheet, look: Look, head: np.ndarray, phase: float, mouth: int, blink: bool) -> None:
    r, x, y = look.head, head[0], head[1]
    sway = np.sin(phase)
    if look.hair == "strands":
        for k in range(7):
            root = head + [-r * 0.75 + k * 0.5, -r * 0.75 + k * r * 0.26]
            tip = root + [-9.0 - 4.6 * (k % 3) - 2.5 * sway, 8.0 + 3.0 * k + 2.0 * (k % 2) + 1.5 * sway]
            middle = (root + tip) / 2 + [-2.0 + 2.0 * (k % 2), 3.5 + sway]
            _form(sheet, look, [ribbon([root, middle, tip], [3.4, 3.0, 1.8, 0.7])], look.hair_colour, 0.6)
    if look.hair == "bun":
        _form(sheet, look, [ellipse((x - r * 0.9, y - r * 0.75), (r * 0.48, r * 0.44))], look.hair_colour)
    face = _form(sheet, look, [ellipse((x, y), (r, r * 1.03)),
                                ellipse((x + r * 0.45, y + r * 0.4), (r * 0.6, r * 0.55))], look.skin, 2.2)
    dark = look.ink if look.ink is not None else (52, 40, 56)
    for dx in (0.28, 0.84):
        at = (x + r * dx, y + r * 0.05)
        if blink:
            sheet.ink([(at[0] - r * 0.16, at[1]), (at[0], at[1] + r * 0.06), (at[0] + r * 0.16, at[1])], 0.9, dark)
        else:
            sheet.fill(ellipse(at, (r * 0.15, r * 0.27)), (255, 255, 252), face)
            sheet.fill(ellipse((at[0] + r * 0.04, at[1]), (r * 0.10, r * 0.20)), dark, face)
    opened = (0.06, 0.20, 0.32)[mouth]
    sheet.fill(ellipse((x + r * 0.58, y + r * 0.55), (r * 0.22, r * opened)), (150, 48, 58), face)
    if look.hair == "spikes":
        crown = []
        for k, a in enumerate(np.radians(np.linspace(150, 330, 13))):
            far = r * (1.55 if k % 2 else 1.02)
            crown.append((x + np.cos(a) * far - r * 0.08, y + np.sin(a) * far - r * 0.1))
        crown += [(x + r * 0.75, y - r * 0.35), (x + r * 0.1, y - r * 0.25), (x - r * 0.6, y + r * 0.3)]
        _form(sheet, look, [np.array(crown)], look.hair_colour, 1.2)
    else:
        fringe = spline([(x - r * 1.06, y + r * 0.45), (x - r * 1.12, y - r * 0.4), (x - r * 0.4, y - r * 1.2),
                         (x + r * 0.5, y - r * 1.12), (x + r * 1.04, y - r * 0.35), (x + r * 0.5, y - r * 0.5),
                         (x - r * 0.2, y - r * 0.3), (x - r * 0.5, y + r * 0.4)], closed=True)
        _form(sheet, look, [fringe], look.hair_colour, 1.4)


def draw_person(look: Look, unit: float, phase: float = 0.0, step: float = 1.0, wave: float = 0.0, mouth: int = 0,
                blink: bool = False) -> np.ndarray:
    """One drawing -> uint8 RGBA, straight alpha.

    unit: px per unit. phase: radians of the walk's cycle. step: length of step, 0 stands still. wave: degrees the near
    arm is raised. mouth: 0 closed .. 2 wide open.
    """
    size = int(np.ceil(CANVAS_UNITS[0] * unit)), int(np.ceil(CANVAS_UNITS[1] * unit))
    sheet = Sheet(size, unit, (ORIGIN_UNITS[0] * unit, ORIGIN_UNITS[1] * unit))
    hip = np.array([0.0, -44.0 + 1.6 * step * np.cos(2 * phase)])
    neck = hip + [2.0 * step, -27.0]
    head = neck + [1.2 * step + 0.6, -look.head * 1.12]
    swing = 34.0 * step * np.cos(phase)
    _arm(sheet, look, neck + [2.2, 3.4], swing, 0.0, far=True)
    _leg(sheet, look, hip + [1.4, 0], phase + np.pi, step, far=True)
    _leg(sheet, look, hip + [-1.0, 0], phase, step, far=False)
    if look.pack is not None:
        _form(sheet, look, [spline([neck + [-5, 2], neck + [-13, 4], neck + [-14, 17], neck + [-6, 21]], closed=True)],
              look.pack)
    if look.dress is not None:
        flare = 3.0 * np.sin(phase)
        _form(sheet, look, [np.array([hip + [-6, -8], hip + [6.5, -8], hip + [13 + flare, 16], hip + [4, 18],
                                      hip + [-4, 16], hip + [-12 + flare, 18]])], look.dress, 2.4)
    _form(sheet, look, [limb(neck + [0, 2], hip + [0, -4], 7.2, 8.0)], look.top, 2.6)
    _form(sheet, look, [limb(neck + [0.4, 1], neck + [0.8, -4], 2.6, 2.6)], look.skin)
    _head(sheet, look, head, phase, mouth, blink)
    _arm(sheet, look, neck + [-1.6, 3.8], -swing, wave, far=False)
    return sheet.picture()


def walk_cycle(look: Look, unit: float, drawings: int) -> list[np.ndarray]:
    """A whole walk cycle in `drawings` drawings."""
    return [draw_person(look, unit, 2 * np.pi * k / drawings) for k in range(drawings)]
