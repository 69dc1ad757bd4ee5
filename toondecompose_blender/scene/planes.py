"""A sprite's plane: a rectangle of the canvas's size about its centre, and how far away it stands."""

from __future__ import annotations

from typing import Any

import bpy
from mathutils import Matrix

from .channels import DRAWING_NAME, OPACITY_NAME, SHEAR, SHEAR_NAME
from .homography import CameraModel
from .materials import drive_value

SHEAR_KEY = "Shear"
# Where the rectangle's triangles meet on its upper edge, as a share of the width. A quad's diagonal runs through
# many pixel centres exactly, and Cycles hits both triangles there: soft pixels get their alpha twice. These edges
# miss them.
_SPLIT = (5**0.5 - 1) / 2
SHEAR_LIMIT = 10.0  # Blender's own limit for a shape key's value; steeper than any drawing


def new_plane(name: str, canvas: tuple[int, int], model: CameraModel, root: Any, collection: Any,
              margin_px: float = 0.0) -> Any:
    """A plane object of canvas px / pixels_per_unit units, origin at the canvas's centre, facing +Z, UV 0..1.

    margin_px: how far it reaches beyond the canvas on every side, UV as well; there the drawing's border repeats.
    """
    w, h = canvas[0] / model.pixels_per_unit / 2, canvas[1] / model.pixels_per_unit / 2
    grow = (1 + 2 * margin_px / canvas[0], 1 + 2 * margin_px / canvas[1])
    mesh = bpy.data.meshes.new(name)
    places = [(0.5 + (u - 0.5) * grow[0], 0.5 + (v - 0.5) * grow[1])
              for u, v in ((0, 0), (1, 0), (1, 1), (0, 1), (_SPLIT, 1))]
    faces = [(0, 1, 4), (1, 2, 4), (0, 4, 3)]
    mesh.from_pydata([((2 * u - 1) * w, (2 * v - 1) * h, 0) for u, v in places], [], faces)
    uv = mesh.uv_layers.new(name="UVMap")
    for loop, corner in enumerate(corner for face in faces for corner in face):
        uv.data[loop].uv = places[corner]
    plane = bpy.data.objects.new(name, mesh)
    plane.rotation_mode = "XYZ"
    plane.parent = root
    collection.objects.link(plane)
    return plane


def add_timed_properties(plane: Any) -> None:
    """The two properties that an artist keys: the exposed drawing and the opacity."""
    plane[DRAWING_NAME], plane[OPACITY_NAME] = 1, 1.0
    plane.id_properties_ui(DRAWING_NAME).update(
        min=0, soft_max=max(1, plane["td_drawings"]), description="Exposed drawing; 0 shows nothing")
    plane.id_properties_ui(OPACITY_NAME).update(min=0.0, max=1.0, description="Opacity of the sprite")


def add_shear(plane: Any) -> None:
    """The one thing location, rotation and scale cannot say: a shape key that shifts x by y, driven by the sprite."""
    plane[SHEAR_NAME] = 0.0
    plane.id_properties_ui(SHEAR_NAME).update(
        soft_min=-2.0, soft_max=2.0, min=-SHEAR_LIMIT, max=SHEAR_LIMIT, description="How far the top leans sideways")
    plane.shape_key_add(name="Basis")
    key = plane.shape_key_add(name=SHEAR_KEY)
    key.slider_min, key.slider_max = -SHEAR_LIMIT, SHEAR_LIMIT
    for point in key.data:
        point.co.x += point.co.y
    drive_shear(plane)


def drive_shear(plane: Any) -> None:
    """(Re)make the plane's shape key follow its own shear property."""
    keys = plane.data.shape_keys
    keys.name = plane.name
    drive_value(keys.key_blocks[SHEAR_KEY], "value", "m", {"m": SHEAR}, plane)


def set_depth(plane: Any, camera: Any, steps: float) -> None:
    """Stand a plane `steps` times its keyed distance further from the camera without changing the camera's picture.

    The matrix between the clip's root and the plane takes it: perspective cameras see a scaling about themselves as no
    change at all, orthographic ones a shift along their view. Keys stay as they are, so hand-edits survive.
    """
    if camera.type == "PERSP":
        plane.matrix_parent_inverse = Matrix.Scale(1.0 + steps, 4)
    else:
        plane.matrix_parent_inverse = Matrix.Translation((0.0, 0.0, -steps * camera.ortho_scale))


def space_planes(planes: list[Any], camera: Any, spacing: float) -> None:
    """Space planes (back to front) in depth; the front one stays. spacing: share of the camera distance per plane."""
    for place, plane in enumerate(planes):
        set_depth(plane, camera, spacing * (len(planes) - 1 - place))
