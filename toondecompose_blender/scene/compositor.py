"""The compositor tree of a clip: sprites over one another in order, each in a frame with its effect slots.

Every slot is prepared but muted, and muted nodes change nothing, so that the chain equals the direct render exactly.
Muting a sprite's alpha-over hides the sprite: the picture behind passes through.
"""

from __future__ import annotations

from typing import Any

import bpy

from .. import versions

COLOUR, BLUR, GLOW, SHADOW, OVER = "Colour", "Blur", "Glow", "Shadow", "Over"
_SHADOW_GROUP = "Sprite Shadow"
_NAME_BYTES = 63  # longest name that Blender keeps
_ROW = 420  # height of one sprite's frame in the node editor
_BLUR_PX = 8.0  # what a blur starts with when it is unmuted: visible at any size of frame
_GLOW_FROM = 0.5  # display value from which a glow starts


def node_name(kind: str, sprite: str) -> str:
    """The name of a sprite's node of a kind, e.g. 'Over: girl'."""
    return f"{kind}: {sprite}".encode()[:_NAME_BYTES].decode(errors="ignore")


def find(tree: Any, kind: str, sprite: str) -> Any:
    """A sprite's node of a kind, or None."""
    return tree.nodes.get(node_name(kind, sprite)) if tree else None


def build(scene: Any, name: str, sprites: list[str], source: Any) -> Any:
    """A new tree that composites the sprites (names, back to front).

    source(tree, sprite) makes the node that delivers a sprite's picture, and returns (node, image socket).
    """
    tree, final = versions.new_compositor_tree(scene, name)
    shadow = _shadow_group()
    nothing = tree.nodes.new("CompositorNodeRGB")
    nothing.label = "Nothing Behind"  # linked, because a muted node passes on a linked input before an unlinked one
    nothing.outputs[0].default_value = (0, 0, 0, 0)
    nothing.location = (4 * 240, 200)
    below = nothing.outputs[0]
    for row, sprite in enumerate(sprites):
        below = _chain(tree, sprite, source, shadow, below, -row * _ROW)
    tree.links.new(below, final)
    final.node.location = (6 * 240 + 160, -max(0, len(sprites) - 1) * _ROW)
    return tree


def _chain(tree: Any, sprite: str, source: Any, shadow: Any, below: Any, height: float) -> Any:
    """One sprite's frame of nodes over the picture `below`. Returns the socket of the picture with it."""
    frame = tree.nodes.new("NodeFrame")
    frame.name = node_name("Frame", sprite)
    frame.label = sprite
    node, picture = source(tree, sprite)
    chain = [node]
    for kind in (COLOUR, BLUR, GLOW, SHADOW):
        slot = _slot(tree, kind, shadow)
        tree.links.new(picture, slot.inputs["Image"])
        picture = slot.outputs[0]
        chain.append(slot)
        slot.name, slot.label, slot.mute = node_name(kind, sprite), kind, True
    over, background, foreground = versions.alpha_over(tree)
    over.name, over.label = node_name(OVER, sprite), sprite
    tree.links.new(below, background)
    tree.links.new(picture, foreground)
    for column, member in enumerate([*chain, over]):
        member.parent = frame
        member.location = (column * 240, height)
    return over.outputs[0]


def insert_above(tree: Any, under: str, sprite: str, source: Any) -> None:
    """Put another sprite's nodes directly in front of a sprite that is in the tree."""
    model = find(tree, OVER, under)
    targets = [link.to_socket for link in model.outputs[0].links]
    # beside its model, because every height is taken
    height = model.location.y + (model.parent.location.y if model.parent else 0.0) - _ROW / 2
    above = _chain(tree, sprite, source, _shadow_group(), model.outputs[0], height)
    for target in targets:
        tree.links.new(above, target)


def render_layer(scene: Any, layers: dict[str, str]) -> Any:
    """A source for build(): the sprites' view layers (sprite name -> view layer name)."""
    def source(tree: Any, sprite: str) -> tuple[Any, Any]:
        node = tree.nodes.new("CompositorNodeRLayers")
        node.scene, node.layer = scene, layers[sprite]
        node.name = node_name("Layer", sprite)
        return node, node.outputs["Image"]
    return source


def _slot(tree: Any, kind: str, shadow: Any) -> Any:
    if kind == COLOUR:
        return tree.nodes.new("CompositorNodeHueSat")
    if kind == BLUR:
        node = tree.nodes.new("CompositorNodeBlur")
        versions.set_blur_size(node, _BLUR_PX)
        return node
    if kind == GLOW:
        node = tree.nodes.new("CompositorNodeGlare")
        versions.set_glow(node, _GLOW_FROM)
        return node
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree = shadow
    return node


def _shadow_group() -> Any:
    """A node group that puts a soft, dark copy of a picture's shape under it; one for all sprites of a file."""
    group = bpy.data.node_groups.get(_SHADOW_GROUP)
    if group is not None:
        return group
    group = bpy.data.node_groups.new(_SHADOW_GROUP, "CompositorNodeTree")
    face, new, link = group.interface, group.nodes.new, group.links.new
    face.new_socket(name="Image", in_out="INPUT", socket_type="NodeSocketColor")
    for name, value in (("Right", 12.0), ("Up", -12.0), ("Strength", 0.5)):
        socket = face.new_socket(name=name, in_out="INPUT", socket_type="NodeSocketFloat")
        socket.default_value = value
    face.new_socket(name="Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    start, end = new("NodeGroupInput"), new("NodeGroupOutput")
    split, strength = new("CompositorNodeSeparateColor"), versions.compositor_math(group, "MULTIPLY")
    dark, move, blur = versions.replace_alpha(group), new("CompositorNodeTranslate"), new("CompositorNodeBlur")
    over, background, foreground = versions.alpha_over(group)
    versions.set_blur_size(blur, _BLUR_PX)
    link(start.outputs["Image"], split.inputs["Image"])
    link(split.outputs["Alpha"], strength.inputs[0])
    link(start.outputs["Strength"], strength.inputs[1])
    dark.inputs["Image"].default_value = (0, 0, 0, 1)
    link(strength.outputs[0], dark.inputs["Alpha"])
    link(dark.outputs[0], blur.inputs["Image"])
    link(blur.outputs[0], move.inputs["Image"])
    link(start.outputs["Right"], move.inputs["X"])
    link(start.outputs["Up"], move.inputs["Y"])
    link(move.outputs[0], background)
    link(start.outputs["Image"], foreground)
    link(over.outputs[0], end.inputs[0])
    for column, node in enumerate((start, split, strength, dark, blur, move, over, end)):
        node.location = (column * 200, 0)
    return group
