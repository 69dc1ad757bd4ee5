"""The compositor tree of a clip: sprites over one another in order, each in a frame with its effect slots.

Every slot is prepared but muted, and muted nodes change nothing, so that the chain equals the direct render exactly.
Muting a sprite's alpha-over hides the sprite: the picture behind passes through.
"""

from __future__ import annotations

from typing import Any

import bpy

from .. import versions

COLOUR, BLUR, GLOW, SHADOW, OVER = "Colour", "Blur", "Glow", "Shadow", "Over"
FRAME, LAYER = "Frame", "Layer"
_SHADOW_GROUP = "Sprite Shadow"
_NAME_BYTES = 63  # longest name that Blender keeps
_ROW, _COLUMN = 420, 270  # height of one sprite's frame in the node editor, width of a node in it
_LENGTH = 5  # nodes of a sprite before its alpha-over
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
    below = _nothing(tree, (4 * _COLUMN, 200))
    tree.links.new(_stack(tree, sprites, source, below, (0, 0)), final)
    final.node.location = (6 * _COLUMN + 160, -max(0, len(sprites) - 1) * _ROW)
    return tree


def append(scene: Any, name: str, sprites: list[str], source: Any) -> Any:
    """Composite the sprites over what the scene's own tree shows, below its nodes, in a frame with the clip's name.

    Of what is there only the last link is touched: it now runs through the sprites.
    """
    tree = versions.own_compositor_tree(scene)
    places = [_place(node) for node in tree.nodes]
    left, low = min(x for x, _ in places), min(y for _, y in places) - _ROW
    old = set(tree.nodes)
    final = versions.final_socket(tree)
    shown = final.links[0].from_socket if final.is_linked else _nothing(tree, (left + 4 * _COLUMN, low + 200))
    tree.links.new(_stack(tree, sprites, source, shown, (left, low)), final)
    clip = tree.nodes.new("NodeFrame")
    clip.name = clip.label = name
    for node in tree.nodes:
        if node not in old and node not in (clip, final.node) and node.parent is None:
            node.parent = clip
    return tree


def show_layer(scene: Any, layer: Any) -> Any:
    """A new tree that shows a view layer, as a scene without a tree does."""
    tree, final = versions.new_compositor_tree(scene, scene.name)
    node = tree.nodes.new("CompositorNodeRLayers")
    node.scene, node.layer = scene, layer.name
    tree.links.new(node.outputs["Image"], final)
    final.node.location = (6 * _COLUMN + 160, 0)
    return tree


def take_back(scene: Any, tree: Any, nodes: set[Any], shown: Any) -> None:
    """Undo append(): remove the nodes that were not among `nodes`, and link the socket `shown` to the end again."""
    if tree is None:
        return
    for node in [node for node in tree.nodes if node not in nodes]:
        tree.nodes.remove(node)
    if shown is not None:
        tree.links.new(shown, versions.final_socket(tree))


def shown_socket(tree: Any) -> Any:
    """The socket whose picture a tree shows, or None."""
    node = versions.output_node(tree) if tree is not None else None
    linked = node is not None and len(node.inputs) and node.inputs[0].is_linked
    return node.inputs[0].links[0].from_socket if linked else None


def _place(node: Any) -> tuple[float, float]:
    """A node's place in the editor; within a frame, nodes count from the frame's."""
    x, y = node.location
    if node.parent:
        px, py = _place(node.parent)
        return x + px, y + py
    return x, y


def _nothing(tree: Any, place: tuple[float, float]) -> Any:
    nothing = tree.nodes.new("CompositorNodeRGB")
    nothing.label = "Nothing Behind"  # linked, because a muted node passes on a linked input before an unlinked one
    nothing.outputs[0].default_value = (0, 0, 0, 0)
    nothing.location = place
    return nothing.outputs[0]


def _stack(tree: Any, sprites: list[str], source: Any, below: Any, corner: tuple[float, float]) -> Any:
    """All sprites over the picture `below`, a row each. Returns the socket of the picture with them."""
    shadow = _shadow_group()
    for row, sprite in enumerate(sprites):
        below = _chain(tree, sprite, source, shadow, below, (corner[0], corner[1] - row * _ROW))
    return below


def _chain(tree: Any, sprite: str, source: Any, shadow: Any, below: Any, corner: tuple[float, float]) -> Any:
    """One sprite's frame of nodes over the picture `below`. Returns the socket of the picture with it."""
    frame = tree.nodes.new("NodeFrame")
    frame.name = node_name(FRAME, sprite)
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
        member.location = (corner[0] + column * _COLUMN, corner[1])
    return over.outputs[0]


def insert_above(tree: Any, under: str, sprite: str, source: Any) -> None:
    """Put another sprite's nodes directly in front of a sprite that is in the tree."""
    model = find(tree, OVER, under)
    targets = [link.to_socket for link in model.outputs[0].links]
    # half a row lower than its model, because every row is taken
    x, y = _place(model)
    above = _chain(tree, sprite, source, _shadow_group(), model.outputs[0], (x - _LENGTH * _COLUMN, y - _ROW / 2))
    for target in targets:
        tree.links.new(above, target)


def render_layer(scene: Any, layers: dict[str, str]) -> Any:
    """A source for build(): the sprites' view layers (sprite name -> view layer name)."""
    def source(tree: Any, sprite: str) -> tuple[Any, Any]:
        node = tree.nodes.new("CompositorNodeRLayers")
        node.scene, node.layer = scene, layers[sprite]
        node.name = node_name(LAYER, sprite)
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
