"""A result in a real window: its strips, drawings, exposure sheet, a time curve, the compositor, back to the Sequencer.

    blender --factory-startup --python tests/gui/walk.py -- ZIP RESULT FRAMES PICTURES SPRITE [PLANE]

SPRITE is the name of the sprite that is slowed down, PLANE that of the layer that is blurred. No backend is needed:
`toondecompose place RESULT --out RESULT/placed` has placed the frames before.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
import steps

MODULE = "bl_ext.user_default.toondecompose"
# time for EEVEE to compile its shaders on a software renderer, s
_COMPILING = 45.0


def module(name: str):
    return importlib.import_module(f"{MODULE}.{name}")


def timeline():
    """The Sequencer's area with the strips."""
    return max((a for a in steps.window().screen.areas if a.type == "SEQUENCE_EDITOR"
                and a.spaces.active.view_type != "PREVIEW"), key=lambda a: a.width)


def in_the_sequencer(scene, pictures: Path, name: str):
    """Every sprite as a strip, one shown alone; afterwards the strips are taken away again."""
    area = timeline()
    yield from steps.raise_area(area, 160)
    steps.mouse_away()
    yield from steps.side_bar(area, "ToonDecompose")
    sprites = scene.toondecompose.results[0].sprites
    with steps.override(area):
        print("GUI: strips", bpy.ops.toondecompose.add_to_sequencer(), flush=True)
        bpy.ops.toondecompose.solo_sprite(index=len(sprites) - 1 - sprites.find(name))
        bpy.ops.sequencer.view_all()
    yield 5.0
    steps.shot(pictures, "sequencer")
    strips = scene.sequence_editor.strips
    for strip in list(strips):
        if module("strips").is_sprite(strip):
            strips.remove(strip)
        else:
            strip.mute = False


def walk():
    zip_file, result, frames, pictures = (Path(a) for a in steps.arguments()[:4])
    name = steps.arguments()[4]
    plane_name = steps.arguments()[5] if len(steps.arguments()) > 5 else ""
    bpy.context.preferences.view.show_splash = False
    bpy.ops.extensions.package_install_files(filepath=str(zip_file), repo="user_default", enable_on_install=True)
    folder, files = steps.film(frames, "walk")
    shutil.copytree(result, folder / "result")
    result = folder / "result"
    yield 1.0

    scene = bpy.context.scene
    steps.add_shot(scene, files, 1)
    scene.render.resolution_x, scene.render.resolution_y = module("pictures").picture_size(files[0])
    scene.frame_end, scene.view_settings.view_transform = len(files), "Standard"
    origin = module("session.run").Origin(scene.name, scene.session_uid, "street", 1)
    module("results").remember(scene, result, origin)
    middle = len(files) // 2

    steps.video_editing()
    yield 2.0
    steps.no_file_browser()
    bpy.context.workspace.sequencer_scene = scene
    scene.frame_set(middle)
    yield from in_the_sequencer(scene, pictures, name)
    steps.window().workspace = bpy.data.workspaces["Layout"]
    yield 1.0
    with bpy.context.temp_override(window=steps.window()):
        bpy.ops.toondecompose.import_result(filepath=str(result / "result.json"))
    imported = next(other for other in bpy.data.scenes if other != scene)
    imported.frame_set(middle)
    sprite = imported.objects[name]
    yield 1.0

    steps.window().workspace = bpy.data.workspaces["Animation"]
    yield 1.0
    steps.window().scene = imported
    for other in imported.objects:
        other.select_set(other == sprite)
    imported.view_layers[0].objects.active = sprite
    views = sorted((a for a in steps.window().screen.areas if a.type == "VIEW_3D"), key=lambda a: a.x)
    for view in views:
        view.spaces.active.region_3d.view_perspective = "CAMERA"
        view.spaces.active.shading.type = "MATERIAL"
        view.spaces.active.overlay.show_relationship_lines = False
        with steps.override(view):
            bpy.ops.view3d.view_center_camera()
    steps.mouse_away()
    yield _COMPILING
    yield from steps.side_bar(views[-1], "Sprite")
    sheet = steps.area_of("DOPESHEET_EDITOR")
    with steps.override(sheet):
        bpy.ops.anim.channels_select_all(action="SELECT")
        for _ in range(3):
            bpy.ops.anim.channels_expand(all=False)
        bpy.ops.action.view_all()
    yield 5.0
    steps.shot(pictures, "drawings")

    with steps.override(views[-1]):
        bpy.ops.toondecompose.retime_curve()
        imported.frame_set(middle)
        bpy.ops.toondecompose.retime_key(frame=middle / 2)
    sheet.ui_type = "FCURVES"
    yield 1.0
    with steps.override(sheet):
        bpy.ops.graph.view_all()
    yield 5.0
    steps.shot(pictures, "time_curve")

    steps.window().workspace = bpy.data.workspaces["Compositing"]
    yield 1.0
    steps.window().scene = imported
    compositor = module("scene.compositor")
    tree = module("versions").compositor_tree(imported)
    if plane_name:
        compositor.find(tree, compositor.BLUR, plane_name).mute = False
    yield 2.0
    bpy.context.preferences.view.render_display_type = "NONE"
    bpy.ops.render.render("INVOKE_DEFAULT", scene=imported.name)
    yield 25.0
    picture = steps.area_of("IMAGE_EDITOR")
    picture.spaces.active.image = bpy.data.images["Render Result"]
    nodes = steps.area_of("NODE_EDITOR")
    nodes.spaces.active.show_region_ui = False
    nodes.spaces.active.show_region_asset_shelf = False
    yield 1.0
    with steps.override(picture):
        bpy.ops.image.view_all(fit_view=True)
    for node in tree.nodes:
        node.select = node.name.endswith((f": {name}", f": {plane_name}"))
    with steps.override(nodes):
        bpy.ops.node.view_selected()
    yield 2.0
    steps.shot(pictures, "compositor")

    steps.window().scene = scene
    steps.window().workspace = bpy.data.workspaces["Video Editing"]
    yield 2.0
    scene.frame_set(middle)
    area = timeline()
    with steps.override(area):
        print("GUI: replace", bpy.ops.toondecompose.replace_source(), flush=True)
        bpy.ops.sequencer.view_all()
    steps.mouse_away()
    yield 20.0
    steps.shot(pictures, "replaced")


steps.run(walk)
