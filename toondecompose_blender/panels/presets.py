"""Named sets of the panel's settings, kept by Blender as it keeps all presets."""

from __future__ import annotations

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

_FOLDER = "toondecompose"
_SCENE = "(getattr(bpy.context, 'sequencer_scene', None) or bpy.context.scene)"


class TOONDECOMPOSE_OT_preset_add(AddPresetBase, bpy.types.Operator):
    bl_idname = "toondecompose.preset_add"
    bl_label = "Add Decompose Preset"
    bl_description = "Keep these settings under a name, or remove the chosen preset"
    preset_menu = "TOONDECOMPOSE_PT_presets"
    preset_subdir = _FOLDER
    preset_defines = [f"settings = {_SCENE}.toondecompose"]
    preset_values = [f"settings.{name}" for name in (
        "count_mode", "count", "quality", "device", "motion_model", "seed", "diagnostics", "import_when_done")]


class TOONDECOMPOSE_PT_presets(PresetPanel, bpy.types.Panel):
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "HEADER"
    bl_label = "Decompose Presets"
    preset_subdir = _FOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = "toondecompose.preset_add"


_CLASSES = (TOONDECOMPOSE_OT_preset_add, TOONDECOMPOSE_PT_presets)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
