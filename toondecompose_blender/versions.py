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


def preview_view_layer(strip: Any, layer: Any) -> None:
    """Which view layer the Sequencer's preview of a scene strip shows: from 5.2 on a choice, before that the first one
    that is rendered."""
    if hasattr(strip, "view_layer"):
        strip.view_layer = layer
    else:
        layer.use = True


def new_strip_modifier(scene: Any, strip: Any, name: str, kind: str) -> Any:
    """A modifier on a strip of the scene. 5.0 crashes here while the workspace pins no sequencer scene."""
    workspace = bpy.context.workspace
    pinned = getattr(workspace, "sequencer_scene", scene)
    if pinned is None:
        workspace.sequencer_scene = scene
    try:
        return strip.modifiers.new(name=name, type=kind)
    finally:
        if pinned is None:
            workspace.sequencer_scene = None


# -- Properties --------------------------------------------------------------------------------------------------

# options of a path property that takes // paths; 4.2 has no word for it and takes them always
RELATIVE_PATH: set[str] = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()


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


def literal_path(path: str) -> str:
    """A path for `render.filepath` that means what it says. 5.0 made {names} in it variables."""
    return path.replace("{", "{{").replace("}", "}}") if bpy.app.version >= (5, 0, 0) else path


def blender_version_label() -> str:
    """For logs and reports."""
    return bpy.app.version_string


# -- Actions -----------------------------------------------------------------------------------------------------


def assign_action(datablock: Any, action: Any, slot: Any = None) -> None:
    """Make an action drive a data-block. From 4.4 on, nothing moves without a slot: the given, the first, or a new
    one."""
    data = datablock.animation_data_create()
    data.action = action
    if action is not None and hasattr(action, "slots"):
        data.action_slot = slot or (action.slots[0] if len(action.slots) else
                                    action.slots.new(datablock.id_type, datablock.name))


def own_action(data: Any) -> tuple[Any, Any]:
    """(action, slot) that animates a data-block by itself, not through an NLA strip. While an artist tweaks a strip
    (Tab in the NLA editor), the strip's action stands in `data.action`, and the own one is put aside."""
    if not data.use_tweak_mode:
        return data.action, getattr(data, "action_slot", None)
    action, handle = data.action_tweak_storage, getattr(data, "action_slot_handle_tweak_storage", None)
    slots = action.slots if action is not None and handle is not None else ()
    return action, next((slot for slot in slots if slot.handle == handle), None)


def curve_home(action: Any, slot: Any = None, ensure: bool = False) -> Any:
    """What has `.fcurves` and `.groups` for a slot of an action (default: its first slot): the action itself before
    4.4, the channelbag since. None if there is none and ensure is false."""
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
    """A new f-curve in a group. 4.4 to 4.5 can only be told the group afterwards, and each version names it
    otherwise."""
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
    """The colour space in which Blender computes. Pictures tagged with it keep their values and still count as
    colour, so that their alpha is associated before they are filtered ('Non-Color' data is not). 5.0 lets a file
    choose it."""
    settings = getattr(bpy.data, "colorspace", None)
    return getattr(settings, "working_space", "Linear Rec.709") if settings else "Linear Rec.709"


# -- Compositor --------------------------------------------------------------------------------------------------

_OUTPUT = "NodeGroupOutput" if "compositing_node_group" in bpy.types.Scene.bl_rna.properties else (
    "CompositorNodeComposite")


def has_compositor(scene: Any) -> bool:
    """Whether the scene is composited already. 5.0 keeps the tree in a node group that the scene points to."""
    if hasattr(scene, "compositing_node_group"):
        return scene.compositing_node_group is not None
    return bool(scene.use_nodes and scene.node_tree and scene.node_tree.nodes)


def compositor_tree(scene: Any) -> Any:
    """The scene's compositor tree, or None."""
    if hasattr(scene, "compositing_node_group"):
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def new_compositor_tree(scene: Any, name: str) -> tuple[Any, Any]:
    """An emptied compositor tree for the scene: (tree, the socket that wants the final picture)."""
    if hasattr(scene, "compositing_node_group"):
        tree = bpy.data.node_groups.new(name, "CompositorNodeTree")
        scene.compositing_node_group = tree
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
    return tree, final_socket(tree)


def own_compositor_tree(scene: Any) -> Any:
    """The scene's tree, for this scene alone. From 5.0 on scenes may share one; then this scene gets a copy."""
    tree = compositor_tree(scene)
    sharing = [s for s in bpy.data.scenes if getattr(s, "compositing_node_group", None) == tree]
    if len(sharing) > 1:
        tree = scene.compositing_node_group = tree.copy()
    return tree


def output_node(tree: Any) -> Any:
    """The node of a compositor tree that takes the final picture, or None. 5.0 made it that of a node group."""
    found = [node for node in tree.nodes if node.bl_idname == _OUTPUT]
    return next((node for node in found if getattr(node, "is_active_output", False)), found[0] if found else None)


def final_socket(tree: Any) -> Any:
    """The socket of a compositor tree that wants the final picture; what is missing of it is made."""
    if _OUTPUT == "NodeGroupOutput" and not any(item.item_type == "SOCKET" and item.in_out == "OUTPUT"
                                                for item in tree.interface.items_tree):
        tree.interface.new_socket(name="Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    return (output_node(tree) or tree.nodes.new(_OUTPUT)).inputs[0]


def set_compositor_tree(scene: Any, tree: Any) -> None:
    """Undo new_compositor_tree() and own_compositor_tree(): give the scene back what compositor_tree() gave before. A
    data-block that was made is not removed."""
    if hasattr(scene, "compositing_node_group"):
        scene.compositing_node_group = tree
    elif tree is None and scene.node_tree:
        scene.node_tree.nodes.clear()
        scene.use_nodes = False


def alpha_over(tree: Any) -> tuple[Any, Any, Any]:
    """A new alpha-over node: (node, background socket, foreground socket). 5.0 renamed and reordered its sockets."""
    node = tree.nodes.new("CompositorNodeAlphaOver")
    if "Background" in node.inputs:
        return node, node.inputs["Background"], node.inputs["Foreground"]
    return node, node.inputs[1], node.inputs[2]


def set_blur_size(node: Any, size_px: float) -> None:
    """A blur node's radius, px. Properties until 4.4, a vector socket since."""
    if node.inputs["Size"].type == "VECTOR":
        node.inputs["Size"].default_value[0] = node.inputs["Size"].default_value[1] = size_px
    else:
        node.size_x = node.size_y = int(size_px)


def set_glow(node: Any, threshold: float) -> None:
    """Make a glare node a soft glow. Properties until 4.4, sockets since (a menu in 5.0)."""
    kinds = ("Bloom", "BLOOM", "FOG_GLOW")
    if "Type" in node.inputs:
        node.inputs["Type"].default_value = kinds[0]
    else:
        known = {item.identifier for item in node.bl_rna.properties["glare_type"].enum_items}
        node.glare_type = kinds[1] if kinds[1] in known else kinds[2]
    if "Threshold" in node.inputs:
        node.inputs["Threshold"].default_value = threshold
    else:
        node.threshold = threshold


def replace_alpha(tree: Any) -> Any:
    """A set-alpha node that replaces the alpha (a menu socket in 5.0)."""
    node = tree.nodes.new("CompositorNodeSetAlpha")
    if "Type" in node.inputs:
        node.inputs["Type"].default_value = "Replace Alpha"
    else:
        node.mode = "REPLACE_ALPHA"
    return node


def compositor_math(tree: Any, operation: str) -> Any:
    """A math node in a compositor tree. 5.0 removed the compositor's own; 4.2 does not allow the shared one."""
    kind = "ShaderNodeMath" if "compositing_node_group" in bpy.types.Scene.bl_rna.properties else "CompositorNodeMath"
    node = tree.nodes.new(kind)
    node.operation = operation
    return node


# -- Annotations -------------------------------------------------------------------------------------------------


def annotation_of(owner: Any) -> Any:
    """The annotation of a scene or of an editor's space, or None. Until 4.5 it was called grease pencil."""
    return getattr(owner, "annotation", None) or getattr(owner, "grease_pencil", None)


def new_annotation(owner: Any, name: str) -> Any:
    """An empty annotation for a scene or an editor's space."""
    known = "annotations" if hasattr(bpy.data, "annotations") else "grease_pencils"
    data = getattr(bpy.data, known).new(name)
    set_annotation(owner, data)
    return data


def set_annotation(owner: Any, data: Any) -> None:
    """Give a scene or an editor's space an annotation."""
    setattr(owner, "annotation" if hasattr(owner, "annotation") else "grease_pencil", data)


def stroke_mode(stroke: Any, usual: str) -> str:
    """Which coordinates an annotation stroke has ('2DSPACE', '3DSPACE', 'SCREEN'). 4.3 to 5.1 do not say; there it is
    what is usual in its editor."""
    return getattr(stroke, "display_mode", usual)
