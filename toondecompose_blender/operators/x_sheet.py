"""The exposure sheet's operators. Frames are the scene's; a re-timed sprite's own frames are worked out from them."""

from __future__ import annotations

from typing import Any

import bpy

from toondecompose.formats.errors import UserError

from ..sprite import motion, sheet
from ..sprite.retime import clip_range
from ..sprite.timing import Source, read_sheet, source_of, write_sheet
from .sprite_base import Dialog, SpriteOperator


def _playhead(context: Any, source: Source) -> int:
    """The action's whole frame under the playhead."""
    return source.playhead(context.scene.frame_current_final)


class RangeProperties:
    """First and last frame of the sheet; both 0 for the whole clip."""

    first: bpy.props.IntProperty(name="First", default=0, description="First frame of the sheet; 0 and 0 for all")
    last: bpy.props.IntProperty(name="Last", default=0, description="Last frame of the sheet; 0 and 0 for all")

    def frames(self, sprite: Any) -> tuple[int, int]:
        if self.first == 0 and self.last == 0:
            return clip_range(sprite)
        if self.last < self.first:
            raise UserError(f"The last frame ({self.last}) comes before the first ({self.first}); exchange them.")
        return self.first, self.last


class TOONDECOMPOSE_OT_sheet_expose(SpriteOperator, bpy.types.Operator):
    bl_idname = "toondecompose.sheet_expose"
    bl_label = "Expose Drawing"
    bl_description = "Show a drawing from the current frame on. 0 shows nothing"

    number: bpy.props.IntProperty(name="Drawing", default=1, min=0, description="0 shows nothing")
    length: bpy.props.IntProperty(name="Frames", default=0, min=0,
                                  description="For how many frames; 0 lasts until the next key")

    def act(self, context: Any, sprite: Any) -> str:
        _check_number(sprite, self.number)
        source = source_of(sprite)
        frame = _playhead(context, source)
        write_sheet(source, sheet.expose(read_sheet(source), frame, self.number, self.length))
        return ""


class TOONDECOMPOSE_OT_sheet_hold(SpriteOperator, bpy.types.Operator):
    bl_idname = "toondecompose.sheet_hold"
    bl_label = "Hold Drawing"
    bl_description = "Hold the drawing of the current frame for some frames"

    length: bpy.props.IntProperty(name="Frames", default=2, min=1, description="How long it is held from this frame on")
    push: bpy.props.BoolProperty(name="Push Later Drawings", default=False,
                                 description="Move what follows instead of covering it")

    def act(self, context: Any, sprite: Any) -> str:
        source = source_of(sprite)
        frame = _playhead(context, source)
        write_sheet(source, sheet.hold(read_sheet(source), frame, self.length, self.push))
        return ""


class TOONDECOMPOSE_OT_sheet_step(SpriteOperator, RangeProperties, bpy.types.Operator):
    bl_idname = "toondecompose.sheet_step"
    bl_label = "Step Drawings"
    bl_description = "Put the drawings on ones, twos, threes: each is held that long, those between are left out"

    step: bpy.props.IntProperty(name="On", default=2, min=1, max=100,
                             description="1 for ones, 2 for twos, 3 for threes")
    with_motion: bpy.props.BoolProperty(
        name="With Motion", default=False,
        description="Also hold the motion in these steps, by a Stepped modifier that can be removed again")

    def act(self, context: Any, sprite: Any) -> str:
        source = source_of(sprite)
        first, last = self.frames(sprite)
        write_sheet(source, sheet.restep(read_sheet(source), first, last, self.step))
        if self.with_motion:
            motion.step_motion(source_of(sprite, "location", 0), self.step, first)
        return ""


class TOONDECOMPOSE_OT_sheet_reverse(SpriteOperator, RangeProperties, bpy.types.Operator):
    bl_idname = "toondecompose.sheet_reverse"
    bl_label = "Reverse Drawings"
    bl_description = "Play the drawings backwards"

    with_motion: bpy.props.BoolProperty(name="With Motion", default=False, description="Also play the motion backwards")

    def act(self, context: Any, sprite: Any) -> str:
        source = source_of(sprite)
        first, last = self.frames(sprite)
        write_sheet(source, sheet.reverse(read_sheet(source), first, last))
        if self.with_motion:
            motion.reverse_motion(source_of(sprite, "location", 0), first, last)
        return ""


class TOONDECOMPOSE_OT_sheet_loop(Dialog, SpriteOperator, RangeProperties, bpy.types.Operator):
    bl_idname = "toondecompose.sheet_loop"
    bl_label = "Loop Cycle"
    bl_description = "Repeat a cycle of drawings behind itself"

    until: bpy.props.IntProperty(name="Until", default=0,
                                 description="Frame of the sheet up to which it repeats; 0 for the scene's last frame")

    def suggest(self, context: Any, sprite: Any) -> None:
        # what was shown so far is the cycle
        self.first = clip_range(sprite)[0]
        self.last = max(self.first, _playhead(context, source_of(sprite)))
        self.until = context.scene.frame_end

    def act(self, context: Any, sprite: Any) -> str:
        source = source_of(sprite)
        first, last = self.frames(sprite)
        until = self.until or context.scene.frame_end
        if until <= last:
            raise UserError(f"The cycle ends on frame {last}, so it cannot repeat until frame {until}; "
                            "choose a later frame, or a shorter cycle.")
        write_sheet(source, sheet.loop(read_sheet(source), first, last, until))
        return ""


class TOONDECOMPOSE_OT_sheet_swap(Dialog, SpriteOperator, bpy.types.Operator):
    bl_idname = "toondecompose.sheet_swap"
    bl_label = "Swap Drawings"
    bl_description = "Exchange two drawings everywhere in the sheet"

    one: bpy.props.IntProperty(name="Drawing", default=1, min=0)
    other: bpy.props.IntProperty(name="With", default=2, min=0)

    def suggest(self, context: Any, sprite: Any) -> None:
        source = source_of(sprite)
        self.one = read_sheet(source).at(source.action_frame(context.scene.frame_current_final))
        self.other = self.one % max(1, sprite["td_drawings"]) + 1

    def act(self, context: Any, sprite: Any) -> str:
        _check_number(sprite, self.one)
        _check_number(sprite, self.other)
        source = source_of(sprite)
        write_sheet(source, sheet.swap(read_sheet(source), self.one, self.other))
        return ""


def _check_number(sprite: Any, number: int) -> None:
    if number > sprite["td_drawings"]:
        raise UserError(f"“{sprite.name}” has {sprite['td_drawings']} drawings, so there is no drawing {number}; "
                        "add one from a file first.")


CLASSES = (TOONDECOMPOSE_OT_sheet_expose, TOONDECOMPOSE_OT_sheet_hold, TOONDECOMPOSE_OT_sheet_step,
           TOONDECOMPOSE_OT_sheet_reverse, TOONDECOMPOSE_OT_sheet_loop, TOONDECOMPOSE_OT_sheet_swap)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
