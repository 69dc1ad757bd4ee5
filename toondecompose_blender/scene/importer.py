"""A result folder becomes a scene. Everything is checked before anything is made, and a failure leaves the file as
it was."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from toondecompose.formats.errors import UserError
from toondecompose.formats.png_header import read_png_depth
from toondecompose.formats.result import RESULT_FILE, Result, Sprite, read_result, result_folder

from . import actions, camera, joining, materials, planes
from . import homography as hg
from .channels import SHEAR, Channel, sprite_channels
from .naming import CLIP, SPRITE, give_key

_NUMBERED = re.compile(r"^(.*?)(\d+)(\.[^.]+)$")


@dataclass(frozen=True)
class ImportOptions:
    """How a result comes in. scene: 'NEW' | 'CURRENT'. colour: 'RAW' | 'STANDARD'. simplify_px: 0 keeps a key per
    frame. depth_spacing: distance between neighbouring planes as a share of the camera's distance. compositor: one
    view layer per sprite and a node tree that stacks them."""

    scene: str = "NEW"
    colour: str = "RAW"
    simplify_px: float = 0.0
    depth_spacing: float = 0.05
    compositor: bool = True


@dataclass
class Imported:
    """What an import made. sprites: back to front. warnings: sentences for the animator."""

    scene: Any
    root: Any
    camera: Any
    collection: Any
    sprites: list[Any] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass
class _Plan:
    """One sprite, checked and ready to be made."""

    sprite: Sprite
    first_file: Path
    first_number: int
    channels: list[Channel]
    margin_px: float


def import_result(context: Any, folder: str | Path, options: ImportOptions | None = None) -> Imported:
    """Import a result folder (or its result.json). UserError says in one sentence what is wrong with it, and then
    nothing was changed."""
    options = options or ImportOptions()
    result = read_result(folder)
    folder = result_folder(folder)
    model = hg.camera_for(result.clip.size, any(
        hg.needs_perspective(_shown(sprite), sprite.canvas_size) for sprite in result.sprites))
    plans = [_plan(result, sprite, folder, model, options) for sprite in result.sprites]
    with joining.unchanged_on_failure(context):
        return _make(context, folder, result, plans, model, options)


def _shown(sprite: Sprite) -> Any:
    shown = [drawing is not None for drawing in sprite.exposure]
    return sprite.transform[shown] if any(shown) else sprite.transform[:1]


def _plan(result: Result, sprite: Sprite, folder: Path, model: hg.CameraModel, options: ImportOptions) -> _Plan:
    first_file, number = numbered_sequence(folder, sprite)
    try:
        channels = sprite_channels(sprite.transform, sprite.exposure, sprite.opacity, sprite.canvas_size, model,
                                   result.clip.frame_start, options.simplify_px)
    except ValueError as error:
        frame = result.clip.frame_start + error.args[1]
        raise UserError(f"“{sprite.name}” is tilted beyond the horizon on frame {frame}, which no plane can show; "
                        "decompose again with a simpler motion model.") from error
    steepest = max((abs(c.values).max() for c in channels if c.path == SHEAR), default=0.0)
    if steepest > planes.SHEAR_LIMIT:
        raise UserError(f"“{sprite.name}” leans too far for Blender (shear {steepest:.0f}, at most "
                        f"{planes.SHEAR_LIMIT:.0f} is possible); decompose again with a simpler motion model.")
    farthest = sprite.kind == "background" and sprite is result.sprites[0]
    margin = hg.margin_to_cover(_shown(sprite), sprite.canvas_size, result.clip.size) if farthest else 0.0
    return _Plan(sprite, first_file, number, channels, margin)


def numbered_sequence(folder: Path, sprite: Sprite) -> tuple[Path, int]:
    """(file of the first drawing, its number). Blender plays drawings as an image sequence, so they must be one."""
    start = _NUMBERED.match(sprite.drawings[0])
    for i, drawing in enumerate(sprite.drawings):
        parts = _NUMBERED.match(drawing)
        expected = start and f"{start[1]}{int(start[2]) + i:0{len(start[2])}d}{start[3]}"
        if not parts or drawing != expected:
            raise UserError(f"“{sprite.name}”: its drawings must be numbered without gaps (0001.png, 0002.png, …) to "
                            f"play in Blender, but drawing {i + 1} is “{drawing}”; rename them there and in "
                            f"{RESULT_FILE}.")
    return folder / sprite.drawings[0], int(start[2])


def _make(context: Any, folder: Path, result: Result, plans: list[_Plan], model: hg.CameraModel,
          options: ImportOptions) -> Imported:
    clip = result.clip
    new_scene = options.scene == "NEW"
    scene = bpy.data.scenes.new(clip.name) if new_scene else context.scene
    collection = bpy.data.collections.new(clip.name)
    scene.collection.children.link(collection)
    root = _new_root(folder, result, options, collection)
    shot = camera.new_camera(f"{clip.name} Camera", model, root, collection)
    shot[CLIP + "_camera"] = True
    done = Imported(scene, root, shot, collection)
    for plan in plans:
        done.sprites.append(_new_sprite(plan, model, root, collection, options))
    planes.space_planes(done.sprites, shot.data, options.depth_spacing)
    if new_scene:
        camera.match_clip(scene, clip.size, clip.fps, clip.frame_start, clip.frame_start + clip.frame_count - 1)
        camera.exact_render(scene, options.colour)
        scene.camera = shot
    else:
        joining.fit_in(scene, result, shot, done.warnings)
        joining.hide_from_sprite_layers(scene, collection)
    if options.compositor:
        working = joining.stack(scene, collection, done.sprites, done.warnings)
    else:
        working = scene.view_layers[0] if new_scene else context.view_layer
    if context.window:
        context.window.scene = scene
        context.window.view_layer = working
    _activate(working, done.sprites)
    return done


def _activate(layer: Any, sprites: list[Any]) -> None:
    """Select the nearest sprite alone, so that its drawings and keys are in view at once."""
    for obj in layer.objects:
        obj.select_set(False, view_layer=layer)
    nearest = next((s for s in reversed(sprites) if s["td_kind"] == "sprite"), sprites[-1])
    if nearest.name in layer.objects:
        nearest.select_set(True, view_layer=layer)
        layer.objects.active = nearest


def _new_root(folder: Path, result: Result, options: ImportOptions, collection: Any) -> Any:
    clip = result.clip
    root = bpy.data.objects.new(clip.name, None)
    root.empty_display_size = 0.5
    collection.objects.link(root)
    root[CLIP] = clip.name
    root["td_folder"] = relative_path(folder)
    root["td_size"] = list(clip.size)
    root["td_fps"], root["td_frame_start"], root["td_frame_count"] = clip.fps, clip.frame_start, clip.frame_count
    root["td_colour"] = options.colour
    root["td_spacing"] = options.depth_spacing
    if result.unresolved:
        root["td_unresolved"] = result.unresolved
    return root


def relative_path(path: Path) -> str:
    """The path as the .blend file should remember it: relative once the file is saved."""
    path = os.path.abspath(path)
    try:
        return bpy.path.relpath(path) if bpy.data.filepath else path
    except ValueError:  # another drive on Windows
        return path


def _new_sprite(plan: _Plan, model: hg.CameraModel, root: Any, clip: Any, options: ImportOptions) -> Any:
    sprite = plan.sprite
    own = bpy.data.collections.new(sprite.name)
    clip.children.link(own)
    plane = planes.new_plane(sprite.name, sprite.canvas_size, model, root, own, plan.margin_px)
    plane[SPRITE] = sprite.name
    give_key(plane, bpy.data.objects)
    plane["td_order"], plane["td_kind"] = sprite.order, sprite.kind
    plane["td_confidence"] = sprite.confidence
    plane["td_canvas"] = list(sprite.canvas_size)
    plane["td_drawings"], plane["td_first"] = len(sprite.drawings), plan.first_number
    planes.add_timed_properties(plane)
    if any(channel.path == SHEAR for channel in plan.channels):
        planes.add_shear(plane)
    image = materials.load_drawings(plan.first_file, f"{sprite.name} drawings", options.colour)
    image.filepath = relative_path(plan.first_file)
    depth = read_png_depth(plan.first_file)
    plane.data.materials.append(materials.new_material(plane, image, plan.first_number, depth))
    actions.new_action(plane, sprite.name, plan.channels)
    return plane
