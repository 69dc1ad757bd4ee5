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
