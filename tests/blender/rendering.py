"""Rendering and looking at scenes, for tests inside Blender."""

import bpy
import numpy as np
from result_folders import premultiplied, read_png


def render(scene, frame, path):
    """Render one frame of a scene -> float64 premultiplied RGBA [h, w, 4], 0..255."""
    bpy.context.window.scene = scene  # stills of another scene show the animation of the frame where it was left
    scene.frame_set(frame)
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    return premultiplied(read_png(path))


def shown(scene, obj, frame):
    """The evaluated object at a frame."""
    scene.frame_set(frame)
    return obj.evaluated_get(scene.view_layers[0].depsgraph)


def fresh():
    """An empty file without undo history of earlier tests."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context


def block_names():
    """The names of all data-blocks of the file."""
    return {
        p.identifier: sorted(b.name for b in getattr(bpy.data, p.identifier))
        for p in bpy.data.bl_rna.properties
        if p.type == "COLLECTION"
    }


def differences(rendered, expected):
    """(mean, max) difference of two premultiplied pictures, rounded to 8 bits as a file would."""
    d = np.abs(np.round(rendered) - np.round(expected))
    return d.mean(), d.max()


def worst(rendered, expected):
    """The largest difference of two premultiplied pictures, rounded to 8 bits."""
    return differences(rendered, expected)[1]
