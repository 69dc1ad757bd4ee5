"""Hint layers: an annotation layer per sprite, in a colour of its own, to draw hints on."""

from __future__ import annotations

import colorsys
from typing import Any

import bpy

from .. import results, versions
from ..sprite import hints
from .refine import layers_in_view, previews

_THICKNESS_PX = 6
_GOLDEN = (5**0.5 - 1) / 2  # steps of hue that never come near one another


class TOONDECOMPOSE_OT_hint_layers(bpy.types.Operator):
    bl_idname = "toondecompose.hint_layers"
    bl_label = "Add Hint Layers"
    bl_description = ("Make an annotation layer for every sprite, each in its own colour, and one for what was not "
                      "found, to draw on over the preview")
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        scene = versions.sequencer_scene(context)
        if scene is None or results.active(scene) is None:
            cls.poll_message_set("Decompose a strip first")
            return False
        if all(space.view_type == "SEQUENCER" for space in previews(context)):
            cls.poll_message_set("Open a Sequencer with a preview first")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        entry = results.active(versions.sequencer_scene(context))
        names = [sprite.name for sprite in entry.sprites] + [hints.NEW]
        spaces = previews(context)
        data = next(filter(None, map(versions.annotation_of, spaces)), None)
        for space in spaces:  # a preview beside the strips has an annotation of its own
            if versions.annotation_of(space) is None:
                data = data or versions.new_annotation(space, f"{entry.name} hints")
                versions.set_annotation(space, data)
        add_layers(data, names)
        draw_on(context, data, names[0])
        return {"FINISHED"}


class TOONDECOMPOSE_OT_hint_choose(bpy.types.Operator):
    bl_idname = "toondecompose.hint_choose"
    bl_label = "Draw Hints Here"
    bl_description = "Draw on this sprite's layer with the Annotate tool"
    bl_options = {"REGISTER", "INTERNAL"}

    layer: bpy.props.StringProperty(name="Layer", description="Name of the annotation layer")

    def execute(self, context: Any) -> set[str]:
        data = next((layer.id_data for layer, _ in layers_in_view(context) if layer.info == self.layer), None)
        if data is None:
            return {"CANCELLED"}
        draw_on(context, data, self.layer)
        return {"FINISHED"}


def add_layers(data: Any, names: list[str]) -> None:
    """Layers for the names that have none yet."""
    known = {layer.info for layer in data.layers}
    for i, name in enumerate(names):
        if name not in known:
            layer = data.layers.new(name)
            layer.color = colorsys.hsv_to_rgb(i * _GOLDEN % 1, 0.85, 1.0)
            layer.thickness = _THICKNESS_PX


def draw_on(context: Any, data: Any, name: str) -> None:
    """Make a layer the active one, and Annotate the tool of the previews."""
    data.layers.active_index = next(i for i, layer in enumerate(data.layers) if layer.info == name)
    if bpy.app.background:
        return
    for area in context.screen.areas:
        if area.type == "SEQUENCE_EDITOR" and area.spaces.active.view_type != "SEQUENCER":
            with context.temp_override(area=area):
                bpy.ops.wm.tool_set_by_id(name="builtin.annotate")


def is_active(context: Any, layer: Any) -> bool:
    """Whether strokes go to a layer."""
    layers = layer.id_data.layers
    return 0 <= layers.active_index < len(layers) and layers[layers.active_index] == layer


CLASSES = (TOONDECOMPOSE_OT_hint_layers, TOONDECOMPOSE_OT_hint_choose)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
