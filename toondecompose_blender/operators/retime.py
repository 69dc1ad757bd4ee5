"""Operators that re-time the selected sprites without touching their keys."""

from __future__ import annotations

import math
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..sprite import retime
from ..sprite.timing import sources
from .sprite_base import Dialog, SpriteOperator, chosen_sprites


class DrawingsOnly:
    """Whether the motion keeps its time."""

    drawings_only: bpy.props.BoolProperty(name="Drawings Only", default=False,
                                          description="Re-time the drawings alone; the motion keeps its timing")


class Extend:
    """Whether the scene's frame range follows."""

    extend: bpy.props.BoolProperty(name="Extend Frame Range", default=False,
                                   description="Let the scene end no earlier than the selected sprites")

    def extend_range(self, context: Any) -> None:
        ends = [source.strip.frame_end for sprite in chosen_sprites(context) for source in sources(sprite)
                if source.strip is not None]
        if self.extend and ends:
            # a strip's last frame begins where the strip ends
            context.scene.frame_end = max(context.scene.frame_end, math.floor(max(ends) + 1e-3))


class TOONDECOMPOSE_OT_retime_speed(SpriteOperator, DrawingsOnly, Extend, bpy.types.Operator):
    bl_idname = "toondecompose.retime_speed"
    bl_label = "Set Speed"
    bl_description = "Play the selected sprites at a speed, by an NLA strip; their keys stay as they are"

    percent: bpy.props.FloatProperty(name="Speed", default=50.0, min=retime.SPEED_RANGE[0], max=retime.SPEED_RANGE[1],
                                     soft_min=10.0, soft_max=400.0, subtype="PERCENTAGE",
                                     description="100 is the clip's own speed")
    backwards: bpy.props.BoolProperty(name="Backwards", default=False, description="Play from the end to the start")

    def act(self, context: Any, sprite: Any) -> str:
        for one in chosen_sprites(context):
            retime.set_speed(one, self.percent, self.drawings_only, self.backwards)
        self.extend_range(context)
        return ""


class TOONDECOMPOSE_OT_retime_fit(Dialog, SpriteOperator, DrawingsOnly, Extend, bpy.types.Operator):
    bl_idname = "toondecompose.retime_fit"
    bl_label = "Fit to Length"
    bl_description = "Play the selected sprites in a number of frames"

    frames: bpy.props.IntProperty(name="Frames", default=48, min=1, max=1_000_000,
                                  description="How many frames of the scene the whole clip takes")
    backwards: bpy.props.BoolProperty(name="Backwards", default=False, description="Play from the end to the start")

    def suggest(self, context: Any, sprite: Any) -> None:
        first, last = retime.clip_range(sprite)
        self.frames = last - first + 1

    def act(self, context: Any, sprite: Any) -> str:
        for one in chosen_sprites(context):
            retime.fit(one, self.frames, self.drawings_only, self.backwards)
        self.extend_range(context)
        return ""


class TOONDECOMPOSE_OT_retime_curve(SpriteOperator, DrawingsOnly, bpy.types.Operator):
    bl_idname = "toondecompose.retime_curve"
    bl_label = "Add Time Curve"
    bl_description = "Let a curve say which frame the selected sprites play when; edit it in the Graph Editor"

    def act(self, context: Any, sprite: Any) -> str:
        for one in chosen_sprites(context):
            retime.time_curve(one, self.drawings_only)
        return ""


class TOONDECOMPOSE_OT_retime_key(SpriteOperator, bpy.types.Operator):
    bl_idname = "toondecompose.retime_key"
    bl_label = "Set Time Key"
    bl_description = "Key which of its frames the sprite plays on the current frame, on its time curve"

    frame: bpy.props.FloatProperty(name="Plays Frame", default=1.0, description="Frame of the sprite's own keys")

    def act(self, context: Any, sprite: Any) -> str:
        retime.set_time_key(sprite, context.scene.frame_current, self.frame)
        return ""


class TOONDECOMPOSE_OT_retime_restore(SpriteOperator, bpy.types.Operator):
    bl_idname = "toondecompose.retime_restore"
    bl_label = "Restore Timing"
    bl_description = "Give the selected sprites back their own timing; changes of their keys stay"

    def act(self, context: Any, sprite: Any) -> str:
        count = sum(retime.restore(one) for one in chosen_sprites(context))
        return "" if count else rpt_("The sprites had their own timing already")


CLASSES = (TOONDECOMPOSE_OT_retime_speed, TOONDECOMPOSE_OT_retime_fit, TOONDECOMPOSE_OT_retime_curve,
           TOONDECOMPOSE_OT_retime_key, TOONDECOMPOSE_OT_retime_restore)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
