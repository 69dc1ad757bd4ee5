"""What all operators on imported sprites share: when they can run, which sprites they take, how they say what is
wrong."""

from __future__ import annotations

from typing import Any

from toondecompose.formats.errors import UserError

from ..scene.naming import clip_root, is_sprite

_NO_SPRITE = "Select the plane of an imported sprite first"


class SpriteOperator:
    """Works on the active sprite. Subclasses write `act(context, sprite)`, which may raise UserError."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not is_sprite(context.object):
            cls.poll_message_set(_NO_SPRITE)
            return False
        return True

    def target(self, context: Any) -> Any:
        """What act() works on."""
        return context.object

    def execute(self, context: Any) -> set[str]:
        try:
            message = self.act(context, self.target(context))
        except UserError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        if message:
            self.report({"INFO"}, message)
        for area in context.screen.areas if context.screen else ():
            area.tag_redraw()
        return {"FINISHED"}


class Dialog:
    """Asks before it acts: its settings have no values that are right for every sprite. Subclasses write
    `suggest(context, sprite)`, which fills in the likeliest ones. (Those that act at once are adjusted afterwards, in
    Adjust Last Operation.)"""

    def invoke(self, context: Any, event: Any) -> set[str]:
        try:
            self.suggest(context, context.object)
        except UserError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return context.window_manager.invoke_props_dialog(self)


class ClipOperator(SpriteOperator):
    """Works on a clip: `act(context, root)`. Any object of the clip may be active; with one clip, none need be."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        if chosen_root(context) is None:
            cls.poll_message_set("Select a sprite, or anything of its imported clip, first")
            return False
        return True

    def target(self, context: Any) -> Any:
        return chosen_root(context)


def chosen_root(context: Any) -> Any:
    """The clip of the active object, or the scene's only clip."""
    from ..scene.naming import scene_roots

    root = clip_root(context.object)
    if root is not None:
        return root
    roots = scene_roots(context.scene)
    return roots[0] if len(roots) == 1 else None


def chosen_sprites(context: Any) -> list[Any]:
    """The selected sprites, and the active one."""
    chosen = [obj for obj in context.selected_objects if is_sprite(obj)]
    if is_sprite(context.object) and context.object not in chosen:
        chosen.append(context.object)
    return chosen
