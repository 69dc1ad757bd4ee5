"""Words in panels: sentences broken into lines, times and counts as people say them."""

from __future__ import annotations

import textwrap
from typing import Any

from bpy.app.translations import pgettext_iface as iface_

# width of an average letter of Blender's interface font at scale 1, px, measured in 5.2
_LETTER = 6.3
# what a box, its icon and its margins take, px at scale 1
_MARGIN = 60
# regions that are not drawn yet have no width; a side bar's usual one
_WIDTH, _NARROWEST = 280, 20


def paragraph(layout: Any, sentence: str, context: Any, icon: str = "NONE") -> None:
    """A sentence over as many lines as the region's width asks for. Labels do not wrap by themselves."""
    scale = context.preferences.system.ui_scale
    region = getattr(context, "region", None)
    width = region.width / scale if region is not None and region.width > 1 else _WIDTH
    letters = max(_NARROWEST, int((width - _MARGIN) / _LETTER))
    column = layout.column(align=True)
    for i, line in enumerate(textwrap.wrap(iface_(sentence), letters) or [""]):
        column.label(text=line, icon=icon if i == 0 else ("BLANK1" if icon != "NONE" else "NONE"), translate=False)


def duration(seconds: float) -> str:
    """45 -> '45 s', 100 -> '1 min 40 s', 4000 -> '1 h 07 min'."""
    whole = round(seconds)
    if whole < 60:
        return iface_("{} s").format(whole)
    if whole < 3600:
        return iface_("{} min {:02d} s").format(whole // 60, whole % 60)
    return iface_("{} h {:02d} min").format(whole // 3600, whole % 3600 // 60)


def plural(count: int, one: str, many: str) -> str:
    """plural(3, '{} drawing', '{} drawings') -> '3 drawings'. Whole phrases, so that they can be translated."""
    return iface_(one if count == 1 else many).format(count)
