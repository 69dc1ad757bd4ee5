"""The camera that matches the frame, and the scene's settings that reproduce the source's pixels."""

from __future__ import annotations

from typing import Any

import bpy

from .homography import CameraModel

_SENSOR_MM = 36.0
_FAR_UNITS = 1e5  # planes of a multiplane shot may stand very far behind one another


def new_camera(name: str, model: CameraModel, root: Any, collection: Any) -> Any:
    """A camera object at the root's origin, looking along -Z with Y up, that sees exactly the frame."""
    data = bpy.data.cameras.new(name)
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = _SENSOR_MM
    data.clip_start, data.clip_end = 0.01, _FAR_UNITS
    if model.perspective:
        data.type = "PERSP"
        data.lens = model.focal_px / model.size[0] * _SENSOR_MM
    else:
        data.type = "ORTHO"
        data.ortho_scale = model.size[0] / model.pixels_per_unit
    data.show_passepartout, data.passepartout_alpha = True, 0.9
    camera = bpy.data.objects.new(name, data)
    camera.parent = root
    collection.objects.link(camera)
    return camera


def set_fps(scene: Any, fps: float) -> None:
    """Frames per second; 23.976 becomes 24 / 1.001 as Blender wants it."""
    whole = max(1, round(fps))
    scene.render.fps, scene.render.fps_base = whole, whole / fps


def match_clip(scene: Any, size: tuple[int, int], fps: float, first: int, last: int) -> None:
    """Frame size in px, rate and range of the clip."""
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
    set_fps(scene, fps)
    scene.frame_start, scene.frame_end = first, last
    scene.frame_set(first)


def exact_render(scene: Any, colour: str) -> None:
    """Cycles settings that give the drawings' own values back. colour: 'RAW' mixes display values, as 2D animation
    does; 'STANDARD' mixes light."""
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples = 1
    cycles.use_adaptive_sampling = cycles.use_denoising = False
    cycles.max_bounces = 0
    cycles.transparent_max_bounces = 64
    cycles.min_transparent_bounces = 64  # the default, 0, ends rays at random: noise in stacked soft alpha
    cycles.pixel_filter_type = "BLACKMAN_HARRIS"
    cycles.filter_width = 0.01  # only the pixel's centre is sampled: no blur, and whole-pixel moves stay exact
    scene.render.film_transparent = True
    scene.render.dither_intensity = 0.0
    view = scene.view_settings
    view.view_transform = "Raw" if colour == "RAW" else "Standard"
    view.look = "None"
    view.exposure, view.gamma = 0.0, 1.0
    view.use_curve_mapping = False
