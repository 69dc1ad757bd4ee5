"""The one file that knows that Blender versions differ (4.2 to 5.2). Nobody else asks for the version.

Each function says what is different and where; features are looked for, not version numbers, wherever that is safe.
"""

from __future__ import annotations

from typing import Any

import bpy

# -- Video Sequencer ---------------------------------------------------------------------------------------------


def sequencer_scene(context: Any) -> Any:
    """The scene whose strips the Sequencer shows. 5.0 lets a workspace pin one; there it is None until it is set."""
    return getattr(context, "sequencer_scene", None) or context.scene


def top_strips(editor: Any) -> Any:
    """The strips of a sequence editor or a meta strip. 4.4 renamed `sequences` to `strips`.

    Not `editor.strips or editor.sequences`: an empty collection is false.
    """
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def all_strips(editor: Any) -> Any:
    """The strips of a sequence editor including those inside meta strips."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def strip_handles(strip: Any) -> tuple[int, int]:
    """(first shown frame, frame after the last shown one). 5.2 renamed them; the old names go in 6.0."""
    if hasattr(strip, "left_handle"):
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def strip_content(strip: Any) -> tuple[int, int]:
    """(scene frame of the strip's first picture, number of pictures between the animation offsets)."""
    if hasattr(strip, "content_start"):
        return int(strip.content_start), int(strip.content_duration)
    return int(strip.frame_start), int(strip.frame_duration)


def content_trims(strip: Any) -> tuple[int, int]:
    """Pictures that are cut off before and after the content, files and all. 5.2 renamed the animation offsets."""
    if hasattr(strip, "content_trim_start"):
        return int(strip.content_trim_start), int(strip.content_trim_end)
    return int(strip.animation_offset_start), int(strip.animation_offset_end)


def move_strip(strip: Any, frames: int) -> None:
    """Move a strip with its handles along the time line."""
    name = "content_start" if hasattr(strip, "content_start") else "frame_start"
    setattr(strip, name, getattr(strip, name) + frames)


def set_strip_handles(strip: Any, left: int, right: int) -> None:
    """Trim a strip to the frames left..right-1."""
    first, last = ("left_handle", "right_handle") if hasattr(strip, "left_handle") else (
        "frame_final_start", "frame_final_end")
    setattr(strip, last, right)
    setattr(strip, first, left)


def retiming_count(strip: Any) -> int:
    """How many retiming keys a strip has. Image strips got them in 4.5."""
    return len(getattr(strip, "retiming_keys", ()))


# -- Rendering ---------------------------------------------------------------------------------------------------


def set_png_output(scene: Any) -> None:
    """8-bit RGB PNG files. 5.0 asks for the kind of medium before it accepts a picture's format."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"
    settings.color_mode = "RGB"
    settings.color_depth = "8"
    settings.compression = 15
    settings.color_management = "FOLLOW_SCENE"


def blender_version_label() -> str:
    """For logs and reports."""
    return bpy.app.version_string


# -- Actions -----------------------------------------------------------------------------------------------------


def assign_action(datablock: Any, action: Any, slot: Any = None) -> None:
    """Make an action drive a data-block. From 4.4 on, nothing moves without a slot: the given, the first, or a new one."""
    data = datablock.animation_data_create()
    data.action = action
    if action is not None and hasattr(action, "slots"):
        data.action_slot = slot or (action.slots[0] if len(action.slots) else
                                    action.slots.new(datablock.id_type, datablock.name))


def curve_home(action: Any, slot: Any = None, ensure: bool = False) -> Any:
    """What has `.fcurves` and `.groups` for a slot of an action (default: its first slot): the action itself before 4.4,
    the channelbag since. None if there is none and ensure is false."""
    if not hasattr(action, "slots"):
        return action
    slot = slot or (action.slots[0] if len(action.slots) else None)
    if slot is None:
        return None
    if not len(action.layers):
        if not ensure:
            return None
        action.layers.new("Layer")
    layer = action.layers[0]
    strip = layer.strips[0] if len(layer.strips) else (layer.strips.new(type="KEYFRAME") if ensure else None)
    return strip.channelbag(slot, ensure=ensure) if strip else None


def new_curve(datablock: Any, action: Any, path: str, index: int, group: str) -> Any:
    """A new f-curve in a group. 4.4 to 4.5 can only be told the group afterwards, and each version names it otherwise."""
    if not hasattr(action, "slots"):
        return action.fcurves.new(path, index=index, action_group=group)
    data = datablock.animation_data
    home = curve_home(action, data.action_slot if data and data.action == action else None, ensure=True)
    try:
        return home.fcurves.new(path, index=index, group_name=group)
    except TypeError:
        curve = home.fcurves.new(path, index=index)
        curve.group = home.groups.get(group) or home.groups.new(group)
        return curve


def set_strip_slot(strip: Any, slot: Any) -> None:
    """The slot of an NLA strip's action, which 4.4 and later need."""
    if slot is not None and hasattr(strip, "action_slot"):
        strip.action_slot = slot


# -- Materials and colour ----------------------------------------------------------------------------------------


def enable_material_nodes(material: Any) -> Any:
    """The material's emptied node tree. Since 5.0 every material has one, and asking for it is deprecated."""
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    material.node_tree.nodes.clear()
    return material.node_tree


def scene_linear_name() -> str:
    """The colour space in which Blender computes. Pictures tagged with it keep their values and still count as colour, so
    that their alpha is associated before they are filtered ('Non-Color' data is not). 5.0 lets a file choose it."""
    settings = getattr(bpy.data, "colorspace", None)
    return getattr(settings, "working_space", "Linear Rec.709") if settings else "Linear Rec.709"
