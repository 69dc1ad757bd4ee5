"""The drawings' numbers in the Dope Sheet: a row per selected sprite along its lower edge, as on a paper X-sheet.

Keyframes have no labels of their own in Blender, so they are drawn over the editor. They say what is shown on the
scene's frames, whatever plays the sheet: the action, an NLA strip, a time curve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import blf
import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from toondecompose.formats.errors import UserError

from .. import preferences
from ..operators.sprite_base import chosen_sprites
from ..scene.channels import EMPTY_CEL
from ..sprite.timing import exposures

# px at interface scale 1
_ROW, _FONT, _GAP, _FOOT = 18, 11, 5, 20  # _FOOT: the scroll bar below
_MOST_ROWS = 4
_SHARE = 0.5  # rows never take more of the editor's height
_NOTHING = "×"  # as animators cross out an empty cel

# the handle of what is drawn while the add-on is registered
_store = SimpleNamespace(handle=None)


@dataclass(frozen=True)
class Row:
    """One sprite's numbers. labels: (x px, text, whether it is shown now). ticks: x px where an exposure begins."""

    name: str
    y: float
    labels: list[tuple[float, str, bool]]
    ticks: list[float]


def rows(context: Any, width_of: Callable[[str], float]) -> list[Row]:
    """What to draw in the Dope Sheet's region. width_of: a text's width, px. Labels that would overlap are left out."""
    region, scale = context.region, context.preferences.system.ui_scale
    view, now = region.view2d, context.scene.frame_current_final
    first, last = view.region_to_view(0, 0)[0], view.region_to_view(region.width, 0)[0]
    sprites = sorted(chosen_sprites(context), key=lambda sprite: sprite != context.object)
    room = int((region.height * _SHARE / scale - _FOOT) / _ROW)
    found = []
    for place, sprite in enumerate(sprites[:max(0, min(_MOST_ROWS, room))]):
        try:
            shown = exposures(sprite, first, last)
        except UserError:
            continue  # the side bar says what is missing
        labels, ticks, free = [], [], 0.0
        for i, (frame, number) in enumerate(shown):
            x = view.view_to_region(max(frame, first), 0, clip=False)[0]
            ticks.append(x)
            text = _NOTHING if number == EMPTY_CEL else str(number)
            current = frame <= now and (i + 1 == len(shown) or now < shown[i + 1][0])
            if x >= free:
                labels.append((x + _GAP / 2 * scale, text, current))
                free = x + width_of(text) + _GAP * scale
        found.append(Row(sprite.name, (_FOOT + place * _ROW) * scale, labels, ticks))
    return found


def draw() -> None:
    """Blender calls this after it drew a Dope Sheet."""
    context = bpy.context
    if context.region.type != "WINDOW" or not preferences.of(context).numbers_in_dope_sheet:
        return
    scale = context.preferences.system.ui_scale
    blf.size(0, _FONT * scale)
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    for row in rows(context, lambda text: blf.dimensions(0, text)[0]):
        top, name_width = row.y + (_ROW - 1) * scale, blf.dimensions(0, row.name)[0] + 2 * _GAP * scale
        _rectangle(shader, (0, row.y, context.region.width, top), (0.05, 0.05, 0.05, 0.75))
        for x in row.ticks:
            _rectangle(shader, (x, row.y, x + scale, top), (1.0, 1.0, 1.0, 0.35))
        base = row.y + (_ROW - _FONT) / 2 * scale + scale
        for x, text, current in row.labels:
            blf.color(0, *((1.0, 0.75, 0.2, 1.0) if current else (0.9, 0.9, 0.9, 1.0)))
            blf.position(0, x, base, 0)
            blf.draw(0, text)
        left = context.region.width - name_width
        _rectangle(shader, (left, row.y, context.region.width, top), (0.05, 0.05, 0.05, 0.9))
        blf.color(0, 0.6, 0.6, 0.6, 1.0)
        blf.position(0, left + _GAP * scale, base, 0)
        blf.draw(0, row.name)
    gpu.state.blend_set("NONE")


def _rectangle(shader: Any, box: tuple[float, float, float, float], colour: tuple[float, ...]) -> None:
    left, low, right, high = box
    batch = batch_for_shader(shader, "TRI_STRIP", {"pos": [(left, low), (right, low), (left, high), (right, high)]})
    shader.uniform_float("color", colour)
    batch.draw(shader)


def register() -> None:
    _store.handle = bpy.types.SpaceDopeSheetEditor.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    bpy.types.SpaceDopeSheetEditor.draw_handler_remove(_store.handle, "WINDOW")
    _store.handle = None
