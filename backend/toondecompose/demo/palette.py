"""Colours of the demo's heroine, sRGB 0..255: each paint has its shadow tone, as on a cel painter's chart."""

from __future__ import annotations

Colour = tuple[int, int, int]

INK: Colour = (58, 34, 48)
LINE = 0.5  # ink width, in units of a character that is 100 units high
SKIN, SKIN_SHADE, SKIN_LINE, BLUSH = (255, 222, 200), (240, 180, 162), (206, 120, 108), (255, 178, 166)
HAIR, HAIR_SHADE, HAIR_LIGHT, HAIR_INK = (150, 70, 58), (102, 42, 52), (222, 132, 92), (62, 24, 38)
IRIS, IRIS_DARK, IRIS_LIGHT = (44, 156, 150), (22, 70, 96), (150, 236, 204)
BLOUSE, BLOUSE_SHADE = (250, 249, 246), (186, 194, 224)
NAVY, NAVY_SHADE, NAVY_LIGHT = (58, 74, 136), (36, 44, 96), (98, 122, 188)
SCARF, SCARF_SHADE = (232, 66, 70), (170, 36, 62)
SOCK, SOCK_SHADE = (252, 250, 246), (188, 192, 218)
SHOE, SHOE_SHADE = (122, 66, 46), (78, 38, 38)
TOAST, CRUST = (255, 226, 158), (198, 128, 66)
