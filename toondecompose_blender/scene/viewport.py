"""After an import, 3D views show what was imported: through its camera, with its drawings."""

from __future__ import annotations

from typing import Any


def look_through_camera(context: Any) -> None:
    """Turn the 3D views of the window to the scene's camera, and from shapes without pictures to Material Preview."""
    for area in context.screen.areas if context.screen else ():
        if area.type != "VIEW_3D":
            continue
        space = area.spaces.active
        space.region_3d.view_perspective = "CAMERA"
        space.overlay.show_relationship_lines = False  # one per plane, all across the picture
        if space.shading.type in {"SOLID", "WIREFRAME"}:
            space.shading.type = "MATERIAL"
