"""A sprite's material: its drawings as an image sequence that shows whatever drawing number is keyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .. import versions
from .channels import DRAWING, OPACITY

_LONG_AGO = -1_000_000  # before any frame of any scene: before its start, a sequence asks for the file before its first
TEXTURE, OPACITY_NODE = "Drawing", "Opacity"


def load_drawings(first_file: str | Path, name: str, colour: str) -> Any:
    """The numbered drawings of a folder as one image sequence. colour: 'RAW' keeps the files' values, 'STANDARD'
    reads sRGB.

    'RAW' uses the scene-linear space, not Non-Color: data pictures are filtered with straight alpha, which bleeds
    colours over soft edges wherever a drawing lies between pixels (measured: up to 41 of 255; so: 0.5).
    """
    image = bpy.data.images.load(str(first_file))
    image.name = name
    image.source = "SEQUENCE"
    image.alpha_mode = "STRAIGHT"
    image.colorspace_settings.name = versions.scene_linear_name() if colour == "RAW" else "sRGB"
    return image


def new_material(sprite: Any, image: Any, first_number: int, depth: int = 8) -> Any:
    """Emission of the exposed drawing, mixed with transparency by its alpha times the sprite's opacity.

    first_number: number in the file name of drawing 1. depth: bits per channel of the drawings' files.
    """
    material = bpy.data.materials.new(sprite.name)
    tree = versions.enable_material_nodes(material)
    new, link = tree.nodes.new, tree.links.new
    texture = new("ShaderNodeTexImage")
    texture.name = texture.label = TEXTURE
    texture.image = image
    texture.interpolation = "Linear"
    texture.extension = "EXTEND"  # a plate's border stays opaque when it lies between pixels
    user = texture.image_user
    # with a single frame, the file's number is 1 + frame_offset at any scene frame after the sequence's start
    user.frame_duration, user.frame_start = 1, _LONG_AGO
    user.use_cyclic, user.use_auto_refresh = False, True
    opacity = new("ShaderNodeValue")
    opacity.name = opacity.label = OPACITY_NODE
    multiply = new("ShaderNodeMath")
    multiply.operation = "MULTIPLY"
    emission, clear, mix = new("ShaderNodeEmission"), new("ShaderNodeBsdfTransparent"), new("ShaderNodeMixShader")
    output = new("ShaderNodeOutputMaterial")
    link(_unbiased(tree, texture) if depth <= 8 else texture.outputs["Color"], emission.inputs["Color"])
    link(texture.outputs["Alpha"], multiply.inputs[0])
    link(opacity.outputs[0], multiply.inputs[1])
    link(multiply.outputs[0], mix.inputs[0])
    link(clear.outputs[0], mix.inputs[1])
    link(emission.outputs[0], mix.inputs[2])
    link(mix.outputs[0], output.inputs["Surface"])
    for node, place in ((texture, (-600, 100)), (opacity, (-520, -220)), (multiply, (-280, -60)),
                        (emission, (-280, 160)), (clear, (-280, 280)), (mix, (-60, 140)), (output, (140, 140))):
        node.location = place
    drive(material, sprite, first_number)
    if hasattr(material, "surface_render_method"):
        material.surface_render_method = "BLENDED"  # EEVEE's viewport: soft alpha without dithering
    material.use_backface_culling = False
    return material


def _unbiased(tree: Any, texture: Any) -> Any:
    """The texture's colour with the average rounding error of soft pixels given back.

    Cycles' file reader multiplies 8-bit colour by alpha and always rounds down: half a step of 255 too dark on average
    wherever alpha is soft, and a whole step where two soft sprites overlap. 16-bit files, which the engine writes for
    whatever is soft, lose nothing that shows. Returns the colour socket.
    """
    frame = tree.nodes.new("NodeFrame")
    frame.label = "Soft alpha: undo rounding down"
    share, soft, step = (tree.nodes.new("ShaderNodeMath") for _ in range(3))
    add = tree.nodes.new("ShaderNodeVectorMath")
    share.operation, soft.operation, step.operation, add.operation = "DIVIDE", "LESS_THAN", "MULTIPLY", "ADD"
    share.inputs[0].default_value = 0.5 / 255
    soft.inputs[1].default_value = 1 - 0.5 / 255
    link = tree.links.new
    link(texture.outputs["Alpha"], share.inputs[1])  # 0 where alpha is 0: Blender divides safely
    link(texture.outputs["Alpha"], soft.inputs[0])
    link(share.outputs[0], step.inputs[0])
    link(soft.outputs[0], step.inputs[1])
    link(texture.outputs["Color"], add.inputs[0])
    link(step.outputs[0], add.inputs[1])
    for node, place in ((share, (-900, 480)), (soft, (-900, 660)), (step, (-700, 560)), (add, (-500, 480))):
        node.parent = frame
        node.location = place
    return add.outputs[0]


def drive(material: Any, sprite: Any, first_number: int) -> None:
    """(Re)make the material follow a sprite's drawing number and opacity. Simple expressions: Blender runs them without
    permission for scripts, so a .blend file works wherever it is opened."""
    texture, opacity = material.node_tree.nodes[TEXTURE], material.node_tree.nodes[OPACITY_NODE]
    drive_value(texture.image_user, "frame_offset", f"max(f, 1) + {first_number - 2}", {"f": DRAWING}, sprite)
    drive_value(opacity.outputs[0], "default_value", "op if f > 0.5 else 0", {"op": OPACITY, "f": DRAWING}, sprite)


def drive_value(owner: Any, name: str, expression: str, variables: dict[str, str], source: Any) -> None:
    """Drive owner.name by an expression of a source object's properties (variable name -> data path)."""
    owner.driver_remove(name)
    driver = owner.driver_add(name).driver
    driver.type = "SCRIPTED"
    for variable_name, path in variables.items():
        variable = driver.variables.new()
        variable.name = variable_name
        variable.targets[0].id = source
        variable.targets[0].data_path = path
    driver.expression = expression
